//! The Internet checksum (RFC 1071), as its definition says it.

/// The one's complement sum of all words; 0xffff for what contains its own checksum and is unharmed.
pub(crate) fn sum(parts: &[&[u8]]) -> u16 {
    let mut total = 0_u64;
    for part in parts {
        let words = part.chunks_exact(2);
        if let [last] = words.remainder() {
            total += u64::from(*last) << 8;
        }
        for word in words {
            total += u64::from(u16::from_be_bytes([word[0], word[1]]));
        }
    }
    while total > 0xffff {
        total = (total >> 16) + (total & 0xffff);
    }
    total as u16
}

/// Writes the checksum at `at` of the octets.
pub(crate) fn mend(octets: &mut [u8], at: usize) {
    octets[at..at + 2].fill(0);
    let sum = !sum(&[octets]);
    octets[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

/// The pseudo-header of an upper layer over IPv6 (RFC 8200 s8.1).
pub(crate) fn pseudo_header(ipv6: &[u8], next_header: u8, len: usize) -> [u8; 40] {
    let mut pseudo = [0; 40];
    pseudo[..32].copy_from_slice(&ipv6[8..40]);
    pseudo[32..36].copy_from_slice(&(len as u32).to_be_bytes());
    pseudo[39] = next_header;
    pseudo
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071_sums_up() {
        let octets = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(sum(&[&octets]), 0xddf2);
        assert_eq!(sum(&[&octets[..4], &octets[4..]]), 0xddf2);
        assert_eq!(sum(&[&[1]]), 0x0100);
    }
}
