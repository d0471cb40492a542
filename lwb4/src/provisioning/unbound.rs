//! ICMPv6 1/5 from the lwAFTR: "I have no binding for what you sent" (LW-032 to LW-034, RFC 7596 s5.1).

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::time::Duration;

use pcp::client::Random;
use pcp::instant::Instant;
use thiserror::Error;

use super::Action;
use super::Drop;
use super::Event;
use super::OnUnbound;
use super::Provisioning;
use super::Tunnel;
use crate::external::ExternalSet;

/// What such an error says, as its octets have it; nothing is checked yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unbound {
    /// Who sent the error.
    pub source: Ipv6Addr,
    /// Source of the packet that it quotes.
    pub quoted_source: Ipv6Addr,
    /// Destination of the packet that it quotes.
    pub quoted_destination: Ipv6Addr,
    /// Next header of the packet that it quotes.
    pub quoted_next_header: u8,
    /// Source of the IPv4 packet inside that, if the quotation reaches so far.
    pub inner_source: Option<Ipv4Addr>,
    /// Its source port, or the identifier of an ICMP query, if the quotation reaches so far.
    pub inner_port: Option<u16>,
}

/// Why an error is not believed.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum UnboundError {
    /// LW-033.
    #[error("it comes from {0}, which is not the lwAFTR")]
    Source(Ipv6Addr),
    /// LW-034.
    #[error("it quotes a packet from {from} to {to}, which is not our tunnel")]
    Tunnel {
        /// The quoted source.
        from: Ipv6Addr,
        /// The quoted destination.
        to: Ipv6Addr,
    },
    /// LW-034.
    #[error("it quotes next header {0}, which is no IPv4 in IPv6")]
    NextHeader(u8),
    /// LW-034.
    #[error("it quotes no IPv4 source of ours")]
    InnerSource,
    /// Nothing is held that could be lost.
    #[error("no set is in use")]
    NoSet,
}

impl Unbound {
    /// Whether the lwAFTR may have sent it about a packet of `tunnel` from one of `sets`; which of them.
    pub(super) fn check(
        &self,
        tunnel: Tunnel,
        sets: impl Iterator<Item = ExternalSet>,
    ) -> Result<usize, UnboundError> {
        if self.source != tunnel.remote {
            return Err(UnboundError::Source(self.source));
        }
        if (self.quoted_source, self.quoted_destination) != (tunnel.local, tunnel.remote) {
            return Err(UnboundError::Tunnel {
                from: self.quoted_source,
                to: self.quoted_destination,
            });
        }
        if !matches!(self.quoted_next_header, IPV4 | FRAGMENT) {
            return Err(UnboundError::NextHeader(self.quoted_next_header));
        }
        let mut sets = sets.enumerate().peekable();
        if sets.peek().is_none() {
            return Err(UnboundError::NoSet);
        }
        sets.find(|(_, set)| self.is_from(*set))
            .map(|(place, _)| place)
            .ok_or(UnboundError::InnerSource)
    }

    /// A piece of a packet may have neither address nor port to show; what is there must be ours.
    fn is_from(&self, set: ExternalSet) -> bool {
        let fits = |port: Option<u16>| port.is_none_or(|port| set.contains(port));
        match self.inner_source {
            Some(source) => source == set.address() && fits(self.inner_port),
            None => self.quoted_next_header == FRAGMENT,
        }
    }
}

impl Provisioning {
    /// Takes in an ICMPv6 error of type 1 code 5.
    pub fn unbound(&mut self, error: &Unbound, now: Instant, random: &mut impl Random) {
        if let Err(drop) = self.hear_unbound(error, now, random) {
            self.drops.count(drop);
        }
    }

    fn hear_unbound(
        &mut self,
        error: &Unbound,
        now: Instant,
        random: &mut impl Random,
    ) -> Result<(), Drop> {
        if self.config.on_unbound == OnUnbound::Ignore {
            return Err(Drop::UnboundIgnored);
        }
        let tunnel = self.tunnel.ok_or(Drop::UnboundNotOurs)?;
        let place = error
            .check(tunnel, self.held().map(|held| held.set))
            .map_err(|_| Drop::UnboundNotOurs)?;
        let set = self.held().nth(place).map(|held| held.set);
        let set = set.ok_or(Drop::UnboundNotOurs)?;
        if self.stays_unbound(set, now) {
            self.give_up(set, now);
            return Ok(());
        }
        if now < self.held_down_until {
            return Err(Drop::UnboundHeldDown);
        }
        self.held_down_until = now + self.config.unbound_hold_down;
        if self.given.is_some() {
            self.tell(Event::Verifying(set));
            self.actions.push_back(Action::Reprovision);
        } else if self.config.on_unbound == OnUnbound::Verify {
            self.verify(set, now, random);
        } else {
            self.give_up(set, now);
            for holder in &mut self.holders {
                holder.client.renew_soon(now, random);
            }
        }
        Ok(())
    }

    /// FO-010: a renewal within five seconds decides; packets go on until then.
    fn verify(&mut self, set: ExternalSet, now: Instant, random: &mut impl Random) {
        self.tell(Event::Verifying(set));
        for holder in &mut self.holders {
            if holder.set() == Some(set) {
                holder.client.renew_soon(now, random);
                holder.doubt = holder.client.due();
            }
        }
    }

    /// Whether the server was asked so long ago that silence and another error together say enough.
    fn stays_unbound(&self, set: ExternalSet, now: Instant) -> bool {
        let mut holders = self.holders.iter();
        let doubted = holders.find(|holder| holder.set() == Some(set));
        doubted
            .and_then(|holder| holder.doubt)
            .is_some_and(|asked| now >= asked + PATIENCE)
    }

    /// Drops a set without a word to the server, which is asked again within five seconds.
    fn give_up(&mut self, set: ExternalSet, now: Instant) {
        let mut holders = self.holders.iter();
        let Some(place) = holders.position(|holder| holder.set() == Some(set)) else {
            return;
        };
        self.tell(Event::Unbound(set));
        if let Some(mapping) = self.holders[place].client.abandon(now + MAX_WAIT) {
            self.lost(place, mapping, now);
        }
    }
}

/// Three times the first timeout of a request (FO-010, RFC 6887 s8.1.1).
const PATIENCE: Duration = Duration::from_secs(9);

/// Longest wait before the server is asked again (FO-010).
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Next headers (RFC 2473 s5, RFC 8200 s4.5).
const IPV4: u8 = 4;
const FRAGMENT: u8 = 44;
