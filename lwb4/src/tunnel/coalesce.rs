//! Putting TCP segments together before they go to the TUN device (as the kernel's GRO does), so that the
//! kernel takes a train of them as one packet.
//!
//! Only what the kernel will be able to cut into the very same segments is put together: consecutive octets
//! of one connection with equal headers, all of one size but the last, each with a right checksum. The
//! packets of a connection stay in order. Payloads stay where they are.

use std::io::IoSlice;

use arrayvec::ArrayVec;

use crate::tunnel::ipv4;
use crate::tunnel::ipv4::Ipv4;
use crate::tunnel::transport;
use crate::tunnel::transport::State;
use crate::tunnel::virtio;
use crate::tunnel::virtio::Offload;
use crate::tunnel::virtio::Transport;

/// One packet for the TUN device, with the header that the device wants before it.
#[derive(Clone, Copy, Debug)]
pub struct Bundle<'b> {
    slices: &'b [IoSlice<'b>],
}

impl<'b> Bundle<'b> {
    /// What is written to the device, in one call.
    #[must_use]
    pub const fn slices(&self) -> &'b [IoSlice<'b>] {
        self.slices
    }
}

/// Collects the packets of a burst. It can be used again ([`Self::emptied`]), so that a burst costs no memory
/// once there was a larger one.
#[derive(Debug, Default)]
pub struct Coalescer<'p> {
    collected: Vec<Collected<'p>>,
    /// The payloads of all trains.
    pieces: Vec<Piece<'p>>,
}

#[derive(Debug)]
enum Collected<'p> {
    Single(&'p [u8]),
    Train(Train<'p>),
}

/// The payload of a segment.
#[derive(Debug)]
struct Piece<'p> {
    octets: &'p [u8],
    /// Where the next one of its train is.
    next: Option<usize>,
}

impl<'p> Coalescer<'p> {
    /// Nothing collected.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a packet, of exactly these octets, behind all that were taken. Its checksum is whole, unless
    /// `offload` says that it is of many segments.
    pub fn push(&mut self, packet: &'p [u8], offload: Offload) {
        let Some(read) = Tcp::read(packet) else {
            self.collected.push(Collected::Single(packet));
            return;
        };
        let can_grow = offload == Offload::None && read.is_plain();
        if let Some(train) = open_train(&mut self.collected, read.flow) {
            if can_grow && train.takes(&read) {
                train.append(&read, &mut self.pieces);
                return;
            }
            // What follows must not overtake it.
            train.is_open = false;
        }
        self.collected.push(match offload {
            Offload::Segments { size, .. } => {
                Collected::Train(Train::big(&read, size, &mut self.pieces))
            }
            _ if can_grow => Collected::Train(Train::new(&read, &mut self.pieces)),
            _ => Collected::Single(packet),
        });
    }

    /// Hands on what was collected, in order, and forgets it.
    pub fn finish(&mut self, mut take: impl FnMut(Bundle<'_>)) {
        for collected in self.collected.drain(..) {
            match collected {
                Collected::Single(packet) => alone(packet, &mut take),
                Collected::Train(train) => train.bundle(&self.pieces, &mut take),
            }
        }
        self.pieces.clear();
    }

    /// The same room, for the packets of another burst.
    #[must_use]
    pub fn emptied<'q>(self) -> Coalescer<'q> {
        Coalescer {
            collected: emptied(self.collected),
            pieces: emptied(self.pieces),
        }
    }
}

/// The memory of a vector, as one of a type that differs only in its lifetime: collecting happens in place.
fn emptied<T, U>(mut used: Vec<T>) -> Vec<U> {
    used.clear();
    used.into_iter().filter_map(|_| None).collect()
}

/// A packet that goes as it came.
fn alone(packet: &[u8], take: &mut impl FnMut(Bundle<'_>)) {
    let slices = [IoSlice::new(&[0; virtio::HEADER]), IoSlice::new(packet)];
    take(Bundle { slices: &slices });
}

fn open_train<'c, 'p>(
    collected: &'c mut [Collected<'p>],
    flow: [u8; 12],
) -> Option<&'c mut Train<'p>> {
    collected
        .iter_mut()
        .rev()
        .find_map(|collected| match collected {
            Collected::Train(train) if train.is_open && train.first.flow == flow => Some(train),
            _ => None,
        })
}

/// Segments that follow each other.
#[derive(Debug)]
struct Train<'p> {
    first: Tcp<'p>,
    /// How many segments, and where the first and the last are among the pieces.
    segments: usize,
    head: usize,
    tail: usize,
    /// Octets of payload of all segments but the last.
    size: u16,
    len: usize,
    next_sequence: u32,
    is_pushed: bool,
    is_open: bool,
    /// Whether it came as one packet of many segments.
    is_big: bool,
}

