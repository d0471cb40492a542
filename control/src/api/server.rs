//! Listening, and a thread for each connection.

use std::fs;
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

use operator::socket::SocketError;

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
    pub fn start(path: &Path, context: Context) -> Result<Self, SocketError> {
        let listener = operator::socket::listen(path)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stopping);
        let accepting = thread::Builder::new()
            .name("api".to_owned())
            .spawn(move || accept(&listener, &context, &flag))
            .map_err(|error| SocketError::Bind {
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

const MAX_CONNECTIONS: usize = 64;
const RETRY_AFTER: Duration = Duration::from_millis(100);
