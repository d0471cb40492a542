//! Listening, and a thread for each connection.

use std::fs;
use std::os::unix::net::UnixListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use operator::socket::SocketError;

use super::Asked;
use super::connection;

/// The listening socket; dropping it removes the socket's name. Its threads end with the process.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
}

/// The way to the packet loop.
#[derive(Clone)]
pub(super) struct Loop {
    requests: SyncSender<Asked>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Server {
    /// Listens on `path`, for the user of this process only. Requests come out of the receiver; after each,
    /// `wake` is called on another thread.
    ///
    /// # Errors
    /// When another daemon listens there, something else is there, or the folder does not allow it.
    pub fn start(
        path: &Path,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<(Self, Receiver<Asked>), SocketError> {
        let listener = operator::socket::listen(path)?;
        let (requests, receiver) = mpsc::sync_channel(MAX_CONNECTIONS);
        let packet_loop = Loop {
            requests,
            wake: Arc::new(wake),
        };
        let spawned = thread::Builder::new()
            .name("api".to_owned())
            .spawn(move || accept(&listener, &packet_loop));
        let server = Self {
            path: path.to_owned(),
        };
        match spawned {
            Ok(_) => Ok((server, receiver)),
            Err(error) => Err(SocketError::Bind {
                path: path.to_owned(),
                error,
            }),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        fs::remove_file(&self.path).ok();
    }
}

impl Loop {
    /// Whether the packet loop is still there to answer.
    pub(super) fn ask(&self, asked: Asked) -> bool {
        let sent = self.requests.send(asked).is_ok();
        (self.wake)();
        sent
    }
}

fn accept(listener: &UnixListener, packet_loop: &Loop) {
    let connections = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => serve(stream, packet_loop.clone(), &connections),
            // Out of file descriptors, most likely: others have to close theirs first.
            Err(error) => {
                tracing::warn!("api: a connection could not be accepted: {error}");
                thread::sleep(RETRY_AFTER);
            }
        }
    }
}

fn serve(stream: UnixStream, packet_loop: Loop, connections: &Arc<AtomicUsize>) {
    if connections.fetch_add(1, Ordering::Relaxed) >= MAX_CONNECTIONS {
        connections.fetch_sub(1, Ordering::Relaxed);
        tracing::warn!("api: refused a connection, {MAX_CONNECTIONS} are open");
        return;
    }
    let open = Arc::clone(connections);
    let spawned = thread::Builder::new()
        .name("api-connection".to_owned())
        .spawn(move || {
            // A peer that has gone is its own business.
            if let Err(error) = connection::serve(&stream, &packet_loop) {
                tracing::debug!("api: a connection ended: {error}");
            }
            open.fetch_sub(1, Ordering::Relaxed);
        });
    if let Err(error) = spawned {
        connections.fetch_sub(1, Ordering::Relaxed);
        tracing::warn!("api: no thread for a connection: {error}");
    }
}

const MAX_CONNECTIONS: usize = 16;
const RETRY_AFTER: Duration = Duration::from_millis(100);