impl<'p> Train<'p> {
    fn new(first: &Tcp<'p>, pieces: &mut Vec<Piece<'p>>) -> Self {
        let octets = first.payload();
        let head = pieces.len();
        pieces.push(Piece { octets, next: None });
        Self {
            first: *first,
            segments: 1,
            head,
            tail: head,
            size: octets.len() as u16,
            len: first.packet.len(),
            next_sequence: first.sequence.wrapping_add(octets.len() as u32),
            is_pushed: false,
            is_open: !first.is_pushed(),
            is_big: false,
        }
    }

    fn big(first: &Tcp<'p>, size: u16, pieces: &mut Vec<Piece<'p>>) -> Self {
        Self {
            size,
            is_open: false,
            is_big: true,
            ..Self::new(first, pieces)
        }
    }

    fn takes(&self, next: &Tcp<'p>) -> bool {
        let payload = next.payload().len();
        next.sequence == self.next_sequence
            && payload <= usize::from(self.size)
            && self.len + payload <= usize::from(u16::MAX)
            && self.segments < MOST_SEGMENTS
            && self.first.looks_like(next, self.segments as u16)
            // Last, as it costs most: a wrong checksum must reach the host that can see it.
            && transport::state(next.packet, &next.ipv4) == State::Whole
            && (self.segments > 1
                || transport::state(self.first.packet, &self.first.ipv4) == State::Whole)
    }

    fn append(&mut self, next: &Tcp<'p>, pieces: &mut Vec<Piece<'p>>) {
        let octets = next.payload();
        pieces[self.tail].next = Some(pieces.len());
        self.tail = pieces.len();
        pieces.push(Piece { octets, next: None });
        self.segments += 1;
        self.len += octets.len();
        self.next_sequence = self.next_sequence.wrapping_add(octets.len() as u32);
        self.is_pushed |= next.is_pushed();
        self.is_open = !self.is_pushed && octets.len() == usize::from(self.size);
    }

    fn bundle(&self, pieces: &[Piece<'p>], take: &mut impl FnMut(Bundle<'_>)) {
        let Tcp {
            packet,
            ipv4,
            headers,
            ..
        } = self.first;
        if self.segments == 1 && !self.is_big {
            return alone(packet, take);
        }
        let mut header = [0; HEADERS];
        let header = &mut header[..headers];
        header.copy_from_slice(&packet[..headers]);
        let (network, tcp) = header.split_at_mut(ipv4.header_len);
        let id = u16::from_be_bytes([network[4], network[5]]);
        ipv4::set_lengths(network, self.len as u16, id);
        if self.is_pushed {
            tcp[13] |= PSH;
        }
        let sum = ipv4.pseudo_header_sum(self.len - ipv4.header_len);
        tcp[16..18].copy_from_slice(&sum.to_be_bytes());
        let offload = Offload::Segments {
            transport: Transport::Tcp,
            size: self.size,
        };
        let virtio = offload.write(ipv4.header_len as u16, headers as u16);
        let mut slices = ArrayVec::<_, { 2 + MOST_SEGMENTS }>::new();
        slices.push(IoSlice::new(&virtio));
        slices.push(IoSlice::new(header));
        let first = pieces.get(self.head);
        let train = std::iter::successors(first, |piece| pieces.get(piece.next?));
        slices.extend(train.map(|piece| IoSlice::new(piece.octets)));
        take(Bundle { slices: &slices });
    }
}

/// A TCP packet that is no fragment.
#[derive(Clone, Copy, Debug)]
struct Tcp<'p> {
    packet: &'p [u8],
    ipv4: Ipv4,
    /// Octets of all headers.
    headers: usize,
    /// Addresses and ports.
    flow: [u8; 12],
    sequence: u32,
}

