//! Where the lwAFTR is and which ports are ours, as DHCPv6 and DNS say it (RFC 7596 s5.1; LW-021, LW-023).
//!
//! What was learned and what is configured make a [`Choice`] (DH-040), and that steers: to a lwAFTR whose PCP
//! server is asked, or to the set that DHCPv6 gives, from the address that it makes. Nothing is done while
//! the choice stays the same, so that what is in use is not disturbed by a renewal.

use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::time::Duration;

use pcp::instant::Instant;
use rustix::net::netdevice;
use tracing::debug;
use tracing::info;
use tracing::warn;

use super::RunError;
use super::names::Names;
use super::poll::Poll;
use super::poll::Source;
use super::steer::Steer;
use crate::config;
use crate::config::Config;
use crate::config::Dhcpv6Mode;
use crate::dhcpv6::Lasting;
use crate::dhcpv6::Learned;
use crate::dhcpv6::Prefix;
use crate::dhcpv6::choice::Choice;
use crate::dhcpv6::choice::ChoiceConfig;
use crate::dhcpv6::choice::Mechanism;
use crate::dhcpv6::choice::OnAftrName;
use crate::dhcpv6::choice::Remote;
use crate::dhcpv6::client::Action;
use crate::dhcpv6::client::Client;
use crate::dhcpv6::client::ClientConfig;
use crate::dhcpv6::client::FOREVER;
use crate::dhcpv6::client::Goal;
use crate::dhcpv6::client::Provision;
use crate::dhcpv6::hook::HookMessage;
use crate::dhcpv6::message::Duid;
use crate::dhcpv6::option::OptionError;
use crate::dhcpv6::socket::Socket;

/// What is known, who is asked, and what came of it.
pub(super) struct Learning {
    mode: Dhcpv6Mode,
    choosing: ChoiceConfig,
    /// The interface towards the access network, if it is named.
    wan: Option<u32>,
    own: Option<(Client, Socket)>,
    pub(super) learned: Learned,
    pub(super) prefixes: Vec<Lasting<Prefix>>,
    pub(super) choice: Choice,
    /// PCP servers of option 86 that are no use to an lwB4.
    pub(super) not_asked: Vec<IpAddr>,
    pub(super) names: Names,
    /// What DHCPv6 said last.
    pub(super) since: Option<Instant>,
    pub(super) counts: Counts,
    /// The address that we made, and the leased ones, each with the interface that it is on.
    constructed: Option<(u32, Ipv6Addr)>,
    leased: Vec<Ipv6Addr>,
    /// The local end that the configuration wants.
    local: Option<Ipv6Addr>,
    /// When addresses were looked at last, and whether something has been said since.
    looked: Instant,
    stale: bool,
    random: fastrand::Rng,
    ending: Ending,
}

/// How far the end is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ending {
    /// Not begun.
    No,
    /// Nothing is steered any more; what is leased is still in use, to give ports back.
    Steady,
    /// Leases are being given back, until this time at the latest.
    Until(Instant),
    /// They are given back.
    Done,
}

/// How often things happened, for `lwb4 counters`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) provided: u64,
    pub(super) lost: u64,
    pub(super) dropped_options: u64,
    pub(super) ignored_messages: u64,
}

impl Learning {
    /// Opens port 546 where we are the DHCPv6 client.
    pub(super) fn open(
        config: &Config,
        steer: &mut Steer,
        poll: &Poll,
        now: Instant,
    ) -> Result<Self, RunError> {
        let wan = match &config.tunnel.wan {
            Some(name) => index_of(name)?,
            None => None,
        };
        let mut random = fastrand::Rng::new();
        let own = match (config.dhcpv6.mode, &config.tunnel.wan) {
            (Dhcpv6Mode::Own, Some(name)) => {
                let socket = Socket::open(name)?;
                poll.add(&socket, Source::Dhcpv6)?;
                let mac = steer.netlink.hardware_address(wan.unwrap_or_default())?;
                let client_config = ClientConfig {
                    duid: Duid::from_mac(mac),
                    iaid: 1,
                    goal: goal(config.dhcpv6),
                };
                let client = Client::new(client_config, now, &mut || random.u64(..));
                Some((client, socket))
            }
            _ => None,
        };
        Ok(Self {
            mode: config.dhcpv6.mode,
            choosing: choosing(config),
            wan,
            own,
            learned: Learned::default(),
            prefixes: Vec::new(),
            choice: Choice {
                mechanism: Mechanism::None,
                until: None,
            },
            not_asked: Vec::new(),
            names: Names::open(config, poll)?,
            since: None,
            counts: Counts::default(),
            constructed: None,
            leased: Vec::new(),
            local: config.tunnel.local,
            looked: now,
            stale: true,
            random,
            ending: Ending::No,
        })
    }

