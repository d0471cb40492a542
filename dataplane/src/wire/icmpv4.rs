//! ICMP for IPv4 (RFC 792): echoes, errors with the packet they are about, and errors made here.

use crate::drop_reason::DropReason;
use crate::wire::checksum;
use crate::wire::ipv4::Ipv4;
use crate::wire::transport;
use crate::wire::transport::Ends;

/// Octets before the data of an echo, or before the packet that an error is about.
pub const HEADER: usize = 8;

/// What an ICMP message is for whoever looks for its subscriber (RFC 7596 s8.1).
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// An echo request or reply, with its Identifier.
    Echo(u16),
    /// An error about a packet, which may not be readable.
    Error(Result<Quote<'a>, DropReason>),
    /// Anything else, redirects among it: those are between neighbours.
    Other,
}

impl<'a> Message<'a> {
    /// Reads the message in `packet`, which begins with the IPv4 header that `ipv4` was read from.
    ///
    /// # Errors
    /// [`DropReason::TransportTruncated`], of an error [`DropReason::Icmpv4Bad`], when there are fewer
    /// than eight octets of it.
    pub fn read(packet: &'a [u8], ipv4: &Ipv4) -> Result<Self, DropReason> {
        let end = packet.len().min(usize::from(ipv4.total_len));
        let message = packet
            .get(usize::from(ipv4.header_len)..end)
            .ok_or(DropReason::TransportTruncated)?;
        let (header, rest): (&[u8; HEADER], _) =
            message
                .split_first_chunk()
                .ok_or_else(|| match message.first() {
                    Some(kind) if is_error_type(*kind) => DropReason::Icmpv4Bad,
                    _ => DropReason::TransportTruncated,
                })?;
        Ok(match header[0] {
            ECHO_REPLY | ECHO_REQUEST => Self::Echo(u16::from_be_bytes([header[4], header[5]])),
            UNREACHABLE | SOURCE_QUENCH | TIME_EXCEEDED | PARAMETER_PROBLEM => {
                Self::Error(Quote::read(quoted(header, rest)))
            }
            _ => Self::Other,
        })
    }
}

/// Whether `packet`, which begins with the IPv4 header that `ipv4` was read from, is an ICMP error, or
/// may be one because its type cannot be seen: about such a packet none is made (RFC 1812 s4.3.2.7).
#[must_use]
pub fn is_error(packet: &[u8], ipv4: &Ipv4) -> bool {
    ipv4.protocol == transport::ICMP
        && packet
            .get(usize::from(ipv4.header_len))
            .is_none_or(|kind| is_error_type(*kind))
}

/// Whether `packet` is an error of a kind that is looked up by its quote, so that its checksum matters.
#[must_use]
pub(crate) fn has_quote(packet: &[u8], ipv4: &Ipv4) -> bool {
    ipv4.fragment.is_first()
        && is_error(packet, ipv4)
        && packet.get(usize::from(ipv4.header_len)) != Some(&REDIRECT)
}

/// The packet that an ICMP error is about, as far as it is quoted.
#[derive(Clone, Copy, Debug)]
pub struct Quote<'a> {
    /// Its header.
    pub ipv4: Ipv4,
    bytes: &'a [u8],
}

impl<'a> Quote<'a> {
    /// Reads the quote at the start of `bytes`; what is missing at its end is no fault.
    ///
    /// # Errors
    /// [`DropReason::Icmpv4Bad`] when the header is cut or does not sum up (RFC 5508 REQ-3).
    pub fn read(bytes: &'a [u8]) -> Result<Self, DropReason> {
        let ipv4 = Ipv4::parse(bytes, usize::MAX, false).map_err(|_| DropReason::Icmpv4Bad)?;
        Ok(Self { ipv4, bytes })
    }

    /// Its ports, as it was sent (IC-005). Its transport checksum is never looked at.
    ///
    /// # Errors
    /// The reason to drop the error: the ports are not quoted, or it is about an error.
    pub fn ends(&self) -> Result<Ends, DropReason> {
        if self.ipv4.protocol != transport::ICMP || !self.ipv4.fragment.is_first() {
            return transport::ends_in_front(self.bytes, &self.ipv4)
                .map_err(|_| DropReason::Icmpv4Bad);
        }
        let message: &[u8; HEADER] = self
            .bytes
            .get(usize::from(self.ipv4.header_len)..)
            .and_then(<[u8]>::first_chunk)
            .ok_or(DropReason::Icmpv4Bad)?;
        match message[0] {
            ECHO_REPLY | ECHO_REQUEST => Ok(transport::identified(u16::from_be_bytes([
                message[4], message[5],
            ]))),
            kind if is_error_type(kind) => Err(DropReason::Icmpv4Forged),
            _ => Err(DropReason::IcmpPolicy),
        }
    }
}