impl<'p> Tcp<'p> {
    fn read(packet: &'p [u8]) -> Option<Self> {
        let ipv4 = Ipv4::parse(packet).ok()?;
        if ipv4.protocol != ipv4::TCP || ipv4.is_fragment() || ipv4.total_len != packet.len() {
            return None;
        }
        let headers = transport::headers_len(packet, &ipv4)?;
        let tcp = &packet[ipv4.header_len..headers];
        let mut flow = [0; 12];
        flow[..8].copy_from_slice(&packet[12..20]);
        flow[8..].copy_from_slice(&tcp[..4]);
        let sequence = u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]);
        Some(Self {
            packet,
            ipv4,
            headers,
            flow,
            sequence,
        })
    }

    fn payload(&self) -> &'p [u8] {
        &self.packet[self.headers..]
    }

    /// Whether it carries data and nothing else, and no IPv4 options.
    fn is_plain(&self) -> bool {
        let flags = self.packet[self.ipv4.header_len + 13];
        self.ipv4.header_len == ipv4::HEADER
            && self.headers < self.packet.len()
            && flags & !PSH == ACK
    }

    fn is_pushed(&self) -> bool {
        self.packet[self.ipv4.header_len + 13] & PSH != 0
    }

    /// Whether the headers of `next`, which stands `n` segments later, differ from these only in what
    /// cutting writes anew.
    fn looks_like(&self, next: &Self, n: u16) -> bool {
        let (one, other) = (self.packet, next.packet);
        let id = |packet: &[u8]| u16::from_be_bytes([packet[4], packet[5]]);
        let ids_follow = self.ipv4.dont_fragment() || id(other) == id(one).wrapping_add(n);
        ids_follow
            && self.headers == next.headers
            // ToS; flags of IPv4, TTL and protocol.
            && one[1] == other[1]
            && one[6..10] == other[6..10]
            // Acknowledgement and data offset; window; urgent pointer and options.
            && one[28..33] == other[28..33]
            && one[34..36] == other[34..36]
            && one[38..self.headers] == other[38..self.headers]
    }
}

