//! Fragmenting the tunnel's IPv6 packets for a path that takes less than the first link (RFC 6333 s5.3,
//! RFC 8200 s4.5).
//!
//! The kernel fragments to the MTU of the interface, and to that of a route; a socket cannot tell it
//! less. So these packets, which are few where the access MTU is raised (FR-003), are made here whole.

use std::hash::BuildHasher;
use std::hash::RandomState;
use std::net::Ipv6Addr;

use crate::tunnel::OVERHEAD;
use crate::tunnel::segment::Segment;

/// Makes fragments between two tunnel ends.
#[derive(Clone, Debug)]
pub struct Fragmenter {
    own: Ipv6Addr,
    lwaftr: Ipv6Addr,
    hop_limit: u8,
    /// Nobody can guess where it starts, and none comes again soon (RFC 7739 s5.2, FR-007).
    identification: u32,
}

impl Fragmenter {
    /// For packets from `own` to `lwaftr` with this hop limit.
    #[must_use]
    pub fn new(own: Ipv6Addr, lwaftr: Ipv6Addr, hop_limit: u8) -> Self {
        let identification = RandomState::new().hash_one(lwaftr) as u32;
        Self {
            own,
            lwaftr,
            hop_limit,
            identification,
        }
    }

    /// The whole IPv6 packets, none of them longer than `path_mtu` octets, which is 1280 at least, that
    /// carry an inner packet.
    #[must_use]
    pub fn fragments(&mut self, segment: &Segment<'_>, path_mtu: u16) -> Vec<Vec<u8>> {
        self.identification = self.identification.wrapping_add(1);
        let inner = segment.parts().concat();
        // All but the last are of whole units of eight octets.
        let room = (usize::from(path_mtu).saturating_sub(HEADERS) & !7).max(8);
        let last = inner.len().div_ceil(room).saturating_sub(1);
        let pieces = inner.chunks(room).enumerate();
        pieces
            .map(|(n, piece)| {
                let offset = (n * room) as u16;
                let mut packet = self.headers(segment, piece.len(), offset | u16::from(n != last));
                packet.extend(piece);
                packet
            })
            .collect()
    }

    /// The IPv6 and fragment headers of a piece; `offset_and_more` is in octets, which have the place of the
    /// wire's units, as three bits are shifted out and in.
    fn headers(&self, segment: &Segment<'_>, piece: usize, offset_and_more: u16) -> Vec<u8> {
        let class = u32::from(segment.traffic_class());
        let mut headers = Vec::with_capacity(HEADERS + piece);
        headers.extend((6 << 28 | class << 20).to_be_bytes());
        headers.extend(((FRAGMENT_HEADER + piece) as u16).to_be_bytes());
        headers.extend([FRAGMENT, self.hop_limit]);
        headers.extend(self.own.octets());
        headers.extend(self.lwaftr.octets());
        headers.extend([IPV4, 0]);
        headers.extend(offset_and_more.to_be_bytes());
        headers.extend(self.identification.to_be_bytes());
        headers
    }
}

const FRAGMENT_HEADER: usize = 8;
const HEADERS: usize = OVERHEAD as usize + FRAGMENT_HEADER;
/// Next header (RFC 8200 s4.5).
const FRAGMENT: u8 = 44;
/// Next header (RFC 2473 s5).
const IPV4: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::ecn::DscpModel;

    fn fragments(len: usize, path_mtu: u16) -> Vec<Vec<u8>> {
        let inner: Vec<u8> = (0..len).map(|n| n as u8 ^ (n >> 8) as u8).collect();
        let ends: [Ipv6Addr; 2] = ["2001:db8::b4", "2001:db8::af"].map(|end| end.parse().unwrap());
        let mut fragmenter = Fragmenter::new(ends[0], ends[1], 64);
        fragmenter.identification = 0x0102_0303;
        let fragments = fragmenter.fragments(&Segment::whole(&inner, DscpModel::Uniform), path_mtu);
        let payloads: Vec<u8> = fragments
            .iter()
            .flat_map(|fragment| &fragment[48..])
            .copied()
            .collect();
        assert_eq!(payloads, inner);
        fragments
    }

    #[test]
    fn fr_001_fr_002_fr_006_the_pieces_are_those_of_the_rfcs_arithmetic() {
        for (path_mtu, expected) in [
            (1280, [1232, 268]),
            (1460, [1408, 92]),
            (1492, [1440, 60]),
            (1500, [1448, 52]),
        ] {
            let fragments = fragments(1500, path_mtu);
            let pieces: Vec<usize> = fragments
                .iter()
                .map(|fragment| fragment.len() - 48)
                .collect();
            assert_eq!(pieces, expected, "{path_mtu}");
        }
    }

    #[test]
    fn fr_006_tn_002_ec_001_the_headers_stand_as_in_rfc_8200() {
        // The second octet, 1, is the inner ToS.
        let [first, last] = &fragments(1500, 1500)[..] else {
            panic!("two fragments");
        };
        let addresses = [
            0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xb4, 0x20, 0x01, 0x0d, 0xb8,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xaf,
        ];
        // 1448 + 8 octets; next header 44, hop limit 64.
        assert_eq!(first[..8], [0x60, 0x10, 0, 0, 0x05, 0xb0, 44, 64]);
        assert_eq!(first[8..40], addresses);
        // Offset 0, more; then offset 181 units, no more.
        assert_eq!(first[40..48], [4, 0, 0, 1, 1, 2, 3, 4]);
        assert_eq!(last[..8], [0x60, 0x10, 0, 0, 0, 60, 44, 64]);
        assert_eq!(last[40..48], [4, 0, 0x05, 0xa8, 1, 2, 3, 4]);
    }

    #[test]
    fn fr_007_no_identification_comes_twice_or_where_one_expects_it() {
        let end = Ipv6Addr::LOCALHOST;
        let first = |fragmenter: &mut Fragmenter| {
            let inner = [0; 100];
            fragmenter.fragments(&Segment::whole(&inner, DscpModel::Uniform), 1280)[0][44..48]
                .to_vec()
        };
        let mut one = Fragmenter::new(end, end, 64);
        let ids = [
            first(&mut one),
            first(&mut one),
            first(&mut Fragmenter::new(end, end, 64)),
        ];
        assert!(ids[0] != ids[1] && ids[1] != ids[2]);
    }
}
