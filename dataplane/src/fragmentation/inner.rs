//! Fragmentation of an IPv4 packet on its way to the Internet, as any router does (FR-018, RFC 791
//! s3.2).
//!
//! ```text
//!  frame:  [ Ethernet | IPv4, all options    |  payload              ]
//!  first:  [ Ethernet | IPv4, all options    | payload ]
//!  tails:          [ Ethernet | IPv4, copied options | yload ] ...
//! ```
//!
//! The sender's Identification stays: we are a router here, and he has made it unique (FR-014). A packet
//! may be a fragment already; its pieces are then fragments of the same datagram.

use std::ops::Range;

use arrayvec::ArrayVec;

use crate::drop_reason::DropReason;
use crate::fragmentation::cuts::cuts;
use crate::fragmentation::options;
use crate::fragmentation::piece;
use crate::fragmentation::tails::Tails;
use crate::packet::Packet;
use crate::wire::checksum;
use crate::wire::ipv4;
use crate::wire::u16_at;

/// Splits a frame, finished but for this, whose IPv4 packet at `ipv4_at` is longer than `mtu`. The
/// first piece is what `packet` becomes, the others are added to `tails`. Returns how many pieces
/// there are: 1 for a packet that fits and has not changed.
///
/// The device is asked to put `device_tag` on the tails; `packet` has its tag already. The IPv4
/// header has been found good, and is in the first segment.
///
/// # Errors
/// The reason to drop the packet; it has not changed and `tails` has none of its pieces.
/// [`DropReason::DontFragment`] when its sender forbids it (RFC 6864 s4.3).
pub fn split<P: Packet>(
    packet: &mut P,
    ipv4_at: usize,
    mtu: usize,
    device_tag: Option<u16>,
    tails: &mut Tails<P>,
) -> Result<usize, DropReason> {
    let whole = Whole::read(packet, ipv4_at)?;
    if whole.header_len + whole.payload_len <= mtu {
        return Ok(1);
    }
    whole.check()?;
    let later_header = whole.later_header(packet)?;
    let first_room = mtu.saturating_sub(whole.header_len);
    let later_room = mtu.saturating_sub(later_header.len());
    let mut cuts = cuts(whole.payload_len, first_room, later_room)?;
    let first = cuts.next().ok_or(DropReason::TooBig)?;
    tails.all_or_none(|tails| {
        let mut pieces = 1;
        for cut in cuts {
            let mut tail = whole.tail(packet, &later_header, cut)?;
            if device_tag.is_some() {
                tail.insert_vlan(device_tag);
            }
            tails.push(tail)?;
            pieces += 1;
        }
        packet.truncate(whole.payload_at() + first.len());
        let header = &mut packet.head_mut()[ipv4_at..whole.payload_at()];
        whole.make_fragment(header, first);
        Ok(pieces)
    })
}

/// The packet before it is split.
struct Whole {
    ipv4_at: usize,
    header_len: usize,
    payload_len: usize,
    /// Reserved bit, DF, MF and offset.
    flags_and_offset: u16,
}

impl Whole {
    fn read<P: Packet>(packet: &P, ipv4_at: usize) -> Result<Self, DropReason> {
        let available = packet.len().saturating_sub(ipv4_at);
        let bytes = packet.head().get(ipv4_at..).unwrap_or(&[]);
        let ipv4 = ipv4::Ipv4::parse(bytes, available, true)?;
        Ok(Self {
            ipv4_at,
            header_len: usize::from(ipv4.header_len),
            payload_len: usize::from(ipv4.total_len) - usize::from(ipv4.header_len),
            flags_and_offset: u16_at(bytes, FLAGS_AT).unwrap_or(0),
        })
    }

    /// Refuses what may not be split, and what has no end: the offset of a piece beyond 65535 octets
    /// would run over into the flags.
    fn check(&self) -> Result<(), DropReason> {
        let offset = usize::from(self.flags_and_offset & OFFSET) * 8;
        if self.flags_and_offset & DONT_FRAGMENT != 0 {
            Err(DropReason::DontFragment)
        } else if offset + self.payload_len > usize::from(u16::MAX) {
            Err(DropReason::BadIpv4Length)
        } else {
            Ok(())
        }
    }