/// Octets of the largest IPv4 and TCP headers together.
const HEADERS: usize = 120;
/// As many as a burst has, and well below what one call may write (UIO_MAXIOV, 1024).
const MOST_SEGMENTS: usize = 128;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::ecn::DscpModel;
    use crate::tunnel::sample;
    use crate::tunnel::sample::hex;
    use crate::tunnel::segment;

    /// What the kernel would cut the bundles into, and how many bundles there are.
    fn through(packets: &[Vec<u8>]) -> (usize, Vec<Vec<u8>>) {
        let mut coalescer = Coalescer::new();
        for packet in packets {
            coalescer.push(packet, Offload::None);
        }
        let bundles = written(&mut coalescer);
        let mut out = Vec::new();
        for written in &bundles {
            let (header, packet) = written.split_at(virtio::HEADER);
            let offload = Offload::read(header.first_chunk().unwrap()).unwrap();
            let segments = segment::split(packet, offload, DscpModel::Uniform).unwrap();
            out.extend(segments.map(|segment| segment.parts().concat()));
        }
        (bundles.len(), out)
    }

    /// The octets that are written for each bundle.
    fn written(coalescer: &mut Coalescer<'_>) -> Vec<Vec<u8>> {
        let mut written = Vec::new();
        coalescer.finish(|bundle| {
            let slices = bundle.slices().iter();
            written.push(slices.flat_map(|slice| slice.to_vec()).collect());
        });
        written
    }

    /// The segments that `size` octets a segment make of the sample, without what only the first and the
    /// last have, so that they can be put together again.
    fn train(size: u16) -> Vec<Vec<u8>> {
        let mut big = hex(sample::TCP);
        big[33] = ACK;
        let offload = Offload::Segments {
            transport: Transport::Tcp,
            size,
        };
        segment::split(&big, offload, DscpModel::Uniform)
            .unwrap()
            .map(|segment| segment.parts().concat())
            .collect()
    }

    /// Rewrites a packet, with a right checksum.
    fn changed(packet: &[u8], change: impl Fn(&mut [u8])) -> Vec<u8> {
        let mut packet = packet.to_vec();
        change(&mut packet);
        let id = u16::from_be_bytes([packet[4], packet[5]]);
        let len = packet.len() as u16;
        ipv4::set_lengths(&mut packet[..20], len, id);
        let ipv4 = Ipv4::parse(&packet).unwrap();
        let pseudo = ipv4.pseudo_header_sum(packet.len() - 20);
        packet[36..38].copy_from_slice(&pseudo.to_be_bytes());
        transport::complete(&mut packet, 20, 16).unwrap();
        packet
    }

    #[test]
    fn a_train_becomes_one_packet_that_the_kernel_cuts_into_the_same() {
        let train = train(7);
        assert_eq!(train.len(), 7);
        assert_eq!(through(&train), (1, train));
    }

    #[test]
    fn the_packet_says_where_its_partial_checksum_is() {
        let train = train(20);
        let mut coalescer = Coalescer::new();
        for packet in &train {
            coalescer.push(packet, Offload::None);
        }
        let bundles = written(&mut coalescer);
        let (header, packet) = bundles[0].split_at(virtio::HEADER);
        // NEEDS_CSUM, TCPv4, 52 octets of headers, 20 a segment, from 20 at 16.
        let words = [52_u16, 20, 20, 16].map(u16::to_ne_bytes).concat();
        assert_eq!(header[..2], [1, 1]);
        assert_eq!(header[2..], words);
        let ipv4 = Ipv4::parse(packet).unwrap();
        assert_eq!(ipv4.total_len, 97);
        let pseudo = ipv4.pseudo_header_sum(77).to_be_bytes();
        assert_eq!(packet[36..38], pseudo);
    }

    #[test]
    fn a_push_ends_the_train_and_is_kept() {
        let mut packets = train(7);
        packets[2] = changed(&packets[2], |packet| packet[33] |= PSH);
        assert_eq!(through(&packets), (2, packets));
    }

    #[test]
    fn what_differs_in_a_header_is_not_put_together() {
        for (at, value) in [
            (1, 0),
            (8, 9),
            (28, 1),
            (34, 9),
            (33, 0x11),
            (33, 0x90),
            (43, 9),
            (47, 9),
        ] {
            let mut packets = train(20);
            packets.truncate(2);
            packets[1] = changed(&packets[1], |packet| packet[at] = value);
            assert_eq!(through(&packets), (2, packets), "{at}");
        }
    }

    #[test]
    fn a_gap_a_larger_segment_and_a_wrong_checksum_are_left_alone() {
        let gap = [train(7)[0].clone(), train(7)[2].clone()];
        assert_eq!(through(&gap), (2, gap.to_vec()));
        let sevens = train(7);
        let larger = changed(&train(20)[0], |packet| {
            packet[24..28].copy_from_slice(&sevens[1][24..28])
        });
        let larger = [sevens[0].clone(), larger];
        assert_eq!(through(&larger), (2, larger.to_vec()));
        for wrong in 0..2 {
            let mut packets = train(20);
            packets.truncate(2);
            packets[wrong][60] ^= 1;
            assert_eq!(through(&packets), (2, packets));
        }
    }

    #[test]
    fn without_df_the_identifications_must_follow() {
        let fragmentable = |packet: &Vec<u8>| changed(packet, |packet| packet[6] = 0);
        let packets: Vec<_> = train(20).iter().map(fragmentable).collect();
        assert_eq!(through(&packets), (1, packets.clone()));
        let mut apart = packets;
        apart[1] = changed(&apart[1], |packet| packet[4] = 7);
        assert_eq!(through(&apart).0, 3);
    }

    #[test]
    fn a_connection_stays_in_order_and_others_pass_between() {
        let data = train(7);
        let other = changed(&data[1], |packet| packet[20] = 9);
        let acknowledgement = changed(&data[2][..52], |_| {});
        let udp = hex(sample::UDP);
        let packets = [
            data[0].clone(),
            other.clone(),
            udp.clone(),
            data[1].clone(),
            acknowledgement.clone(),
            data[2].clone(),
            data[3].clone(),
        ];
        let (bundles, out) = through(&packets);
        assert_eq!(bundles, 5);
        let expected = [
            data[0].clone(),
            data[1].clone(),
            other,
            udp,
            acknowledgement,
            data[2].clone(),
            data[3].clone(),
        ];
        assert_eq!(out, expected);
    }

    #[test]
    fn what_the_kernel_put_together_goes_on_as_that() {
        let big = hex(sample::TCP);
        let mut coalescer = Coalescer::new();
        coalescer.push(
            &big,
            Offload::Segments {
                transport: Transport::Tcp,
                size: 20,
            },
        );
        let bundles = written(&mut coalescer);
        assert_eq!(bundles.len(), 1);
        let (header, packet) = bundles[0].split_at(virtio::HEADER);
        assert_eq!(header[4..6], 20_u16.to_ne_bytes());
        let ipv4 = Ipv4::parse(packet).unwrap();
        assert_eq!(transport::state(packet, &ipv4), State::Partial);
    }
    #[test]
    fn a_burst_like_the_last_one_allocates_nothing() {
        let (train, udp) = (train(7), hex(sample::UDP));
        let mut kept = Coalescer::new();
        let mut burst = || {
            let mut coalescer = std::mem::take(&mut kept).emptied();
            for packet in train.iter().chain([&udp]) {
                coalescer.push(packet, Offload::None);
            }
            let mut bundles = 0;
            coalescer.finish(|_| bundles += 1);
            kept = coalescer.emptied();
            bundles
        };
        assert_eq!(burst(), 2);
        let allocated = allocation_counter::measure(|| assert_eq!(burst(), 2));
        assert_eq!(allocated.count_total, 0);
    }
}
