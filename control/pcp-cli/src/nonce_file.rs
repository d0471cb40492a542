//! The nonce of a mapping in a file, so that a later run can refresh and delete what this one asks for
//! (RFC 6887 s11.2; C-03).
//!
//! Invariant: the file is there with the whole nonce or not at all, and only its owner may read it. Of two
//! runs that make it at once one wins, and both use its nonce.

use std::fs;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;

use pcp::wire::Nonce;

use crate::error::Error;

/// The nonce of the file.
pub(crate) fn read(path: &Path) -> Result<Nonce, Error> {
    let text = read_owned(path)?;
    text.trim().parse().map_err(|error| Error::NotANonce {
        path: path.to_owned(),
        error,
    })
}

/// The nonce of the file, which gets a new one if it is not there.
pub(crate) fn read_or_make(path: &Path) -> Result<Nonce, Error> {
    match read(path) {
        Err(Error::NonceFile { error, .. }) if error.kind() == io::ErrorKind::NotFound => {}
        result => return result,
    }
    let nonce = random()?;
    let failed = |error| Error::NonceFile {
        path: path.to_owned(),
        error,
    };
    match make(path, nonce) {
        Ok(()) => Ok(nonce),
        // Somebody else was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(failed(error)),
    }
}

/// A nonce that nobody can guess (PC-102).
pub(crate) fn random() -> Result<Nonce, Error> {
    let mut octets = [0; 12];
    fs::File::open(RANDOM)
        .and_then(|mut file| file.read_exact(&mut octets))
        .map_err(|error| Error::Random {
            path: RANDOM,
            error,
        })?;
    Ok(Nonce::new(octets))
}

fn read_owned(path: &Path) -> Result<String, Error> {
    let failed = |error| Error::NonceFile {
        path: path.to_owned(),
        error,
    };
    let file = fs::File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Error::NonceFileIsOpen {
            path: path.to_owned(),
            mode,
        });
    }
    let mut text = String::new();
    file.take(LONGEST)
        .read_to_string(&mut text)
        .map_err(failed)?;
    Ok(text)
}

/// Writes the nonce beside the file and links it there, which fails if there is one.
fn make(path: &Path, nonce: Nonce) -> io::Result<()> {
    let beside = beside(path)?;
    let linked = write(&beside, nonce).and_then(|()| fs::hard_link(&beside, path));
    let removed = fs::remove_file(&beside);
    linked.and(removed)
}

fn write(path: &Path, nonce: Nonce) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{nonce}")?;
    file.sync_all()
}

/// A name that no other run uses.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let mut name = path
        .file_name()
        .ok_or(io::ErrorKind::IsADirectory)?
        .to_owned();
    name.push(format!(".{}-{:x}", std::process::id(), fastrand::u64(..)));
    Ok(path.with_file_name(name))
}

const RANDOM: &str = "/dev/urandom";

/// Octets that are read of a file: 24 digits and some white space.
const LONGEST: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_03_a_nonce_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nonce");
        assert!(matches!(read(&path), Err(Error::NonceFile { .. })));
        let nonce = read_or_make(&path).unwrap();
        assert_eq!(read_or_make(&path).unwrap(), nonce);
        assert_eq!(read(&path).unwrap(), nonce);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn c_03_whoever_is_second_uses_the_nonce_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nonce");
        let nonces: Vec<Nonce> = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| read_or_make(&path).unwrap()))
                .collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        assert!(nonces.iter().all(|nonce| *nonce == nonces[0]));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_others_read_or_that_holds_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nonce");
        read_or_make(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            read(&path),
            Err(Error::NonceFileIsOpen { mode: 0o644, .. })
        ));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "not a nonce").unwrap();
        assert!(matches!(read_or_make(&path), Err(Error::NotANonce { .. })));
        let nowhere = folder.path().join("missing").join("nonce");
        assert!(matches!(
            read_or_make(&nowhere),
            Err(Error::NonceFile { .. })
        ));
    }
}
