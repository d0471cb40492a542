//! ARP for our address on the Internet side (RFC 826).

use std::net::Ipv4Addr;

use lwaftr_dataplane::side::Side;
use lwaftr_dataplane::wire::ethernet;
use lwaftr_dataplane::wire::ethernet::Mac;
use smoltcp::wire::ArpOperation;
use smoltcp::wire::ArpPacket;
use smoltcp::wire::ArpRepr;
use smoltcp::wire::EthernetAddress;

use crate::exception::frame::Frame;
use crate::exception::own::Own;

/// What an ARP packet says, and asks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Heard {
    /// Its sender's addresses; absent in a probe, whose sender has none yet (RFC 5227 s2.1).
    pub(super) sender: Option<(Ipv4Addr, Mac)>,
    /// The answer that it wants from us.
    pub(super) answer: Option<Frame>,
}

/// Reads an ARP packet; `None` when it is none between Ethernet and IPv4 addresses.
pub(super) fn hear(own: &Own, packet: &[u8]) -> Option<Heard> {
    let packet = ArpPacket::new_checked(packet).ok()?;
    let ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr,
        source_protocol_addr,
        target_protocol_addr,
        ..
    } = ArpRepr::parse(&packet).ok()?
    else {
        return None;
    };
    if !source_hardware_addr.is_unicast() {
        return None;
    }
    let mac = Mac(source_hardware_addr.0);
    let is_asked = operation == ArpOperation::Request && target_protocol_addr == own.internet;
    Some(Heard {
        sender: (!source_protocol_addr.is_unspecified()).then_some((source_protocol_addr, mac)),
        answer: is_asked.then(|| {
            frame(
                own,
                mac,
                ArpOperation::Reply,
                own.internet,
                (mac, source_protocol_addr),
            )
        }),
    })
}

/// Asks who has `target`: everybody, or the neighbour that had it last.
pub(super) fn ask(own: &Own, target: Ipv4Addr, last: Option<Mac>) -> Frame {
    let to = last.unwrap_or(Mac::BROADCAST);
    let nobody = Mac([0; 6]);
    frame(
        own,
        to,
        ArpOperation::Request,
        own.internet,
        (nobody, target),
    )
}

/// Tells everybody what our address is (RFC 5227 s3: an announcement is a request for oneself).
pub(super) fn announce(own: &Own) -> Frame {
    ask(own, own.internet, None)
}

fn frame(
    own: &Own,
    to: Mac,
    operation: ArpOperation,
    source: Ipv4Addr,
    (target_mac, target): (Mac, Ipv4Addr),
) -> Frame {
    let packet = ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr: EthernetAddress(own.internet_mac.0),
        source_protocol_addr: source,
        target_hardware_addr: EthernetAddress(target_mac.0),
        target_protocol_addr: target,
    };
    let mut payload = vec![0; packet.buffer_len()];
    packet.emit(&mut ArpPacket::new_unchecked(&mut payload[..]));
    Frame {
        side: Side::Internet,
        destination: to,
        ether_type: ethernet::ARP,
        payload,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exception::tests::own;

    const PEER: Mac = Mac([2, 0, 0, 0, 0, 9]);

    /// By hand from RFC 826: hardware 1, protocol 0x0800, lengths 6 and 4.
    fn packet(operation: u8, sender: [u8; 4], target: [u8; 4]) -> Vec<u8> {
        let mut packet = vec![0, 1, 8, 0, 6, 4, 0, operation];
        packet.extend(PEER.0);
        packet.extend(sender);
        packet.extend([0; 6]);
        packet.extend(target);
        packet
    }

    #[test]
    fn who_asks_for_our_address_is_told_and_remembered() {
        let own = own();
        let heard = hear(&own, &packet(1, [203, 0, 113, 9], [203, 0, 113, 1])).unwrap();
        let peer = Ipv4Addr::new(203, 0, 113, 9);
        assert_eq!(heard.sender, Some((peer, PEER)));
        let answer = heard.answer.unwrap();
        assert_eq!((answer.destination, answer.ether_type), (PEER, 0x0806));
        let mut expected = vec![0, 1, 8, 0, 6, 4, 0, 2];
        expected.extend(own.internet_mac.0);
        expected.extend([203, 0, 113, 1]);
        expected.extend(PEER.0);
        expected.extend([203, 0, 113, 9]);
        assert_eq!(answer.payload, expected);
    }

    #[test]
    fn a_probe_is_answered_but_its_sender_has_no_address_yet() {
        let heard = hear(&own(), &packet(1, [0; 4], [203, 0, 113, 1])).unwrap();
        assert_eq!(heard.sender, None);
        assert!(heard.answer.is_some());
    }

    #[test]
    fn answers_and_questions_for_others_are_not_answered() {
        for (operation, target) in [
            (2, [203, 0, 113, 1]),
            (1, [203, 0, 113, 2]),
            (8, [203, 0, 113, 1]),
        ] {
            let heard = hear(&own(), &packet(operation, [203, 0, 113, 9], target)).unwrap();
            assert_eq!(heard.answer, None, "{operation} {target:?}");
        }
    }

    #[test]
    fn what_is_cut_or_no_ethernet_arp_is_not_heard() {
        let good = packet(1, [203, 0, 113, 9], [203, 0, 113, 1]);
        for len in 0..good.len() {
            assert_eq!(hear(&own(), &good[..len]), None);
        }
        let mut other = good;
        other[1] = 6;
        assert_eq!(hear(&own(), &other), None);
    }

    #[test]
    fn a_question_goes_to_everybody_or_to_whoever_had_the_address() {
        let target = Ipv4Addr::new(203, 0, 113, 254);
        assert_eq!(ask(&own(), target, None).destination, Mac::BROADCAST);
        let again = ask(&own(), target, Some(PEER));
        assert_eq!(again.destination, PEER);
        assert_eq!(again.payload[6..8], [0, 1]);
        assert_eq!(again.payload[14..18], [203, 0, 113, 1]);
        assert_eq!(again.payload[24..], [203, 0, 113, 254]);
    }
}