/// The part of an error's data that is the quoted packet: all of it, or what the length of RFC 4884
/// s4 says, which extensions follow (IC-018).
fn quoted<'a>(header: &[u8; HEADER], data: &'a [u8]) -> &'a [u8] {
    let words = match header[0] {
        UNREACHABLE | TIME_EXCEEDED | PARAMETER_PROBLEM => usize::from(header[5]),
        _ => 0,
    };
    match words {
        0 => data,
        words => &data[..data.len().min(words * 4)],
    }
}

/// An error that is made here: type, code, and the second word of its header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Icmpv4Error {
    kind: u8,
    code: u8,
    word: u32,
}

impl Icmpv4Error {
    /// 3/1, host unreachable.
    pub const HOST_UNREACHABLE: Self = Self {
        kind: UNREACHABLE,
        code: 1,
        word: 0,
    };
    /// 11/0, the TTL ran out on the way.
    pub const TTL_EXCEEDED: Self = Self {
        kind: TIME_EXCEEDED,
        code: 0,
        word: 0,
    };

    /// 3/4, fragmentation needed and DF set, with the next hop's MTU in octets (RFC 1191 s4).
    #[must_use]
    pub const fn fragmentation_needed(mtu: u16) -> Self {
        Self {
            kind: UNREACHABLE,
            code: 4,
            word: mtu as u32,
        }
    }

    /// Whether it makes its hearer send smaller packets.
    #[must_use]
    pub(crate) const fn asks_for_smaller(self) -> bool {
        self.kind == UNREACHABLE && self.code == 4
    }

    /// Writes the header in front of `message`, whose rest is the quoted packet.
    pub(crate) fn write(self, message: &mut [u8]) {
        let Some(header) = message.first_chunk_mut::<HEADER>() else {
            return;
        };
        (header[0], header[1]) = (self.kind, self.code);
        header[2..4].fill(0);
        header[4..8].copy_from_slice(&self.word.to_be_bytes());
        let sum = !checksum::sum(message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
    }
}

const fn is_error_type(kind: u8) -> bool {
    matches!(
        kind,
        UNREACHABLE | SOURCE_QUENCH | REDIRECT | TIME_EXCEEDED | PARAMETER_PROBLEM
    )
}

// Types of RFC 792: the two echo messages, and those that carry the packet they are about.
const ECHO_REPLY: u8 = 0;
const UNREACHABLE: u8 = 3;
const SOURCE_QUENCH: u8 = 4;
const REDIRECT: u8 = 5;
const ECHO_REQUEST: u8 = 8;
const TIME_EXCEEDED: u8 = 11;
const PARAMETER_PROBLEM: u8 = 12;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::wire::transport::End;
    use crate::wire::transport::Ports;

    use super::*;

    const SUBSCRIBER: u32 = 0xc000_0201;
    const HOST: u32 = 0xc633_6407;

