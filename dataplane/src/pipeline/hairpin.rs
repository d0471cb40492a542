//! Packets from one lwB4 of this box to another: decapsulated, looked up again by their
//! destination, and encapsulated, with one hop less in all (LW-019, LW-020a).

use arrayvec::ArrayVec;

use crate::burst::BURST_MAX;
use crate::drop_reason::DropReason;
use crate::packet::Packet;
use crate::pipeline::Detour;
use crate::pipeline::Inner;
use crate::pipeline::Ledger;
use crate::pipeline::Outer;
use crate::pipeline::Pipeline;
use crate::pipeline::Verdicts;
use crate::pipeline::from_internet::no_softwire;
use crate::pipeline::key;
use crate::table::Key;
use crate::table::Table;
use crate::wire::transport;
use crate::wire::transport::End;
use crate::wire::transport::Ends;
use crate::wire::transport::Ports;

/// A checked packet that goes back into a softwire.
#[derive(Debug)]
pub(super) struct Turning {
    index: u8,
    /// ToS after the first tunnel's exit.
    tos: u8,
    ports: Ports,
    inner: Inner,
    /// The tunnel that it came through, where its sender can be told what became of it.
    outer: Outer,
}

impl Pipeline {
    /// Prepares a packet that one of our own addresses is to receive.
    #[cold]
    pub(super) fn turn<P: Packet>(
        &self,
        packet: &P,
        index: u8,
        (outer, inner): (&Outer, &Inner),
        ends: Ends,
        tos: u8,
    ) -> Result<Turning, DropReason> {
        if !self.forwarding.hairpinning {
            return Err(DropReason::HairpinDisabled);
        }
        // An ICMP error must be about a packet of its receiver as well (IC-005).
        let ends = if inner.ipv4.protocol == transport::ICMP && inner.ipv4.fragment.is_first() {
            let bytes = packet.head().get(inner.at()..);
            let bytes = bytes.ok_or(DropReason::BadIpv4Header)?;
            transport::ends(bytes, &inner.ipv4, End::Destination)?
        } else {
            ends
        };
        Ok(Turning {
            index,
            tos,
            ports: ends.destination,
            inner: *inner,
            outer: *outer,
        })
    }

    /// Sends turning packets through the ordinary downstream lookup.
    #[cold]
    pub(super) fn hairpin<P: Packet>(
        &self,
        table: &Table,
        packets: &mut [P],
        turning: &[Turning],
        verdicts: &mut Verdicts,
        detour: &mut Detour<P>,
        ledger: &mut Ledger<'_>,
    ) {
        let keys: ArrayVec<Key, BURST_MAX> = turning
            .iter()
            .map(|one| key(one.inner.ipv4.destination, one.ports))
            .collect();
        let mut hits = [const { None }; BURST_MAX];
        table.lookup_burst(&keys, &mut hits[..keys.len()]);
        for (one, softwire) in turning.iter().zip(hits) {
            let index = usize::from(one.index);
            let packet = &mut packets[index];
            let sent = match softwire {
                Some(softwire) => {
                    self.encapsulate(table, packet, &one.inner, one.tos, softwire, detour)
                }
                None => Err(no_softwire(table, &one.inner.ipv4, one.ports).into()),
            };
            let verdict = match sent {
                Ok(sent) => {
                    ledger.hairpin(u32::from(one.inner.ipv4.total_len));
                    self.sent_access(sent, ledger)
                }
                Err(refusal) => {
                    let both = (&one.outer, &one.inner);
                    self.refuse_up(table, packet, both, refusal, detour, ledger)
                }
            };
            verdicts.set(index, verdict);
        }
    }
}
