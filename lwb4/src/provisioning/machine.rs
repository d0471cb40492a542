//! The machine: its inputs, and what answers to each (conformance list, s10.1).

use std::collections::VecDeque;
use std::net::IpAddr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::time::Duration;

use pcp::client::Client;
use pcp::client::ClientConfig;
use pcp::client::Goal;
use pcp::client::Heard;
use pcp::client::Random;
use pcp::instant::Instant;
use pcp::port_set::PortRange;
use pcp::result_code::ResultCode;
use pcp::wire::CLIENT_PORT;
use pcp::wire::Payload;
use pcp::wire::Response;
use pcp::wire::SERVER_PORT;

use super::Action;
use super::Datagram;
use super::Drop;
use super::Drops;
use super::Event;
use super::Held;
use super::ProvisioningConfig;
use super::State;
use super::Suggestions;
use super::datagram::Admitted;
use super::given::Given;
use super::holder::Holder;
use super::memory::Remembered;

/// The ends of the tunnel.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Tunnel {
    /// The lwB4's own address (LW-024).
    pub local: Ipv6Addr,
    /// The lwAFTR.
    pub remote: Ipv6Addr,
}

/// Whether packets can still leave from the tunnel that another one takes the place of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TunnelBefore {
    /// They can: the sets are given back before anything else (LW-026).
    Usable,
    /// They cannot. At the same lwAFTR the sets are asked for from the new end, and stay in use meanwhile,
    /// because the lwAFTR lets them follow (FO-003).
    Gone,
}

/// The port sets of one lwB4, and the way to them.
#[derive(Clone, Debug)]
pub struct Provisioning {
    pub(super) config: ProvisioningConfig,
    pub(super) state: State,
    pub(super) since: Instant,
    pub(super) tunnel: Option<Tunnel>,
    /// What takes the place of the tunnel when the sets are given back.
    pub(super) next_tunnel: Option<Tunnel>,
    /// The first is the one that the state is about; others are there because it is not enough.
    pub(super) holders: Vec<Holder>,
    pub(super) given: Option<Given>,
    pub(super) suggestions: Suggestions,
    pub(super) client_port: u16,
    pub(super) actions: VecDeque<Action>,
    pub(super) drops: Drops,
    pub(super) refused: Option<(ResultCode, Instant)>,
    pub(super) held_down_until: Instant,
    /// When the first request was sent that the server has not answered in any way.
    pub(super) unanswered: Option<Instant>,
    /// No further set is asked for before; and how often that was in vain.
    pub(super) pool_until: Instant,
    pub(super) pool_refusals: u32,
}

impl Provisioning {
    /// Without a tunnel, and with what the last run had.
    pub fn new(
        config: ProvisioningConfig,
        suggestions: Suggestions,
        now: Instant,
        random: &mut impl Random,
    ) -> Self {
        let client_port = match config.client_port {
            0 => random_port(random),
            port => port,
        };
        Self {
            config,
            state: State::Idle,
            since: now,
            tunnel: None,
            next_tunnel: None,
            holders: Vec::new(),
            given: None,
            suggestions,
            client_port,
            actions: VecDeque::new(),
            drops: Drops::default(),
            refused: None,
            held_down_until: Instant::default(),
            unanswered: None,
            pool_until: Instant::default(),
            pool_refusals: 0,
        }
    }

    /// Where things are.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Since when they are there.
    #[must_use]
    pub const fn since(&self) -> Instant {
        self.since
    }

    /// The tunnel, if there is one.
    #[must_use]
    pub const fn tunnel(&self) -> Option<Tunnel> {
        self.tunnel
    }

    /// The port that requests leave from; datagrams to it are for [`Self::receive`].
    #[must_use]
    pub const fn client_port(&self) -> u16 {
        self.client_port
    }

    /// What was dropped.
    #[must_use]
    pub const fn drops(&self) -> &Drops {
        &self.drops
    }

    /// What the server refused last, and when.
    #[must_use]
    pub const fn refused(&self) -> Option<(ResultCode, Instant)> {
        self.refused
    }

    /// Whether the server has been silent for as long as three requests wait for their answers. Only requests
    /// find that out: nothing is known of a tunnel that nobody has to ask through.
    #[must_use]
    pub fn is_silent(&self, now: Instant) -> bool {
        self.unanswered.is_some_and(|asked| now >= asked + SILENCE)
    }

