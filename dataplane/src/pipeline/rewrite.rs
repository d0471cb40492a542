//! Putting a tunnel header on, and taking it off (RFC 2473 s3, RFC 6333 s6.2).

use crate::drop_reason::DropReason;
use crate::forwarding::FrontHeader;
use crate::fragmentation::inner;
use crate::fragmentation::outer;
use crate::packet::Packet;
use crate::pipeline::Detour;
use crate::pipeline::Inner;
use crate::pipeline::Ledger;
use crate::pipeline::Pipeline;
use crate::pipeline::Refusal;
use crate::pipeline::Verdict;
use crate::side::Side;
use crate::table::Softwire;
use crate::table::Table;
use crate::wire::ipv4;
use crate::wire::ipv6;
use crate::wire::tcp;
use crate::wire::transport;

impl Pipeline {
    /// Makes the frame around `inner` a frame to the softwire's lwB4, with one hop less and `tos`
    /// inside, in pieces if the link does not take it whole (FR-001, FR-002).
    #[inline(always)]
    pub(super) fn encapsulate<P: Packet>(
        &self,
        table: &Table,
        packet: &mut P,
        inner: &Inner,
        tos: u8,
        softwire: &Softwire,
        detour: &mut Detour<P>,
    ) -> Result<Sent, Refusal> {
        let ipv6_len = ipv6::HEADER + inner.len();
        let mtu = softwire.path_mtu().within(self.forwarding.access.mtu);
        if ipv6_len > mtu {
            may_be_split(inner, mtu - ipv6::HEADER)?;
        }
        let front = self.to_access.len();
        place_front(packet, inner.at(), front + ipv6::HEADER)?;
        let frame = packet.head_mut();
        self.to_access.write(frame);
        let (header, payload) = frame[front..]
            .split_first_chunk_mut()
            .ok_or(DropReason::BadIpv4Header)?;
        ipv6::write_tunnel_header(
            header,
            self.traffic_class.entering(tos),
            inner.ipv4.total_len,
            self.forwarding.hop_limit,
            table.br(softwire.br()),
            &softwire.b4(),
        );
        self.take_hop(payload, inner, tos)?;
        finish(packet, inner, front + ipv6_len, &self.to_access);
        let mut pieces = 1;
        if ipv6_len > mtu {
            let id = detour.identifications.draw();
            let (tag, tails) = (self.to_access.device_tag, &mut detour.to_access);
            pieces = outer::split(packet, front, mtu, id, tag, tails)?;
        }
        if let Some(counters) = &self.softwire_counters {
            counters.count_down(softwire.id(), u32::from(inner.ipv4.total_len));
        }
        Ok(Sent {
            bytes: ipv6_len as u32,
            pieces,
        })
    }

    /// Makes the frame around `inner` a frame to the Internet side's next hop, with one hop less
    /// and `tos`, in pieces if the link does not take it whole (FR-018).
    #[inline(always)]
    pub(super) fn decapsulate<P: Packet>(
        &self,
        packet: &mut P,
        inner: &Inner,
        tos: u8,
        detour: &mut Detour<P>,
    ) -> Result<Sent, Refusal> {
        let mtu = self.forwarding.internet.mtu;
        if inner.len() > mtu {
            may_be_split(inner, mtu)?;
        }
        let front = self.to_internet.len();
        place_front(packet, inner.at(), front)?;
        let frame = packet.head_mut();
        self.to_internet.write(frame);
        self.take_hop(&mut frame[front..], inner, tos)?;
        finish(packet, inner, front + inner.len(), &self.to_internet);
        let mut pieces = 1;
        if inner.len() > mtu {
            let (tag, tails) = (self.to_internet.device_tag, &mut detour.to_internet);
            pieces = inner::split(packet, front, mtu, tag, tails)?;
        }
        Ok(Sent {
            bytes: u32::from(inner.ipv4.total_len),
            pieces,
        })
    }

    /// Counts a packet that leaves for a lwB4, and says how it does.
    pub(super) fn sent_access(&self, sent: Sent, ledger: &mut Ledger<'_>) -> Verdict {
        ledger.send_access(1, sent.bytes);
        sent.verdict(Side::Access, ledger)
    }

    /// Counts a packet that leaves for the Internet, and says how it does.
    pub(super) fn sent_internet(&self, sent: Sent, ledger: &mut Ledger<'_>) -> Verdict {
        ledger.send_internet(1, sent.bytes);
        sent.verdict(Side::Internet, ledger)
    }

    /// What changes in the IPv4 packet itself: TTL, ToS, MSS.
    #[inline(always)]
    fn take_hop(&self, packet: &mut [u8], inner: &Inner, tos: u8) -> Result<(), DropReason> {
        let header = packet.first_chunk_mut().ok_or(DropReason::BadIpv4Header)?;
        ipv4::decrement_ttl(header);
        if tos != inner.ipv4.tos {
            ipv4::set_tos(header, tos);
        }
        if let Some(limit) = self.forwarding.mss_clamp
            && inner.ipv4.protocol == transport::TCP
            && inner.ipv4.fragment.is_first()
        {
            let end = packet.len().min(inner.len());
            tcp::clamp_mss(&mut packet[usize::from(inner.ipv4.header_len)..end], limit);
        }
        Ok(())
    }
}

/// A packet that is ready to leave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// Octets of the IP packet, before it was split.
    bytes: u32,
    pieces: usize,
}

impl Sent {
    fn verdict(self, side: Side, ledger: &Ledger<'_>) -> Verdict {
        if self.pieces > 1 {
            ledger.send_pieces(side, self.pieces);
            return Verdict::InPieces(side, self.pieces as u16);
        }
        match side {
            Side::Internet => Verdict::Internet,
            Side::Access => Verdict::Access,
        }
    }
}

/// Whether a packet may be split for a link that takes `mtu` octets of IPv4 (FR-002, FR-014, FR-018).
#[cold]
fn may_be_split(inner: &Inner, mtu: usize) -> Result<(), Refusal> {
    if inner.ipv4.fragment.dont_fragment() {
        return Err(Refusal::DontFragment { mtu: mtu as u16 });
    }
    Ok(())
}

/// Moves the start of the packet so that what stands at `at` stands at `front`.
#[inline(always)]
pub(super) fn place_front<P: Packet>(
    packet: &mut P,
    at: usize,
    front: usize,
) -> Result<(), DropReason> {
    if front > at {
        packet
            .prepend(front - at)
            .map_err(|_| DropReason::NoHeadroom)
    } else {
        packet.trim_front(at - front);
        Ok(())
    }
}

/// Takes padding off, and asks the device for the VLAN tag that we did not write.
#[inline(always)]
fn finish<P: Packet>(packet: &mut P, inner: &Inner, frame_len: usize, header: &FrontHeader) {
    if inner.is_padded {
        packet.truncate(frame_len);
    }
    if header.device_tag.is_some() {
        packet.insert_vlan(header.device_tag);
    }
}
