//! The lwAFTR's name, asked for over IPv6, and the resolvers that dnsmasq is told (RFC 6334; LW-028).

use std::io;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::time::Duration;

use pcp::instant::Instant;
use tracing::debug;
use tracing::warn;

use super::poll::Poll;
use super::poll::Source;
use crate::config::Config;
use crate::dns::Aftr;
use crate::dns::Ask;
use crate::dns::DomainName;
use crate::dns::ServersFile;
use crate::provisioning::Provisioning;

/// A name, its address, and who knows it.
pub(super) struct Names {
    aftr: Option<Aftr>,
    socket: UdpSocket,
    configured: Vec<Ipv6Addr>,
    servers: Vec<Ipv6Addr>,
    file: Option<ServersFile>,
    random: fastrand::Rng,
    /// Packets that the softwire brought, as of the last look, and when there was another one.
    received: u64,
    heard: Instant,
    pub(super) unresolved: u64,
}

impl Names {
    /// Opens a port that nobody can guess.
    pub(super) fn open(config: &Config, poll: &Poll) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?;
        socket.set_nonblocking(true)?;
        poll.add(&socket, Source::Dns)?;
        let configured = config.dns.servers.clone();
        let wan = config.tunnel.wan.clone().unwrap_or_default();
        let file = config.dns.dnsmasq_file.clone();
        Ok(Self {
            aftr: None,
            socket,
            servers: configured.clone(),
            configured,
            file: file.map(|path| ServersFile::new(path, Vec::new(), wan)),
            random: fastrand::Rng::new(),
            received: 0,
            heard: Instant::default(),
            unresolved: 0,
        })
    }

    /// Takes answers.
    pub(super) fn receive(&mut self, now: Instant) {
        let mut room = [0; LONGEST];
        while let Ok((length, from)) = self.socket.recv_from(&mut room) {
            let (Some(aftr), SocketAddr::V6(from)) = (&mut self.aftr, from) else {
                continue;
            };
            if from.port() != PORT {
                continue;
            }
            if let Err(error) = aftr.receive(*from.ip(), &room[..length], now) {
                debug!("DNS: {}: {error}", from.ip());
            }
        }
    }

    /// Resolvers that were learned; those of the configuration are asked while there are none.
    pub(super) fn set_servers(&mut self, learned: &[Ipv6Addr], now: Instant) {
        let servers = if learned.is_empty() {
            &self.configured
        } else {
            learned
        };
        if self.servers == servers {
            return;
        }
        self.servers = servers.to_vec();
        if let Some(aftr) = &mut self.aftr {
            aftr.set_servers(servers.to_vec(), now);
        }
        let told = self.file.as_ref().map(|file| file.update(&self.servers));
        if let Some(Err(error)) = told {
            warn!("{error}");
        }
    }

    /// The address of this name, as soon as it is known.
    pub(super) fn address(&mut self, name: &DomainName, now: Instant) -> Option<Ipv6Addr> {
        if self.aftr.as_ref().is_none_or(|aftr| aftr.name() != name) {
            self.aftr = Some(Aftr::new(name.clone(), self.servers.clone(), now));
            self.let_happen(now);
        }
        self.aftr.as_ref().and_then(Aftr::address)
    }

    /// Goes to the next address of the name when the tunnel is silent: no request is answered, and nothing else
    /// comes out of it either (DH-005). `received` counts the packets that the softwire has brought.
    pub(super) fn judge(&mut self, provisioning: &Provisioning, received: u64, now: Instant) {
        let Some(aftr) = &mut self.aftr else {
            return;
        };
        if std::mem::replace(&mut self.received, received) != received {
            self.heard = now;
            aftr.tunnel_works();
        } else if provisioning.is_silent(now) && now.since(self.heard) >= PATIENCE {
            warn!("the lwAFTR {} does not answer", aftr.name());
            self.heard = now;
            aftr.tunnel_failed(now);
        }
    }

    /// Asks what is due.
    pub(super) fn let_happen(&mut self, now: Instant) {
        let random = &mut self.random;
        while let Some(aftr) = &mut self.aftr {
            match aftr.poll(now, &mut || random.u64(..)) {
                None => return,
                Some(Ask::Send { server, octets }) => {
                    if let Err(error) = self.socket.send_to(&octets, (server, PORT)) {
                        debug!("DNS: {server}: {error}");
                    }
                }
                Some(Ask::Unresolved { .. }) => {
                    self.unresolved += 1;
                    warn!("DNS: nobody knows the lwAFTR {}", aftr.name());
                }
            }
        }
    }

    /// When something is due next.
    pub(super) fn due(&self) -> Option<Instant> {
        self.aftr.as_ref().and_then(Aftr::next_timer)
    }
}

/// How long nothing comes before another address is tried; each is given as long.
const PATIENCE: Duration = Duration::from_secs(21);
/// DNS (RFC 1035 s4.2.1).
const PORT: u16 = 53;
/// More than an answer over UDP has that was not asked for with EDNS.
const LONGEST: usize = 4096;
