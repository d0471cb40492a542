//! Messages that other implementations decode, octet by octet, and the examples of RFC 7753 s5 and s6.

use std::net::IpAddr;
use std::net::Ipv4Addr;

use super::super::*;
use super::B4;
use super::canonical;
use super::hex;
use crate::result_code::ResultCode;

fn nonce() -> Nonce {
    Nonce::new([
        0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab,
    ])
}

fn set(size: u16, first_internal_port: u16) -> PcpOption<'static> {
    PcpOption::PortSet(PortSetOption {
        size,
        first_internal_port,
        parity: Parity::Any,
    })
}

fn map(protocol: u8, internal_port: u16, external: (Ipv4Addr, u16)) -> Payload {
    Payload::Map(MapPayload {
        nonce: nonce(),
        protocol,
        internal_port,
        external_port: external.1,
        external_address: IpAddr::V4(external.0),
    })
}

#[test]
fn the_canonical_request_of_an_lwb4() {
    let octets = canonical();
    let request = Request::parse(&octets, B4, Enabled::Map).unwrap();
    assert_eq!((request.lifetime_s, request.client), (3600, B4));
    assert_eq!(request.payload, map(0, 1, (Ipv4Addr::UNSPECIFIED, 0)));
    let options: Vec<_> = request.options.iter().map(Result::unwrap).collect();
    assert_eq!(options, [set(65535, 1)]);

    let mut message = Message::request(3600, B4, &request.payload);
    message.push(&options[0]).unwrap();
    assert_eq!(message.as_slice(), octets);
}

#[test]
fn the_answer_with_the_set_in_first_internal_port() {
    let octets = hex(
        "0281000000000e100000002a000000000000000000000000a0a1a2a3a4a5a6a7a8a9aaab
         000000000001680000000000000000000000ffffc0000205820000050800680000000000",
    );
    let response = Response::parse(&octets).unwrap();
    let header = ResponseHeader {
        opcode: Opcode::Map,
        result: ResultCode::Success,
        lifetime_s: 3600,
        epoch_s: 42,
    };
    assert_eq!(response.header, header);
    let payload = map(0, 1, (Ipv4Addr::new(192, 0, 2, 5), 26624));
    assert_eq!(response.payload, payload);
    let options: Vec<_> = response.options.iter().map(Result::unwrap).collect();
    assert_eq!(options, [set(2048, 26624)]);

    let mut message = Message::response(&header, &payload);
    message.push(&options[0]).unwrap();
    assert_eq!(message.as_slice(), octets);
}

#[test]
fn pc_141_an_announcement_is_a_header_with_an_epoch() {
    let octets = hex("028000000000000000000000000000000000000000000000");
    assert_eq!(unsolicited_announce(0).as_slice(), octets);
    let response = Response::parse(&octets).unwrap();
    assert_eq!(response.payload, Payload::Announce);
    assert_eq!(response.header.epoch_s, 0);
    assert_eq!(&unsolicited_announce(0x0102_0304)[8..12], [1, 2, 3, 4]);
}

#[test]
fn the_request_in_its_tunnel_carries_the_canonical_payload() {
    let packet = hex(
        "6000000000640440 20010db800b400000000000000000001 20010db800af00000000000000000001
         45000064000000004011fa85c0000002c0000001 9c4014e700509a1f",
    );
    assert_eq!(packet.len(), 40 + 20 + 8);
    assert_eq!(packet[62..64], SERVER_PORT.to_be_bytes());
    let udp_length = u16::from_be_bytes([packet[64], packet[65]]);
    assert_eq!(usize::from(udp_length), 8 + canonical().len());
    assert_eq!(sum(&packet[40..60]), 0xffff);
    let pseudo_header = [&packet[52..60], &[0, 17], &packet[64..66]].concat();
    let datagram = [&pseudo_header, &packet[60..], &canonical()].concat();
    assert_eq!(sum(&datagram), 0xffff);
}