    /// Takes what servers have sent.
    pub(super) fn receive(&mut self, now: Instant) {
        let Some((client, socket)) = &mut self.own else {
            return;
        };
        let random = &mut self.random;
        let mut room = [0; LONGEST];
        loop {
            match socket.receive(&mut room) {
                Ok(Some(octets)) => client.receive(octets, now, &mut || random.u64(..)),
                Ok(None) => return,
                Err(error) => return warn!("DHCPv6: {error}"),
            }
        }
    }

    /// What the router's own client has learned.
    pub(super) fn told(&mut self, line: &str, now: Instant) -> Result<(), String> {
        if self.mode != Dhcpv6Mode::External {
            return Err("dhcpv6.mode is not \"external\"".to_owned());
        }
        let message = HookMessage::from_line(line).map_err(|error| error.to_string())?;
        let applied = message
            .apply(&mut self.learned, now)
            .map_err(|error| error.to_string())?;
        self.prefixes = applied.prefixes;
        self.stale = true;
        self.since = Some(now);
        self.counts.provided += 1;
        for error in applied.dropped {
            self.drop_option(&error);
        }
        Ok(())
    }

    /// The sets belong to an address that we have no more (LW-026).
    pub(super) fn ask_again(&mut self, now: Instant) {
        let random = &mut self.random;
        if let Some((client, _)) = &mut self.own {
            client.link_changed(now, &mut || random.u64(..));
        }
    }

    /// Lets everything happen that is due, and steers.
    pub(super) fn let_happen(&mut self, steer: &mut Steer, poll: &Poll, now: Instant) {
        let steers = self.mode != Dhcpv6Mode::Off || self.choosing.configured.is_some();
        if !steers {
            return;
        }
        self.ask(steer, now);
        if self.ending != Ending::No {
            return;
        }
        if self.own.is_none() {
            self.stale |= self.learned.expire(now);
        }
        let before = self.prefixes.len();
        self.prefixes.retain(|prefix| prefix.until > now);
        self.stale |= self.prefixes.len() != before;
        let resolvers = self.learned.dns_servers.as_ref();
        let resolvers = resolvers.map(|known| known.value.as_slice());
        self.names.set_servers(resolvers.unwrap_or_default(), now);
        self.names.let_happen(now);
        let mut moved = false;
        // This is called for every burst of packets: the kernel is not asked for addresses each time.
        if self.stale || now.since(self.looked) >= EVERY {
            (self.stale, self.looked) = (false, now);
            let active = self.active(steer);
            let choice = Choice::new(&self.choosing, &self.learned, &active);
            moved = choice != self.choice;
            if moved {
                self.choose(choice, steer, now);
            }
        }
        if let Mechanism::Pcp { remote, .. } = &self.choice.mechanism {
            let address = match remote {
                Remote::Address(address) => Some(*address),
                Remote::Name(name) => self.names.address(name, now),
            };
            moved |= address.is_some() && steer.remote != address;
            steer.remote = address.or(steer.remote);
        }
        if moved {
            steer.look_around(poll, now);
        }
    }

    /// When something is due next.
    pub(super) fn due(&self) -> Option<Instant> {
        let client = self
            .own
            .as_ref()
            .and_then(|(client, _)| client.next_timer());
        match self.ending {
            Ending::No => {}
            Ending::Until(until) => return Some(client.map_or(until, |client| client.min(until))),
            Ending::Steady | Ending::Done => return client,
        }
        let prefix = self.prefixes.iter().map(|prefix| prefix.until).min();
        let dues = [client, self.learned.next_end(), prefix, self.names.due()];
        dues.into_iter().flatten().min()
    }

    /// Steers no more. Our addresses stay until the ports are given back, which are leased to them.
    pub(super) const fn stop(&mut self) {
        self.ending = Ending::Steady;
    }

    /// Gives the leases of DHCPv6 back, none of which is in use any more (RFC 8415 s18.2.7), for a while at
    /// most: a server that does not hear of it waits for their end. Whether it is done.
    pub(super) fn give_back(&mut self, steer: &mut Steer, now: Instant) -> bool {
        if self.ending == Ending::Steady {
            self.end(steer);
            self.ending = Ending::Done;
            let random = &mut self.random;
            if let Some((client, _)) = &mut self.own {
                client.release(now, &mut || random.u64(..));
                self.ending = Ending::Until(now + RELEASE_PATIENCE);
                self.ask(steer, now);
            }
        }
        match self.ending {
            Ending::Until(until) => now >= until,
            ending => ending == Ending::Done,
        }
    }

