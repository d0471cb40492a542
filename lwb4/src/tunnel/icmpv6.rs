//! ICMPv6 errors about the tunnel: what they say of the softwire, and what LAN hosts are told of them
//! (RFC 2473 s8, RFC 4443, RFC 7596 s5.1).
//!
//! ```text
//!  heard    ICMPv6 | IPv6 [| Fragment] | IPv4 …        a tunnel packet that we sent
//!  relayed                      IPv4 | ICMP | IPv4 …   to its inner source: the public address
//! ```
//!
//! Anybody can send such an error, so it is believed only if it quotes a packet that we would send: from our
//! tunnel address to the lwAFTR, with a source and port of ours inside (LW-034, IC-008). What is relayed is
//! addressed to the public source, as the packet left the NAT; the NAT takes it as if it had come out
//! of the tunnel, finds whose it is, and translates the quote.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use crate::tunnel::OVERHEAD;
use crate::tunnel::drop_reason::DropReason;
use crate::tunnel::icmpv4;
use crate::tunnel::icmpv4::Icmpv4Error;
use crate::tunnel::ipv4;
use crate::tunnel::ipv4::Ipv4;
use crate::tunnel::path_mtu::IPV6_MIN;

/// What errors are held against.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ends {
    /// Our tunnel address.
    pub own: Ipv6Addr,
    /// The lwAFTR's.
    pub lwaftr: Ipv6Addr,
    /// The lwAFTR's address inside, which relayed errors come from (IC-019).
    pub remote_inner: Ipv4Addr,
}

/// An error that can be believed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Heard {
    /// What it says of the softwire.
    pub news: News,
    /// The packet that tells the sender of the inner packet, addressed to the inner source. Where nobody is
    /// to be told, the reason.
    pub relay: Result<Vec<u8>, DropReason>,
}

/// What an error says of the softwire.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum News {
    /// The lwAFTR says that it has no such binding (1/5): evidence for provisioning (LW-032, FO-010).
    NoBinding {
        /// The inner packet's source.
        source: Ipv4Addr,
        /// Its port, where the protocol has one.
        port: Option<u16>,
    },
    /// The path takes only so many octets of IPv6: for [`super::path_mtu::PathMtu::learn`].
    TooBig {
        /// Octets.
        mtu: u16,
    },
    /// The path does not lead there, or not to an lwAFTR.
    Unreachable,
}

/// Reads an ICMPv6 message of the types 1 to 4 whose checksum the kernel has found right. `is_own` says
/// whether we send from this address and port inside; there is no port where the protocol has none.
///
/// # Errors
/// Why it is not believed, or concerns nobody.
pub fn hear(
    message: &[u8],
    from: Ipv6Addr,
    ends: &Ends,
    is_own: impl Fn(Ipv4Addr, Option<u16>) -> bool,
) -> Result<Heard, DropReason> {
    let header: &[u8; HEADER] = message.first_chunk().ok_or(DropReason::BadIcmpv6)?;
    let said = Said::read(header)?;
    if said == Said::NoBinding && from != ends.lwaftr {
        return Err(DropReason::WrongIcmpv6Source);
    }
    let quote = Quote::read(&message[HEADER..], ends)?;
    let source = quote.ipv4.source;
    let port = match quote.port {
        Port::Cut => return Err(DropReason::BadIcmpv6),
        Port::Known(port) => Some(port),
        Port::None => None,
    };
    if !is_own(source, port) {
        return Err(DropReason::ForgedIcmpv6);
    }
    let tell = |error| icmpv4::error(quote.inner, error, ends.remote_inner);
    let (news, relay) = match said {
        Said::NoBinding => (
            News::NoBinding { source, port },
            tell(Icmpv4Error::HostUnreachable),
        ),
        Said::Unreachable => (News::Unreachable, tell(Icmpv4Error::HostUnreachable)),
        Said::TooBig(mtu) => {
            let mtu = quote.plausible(mtu)?;
            let error = Icmpv4Error::FragmentationNeeded {
                mtu: mtu - OVERHEAD,
            };
            let relay = match quote.ipv4.dont_fragment() {
                true => tell(error),
                false => Err(DropReason::Icmpv6NotRelayed),
            };
            (News::TooBig { mtu }, relay)
        }
    };
    Ok(Heard { news, relay })
}

