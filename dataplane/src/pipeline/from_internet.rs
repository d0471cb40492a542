//! Packets from the Internet side: IPv4 that is encapsulated for the lwB4 which owns its
//! destination address and port (LW-017), or dropped (LW-018).

use crate::drop_reason::DropReason;
use crate::packet::Packet;
use crate::pipeline::BURST_MAX;
use crate::pipeline::Judgement;
use crate::pipeline::Pipeline;
use crate::pipeline::admit_frame;
use crate::pipeline::key;
use crate::pipeline::verdict::Judged;
use crate::pipeline::verdict::Verdict;
use crate::table::Key;
use crate::table::Softwire;
use crate::table::Table;
use crate::wire::ethernet;
use crate::wire::ipv4::Ipv4;
use crate::wire::ipv4::{self};
use crate::wire::transport::End;
use crate::wire::transport::Ports;
use crate::wire::transport::{self};

/// A packet that waits for its binding.
#[derive(Clone, Copy)]
struct Seen {
    ipv4_at: usize,
    ipv4: Ipv4,
    ports: Ports,
}

impl Pipeline {
    /// Processes a burst from the Internet side; packets are changed in place.
    ///
    /// # Panics
    /// When there are more than [`BURST_MAX`] packets.
    pub fn from_internet<P: Packet>(&self, table: &Table, packets: &mut [P]) -> Judgement {
        let mut seen = [const { None }; BURST_MAX];
        let mut keys = [Key::SKIP; BURST_MAX];
        let mut judgement = Judgement::new();
        for packet in packets.iter() {
            packet.prefetch();
        }
        for (index, packet) in packets.iter().enumerate() {
            let mut received = None;
            let verdict = match self.classify_internet(packet, &mut received) {
                Ok(one) => {
                    keys[index] = key(one.ipv4.destination, one.ports);
                    seen[index] = Some(one);
                    Verdict::Access
                }
                Err(verdict) => verdict,
            };
            judgement.push(Judged {
                verdict,
                received,
                sent: 0,
            });
        }
        let mut hits = [const { None }; BURST_MAX];
        table.lookup_burst(&keys[..packets.len()], &mut hits[..packets.len()]);
        for (index, packet) in packets.iter_mut().enumerate() {
            let Some(seen) = &seen[index] else { continue };
            match self.act_internet(table, packet, seen, hits[index]) {
                Ok(sent) => judgement[index].sent = sent,
                Err(reason) => judgement[index].verdict = reason.into(),
            }
        }
        judgement
    }

    #[inline]
    fn classify_internet<P: Packet>(
        &self,
        packet: &P,
        received: &mut Option<u32>,
    ) -> Result<Seen, Verdict> {
        let forwarding = &self.forwarding;
        let frame = admit_frame(packet, &forwarding.internet)?;
        let for_us = frame.destination == forwarding.internet.mac;
        match frame.ether_type {
            ethernet::IPV4 if for_us => {}
            ethernet::ARP if for_us || frame.destination == ethernet::Mac::BROADCAST => {
                return Err(Verdict::Punt);
            }
            _ if !for_us => return Err(DropReason::WrongMac.into()),
            _ => return Err(DropReason::UnknownEtherType.into()),
        }
        let ipv4_at = frame.payload_at;
        let available = packet.len() - ipv4_at;
        *received = Some(available as u32);
        let bytes = &packet.head()[ipv4_at..];
        let ipv4 = Ipv4::parse(bytes, available, packet.ipv4_checksum_is_good())?;
        *received = Some(ipv4.total_len as u32);
        if ipv4.destination == forwarding.internet_address {
            return Err(Verdict::Punt);
        }
        let ports = self.admit_internet(bytes, &ipv4)?;
        Ok(Seen {
            ipv4_at,
            ipv4,
            ports,
        })
    }

    /// What can be said against a good header before its binding is known.
    #[inline]
    fn admit_internet(&self, bytes: &[u8], ipv4: &Ipv4) -> Result<Ports, DropReason> {
        ipv4.check_source()?;
        if ipv4::is_softwire_internal(ipv4.source) || ipv4::is_softwire_internal(ipv4.destination) {
            return Err(DropReason::SoftwireRange);
        }
        if ipv4.ttl <= 1 {
            return Err(DropReason::TtlExpired);
        }
        if ipv4.is_fragment {
            return Err(DropReason::Ipv4Fragment);
        }
        if ipv4.protocol == transport::ICMP && !self.forwarding.allow_incoming_icmp {
            return Err(DropReason::IcmpPolicy);
        }
        transport::subscriber_port(bytes, ipv4, End::Destination)
    }

    /// Encapsulates; returns the octets of the IPv6 packet.
    #[inline]
    fn act_internet<P: Packet>(
        &self,
        table: &Table,
        packet: &mut P,
        seen: &Seen,
        softwire: Option<&Softwire>,
    ) -> Result<u32, DropReason> {
        let softwire = softwire.ok_or_else(|| no_softwire(table, &seen.ipv4, seen.ports))?;
        self.encapsulate(
            table,
            packet,
            seen.ipv4_at,
            &seen.ipv4,
            seen.ipv4.tos,
            softwire,
        )
    }
}

/// Why a destination has no softwire: nobody has it, or its protocol cannot tell subscribers apart.
#[cold]
pub(super) fn no_softwire(table: &Table, ipv4: &Ipv4, ports: Ports) -> DropReason {
    if ports == Ports::None && table.serves(ipv4.destination) {
        DropReason::NoPorts
    } else {
        DropReason::NoSoftwire
    }
}