    /// Takes away what we have put on interfaces.
    pub(super) fn end(&mut self, steer: &mut Steer) {
        self.construct(None, steer);
        self.lease(&[], steer);
    }

    /// The name of the mechanism, for people.
    pub(super) fn mechanism(&self) -> &'static str {
        match self.choice.mechanism {
            _ if self.mode == Dhcpv6Mode::Off => "configured",
            Mechanism::Dhcp { .. } => "dhcpv6",
            Mechanism::AwaitsPrefix { .. } => "awaits-prefix",
            Mechanism::Pcp { .. } => "pcp",
            Mechanism::DsLite { .. } => "ds-lite",
            Mechanism::None => "none",
        }
    }

    fn ask(&mut self, steer: &mut Steer, now: Instant) {
        while let Some((client, socket)) = &mut self.own {
            let random = &mut self.random;
            match client.poll(now, &mut || random.u64(..)) {
                None => return,
                Some(Action::Send(octets)) => {
                    if let Err(error) = socket.send(&octets) {
                        debug!("DHCPv6: {error}");
                    }
                }
                Some(Action::Provided(provision)) => self.provide(*provision, steer, now),
                Some(Action::Lost) => {
                    self.counts.lost += 1;
                    self.provide(Provision::default(), steer, now);
                }
                Some(Action::Dropped(error)) => self.drop_option(&error),
                Some(Action::Ignored(error)) => {
                    self.counts.ignored_messages += 1;
                    debug!("DHCPv6: {error}");
                }
                Some(Action::Released) => self.ending = Ending::Done,
            }
        }
    }

    fn provide(&mut self, provision: Provision, steer: &mut Steer, now: Instant) {
        self.counts.provided += 1;
        self.since = Some(now);
        let addresses: Vec<_> = provision.addresses.iter().map(|it| it.value).collect();
        self.lease(&addresses, steer);
        let prefixes = provision.prefixes.into_iter().map(|lease| Lasting {
            value: lease.value,
            until: lease.until,
        });
        self.prefixes = prefixes.collect();
        self.learned = provision.learned;
        self.stale = true;
    }

    fn drop_option(&mut self, error: &OptionError) {
        self.counts.dropped_options += 1;
        warn!("DHCPv6: {error}");
    }

    /// Prefixes that are delegated to us, and those of the links that we have an address on.
    fn active(&self, steer: &mut Steer) -> Vec<Lasting<Prefix>> {
        let mut active = self.prefixes.clone();
        match steer.netlink.prefixes(self.wan) {
            Ok(prefixes) => active.extend(prefixes.into_iter().map(|value| Lasting {
                value,
                until: FOREVER,
            })),
            Err(error) => warn!("{error}"),
        }
        active
    }

    fn choose(&mut self, choice: Choice, steer: &mut Steer, now: Instant) {
        let same = choice.mechanism == self.choice.mechanism;
        let until = choice.until.filter(|until| *until != FOREVER);
        if !same {
            info!("softwire: {:?}", choice.mechanism);
            self.not_asked.clear();
            if !matches!(choice.mechanism, Mechanism::Dhcp { .. }) {
                self.construct(None, steer);
                // Sets of the configuration stay.
                if matches!(self.choice.mechanism, Mechanism::Dhcp { .. }) {
                    steer.provisioning.take_back(now);
                }
                steer.leave(now);
            }
        }
        match &choice.mechanism {
            Mechanism::Dhcp { set, br, source } => {
                self.construct(Some((*br, *source)), steer);
                steer.config.tunnel.local = Some(*source);
                steer.remote = Some(*br);
                steer.provisioning.give(vec![*set], until, now);
            }
            Mechanism::Pcp { servers, .. } => {
                steer.config.tunnel.local = self.local;
                if !same {
                    self.choose_server(servers, steer);
                }
            }
            Mechanism::AwaitsPrefix { prefix } => {
                steer.complain(&format!("DHCPv6 binds {prefix}, which is none of ours"));
            }
            Mechanism::DsLite { aftr } => {
                steer.complain(&format!("DHCPv6 offers DS-Lite at {aftr} alone"));
            }
            Mechanism::None => steer.complain("DHCPv6 offers no lwAFTR"),
        }
        self.choice = choice;
    }

    /// Which PCP server is asked (PC-100): the first of option 86 that is inside the softwire, else the
    /// configured one. Those with IPv6 addresses are for DS-Lite routers, which ask in plain IPv6 (RFC 8585
    /// s4.3, DSLITE-3); an lwB4 asks through its softwire (RFC 6333 s5.7, TN-045), which is what the lwAFTR
    /// knows it by, and its port set would be the same (DH-041: a listener that lwAFTRs may have or not).
    fn choose_server(&mut self, servers: &[Vec<IpAddr>], steer: &mut Steer) {
        let all = || servers.iter().flatten().copied();
        let mut inside = all().filter_map(|address| match address {
            IpAddr::V4(address) => is_aftr(address).then_some(address),
            IpAddr::V6(_) => None,
        });
        let server = inside.next();
        steer.ask_at(server);
        let used = IpAddr::V4(steer.config.provisioning.pcp.server);
        self.not_asked = all().filter(|address| *address != used).collect();
        if !self.not_asked.is_empty() {
            let others = &self.not_asked;
            info!("PCP servers of option 86 that are not asked: {others:?}; {used} is");
        }
    }

    /// Has this address of ours, towards that lwAFTR, and no other that we made (LW-023).
    fn construct(&mut self, wanted: Option<(Ipv6Addr, Ipv6Addr)>, steer: &mut Steer) {
        let wanted = wanted.and_then(|(br, own)| {
            let interface = self.wan.or_else(|| {
                let way = steer.netlink.way_to(br).ok()?;
                Some(way.interface)
            });
            interface.map(|interface| (interface, own))
        });
        if wanted == self.constructed {
            return;
        }
        if let Some((interface, own)) = self.constructed.take()
            && let Err(error) = steer.netlink.remove_tunnel_address(interface, own)
        {
            warn!("{error}");
        }
        if let Some((interface, own)) = wanted {
            match steer.netlink.add_tunnel_address(interface, own) {
                Ok(()) => self.constructed = wanted,
                Err(error) => warn!("{error}"),
            }
        }
    }

    /// Has these leased addresses on the WAN, and none that was leased before.
    fn lease(&mut self, addresses: &[Ipv6Addr], steer: &mut Steer) {
        let Some(interface) = self.wan else {
            return;
        };
        for old in self.leased.iter().filter(|old| !addresses.contains(old)) {
            if let Err(error) = steer.netlink.remove_tunnel_address(interface, *old) {
                warn!("{error}");
            }
        }
        for new in addresses.iter().filter(|new| !self.leased.contains(new)) {
            if let Err(error) = steer.netlink.add_tunnel_address(interface, *new) {
                warn!("{error}");
            }
        }
        self.leased = addresses.to_vec();
    }
}

