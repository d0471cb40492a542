//! Frames around packets, harmed or not.

use lwaftr_dataplane::forwarding::Link;
use lwaftr_dataplane::side::Side;

use crate::dataplane::front;
use crate::dataplane::front::Front;
use crate::input::Input;

/// A frame, the tag that the device took out of it, and whether the device says what it may of checksums.
pub(crate) fn build(
    input: &mut Input<'_>,
    link: &Link,
    side: Side,
    packet: &[u8],
) -> (Vec<u8>, Option<u16>, bool) {
    let whims = input.octet();
    let is_asked = |bit: u8| whims >> bit & 1 == 1;
    let front = if is_asked(4) {
        input.pick(&[Front::Stripped, Front::OtherVlan, Front::OtherMac])
    } else {
        Front::Usual
    };
    let ether_type = if is_asked(4) {
        input.pick(&[front::ether_type(side), front::IPV4, front::IPV6, ARP])
    } else {
        front::ether_type(side)
    };
    let (mut frame, stripped_vlan) = front.build(link, ether_type, packet.len() + PADDING_MAX);
    frame.extend_from_slice(packet);
    if is_asked(5) {
        frame.resize(
            frame.len() + usize::from(input.octet()) % (PADDING_MAX + 1),
            PADDING,
        );
    }
    for _ in 0..whims & 3 {
        let at = input.below(HARMED);
        if let Some(octet) = frame.get_mut(at) {
            *octet = input.octet();
        }
    }
    if is_asked(2) {
        front::mend_ipv4(&mut frame);
    }
    if is_asked(3) {
        frame.truncate(usize::from(input.octet()));
    }
    (frame, stripped_vlan, is_asked(6) | is_asked(7))
}

/// Octets of the frame in its first buffer: sometimes not even all headers.
pub(crate) fn first_octets(input: &mut Input<'_>, is_odd: bool) -> usize {
    if is_odd {
        input.pick(&[usize::MAX, 60, 100, 128, 14, 40, 1, 0])
    } else {
        usize::MAX
    }
}

const ARP: u16 = 0x0806;
/// Octets of a frame that may be changed: the headers, and those of what is quoted.
const HARMED: usize = 180;
/// Octets behind a packet, at most.
const PADDING_MAX: usize = 63;
/// A value that is no good header.
const PADDING: u8 = 0x45;
