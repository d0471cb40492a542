//! The target `codec`: any octets, as a request and as a response.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use pcp::result_code::ResultCode;
use pcp::wire::Enabled;
use pcp::wire::Message;
use pcp::wire::Options;
use pcp::wire::Payload;
use pcp::wire::PcpOption;
use pcp::wire::Refusal;
use pcp::wire::Request;
use pcp::wire::Response;
use pcp::wire::ResponseError;
use pcp::wire::Treatment;

use crate::pcp::copy;
use crate::pcp::verdict;
use crate::pcp::verdict::Verdict;

/// Runs one input.
pub fn codec(octets: &[u8]) {
    let b4 = Ipv4Addr::new(192, 0, 0, 2).to_ipv6_mapped().octets();
    let itself = octets
        .get(8..24)
        .and_then(|client| client.try_into().ok())
        .unwrap_or(b4);
    for source in [itself, b4] {
        for enabled in [Enabled::Map, Enabled::MapAndPeer] {
            request(octets, source, enabled);
        }
    }
    response(octets);
}

fn request(octets: &[u8], source: [u8; 16], enabled: Enabled) {
    let address = IpAddr::V6(Ipv6Addr::from(source));
    let expected = verdict::verdict(octets, source, enabled == Enabled::MapAndPeer);
    match Request::parse(octets, address, enabled) {
        Ok(request) => {
            assert_eq!(expected, Verdict::Read);
            assert_eq!(request.client, address.to_canonical());
            let again = request.encode().expect("it came in one message");
            normal(octets, &again);
            let read = Request::parse(&again, address, enabled).expect("it was read before");
            assert_eq!(
                (read.lifetime_s, read.client, read.payload),
                (request.lifetime_s, request.client, request.payload)
            );
            options(read.options, request.options);
        }
        Err(error) => match error.treatment() {
            Treatment::Drop => assert_eq!(expected, Verdict::Silence, "{error}"),
            Treatment::Refuse(result) => {
                assert_eq!(expected, Verdict::Refused(result.code()), "{error}");
                refusal(octets, result);
            }
        },
    }
}

/// The answer to what is not read is a copy, and a response if its options can be told apart.
fn refusal(octets: &[u8], result: ResultCode) {
    let epoch_s = 0x0102_0304;
    let answer = Refusal::new(result).response(octets, epoch_s);
    copy::check(octets, &answer, result.code(), epoch_s);
    match Response::parse(&answer) {
        Ok(response) => assert_eq!(response.header.result, result),
        Err(ResponseError::UnsupportedVersion { supported, .. }) => {
            assert_eq!((result, supported), (ResultCode::UnsupportedVersion, 2));
        }
        Err(_) => assert!(!matches!(result, ResultCode::AddressMismatch) || !well_formed(&answer)),
    }
}

fn response(octets: &[u8]) {
    let Ok(response) = Response::parse(octets) else {
        return;
    };
    copy::size(octets);
    assert!(octets[0] == 2 && octets[1] >= 0x80 && octets[3] != 1);
    let again = response.encode().expect("it came in one message");
    let read = Response::parse(&again).expect("it was read before");
    assert_eq!(
        (read.header, read.payload),
        (response.header, response.payload)
    );
    options(read.options, response.options);
}

/// The same options, each of which survives being read and written by itself.
fn options(again: Options<'_>, options: Options<'_>) {
    assert!(again.raw().eq(options.raw()));
    assert!(again.iter().eq(options.iter()));
    let mut seen = Vec::new();
    for (option, (code, data)) in options.iter().zip(options.raw()) {
        let once = [1, 2, 13, 128, 130].contains(&code);
        let Ok(option) = option else {
            continue;
        };
        assert!(!once || !seen.contains(&code), "option {code} stands twice");
        seen.push(code);
        assert_eq!(option.code(), code);
        alone(&option, code, data);
    }
}

/// What an option is read as is written as it came, reserved bits aside.
fn alone(option: &PcpOption<'_>, code: u8, data: &[u8]) {
    let mut message = Message::request(0, IpAddr::V6(Ipv6Addr::LOCALHOST), &Payload::Announce);
    message.push(option).expect("room for one");
    let mut expected = data.to_vec();
    match option {
        PcpOption::Filter(_) => expected[0] = 0,
        PcpOption::PortSet(_) => expected[4] &= 1,
        _ => {}
    }
    let written = verdict::list(&message[24..]).expect("whole options");
    assert_eq!(written, [(code, &expected[..])]);
}

/// `again` is `octets` with everything that is reserved, and all padding, zero (PC-019).
fn normal(octets: &[u8], again: &[u8]) {
    copy::size(again);
    let mut expected = octets.to_vec();
    expected[2..4].fill(0);
    let payload = match octets[1] {
        0 => 0,
        1 => 36,
        _ => 56,
    };
    if payload > 0 {
        expected[37..40].fill(0);
    }
    if payload == 56 {
        expected[62..64].fill(0);
    }
    let mut at = 24 + payload;
    while at < expected.len() {
        expected[at + 1] = 0;
        let length = usize::from(expected[at + 2]) << 8 | usize::from(expected[at + 3]);
        let padded = length.next_multiple_of(4);
        expected[at + 4 + length..at + 4 + padded].fill(0);
        at += 4 + padded;
    }
    assert_eq!(again, expected);
}

/// Whether an answer has a payload of its opcode and options that can be told apart.
fn well_formed(answer: &[u8]) -> bool {
    let payload = match answer[1] & 0x7f {
        0 => 0,
        1 => 36,
        2 => 56,
        _ => return false,
    };
    answer
        .get(24 + payload..)
        .is_some_and(|options| verdict::list(options).is_some())
}
