//! IPv4 fragments through softwires: each goes where the first of its datagram goes (FR-011 to FR-013).
//!
//! A later fragment has no port, so what is looked up is the port of its first, remembered by the worker;
//! the lookup itself and every check behind it are the ordinary ones. A fragment that comes before its
//! first waits, unless it needs no port: on a whole address, or of a protocol that has none.

use std::iter;

use crate::drop_reason::DropReason;
use crate::packet::Packet;
use crate::pipeline::Aside;
use crate::pipeline::Detour;
use crate::pipeline::Ledger;
use crate::pipeline::Pipeline;
use crate::pipeline::Verdict;
use crate::pipeline::detour::GIVEN_UP_AT_ONCE;
use crate::pipeline::detour::Held;
use crate::pipeline::detour::held_buffers;
use crate::pipeline::key;
use crate::table::Table;
use crate::virtual_reassembly::Key;
use crate::virtual_reassembly::Known;
use crate::wire::ipv4::Ipv4;
use crate::wire::transport;
use crate::wire::transport::Ends;
use crate::wire::transport::Ports;

impl Pipeline {
    /// The ports of a fragment for `subscriber`'s address: those it has, in `own`, or those of its
    /// first. `b4` is the tunnel it came through, if any.
    #[cold]
    pub(super) fn ends_of_fragment<P: Packet>(
        &self,
        table: &Table,
        (ipv4, subscriber): (&Ipv4, u32),
        b4: Option<[u8; 16]>,
        own: Result<Ends, DropReason>,
        detour: &mut Detour<P>,
    ) -> Result<Ends, Aside> {
        // What nobody has is dropped by the lookup, and not remembered.
        if !transport::has_ports(ipv4.protocol) || !table.serves(subscriber) {
            return own.map_err(Aside::from);
        }
        detour.is_stirred = true;
        let name = name(ipv4, b4);
        let (fragments, now) = match b4 {
            None => (&mut detour.down, detour.now),
            Some(_) => (&mut detour.up, detour.now),
        };
        if ipv4.fragment.is_first() {
            let known = match own {
                Ok(Ends {
                    source,
                    destination,
                }) => Known::Ports {
                    source,
                    destination,
                },
                Err(_) => Known::Refused,
            };
            fragments.learn(name, known, now);
            return own.map_err(Aside::from);
        }
        match fragments.know(&name, now) {
            Some(Known::Ports {
                source,
                destination,
            }) => Ok(Ends {
                source,
                destination,
            }),
            Some(Known::Refused) => Err(DropReason::TransportTruncated.into()),
            None if needs_no_port(table, subscriber, ipv4) => Ok(Ends::NONE),
            None => Err(Aside::Hold(name)),
        }
    }

    /// Keeps a fragment of `bytes` octets until its first comes, if it can.
    #[cold]
    pub(super) fn hold<P: Packet>(
        &self,
        packet: &mut P,
        bytes: u32,
        name: Key,
        detour: &mut Detour<P>,
        ledger: &mut Ledger<'_>,
    ) -> Verdict {
        if packet.segments() > held_buffers(&self.forwarding) {
            return ledger.drop_fragment(DropReason::Ipv4FragmentNoRoom, bytes);
        }
        let now = detour.now;
        let fragments = detour.fragments(ledger.side());
        if fragments.is_crowded()
            && fragments.turns_away(fragments.hash(&name), &name.sender(), 0, now)
        {
            return ledger.drop_fragment(DropReason::Ipv4FragmentNoRoom, bytes);
        }
        let Some(placeholder) = packet.sibling() else {
            return ledger.drop_fragment(DropReason::NoBuffer, bytes);
        };
        let packet_there = std::mem::replace(packet, placeholder);
        let held = Held {
            packet: packet_there,
            bytes,
        };
        match fragments.hold(name, held, now) {
            Ok(()) => Verdict::Absorbed,
            Err(held) => {
                *packet = held.packet;
                ledger.drop_fragment(DropReason::Ipv4FragmentNoRoom, bytes)
            }
        }
    }

    /// Drops the fragments of a side that had to make room for newer ones, or have waited in vain.
    pub fn give_up_fragments<P: Packet>(&self, detour: &mut Detour<P>, ledger: &mut Ledger<'_>) {
        let now = detour.now;
        let fragments = detour.fragments(ledger.side());
        while let Some(held) = fragments.evicted() {
            ledger.drop_fragment(DropReason::Ipv4FragmentNoRoom, held.bytes);
        }
        for held in iter::from_fn(|| fragments.expire(now)).take(GIVEN_UP_AT_ONCE) {
            ledger.drop_fragment(DropReason::Ipv4FragmentTimeout, held.bytes);
        }
    }
}

/// Whether a fragment can go on without its first: the subscriber has a whole address, and so has the one
/// it may be going to.
fn needs_no_port(table: &Table, subscriber: u32, ipv4: &Ipv4) -> bool {
    let is_whole = |address| table.lookup(key(address, Ports::None)).is_some();
    is_whole(subscriber) && (!table.serves(ipv4.destination) || is_whole(ipv4.destination))
}

/// What all fragments of a datagram have in common.
#[inline(always)]
pub(super) fn name(ipv4: &Ipv4, b4: Option<[u8; 16]>) -> Key {
    Key {
        source: ipv4.source,
        destination: ipv4.destination,
        id: ipv4.id,
        protocol: ipv4.protocol,
        b4: b4.unwrap_or_default(),
    }
}
