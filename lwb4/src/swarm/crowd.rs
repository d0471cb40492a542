//! Who is there: state machines, in the order of their timers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::SocketAddrV4;
use std::time::Duration;

use pcp::instant::Instant;

use super::SwarmConfig;
use super::air::Air;
use super::air::Arrived;
use super::tally::Tally;
use crate::provisioning::Action;
use crate::provisioning::Datagram;
use crate::provisioning::OuterDestination;
use crate::provisioning::Provisioning;
use crate::provisioning::ProvisioningConfig;
use crate::provisioning::State;
use crate::provisioning::Suggestions;
use crate::provisioning::Tunnel;
use crate::provisioning::TunnelBefore;
use crate::provisioning::Unbound;
use crate::provisioning::Way;
use crate::provisioning::nonce::DeviceSecret;
use crate::tunnel::control;

/// All lwB4s.
pub(super) struct Crowd {
    config: SwarmConfig,
    members: Vec<Member>,
    /// Whose turn is when; what is not the member's own due any more is passed over.
    turns: BinaryHeap<Reverse<(Instant, u32)>>,
    random: fastrand::Rng,
    began: Instant,
    tally: Tally,
    /// Whether all were bound when it was last looked.
    pub(super) were_all: bool,
}

struct Member {
    provisioning: Provisioning,
    address: Ipv6Addr,
    begins: Instant,
    asked: Instant,
    talks: Option<Instant>,
}

impl Crowd {
    /// Nobody has asked yet.
    pub(super) fn new(config: &SwarmConfig, now: Instant) -> Self {
        let mut random = fastrand::Rng::new();
        let mut turns = BinaryHeap::new();
        let members = (0..config.count).map(|number| {
            let identity = format!("lwb4 swarm {} {number}", config.prefix);
            let pcp = ProvisioningConfig {
                lifetime_s: config.lifetime_s,
                ..ProvisioningConfig::new(DeviceSecret::of_identity(identity.as_bytes()))
            };
            let after = match config.per_second {
                Some(rate) => Duration::from_secs(1) * number / rate.max(1),
                None => Duration::ZERO,
            };
            let begins = now + after;
            turns.push(Reverse((begins, number)));
            Member {
                provisioning: Provisioning::new(pcp, Suggestions::default(), now, &mut || {
                    random.u64(..)
                }),
                address: address(config, number),
                begins,
                asked: now,
                talks: None,
            }
        });
        let members = members.collect();
        Self {
            config: *config,
            members,
            turns,
            random,
            began: now,
            tally: Tally::new(config.count),
            were_all: false,
        }
    }

    /// When somebody's turn is next.
    pub(super) fn due(&self) -> Option<Instant> {
        self.turns.peek().map(|Reverse((due, _))| *due)
    }

    /// Everybody whose turn it is does what is due.
    pub(super) fn act(&mut self, air: &mut Air, now: Instant) {
        while let Some(Reverse((due, number))) = self.turns.peek().copied() {
            if due > now {
                return;
            }
            self.turns.pop();
            self.turn(number, air, now);
        }
    }

    fn turn(&mut self, number: u32, air: &mut Air, now: Instant) {
        let Some(member) = self.members.get_mut(number as usize) else {
            return;
        };
        if member.provisioning.tunnel().is_none() && member.begins <= now {
            let tunnel = Tunnel {
                local: member.address,
                remote: self.config.remote,
            };
            member
                .provisioning
                .tunnel_up(tunnel, TunnelBefore::Gone, now);
        }
        let random = &mut self.random;
        while let Some(action) = member.provisioning.poll(now, &mut || random.u64(..)) {
            match action {
                Action::Send {
                    source: SocketAddr::V4(source),
                    destination: SocketAddr::V4(destination),
                    payload,
                    ..
                } => {
                    member.asked = now;
                    self.tally.requests += 1;
                    air.send(
                        member.address,
                        &control::datagram(source, destination, &payload),
                    );
                }
                Action::Tell(event) => self.tally.note(&event, member.asked, now),
                _ => {}
            }
        }
        member.talk(self.config.talk, air, now);
        let dues = [
            member.provisioning.due(),
            member.talks,
            Some(member.begins).filter(|begins| *begins > now),
        ];
        if let Some(due) = dues.into_iter().flatten().min() {
            self.turns.push(Reverse((due, number)));
        }
    }

