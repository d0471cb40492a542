//! Where packets go: the ends of the softwire, and the port sets; what provisioning wants done is done.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use pcp::instant::Instant;
use tracing::info;
use tracing::warn;

use super::RunError;
use super::forward::Forward;
use super::link::Link;
use super::poll::Poll;
use super::poll::Source;
use crate::config::Config;
use crate::config::Remote;
use crate::device::netlink::Netlink;
use crate::device::netlink::monitor::Monitor;
use crate::device::softwire::Group;
use crate::device::softwire::Softwire;
use crate::device::source;
use crate::external::ExternalSet;
use crate::provisioning::Action;
use crate::provisioning::Event;
use crate::provisioning::PoolConfig;
use crate::provisioning::Provisioning;
use crate::provisioning::ProvisioningConfig;
use crate::provisioning::Suggestions;
use crate::provisioning::Tunnel;
use crate::provisioning::TunnelBefore;
use crate::provisioning::memory::Memory;

/// The ends and the sets.
pub(super) struct Steer {
    pub(super) config: Config,
    pub(super) provisioning: Provisioning,
    pub(super) link: Option<Link>,
    pub(super) group: Option<Group>,
    pub(super) netlink: Netlink,
    pub(super) monitor: Monitor,
    pub(super) remote: Option<Ipv6Addr>,
    pub(super) happened: Happened,
    /// The sets that the NAT has.
    in_use: Vec<ExternalSet>,
    memory: Memory,
    pub(super) random: fastrand::Rng,
    /// Whether DHCPv6 is to be asked again (LW-026).
    pub(super) reprovision: bool,
    /// What was said last about having no way, so that it is said once.
    complaint: String,
    /// The PCP server and the lwAFTR inside the softwire, unless DHCPv6 names another.
    configured_server: (Ipv4Addr, Ipv4Addr),
    ending: bool,
}

/// How often things happened, for `lwb4 counters`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Happened {
    pub(super) granted: u64,
    pub(super) renewed: u64,
    pub(super) lost: u64,
    pub(super) refused: u64,
    pub(super) announced: u64,
    pub(super) unbound: u64,
}

impl Steer {
    /// Opens what is needed to look around, and removes what the last run has left.
    pub(super) fn open(config: &Config, poll: &Poll, now: Instant) -> Result<Self, RunError> {
        let mut netlink = Netlink::open()?;
        let monitor = Monitor::open()?;
        poll.add(&monitor, Source::Monitor)?;
        let left = netlink.remove_routes()?;
        if left > 0 {
            info!("removed {left} routes that the last run has left");
        }
        let memory = memory(config)?;
        let mut random = fastrand::Rng::new();
        let pcp = &config.provisioning.pcp;
        let provisioning_config = ProvisioningConfig {
            server: IpAddr::V4(pcp.server),
            inner: config.tunnel.b4_ipv4,
            client_port: memory.remembered().map_or(0, |known| known.client_port),
            lifetime_s: pcp.lifetime_s,
            on_unbound: pcp.on_unbound,
            unbound_hold_down: pcp.hold_down,
            pool: PoolConfig {
                max_sets: usize::from(pcp.max_sets),
                low_water_ports: pcp.low_water,
                idle: pcp.idle,
            },
            ..ProvisioningConfig::new(memory.secret())
        };
        let suggestions = Suggestions::of(memory.remembered());
        let mut provisioning =
            Provisioning::new(provisioning_config, suggestions, now, &mut || {
                random.u64(..)
            });
        if !config.provisioning.sets.is_empty() {
            provisioning.give(config.provisioning.sets.clone(), None, now);
        }
        let remote = match &config.tunnel.remote {
            Some(Remote::Address(address)) => Some(*address),
            Some(Remote::Name(_)) | None => None,
        };
        let mut steer = Self {
            config: config.clone(),
            provisioning,
            link: None,
            group: None,
            netlink,
            monitor,
            remote,
            happened: Happened::default(),
            in_use: Vec::new(),
            memory,
            random,
            reprovision: false,
            complaint: String::new(),
            configured_server: (pcp.server, config.tunnel.aftr_ipv4),
            ending: false,
        };
        steer.look_around(poll, now);
        Ok(steer)
    }