/// Whether a lwAFTR may have this address inside the softwire (TN-040).
const fn is_aftr(address: Ipv4Addr) -> bool {
    matches!(address.octets(), [192, 0, 0, 1 | 3..=6])
}

fn goal(dhcpv6: config::Dhcpv6) -> Goal {
    match (dhcpv6.address, dhcpv6.prefix) {
        (false, false) => Goal::Options,
        (true, false) => Goal::Address,
        (false, true) => Goal::Prefix(0),
        (true, true) => Goal::AddressAndPrefix(0),
    }
}

/// A plain address without DHCPv6 is steered to from the start, and nothing has to be chosen.
fn choosing(config: &Config) -> ChoiceConfig {
    let configured = match &config.tunnel.remote {
        Some(config::Remote::Address(_)) if config.dhcpv6.mode == Dhcpv6Mode::Off => None,
        Some(config::Remote::Address(address)) => Some(Remote::Address(*address)),
        Some(config::Remote::Name(name)) => Some(Remote::Name(name.clone())),
        None => None,
    };
    let on_aftr_name = if config.provisioning.pcp.on_aftr_name {
        OnAftrName::Pcp
    } else {
        OnAftrName::DsLite
    };
    ChoiceConfig {
        on_aftr_name,
        configured,
    }
}

fn index_of(name: &str) -> io::Result<Option<u32>> {
    let any = std::net::UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?;
    Ok(netdevice::name_to_index(&any, name).ok())
}

/// Two tries of a RELEASE and the wait after the second (REL_TIMEOUT, RFC 8415 s7.6). All four would keep
/// whoever ends us waiting for a quarter of a minute.
const RELEASE_PATIENCE: Duration = Duration::from_secs(3);
/// How often addresses are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// No datagram of DHCPv6 is longer than a packet of an Ethernet, as a rule; IPv6 may reassemble more.
const LONGEST: usize = 1 << 16;
