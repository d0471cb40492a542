//! IPv4 datagrams with every transport that is told apart.

use crate::dataplane::ip::ICMP;
use crate::input::Input;
use crate::sum::mend;
use crate::sum::sum;

/// Who sends a datagram to whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    pub(super) source: [u8; 4],
    pub(super) destination: [u8; 4],
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
}

impl Flow {
    /// What the receiver would send to the sender.
    fn back(self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            source_port: self.destination_port,
            destination_port: self.source_port,
        }
    }

    fn ports(self) -> [u8; 4] {
        let ([a, b], [c, d]) = (
            self.source_port.to_be_bytes(),
            self.destination_port.to_be_bytes(),
        );
        [a, b, c, d]
    }
}

/// A datagram of this flow.
pub(super) fn build(input: &mut Input<'_>, flow: Flow) -> Vec<u8> {
    let (shape, header) = (input.octet(), input.octet());
    let is_asked = |bit: u8| shape >> bit & 1 == 1;
    let id = u16::from(header & 7);
    let options_len = if is_asked(3) {
        usize::from(header >> 3 & 7) * 4
    } else {
        0
    };
    let mut flags = if is_asked(4) { DONT_FRAGMENT } else { 0 };
    let mut ttl = 64;
    let mut tos = 0;
    if is_asked(5) {
        ttl = input.pick(&[1, 2, 0, 255]);
    }
    if is_asked(6) {
        tos = input.octet();
    }
    if is_asked(7) {
        flags = input.number();
    }
    let (protocol, payload) = transport(input, flow, shape & 7);
    let mut datagram = ipv4(flow, protocol, options_len, &payload);
    datagram[1] = tos;
    datagram[4..6].copy_from_slice(&id.to_be_bytes());
    datagram[6..8].copy_from_slice(&flags.to_be_bytes());
    datagram[8] = ttl;
    mend(&mut datagram[..20 + options_len], 10);
    datagram
}

/// A header with `options_len` octets of NOP and End of Options, and what follows it.
fn ipv4(flow: Flow, protocol: u8, options_len: usize, payload: &[u8]) -> Vec<u8> {
    let header_len = 20 + options_len;
    let mut datagram = Vec::with_capacity(header_len + payload.len());
    datagram.resize(header_len, 0);
    datagram[0] = 0x40 | (header_len / 4) as u8;
    let total_len = (header_len + payload.len()) as u16;
    datagram[2..4].copy_from_slice(&total_len.to_be_bytes());
    (datagram[8], datagram[9]) = (64, protocol);
    datagram[12..16].copy_from_slice(&flow.source);
    datagram[16..20].copy_from_slice(&flow.destination);
    // Half of the options are an unknown one that is to be copied into every fragment.
    if options_len >= 8 {
        datagram[20..24].copy_from_slice(&[0x9e, 4, 0xaa, 0xbb]);
        datagram[24..header_len].fill(1);
    }
    mend(&mut datagram, 10);
    datagram.extend_from_slice(payload);
    datagram
}

/// Protocol and payload.
fn transport(input: &mut Input<'_>, flow: Flow, kind: u8) -> (u8, Vec<u8>) {
    match kind {
        1 => (6, tcp(input, flow)),
        2 => (ICMP, echo(input, flow)),
        3 => (ICMP, icmp_error(input, flow)),
        4 => {
            let protocol = input.pick(&[132, 33, 136, 47, 41, 50, 0]);
            (protocol, with_data(input, &flow.ports()))
        }
        5 => {
            let kind = input.octet();
            (ICMP, summed(with_data(input, &[kind, 0, 0, 0, 0, 0, 0, 0])))
        }
        6 => {
            let cut = input.below(8);
            (
                input.pick(&[17, 6, ICMP]),
                flow.ports().repeat(2)[..cut].to_vec(),
            )
        }
        _ => (17, with_data(input, &[&flow.ports()[..], &[0; 4]].concat())),
    }
}

