//! A directory of a file system, which one process has at a time.
//!
//! Room is reserved with `fallocate`. File systems that never write in place, such as btrfs and ZFS, promise
//! little by it; ext4 and XFS keep the promise.

use std::ffi::OsString;
use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::FallocateFlags;

use super::Disk;
use super::DiskFile;
use super::UNFINISHED;

/// A directory that nobody else uses while this lives.
#[derive(Debug)]
pub struct RealDisk {
    directory: PathBuf,
    /// Locked; the system lets go of it when the process ends in whatever way.
    _lock: File,
}

impl RealDisk {
    /// Takes a directory, which is made if there is none.
    ///
    /// # Errors
    /// When another process has it ([`io::ErrorKind::WouldBlock`]), or the system refuses.
    pub fn take(directory: &Path) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o750)
            .create(directory)?;
        let lock = options().open(directory.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::from(io::ErrorKind::WouldBlock),
            TryLockError::Error(error) => error,
        })?;
        Ok(Self {
            directory: directory.to_owned(),
            _lock: lock,
        })
    }

    fn new_folder(&self, name: &str) -> io::Result<PathBuf> {
        let folder = self.directory.join(name);
        DirBuilder::new().mode(0o750).create(&folder)?;
        Ok(folder)
    }

    /// The files that belong to the store; other folders and the lock do not.
    fn files(&self) -> io::Result<Vec<OsString>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            if entry.file_type()?.is_file() && entry.file_name() != LOCK {
                files.push(entry.file_name());
            }
        }
        Ok(files)
    }
}

impl Disk for RealDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.directory)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(RealFile(
            options().open(self.directory.join(name))?,
        )))
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.directory.join(name))
    }

    fn copy_to(&self, folder: &str) -> io::Result<()> {
        let to = self.new_folder(folder)?;
        for name in self.files()? {
            fs::copy(self.directory.join(&name), to.join(&name))?;
            File::open(to.join(&name))?.sync_all()?;
        }
        File::open(&to)?.sync_all()?;
        self.sync_names()
    }

    fn move_to(&self, folder: &str) -> io::Result<()> {
        let to = self.new_folder(folder)?;
        for name in self.files()? {
            if name == UNFINISHED {
                continue;
            }
            fs::rename(self.directory.join(&name), to.join(&name))?;
        }
        File::open(&to)?.sync_all()?;
        self.sync_names()
    }
}

struct RealFile(File);

impl DiskFile for RealFile {
    fn octets(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match self.0.read_at(&mut buffer[done..], at + done as u64) {
                Ok(0) => break,
                Ok(more) => done += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&self, octets: &[u8], at: u64) -> io::Result<()> {
        self.0.write_all_at(octets, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn reserve(&self, octets: u64) -> io::Result<()> {
        Ok(rustix::fs::fallocate(
            &self.0,
            FallocateFlags::empty(),
            0,
            octets,
        )?)
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o640);
    options
}

const LOCK: &str = "lock";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_user_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        let disk = RealDisk::take(&path).unwrap();
        let refused = RealDisk::take(&path).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        drop(disk);
        RealDisk::take(&path).unwrap();
    }

    #[test]
    fn a_file_is_read_as_far_as_it_goes() {
        let directory = tempfile::tempdir().unwrap();
        let disk = RealDisk::take(directory.path()).unwrap();
        let file = disk.open("file").unwrap();
        file.reserve(10).unwrap();
        file.write_at(b"abc", 6).unwrap();
        let mut buffer = [1; 8];
        assert_eq!(file.read_at(&mut buffer, 5).unwrap(), 5);
        assert_eq!(&buffer, b"\0abc\0\x01\x01\x01");
        assert_eq!(file.octets().unwrap(), 10);
        assert!(disk.list().unwrap().contains(&"file".to_owned()));
    }
}
