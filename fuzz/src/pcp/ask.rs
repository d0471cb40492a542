//! A packet out of a few choices: mostly one that makes sense, and then bent.
//!
//! It is written by offsets, not by the encoder that is on trial.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use pcp::server::Arrival;
use pcp::server::Packet;

use crate::input::Input;
use crate::pcp::settings::BR;

/// A packet and how it came.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) octets: Vec<u8>,
    pub(crate) source: IpAddr,
    pub(crate) port: u16,
    pub(crate) arrival: Arrival,
}

impl Ask {
    pub(crate) fn read(input: &mut Input<'_>) -> Self {
        let who = input.octet();
        let outer = b4(who);
        let (source, arrival) = match input.pick(&[0, 0, 0, 1, 2]) {
            0 => (
                IpAddr::V4(Ipv4Addr::new(192, 0, 0, 2 + (who >> 6))),
                Arrival::Tunnel { outer, br: BR },
            ),
            1 => (IpAddr::V6(outer), Arrival::Plain { br: BR }),
            _ => (
                IpAddr::V6(Ipv6Addr::LOCALHOST),
                Arrival::Management(u16::from(who >> 7)),
            ),
        };
        let mut octets = header(input, source);
        if octets[1] == 1 {
            map(input, &mut octets);
            options(input, &mut octets, outer, arrival);
        }
        bend(input, &mut octets);
        Self {
            octets,
            source,
            port: 40000 + u16::from(who),
            arrival,
        }
    }

    pub(crate) fn packet(&self) -> Packet<'_> {
        Packet {
            octets: &self.octets,
            source: self.source,
            port: self.port,
            arrival: self.arrival,
        }
    }
}

/// Softwire ends of four subscribers, with two /64s and two hosts in each; one more is not served.
fn b4(who: u8) -> Ipv6Addr {
    let [subscriber, subnet, host] = [who & 3, who >> 2 & 1, who >> 3 & 1].map(u16::from);
    let first = if who & 0x30 == 0x30 { 0x3fff } else { 0x2001 };
    Ipv6Addr::new(
        first,
        0xdb8,
        0xb4,
        subscriber << 8 | subnet,
        0,
        0,
        0,
        1 + host,
    )
}

fn header(input: &mut Input<'_>, source: IpAddr) -> Vec<u8> {
    let opcode = input.pick(&[1, 1, 1, 1, 1, 1, 0, 2]);
    let lifetime_s: u32 = input.pick(&[3600, 0, 1, 60, 600, u32::MAX]);
    let client = match source {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    let mut octets = vec![2, opcode, 0, 0];
    octets.extend(lifetime_s.to_be_bytes());
    octets.extend(client.octets());
    octets
}

fn map(input: &mut Input<'_>, octets: &mut Vec<u8>) {
    octets.extend([input.octet() & 1; 12]);
    octets.extend([input.pick(&[0, 0, 0, 17, 6, 1]), 0, 0, 0]);
    octets.extend(port(input, 1).to_be_bytes());
    let suggested = input.pick(&[0, 0, 4, 5, 8, 16, 100]);
    let address = match suggested {
        0 => Ipv4Addr::UNSPECIFIED,
        100 => Ipv4Addr::new(198, 51, 100, 0),
        last => Ipv4Addr::new(192, 0, 2, last),
    };
    let external = if suggested == 0 { 0 } else { port(input, 8192) };
    octets.extend(external.to_be_bytes());
    octets.extend(address.to_ipv6_mapped().octets());
}

/// The usual port, one where sets begin, or any.
fn port(input: &mut Input<'_>, usual: u16) -> u16 {
    match input.octet() {
        0 => usual,
        multiple @ 1..=100 => u16::from(multiple) << 11,
        101 => 0,
        _ => input.number(),
    }
}

fn options(input: &mut Input<'_>, octets: &mut Vec<u8>, outer: Ipv6Addr, arrival: Arrival) {
    let which = input.octet();
    let is_asked = |bit: u8| which >> bit & 1 == 1;
    if matches!(arrival, Arrival::Management(_)) != is_asked(1) {
        let host = Ipv4Addr::new(192, 0, 0, 2).to_ipv6_mapped();
        push(octets, 1, &host.octets());
        push(octets, 13, &outer.octets());
    }
    if is_asked(2) {
        push(octets, 2, &[]);
    }
    if is_asked(3) {
        let length = usize::from(input.octet()) * 5;
        push(
            octets,
            input.pick(&[128, 200, 64, 3, 1, 13]),
            &vec![0; length],
        );
    }
    // Usually there, and once.
    for _ in 0..[1, 0, 2, 1][usize::from(which >> 4 & 3)] {
        let size: u16 = match input.pick(&[0, 0, 1, 2, 3]) {
            0 => u16::MAX,
            1 => 8192,
            2 => input.number(),
            _ => 1,
        };
        let first = if is_asked(6) {
            input.number().to_be_bytes()
        } else {
            [octets[40], octets[41]]
        };
        let [high, low] = size.to_be_bytes();
        push(octets, 130, &[high, low, first[0], first[1], which >> 7]);
    }
}

fn push(octets: &mut Vec<u8>, code: u8, data: &[u8]) {
    octets.extend([code, 0]);
    octets.extend((data.len() as u16).to_be_bytes());
    octets.extend(data);
    octets.resize(octets.len().next_multiple_of(4), 0);
}

/// Changes some octets, or how many there are.
fn bend(input: &mut Input<'_>, octets: &mut Vec<u8>) {
    match input.pick(&[0, 0, 0, 0, 0, 0, 1, 2, 3]) {
        1 => {
            let place = usize::from(input.number()) % octets.len();
            octets[place] = input.octet();
        }
        2 => octets.truncate(usize::from(input.octet())),
        3 => {
            let length = usize::from(input.octet());
            octets.extend(input.take(length));
        }
        _ => {}
    }
}
