//! The Unix socket of a daemon: who may connect, and what is left behind by a daemon that died.

use std::fs;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;

use thiserror::Error;

/// Listens on `path`, for the user of this process only.
///
/// # Errors
/// When another daemon listens there, something else is there, or the folder does not allow it.
pub fn listen(path: &Path) -> Result<UnixListener, SocketError> {
    remove_stale(path)?;
    bind(path).map_err(|error| SocketError::Bind {
        path: path.to_owned(),
        error,
    })
}

/// Removes the socket of a daemon that is no more.
fn remove_stale(path: &Path) -> Result<(), SocketError> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !found.file_type().is_socket() {
        return Err(SocketError::NoSocket(path.to_owned()));
    }
    if UnixStream::connect(path).is_ok() {
        return Err(SocketError::InUse(path.to_owned()));
    }
    fs::remove_file(path).map_err(|error| SocketError::Bind {
        path: path.to_owned(),
        error,
    })
}

/// A socket that is there for others only once its mode is 0600: it gets its name last.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let mut unnamed = path.as_os_str().to_owned();
    unnamed.push(format!(".{}", std::process::id()));
    let unnamed = PathBuf::from(unnamed);
    let listener = UnixListener::bind(&unnamed)?;
    let named = fs::set_permissions(&unnamed, Permissions::from_mode(0o600))
        .and_then(|()| fs::rename(&unnamed, path));
    if let Err(error) = named {
        fs::remove_file(&unnamed).ok();
        return Err(error);
    }
    Ok(listener)
}

/// Why the socket cannot be listened on.
#[derive(Debug, Error)]
pub enum SocketError {
    /// A daemon is running.
    #[error("{}: another daemon listens there", .0.display())]
    InUse(PathBuf),
    /// Some other file is there.
    #[error("{}: something that is no socket is there", .0.display())]
    NoSocket(PathBuf),
    /// The system does not allow it.
    #[error("{}: cannot listen: {error}", .path.display())]
    Bind {
        /// The socket's path.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}