    fn payload_at(&self) -> usize {
        self.ipv4_at + self.header_len
    }

    /// The header of all pieces but the first, whose options are fewer; lengths and offset are still
    /// the packet's.
    fn later_header<P: Packet>(&self, packet: &P) -> Result<Header, DropReason> {
        let bytes = packet.head().get(self.ipv4_at..self.payload_at());
        let (fixed, all_options) = bytes
            .and_then(|bytes| bytes.split_at_checked(ipv4::HEADER))
            .ok_or(DropReason::BadIpv4Header)?;
        let mut header: Header = fixed.iter().copied().collect();
        header.extend(options::copied(all_options));
        header[0] = 0x40 | (header.len() / 4) as u8;
        Ok(header)
    }

    /// A piece in a buffer of its own.
    fn tail<P: Packet>(
        &self,
        packet: &P,
        header: &Header,
        cut: Range<usize>,
    ) -> Result<P, DropReason> {
        let octets = self.payload_at() + cut.start..self.payload_at() + cut.end;
        let mut tail = piece::copied(packet, self.ipv4_at + header.len(), octets)?;
        let (ethernet, rest) = tail.head_mut().split_at_mut(self.ipv4_at);
        ethernet.copy_from_slice(&packet.head()[..self.ipv4_at]);
        let place = &mut rest[..header.len()];
        place.copy_from_slice(header);
        self.make_fragment(place, cut);
        Ok(tail)
    }

    /// Gives a header the length, offset and checksum of the piece with this part of the payload.
    fn make_fragment(&self, header: &mut [u8], cut: Range<usize>) {
        let total_len = (header.len() + cut.len()) as u16;
        // Units of 8 octets are added to the offset below the flags; `check` has seen that they fit.
        let mut flags_and_offset = self.flags_and_offset + (cut.start / 8) as u16;
        if cut.end < self.payload_len {
            flags_and_offset |= MORE_FRAGMENTS;
        }
        header[TOTAL_LEN_AT..TOTAL_LEN_AT + 2].copy_from_slice(&total_len.to_be_bytes());
        header[FLAGS_AT..FLAGS_AT + 2].copy_from_slice(&flags_and_offset.to_be_bytes());
        header[CHECKSUM_AT..CHECKSUM_AT + 2].fill(0);
        let checksum = !checksum::sum(header);
        header[CHECKSUM_AT..CHECKSUM_AT + 2].copy_from_slice(&checksum.to_be_bytes());
    }
}

/// An IPv4 header with its options.
type Header = ArrayVec<u8, 60>;

// Places in the IPv4 header.
const TOTAL_LEN_AT: usize = 2;
const FLAGS_AT: usize = 6;
const CHECKSUM_AT: usize = 10;

