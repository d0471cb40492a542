//! Writing a roster: what is new is appended, and all of it is written anew into a file beside it that
//! takes its place.

use std::collections::HashMap;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::net::Ipv6Addr;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use super::Peer;
use super::peer::Packed;
use super::read::BEGINNING;
use super::read::MARKS;
use super::record::Mark;
use super::record::OCTETS;
use super::record::Record;
use super::record::VERSION;

/// A roster that is kept. Until it has been written anew for the first time, the file of the last run stays
/// as it is.
#[derive(Debug)]
pub struct Roster {
    path: PathBuf,
    current: Option<Generation>,
    next: Option<Generation>,
    /// Where the store is, once that is known.
    mark: Option<Mark>,
}

impl Roster {
    /// A roster at `path`, which is not touched yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            current: None,
            next: None,
            mark: None,
        }
    }

    /// Begins to write all of it anew: [`Self::rewrite`] everything, then [`Self::replace`].
    ///
    /// # Errors
    /// When no file can be made.
    pub fn begin(&mut self) -> io::Result<()> {
        self.next = None;
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        self.next = Some(Generation::create(&self.aside())?);
        Ok(())
    }

    /// Writes some of what there is into the new file.
    ///
    /// # Errors
    /// When it cannot be written. The new file is given up then.
    pub fn rewrite(&mut self, peers: &[Peer]) -> io::Result<()> {
        let Some(next) = &mut self.next else {
            return Ok(());
        };
        let written = next.append(peers);
        if written.is_err() {
            self.next = None;
        }
        written
    }

    /// Puts the new file, which has everything now, in the place of the old one.
    ///
    /// # Errors
    /// When it cannot; the old one stays then.
    pub fn replace(&mut self) -> io::Result<()> {
        let Some(mut next) = self.next.take() else {
            return Ok(());
        };
        if let Some(mark) = self.mark {
            next.mark(mark)?;
        }
        next.file.sync_all()?;
        fs::rename(self.aside(), &self.path)?;
        if let Some(folder) = self.path.parent() {
            let folder = if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            };
            File::open(folder)?.sync_all()?;
        }
        self.current = Some(next);
        Ok(())
    }

    /// Adds what has happened.
    ///
    /// # Errors
    /// When it cannot be written; all of it must be written anew then.
    pub fn add(&mut self, peers: &[Peer]) -> io::Result<()> {
        for place in [&mut self.current, &mut self.next] {
            if let Some(generation) = place
                && let Err(error) = generation.append(peers)
            {
                // It lacks somebody from now on. What is on disk stays, for it is better than nothing.
                *place = None;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Notes where the lease store is. What was added before is at least as new.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn mark(&mut self, mark: Mark) -> io::Result<()> {
        if self.mark == Some(mark) {
            return Ok(());
        }
        self.mark = Some(mark);
        match &mut self.current {
            Some(current) => current.mark(mark),
            None => Ok(()),
        }
    }

    /// Makes durable what was written.
    ///
    /// # Errors
    /// When it may not be.
    pub fn sync(&self) -> io::Result<()> {
        match &self.current {
            Some(current) => current.file.sync_data(),
            None => Ok(()),
        }
    }

    /// Whether there is a file with everything in it.
    #[must_use]
    pub const fn is_kept(&self) -> bool {
        self.current.is_some()
    }

    fn aside(&self) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".next");
        name.into()
    }
}

/// One file.
#[derive(Debug)]
struct Generation {
    file: File,
    /// Where the next record goes.
    at: u64,
    brs: HashMap<Ipv6Addr, u16>,
    serial: u64,
    buffer: Vec<u8>,
}

impl Generation {
    fn create(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(MODE);
        let file = options.open(path)?;
        let header = Record::Header { version: VERSION };
        file.write_all_at(&header.encode(), 0)?;
        Ok(Self {
            file,
            at: BEGINNING,
            brs: HashMap::new(),
            serial: 0,
            buffer: Vec::new(),
        })
    }

    fn append(&mut self, peers: &[Peer]) -> io::Result<()> {
        self.buffer.clear();
        for peer in peers {
            let Some(br) = self.br(peer.br) else {
                continue;
            };
            let record = Record::Peer(Packed::new(peer, br));
            self.buffer.extend(record.encode());
        }
        self.file.write_all_at(&self.buffer, self.at)?;
        self.at += self.buffer.len() as u64;
        Ok(())
    }

    /// The number of a BR address, which is written before the first peer that has it.
    fn br(&mut self, address: Ipv6Addr) -> Option<u16> {
        if let Some(number) = self.brs.get(&address) {
            return Some(*number);
        }
        let number = u16::try_from(self.brs.len()).ok()?;
        self.brs.insert(address, number);
        let record = Record::Br { number, address };
        self.buffer.extend(record.encode());
        Some(number)
    }

    /// Writes a mark over the older of the two, so that one is whole whatever happens.
    fn mark(&mut self, mark: Mark) -> io::Result<()> {
        self.serial += 1;
        let serial = self.serial;
        let place = 1 + serial % MARKS;
        let record = Record::Mark { serial, mark };
        self.file
            .write_all_at(&record.encode(), place * OCTETS as u64)
    }
}

/// As the lease store's files: the addresses of subscribers are nobody's business.
const MODE: u32 = 0o640;
