//! `lwb4 run`: one thread that waits for all devices, moves packets, and lets everything happen that is due.
//!
//! ```text
//!   forward     TUN ◄──► nat ◄──► softwire          packets, both ways
//!   steer       provisioning and its actions: sets to the NAT, PCP to the softwire, the softwire's ends
//!   learning    DHCPv6 and DNS: where the lwAFTR is
//!   lan         the PCP server for the LAN
//!   show        what `lwb4 status` and its like are told
//! ```
//!
//! Start: devices; what the last run left is removed; the API; ready (sd-notify). SIGTERM or SIGINT gives the
//! ports back, in up to three tries, then what DHCPv6 leased, in two; then routes and device go.

mod addresses;
mod choosing;
mod counts;
mod forward;
mod lan;
mod learning;
mod link;
mod messages;
mod names;
mod outgoing;
mod poll;
mod show;
mod steer;

use std::io;
use std::io::IsTerminal;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use operator::socket::SocketError;
use pcp::instant::Instant;
use rustix::event::EventfdFlags;
use rustix::event::eventfd;
use sd_notify::NotifyState;
use serde_json::Value;
use signal_hook::consts::SIGINT;
use signal_hook::consts::SIGTERM;
use thiserror::Error;
use tracing::info;
use tracing::warn;

use crate::api::Asked;
use crate::api::Request;
use crate::api::Server;
use crate::clock::Clock;
use crate::config::Config;
use crate::device::lan::LanError;
use crate::device::netlink::NetlinkError;
use crate::dhcpv6::socket;
use crate::provisioning::State;

use forward::Forward;
use lan::Lan;
use learning::Learning;
use poll::Poll;
use poll::Source;
use steer::Steer;

/// Runs until a signal ends it.
///
/// # Errors
/// When something that is needed cannot be had; the text says what.
pub fn run(config: &Config) -> Result<(), RunError> {
    tracing_subscriber::fmt()
        .with_max_level(config.log_level)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .init();
    let mut lwb4 = Lwb4::start(config)?;
    info!("ready: {} is up", lwb4.forward.tun.name());
    notify(NotifyState::Ready);
    let served = lwb4.serve();
    notify(NotifyState::Stopping);
    lwb4.learning.end(&mut lwb4.steer);
    lwb4.steer.remove_routes();
    served?;
    info!("ended");
    Ok(())
}

/// Everything, in one thread.
struct Lwb4 {
    clock: Clock,
    poll: Poll,
    forward: Forward,
    steer: Steer,
    learning: Learning,
    lan: Lan,
    requests: Receiver<Asked>,
    woken: Arc<rustix::fd::OwnedFd>,
    signals: UnixStream,
    began: Instant,
    /// When what is asked every second was asked last.
    swept: Instant,
    _api: Server,
}

impl Lwb4 {
    fn start(config: &Config) -> Result<Self, RunError> {
        let clock = Clock::start();
        let now = clock.now();
        let poll = Poll::new()?;
        let mut steer = Steer::open(config, &poll, now)?;
        let forward = Forward::open(config, &mut steer, &poll)?;
        let learning = Learning::open(config, &mut steer, &poll, now)?;
        let lan = Lan::open(&config.lan, &poll, now)?;
        let woken = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
        poll.add(&woken, Source::Api)?;
        let waker = Arc::clone(&woken);
        // Full means that it is awake already.
        let wake = move || {
            rustix::io::write(&*waker, &1_u64.to_ne_bytes()).ok();
        };
        let (api, requests) = Server::start(&config.socket, wake)?;
        let signals = signals()?;
        poll.add(&signals, Source::Signal)?;
        Ok(Self {
            clock,
            poll,
            forward,
            steer,
            learning,
            lan,
            requests,
            woken,
            signals,
            began: now,
            swept: now,
            _api: api,
        })
    }

    /// Until a signal has come and everything is given back.
    fn serve(&mut self) -> Result<(), RunError> {
        let mut ending = false;
        loop {
            let now = self.clock.now();
            self.let_happen(now);
            if ending
                && self.steer.provisioning.state() == State::Idle
                && self.learning.give_back(&mut self.steer, now)
            {
                return Ok(());
            }
            let patience = self.due().map(|due| due.since(now));
            for source in self.poll.wait(patience)? {
                let now = self.clock.now();
                if source == Source::Signal {
                    let again = std::mem::replace(&mut ending, true);
                    rustix::io::read(&self.signals, &mut [0; 8]).ok();
                    if again {
                        warn!("a second signal: what is left is not given back");
                        return Ok(());
                    }
                    info!("ending: giving the ports back");
                    self.learning.stop();
                    self.steer.release(now);
                }
                self.hear(source, now)?;
            }
        }
    }

