//! Clamping the maximum segment size that a TCP SYN offers (FR-016, RFC 9293 s3.7.1).

use crate::wire::checksum;
use crate::wire::u16_at;

/// Lowers the MSS option of a SYN to `limit` octets where it offers more, and mends the checksum.
///
/// `segment` begins with the TCP header. A segment that is no SYN, has no MSS option, offers no
/// more, or does not parse is left as it is: the receiver will judge it.
pub fn clamp_mss(segment: &mut [u8], limit: u16) {
    let Some(header_len) = header_len_of_syn(segment) else {
        return;
    };
    let Some(at) = segment.get(..header_len).and_then(mss_value_at) else {
        return;
    };
    let (Some(offered), Some(old_checksum)) = (u16_at(segment, at), u16_at(segment, CHECKSUM))
    else {
        return;
    };
    if offered <= limit {
        return;
    }
    segment[at..at + 2].copy_from_slice(&limit.to_be_bytes());
    // At an odd offset the value straddles two words of the sum; swapped octets count the same
    // (RFC 1071 s2.B).
    let (old, new) = if at % 2 == 0 {
        (offered, limit)
    } else {
        (offered.swap_bytes(), limit.swap_bytes())
    };
    let checksum = checksum::update(old_checksum, old, new);
    segment[CHECKSUM..CHECKSUM + 2].copy_from_slice(&checksum.to_be_bytes());
}

/// Whether the segment may offer a segment size: a SYN, or cut so short that it cannot be seen.
#[inline]
pub fn may_offer_mss(segment: &[u8]) -> bool {
    segment.get(13).is_none_or(|flags| flags & SYN != 0)
}

fn header_len_of_syn(segment: &[u8]) -> Option<usize> {
    let is_syn = segment.get(13)? & SYN != 0;
    let header_len = usize::from(segment.get(12)? >> 4) * 4;
    (is_syn && header_len >= HEADER && header_len <= segment.len()).then_some(header_len)
}

/// Where the value of the MSS option stands in a TCP header with its options.
fn mss_value_at(header: &[u8]) -> Option<usize> {
    let mut at = HEADER;
    loop {
        match *header.get(at)? {
            END_OF_OPTIONS => return None,
            NO_OPERATION => at += 1,
            kind => {
                let len = usize::from(*header.get(at + 1)?);
                if len < 2 || at + len > header.len() {
                    return None;
                }
                if kind == MSS && len == 4 {
                    return Some(at + 2);
                }
                at += len;
            }
        }
    }
}

const HEADER: usize = 20;
const CHECKSUM: usize = 16;
const SYN: u8 = 0x02;
const END_OF_OPTIONS: u8 = 0;
const NO_OPERATION: u8 = 1;
const MSS: u8 = 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn syn(flags: u8, options: &[u8]) -> Vec<u8> {
        let mut segment = vec![0; HEADER];
        segment[..4].copy_from_slice(&[0x30, 0x39, 0, 80]);
        segment.extend_from_slice(options);
        segment[12] = ((segment.len() / 4) as u8) << 4;
        segment[13] = flags;
        let checksum = !checksum::sum(&segment);
        segment[CHECKSUM..CHECKSUM + 2].copy_from_slice(&checksum.to_be_bytes());
        segment
    }

    #[test]
    fn fr_016_a_larger_offer_is_lowered_at_even_and_odd_offsets() {
        for (options, at) in [
            (&[2, 4, 5, 0xb4][..], 22),
            (&[1, 2, 4, 5, 0xb4, 1, 1, 0][..], 23),
        ] {
            for flags in [SYN, SYN | 0x10] {
                let mut segment = syn(flags, options);
                clamp_mss(&mut segment, 1420);
                assert_eq!(u16_at(&segment, at), Some(1420));
                assert_eq!(checksum::sum(&segment), 0xffff);
            }
        }
    }

    #[test]
    fn what_needs_no_clamping_is_left_as_it_is() {
        let untouched = [
            syn(SYN, &[2, 4, 5, 0x8c]),
            syn(0x10, &[2, 4, 5, 0xb4]),
            syn(SYN, &[]),
            syn(SYN, &[1, 1, 1, 0, 2, 4, 5, 0xb4]),
            syn(SYN, &[3, 0, 2, 4, 5, 0xb4, 0, 0]),
            syn(SYN, &[2, 9, 5, 0xb4]),
            syn(SYN, &[1, 1, 1, 2]),
        ];
        for mut segment in untouched {
            let before = segment.clone();
            clamp_mss(&mut segment, 1420);
            assert_eq!(segment, before);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_only_option_and_checksum_change(mut segment: Vec<u8>, limit: u16) {
            let before = segment.clone();
            clamp_mss(&mut segment, limit);
            let changed = before.iter().zip(&segment).filter(|(old, new)| old != new).count();
            prop_assert!(changed <= 4);
        }
    }
}
