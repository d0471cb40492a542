//! Fragmentation of a tunnel packet, after encapsulation (FR-001, FR-006; RFC 6333 s5.3, RFC 8200 s4.5).
//!
//! ```text
//!  frame:  [ Ethernet | IPv6 |            payload                       ]
//!  first:  [ Ethernet | IPv6 | Fragment | payload ]
//!  tails:                          [ Ethernet | IPv6 | Fragment | yload ] ...
//! ```
//!
//! The first piece keeps the buffer: its headers move to the front by the Fragment header's octets,
//! the payload stays where it is. The tails are copies.

use std::ops::Range;

use crate::drop_reason::DropReason;
use crate::fragmentation::cuts::cuts;
use crate::fragmentation::piece;
use crate::fragmentation::tails::Tails;
use crate::packet::Packet;
use crate::wire::fragment;
use crate::wire::ipv6;
use crate::wire::u16_at;

/// Splits a frame, finished but for this, whose IPv6 packet at `ipv6_at` is longer than `mtu`. The
/// first piece is what `packet` becomes, the others are added to `tails`. Returns how many pieces
/// there are: 1 for a packet that fits and has not changed.
///
/// The device is asked to put `device_tag` on the tails; `packet` has its tag already. The IPv6
/// header must be in the first segment.
///
/// # Errors
/// The reason to drop the packet; it has not changed and `tails` has none of its pieces.
pub fn split<P: Packet>(
    packet: &mut P,
    ipv6_at: usize,
    mtu: usize,
    id: u32,
    device_tag: Option<u16>,
    tails: &mut Tails<P>,
) -> Result<usize, DropReason> {
    let whole = Whole::read(packet, ipv6_at, id)?;
    if ipv6::HEADER + whole.payload_len <= mtu {
        return Ok(1);
    }
    let room = mtu.saturating_sub(ipv6::HEADER + fragment::HEADER);
    let mut cuts = cuts(whole.payload_len, room, room)?;
    let first = cuts.next().ok_or(DropReason::TooBig)?;
    tails.all_or_none(|tails| {
        let mut pieces = 1;
        for cut in cuts {
            let mut tail = whole.tail(packet, cut)?;
            if device_tag.is_some() {
                tail.insert_vlan(device_tag);
            }
            tails.push(tail)?;
            pieces += 1;
        }
        whole.shorten(packet, first)?;
        Ok(pieces)
    })
}

/// The packet before it is split.
struct Whole {
    ipv6_at: usize,
    payload_at: usize,
    payload_len: usize,
    next_header: u8,
    id: u32,
}

impl Whole {
    fn read<P: Packet>(packet: &P, ipv6_at: usize, id: u32) -> Result<Self, DropReason> {
        let payload_at = ipv6_at + ipv6::HEADER;
        let front = packet.head().get(..payload_at);
        let front = front.ok_or(DropReason::BadIpv6Header)?;
        let payload_len = u16_at(front, ipv6_at + PAYLOAD_LEN_AT).map_or(0, usize::from);
        if payload_at + payload_len > packet.len() {
            return Err(DropReason::BadIpv6Header);
        }
        Ok(Self {
            ipv6_at,
            payload_at,
            payload_len,
            next_header: front[ipv6_at + NEXT_HEADER_AT],
            id,
        })
    }

    /// A piece in a buffer of its own.
    fn tail<P: Packet>(&self, packet: &P, cut: Range<usize>) -> Result<P, DropReason> {
        let octets = self.payload_at + cut.start..self.payload_at + cut.end;
        let mut tail = piece::copied(packet, self.payload_at + fragment::HEADER, octets)?;
        let front = tail.head_mut();
        front[..self.payload_at].copy_from_slice(&packet.head()[..self.payload_at]);
        self.make_fragment(front, cut);
        Ok(tail)
    }

