//! A softwire packet, whole and in pieces.

use std::ops::Range;

use crate::wire::fragment;
use crate::wire::ipv6;

/// A packet before it was fragmented.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) is_tagged: bool,
    pub(super) traffic_class: u8,
    /// Destination options before the Fragment header, in units of 8 octets.
    pub(super) options: Vec<u8>,
    pub(super) next_header: u8,
    pub(super) identification: u32,
    /// What is fragmented.
    pub(super) payload: Vec<u8>,
}

impl Sample {
    /// An IPv4 packet in IPv6 with so many octets after the IPv6 header, each unlike its neighbours.
    pub(super) fn new(len: usize) -> Self {
        let mut payload: Vec<_> = (0..len).map(|at| (at * 7 + at / 256) as u8).collect();
        if let Some(first) = payload.first_mut() {
            *first = 0x45;
        }
        Self {
            is_tagged: false,
            traffic_class: 0,
            options: Vec::new(),
            next_header: ipv6::IPV4,
            identification: 0x1234_5678,
            payload,
        }
    }

    /// As it was before it was fragmented.
    pub(super) fn whole(&self) -> Vec<u8> {
        let mut frame = self.front(self.next_header, self.payload.len());
        frame.extend(&self.payload);
        frame
    }

    /// The fragment that carries these octets; it is the last if they are.
    pub(super) fn fragment(&self, range: Range<usize>) -> Vec<u8> {
        let more = range.end < self.payload.len();
        self.fragment_with(range.start, &self.payload[range], more)
    }

    /// A fragment of this packet, or what pretends to be one.
    pub(super) fn fragment_with(&self, offset: usize, payload: &[u8], more: bool) -> Vec<u8> {
        let mut frame = self.front(ipv6::FRAGMENT, fragment::HEADER + payload.len());
        let mut header = [0; fragment::HEADER];
        fragment::write(
            &mut header,
            self.next_header,
            offset as u16,
            more,
            self.identification,
        );
        frame.extend(header);
        frame.extend(payload);
        frame
    }

    /// Its fragments, cut at these places.
    pub(super) fn cut_at(&self, places: &[usize]) -> Vec<Vec<u8>> {
        let ends = places.iter().copied().chain([self.payload.len()]);
        let starts = [0].into_iter().chain(places.iter().copied());
        starts
            .zip(ends)
            .map(|(start, end)| self.fragment(start..end))
            .collect()
    }

    /// Everything before what is fragmented.
    fn front(&self, next_header: u8, payload_len: usize) -> Vec<u8> {
        let mut frame = vec![2; 12];
        if self.is_tagged {
            frame.extend([0x81, 0, 0, 7]);
        }
        frame.extend([0x86, 0xdd]);
        let options_len: usize = self
            .options
            .iter()
            .map(|units| usize::from(*units) * 8)
            .sum();
        let mut header = [0; ipv6::HEADER];
        ipv6::write_tunnel_header(
            &mut header,
            self.traffic_class,
            (options_len + payload_len) as u16,
            64,
            &[0xa0; 16],
            &[0xb0; 16],
        );
        // A flow label, which must survive.
        header[2..4].copy_from_slice(&[0xab, 0xcd]);
        header[6] = self
            .options
            .first()
            .map_or(next_header, |_| ipv6::DESTINATION_OPTIONS);
        frame.extend(header);
        for (index, units) in self.options.iter().enumerate() {
            let is_last = index + 1 == self.options.len();
            let next = if is_last {
                next_header
            } else {
                ipv6::DESTINATION_OPTIONS
            };
            frame.extend([next, units - 1]);
            frame.extend(vec![1; usize::from(*units) * 8 - 2]);
        }
        frame
    }
}
