//! Neighbour discovery for our addresses on the access side (RFC 4861).
//!
//! A solicitation is believed when it comes from the link itself, which its hop limit of 255 proves. One
//! from the unspecified address asks whether the address is free (RFC 4862 s5.4.3): that it is ours is
//! then said to everybody.

use std::net::Ipv6Addr;

use lwaftr_dataplane::side::Side;
use lwaftr_dataplane::wire::ethernet;
use lwaftr_dataplane::wire::ethernet::Mac;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::EthernetAddress;
use smoltcp::wire::Icmpv6Packet;
use smoltcp::wire::Icmpv6Repr;
use smoltcp::wire::IpProtocol;
use smoltcp::wire::Ipv6Packet;
use smoltcp::wire::Ipv6Repr;
use smoltcp::wire::NdiscNeighborFlags as Flags;
use smoltcp::wire::NdiscRepr;
use smoltcp::wire::RawHardwareAddress;

use crate::exception::frame::Frame;
use crate::exception::own::Own;

/// What a message of neighbour discovery says, and asks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Heard {
    /// A neighbour's addresses.
    pub(super) sender: Option<(Ipv6Addr, Mac)>,
    /// The answer that it wants from us.
    pub(super) answer: Option<Frame>,
}

/// Reads an IPv6 packet; `None` when it is no good solicitation or advertisement.
pub(super) fn hear(own: &Own, packet: &[u8], from: Mac) -> Option<Heard> {
    let packet = Ipv6Packet::new_checked(packet).ok()?;
    if packet.next_header() != IpProtocol::Icmpv6 || packet.hop_limit() != ON_LINK {
        return None;
    }
    let (source, destination) = (packet.src_addr(), packet.dst_addr());
    let message = Icmpv6Packet::new_checked(packet.payload()).ok()?;
    let checksums = ChecksumCapabilities::default();
    let Icmpv6Repr::Ndisc(message) =
        Icmpv6Repr::parse(&source, &destination, &message, &checksums).ok()?
    else {
        return None;
    };
    match message {
        NdiscRepr::NeighborSolicit {
            target_addr,
            lladdr,
        } => {
            let sender = (!source.is_unspecified())
                .then(|| Some((source, lladdr.map_or(Some(from), mac)?)))
                .flatten();
            let answer = own.has_ipv6(target_addr).then(|| match sender {
                Some((asker, mac)) => advertise(own, target_addr, asker, mac, Flags::SOLICITED),
                None => announce(own, target_addr),
            });
            Some(Heard { sender, answer })
        }
        NdiscRepr::NeighborAdvert {
            target_addr,
            lladdr,
            ..
        } => Some(Heard {
            sender: Some((target_addr, lladdr.map_or(Some(from), mac)?)),
            answer: None,
        }),
        _ => None,
    }
}

/// Asks who has `target`: its solicited-node group, or the neighbour that had it last.
pub(super) fn ask(own: &Own, target: Ipv6Addr, last: Option<Mac>) -> Frame {
    let message = NdiscRepr::NeighborSolicit {
        target_addr: target,
        lladdr: Some(hardware(own.access_mac)),
    };
    let (destination, to) = match last {
        Some(mac) => (target, mac),
        None => multicast(solicited_node(target)),
    };
    frame(own.access, destination, to, message)
}

/// Tells everybody that `address` is ours (RFC 4861 s7.2.6).
pub(super) fn announce(own: &Own, address: Ipv6Addr) -> Frame {
    let (all_nodes, to) = multicast(ALL_NODES);
    advertise(own, address, all_nodes, to, Flags::empty())
}

fn advertise(own: &Own, target: Ipv6Addr, to: Ipv6Addr, mac: Mac, solicited: Flags) -> Frame {
    let message = NdiscRepr::NeighborAdvert {
        flags: Flags::ROUTER | Flags::OVERRIDE | solicited,
        target_addr: target,
        lladdr: Some(hardware(own.access_mac)),
    };
    frame(target, to, mac, message)
}

fn frame(source: Ipv6Addr, destination: Ipv6Addr, to: Mac, message: NdiscRepr<'_>) -> Frame {
    let message = Icmpv6Repr::Ndisc(message);
    let header = Ipv6Repr {
        src_addr: source,
        dst_addr: destination,
        next_header: IpProtocol::Icmpv6,
        payload_len: message.buffer_len(),
        hop_limit: ON_LINK,
    };
    let mut payload = vec![0; header.buffer_len() + message.buffer_len()];
    let mut packet = Ipv6Packet::new_unchecked(&mut payload[..]);
    header.emit(&mut packet);
    message.emit(
        &source,
        &destination,
        &mut Icmpv6Packet::new_unchecked(packet.payload_mut()),
        &ChecksumCapabilities::default(),
    );
    Frame {
        side: Side::Access,
        destination: to,
        ether_type: ethernet::IPV6,
        payload,
    }
}

fn hardware(mac: Mac) -> RawHardwareAddress {
    EthernetAddress(mac.0).into()
}

/// A unicast Ethernet address of an option; others are nobody's.
fn mac(address: RawHardwareAddress) -> Option<Mac> {
    let octets: [u8; 6] = address.as_bytes().try_into().ok()?;
    EthernetAddress(octets).is_unicast().then_some(Mac(octets))
}