/// The sum of RFC 1071, all ones where the checksum is right.
fn sum(octets: &[u8]) -> u32 {
    let words = octets
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    let sum: u32 = words.sum();
    (sum & 0xffff) + (sum >> 16)
}

/// RFC 7753 s5.1: 100 ports of UDP asked for, 32 granted.
#[test]
fn rfc_7753_s5_1_a_set_smaller_than_the_one_asked_for() {
    let mut request = Message::request(3600, B4, &map(17, 50000, (Ipv4Addr::UNSPECIFIED, 0)));
    request.push(&set(100, 50000)).unwrap();
    assert_eq!(request.len(), 72);
    assert_eq!(request[60..72], hex("82000005 0064 c350 00 000000"));

    let header = ResponseHeader {
        opcode: Opcode::Map,
        result: ResultCode::Success,
        lifetime_s: 3600,
        epoch_s: 1,
    };
    let address = Ipv4Addr::new(192, 0, 2, 1);
    let mut response = Message::response(&header, &map(17, 50000, (address, 37056)));
    response.push(&set(32, 50000)).unwrap();
    assert_eq!(response[36..44], hex("11000000 c350 90c0"));
    assert_eq!(response[60..72], hex("82000005 0020 c350 00 000000"));
}

/// RFC 7753 s5.3 and s6.3: the answers to a request that meets two mappings. The second carries its own
/// internal port in s5.3, that of the request in s6.3; both are read alike (PS-051).
#[test]
fn rfc_7753_s5_3_and_s6_3_two_answers_to_one_request() {
    let header = ResponseHeader {
        opcode: Opcode::Map,
        result: ResultCode::Success,
        lifetime_s: 3600,
        epoch_s: 1,
    };
    let address = Ipv4Addr::new(192, 0, 2, 1);
    let first = Message::response(&header, &map(17, 100, (address, 100)));
    let response = Response::parse(&first).unwrap();
    assert_eq!(response.options.iter().count(), 0);
    for internal_port in [101, 100] {
        let mut second = Message::response(&header, &map(17, internal_port, (address, 201)));
        second.push(&set(99, 101)).unwrap();
        let response = Response::parse(&second).unwrap();
        let options: Vec<_> = response.options.iter().map(Result::unwrap).collect();
        assert_eq!(options, [set(99, 101)]);
    }
}

#[test]
fn every_option_on_the_wire() {
    let mut message = Message::request(0, B4, &Payload::Announce);
    let long = [7_u8; 5];
    for option in [
        PcpOption::ThirdParty(B4),
        PcpOption::PreferFailure,
        PcpOption::Filter(Filter {
            prefix_length: 128,
            remote_port: 53,
            remote_address: IpAddr::from([8, 8, 8, 8]),
        }),
        PcpOption::ThirdPartyId(&long),
        PcpOption::Description(b"cpe"),
        PcpOption::PortSet(PortSetOption {
            size: 256,
            first_internal_port: 512,
            parity: Parity::Preserved,
        }),
        PcpOption::Unknown {
            code: 240,
            data: &[1],
        },
    ] {
        message.push(&option).unwrap();
    }
    assert_eq!(
        message[24..],
        hex("01000010 00000000000000000000ffffc0000002
             02000000
             03000014 00 80 0035 00000000000000000000ffff08080808
             0d000005 0707070707 000000
             80000003 637065 00
             82000005 0100 0200 01 000000
             f0000001 01 000000")
    );
}

#[test]
fn np_001_the_answer_of_a_nat_pmp_server_is_told_from_any_other() {
    let octets = hex("0080000100000064");
    assert_eq!(
        Response::parse(&octets).unwrap_err(),
        ResponseError::UnsupportedVersion {
            supported: 0,
            lifetime_s: 0
        }
    );
    let mut octets = hex("02810001000007080000000100000000000000000000000000");
    octets.truncate(24);
    assert_eq!(
        Response::parse(&octets).unwrap_err(),
        ResponseError::UnsupportedVersion {
            supported: 2,
            lifetime_s: 1800
        }
    );
}