    /// Takes in what has arrived.
    pub(super) fn hear(&mut self, air: &mut Air, now: Instant) -> io::Result<()> {
        while let Some(arrived) = air.receive()? {
            let Some(number) = number(&self.config, arrived.to()) else {
                continue;
            };
            let Some(member) = self.members.get_mut(number as usize) else {
                continue;
            };
            let random = &mut self.random;
            let random = &mut || random.u64(..);
            match arrived {
                Arrived::Pcp {
                    from,
                    port,
                    payload,
                    ..
                } => {
                    self.tally.answers += 1;
                    let inner = SocketAddrV4::new(INNER, port);
                    let datagram = Datagram {
                        way: Way::Tunnel {
                            outer_source: from,
                            outer_destination: OuterDestination::Own,
                        },
                        source: SocketAddrV4::new(SERVER, control::PCP_SERVER).into(),
                        destination: inner.into(),
                        payload: &payload,
                    };
                    member.provisioning.receive(&datagram, now, random);
                }
                Arrived::Unbound {
                    from, source, port, ..
                } => {
                    self.tally.unbound += 1;
                    let unbound = Unbound {
                        source: from,
                        quoted_source: member.address,
                        quoted_destination: self.config.remote,
                        quoted_next_header: 4,
                        inner_source: Some(source),
                        inner_port: port,
                    };
                    member.provisioning.unbound(&unbound, now, random);
                }
            }
            self.turn(number, air, now);
        }
        Ok(())
    }

    /// What has become of all so far.
    pub(super) fn tally(&self, now: Instant) -> Tally {
        let mut tally = self.tally.clone();
        tally.elapsed = now.since(self.began);
        for member in &self.members {
            let has = member.provisioning.held().next().is_some();
            tally.bound += u32::from(has);
            tally.renewing += u32::from(member.provisioning.state() == State::Renewing);
        }
        tally
    }
}

impl Member {
    /// A datagram to the Internet from the first port, for the lwAFTR to have an opinion on.
    fn talk(&mut self, every: Option<Duration>, air: &mut Air, now: Instant) {
        let Some(every) = every else {
            return;
        };
        let Some(held) = self.provisioning.held().next() else {
            self.talks = None;
            return;
        };
        if self.talks.is_some_and(|at| at > now) {
            return;
        }
        self.talks = Some(now + every);
        if let Some(port) = held.set.nth(0) {
            let source = SocketAddrV4::new(held.set.address(), port);
            air.send(self.address, &control::datagram(source, DISCARD, b""));
        }
    }
}

/// The address of the lwB4 with this number.
fn address(config: &SwarmConfig, number: u32) -> Ipv6Addr {
    let step = 128 - u32::from(config.each);
    let base = config.prefix.to_bits() | 1;
    Ipv6Addr::from_bits(base + (u128::from(number) << step))
}

/// Whose address this is.
fn number(config: &SwarmConfig, address: Ipv6Addr) -> Option<u32> {
    let step = 128 - u32::from(config.each);
    let offset = address.to_bits().checked_sub(config.prefix.to_bits() | 1)?;
    let number = u32::try_from(offset >> step).ok()?;
    (self::address(config, number) == address).then_some(number)
}

/// RFC 6333 s5.7.
const INNER: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 2);
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 1);
/// Port 9 (RFC 863) of an address for documentation (RFC 5737): nobody answers.
const DISCARD: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(203, 0, 113, 9), 9);

#[cfg(test)]
mod tests {
    use super::*;

    fn config(each: u8) -> SwarmConfig {
        SwarmConfig {
            count: 1000,
            remote: "2001:db8:af::1".parse().unwrap(),
            prefix: "2001:db8:b4::".parse().unwrap(),
            prefix_length: 48,
            each,
            per_second: None,
            lifetime_s: 600,
            talk: None,
            until_bound: false,
            patience: None,
        }
    }

    #[test]
    fn every_address_is_one_lwb4s_and_has_its_own_prefix() {
        let config = config(64);
        assert_eq!(
            address(&config, 258),
            "2001:db8:b4:102::1".parse::<Ipv6Addr>().unwrap()
        );
        for each in [56, 64, 128] {
            let config = self::config(each);
            for known in [0, 1, 255, 999] {
                assert_eq!(
                    number(&config, address(&config, known)),
                    Some(known),
                    "{each}"
                );
            }
        }
        assert_eq!(number(&config, "2001:db8:b4:102::2".parse().unwrap()), None);
        assert_eq!(number(&config, "2001:db8:b3::1".parse().unwrap()), None);
    }
}
