//! Where the lwAFTR is and which ports are ours, as DHCPv6 and DNS say it (RFC 7596 s5.1; LW-021, LW-023).
//!
//! What was learned and what is configured make a [`Choice`] (DH-040), and that steers: to a lwAFTR whose PCP
//! server is asked, or to the set that DHCPv6 gives, from the address that it makes. Nothing is done while
//! the choice stays the same, so that what is in use is not disturbed by a renewal.

use std::io;
use std::net::IpAddr;
use std::net::Ipv6Addr;
use std::time::Duration;

use pcp::instant::Instant;
use rustix::net::netdevice;
use tracing::debug;
use tracing::warn;

use super::RunError;
use super::addresses::Addresses;
use super::choosing::choosing;
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
    pub(super) mode: Dhcpv6Mode,
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
    pub(super) addresses: Addresses,
    /// The local end that the configuration wants.
    pub(super) local: Option<Ipv6Addr>,
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
            addresses: Addresses::on(wan),
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
        self.addresses.construct(None, &mut steer.netlink);
        self.addresses.lease(&[], &mut steer.netlink);
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
        self.addresses.lease(&addresses, &mut steer.netlink);
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
}

fn goal(dhcpv6: config::Dhcpv6) -> Goal {
    match (dhcpv6.address, dhcpv6.prefix) {
        (false, false) => Goal::Options,
        (true, false) => Goal::Address,
        (false, true) => Goal::Prefix(0),
        (true, true) => Goal::AddressAndPrefix(0),
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
