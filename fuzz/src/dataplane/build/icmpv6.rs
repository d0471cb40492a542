//! ICMPv6: errors about tunnel packets that we may have sent, and what is the control thread's.

use crate::dataplane::network::ACCESS_ADDRESS;
use crate::dataplane::network::BRS;
use crate::input::Input;
use crate::sum::pseudo_header;
use crate::sum::sum;

use super::HOST_PORT;
use super::datagram;
use super::datagram::Flow;
use super::host;
use super::subscriber;
use super::tunnel::DESTINATION_OPTIONS;
use super::tunnel::MULTICAST;
use super::tunnel::destination_options;
use super::tunnel::ipv6;

/// An error from somewhere on the way to a lwB4, about a packet to it.
pub(crate) fn tunnel_error(input: &mut Input<'_>) -> Vec<u8> {
    let whims = input.octet();
    let (kind, code) = input.pick(KINDS);
    let word: u32 = input.pick(&[1280, 1400, 1500, 1540, 1279, 0, 65_576, u32::MAX]);
    let mut quote = quote(input, whims);
    if whims & 1 == 1 {
        let at = input.below(128);
        if let Some(octet) = quote.get_mut(at) {
            *octet = input.octet();
        }
    }
    let br = if quote.len() >= 24 {
        quote[8..24].try_into().unwrap_or(BRS[0])
    } else {
        BRS[0]
    };
    let destination = if whims & 2 == 2 {
        input.pick(&[BRS[0], BRS[1], ACCESS_ADDRESS])
    } else {
        br
    };
    let source = input.pick(&[ROUTER, BRS[1], MULTICAST]);
    let options = if whims & 4 == 4 {
        usize::from(input.octet() & 3)
    } else {
        0
    };
    let message = message(source, destination, kind, code, word, &quote);
    let mut payload = destination_options(options, ICMPV6);
    payload.extend(message);
    let next_header = if options > 0 {
        DESTINATION_OPTIONS
    } else {
        ICMPV6
    };
    ipv6(source, destination, next_header, &payload)
}

/// The tunnel packet that we would have sent, as far as it is quoted.
fn quote(input: &mut Input<'_>, whims: u8) -> Vec<u8> {
    let (softwire, destination, destination_port) = subscriber(input);
    let flow = Flow {
        source: if whims & 8 == 8 {
            subscriber(input).1
        } else {
            host(input)
        },
        destination,
        source_port: HOST_PORT,
        destination_port,
    };
    let datagram = datagram::build(input, flow);
    let mut quote = if whims & 16 == 16 {
        let more_follow = [4, 0, 0, 1, 0, 0, 0, 7];
        ipv6(
            softwire.br,
            softwire.b4,
            44,
            &[&more_follow[..], &datagram].concat(),
        )
    } else {
        ipv6(softwire.br, softwire.b4, 4, &datagram)
    };
    let most = if whims & 32 == 32 {
        usize::from(input.octet())
    } else {
        QUOTE_MAX
    };
    quote.truncate(most);
    quote
}

/// Packets that are no subscriber's.
pub(crate) fn for_control(input: &mut Input<'_>) -> Vec<u8> {
    let kind = input.octet();
    let destination = input.pick(&[
        BRS[0],
        ACCESS_ADDRESS,
        SOLICITED_NODE,
        MULTICAST,
        OTHER_GROUP,
        ROUTER,
    ]);
    match kind & 3 {
        0 => {
            let kind = input.pick(&[128, 135, 129, 255, 127]);
            ipv6(
                ROUTER,
                destination,
                ICMPV6,
                &message(ROUTER, destination, kind, 0, 0, &[7; 16]),
            )
        }
        1 => ipv6(ROUTER, destination, 17, &[0, 53, 0, 53, 0, 8, 0, 0]),
        2 => ipv6(ROUTER, destination, input.octet(), input.take(24)),
        _ => ipv6(ROUTER, destination, DESTINATION_OPTIONS, input.take(24)),
    }
}

fn message(
    source: [u8; 16],
    destination: [u8; 16],
    kind: u8,
    code: u8,
    word: u32,
    rest: &[u8],
) -> Vec<u8> {
    let mut message = vec![kind, code, 0, 0];
    message.extend(word.to_be_bytes());
    message.extend_from_slice(rest);
    let header = ipv6(source, destination, ICMPV6, &[]);
    let pseudo = pseudo_header(&header, ICMPV6, message.len());
    let sum = !sum(&[&pseudo, &message]);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    message
}

const ICMPV6: u8 = 58;
/// What of a packet an error may quote when every link is to carry it.
const QUOTE_MAX: usize = 1280 - 48;
const KINDS: &[(u8, u8)] = &[
    (2, 0),
    (1, 0),
    (1, 4),
    (3, 0),
    (3, 1),
    (4, 0),
    (2, 1),
    (127, 0),
    (128, 0),
];
const ROUTER: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0x99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
/// ff02::1:ff00:1.
const SOLICITED_NODE: [u8; 16] = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 1];
/// ff02::fb, which is nothing to us.
const OTHER_GROUP: [u8; 16] = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb];
