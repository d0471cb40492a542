//! Where a payload is cut: every piece but the last is a multiple of 8 octets long, because offsets
//! count in units of 8 octets (RFC 791 s3.2, RFC 8200 s4.5).

use std::iter;
use std::ops::Range;

use crate::drop_reason::DropReason;

/// The ranges of `payload_len` octets that go into one piece each, as few as possible. A first piece
/// has room for `first_room` octets, each other for `later_room`.
///
/// # Errors
/// [`DropReason::TooBig`] when there is no room for a single unit.
pub(super) fn cuts(
    payload_len: usize,
    first_room: usize,
    later_room: usize,
) -> Result<impl Iterator<Item = Range<usize>>, DropReason> {
    if first_room.min(later_room) < UNIT {
        return Err(DropReason::TooBig);
    }
    let mut room = first_room;
    let mut at = 0;
    Ok(iter::from_fn(move || {
        let start = at;
        let left = payload_len - start;
        // The last piece may fill the room to the octet.
        at += if left <= room {
            left
        } else {
            room & !(UNIT - 1)
        };
        room = later_room;
        (left > 0).then_some(start..at)
    }))
}

/// Octets that an offset counts by.
const UNIT: usize = 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fr_006_pieces_are_full_units_and_the_last_may_fill_the_room() {
        for (payload_len, first_room, later_room, expected) in [
            (1500, 1452, 1452, &[0..1448, 1448..1500][..]),
            (1448 + 1452, 1452, 1452, &[0..1448, 1448..2900]),
            (1448 + 1453, 1452, 1452, &[0..1448, 1448..2896, 2896..2901]),
            (24, 8, 16, &[0..8, 8..24]),
            (25, 9, 15, &[0..8, 8..16, 16..25]),
        ] {
            let cut: Vec<_> = cuts(payload_len, first_room, later_room).unwrap().collect();
            assert_eq!(cut, expected, "{payload_len} in {first_room}, {later_room}");
        }
    }

    #[test]
    fn without_room_for_a_unit_nothing_is_cut() {
        assert_eq!(cuts(20, 7, 8).err(), Some(DropReason::TooBig));
        assert_eq!(cuts(20, 8, 7).err(), Some(DropReason::TooBig));
    }

    proptest! {
        #[test]
        fn pieces_cover_the_payload_and_fit(payload_len in 1_usize..=65_535, first_room in 8_usize..2000, later_room in 8_usize..2000) {
            let mut at = 0;
            for (index, piece) in cuts(payload_len, first_room, later_room).unwrap().enumerate() {
                prop_assert_eq!(piece.start, at);
                let room = if index == 0 { first_room } else { later_room };
                prop_assert!(piece.len() <= room);
                prop_assert!(!piece.is_empty() && (piece.len() % 8 == 0 || piece.end == payload_len));
                at = piece.end;
            }
            prop_assert_eq!(at, payload_len);
        }
    }
}
