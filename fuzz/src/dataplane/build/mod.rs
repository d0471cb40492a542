//! Packets out of the fuzzer's octets: right in what it takes to be looked at, and wrong in one thing or
//! another as the octets say. Zeros make the plainest packet there is.

mod cut;
mod datagram;
pub(crate) mod frame;
mod icmpv6;
mod tunnel;

use crate::dataplane::network::ADDRESSES;
use crate::dataplane::network::SOFTWIRES;
use crate::dataplane::network::Softwire;
use crate::input::Input;

use datagram::Flow;

pub(crate) use icmpv6::for_control;
pub(crate) use icmpv6::tunnel_error;

/// A datagram for a subscriber, whole or in fragments.
pub(crate) fn from_internet(input: &mut Input<'_>) -> Vec<Vec<u8>> {
    let (_, subscriber, port) = subscriber(input);
    let flow = Flow {
        source: host(input),
        destination: subscriber,
        source_port: HOST_PORT,
        destination_port: port,
    };
    let datagram = datagram::build(input, flow);
    cut::ipv4(input, datagram)
}

/// A datagram of a subscriber in its tunnel, with fragments inside or outside.
pub(crate) fn from_access(input: &mut Input<'_>) -> Vec<Vec<u8>> {
    let (softwire, subscriber, port) = subscriber(input);
    let flow = Flow {
        source: subscriber,
        destination: host(input),
        source_port: port,
        destination_port: HOST_PORT,
    };
    tunnelled(input, softwire, flow)
}

/// The same to another subscriber, or the same one.
pub(crate) fn hairpin(input: &mut Input<'_>) -> Vec<Vec<u8>> {
    let (softwire, source, source_port) = subscriber(input);
    let (_, destination, destination_port) = subscriber(input);
    let flow = Flow {
        source,
        destination,
        source_port,
        destination_port,
    };
    tunnelled(input, softwire, flow)
}

fn tunnelled(input: &mut Input<'_>, softwire: &Softwire, flow: Flow) -> Vec<Vec<u8>> {
    let datagram = datagram::build(input, flow);
    let mut packets = Vec::new();
    for inner in cut::ipv4(input, datagram) {
        let ipv6 = tunnel::build(input, softwire, &inner);
        packets.extend(cut::ipv6(input, ipv6));
    }
    packets
}

/// A softwire, and an address and port that are its own, or once in a while are not.
fn subscriber(input: &mut Input<'_>) -> (&'static Softwire, [u8; 4], u16) {
    let choice = input.octet();
    let softwire = &SOFTWIRES[usize::from(choice & 31) % SOFTWIRES.len()];
    let port = u16::from(input.octet()) * 0x0101;
    match choice >> 5 {
        7 => (softwire, softwire.ipv4, port),
        6 => (softwire, host(input), softwire.port(port)),
        _ => (softwire, softwire.ipv4, softwire.port(port)),
    }
}

/// Mostly an address that a host could have.
fn host(input: &mut Input<'_>) -> [u8; 4] {
    let choice = usize::from(input.octet());
    if choice < 192 {
        ADDRESSES[choice % 3]
    } else {
        ADDRESSES[choice % ADDRESSES.len()]
    }
}

/// The port of hosts on the Internet.
const HOST_PORT: u16 = 443;