    /// Makes `packet` the first piece.
    fn shorten<P: Packet>(&self, packet: &mut P, cut: Range<usize>) -> Result<(), DropReason> {
        packet
            .prepend(fragment::HEADER)
            .map_err(|_| DropReason::NoHeadroom)?;
        packet.truncate(self.payload_at + fragment::HEADER + cut.len());
        let front = packet.head_mut();
        front.copy_within(fragment::HEADER..fragment::HEADER + self.payload_at, 0);
        self.make_fragment(front, cut);
        Ok(())
    }

    /// Turns the whole packet's headers into those of the piece with this part of its payload.
    fn make_fragment(&self, front: &mut [u8], cut: Range<usize>) {
        let payload_len = (fragment::HEADER + cut.len()) as u16;
        let (headers, rest) = front.split_at_mut(self.payload_at);
        let ipv6 = &mut headers[self.ipv6_at..];
        ipv6[PAYLOAD_LEN_AT..PAYLOAD_LEN_AT + 2].copy_from_slice(&payload_len.to_be_bytes());
        ipv6[NEXT_HEADER_AT] = ipv6::FRAGMENT;
        if let Some(header) = rest.first_chunk_mut() {
            let more = cut.end < self.payload_len;
            fragment::write(header, self.next_header, cut.start as u16, more, self.id);
        }
    }
}