    /// When the first of the sets ends, as far as they do (PX-001).
    pub(super) fn expires(&self) -> Option<Instant> {
        self.provisioning
            .held()
            .filter_map(|held| held.expires)
            .min()
    }

    /// Whether packets have a way.
    pub(super) const fn has_link(&self) -> bool {
        self.link.is_some()
    }

    /// Whether we send from this address and port.
    pub(super) fn is_own(&self, address: Ipv4Addr, port: Option<u16>) -> bool {
        self.provisioning.held().any(|held| {
            let fits = port.is_none_or(|port| held.set.contains(port));
            held.set.address() == address && fits
        })
    }

    /// Goes to no lwAFTR until another is named.
    pub(super) fn leave(&mut self, now: Instant) {
        self.provisioning.tunnel_down(now);
        self.link = None;
        self.remote = None;
    }

    /// Asks the PCP server with this address inside the softwire from the next tunnel on; the configured one
    /// if there is none.
    pub(super) fn ask_at(&mut self, server: Option<Ipv4Addr>) {
        let (server, aftr) = match server {
            Some(server) => (server, server),
            None => self.configured_server,
        };
        self.config.provisioning.pcp.server = server;
        self.config.tunnel.aftr_ipv4 = aftr;
        self.provisioning.set_server(IpAddr::V4(server));
    }

    /// Gives everything back, and takes no other way any more.
    pub(super) fn release(&mut self, now: Instant) {
        self.ending = true;
        self.provisioning.release(now);
    }

    /// Removes our routes; the device goes with the process.
    pub(super) fn remove_routes(&mut self) {
        if let Err(error) = self.netlink.remove_routes() {
            warn!("routes stay: {error}");
        }
    }

    /// Something may have changed about addresses, links or routes: is there a way to the lwAFTR, and from
    /// which of our addresses (LW-024, LW-026)?
    pub(super) fn look_around(&mut self, poll: &Poll, now: Instant) {
        if let Err(error) = self.monitor.take() {
            warn!("changes of addresses and routes are not heard: {error}");
        }
        let Some(remote) = self.remote.filter(|_| !self.ending) else {
            return;
        };
        let way = match self.netlink.way_to(remote) {
            Ok(way) => way,
            Err(error) => return self.complain(&format!("no way to the lwAFTR {remote}: {error}")),
        };
        let of_way = u16::try_from(way.mtu).unwrap_or(u16::MAX);
        let mtu = self.config.tunnel.access_mtu.unwrap_or(of_way);
        self.join(way.interface, poll);
        // An address is kept as long as it is ours, for the mapping's sake (LW-024).
        let before = self.provisioning.tunnel();
        let prescribed = self.config.tunnel.local;
        let usable = before.filter(|tunnel| {
            let fits = prescribed.is_none_or(|local| local == tunnel.local);
            fits && self.open_softwire(*tunnel).is_ok()
        });
        if let Some(tunnel) = usable
            && tunnel.remote == remote
        {
            self.complaint.clear();
            if let Some(link) = &mut self.link {
                link.path.set_first_hop(mtu);
            }
            return self.follow(tunnel, mtu, poll);
        }
        let local = match self.config.tunnel.local {
            Some(local) => Ok(local),
            None => source::select(remote),
        };
        match local {
            Ok(local) => {
                self.complaint.clear();
                let tunnel = Tunnel { local, remote };
                // Nothing can be given back to a server that does not answer.
                let before = match usable {
                    Some(_) if !self.provisioning.is_silent(now) => TunnelBefore::Usable,
                    _ => TunnelBefore::Gone,
                };
                self.provisioning.tunnel_up(tunnel, before, now);
                if let Some(tunnel) = self.provisioning.tunnel() {
                    self.follow(tunnel, mtu, poll);
                }
            }
            Err(error) => self.complain(&error.to_string()),
        }
    }

