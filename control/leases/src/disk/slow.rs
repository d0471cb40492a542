//! A disk that is slower than this machine's, for measurements.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::Disk;
use super::DiskFile;

/// A disk whose syncs take longer, each by itself: those that wait at the same time wait together.
pub struct SlowDisk {
    disk: Arc<dyn Disk>,
    delay: Duration,
}

impl SlowDisk {
    /// `disk` with syncs that take longer by `delay`.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, delay: Duration) -> Self {
        Self { disk, delay }
    }
}

impl Disk for SlowDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(SlowFile {
            file: self.disk.open(name)?,
            delay: self.delay,
        }))
    }

    fn sync_names(&self) -> io::Result<()> {
        self.disk.sync_names()?;
        thread::sleep(self.delay);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn copy_to(&self, folder: &str) -> io::Result<()> {
        self.disk.copy_to(folder)
    }

    fn move_to(&self, folder: &str) -> io::Result<()> {
        self.disk.move_to(folder)
    }
}

struct SlowFile {
    file: Arc<dyn DiskFile>,
    delay: Duration,
}

impl DiskFile for SlowFile {
    fn octets(&self) -> io::Result<u64> {
        self.file.octets()
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read_at(buffer, at)
    }

    fn write_at(&self, octets: &[u8], at: u64) -> io::Result<()> {
        self.file.write_at(octets, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()?;
        thread::sleep(self.delay);
        Ok(())
    }

    fn reserve(&self, octets: u64) -> io::Result<()> {
        self.file.reserve(octets)
    }
}
