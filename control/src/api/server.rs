//! Listening: who may connect, and what is left behind by a daemon that died.

use std::fs;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use thiserror::Error;

use super::Context;
use super::connection;

/// The listening socket. Dropping it stops listening and removes the socket.
pub struct Server {
    path: PathBuf,
    stopping: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on `path`, for the user of this process only.
    ///
    /// # Errors
    /// When another daemon listens there, something else is there, or the folder does not allow it.
    pub fn start(path: &Path, context: Context) -> Result<Self, ServerError> {
        remove_stale(path)?;
        let listener = bind(path).map_err(|error| ServerError::Bind {
            path: path.to_owned(),
            error,
        })?;
        let stopping = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stopping);
        let accepting = thread::Builder::new()
            .name("api".to_owned())
            .spawn(move || accept(&listener, &context, &flag))
            .map_err(|error| ServerError::Bind {
                path: path.to_owned(),
                error,
            })?;
        Ok(Self {
            path: path.to_owned(),
            stopping,
            accepting: Some(accepting),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        // Wakes the accepting thread; if nobody can connect, it cannot be waited for.
        if UnixStream::connect(&self.path).is_ok()
            && let Some(accepting) = self.accepting.take()
        {
            accepting.join().ok();
        }
        fs::remove_file(&self.path).ok();
    }
}

/// Removes the socket of a daemon that is no more.
fn remove_stale(path: &Path) -> Result<(), ServerError> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !found.file_type().is_socket() {
        return Err(ServerError::NoSocket(path.to_owned()));
    }
    if UnixStream::connect(path).is_ok() {
        return Err(ServerError::InUse(path.to_owned()));
    }
    fs::remove_file(path).map_err(|error| ServerError::Bind {
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

fn accept(listener: &UnixListener, context: &Context, stopping: &AtomicBool) {
    let connections = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        if stopping.load(Ordering::Acquire) {
            return;
        }
        match stream {
            Ok(stream) => serve(stream, context.clone(), &connections),
            // Out of file descriptors, most likely: others have to close theirs first.
            Err(error) => {
                tracing::warn!("api: a connection could not be accepted: {error}");
                thread::sleep(RETRY_AFTER);
            }
        }
    }
}

fn serve(stream: UnixStream, context: Context, connections: &Arc<AtomicUsize>) {
    if connections.load(Ordering::Relaxed) >= MAX_CONNECTIONS {
        tracing::warn!("api: refused a connection, {MAX_CONNECTIONS} are open");
        return;
    }
    connections.fetch_add(1, Ordering::Relaxed);
    let counted = Counted(Arc::clone(connections));
    let served = thread::Builder::new()
        .name("api-connection".to_owned())
        .spawn(move || {
            let _counted = counted;
            // A peer that has gone is its own business.
            if let Err(error) = connection::serve(&stream, &context) {
                tracing::debug!("api: a connection ended: {error}");
            }
        });
    if let Err(error) = served {
        tracing::warn!("api: no thread for a connection: {error}");
    }
}

/// One open connection.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why the socket cannot be listened on.
#[derive(Debug, Error)]
pub enum ServerError {
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

const MAX_CONNECTIONS: usize = 64;
const RETRY_AFTER: Duration = Duration::from_millis(100);
