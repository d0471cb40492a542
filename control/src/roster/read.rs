//! Reading a roster: as much as there is of it, whatever has happened to it.

use std::fs::File;
use std::io;
use std::io::BufReader;
use std::io::Read;
use std::net::Ipv6Addr;
use std::path::Path;

use thiserror::Error;

use super::Peers;
use super::record::Mark;
use super::record::OCTETS;
use super::record::Record;
use super::record::VERSION;

/// What a roster says of the lease store; cheap, for every start.
#[derive(Debug, Default)]
pub struct Glance {
    /// Where the store was, if that can be read.
    pub mark: Option<Mark>,
    /// Records of peers, at most; 0 when there is no roster.
    pub records: u64,
    /// What is wrong with the file.
    pub trouble: Option<RosterError>,
}

/// All that can be read of a roster.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Those who had leases, in the order in which they were written; some may be there again and again.
    pub peers: Peers,
    /// Records that are damaged.
    pub damaged: u64,
    /// Why there is no more.
    pub trouble: Option<RosterError>,
}

/// Why a roster cannot be read.
#[derive(Debug, Error)]
pub enum RosterError {
    /// The system does not let us.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is of another version of the format.
    #[error("is of version {0}, which this program does not know")]
    Version(u32),
    /// It does not begin like a roster, or like one with a damaged beginning.
    #[error("its beginning is damaged")]
    Header,
}

/// Looks at the beginning of the roster at `path`; one that is not there is empty.
#[must_use]
pub fn glance(path: &Path) -> Glance {
    let mut glance = Glance::default();
    let looked = Records::open(path).and_then(|records| match records {
        Some(records) => look(records, &mut glance),
        None => Ok(()),
    });
    glance.trouble = looked.err();
    glance
}

fn look(mut records: Records, glance: &mut Glance) -> Result<(), RosterError> {
    glance.records = records.octets.saturating_sub(BEGINNING) / OCTETS as u64;
    let header = records.next()?;
    let mut serials = 0;
    for _ in 0..MARKS {
        if let Some(Found::Record(Record::Mark { serial, mark })) = records.next()?
            && serial > serials
        {
            (serials, glance.mark) = (serial, Some(mark));
        }
    }
    match header {
        Some(Found::Record(Record::Header { version: VERSION })) | None => Ok(()),
        Some(Found::Record(Record::Header { version })) => {
            (glance.mark, glance.records) = (None, 0);
            Err(RosterError::Version(version))
        }
        // What follows has checksums of its own.
        Some(_) => Err(RosterError::Header),
    }
}

/// Reads the roster at `path`; one that is not there is empty.
#[must_use]
pub fn load(path: &Path) -> Loaded {
    let mut loaded = Loaded::default();
    let (mut brs, mut peers) = (Vec::new(), Vec::new());
    let read = Records::open(path).and_then(|records| match records {
        Some(mut records) => {
            while let Some(found) = records.next()? {
                match found {
                    Found::Record(Record::Header { version }) if version != VERSION => {
                        return Err(RosterError::Version(version));
                    }
                    Found::Record(Record::Peer(peer)) if peers.len() < MOST_PEERS => {
                        peers.push(peer);
                    }
                    Found::Record(Record::Br { number, address }) => {
                        let place = usize::from(number);
                        if brs.len() <= place {
                            brs.resize(place + 1, Ipv6Addr::UNSPECIFIED);
                        }
                        brs[place] = address;
                    }
                    Found::Record(_) | Found::Nothing => {}
                    Found::Damage => loaded.damaged += 1,
                }
            }
            Ok(())
        }
        None => Ok(()),
    });
    loaded.trouble = read.err();
    // A peer whose BR address is lost cannot be told anything.
    let all = peers.len();
    peers.retain(|peer| {
        let br = brs.get(usize::from(peer.br));
        br.is_some_and(|br| *br != Ipv6Addr::UNSPECIFIED)
    });
    loaded.damaged += (all - peers.len()) as u64;
    loaded.peers = Peers::from_parts(brs, peers);
    loaded
}

/// A file's records, one after the other.
struct Records {
    file: BufReader<File>,
    octets: u64,
}

/// What is in the place of a record.
enum Found {
    Record(Record),
    /// Zeros: room for a mark, or what a power failure left of an end.
    Nothing,
    Damage,
}

impl Records {
    fn open(path: &Path) -> Result<Option<Self>, RosterError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let octets = file.metadata()?.len();
        let file = BufReader::with_capacity(1 << 18, file);
        Ok(Some(Self { file, octets }))
    }

    /// `None` at the end. A record that was not finished is the end.
    fn next(&mut self) -> Result<Option<Found>, RosterError> {
        let mut octets = [0; OCTETS];
        match self.file.read_exact(&mut octets) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        Ok(Some(if octets == [0; OCTETS] {
            Found::Nothing
        } else {
            Record::decode(&octets).map_or(Found::Damage, Found::Record)
        }))
    }
}

/// Places for marks behind the header.
pub(super) const MARKS: u64 = 2;
/// Octets before the first peer.
pub(super) const BEGINNING: u64 = (1 + MARKS) * OCTETS as u64;
/// As many as are read: a file that grew beyond all pools would otherwise take all memory.
const MOST_PEERS: usize = 1 << 24;
