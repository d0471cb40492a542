//! Whether the sender of a packet that goes nowhere is told so, and by which error.
//!
//! An error is never about an error, a later fragment, or a packet to or from many (IC-012, IC-013); it
//! must be wanted by policy; and the token buckets are asked before anything is built. What is not
//! answered is dropped all the same, and counted as ever.

use crate::drop_reason::DropReason;
use crate::packet::Packet;
use crate::pipeline::Detour;
use crate::pipeline::Inner;
use crate::pipeline::Ledger;
use crate::pipeline::Outer;
use crate::pipeline::Pipeline;
use crate::pipeline::Verdict;
use crate::pipeline::error::Offender;
use crate::pipeline::error::Tunnel;
use crate::side::Side;
use crate::table::Table;
use crate::wire::icmpv4;
use crate::wire::icmpv4::Icmpv4Error;
use crate::wire::icmpv6::Icmpv6Error;
use crate::wire::ipv4;
use crate::wire::ipv4::Ipv4;
use crate::wire::transport;

/// Why a packet does not go on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// As a counter's name says.
    For(DropReason),
    /// It came through no softwire (LW-014).
    Unbound(DropReason),
    /// It is larger than `mtu` and may not be fragmented (FR-002, FR-018).
    DontFragment { mtu: u16 },
}

impl Refusal {
    pub(super) const fn reason(self) -> DropReason {
        match self {
            Self::For(reason) | Self::Unbound(reason) => reason,
            Self::DontFragment { .. } => DropReason::DontFragment,
        }
    }

    /// The ICMPv4 error that says so to the sender.
    const fn icmpv4(self) -> Option<Icmpv4Error> {
        match self {
            Self::For(DropReason::NoSoftwire | DropReason::NoPorts) => {
                Some(Icmpv4Error::HOST_UNREACHABLE)
            }
            Self::For(DropReason::TtlExpired) => Some(Icmpv4Error::TTL_EXCEEDED),
            Self::DontFragment { mtu } => Some(Icmpv4Error::fragmentation_needed(mtu)),
            Self::For(_) | Self::Unbound(_) => None,
        }
    }
}

impl From<DropReason> for Refusal {
    fn from(reason: DropReason) -> Self {
        Self::For(reason)
    }
}

impl Pipeline {
    /// Drops a packet from the Internet, or turns it into the error that its sender is owed.
    #[cold]
    pub(super) fn refuse_down<P: Packet>(
        &self,
        packet: &mut P,
        inner: &Inner,
        refusal: Refusal,
        detour: &mut Detour<P>,
        ledger: &mut Ledger<'_>,
    ) -> Verdict {
        let bytes = u32::from(inner.ipv4.total_len);
        if inner.ipv4.fragment.is_fragment() {
            ledger.count_fragment(bytes);
        }
        let dropped = ledger.drop(refusal.reason(), bytes);
        let Some(error) = refusal.icmpv4() else {
            return dropped;
        };
        if !self.forwarding.internet_icmp.generate_errors || !may_hear(packet, inner, error) {
            return dropped;
        }
        let source = u128::from(inner.ipv4.source).to_be_bytes();
        if !detour.allows(Side::Internet, error, &source) {
            ledger.limit_error();
            return dropped;
        }
        self.error_to_internet(packet, inner.into(), error, ledger)
            .unwrap_or(dropped)
    }

    /// Drops a packet from a tunnel, or turns it into the error that its sender is owed.
    #[cold]
    pub(super) fn refuse_up<P: Packet>(
        &self,
        table: &Table,
        packet: &mut P,
        (outer, inner): (&Outer, &Inner),
        refusal: Refusal,
        detour: &mut Detour<P>,
        ledger: &mut Ledger<'_>,
    ) -> Verdict {
        let dropped = ledger.drop(refusal.reason(), outer.bytes());
        let Some(error) = Answer::to(refusal).filter(|error| match error {
            Answer::InTunnel(error) => may_hear(packet, inner, *error),
            Answer::ToB4(_) => outer.is_from_one() && is_no_answer(packet, inner),
        }) else {
            return dropped;
        };
        if !self.forwarding.access_icmp.generate_errors {
            return dropped;
        }
        let is_allowed = match error {
            Answer::InTunnel(error) => detour.allows(Side::Access, error, &outer.source),
            Answer::ToB4(_) => detour.access_errors.allows(&outer.source, detour.now),
        };
        if !is_allowed {
            ledger.limit_error();
            return dropped;
        }
        let tunnel = Tunnel {
            br: table.br(outer.br),
            b4: &outer.source,
        };
        let sent = match error {
            Answer::InTunnel(error) => {
                self.error_into_tunnel(packet, inner.into(), tunnel, error, ledger)
            }
            Answer::ToB4(error) => {
                self.error_to_access(packet, outer.offender(), tunnel, error, ledger)
            }
        };
        sent.unwrap_or(dropped)
    }
}

/// What a lwB4 is told, and how.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// The lwB4 itself: its packet came through no softwire (LW-015).
    ToB4(Icmpv6Error),
    /// Whoever is behind it: a bound packet does not go on (IC-019).
    InTunnel(Icmpv4Error),
}

impl Answer {
    fn to(refusal: Refusal) -> Option<Self> {
        match refusal {
            Refusal::Unbound(_) => Some(Self::ToB4(Icmpv6Error::SOURCE_FAILED_POLICY)),
            _ => refusal.icmpv4().map(Self::InTunnel),
        }
    }
}

/// Whether an ICMPv4 error about this packet may be sent at all (IC-013), and whether this one may: of
/// ICMP that finds no softwire nobody hears (IC-003).
fn may_hear<P: Packet>(packet: &P, inner: &Inner, error: Icmpv4Error) -> bool {
    let ipv4 = &inner.ipv4;
    is_no_answer(packet, inner)
        && ipv4.check_source().is_ok()
        && ipv4.check_destination().is_ok()
        && (error != Icmpv4Error::HOST_UNREACHABLE || ipv4.protocol != transport::ICMP)
        && !ipv4::is_softwire_internal(ipv4.source)
}

/// Whether the packet begins a datagram that is no ICMP error itself.
fn is_no_answer<P: Packet>(packet: &P, inner: &Inner) -> bool {
    let bytes = packet.head().get(inner.at()..);
    inner.ipv4.fragment.is_first()
        && bytes.is_some_and(|bytes| !icmpv4::is_error(bytes, &inner.ipv4))
}

impl From<&Inner> for Offender {
    fn from(inner: &Inner) -> Self {
        let Ipv4 {
            tos,
            source,
            total_len,
            ..
        } = inner.ipv4;
        Self {
            at: inner.at(),
            len: usize::from(total_len),
            tos,
            source,
        }
    }
}
