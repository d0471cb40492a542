//! Clamping of the TCP maximum segment size (FR-016): what TCP sends should fit the tunnel, so that nothing
//! is fragmented and nobody waits for an ICMP error that gets lost.

use crate::checksum::Delta;
use crate::tunnel::ipv4;
use crate::tunnel::ipv4::Ipv4;
use crate::tunnel::transport;

/// Octets of the IPv4 and TCP headers that the MSS does not count (RFC 6691).
pub const HEADERS: u16 = 40;

/// Which MSS is the largest that passes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MssClamp {
    /// Whatever the hosts say.
    Off,
    /// What fits the tunnel unfragmented.
    #[default]
    Auto,
    /// Octets of payload.
    Bytes(u16),
}

impl MssClamp {
    /// Octets of payload in a segment at most, where inner packets may have `tunnel_mtu` octets.
    #[must_use]
    pub const fn max(self, tunnel_mtu: u16) -> Option<u16> {
        match self {
            Self::Off => None,
            Self::Auto => Some(tunnel_mtu.saturating_sub(HEADERS)),
            Self::Bytes(bytes) => Some(bytes),
        }
    }
}

/// Lowers the MSS option of a SYN to `max` octets, and mends the checksum. Says whether it did.
///
/// Where a SYN has no such option, the sender is bound to 536 octets (RFC 9293 s3.7.1), which fit.
pub fn clamp(packet: &mut [u8], ipv4: &Ipv4, max: u16) -> bool {
    if ipv4.protocol != ipv4::TCP {
        return false;
    }
    let Some(headers) = transport::headers_len(packet, ipv4) else {
        return false;
    };
    let tcp = &mut packet[ipv4.header_len..headers];
    if tcp[13] & SYN == 0 {
        return false;
    }
    let Some(at) = option(tcp) else {
        return false;
    };
    let old = u16::from_be_bytes([tcp[at], tcp[at + 1]]);
    if old <= max {
        return false;
    }
    let checksum = u16::from_be_bytes([tcp[16], tcp[17]]);
    let change = if at % 2 == 0 {
        Delta::word(old, max)
    } else {
        // The option lies across two words of the sum, which is the same as one word with its octets
        // exchanged (RFC 1071 s2.B).
        Delta::word(old.swap_bytes(), max.swap_bytes())
    };
    tcp[at..at + 2].copy_from_slice(&max.to_be_bytes());
    tcp[16..18].copy_from_slice(&change.apply(checksum).to_be_bytes());
    true
}

/// Where the value of the MSS option stands in a TCP header.
fn option(tcp: &[u8]) -> Option<usize> {
    let mut at = transport::TCP_HEADER;
    loop {
        match *tcp.get(at)? {
            END => return None,
            NO_OPERATION => at += 1,
            kind => {
                let len = usize::from(*tcp.get(at + 1)?);
                if kind == MSS && len == MSS_LEN && at + MSS_LEN <= tcp.len() {
                    return Some(at + 2);
                }
                // An option of no length would be met for ever.
                if len < 2 {
                    return None;
                }
                at += len;
            }
        }
    }
}

const SYN: u8 = 0x02;
const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const MSS: u8 = 2;
const MSS_LEN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::transport::State;

    /// 192.168.1.2:1025 → 198.51.100.7:80 with these TCP flags and options.
    fn syn(flags: u8, options: &[u8]) -> Vec<u8> {
        let len = 40 + options.len();
        let mut packet = vec![0; 20];
        ipv4::write_header(
            packet.first_chunk_mut().unwrap(),
            0,
            len as u16,
            64,
            ipv4::TCP,
            [192, 168, 1, 2].into(),
            [198, 51, 100, 7].into(),
        );
        let offset = ((20 + options.len()) * 4) as u8;
        packet.extend([
            4, 1, 0, 80, 0, 0, 0, 9, 0, 0, 0, 0, offset, flags, 0xfa, 0xf0, 0, 0, 0, 0,
        ]);
        packet.extend(options);
        let ipv4 = Ipv4::parse(&packet).unwrap();
        let pseudo = ipv4.pseudo_header_sum(len - 20);
        packet[36..38].copy_from_slice(&pseudo.to_be_bytes());
        transport::complete(&mut packet, 20, 16).unwrap();
        packet
    }

    fn clamped(flags: u8, options: &[u8], max: u16) -> Vec<u8> {
        let mut packet = syn(flags, options);
        let ipv4 = Ipv4::parse(&packet).unwrap();
        clamp(&mut packet, &ipv4, max);
        assert_eq!(transport::state(&packet, &ipv4), State::Whole);
        packet[40..].to_vec()
    }

    #[test]
    fn fr_016_a_larger_mss_is_lowered_on_syn_and_syn_ack() {
        for flags in [0x02, 0x12, 0xc2] {
            assert_eq!(
                clamped(flags, &[2, 4, 0x05, 0xb4], 1420),
                [2, 4, 0x05, 0x8c]
            );
        }
    }

    #[test]
    fn fr_016_it_is_found_behind_other_options_even_at_odd_places() {
        let options = [1, 3, 3, 7, 1, 2, 4, 0x05, 0xb4, 0, 0, 0];
        let expected = [1, 3, 3, 7, 1, 2, 4, 0x05, 0x8c, 0, 0, 0];
        assert_eq!(clamped(2, &options, 1420), expected);
        let options = [8, 10, 9, 9, 9, 9, 0, 0, 0, 0, 2, 4, 0x05, 0xb4, 1, 0];
        let expected = [8, 10, 9, 9, 9, 9, 0, 0, 0, 0, 2, 4, 0x05, 0x8c, 1, 0];
        assert_eq!(clamped(2, &options, 1420), expected);
    }

    #[test]
    fn fr_016_a_smaller_mss_and_what_is_no_syn_stay() {
        for (flags, options) in [
            (0x02, [2, 4, 0x02, 0x18]),
            (0x10, [2, 4, 0x05, 0xb4]),
            // Behind the end, of a wrong length, without one, of none.
            (0x02, [0, 2, 4, 5]),
            (0x02, [2, 3, 0x05, 0xb4]),
            (0x02, [1, 1, 1, 2]),
            (0x02, [9, 0, 2, 4]),
        ] {
            assert_eq!(clamped(flags, &options, 1420), options);
        }
    }
}
