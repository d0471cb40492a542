//! ICMPv6 errors (RFC 4443): about tunnel packets of ours, and made here about those of a lwB4.

use crate::drop_reason::DropReason;
use crate::wire::checksum;
use crate::wire::ipv6;
use crate::wire::ipv6::Ipv6;

/// Octets before the packet that an error is about.
pub const HEADER: usize = 8;

/// Types from here on are no errors (RFC 4443 s2.1).
pub const FIRST_INFORMATIONAL: u8 = 128;

/// An ICMPv6 error that arrived.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// What it says.
    pub news: News,
    /// The packet it is about, as far as it is quoted, from its IPv6 header on.
    pub quote: &'a [u8],
}

/// What an ICMPv6 error says about a tunnel (RFC 2473 s8.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum News {
    /// The lwB4 cannot be reached: type 1, or a hop limit that ran out.
    Unreachable,
    /// A link on the way takes no more than so many octets.
    TooBig(u32),
    /// Something that the inner packet's sender can do nothing about.
    Other,
}

impl<'a> Heard<'a> {
    /// Reads the message at the start of `bytes`, all of it, that came in a packet with this header.
    ///
    /// # Errors
    /// [`DropReason::Icmpv6Bad`] when it is cut or does not sum up.
    pub fn read(bytes: &'a [u8], ipv6: &Ipv6) -> Result<Self, DropReason> {
        let (header, quote): (&[u8; HEADER], _) =
            bytes.split_first_chunk().ok_or(DropReason::Icmpv6Bad)?;
        if sum(&ipv6.source, &ipv6.destination, bytes) != 0xffff {
            return Err(DropReason::Icmpv6Bad);
        }
        let [kind, code, _, _, word @ ..] = *header;
        let news = match (kind, code) {
            (UNREACHABLE, _) | (TIME_EXCEEDED, HOP_LIMIT) => News::Unreachable,
            (TOO_BIG, 0) => News::TooBig(u32::from_be_bytes(word)),
            _ => News::Other,
        };
        Ok(Self { news, quote })
    }
}

/// An error that is made here: type, code, and the second word of its header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Icmpv6Error {
    kind: u8,
    code: u8,
    word: u32,
}

impl Icmpv6Error {
    /// 1/5, the source address failed the ingress policy: no softwire is bound so (LW-015).
    pub const SOURCE_FAILED_POLICY: Self = Self {
        kind: UNREACHABLE,
        code: 5,
        word: 0,
    };
    /// 3/1, not all fragments came in time (FR-008).
    pub const REASSEMBLY_TIME_EXCEEDED: Self = Self {
        kind: TIME_EXCEEDED,
        code: 1,
        word: 0,
    };

    /// Type 4, a field at `pointer` octets into the packet is at fault (FR-008).
    #[must_use]
    pub const fn parameter_problem(code: u8, pointer: u32) -> Self {
        Self {
            kind: PARAMETER_PROBLEM,
            code,
            word: pointer,
        }
    }

    /// Writes the header in front of `message`, whose rest is the quoted packet.
    pub(crate) fn write(self, message: &mut [u8], source: &[u8; 16], destination: &[u8; 16]) {
        let Some(header) = message.first_chunk_mut::<HEADER>() else {
            return;
        };
        (header[0], header[1]) = (self.kind, self.code);
        header[2..4].fill(0);
        header[4..8].copy_from_slice(&self.word.to_be_bytes());
        let sum = !sum(source, destination, message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
    }
}

/// The sum of a message and its pseudo-header (RFC 8200 s8.1).
fn sum(source: &[u8; 16], destination: &[u8; 16], message: &[u8]) -> u16 {
    let mut pseudo = [0; 40];
    pseudo[..16].copy_from_slice(source);
    pseudo[16..32].copy_from_slice(destination);
    pseudo[32..36].copy_from_slice(&(message.len() as u32).to_be_bytes());
    pseudo[39] = ipv6::ICMPV6;
    checksum::add(checksum::sum(&pseudo), checksum::sum(message))
}

const UNREACHABLE: u8 = 1;
const TOO_BIG: u8 = 2;
const TIME_EXCEEDED: u8 = 3;
const PARAMETER_PROBLEM: u8 = 4;
/// Code of time exceeded: in transit.
const HOP_LIMIT: u8 = 0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ipv6(payload_len: usize) -> Ipv6 {
        Ipv6 {
            traffic_class: 0,
            payload_len,
            next_header: ipv6::ICMPV6,
            source: [1; 16],
            destination: [2; 16],
        }
    }

    fn message(error: Icmpv6Error, quote: &[u8]) -> Vec<u8> {
        let mut message = vec![0xee; 8];
        message.extend(quote);
        error.write(&mut message, &[1; 16], &[2; 16]);
        message
    }

    #[test]
    fn ic_010_an_error_is_type_code_checksum_word_and_quote() {
        let message = message(Icmpv6Error::SOURCE_FAILED_POLICY, &[7; 5]);
        assert_eq!(
            (message[0], message[1], &message[4..8]),
            (1, 5, &[0; 4][..])
        );
        // By hand: 16 words of addresses, length 13, next header 58, then the message.
        let words = [
            0x0101_u32 * 8,
            0x0202 * 8,
            13,
            58,
            0x0105,
            0x0707 * 2,
            0x0700,
        ];
        let sum = words.iter().sum::<u32>();
        let sum = (sum & 0xffff) + (sum >> 16);
        assert_eq!(message[2..4], (!(sum as u16)).to_be_bytes());
    }

    #[test]
    fn ic_007_errors_are_read_by_type_and_code() {
        for (kind, code, news) in [
            (1, 0, News::Unreachable),
            (1, 6, News::Unreachable),
            (2, 0, News::TooBig(0x0001_0203)),
            (3, 0, News::Unreachable),
            (3, 1, News::Other),
            (4, 1, News::Other),
            (100, 0, News::Other),
        ] {
            let word = 0x0001_0203;
            let bytes = message(Icmpv6Error { kind, code, word }, &[9; 48]);
            let heard = Heard::read(&bytes, &ipv6(56)).unwrap();
            assert_eq!((heard.news, heard.quote), (news, &[9; 48][..]));
        }
    }

    #[test]
    fn ic_008_what_is_cut_or_does_not_sum_up_is_bad() {
        let good = message(Icmpv6Error::SOURCE_FAILED_POLICY, &[9; 48]);
        for len in 0..good.len() {
            assert!(Heard::read(&good[..len], &ipv6(len)).is_err(), "{len}");
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert!(Heard::read(&bad, &ipv6(56)).is_err(), "{at}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = Heard::read(&bytes, &ipv6(bytes.len()));
        }
    }
}