// Places in the IPv6 header.
const PAYLOAD_LEN_AT: usize = 4;
const NEXT_HEADER_AT: usize = 6;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fragmentation::chain_packet::ChainPacket;
    use crate::fragmentation::chain_packet::Pool;
    use crate::heap_packet::HeapPacket;

    /// A frame with an Ethernet header of `front` octets, traffic class, flow label and hop limit of
    /// their own, and a payload in which hardly two places are alike.
    fn frame(front: usize, payload_len: usize) -> Vec<u8> {
        let mut frame: Vec<u8> = (0..front as u8).collect();
        let [high, low] = (payload_len as u16).to_be_bytes();
        frame.extend([0x6b, 0x91, 0x23, 0x45, high, low, 4, 61]);
        frame.extend([0x2a; 16]);
        frame.extend([0x2b; 16]);
        frame.extend((0..payload_len).map(|at| (at % 251) as u8));
        frame
    }

    /// Splits `frame` and returns the pieces' octets, the first piece first.
    fn pieces(frame: &[u8], ipv6_at: usize, mtu: usize) -> Vec<Vec<u8>> {
        let mut packet = HeapPacket::new(frame);
        let mut tails = Tails::with_capacity(100);
        let count = split(&mut packet, ipv6_at, mtu, ID, None, &mut tails).unwrap();
        let mut all = vec![packet.head().to_vec()];
        while let Some(tail) = tails.pop() {
            all.push(tail.head().to_vec());
        }
        assert_eq!(all.len(), count);
        all
    }

    /// What a receiver makes of the pieces (RFC 8200 s4.5), having checked everything but the payload.
    fn reassembled(pieces: &[Vec<u8>], whole: &[u8], ipv6_at: usize, mtu: usize) -> Vec<u8> {
        let mut payload = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            let is_last = index + 1 == pieces.len();
            assert!(piece.len() - ipv6_at <= mtu);
            let (front, rest) = piece.split_at(ipv6_at + 40);
            let (header, part) = rest.split_at(8);
            assert_eq!(front[..ipv6_at + 4], whole[..ipv6_at + 4]);
            let payload_len = u16::from_be_bytes([front[ipv6_at + 4], front[ipv6_at + 5]]);
            assert_eq!(usize::from(payload_len), rest.len());
            assert_eq!(front[ipv6_at + 6], 44);
            assert_eq!(front[ipv6_at + 7..], whole[ipv6_at + 7..ipv6_at + 40]);
            assert_eq!(header[..2], [4, 0]);
            let offset_and_more = u16::from_be_bytes([header[2], header[3]]);
            assert_eq!(usize::from(offset_and_more >> 3) * 8, payload.len());
            assert_eq!(offset_and_more & 7, u16::from(!is_last));
            assert_eq!(header[4..], ID.to_be_bytes());
            assert!(is_last || part.len() % 8 == 0);
            payload.extend_from_slice(part);
        }
        payload
    }

    #[test]
    fn fr_002_a_packet_of_1500_octets_is_split_as_the_table_says() {
        for (mtu, first, last) in [
            (1280, 1232, 268),
            (1460, 1408, 92),
            (1492, 1440, 60),
            (1500, 1448, 52),
        ] {
            for front in [14, 18] {
                let whole = frame(front, 1500);
                let pieces = pieces(&whole, front, mtu);
                let payload_lens: Vec<_> = pieces.iter().map(|p| p.len() - front - 48).collect();
                assert_eq!(payload_lens, [first, last], "{mtu}");
                assert_eq!(
                    reassembled(&pieces, &whole, front, mtu),
                    whole[front + 40..]
                );
            }
        }
    }

    #[test]
    fn fr_006_pieces_are_as_written_by_hand() {
        let whole = [
            &[0xd0, 1, 2, 3, 4, 5, 0x50, 1, 2, 3, 4, 5, 0x86, 0xdd][..],
            &[0x60, 0, 0, 0, 0, 25, 4, 64],
            &[0xaa; 32],
            b"0123456789abcdefghijklmno",
        ];
        let first = [
            whole[0],
            &[0x60, 0, 0, 0, 0, 24, 44, 64],
            &[0xaa; 32],
            &[4, 0, 0, 1, 0xde, 0xad, 0xbe, 0xef],
            b"0123456789abcdef",
        ];
        let last = [
            whole[0],
            &[0x60, 0, 0, 0, 0, 17, 44, 64],
            &[0xaa; 32],
            &[4, 0, 0, 16, 0xde, 0xad, 0xbe, 0xef],
            b"ghijklmno",
        ];
        // 64 octets are the two headers' 48 and two units.
        assert_eq!(
            pieces(&whole.concat(), 14, 64),
            [first.concat(), last.concat()]
        );
    }

    #[test]
    fn a_packet_that_fits_stays_as_it_is() {
        let whole = frame(14, 1460);
        assert_eq!(pieces(&whole, 14, 1500), [whole]);
        let longer = frame(14, 1461);
        assert_eq!(pieces(&longer, 14, 1500).len(), 2);
    }

    #[test]
    fn fr_006_the_longest_packet_is_split_at_the_least_mtu() {
        let whole = frame(18, 65_535);
        let pieces = pieces(&whole, 18, 1280);
        // 53 pieces of 1232 octets are 65296.
        assert_eq!((pieces.len(), pieces[53].len()), (54, 18 + 48 + 239));
        assert_eq!(reassembled(&pieces, &whole, 18, 1280), whole[58..]);
    }

    #[test]
    fn padding_after_the_packet_is_in_no_piece() {
        let mut padded = frame(14, 1500);
        padded.extend([0xff; 6]);
        let pieces = pieces(&padded, 14, 1500);
        let whole = &padded[..14 + 1540];
        assert_eq!(reassembled(&pieces, whole, 14, 1500), whole[54..]);
    }

    #[test]
    fn tails_carry_the_tag_for_the_device_too() {
        for tag in [None, Some(0x2064)] {
            let mut packet = HeapPacket::new(&frame(14, 3000));
            let mut tails = Tails::with_capacity(2);
            assert_eq!(split(&mut packet, 14, 1500, ID, tag, &mut tails), Ok(3));
            for _ in 0..2 {
                assert_eq!(tails.pop().unwrap().inserted_vlan(), tag);
            }
        }
    }

    #[test]
    fn jumbo_pieces_take_several_buffers() {
        let pool = Pool::new(100, 128, 2048);
        let whole = frame(14, 20_000);
        let mut packet = ChainPacket::received(&pool, &whole);
        let mut tails = Tails::with_capacity(2);
        assert_eq!(split(&mut packet, 14, 9000, ID, None, &mut tails), Ok(3));
        let (second, third) = (tails.pop().unwrap(), tails.pop().unwrap());
        let octets = [packet.octets(), second.octets(), third.octets()];
        assert_eq!(octets[1].len(), 14 + 48 + 8952);
        assert_eq!(reassembled(&octets, &whole, 14, 9000), whole[54..]);
        assert_eq!((second.segments(), third.segments()), (5, 2));
        drop((packet, second, third));
        assert_eq!(pool.left(), 100);
    }

    /// Splits with what is given, must fail, and must leave everything as it was.
    fn refused(pool: &Pool, mtu: usize, tails: &mut Tails<ChainPacket>) -> DropReason {
        let whole = frame(14, 7000);
        let mut packet = ChainPacket::received(pool, &whole);
        let (left, waiting) = (pool.left(), tails.len());
        let error = split(&mut packet, 14, mtu, ID, Some(5), tails).unwrap_err();
        assert_eq!((pool.left(), tails.len()), (left, waiting));
        assert_eq!((packet.octets(), packet.inserted_vlan()), (whole, None));
        error
    }

    #[test]
    fn without_buffers_for_all_pieces_the_packet_has_none() {
        // The packet takes 4 buffers; of MTU 1500 its 4 tails take one each, of 5000 its one takes 2.
        for (mtu, needed) in [(1500, 4), (5000, 2)] {
            for buffers in 0..needed {
                let pool = Pool::new(4 + buffers, 128, 2048);
                let mut tails = Tails::with_capacity(10);
                assert_eq!(
                    refused(&pool, mtu, &mut tails),
                    DropReason::NoBuffer,
                    "{buffers}"
                );
            }
        }
    }

    #[test]
    fn without_places_for_all_tails_the_packet_has_none() {
        for capacity in 0..4 {
            let mut tails = Tails::with_capacity(capacity);
            let reason = refused(&Pool::new(50, 128, 2048), 1500, &mut tails);
            assert_eq!(reason, DropReason::NoBuffer);
        }
    }

    #[test]
    fn without_headroom_or_a_sensible_mtu_nothing_is_split() {
        let mut tails = Tails::with_capacity(10);
        let narrow = Pool::new(50, 7, 2048);
        assert_eq!(refused(&narrow, 1500, &mut tails), DropReason::NoHeadroom);
        let pool = Pool::new(50, 128, 2048);
        for mtu in [0, 47, 55] {
            assert_eq!(refused(&pool, mtu, &mut tails), DropReason::TooBig);
        }
    }

    #[test]
    fn a_frame_without_its_ipv6_packet_is_refused() {
        let whole = frame(14, 1500);
        for len in [0, 53, 14 + 1539] {
            let mut packet = HeapPacket::new(&whole[..len]);
            let mut tails = Tails::with_capacity(9);
            let refused = split(&mut packet, 14, 1280, ID, None, &mut tails);
            assert_eq!(refused, Err(DropReason::BadIpv6Header));
            assert!(tails.is_empty());
        }
    }

    proptest! {
        #[test]
        fn fr_006_pieces_make_the_packet_again(
            payload_len in 0_usize..=20_000,
            mtu in 300_usize..10_000,
            front in prop_oneof![Just(14_usize), Just(18)],
            room in 600_usize..4000,
        ) {
            let whole = frame(front, payload_len);
            let pool = Pool::new(1000, 128, room);
            let mut packet = ChainPacket::received(&pool, &whole);
            let mut tails = Tails::with_capacity(100);
            let count = split(&mut packet, front, mtu, ID, None, &mut tails).unwrap();
            let mut octets = vec![packet.octets()];
            while let Some(tail) = tails.pop() {
                octets.push(tail.octets());
            }
            prop_assert_eq!(octets.len(), count);
            if payload_len + 40 <= mtu {
                prop_assert_eq!(octets, [whole]);
            } else {
                prop_assert!(count > 1);
                prop_assert_eq!(&reassembled(&octets, &whole, front, mtu)[..], &whole[front + 40..]);
            }
            drop(packet);
            prop_assert_eq!(pool.left(), 1000);
        }
    }

    const ID: u32 = 0xdead_beef;
}