/// A segment that sums up, with an MSS option behind another if it opens a connection.
fn tcp(input: &mut Input<'_>, flow: Flow) -> Vec<u8> {
    let flags = input.pick(&[0x10, 0x02, 0x12, 0x04, 0xff]);
    let mut header = flow.ports().to_vec();
    header.extend([0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 0x10, 0, 0, 0, 0, 0]);
    if flags & 2 == 2 {
        let options = input.octet();
        header.extend([2, 4, 5 + (options & 31), 0xb4, 1, 1, 4, options >> 5]);
        header[12] = 0x70;
    }
    let mut segment = with_data(input, &header);
    let [high, low] = (segment.len() as u16).to_be_bytes();
    let sum = !sum(&[
        &flow.source,
        &flow.destination,
        &[0, 6, high, low],
        &segment,
    ]);
    segment[16..18].copy_from_slice(&sum.to_be_bytes());
    segment
}

/// A request or a reply, whose Identifier is the subscriber's port.
fn echo(input: &mut Input<'_>, flow: Flow) -> Vec<u8> {
    let kind = input.pick(&[8, 0]);
    let own = crate::dataplane::network::owner(flow.source, Some(flow.source_port));
    let identifier = if own.is_some() {
        flow.source_port
    } else {
        flow.destination_port
    };
    let [high, low] = identifier.to_be_bytes();
    summed(with_data(input, &[kind, 0, 0, 0, high, low, 0, 1]))
}

/// An error about a packet of its receiver, of which not all need be quoted.
fn icmp_error(input: &mut Input<'_>, flow: Flow) -> Vec<u8> {
    let kind = input.pick(&[3, 11, 12, 4, 5]);
    let code = input.pick(&[4, 0, 1, 3]);
    let whims = input.octet();
    let words = if whims & 1 == 1 { input.octet() } else { 0 };
    let mut message = vec![kind, code, 0, 0, 0, words, 5, 220];
    let about = if whims & 2 == 2 { flow } else { flow.back() };
    // A quote of an error of its own is as deep as it goes.
    let (protocol, payload) = match whims >> 2 & 7 {
        1 => (6, tcp(input, about)),
        2 => (ICMP, echo(input, about)),
        3 => (ICMP, vec![3, 1, 0, 0, 0, 0, 0, 0]),
        4 => (47, vec![0; 12]),
        _ => (17, with_data(input, &about.ports())),
    };
    let mut quote = ipv4(about, protocol, 0, &payload);
    if whims >> 5 & 1 == 1 {
        quote[6..8].copy_from_slice(&input.number().to_be_bytes());
        mend(&mut quote[..20], 10);
    }
    if whims >> 6 & 1 == 1 {
        quote.truncate(usize::from(input.octet()));
    }
    message.extend(quote);
    summed(message)
}

fn summed(mut message: Vec<u8>) -> Vec<u8> {
    mend(&mut message, 2);
    message
}

/// A header, and data behind it.
fn with_data(input: &mut Input<'_>, header: &[u8]) -> Vec<u8> {
    let size = input.octet();
    let len = LENGTHS[usize::from(size & 15)] + usize::from(size >> 4);
    let mut octets = Vec::with_capacity(header.len() + len);
    octets.extend_from_slice(header);
    octets.extend_from_slice(&DATA[..len]);
    octets
}

const DONT_FRAGMENT: u16 = 0x4000;
/// Around the MTUs that there are.
const LENGTHS: [usize; 16] = [
    8, 0, 16, 64, 40, 92, 540, 1212, 1232, 1418, 1440, 1464, 1472, 2000, 4000, 9000,
];
/// Octets in which hardly two places are alike.
static DATA: [u8; 9016] = {
    let mut data = [0; 9016];
    let mut at = 0;
    while at < data.len() {
        data[at] = (at % 251) as u8;
        at += 1;
    }
    data
};