    /// An IPv4 packet with `options` octets of options.
    fn ipv4(source: u32, destination: u32, protocol: u8, options: usize, data: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 20 + options];
        packet[0] = 0x40 | (packet.len() / 4) as u8;
        let total = (packet.len() + data.len()) as u16;
        packet[2..4].copy_from_slice(&total.to_be_bytes());
        (packet[8], packet[9]) = (60, protocol);
        packet[12..16].copy_from_slice(&source.to_be_bytes());
        packet[16..20].copy_from_slice(&destination.to_be_bytes());
        packet[20..].fill(1);
        let sum = !checksum::sum(&packet);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        packet.extend(data);
        packet
    }

    fn error(kind: u8, length: u8, quote: &[u8]) -> Vec<u8> {
        let mut message = vec![kind, 0, 0, 0, 0, length, 0, 0];
        message.extend(quote);
        ipv4(HOST, SUBSCRIBER, 1, 0, &message)
    }

    fn ends(packet: &[u8], end: End) -> Result<Ends, DropReason> {
        let ipv4 = Ipv4::parse(packet, packet.len(), false).unwrap();
        transport::ends(packet, &ipv4, end)
    }

    fn both(source: u16, destination: u16) -> Ends {
        Ends {
            source: Ports::Port(source),
            destination: Ports::Port(destination),
        }
    }

    #[test]
    fn ic_002_an_error_has_the_ends_of_an_answer_to_what_it_quotes() {
        for kind in [3, 4, 11, 12] {
            for (options, protocol) in [(0, 17), (0, 6), (12, 17), (40, 132)] {
                let quote = ipv4(SUBSCRIBER, HOST, protocol, options, &[0x12, 0x34, 0, 53]);
                let packet = error(kind, 0, &quote);
                assert_eq!(ends(&packet, End::Destination), Ok(both(53, 0x1234)));
            }
        }
    }

    #[test]
    fn ic_006_a_lwb4_reports_a_packet_that_was_sent_to_it() {
        let quote = ipv4(SUBSCRIBER, HOST, 17, 0, &[0x12, 0x34, 0, 53]);
        // The subscriber is HOST here: the quoted packet went to it.
        assert_eq!(
            ends(&error(3, 0, &quote), End::Source),
            Ok(both(53, 0x1234))
        );
        let quote = ipv4(HOST, SUBSCRIBER, 17, 0, &[0x12, 0x34, 0, 53]);
        let forged = Err(DropReason::Icmpv4Forged);
        assert_eq!(ends(&error(3, 0, &quote), End::Source), forged);
        assert_eq!(ends(&error(3, 0, &quote), End::Destination), forged);
    }

    #[test]
    fn ic_005_of_icmp_only_echoes_can_be_reported() {
        for (kind, expected) in [
            (8, Ok(both(0x0102, 0x0102))),
            (0, Ok(both(0x0102, 0x0102))),
            (3, Err(DropReason::Icmpv4Forged)),
            (5, Err(DropReason::Icmpv4Forged)),
            (13, Err(DropReason::IcmpPolicy)),
        ] {
            let quote = ipv4(SUBSCRIBER, HOST, 1, 0, &[kind, 0, 0, 0, 1, 2, 0, 0]);
            assert_eq!(ends(&error(11, 0, &quote), End::Destination), expected);
        }
    }

    #[test]
    fn ic_004_a_quoted_header_must_sum_up() {
        let mut quote = ipv4(SUBSCRIBER, HOST, 17, 4, &[0; 8]);
        quote[1] ^= 1;
        let bad = Err(DropReason::Icmpv4Bad);
        assert_eq!(ends(&error(3, 0, &quote), End::Destination), bad);
    }

    #[test]
    fn ic_004_cut_before_the_ports_a_quote_is_bad() {
        for protocol in [1, 6, 17] {
            let quote = ipv4(SUBSCRIBER, HOST, protocol, 4, &[8; 8]);
            let needed = 24 + if protocol == 1 { 8 } else { 4 };
            for len in 0..=quote.len() {
                let found = ends(&error(3, 0, &quote[..len]), End::Destination);
                assert_eq!(found.is_ok(), len >= needed, "{protocol} {len}");
                assert!(found.is_ok() || found == Err(DropReason::Icmpv4Bad));
            }
        }
    }

    #[test]
    fn ic_018_a_length_ends_the_quoted_packet() {
        let quote = ipv4(SUBSCRIBER, HOST, 17, 0, &[0x12, 0x34, 0, 53]);
        for (kind, length, is_read) in [(3, 6, true), (3, 5, false), (4, 5, true), (11, 200, true)]
        {
            let found = ends(&error(kind, length, &quote), End::Destination);
            assert_eq!(found.is_ok(), is_read, "{kind} {length}");
        }
    }

    #[test]
    fn ic_005_a_quoted_later_fragment_has_no_ports() {
        let mut quote = ipv4(SUBSCRIBER, HOST, 17, 0, &[0; 8]);
        quote[7] = 3;
        quote[10..12].fill(0);
        let sum = !checksum::sum(&quote[..20]);
        quote[10..12].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(ends(&error(3, 0, &quote), End::Destination), Ok(Ends::NONE));
    }

    #[test]
    fn ic_014_fragmentation_needed_has_the_mtu_in_its_last_two_octets() {
        let mut message = [0xee; 12];
        Icmpv4Error::fragmentation_needed(1460).write(&mut message);
        assert_eq!(message[..2], [3, 4]);
        assert_eq!(message[4..8], [0, 0, 0x05, 0xb4]);
        assert_eq!(message[8..], [0xee; 4]);
        assert_eq!(checksum::sum(&message), 0xffff);
    }

    #[test]
    fn ic_013_errors_are_known_and_what_cannot_be_seen_counts_as_one() {
        for (kind, expected) in [(3, true), (5, true), (12, true), (0, false), (8, false)] {
            let packet = ipv4(HOST, SUBSCRIBER, 1, 0, &[kind, 0, 0, 0]);
            let header = Ipv4::parse(&packet, packet.len(), false).unwrap();
            assert_eq!(is_error(&packet, &header), expected, "{kind}");
        }
        let packet = ipv4(HOST, SUBSCRIBER, 1, 0, &[]);
        let header = Ipv4::parse(&packet, packet.len(), false).unwrap();
        assert!(is_error(&packet, &header));
    }

    proptest! {
        #[test]
        fn no_message_panics(message: Vec<u8>, fragment: u16) {
            let mut packet = ipv4(HOST, SUBSCRIBER, 1, 0, &message);
            packet[6..8].copy_from_slice(&fragment.to_be_bytes());
            let header = Ipv4::parse(&packet, packet.len(), true).unwrap();
            let _ = transport::ends(&packet, &header, End::Destination);
        }
    }
}