// Parts of the word of flags and offset (RFC 791 s3.1).
const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fragmentation::chain_packet::ChainPacket;
    use crate::fragmentation::chain_packet::Pool;
    use crate::heap_packet::HeapPacket;

    /// An IPv4 packet behind an Ethernet header of `front` octets.
    fn frame(front: usize, flags_and_offset: u16, options: &[u8], payload_len: usize) -> Vec<u8> {
        let mut header = vec![0x45 + (options.len() / 4) as u8, 0xb9];
        let total_len = (20 + options.len() + payload_len) as u16;
        header.extend(total_len.to_be_bytes());
        header.extend([0x12, 0x34]);
        header.extend(flags_and_offset.to_be_bytes());
        header.extend([61, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2]);
        header.extend(options);
        let checksum = !checksum::sum(&header);
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
        let mut frame: Vec<u8> = (0..front as u8).collect();
        frame.extend(header);
        frame.extend((0..payload_len).map(|at| (at % 251) as u8));
        frame
    }

    /// Splits `frame` and returns the pieces' octets, the first piece first.
    fn pieces(frame: &[u8], ipv4_at: usize, mtu: usize) -> Vec<Vec<u8>> {
        let mut packet = HeapPacket::new(frame);
        let mut tails = Tails::with_capacity(2000);
        let count = split(&mut packet, ipv4_at, mtu, None, &mut tails).unwrap();
        let mut all = vec![packet.head().to_vec()];
        while let Some(tail) = tails.pop() {
            all.push(tail.head().to_vec());
        }
        assert_eq!(all.len(), count);
        all
    }

    /// What a receiver makes of the pieces (RFC 791 s3.2), having checked everything but the payload
    /// and the options.
    fn reassembled(pieces: &[Vec<u8>], whole: &[u8], ipv4_at: usize, mtu: usize) -> Vec<u8> {
        let word = u16::from_be_bytes([whole[ipv4_at + 6], whole[ipv4_at + 7]]);
        let mut payload = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            let is_last = index + 1 == pieces.len();
            assert_eq!(piece[..ipv4_at], whole[..ipv4_at]);
            let packet = &piece[ipv4_at..];
            assert!(packet.len() <= mtu);
            let ipv4 = ipv4::Ipv4::parse(packet, packet.len(), false).unwrap();
            assert_eq!(usize::from(ipv4.total_len), packet.len());
            let header_len = usize::from(ipv4.header_len);
            assert_eq!(checksum::sum(&packet[..header_len]), 0xffff);
            assert_eq!(packet[1], whole[ipv4_at + 1], "ToS");
            assert_eq!(
                packet[4..6],
                whole[ipv4_at + 4..ipv4_at + 6],
                "identification"
            );
            assert_eq!(
                packet[8..10],
                whole[ipv4_at + 8..ipv4_at + 10],
                "TTL, protocol"
            );
            assert_eq!(
                packet[12..20],
                whole[ipv4_at + 12..ipv4_at + 20],
                "addresses"
            );
            let piece_word = u16::from_be_bytes([packet[6], packet[7]]);
            assert_eq!(piece_word & 0xc000, word & 0xc000, "reserved bit and DF");
            assert_eq!(piece_word & 0x2000 != 0, !is_last || word & 0x2000 != 0);
            let offset = usize::from(piece_word & 0x1fff) - usize::from(word & 0x1fff);
            assert_eq!(offset * 8, payload.len());
            let part = &packet[header_len..];
            assert!(is_last || part.len() % 8 == 0);
            payload.extend_from_slice(part);
        }
        payload
    }

    #[test]
    fn fr_018_pieces_are_as_written_by_hand() {
        // Checksums added up by hand: with 0x4500, 0x1234, 0x4011, 0xc000, 0x0201, 0xc633 and 0x6402,
        // the words that all pieces have, they begin at 0x2837b, hence 0x837d.
        let whole = [
            &[0xd0, 1, 2, 3, 4, 5, 0x50, 1, 2, 3, 4, 5, 0x08, 0x00][..],
            &[0x45, 0, 0, 45, 0x12, 0x34, 0, 0, 64, 17],
            &[0x7c, 0x55, 192, 0, 2, 1, 198, 51, 100, 2],
            b"0123456789abcdefghijklmno",
        ];
        let first = [
            whole[0],
            // 0x837d + 36 + 0x2000 = 0xa3a1
            &[0x45, 0, 0, 36, 0x12, 0x34, 0x20, 0, 64, 17],
            &[0x5c, 0x5e, 192, 0, 2, 1, 198, 51, 100, 2],
            b"0123456789abcdef",
        ];
        let last = [
            whole[0],
            // 0x837d + 29 + 2 = 0x839c
            &[0x45, 0, 0, 29, 0x12, 0x34, 0, 2, 64, 17],
            &[0x7c, 0x63, 192, 0, 2, 1, 198, 51, 100, 2],
            b"ghijklmno",
        ];
        assert_eq!(
            pieces(&whole.concat(), 14, 43),
            [first.concat(), last.concat()]
        );
    }

    #[test]
    fn fr_018_pieces_are_as_large_as_the_mtu_allows() {
        for (mtu, payload_len, expected) in [
            (1500, 1481, &[1480, 1][..]),
            (1500, 2960, &[1480, 1480]),
            (1499, 1480, &[1472, 8]),
            (1499, 1472 + 1479, &[1472, 1479]),
            (1280, 1480, &[1256, 224]),
            (68, 100, &[48, 48, 4]),
        ] {
            for front in [14, 18] {
                let whole = frame(front, 0, &[], payload_len);
                let pieces = pieces(&whole, front, mtu);
                let lens: Vec<_> = pieces.iter().map(|p| p.len() - front - 20).collect();
                assert_eq!(lens, expected, "{payload_len} in {mtu}");
                assert_eq!(
                    reassembled(&pieces, &whole, front, mtu),
                    whole[front + 20..]
                );
            }
        }
    }

    #[test]
    fn a_packet_that_fits_stays_as_it_is_whatever_its_flags() {
        for word in [0, 0x4000, 0xe123] {
            let whole = frame(14, word, &[], 1480);
            assert_eq!(pieces(&whole, 14, 1500), [whole]);
        }
    }

    #[test]
    fn fr_018_the_longest_packet_is_split_at_the_least_mtu() {
        let whole = frame(14, 0, &[], 65_515);
        let pieces = pieces(&whole, 14, 68);
        // 1364 pieces of 48 octets are 65472.
        assert_eq!((pieces.len(), pieces[1364].len()), (1365, 14 + 20 + 43));
        assert_eq!(reassembled(&pieces, &whole, 14, 68), whole[34..]);
    }

    #[test]
    fn rfc_791_s3_2_a_fragment_is_split_into_fragments_of_the_same_datagram() {
        for word in [0x2000, 0x2064, 0x0064, 0x8064, 0xa064] {
            let whole = frame(14, word, &[], 1480);
            let pieces = pieces(&whole, 14, 1000);
            assert_eq!(pieces.len(), 2);
            assert_eq!(reassembled(&pieces, &whole, 14, 1000), whole[34..]);
        }
        // The second of these begins at 0x64 units and 976 octets, that is at 0xde units.
        let pieces = pieces(&frame(14, 0x2064, &[], 1480), 14, 1000);
        assert_eq!(pieces[0][20..22], [0x20, 0x64]);
        assert_eq!(pieces[1][20..22], [0x20, 0xde]);
    }

    #[test]
    fn rfc_791_s3_1_only_the_first_piece_has_all_options() {
        // Record route, router alert, no operation: 7 + 4 + 1 octets, of which 4 are copied.
        let options = [7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 1];
        let whole = frame(14, 0, &options, 200);
        let pieces = pieces(&whole, 14, 100);
        // Rooms are 100 - 32 and 100 - 24, less what is no multiple of 8; the last may have 76.
        let lens: Vec<_> = pieces.iter().map(|piece| piece.len() - 14).collect();
        assert_eq!(lens, [32 + 64, 24 + 72, 24 + 64]);
        assert_eq!(pieces[0][34..46], options);
        for piece in &pieces[1..] {
            assert_eq!((piece[14], &piece[34..38]), (0x46, &[148, 4, 0, 0][..]));
        }
        assert_eq!(reassembled(&pieces, &whole, 14, 100), whole[46..]);
    }

    #[test]
    fn rfc_791_s3_1_without_copied_options_later_headers_have_none() {
        let whole = frame(14, 0, &[1; 40], 200);
        let pieces = pieces(&whole, 14, 100);
        assert_eq!((pieces[0][14], pieces[1][14]), (0x4f, 0x45));
        assert_eq!(reassembled(&pieces, &whole, 14, 100), whole[74..]);
    }

    #[test]
    fn padding_after_the_packet_is_in_no_piece() {
        let mut padded = frame(14, 0, &[], 1500);
        padded.extend([0xff; 6]);
        let pieces = pieces(&padded, 14, 1500);
        let whole = &padded[..14 + 1520];
        assert_eq!(reassembled(&pieces, whole, 14, 1500), whole[34..]);
    }

    #[test]
    fn tails_carry_the_tag_for_the_device_too() {
        for tag in [None, Some(0x2064)] {
            let mut packet = HeapPacket::new(&frame(14, 0, &[], 3000));
            let mut tails = Tails::with_capacity(2);
            assert_eq!(split(&mut packet, 14, 1500, tag, &mut tails), Ok(3));
            for _ in 0..2 {
                assert_eq!(tails.pop().unwrap().inserted_vlan(), tag);
            }
        }
    }

    /// Splits with what is given, must fail, and must leave everything as it was.
    fn refused(whole: &[u8], pool: &Pool, mtu: usize, capacity: usize) -> DropReason {
        let mut packet = ChainPacket::received(pool, whole);
        let mut tails = Tails::with_capacity(capacity);
        let left = pool.left();
        let error = split(&mut packet, 14, mtu, Some(5), &mut tails).unwrap_err();
        assert_eq!((pool.left(), tails.len()), (left, 0));
        assert_eq!(
            (packet.octets(), packet.inserted_vlan()),
            (whole.to_vec(), None)
        );
        error
    }

    #[test]
    fn fr_014_what_may_not_be_fragmented_is_not() {
        let pool = Pool::new(9, 128, 2048);
        for word in [0x4000, 0x6000, 0xc000, 0x4001] {
            let whole = frame(14, word, &[], 1500);
            assert_eq!(refused(&whole, &pool, 1500, 9), DropReason::DontFragment);
        }
    }

    #[test]
    fn a_fragment_beyond_65535_octets_is_not_split() {
        let pool = Pool::new(9, 128, 2048);
        // 8191 units are 65528 octets; 7 more are the last possible.
        let whole = frame(14, 0x1fff, &[], 8);
        assert_eq!(refused(&whole, &pool, 27, 9), DropReason::BadIpv4Length);
        let whole = frame(14, 0x1ffe, &[], 15);
        assert_eq!(pieces(&whole, 14, 34).len(), 2);
        let whole = frame(14, 0x1ffe, &[], 16);
        assert_eq!(refused(&whole, &pool, 34, 9), DropReason::BadIpv4Length);
    }

    #[test]
    fn without_buffers_or_places_for_all_tails_the_packet_has_none() {
        // 4 buffers for the packet and one for each of its 4 tails.
        let whole = frame(14, 0, &[], 7000);
        for given in 0..4 {
            let scarce = Pool::new(4 + given, 128, 2048);
            assert_eq!(refused(&whole, &scarce, 1500, 9), DropReason::NoBuffer);
            let pool = Pool::new(50, 128, 2048);
            assert_eq!(refused(&whole, &pool, 1500, given), DropReason::NoBuffer);
        }
    }

    #[test]
    fn without_room_for_a_unit_nothing_is_split() {
        let pool = Pool::new(50, 128, 2048);
        for (options, mtu) in [(&[][..], 27), (&[], 0), (&[1; 40], 67)] {
            let whole = frame(14, 0, options, 1500);
            assert_eq!(refused(&whole, &pool, mtu, 999), DropReason::TooBig);
        }
    }

    proptest! {
        #[test]
        fn fr_018_pieces_make_the_packet_again(
            payload_len in 0_usize..=20_000,
            mtu in 68_usize..10_000,
            front in prop_oneof![Just(14_usize), Just(18)],
            word in prop_oneof![Just(0), Just(0x2000), Just(0x8000), 0_u16..0x100, 0x2000_u16..0x2100],
            options in prop::collection::vec(any::<u8>(), 0..=10),
            room in 600_usize..4000,
        ) {
            let options = options.repeat(4);
            let whole = frame(front, word, &options, payload_len);
            let pool = Pool::new(5000, 128, room);
            let mut packet = ChainPacket::received(&pool, &whole);
            let mut tails = Tails::with_capacity(3000);
            let count = split(&mut packet, front, mtu, None, &mut tails).unwrap();
            let mut octets = vec![packet.octets()];
            while let Some(tail) = tails.pop() {
                octets.push(tail.octets());
            }
            prop_assert_eq!(octets.len(), count);
            let payload_at = front + 20 + options.len();
            if payload_at - front + payload_len <= mtu {
                prop_assert_eq!(octets, [whole]);
            } else {
                prop_assert!(count > 1);
                prop_assert_eq!(&octets[0][front + 20..payload_at], &options[..]);
                prop_assert_eq!(&reassembled(&octets, &whole, front, mtu)[..], &whole[payload_at..]);
            }
            drop(packet);
            prop_assert_eq!(pool.left(), 5000);
        }
    }
}
