//! Every kind of message that the library emits, as Wireshark's dissector reads it: an implementation that
//! shares no line with ours, nor its author's reading of RFC 6887 and RFC 7753.
//!
//! Messages travel as they do between an lwB4 and its lwAFTR, in UDP in IPv4 in IPv6. What the dissector
//! must find is written beside each message, and it must find nothing else.

mod capture;
mod clients;
mod expected;
mod servers;
mod tshark;

use capture::Capture;
use expected::Expected;

/// Holds all messages of a list against what the dissector reads.
fn agree(messages: &[(String, Vec<u8>, Expected)]) {
    let mut capture = Capture::default();
    for (_, octets, expected) in messages {
        capture.add(octets, expected.direction);
    }
    let frames = tshark::read(&capture);
    assert_eq!(frames.len(), messages.len());
    for ((what, _, expected), found) in messages.iter().zip(frames) {
        assert_eq!(found, expected.fields(), "{what}");
    }
}

#[test]
fn a_dissector_reads_what_clients_send() {
    agree(&clients::messages());
}

#[test]
fn a_dissector_reads_what_servers_send() {
    agree(&servers::messages());
}

#[test]
fn pc_013_a_dissector_reads_every_result_code() {
    agree(&servers::refusals());
}

/// A dissector that agrees with everything proves nothing.
#[test]
fn a_dissector_notices_octets_that_are_wrong() {
    let (_, octets, expected) = clients::messages().swap_remove(0);
    let mut capture = Capture::default();
    capture.add(&octets, expected.direction);
    capture.add(&octets[..50], expected.direction);
    let places = [1, 7, 23, 35, 36, 41, 65, 67];
    for place in places {
        let mut wrong = octets.clone();
        wrong[place] ^= 1;
        capture.add(&wrong, expected.direction);
    }
    let frames = tshark::read(&capture);
    assert_eq!(frames[0], expected.fields());
    assert!(frames[1].contains_key("malformed"));
    for (place, found) in places.iter().zip(&frames[2..]) {
        assert_ne!(*found, expected.fields(), "octet {place}");
    }
    assert_eq!(frames.len(), 2 + places.len());
}