/// What the header of an error says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Said {
    NoBinding,
    Unreachable,
    TooBig(u32),
}

impl Said {
    fn read(header: &[u8; HEADER]) -> Result<Self, DropReason> {
        let word = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        match (header[0], header[1]) {
            (1, 5) => Ok(Self::NoBinding),
            (1, _) | (3, 0) => Ok(Self::Unreachable),
            (2, _) => Ok(Self::TooBig(word)),
            // 4/x concerns the tunnel encapsulation limit, which we never send (TN-005); what is said of
            // next header 4 is for counting (IC-008). 3/1 is about fragments that got lost.
            (3 | 4, _) => Err(DropReason::Icmpv6NotRelayed),
            _ => Err(DropReason::BadIcmpv6),
        }
    }
}

/// The tunnel packet that an error quotes.
struct Quote<'m> {
    /// Octets of the IPv6 packet that was sent.
    outer_len: u32,
    inner: &'m [u8],
    ipv4: Ipv4,
    port: Port,
}

impl<'m> Quote<'m> {
    fn read(quote: &'m [u8], ends: &Ends) -> Result<Self, DropReason> {
        let header: &[u8; 40] = quote.first_chunk().ok_or(DropReason::BadIcmpv6)?;
        let is_sent_by_us = header[0] >> 4 == 6
            && header[8..24] == ends.own.octets()
            && header[24..40] == ends.lwaftr.octets();
        if !is_sent_by_us {
            return Err(DropReason::ForgedIcmpv6);
        }
        let inner = inner(header[6], &quote[40..])?;
        let ipv4 = Ipv4::parse_quoted(inner).map_err(|reason| match reason {
            DropReason::BadIpv4Header => DropReason::BadIcmpv6,
            _ => DropReason::ForgedIcmpv6,
        })?;
        Ok(Self {
            outer_len: 40 + u32::from(u16::from_be_bytes([header[4], header[5]])),
            inner,
            port: Port::read(inner, &ipv4),
            ipv4,
        })
    }

    /// The MTU, if a link can have found this packet too big: every link takes 1280 octets (FR-005), and no
    /// link refuses what it takes.
    fn plausible(&self, mtu: u32) -> Result<u16, DropReason> {
        if !(u32::from(IPV6_MIN)..self.outer_len).contains(&mtu) {
            return Err(DropReason::ForgedIcmpv6);
        }
        u16::try_from(mtu).map_err(|_| DropReason::ForgedIcmpv6)
    }
}

/// The source port of a quoted packet, or what stands for it.
enum Port {
    Known(u16),
    /// The protocol has none, or it is a later fragment.
    None,
    /// The quote ends before it.
    Cut,
}

impl Port {
    fn read(inner: &[u8], ipv4: &Ipv4) -> Self {
        // The identifier of an echo stands for a port (IC-006).
        let at = match ipv4.protocol {
            _ if !ipv4.is_first() => return Self::None,
            ipv4::TCP | ipv4::UDP | DCCP | SCTP => 0,
            ipv4::ICMP => match inner.get(ipv4.header_len) {
                Some(0 | 8) => 4,
                Some(_) => return Self::None,
                None => return Self::Cut,
            },
            _ => return Self::None,
        };
        match inner.get(ipv4.header_len + at..ipv4.header_len + at + 2) {
            Some(port) => Self::Known(u16::from_be_bytes([port[0], port[1]])),
            None => Self::Cut,
        }
    }
}