    /// Has the sockets at these ends.
    pub(super) fn follow(&mut self, tunnel: Tunnel, mtu: u16, poll: &Poll) {
        if self.link.as_ref().is_some_and(|link| link.tunnel == tunnel) {
            return;
        }
        match Link::open(&self.config, tunnel, mtu, poll) {
            Ok(link) => self.link = Some(link),
            Err(error) => {
                self.link = None;
                self.complain(&format!(
                    "no socket from {} to {}: {error}",
                    tunnel.local, tunnel.remote
                ));
            }
        }
    }

    fn join(&mut self, interface: u32, poll: &Poll) {
        let Some(group) = self.config.provisioning.pcp.announce_group else {
            return;
        };
        if self.group.is_some() {
            return;
        }
        let joined = Group::join(group, interface)
            .and_then(|joined| poll.add(&joined, Source::Group).map(|()| joined));
        match joined {
            Ok(joined) => self.group = Some(joined),
            Err(error) => self.complain(&format!("cannot join {group}: {error}")),
        }
    }

    /// Says what is wrong, once.
    pub(super) fn complain(&mut self, text: &str) {
        if self.complaint != text {
            warn!("{text}");
            text.clone_into(&mut self.complaint);
        }
    }

    /// What is wrong now; empty if nothing is.
    pub(super) fn complaint(&self) -> &str {
        &self.complaint
    }

    /// Does what provisioning wants done. Says whether ports in use are others than before.
    pub(super) fn act(&mut self, forward: &mut Forward, poll: &Poll, now: Instant) -> bool {
        let mut changed = false;
        loop {
            let random = &mut self.random;
            let Some(action) = self.provisioning.poll(now, &mut || random.u64(..)) else {
                return changed;
            };
            match action {
                Action::Send {
                    tunnel,
                    source,
                    destination,
                    payload,
                } => self.send(tunnel, source, destination, &payload, poll),
                Action::Sets(sets) => {
                    let none_before = self.in_use.is_empty();
                    let gone = self.in_use.iter().any(|set| !sets.contains(set));
                    changed |= gone || none_before;
                    forward.nat.set_external(&sets, now);
                    self.in_use = sets;
                }
                Action::Remember(remembered) => {
                    if let Err(error) = self.memory.remember(remembered) {
                        warn!("{error}");
                    }
                }
                Action::Reprovision => self.reprovision = true,
                Action::Tell(event) => self.note(&event),
            }
        }
    }

    fn note(&mut self, event: &Event) {
        info!("{event}");
        let happened = &mut self.happened;
        match event {
            Event::Granted { .. } => happened.granted += 1,
            Event::Renewed { .. } => happened.renewed += 1,
            Event::Lost(_) => happened.lost += 1,
            Event::Refused { .. } => happened.refused += 1,
            Event::Announced { .. } => happened.announced += 1,
            Event::Verifying(_) | Event::Unbound(_) => happened.unbound += 1,
            _ => {}
        }
    }

    pub(super) fn open_softwire(&self, tunnel: Tunnel) -> io::Result<Softwire> {
        Softwire::open(tunnel.local, tunnel.remote, self.config.tunnel.hop_limit)
    }
}

/// The file that outlives a restart; what is wrong with it is told, and is no reason not to run.
fn memory(config: &Config) -> Result<Memory, RunError> {
    let path = &config.provisioning.pcp.memory;
    if let Some(folder) = path.parent()
        && let Err(error) = fs::create_dir_all(folder)
    {
        warn!("{}: {error}", folder.display());
    }
    let identity = fs::read("/etc/machine-id").ok();
    let (memory, warning) =
        Memory::open(path, identity.as_deref()).map_err(|error| RunError::Memory {
            path: path.clone(),
            error,
        })?;
    if let Some(warning) = warning {
        warn!("{warning}");
    }
    Ok(memory)
}