    /// The sets in use.
    pub fn held(&self) -> impl Iterator<Item = Held> {
        let given = self.given.iter().flat_map(Given::held);
        let leased = self.holders.iter().filter_map(|holder| {
            let mapping = holder.client.mapping()?;
            Some(Held {
                set: super::holder::set(mapping),
                expires: Some(mapping.expires),
            })
        });
        given.chain(leased)
    }

    /// When [`Self::poll`] has something to do; `None` while it waits for an input.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        if !self.actions.is_empty() {
            return Some(Instant::default());
        }
        let given = self.given.as_ref().and_then(Given::until);
        let holders = self.holders.iter().filter_map(|holder| holder.client.due());
        holders.chain(given).min()
    }

    /// The next thing to do now; to be called until there is nothing.
    pub fn poll(&mut self, now: Instant, random: &mut impl Random) -> Option<Action> {
        loop {
            if let Some(action) = self.actions.pop_front() {
                return Some(action);
            }
            self.expire_given(now);
            let mut places = 0..self.holders.len();
            let said = places.find_map(|place| {
                let action = self.holders[place].client.poll(now, random)?;
                Some((place, action))
            });
            match said {
                Some((place, action)) => self.follow(place, action, now),
                None if self.actions.is_empty() => break,
                None => {}
            }
        }
        self.actions = VecDeque::new();
        None
    }

    /// Asks this server from the next tunnel on.
    pub const fn set_server(&mut self, server: IpAddr) {
        self.config.server = server;
    }

    /// The tunnel has these ends from now on. Where sets come by PCP, they are asked for.
    pub fn tunnel_up(&mut self, tunnel: Tunnel, before: TunnelBefore, now: Instant) {
        if self.tunnel == Some(tunnel) && self.next_tunnel.is_none() {
            return;
        }
        if self.given.is_some() {
            self.given_elsewhere(tunnel);
            return;
        }
        match (self.tunnel, before) {
            _ if self.state == State::Release => self.next_tunnel = Some(tunnel),
            (Some(_), TunnelBefore::Usable) => {
                self.next_tunnel = Some(tunnel);
                self.release(now);
            }
            (Some(old), TunnelBefore::Gone) if old.remote == tunnel.remote => {
                self.move_to(tunnel, now);
            }
            _ => {
                self.drop_leases(now);
                self.begin(tunnel, now);
            }
        }
    }

    /// There is no way to the lwAFTR any more, and none to give anything back.
    pub fn tunnel_down(&mut self, now: Instant) {
        self.next_tunnel = None;
        self.tunnel = None;
        self.unanswered = None;
        self.drop_leases(now);
        if self.given.is_none() {
            self.enter(State::Idle, now);
        }
    }

    /// Gives everything back, in up to three tries; all is done when the state is [`State::Idle`] again.
    pub fn release(&mut self, now: Instant) {
        self.take_back(now);
        let asked = matches!(
            self.state,
            State::Requesting | State::Bound | State::Renewing
        );
        if asked {
            for holder in &mut self.holders {
                holder.client.release(now);
            }
            self.enter(State::Release, now);
        } else if self.state != State::Release {
            self.drop_leases(now);
            self.released(now);
        }
    }

    /// Takes in a datagram to port 5350, or to [`Self::client_port`].
    pub fn receive(&mut self, datagram: &Datagram<'_>, now: Instant, random: &mut impl Random) {
        if let Err(drop) = self.hear(datagram, now, random) {
            self.drops.count(drop);
        }
    }

    fn hear(
        &mut self,
        datagram: &Datagram<'_>,
        now: Instant,
        random: &mut impl Random,
    ) -> Result<(), Drop> {
        let tunnel = self.tunnel.ok_or(Drop::PcpNotOurs)?;
        let own = self.own(tunnel);
        let response = Response::parse(datagram.payload).ok();
        let announced = response.filter(|it| it.payload == Payload::Announce);
        if datagram.admit(tunnel, self.config.server, own)? == Admitted::Group {
            announced.ok_or(Drop::PcpNotForGroup)?;
        }
        let from = (self.config.server, SERVER_PORT);
        let mut heard = Heard::NotOurs;
        for holder in &mut self.holders {
            match holder.client.receive(from, datagram.payload, now, random) {
                Heard::NotOurs => {}
                other => heard = other,
            }
        }
        let epoch_s = response.map_or(0, |response| response.header.epoch_s);
        match heard {
            Heard::NotOurs => return Err(Drop::PcpNotOurs),
            Heard::Ours => self.unanswered = None,
            Heard::StateLost => {
                self.unanswered = None;
                for holder in &mut self.holders {
                    if holder.client.epoch_s() != Some(epoch_s) {
                        holder.client.hear_epoch(epoch_s, now, random);
                    }
                }
                self.tell(Event::Announced { epoch_s });
            }
        }
        Ok(())
    }

    /// TUNNEL_UP of s10.1.
    pub(super) fn begin(&mut self, tunnel: Tunnel, now: Instant) {
        self.tunnel = Some(tunnel);
        self.unanswered = None;
        self.tell(Event::TunnelUp(tunnel));
        self.enter(State::TunnelUp, now);
        let last = self.suggestions.sets().first();
        let suggestion = last.and_then(|set| Some((set.address(), set.nth(0)?)));
        let mut client = self.client(tunnel, PortRange::ALL, suggestion);
        client.start(now);
        self.holders.push(Holder::new(client));
    }

    /// The same sets, asked for from another end of the tunnel.
    fn move_to(&mut self, tunnel: Tunnel, now: Instant) {
        self.tunnel = Some(tunnel);
        self.unanswered = None;
        self.tell(Event::TunnelUp(tunnel));
        self.enter(State::TunnelUp, now);
        for holder in &mut self.holders {
            holder.client.restart(now);
            holder.doubt = holder.client.mapping().map(|_| now);
        }
    }

    pub(super) fn client(
        &self,
        tunnel: Tunnel,
        ports: PortRange,
        suggestion: Option<(std::net::Ipv4Addr, u16)>,
    ) -> Client {
        Client::new(ClientConfig {
            server: self.config.server,
            own: self.own(tunnel).ip(),
            nonce: self.config.secret.nonce(tunnel.remote, self.config.server),
            goal: Goal::PortSet(ports),
            lifetime_s: self.config.lifetime_s,
            suggestion,
        })
    }

    pub(super) fn own(&self, tunnel: Tunnel) -> SocketAddr {
        let address = match self.config.server {
            IpAddr::V4(_) => IpAddr::V4(self.config.inner),
            IpAddr::V6(_) => IpAddr::V6(tunnel.local),
        };
        SocketAddr::new(address, self.client_port)
    }

    /// Forgets all leases without a word to the server; what they were is suggested next time.
    pub(super) fn drop_leases(&mut self, now: Instant) {
        let sets: Vec<_> = self.holders.iter().filter_map(Holder::set).collect();
        self.holders.clear();
        if sets.is_empty() {
            return;
        }
        self.suggestions = Suggestions::of(Some(&self.remembered(sets.clone(), None)));
        for set in sets {
            self.tell(Event::Lost(set));
        }
        self.enter(State::Expired, now);
        self.publish();
    }

    pub(super) fn enter(&mut self, state: State, now: Instant) {
        if self.state != state {
            self.state = state;
            self.since = now;
            self.tell(Event::Entered(state));
        }
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.actions.push_back(Action::Tell(event));
    }

    /// Says which sets are in use now.
    pub(super) fn publish(&mut self) {
        let sets = self.held().map(|held| held.set).collect();
        self.actions.push_back(Action::Sets(sets));
    }

    pub(super) fn remembered(
        &self,
        sets: Vec<crate::external::ExternalSet>,
        epoch_s: Option<u32>,
    ) -> Remembered {
        Remembered {
            remote: self.tunnel.map_or(Ipv6Addr::UNSPECIFIED, |it| it.remote),
            server: self.config.server,
            client_port: self.client_port,
            sets,
            epoch_s,
        }
    }
}

/// The timeouts of three requests: 3, 6 and 12 s (PC-103, RFC 6887 s8.1.1).
const SILENCE: Duration = Duration::from_secs(21);

/// A port from 1024 on that is none of PCP's own (PC-101).
fn random_port(random: &mut impl Random) -> u16 {
    const FIRST: u64 = 1024;
    let span = u128::from(u64::from(u16::MAX) + 1 - FIRST);
    loop {
        let port = (FIRST + ((u128::from(random.next()) * span) >> 64) as u64) as u16;
        if port != CLIENT_PORT && port != SERVER_PORT {
            return port;
        }
    }
}
