//! IPv6 fragments at the tunnel's end: the packet is put together before anything else is asked
//! (FR-001, FR-008).

use crate::drop_reason::DropReason;
use crate::packet::Packet;
use crate::pipeline::Detour;
use crate::pipeline::Ledger;
use crate::pipeline::Pipeline;
use crate::pipeline::Verdict;
use crate::pipeline::detour::GIVEN_UP_AT_ONCE;
use crate::pipeline::doorway::OddFrame;
use crate::pipeline::error::Offender;
use crate::pipeline::error::Tunnel;
use crate::pipeline::from_access::skip_destination_options;
use crate::reassembly::Fragment;
use crate::reassembly::Outcome;
use crate::reassembly::Reassembly;
use crate::wire::fragment;
use crate::wire::fragment::FragmentHeader;
use crate::wire::icmpv6;
use crate::wire::icmpv6::Icmpv6Error;
use crate::wire::ipv6;
use crate::wire::ipv6::Ipv6;

/// A fragment of a packet to a BR address.
#[derive(Clone, Copy, Debug)]
pub(super) struct TunnelFragment {
    pub(super) fragment: Fragment,
    /// The fragment as a packet.
    pub(super) packet: At,
}

/// An IPv6 packet and where it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) ipv6: Ipv6,
    /// Octets of the frame before it.
    pub(super) at: usize,
}

impl Pipeline {
    /// Takes a fragment. When that makes `packet` a whole packet, there is nothing to return.
    #[cold]
    pub(super) fn reassemble<P: Packet>(
        &self,
        packet: &mut P,
        fragment: &TunnelFragment,
        detour: &mut Detour<P>,
        ledger: &mut Ledger<'_>,
    ) -> Option<Verdict> {
        detour.is_stirred = true;
        let is_request = self.is_of_request(packet, fragment, detour);
        let store = match is_request {
            true => &mut detour.requests,
            false => &mut detour.reassembly,
        };
        let outcome = store.take(packet, &fragment.fragment, detour.now);
        match outcome {
            Outcome::Whole(absorbed) => {
                ledger.reassemble(absorbed);
                None
            }
            Outcome::Alone => None,
            Outcome::Held => Some(Verdict::Absorbed),
            Outcome::Dropped { reason, others } => {
                ledger.drop_ipv6_fragments(reason, others);
                Some(ledger.turn_away(reason.into(), None))
            }
            Outcome::Problem {
                reason,
                code,
                pointer,
            } => {
                let dropped = ledger.turn_away(reason.into(), None);
                let error = Icmpv6Error::parameter_problem(code, pointer);
                let answer = self.answer_ipv6(packet, fragment.packet, error, detour, ledger);
                Some(answer.unwrap_or(dropped))
            }
        }
    }

    /// Whether a fragment is kept with those of PCP requests. That is seen in the first one; what comes before
    /// it is with all others, and so is the first then.
    fn is_of_request<P: Packet>(
        &self,
        packet: &P,
        fragment: &TunnelFragment,
        detour: &Detour<P>,
    ) -> bool {
        let TunnelFragment { fragment, .. } = fragment;
        detour.requests.knows(fragment)
            || fragment.is_first()
                && self.begins_request(fragment.next_header(), fragment.payload(packet.head()))
                && !detour.reassembly.knows(fragment)
    }

    /// Gives up packets that were not complete in time, and those that had to make room for newer ones.
    /// What is left of them is sent with `send`: the errors to their senders (FR-008).
    pub fn give_up_reassembly<P: Packet>(
        &self,
        detour: &mut Detour<P>,
        ledger: &mut Ledger<'_>,
        mut send: impl FnMut(P),
    ) {
        let evicted = [&mut detour.reassembly, &mut detour.requests].map(Reassembly::evicted);
        for evicted in evicted {
            ledger.drop_ipv6_fragments(DropReason::Ipv6FragmentNoRoom, evicted);
        }
        for _ in 0..GIVEN_UP_AT_ONCE {
            let now = detour.now;
            let expired = detour.reassembly.expire(now);
            let Some(expired) = expired.or_else(|| detour.requests.expire(now)) else {
                break;
            };
            ledger.drop_ipv6_fragments(DropReason::Ipv6FragmentTimeout, expired.discarded);
            let Some(mut first) = expired.first else {
                continue;
            };
            let error = Icmpv6Error::REASSEMBLY_TIME_EXCEEDED;
            let answer = self
                .find_ipv6(&first)
                .ok()
                .and_then(|packet| self.answer_ipv6(&mut first, packet, error, detour, ledger));
            if answer.is_some() {
                send(first);
            }
        }
    }

    /// Turns an IPv6 packet into `error` about itself, if its sender may hear of it.
    fn answer_ipv6<P: Packet>(
        &self,
        packet: &mut P,
        At { ipv6, at }: At,
        error: Icmpv6Error,
        detour: &mut Detour<P>,
        ledger: &mut Ledger<'_>,
    ) -> Option<Verdict> {
        if !self.forwarding.access_icmp.generate_errors
            || !ipv6::is_one_nodes(&ipv6.source)
            || may_be_icmpv6_error(packet.head().get(at..).unwrap_or_default(), &ipv6)
        {
            return None;
        }
        if !detour.access_errors.allows(&ipv6.source, detour.now) {
            ledger.limit_error();
            return None;
        }
        let offender = Offender {
            at,
            len: ipv6::HEADER + ipv6.payload_len,
            tos: 0,
            source: 0,
        };
        let tunnel = Tunnel {
            br: &ipv6.destination,
            b4: &ipv6.source,
        };
        self.error_to_access(packet, offender, tunnel, error, ledger)
            .ok()
    }

    /// Reads again where the IPv6 packet of a frame is that has been let in before.
    fn find_ipv6<P: Packet>(&self, packet: &P) -> Result<At, DropReason> {
        let head = packet.head();
        let at = match self.access_door.payload_at(packet, head) {
            Some(at) => at,
            None => OddFrame::read(packet, &self.forwarding.access)?.payload_at,
        };
        let ipv6 = Ipv6::parse(head.get(at..).unwrap_or_default(), packet.len() - at)?;
        Ok(At { ipv6, at })
    }
}

/// Whether a fragment is of an ICMPv6 error, or may be because that cannot be seen: about errors there are
/// no errors (IC-012).
fn may_be_icmpv6_error(packet: &[u8], ipv6: &Ipv6) -> bool {
    let payload = packet.get(ipv6::HEADER..).unwrap_or_default();
    let Ok((ipv6::FRAGMENT, at)) = skip_destination_options(payload, ipv6.next_header) else {
        return false;
    };
    let behind = payload.get(at..).unwrap_or_default();
    let Ok(fragment) = FragmentHeader::parse(behind) else {
        return true;
    };
    let message = behind.get(fragment::HEADER..).unwrap_or_default();
    match skip_destination_options(message, fragment.next_header) {
        Ok((ipv6::ICMPV6, at)) if fragment.offset_octets == 0 => message
            .get(at)
            .is_none_or(|kind| *kind < icmpv6::FIRST_INFORMATIONAL),
        Ok((ipv6::ICMPV6, _)) => true,
        _ => false,
    }
}
