//! Tunnel packets that leave in pieces, put together again as their receiver would (RFC 8200 s4.5).
//!
//! The pieces of a packet follow each other with nothing between them, so one packet at a time is enough.

use std::borrow::Cow;

/// An IPv6 packet that left, whole or in pieces.
#[derive(Debug)]
pub(super) struct Whole<'p> {
    pub(super) ipv6: Cow<'p, [u8]>,
    /// Octets of its largest piece.
    pub(super) largest: usize,
}

/// The packet of which pieces are still to come.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    ipv6: Vec<u8>,
    /// Octets of its largest piece.
    largest: usize,
    /// What the Fragment headers have in common: next header and Identification.
    name: ([u8; 2], [u8; 4]),
}

impl Pieces {
    /// Takes a packet, and returns what is whole now. A side that loses frames leaves gaps.
    pub(super) fn take<'p>(&mut self, ipv6: &'p [u8], loses_frames: bool) -> Option<Whole<'p>> {
        assert!(
            ipv6.len() >= 40 && ipv6[0] >> 4 == 6,
            "no IPv6 packet: {ipv6:02x?}"
        );
        let payload_len = usize::from(u16::from_be_bytes([ipv6[4], ipv6[5]]));
        assert_eq!(
            payload_len,
            ipv6.len() - 40,
            "payload length of {ipv6:02x?}"
        );
        if ipv6[6] != FRAGMENT {
            self.end(loses_frames);
            return Some(Whole {
                ipv6: Cow::Borrowed(ipv6),
                largest: ipv6.len(),
            });
        }
        assert!(ipv6.len() > 48, "an empty piece: {ipv6:02x?}");
        let offset = usize::from(u16::from_be_bytes([ipv6[42], ipv6[43]]) & 0xfff8);
        let more_follow = ipv6[43] & 1 == 1;
        assert_eq!(ipv6[43] & 6, 0, "reserved bits: {ipv6:02x?}");
        assert!(
            !more_follow || ipv6.len().is_multiple_of(8),
            "a piece of {} octets",
            ipv6.len()
        );
        let name = (
            [ipv6[40], ipv6[41]],
            [ipv6[44], ipv6[45], ipv6[46], ipv6[47]],
        );
        if offset == 0 {
            self.end(loses_frames);
            assert!(more_follow, "a piece alone: {ipv6:02x?}");
            assert_eq!(name.0, [4, 0], "next header and reserved octet");
            let mut whole = ipv6[..40].to_vec();
            whole[6] = 4;
            self.open = Some(Open {
                ipv6: whole,
                largest: 0,
                name,
            });
        }
        self.add(ipv6, name, offset, loses_frames);
        if more_follow { None } else { self.close() }
    }

    /// Nothing of the open packet follows any more.
    pub(super) fn end(&mut self, loses_frames: bool) {
        assert!(
            self.open.is_none() || loses_frames,
            "pieces are missing: {:02x?}",
            self.open
        );
        self.open = None;
    }

    fn add(&mut self, piece: &[u8], name: ([u8; 2], [u8; 4]), offset: usize, loses_frames: bool) {
        let next = self.open.as_mut().filter(|open| {
            let ipv6 = &open.ipv6;
            open.name == name && ipv6.len() - 40 == offset && ipv6[8..40] == piece[8..40]
        });
        let Some(open) = next else {
            assert!(loses_frames, "a piece without those before: {piece:02x?}");
            self.open = None;
            return;
        };
        assert_eq!((&open.ipv6[..4], open.ipv6[7]), (&piece[..4], piece[7]));
        open.ipv6.extend_from_slice(&piece[48..]);
        open.largest = open.largest.max(piece.len());
    }

    fn close<'p>(&mut self) -> Option<Whole<'p>> {
        let Open {
            mut ipv6, largest, ..
        } = self.open.take()?;
        let payload_len = u16::try_from(ipv6.len() - 40).expect("no jumbogram");
        ipv6[4..6].copy_from_slice(&payload_len.to_be_bytes());
        Some(Whole {
            ipv6: Cow::Owned(ipv6),
            largest,
        })
    }
}

const FRAGMENT: u8 = 44;
