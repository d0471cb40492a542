//! A NAT, to which everything happens that can.

use std::net::SocketAddrV4;

use lwb4::explicit::ExplicitMappings;
use lwb4::external::ExternalSet;
use lwb4::nat::Checksum;
use lwb4::nat::Inbound;
use lwb4::nat::MappingView;
use lwb4::nat::Nat;
use lwb4::nat::NatConfig;
use lwb4::nat::Outbound;
use lwb4::nat::Way;
use pcp::instant::Instant;

use crate::input::Input;
use crate::lwb4::laws;
use crate::lwb4::packet;
use crate::lwb4::packet::Described;
use crate::lwb4::packet::HEADER;
use crate::lwb4::steps;

/// Takes octets for a NAT and what happens to it, and holds it to its laws after every step.
pub fn nat(octets: &[u8]) {
    let mut input = Input::new(octets);
    let config = steps::config(&mut input);
    let mut world = World {
        nat: Nat::new(config.clone(), 7),
        config,
        sets: Vec::new(),
        now: Instant::from_secs(1000),
    };
    world.uses(0b1011);
    while !input.is_empty() {
        world.step(&mut input);
        let mappings: Vec<_> = world.nat.mappings().collect();
        laws::of_mappings(&mappings, &world.sets, &world.config);
    }
}

struct World {
    nat: Nat,
    config: NatConfig,
    sets: Vec<ExternalSet>,
    now: Instant,
}

impl World {
    fn step(&mut self, input: &mut Input<'_>) {
        let in_use: Vec<_> = self.nat.mappings().map(|it| it.external).collect();
        match input.octet() % 16 {
            0..5 => {
                let source = steps::internal(input);
                let destination = match input.octet() & 3 {
                    3 => steps::external(input, &in_use),
                    _ => steps::remote(input),
                };
                let described = Described::read(input, source, destination);
                self.out(described.octets(), is_summed(&described));
            }
            5..9 => {
                let destination = steps::external(input, &in_use);
                let source = steps::remote(input);
                let described = Described::read(input, source, destination);
                self.come(described.octets(), is_summed(&described));
            }
            9 => {
                let octets = raw(input);
                self.out(octets, false);
            }
            10 => {
                let octets = raw(input);
                self.come(octets, false);
            }
            11 => self.error(input, &in_use),
            // The ports of a whole address take long to lay out, so it is rarer.
            12 => match input.octet() {
                mask @ 0xc0.. => self.uses(mask),
                mask => self.uses(mask & !steps::WHOLE),
            },
            13 => {
                let wanted = steps::wanted(input, &in_use, self.now);
                if let Ok(end) = self.nat.open(&wanted, self.now) {
                    assert_eq!(self.nat.external(&wanted.key), Some(end));
                }
            }
            14 => self.nat.close(&steps::key(input), self.now),
            _ => {
                self.now = self.now + steps::pause(input);
                self.nat.poll(self.now);
                self.take_released();
                assert!(self.nat.due().is_none_or(|due| due > self.now), "due");
            }
        }
    }

    fn uses(&mut self, mask: u8) {
        self.sets = steps::sets(mask);
        self.nat.set_external(&self.sets, self.now);
    }

    fn out(&mut self, mut octets: Vec<u8>, is_summed: bool) {
        let before = octets.clone();
        let checksum = Checksum::Complete;
        match self.nat.outbound(&mut octets, checksum, self.now) {
            Outbound::ToTunnel => {
                laws::of_outbound(&octets, &self.sets);
                laws::of_sums(&octets, is_summed);
                assert_eq!(before[16..20], octets[16..20], "the destination stays");
            }
            Outbound::Hairpin => laws::of_sums(&octets, is_summed),
            Outbound::Reply(reply) => laws::of_sums(&reply, false),
            Outbound::Held | Outbound::Drop(_) => {}
        }
        self.take_released();
    }

    fn come(&mut self, mut octets: Vec<u8>, is_summed: bool) {
        let before: Vec<_> = self.nat.mappings().collect();
        let source = octets.get(12..16).map(<[u8]>::to_vec);
        if self.nat.inbound(&mut octets, Checksum::Complete, self.now) == Inbound::ToLan {
            laws::of_sums(&octets, is_summed);
            assert_eq!(source.as_deref(), octets.get(12..16), "the source stays");
            has_mapping(&before, packet::ends(&octets).1);
        }
        self.take_released();
    }

    /// An ICMP error about a packet that a mapping may have sent, whole or cut.
    fn error(&mut self, input: &mut Input<'_>, in_use: &[SocketAddrV4]) {
        let source = steps::external(input, in_use);
        let destination = steps::remote(input);
        let quoted = Described::read(input, source, destination).octets();
        let shown = quoted.len().min(usize::from(input.octet()).max(HEADER));
        let rest: Vec<_> = [0; 4].iter().chain(&quoted[..shown]).copied().collect();
        let error = Described {
            protocol: packet::ICMP,
            source: steps::remote(input),
            destination: SocketAddrV4::new(*source.ip(), 0),
            kind: input.pick(&[3, 11, 12]),
            fragmentation: 0,
            rest: &rest[4..],
        };
        self.come(error.octets(), true);
    }

    fn take_released(&mut self) {
        while let Some(released) = self.nat.take_released() {
            laws::of_sums(&released.packet, false);
            match released.way {
                Way::ToTunnel => laws::of_outbound(&released.packet, &self.sets),
                Way::ToLan | Way::Hairpin => {}
            }
        }
    }
}

/// Whoever gets a packet from outside has a mapping.
fn has_mapping(mappings: &[MappingView], to: SocketAddrV4) {
    let mut owners = mappings.iter().map(|mapping| *mapping.internal.ip());
    assert!(
        owners.any(|owner| owner == *to.ip()),
        "{to} of {mappings:?}"
    );
}

/// Octets behind a header that passes, or not even that.
fn raw(input: &mut Input<'_>) -> Vec<u8> {
    let count = usize::from(input.octet());
    let mut octets = input.take(count).to_vec();
    if count & 1 == 0 {
        packet::mend(&mut octets);
    }
    octets
}

/// Whether the transport has a sum that covers the whole packet.
fn is_summed(described: &Described<'_>) -> bool {
    packet::checksum_at(described.protocol).is_some() && described.fragmentation & 0x3fff == 0
}
