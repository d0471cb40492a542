//! What a server does about each request that it cannot read (PC-002 to PC-013).

use std::net::IpAddr;

use super::super::*;
use super::B4;
use super::canonical;
use super::hex;
use crate::result_code::ResultCode;

/// What becomes of `octets`, sent by an lwB4: `None` when they are read, options and all.
fn treatment(octets: &[u8]) -> Option<Treatment> {
    match Request::parse(octets, B4, Enabled::Map) {
        Err(error) => Some(error.treatment()),
        Ok(request) => request
            .options
            .iter()
            .find_map(Result::err)
            .map(|error| RequestError::from(error).treatment()),
    }
}

fn refused(result: ResultCode) -> Option<Treatment> {
    Some(Treatment::Refuse(result))
}

#[test]
fn pc_002_pc_003_pc_005_what_is_no_request_gets_silence() {
    assert_eq!(treatment(&[]), Some(Treatment::Drop));
    assert_eq!(treatment(&[2]), Some(Treatment::Drop));
    let mut response = canonical();
    response[1] |= 0x80;
    assert_eq!(treatment(&response), Some(Treatment::Drop));
    assert_eq!(treatment(&[0, 0x80]), Some(Treatment::Drop));
    for length in 2..24 {
        assert_eq!(treatment(&canonical()[..length]), Some(Treatment::Drop));
    }
}

#[test]
fn pc_004_np_001_another_version_is_answered_however_short() {
    for version in [0, 1, 3, 255] {
        assert_eq!(
            treatment(&[version, 0]),
            refused(ResultCode::UnsupportedVersion)
        );
    }
    let answer = Refusal::new(ResultCode::UnsupportedVersion).response(&[0, 0], 7);
    assert_eq!(
        answer.as_slice(),
        hex("02800001 00000708 00000007 000000000000000000000000")
    );
}

#[test]
fn pc_007_no_length_for_its_opcode_is_malformed() {
    let malformed = refused(ResultCode::MalformedRequest);
    let mut long = canonical();
    long.resize(1104, 0);
    assert_eq!(treatment(&long), malformed);
    let mut odd = canonical();
    odd.truncate(25);
    odd[1] = 0;
    assert_eq!(treatment(&odd), malformed);
    for length in (24..60).step_by(4) {
        assert_eq!(treatment(&canonical()[..length]), malformed);
    }
    assert_eq!(treatment(&canonical()[..60]), None);
}

#[test]
fn pc_008_the_client_must_be_the_sender() {
    let octets = canonical();
    let sender = IpAddr::from([192, 0, 0, 3]);
    let error = Request::parse(&octets, sender, Enabled::Map).unwrap_err();
    assert_eq!(error, RequestError::AddressMismatch { client: B4, sender });
    assert_eq!(
        error.treatment(),
        Treatment::Refuse(ResultCode::AddressMismatch)
    );
}

#[test]
fn pc_009_pc_030_an_opcode_that_is_unknown_or_off() {
    for opcode in [2, 3, 96, 127] {
        let mut octets = canonical();
        octets[1] = opcode;
        assert_eq!(treatment(&octets), refused(ResultCode::UnsupportedOpcode));
    }
    let peer = Message::request(
        0,
        B4,
        &Payload::Peer(PeerPayload {
            map: MapPayload {
                nonce: Nonce::default(),
                protocol: 17,
                internal_port: 1,
                external_port: 2,
                external_address: B4,
            },
            remote_port: 3,
            remote_address: B4,
        }),
    );
    assert_eq!(peer.len(), 80);
    assert!(Request::parse(&peer, B4, Enabled::MapAndPeer).is_ok());
    assert_eq!(treatment(&peer), refused(ResultCode::UnsupportedOpcode));
}