/// The inner packet behind the outer header, of which only a first fragment shows anything.
fn inner(next_header: u8, rest: &[u8]) -> Result<&[u8], DropReason> {
    match next_header {
        IPV4 => Ok(rest),
        FRAGMENT => {
            let header: &[u8; 8] = rest.first_chunk().ok_or(DropReason::BadIcmpv6)?;
            let offset = u16::from_be_bytes([header[2], header[3]]) >> 3;
            match (header[0], offset) {
                (IPV4, 0) => Ok(&rest[8..]),
                (IPV4, _) => Err(DropReason::Icmpv6NotRelayed),
                _ => Err(DropReason::ForgedIcmpv6),
            }
        }
        _ => Err(DropReason::ForgedIcmpv6),
    }
}

/// Octets of the header of an ICMPv6 error.
const HEADER: usize = 8;
/// Next header (RFC 2473 s5).
const IPV4: u8 = 4;
/// Next header (RFC 8200 s4.5).
const FRAGMENT: u8 = 44;
/// Protocols with ports where TCP has them (IANA).
const DCCP: u8 = 33;
const SCTP: u8 = 132;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::sample;
    use crate::tunnel::sample::hex;

    const OWN: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xb4);
    const LWAFTR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xaf);
    const ROUTER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x99);
    const ENDS: Ends = Ends {
        own: OWN,
        lwaftr: LWAFTR,
        remote_inner: Ipv4Addr::new(192, 0, 0, 1),
    };

    /// The tunnel packet with `SENT` inside, as if it had `len` octets after the IPv6 header.
    fn quoted(len: u16, inner: &[u8]) -> Vec<u8> {
        let mut quote = vec![0x60, 0, 0, 0, (len >> 8) as u8, len as u8, IPV4, 64];
        quote.extend(OWN.octets());
        quote.extend(LWAFTR.octets());
        quote.extend(inner);
        quote
    }

    fn message(kind: u8, code: u8, word: u32, quote: &[u8]) -> Vec<u8> {
        let mut message = vec![kind, code, 0, 0];
        message.extend(word.to_be_bytes());
        message.extend(quote);
        message
    }

    fn is_own(address: Ipv4Addr, port: Option<u16>) -> bool {
        address == Ipv4Addr::new(192, 0, 2, 5) && port.is_none_or(|port| port == 5000)
    }

    fn heard(kind: u8, code: u8, word: u32) -> Result<Heard, DropReason> {
        let message = message(kind, code, word, &quoted(1500, &hex(sample::SENT)));
        hear(&message, ROUTER, &ENDS, is_own)
    }

    fn told(header: &str) -> Result<Vec<u8>, DropReason> {
        Ok([hex(header), hex(sample::SENT)].concat())
    }

    #[test]
    fn ic_007_ic_016_unreachable_and_hop_limit_become_host_unreachable() {
        let expected = Heard {
            news: News::Unreachable,
            relay: told(sample::UNREACHABLE),
        };
        for (kind, code) in [(1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (1, 6), (3, 0)] {
            assert_eq!(heard(kind, code, 0), Ok(expected.clone()), "{kind}/{code}");
        }
    }

    #[test]
    fn ic_007_packet_too_big_is_news_and_becomes_3_4_where_df_is_set() {
        let expected = Heard {
            news: News::TooBig { mtu: 1440 },
            relay: told(sample::TOO_BIG),
        };
        assert_eq!(heard(2, 0, 1440), Ok(expected));
        let mut fragmentable = hex(sample::SENT);
        fragmentable[6] = 0;
        ipv4::set_lengths(&mut fragmentable[..20], 52, 9);
        let message = message(2, 0, 1440, &quoted(1500, &fragmentable));
        let heard = hear(&message, ROUTER, &ENDS, is_own).unwrap();
        assert_eq!(heard.news, News::TooBig { mtu: 1440 });
        assert_eq!(heard.relay, Err(DropReason::Icmpv6NotRelayed));
    }

    #[test]
    fn fr_005_ic_008_an_mtu_that_no_link_has_is_forged() {
        for mtu in [0, 1279, 1540, 1541, 0x1_0500] {
            assert_eq!(heard(2, 0, mtu), Err(DropReason::ForgedIcmpv6), "{mtu}");
        }
        assert!(heard(2, 0, 1280).is_ok() && heard(2, 0, 1539).is_ok());
    }

    #[test]
    fn lw_032_lw_033_no_binding_is_heard_from_the_lwaftr_alone() {
        let message = message(1, 5, 0, &quoted(52, &hex(sample::SENT)));
        let heard = hear(&message, LWAFTR, &ENDS, is_own).unwrap();
        let (source, port) = (Ipv4Addr::new(192, 0, 2, 5), Some(5000));
        assert_eq!(heard.news, News::NoBinding { source, port });
        let refused = hear(&message, ROUTER, &ENDS, is_own);
        assert_eq!(refused, Err(DropReason::WrongIcmpv6Source));
    }

    #[test]
    fn lw_034_ic_008_the_quote_must_be_ours() {
        let good = quoted(52, &hex(sample::SENT));
        // Version; next header; our address; the lwAFTR's; the inner source, its port, the inner checksum.
        for at in [0, 6, 23, 39, 55, 61, 50] {
            let mut forged = good.clone();
            forged[at] ^= 0x10;
            if at == 55 {
                ipv4::set_lengths(&mut forged[40..60], 52, 9);
            }
            let refused = hear(&message(1, 5, 0, &forged), LWAFTR, &ENDS, is_own);
            assert_eq!(refused, Err(DropReason::ForgedIcmpv6), "{at}");
        }
    }

    #[test]
    fn ic_006_the_identifier_of_an_echo_is_its_port() {
        let mut echo = hex(sample::SENT);
        (echo[9], echo[20]) = (ipv4::ICMP, 8);
        echo[24..26].copy_from_slice(&5000_u16.to_be_bytes());
        ipv4::set_lengths(&mut echo[..20], 52, 9);
        assert!(hear(&message(1, 0, 0, &quoted(52, &echo)), ROUTER, &ENDS, is_own).is_ok());
        echo[25] ^= 1;
        let refused = hear(&message(1, 0, 0, &quoted(52, &echo)), ROUTER, &ENDS, is_own);
        assert_eq!(refused, Err(DropReason::ForgedIcmpv6));
    }

    #[test]
    fn fr_001_of_fragments_the_first_is_enough_and_later_ones_tell_nothing() {
        let fragment = |offset: u16, next: u8| {
            let mut quote = quoted(1448, &[]);
            quote[6] = FRAGMENT;
            quote.extend([next, 0, (offset >> 8) as u8, offset as u8 | 1, 1, 2, 3, 4]);
            quote.extend(hex(sample::SENT));
            hear(&message(2, 0, 1400, &quote), ROUTER, &ENDS, is_own)
        };
        assert_eq!(fragment(0, IPV4).unwrap().news, News::TooBig { mtu: 1400 });
        assert_eq!(fragment(1448, IPV4), Err(DropReason::Icmpv6NotRelayed));
        assert_eq!(fragment(0, 6), Err(DropReason::ForgedIcmpv6));
    }

    #[test]
    fn ic_008_parameter_problems_and_lost_fragments_are_counted_only() {
        for (kind, code) in [(4, 1), (4, 0), (3, 1)] {
            assert_eq!(heard(kind, code, 0), Err(DropReason::Icmpv6NotRelayed));
        }
        assert_eq!(heard(128, 0, 0), Err(DropReason::BadIcmpv6));
    }

    #[test]
    fn a_quote_that_is_cut_before_the_port_is_bad() {
        let whole = message(1, 0, 0, &quoted(52, &hex(sample::SENT)));
        for len in 0..8 + 40 + 22 {
            let refused = hear(&whole[..len], ROUTER, &ENDS, is_own);
            assert_eq!(refused, Err(DropReason::BadIcmpv6), "{len}");
        }
        assert!(hear(&whole[..8 + 40 + 22], ROUTER, &ENDS, is_own).is_ok());
    }
}
