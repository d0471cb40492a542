//! ICMPv6 errors about tunnel packets of ours, relayed to whoever sent the inner packet (RFC 2473 s8).
//!
//! ```text
//!  arrives   IPv6 | ICMPv6 | IPv6 [| Fragment] | IPv4 …   the packet that we sent to a lwB4
//!  leaves                    Ethernet | IPv4 | ICMP | IPv4 …
//! ```
//!
//! Anybody can send such an error, so it is believed only if it quotes a packet that we would send: from
//! the BR address that it came to, to the lwB4 whose softwire the inner destination belongs to (IC-008).

use crate::drop_reason::DropReason;
use crate::packet::Packet;
use crate::path_mtu;
use crate::pipeline::Detour;
use crate::pipeline::Ledger;
use crate::pipeline::Pipeline;
use crate::pipeline::Verdict;
use crate::pipeline::error::Offender;
use crate::pipeline::error::Tunnel;
use crate::pipeline::key;
use crate::side::Side;
use crate::table::PathMtu;
use crate::table::Table;
use crate::wire::fragment;
use crate::wire::fragment::FragmentHeader;
use crate::wire::icmpv4;
use crate::wire::icmpv4::Icmpv4Error;
use crate::wire::icmpv4::Quote;
use crate::wire::icmpv6;
use crate::wire::icmpv6::Heard;
use crate::wire::icmpv6::News;
use crate::wire::ipv4;
use crate::wire::ipv6;
use crate::wire::ipv6::Ipv6;
use crate::wire::transport;
use crate::wire::transport::End;
use crate::wire::transport::Ends;
use crate::wire::transport::Ports;

/// Where an ICMPv6 error lies in its frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct TunnelError {
    /// Octets of the frame before the message.
    pub(super) at: usize,
    /// Octets of the message.
    pub(super) len: usize,
    pub(super) ipv6: Ipv6,
}

/// An error that can be believed.
struct Believed {
    path: Path,
    /// Whether the path takes less than was known.
    is_less: bool,
    news: News,
    /// The inner packet, as far as it is quoted.
    offender: Offender,
    /// Its ports.
    ends: Ends,
    /// Whether its sender may hear of it (IC-013).
    may_be_answered: bool,
    dont_fragment: bool,
}

/// The softwire whose path an error is about.
#[derive(Clone, Copy)]
struct Path {
    ipv4: u32,
    port: Ports,
    b4: [u8; 16],
}

impl Path {
    fn told(self, mtu: u16) -> path_mtu::News {
        path_mtu::News {
            ipv4: self.ipv4.into(),
            // A packet without ports has found a whole address, where every port finds the same.
            port: match self.port {
                Ports::Port(port) => port,
                Ports::None => 0,
            },
            b4: self.b4.into(),
            mtu: PathMtu(mtu),
        }
    }
}

impl Pipeline {
    /// Hears an ICMPv6 error, and turns it into the ICMPv4 error that its cause is owed.
    #[cold]
    pub(super) fn hear<P: Packet>(
        &self,
        table: &Table,
        packet: &mut P,
        error: &TunnelError,
        detour: &mut Detour<P>,
        ledger: &mut Ledger<'_>,
    ) -> Verdict {
        let believed = match self.believe(table, packet, error) {
            Ok(believed) => believed,
            Err(reason) => return ledger.turn_away(reason.into(), None),
        };
        let relayed = match believed.news {
            News::Unreachable => Some(Icmpv4Error::HOST_UNREACHABLE),
            News::TooBig(mtu) => believed.dont_fragment.then(|| {
                let inner_mtu = mtu.saturating_sub(ipv6::HEADER as u32);
                Icmpv4Error::fragmentation_needed(inner_mtu.min(u32::from(u16::MAX)) as u16)
            }),
            News::Other => None,
        };
        let relayed = relayed.filter(|_| believed.may_be_answered);
        if let (News::TooBig(mtu), Some(queue)) = (believed.news, &detour.news)
            && self.forwarding.path_mtu_discovery
            && believed.is_less
        {
            // A full queue loses what the path will say again.
            let _ = queue.push(believed.path.told(mtu as u16));
        }
        let is_news_to_us = matches!(believed.news, News::TooBig(_));
        let outcome = match relayed {
            Some(relayed) => self.relay(table, packet, &believed, relayed, detour, ledger),
            None if is_news_to_us => Ok(Verdict::Absorbed),
            None => Err(DropReason::Icmpv6NotRelayed),
        };
        match outcome {
            Ok(verdict) => {
                ledger.hear();
                verdict
            }
            Err(DropReason::Icmpv6Rate) if is_news_to_us => {
                ledger.limit_error();
                ledger.hear();
                Verdict::Absorbed
            }
            Err(reason) => ledger.turn_away(reason.into(), None),
        }
    }

