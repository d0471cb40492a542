//! Packets from one lwB4 of this box to another: decapsulated, looked up again by their
//! destination, and encapsulated, with one hop less in all (LW-019, LW-020a).

use arrayvec::ArrayVec;

use crate::burst::BURST_MAX;
use crate::drop_reason::DropReason;
use crate::packet::Packet;
use crate::pipeline::Inner;
use crate::pipeline::Ledger;
use crate::pipeline::Pipeline;
use crate::pipeline::Verdict;
use crate::pipeline::Verdicts;
use crate::pipeline::from_internet::no_softwire;
use crate::pipeline::key;
use crate::table::Key;
use crate::table::Table;
use crate::wire::transport;
use crate::wire::transport::End;
use crate::wire::transport::Ports;

/// A checked packet that goes back into a softwire.
#[derive(Debug)]
pub(super) struct Turning {
    index: u8,
    /// ToS after the first tunnel's exit.
    tos: u8,
    ports: Ports,
    inner: Inner,
    /// Octets of the tunnel packet that arrived.
    received_bytes: u32,
}

impl Pipeline {
    /// Prepares a packet that one of our own addresses is to receive.
    #[cold]
    pub(super) fn turn<P: Packet>(
        &self,
        packet: &P,
        index: u8,
        inner: &Inner,
        tos: u8,
        received_bytes: u32,
    ) -> Result<Turning, DropReason> {
        if !self.forwarding.hairpinning {
            return Err(DropReason::HairpinDisabled);
        }
        let bytes = packet
            .head()
            .get(inner.at()..)
            .ok_or(DropReason::BadIpv4Header)?;
        let ports = transport::subscriber_port(bytes, &inner.ipv4, End::Destination)?;
        Ok(Turning {
            index,
            tos,
            ports,
            inner: *inner,
            received_bytes,
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
            let sent = match softwire {
                Some(softwire) => {
                    self.encapsulate(table, &mut packets[index], &one.inner, one.tos, softwire)
                }
                None => Err(no_softwire(table, &one.inner.ipv4, one.ports)),
            };
            let verdict = match sent {
                Ok(bytes) => {
                    ledger.send_access(1, bytes);
                    ledger.hairpin(u32::from(one.inner.ipv4.total_len));
                    Verdict::Access
                }
                Err(reason) => ledger.drop(reason, one.received_bytes),
            };
            verdicts.set(index, verdict);
        }
    }
}