#[test]
fn pc_010_pc_011_options_that_do_not_parse() {
    let malformed = refused(ResultCode::MalformedOption);
    let head = &canonical()[..60];
    for (why, options, expected) in [
        ("ends outside", "820000090000000000000000", malformed),
        ("PORT_SET of four octets", "8200000400000000", malformed),
        (
            "PORT_SET twice",
            "82000005ffff00010000000082000005ffff000100000000",
            malformed,
        ),
        (
            "THIRD_PARTY of an IPv4 address",
            "01000004c0000002",
            malformed,
        ),
        ("PREFER_FAILURE with data", "0200000400000000", malformed),
        ("PREFER_FAILURE twice", "0200000002000000", malformed),
        ("an unknown one twice", "c0000000c0000000", None),
        (
            "FILTER of an IPv4 prefix shorter than its mapping",
            "03000014005f003500000000000000000000ffff08080808",
            malformed,
        ),
        (
            "FILTER for an address without a prefix",
            "030000140000000000000000000000000000ffff08080808",
            malformed,
        ),
        (
            "FILTER that removes filters",
            "030000140000000000000000000000000000000000000000",
            None,
        ),
    ] {
        let octets = [head, &hex(options)].concat();
        assert_eq!(treatment(&octets), expected, "{why}");
    }
}

#[test]
fn pc_012_pc_013_an_error_is_a_full_copy_of_the_request() {
    let request = canonical();
    let answer = Refusal::new(ResultCode::NotAuthorized).response(&request, 42);
    assert_eq!(answer[..12], hex("0281000200000708 0000002a"));
    assert_eq!(answer[12..24], [0; 12]);
    assert_eq!(answer[24..], request[24..]);

    let odd = &request[..61];
    let answer = Refusal::new(ResultCode::MalformedRequest).response(odd, 42);
    assert_eq!(answer.len(), 64);
    assert_eq!(answer[24..61], request[24..61]);
    assert_eq!(answer[61..], [0; 3]);

    let mut long = request.clone();
    long.resize(1500, 9);
    let answer = Refusal::new(ResultCode::MalformedRequest).response(&long, 42);
    assert_eq!(answer.len(), 1100);
    assert_eq!(answer[24..], long[24..1100]);
}

#[test]
fn pc_018_what_did_not_parse_keeps_the_end_of_its_address() {
    let request = canonical();
    for (result, kept) in [
        (ResultCode::MalformedRequest, true),
        (ResultCode::MalformedOption, true),
        (ResultCode::UnsupportedVersion, true),
        (ResultCode::UnsupportedOption, false),
        (ResultCode::NoResources, false),
    ] {
        let answer = Refusal::new(result).response(&request, 42);
        let expected = if kept { &request[12..24] } else { &[0; 12] };
        assert_eq!(answer[12..24], *expected, "{result}");
    }
}

#[test]
fn pc_016_an_option_that_does_not_fit_leaves_the_message_as_it_was() {
    let mut message = Message::request(0, B4, &Payload::Announce);
    let data = [0; 1016];
    message.push(&PcpOption::ThirdPartyId(&data)).unwrap();
    let before = message.clone();
    let room = MAX_LENGTH - before.len() - 4;
    let data = [0; 100];
    assert_eq!(
        message.push(&PcpOption::Description(&data[..=room])),
        Err(MessageFull {
            code: 128,
            length: room + 1
        })
    );
    assert_eq!(message, before);
    message
        .push(&PcpOption::Description(&data[..room]))
        .unwrap();
    assert_eq!(message.len(), MAX_LENGTH);
}

#[test]
fn pc_019_reserved_fields_are_ignored() {
    let mut octets = canonical();
    for reserved in [2, 3, 37, 38, 39, 61] {
        octets[reserved] = 0xff;
    }
    octets[68] = 0xfe;
    octets[69..72].fill(0xff);
    let request = Request::parse(&octets, B4, Enabled::Map).unwrap();
    let clean = canonical();
    let expected = Request::parse(&clean, B4, Enabled::Map).unwrap();
    assert_eq!(request.payload, expected.payload);
    assert!(request.options.iter().eq(expected.options.iter()));
}