    fn believe<P: Packet>(
        &self,
        table: &Table,
        packet: &P,
        error: &TunnelError,
    ) -> Result<Believed, DropReason> {
        if !self.forwarding.access_icmp.allow_incoming {
            return Err(DropReason::Icmpv6Policy);
        }
        let message = packet.head().get(error.at..error.at + error.len);
        let heard = Heard::read(message.ok_or(DropReason::Icmpv6Bad)?, &error.ipv6)?;
        if heard.news == News::Other {
            return Err(DropReason::Icmpv6NotRelayed);
        }
        if heard.quote.len() < ipv6::HEADER {
            return Err(DropReason::Icmpv6Bad);
        }
        let outer = Ipv6::parse(heard.quote, usize::MAX).map_err(|_| DropReason::Icmpv6Forged)?;
        if outer.source != error.ipv6.destination {
            return Err(DropReason::Icmpv6Forged);
        }
        let inner_at = inner_at(heard.quote, &outer)?;
        let bytes = heard.quote.get(inner_at..).unwrap_or_default();
        let inner = Quote::read(bytes).map_err(|_| DropReason::Icmpv6Bad)?.ipv4;
        let ends = transport::ends(bytes, &inner, End::Destination).map_err(unreadable)?;
        let softwire = table
            .lookup(key(inner.destination, ends.destination))
            .filter(|softwire| {
                softwire.b4() == outer.destination && *table.br(softwire.br()) == outer.source
            })
            .ok_or(DropReason::Icmpv6Forged)?;
        if let News::TooBig(mtu) = heard.news
            && !is_plausible(mtu, &outer)
        {
            return Err(DropReason::Icmpv6Forged);
        }
        let may_be_answered = inner.fragment.is_first()
            && inner.check_source().is_ok()
            && !ipv4::is_softwire_internal(inner.source)
            && !icmpv4::is_error(bytes, &inner);
        let known = softwire.path_mtu().within(self.forwarding.access.mtu);
        Ok(Believed {
            is_less: matches!(heard.news, News::TooBig(mtu) if (mtu as usize) < known),
            path: Path {
                ipv4: inner.destination,
                port: ends.destination,
                b4: outer.destination,
            },
            news: heard.news,
            offender: Offender {
                at: error.at + icmpv6::HEADER + inner_at,
                len: bytes.len().min(usize::from(inner.total_len)),
                tos: inner.tos,
                source: inner.source,
            },
            ends,
            may_be_answered,
            dont_fragment: inner.fragment.dont_fragment(),
        })
    }

    /// Sends the ICMPv4 error to the inner packet's sender: on the Internet, or another subscriber.
    fn relay<P: Packet>(
        &self,
        table: &Table,
        packet: &mut P,
        believed: &Believed,
        error: Icmpv4Error,
        detour: &mut Detour<P>,
        ledger: &mut Ledger<'_>,
    ) -> Result<Verdict, DropReason> {
        let offender = believed.offender;
        let Some(sender) = table.lookup(key(offender.source, believed.ends.source)) else {
            if !self.forwarding.internet_icmp.generate_errors {
                return Ok(Verdict::Absorbed);
            }
            let source = u128::from(offender.source).to_be_bytes();
            if !detour.allows(Side::Internet, error, &source) {
                return Err(DropReason::Icmpv6Rate);
            }
            return self.error_to_internet(packet, offender, error, ledger);
        };
        if !self.forwarding.access_icmp.generate_errors {
            return Ok(Verdict::Absorbed);
        }
        let b4 = sender.b4();
        if !detour.allows(Side::Access, error, &b4) {
            return Err(DropReason::Icmpv6Rate);
        }
        let tunnel = Tunnel {
            br: table.br(sender.br()),
            b4: &b4,
        };
        self.error_into_tunnel(packet, offender, tunnel, error, ledger)
    }
}

/// Where the inner packet begins in the quoted tunnel packet.
fn inner_at(quote: &[u8], outer: &Ipv6) -> Result<usize, DropReason> {
    match outer.next_header {
        ipv6::IPV4 => Ok(ipv6::HEADER),
        ipv6::FRAGMENT => {
            let bytes = quote.get(ipv6::HEADER..).unwrap_or_default();
            let header = FragmentHeader::parse(bytes).map_err(|_| DropReason::Icmpv6Bad)?;
            match (header.next_header, header.offset_octets) {
                (ipv6::IPV4, 0) => Ok(ipv6::HEADER + fragment::HEADER),
                // Only the first piece says whose packet it was.
                (ipv6::IPV4, _) => Err(DropReason::Icmpv6NotRelayed),
                _ => Err(DropReason::Icmpv6Forged),
            }
        }
        _ => Err(DropReason::Icmpv6Forged),
    }
}

/// Whether a link can have found the packet too big: every link takes 1280 octets (FR-005), and no link
/// refuses what it takes.
fn is_plausible(mtu: u32, outer: &Ipv6) -> bool {
    (MIN_MTU..(ipv6::HEADER + outer.payload_len) as u32).contains(&mtu)
}

/// Why a quoted packet cannot be looked up.
fn unreadable(reason: DropReason) -> DropReason {
    match reason {
        DropReason::TransportTruncated | DropReason::Icmpv4Bad => DropReason::Icmpv6Bad,
        _ => DropReason::Icmpv6Forged,
    }
}

/// RFC 8200 s5.
const MIN_MTU: u32 = 1280;