/// The Ethernet group of an IPv6 group (RFC 2464 s7).
fn multicast(group: Ipv6Addr) -> (Ipv6Addr, Mac) {
    let [.., a, b, c, d] = group.octets();
    (group, Mac([0x33, 0x33, a, b, c, d]))
}

/// RFC 4291 s2.7.1.
fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c])
}

/// Hop limit of what no router has forwarded (RFC 4861 s3.1).
const ON_LINK: u8 = 255;
/// RFC 4291 s2.7.1.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

#[cfg(test)]
mod tests {
    use lwaftr_dataplane::wire::checksum;

    use super::*;
    use crate::exception::tests::own;

    const PEER: Mac = Mac([2, 0, 0, 0, 0, 9]);
    const PEER_IPV6: &str = "2001:db8:ac::9";

    /// By hand from RFC 4861 s4.3, s4.4: a message with one link-layer address option or none.
    fn packet(
        kind: u8,
        source: &str,
        destination: &str,
        target: &str,
        option: Option<Mac>,
    ) -> Vec<u8> {
        let octets = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets();
        let mut message = vec![kind, 0, 0, 0, 0, 0, 0, 0];
        message.extend(octets(target));
        if let Some(mac) = option {
            message.extend([kind - 134, 1]);
            message.extend(mac.0);
        }
        let mut pseudo = octets(source).to_vec();
        pseudo.extend(octets(destination));
        pseudo.extend([0, 0, 0, message.len() as u8, 0, 0, 0, 58]);
        pseudo.extend(&message);
        let sum = !checksum::sum(&pseudo);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        let mut packet = vec![0x60, 0, 0, 0, 0, message.len() as u8, 58, 255];
        packet.extend(octets(source));
        packet.extend(octets(destination));
        packet.extend(message);
        packet
    }

    /// Whether the ICMPv6 message of a frame sums up (RFC 8200 s8.1).
    fn sums_up(frame: &Frame) -> bool {
        let (header, message) = frame.payload.split_at(40);
        let mut pseudo = header[8..40].to_vec();
        pseudo.extend([0, 0, 0, message.len() as u8, 0, 0, 0, 58]);
        pseudo.extend(message);
        checksum::sum(&pseudo) == 0xffff
    }

    #[test]
    fn who_asks_for_an_address_of_ours_is_told_and_remembered() {
        for target in ["2001:db8:ac::1", "2001:db8:af::1"] {
            let asked = packet(135, PEER_IPV6, "ff02::1:ff00:1", target, Some(PEER));
            let heard = hear(&own(), &asked, Mac([2; 6])).unwrap();
            assert_eq!(heard.sender, Some((PEER_IPV6.parse().unwrap(), PEER)));
            let answer = heard.answer.unwrap();
            assert_eq!((answer.destination, answer.ether_type), (PEER, 0x86dd));
            assert!(sums_up(&answer));
            // Hop limit 255, from the target, to the asker: an advertisement that is asked for.
            assert_eq!(answer.payload[7], 255);
            assert_eq!(answer.payload[40], 136);
            assert_eq!(answer.payload[44], 0xe0);
            assert_eq!(answer.payload[64..66], [2, 1]);
            assert_eq!(answer.payload[66..], own().access_mac.0);
        }
    }

    #[test]
    fn who_tries_an_address_of_ours_hears_with_all_others_that_it_is_taken() {
        let probe = packet(135, "::", "ff02::1:ff00:1", "2001:db8:ac::1", None);
        let heard = hear(&own(), &probe, PEER).unwrap();
        assert_eq!(heard.sender, None);
        let answer = heard.answer.unwrap();
        assert_eq!(answer.destination, Mac([0x33, 0x33, 0, 0, 0, 1]));
        assert_eq!(answer.payload[44], 0xa0, "not solicited");
        assert!(sums_up(&answer));
    }

    #[test]
    fn an_advertisement_tells_its_targets_address() {
        let said = packet(136, PEER_IPV6, "ff02::1", "2001:db8:ac::fe", Some(PEER));
        let heard = hear(&own(), &said, Mac([2; 6])).unwrap();
        assert_eq!(
            heard.sender,
            Some(("2001:db8:ac::fe".parse().unwrap(), PEER))
        );
        assert_eq!(heard.answer, None);
    }

    #[test]
    fn what_came_over_a_router_or_does_not_sum_up_is_not_heard() {
        let good = packet(
            135,
            PEER_IPV6,
            "ff02::1:ff00:1",
            "2001:db8:ac::1",
            Some(PEER),
        );
        assert!(hear(&own(), &good, PEER).is_some());
        for (at, value) in [(7, 254), (42, good[42] ^ 1), (6, 17)] {
            let mut bad = good.clone();
            bad[at] = value;
            assert_eq!(hear(&own(), &bad, PEER), None, "{at}");
        }
        for len in 0..good.len() {
            assert_eq!(hear(&own(), &good[..len], PEER), None, "{len}");
        }
    }

    #[test]
    fn a_question_goes_to_the_group_or_to_whoever_had_the_address() {
        let target = "2001:db8:ac::12:3456".parse().unwrap();
        let asked = ask(&own(), target, None);
        assert_eq!(asked.destination, Mac([0x33, 0x33, 0xff, 0x12, 0x34, 0x56]));
        assert_eq!(asked.payload[40], 135);
        assert!(sums_up(&asked));
        assert_eq!(ask(&own(), target, Some(PEER)).destination, PEER);
    }
}
