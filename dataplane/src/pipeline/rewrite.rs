//! Putting a tunnel header on, and taking it off (RFC 2473 s3, RFC 6333 s6.2).

use crate::drop_reason::DropReason;
use crate::forwarding::Dscp;
use crate::forwarding::FrontHeader;
use crate::packet::Packet;
use crate::pipeline::Pipeline;
use crate::table::Softwire;
use crate::table::Table;
use crate::wire::ipv4::Ipv4;
use crate::wire::ipv4::{self};
use crate::wire::ipv6;
use crate::wire::tcp;
use crate::wire::transport;

impl Pipeline {
    /// Makes the frame whose IPv4 packet stands at `ipv4_at` a frame to the softwire's lwB4, with
    /// one hop less and `tos` inside. Returns the octets of the IPv6 packet.
    #[inline]
    pub(super) fn encapsulate<P: Packet>(
        &self,
        table: &Table,
        packet: &mut P,
        ipv4_at: usize,
        ipv4: &Ipv4,
        tos: u8,
        softwire: &Softwire,
    ) -> Result<u32, DropReason> {
        let ipv6_len = ipv6::HEADER + ipv4.total_len;
        if ipv6_len > self.forwarding.access.mtu {
            return Err(DropReason::TooBig);
        }
        self.finish_inner(packet, ipv4_at, ipv4, tos)?;
        let traffic_class = match self.forwarding.dscp {
            Dscp::Copy => tos,
            Dscp::Fixed(dscp) => dscp << 2 | tos & 3,
        };
        let header = ipv6::tunnel_header(
            traffic_class,
            ipv4.total_len as u16,
            self.forwarding.hop_limit,
            table.br(softwire.br()),
            &softwire.b4(),
        );
        let front = self.to_access.len();
        place_front(packet, ipv4_at, front + ipv6::HEADER)?;
        write_front(packet, &self.to_access);
        packet.head_mut()[front..front + ipv6::HEADER].copy_from_slice(&header);
        Ok(ipv6_len as u32)
    }

    /// Makes the frame whose inner IPv4 packet stands at `ipv4_at` a frame to the Internet side's
    /// next hop, with one hop less and `tos`. Returns the octets of the IPv4 packet.
    #[inline]
    pub(super) fn decapsulate<P: Packet>(
        &self,
        packet: &mut P,
        ipv4_at: usize,
        ipv4: &Ipv4,
        tos: u8,
    ) -> Result<u32, DropReason> {
        if ipv4.total_len > self.forwarding.internet.mtu {
            return Err(DropReason::TooBig);
        }
        self.finish_inner(packet, ipv4_at, ipv4, tos)?;
        place_front(packet, ipv4_at, self.to_internet.len())?;
        write_front(packet, &self.to_internet);
        Ok(ipv4.total_len as u32)
    }

    /// What changes in the IPv4 packet itself: padding off, TTL, ToS, MSS.
    #[inline]
    fn finish_inner<P: Packet>(
        &self,
        packet: &mut P,
        ipv4_at: usize,
        ipv4: &Ipv4,
        tos: u8,
    ) -> Result<(), DropReason> {
        if packet.len() > ipv4_at + ipv4.total_len {
            packet.truncate(ipv4_at + ipv4.total_len);
        }
        let inner = &mut packet.head_mut()[ipv4_at..];
        let header = inner.first_chunk_mut().ok_or(DropReason::BadIpv4Header)?;
        ipv4::set_ttl_and_tos(header, ipv4.ttl - 1, tos);
        if let Some(limit) = self.forwarding.mss_clamp
            && ipv4.protocol == transport::TCP
        {
            tcp::clamp_mss(&mut inner[ipv4.header_len..], limit);
        }
        Ok(())
    }
}

/// Moves the start of the packet so that what stands at `at` stands at `front`.
#[inline]
fn place_front<P: Packet>(packet: &mut P, at: usize, front: usize) -> Result<(), DropReason> {
    if front > at {
        packet
            .prepend(front - at)
            .map_err(|_| DropReason::NoHeadroom)
    } else {
        packet.trim_front(at - front);
        Ok(())
    }
}

#[inline]
fn write_front<P: Packet>(packet: &mut P, header: &FrontHeader) {
    header.write(packet.head_mut());
    if header.device_tag.is_some() {
        packet.insert_vlan(header.device_tag);
    }
}