    fn hear(&mut self, source: Source, now: Instant) -> Result<(), RunError> {
        match source {
            Source::Tun => self.forward.carry_up(&mut self.steer, now)?,
            Source::Softwire => self.forward.carry_down(&mut self.steer, now)?,
            Source::Group => self.forward.hear_group(&mut self.steer, now)?,
            Source::Icmpv6 => self.forward.hear_icmpv6(&mut self.steer, now)?,
            Source::Monitor => self.steer.look_around(&self.poll, now),
            Source::Lan => {
                let expires = self.steer.expires();
                self.lan.receive(&mut self.forward.nat, expires, now);
            }
            Source::Api => self.answer(now),
            Source::Dhcpv6 => self.learning.receive(now),
            Source::Dns => self.learning.names.receive(now),
            Source::Signal => {}
        }
        Ok(())
    }

    /// All that is due.
    fn let_happen(&mut self, now: Instant) {
        if now.since(self.swept) >= EVERY {
            self.swept = now;
            let usage = self.forward.usage(&self.steer);
            self.steer.provisioning.demand(&usage, now);
            let received = self.forward.counts.received;
            let provisioning = &self.steer.provisioning;
            self.learning.names.judge(provisioning, received, now);
            if !self.steer.has_link() {
                self.steer.look_around(&self.poll, now);
            }
        }
        self.learning.let_happen(&mut self.steer, &self.poll, now);
        if self.steer.act(&mut self.forward, &self.poll, now) {
            let expires = self.steer.expires();
            self.lan.sets_changed(&mut self.forward.nat, expires, now);
        }
        if std::mem::take(&mut self.steer.reprovision) {
            self.learning.ask_again(now);
        }
        self.forward.let_happen(&mut self.steer, now);
        self.lan.let_happen(&mut self.forward.nat, now);
    }

    /// When something is due next.
    fn due(&self) -> Option<Instant> {
        let dues = [
            self.steer.provisioning.due(),
            self.forward.nat.due(),
            self.lan.due(),
            self.learning.due(),
            Some(self.swept + EVERY),
        ];
        dues.into_iter().flatten().min()
    }

    fn answer(&mut self, now: Instant) {
        rustix::io::read(&*self.woken, &mut [0; 8]).ok();
        while let Ok(Asked { request, answer }) = self.requests.try_recv() {
            let value = match request {
                Request::Show(topic) => Ok(self.show(topic, now)),
                Request::Learned(message) => self
                    .learning
                    .told(&message.to_string(), now)
                    .map(|()| Value::Null),
            };
            // Whoever asked may have lost patience.
            answer.try_send(value).ok();
        }
    }
}

/// A stream that has an octet for each SIGTERM and SIGINT.
fn signals() -> io::Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(SIGTERM, theirs.try_clone()?)?;
    signal_hook::low_level::pipe::register(SIGINT, theirs)?;
    Ok(ours)
}

fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        warn!("cannot notify the service manager: {error}");
    }
}

/// Why the daemon ended.
#[derive(Debug, Error)]
pub enum RunError {
    /// No TUN device.
    #[error("cannot make the TUN device {name}: {error}; it needs CAP_NET_ADMIN and /dev/net/tun")]
    Tun {
        /// Its name.
        name: String,
        /// What the system said.
        error: io::Error,
    },
    /// The kernel would not set something up.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// The socket for the command line.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The PCP server for the LAN cannot listen.
    #[error(transparent)]
    Lan(#[from] LanError),
    /// Port 546 cannot be had.
    #[error(transparent)]
    Dhcpv6(#[from] socket::SocketError),
    /// No secret to derive nonces from.
    #[error("{path}: {error}", path = .path.display())]
    Memory {
        /// The file.
        path: PathBuf,
        /// Why.
        error: crate::provisioning::memory::MemoryError,
    },
    /// A device failed.
    #[error("a device failed: {0}")]
    Device(#[from] io::Error),
}

impl From<rustix::io::Errno> for RunError {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Device(error.into())
    }
}

/// How often the use of the sets is looked at, and a way to the lwAFTR where there is none.
const EVERY: Duration = Duration::from_secs(1);
