//! Packets out of the tunnel: whose they are, and what becomes of them (RFC 7596 s5.2, RFC 6333 s5.2).
//!
//! Nothing is believed of a packet whose outer source is not the lwAFTR (LW-030). Inside, the lwAFTR's own
//! address speaks only to ours, and to the public one in ICMP errors (IC-019); nobody else has an address
//! of the softwire (TN-043). Whether a public destination is ours is the NAT's to say (LW-031).

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::ops::Range;

use crate::tunnel::control;
use crate::tunnel::control::Datagram;
use crate::tunnel::drop_reason::DropReason;
use crate::tunnel::ecn::DscpModel;
use crate::tunnel::ecn::Egress;
use crate::tunnel::ipv4;
use crate::tunnel::ipv4::Ipv4;
use crate::tunnel::mss;
use crate::tunnel::mss::MssClamp;
use crate::tunnel::transport;
use crate::tunnel::transport::State;
use crate::tunnel::virtio::Offload;
use crate::tunnel::virtio::Transport;

/// What stands at the tunnel's exit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Downstream {
    /// The lwAFTR's IPv6 address.
    pub lwaftr: Ipv6Addr,
    /// Our address inside the tunnel, 192.0.0.2 unless configured otherwise (TN-040).
    pub inner: Ipv4Addr,
    /// The lwAFTR's address inside the tunnel, 192.0.0.1.
    pub remote_inner: Ipv4Addr,
    /// The largest MSS of TCP that passes (FR-016).
    pub mss_clamp: MssClamp,
    /// What the outer DSCP says about the inner one.
    pub dscp: DscpModel,
}

/// A packet that goes further.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Accepted {
    /// Where it goes.
    pub kind: Inner,
    /// Its octets; what follows them is padding (TN-007).
    pub len: usize,
    /// Whether the kernel has put it together of many segments. It must then reach
    /// [`super::coalesce::Coalescer::push`] with this, and its checksum means nothing.
    pub offload: Offload,
    /// Whether outer and inner ECN met as they should not (EC-004).
    pub ecn_is_odd: bool,
}

/// What an inner packet is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Inner {
    /// Through the NAT to a LAN host.
    Data,
    /// From the lwAFTR's inner address to ours, for the kernel: through the TUN as it is.
    Kernel,
    /// A message from the lwAFTR's PCP server to our inner address (RFC 6887).
    Pcp {
        /// Our port.
        to_port: u16,
        /// Where in the packet the message stands.
        message: Range<usize>,
    },
    /// The lwAFTR's PCP server announces itself to all its clients (FO-015, FO-016).
    Announcement {
        /// Where in the packet the message stands.
        message: Range<usize>,
    },
}

impl Downstream {
    /// Judges the payload of a packet of next header 4 that was sent to our tunnel address. ToS, MSS and
    /// checksum are as they have to be afterwards. `tunnel_mtu` is the octets that an inner packet may have.
    ///
    /// # Errors
    /// Why it goes no further.
    pub fn accept(
        &self,
        packet: &mut [u8],
        from: Ipv6Addr,
        traffic_class: u8,
        tunnel_mtu: u16,
    ) -> Result<Accepted, DropReason> {
        if from != self.lwaftr {
            return Err(DropReason::WrongOuterSource);
        }
        let ipv4 = Ipv4::parse(packet)?;
        let packet = &mut packet[..ipv4.total_len];
        let offload = mend(packet, &ipv4, tunnel_mtu)?;
        let kind = self.kind(packet, &ipv4)?;
        let Egress { tos, is_odd } = self
            .dscp
            .egress(ipv4.tos, traffic_class)
            .ok_or(DropReason::CongestionNotHeard)?;
        if tos != ipv4.tos {
            ipv4::set_tos(packet, tos);
        }
        if let Some(max) = self.mss_clamp.max(tunnel_mtu)
            && kind == Inner::Data
        {
            mss::clamp(packet, &ipv4, max);
        }
        Ok(Accepted {
            kind,
            len: ipv4.total_len,
            offload,
            ecn_is_odd: is_odd,
        })
    }

    /// Judges the payload of a packet of next header 4 that was sent to the multicast group of
    /// announcements: nothing else may come that way (FO-016).
    ///
    /// # Errors
    /// Why it goes no further.
    pub fn accept_from_group(&self, packet: &[u8], from: Ipv6Addr) -> Result<Accepted, DropReason> {
        if from != self.lwaftr {
            return Err(DropReason::WrongOuterSource);
        }
        let ipv4 = Ipv4::parse(packet)?;
        let kind = self
            .announcement(packet, &ipv4)?
            .ok_or(DropReason::NotAnAnnouncement)?;
        let offload = Offload::None;
        Ok(Accepted {
            kind,
            len: ipv4.total_len,
            offload,
            ecn_is_odd: false,
        })
    }

    fn kind(&self, packet: &[u8], ipv4: &Ipv4) -> Result<Inner, DropReason> {
        if let Some(announcement) = self.announcement(packet, ipv4)? {
            return Ok(announcement);
        }
        if ipv4.source == self.remote_inner && ipv4.destination == self.inner {
            return to_us(packet, ipv4);
        }
        // The lwAFTR speaks to the public address from its inner one only in ICMP errors, which only the
        // NAT can tell from others.
        let is_error = ipv4.source == self.remote_inner && ipv4.protocol == ipv4::ICMP;
        if ipv4::is_softwire_internal(ipv4.source) && !is_error
            || ipv4::is_softwire_internal(ipv4.destination)
        {
            return Err(DropReason::SoftwireInternal);
        }
        if !ipv4::is_unicast(ipv4.source) {
            return Err(DropReason::InvalidSource);
        }
        if !ipv4::is_unicast(ipv4.destination) {
            return Err(DropReason::InvalidDestination);
        }
        Ok(Inner::Data)
    }

    /// `None` when the packet is none.
    fn announcement(&self, packet: &[u8], ipv4: &Ipv4) -> Result<Option<Inner>, DropReason> {
        let is_for_all = ipv4.source == self.remote_inner
            && ipv4.destination == ALL_HOSTS
            && ipv4.protocol == ipv4::UDP
            && !ipv4.is_fragment();
        if !is_for_all {
            return Ok(None);
        }
        let datagram = Datagram::read(packet, ipv4)?;
        let is_pcp =
            (datagram.from_port, datagram.to_port) == (control::PCP_SERVER, control::PCP_CLIENT);
        Ok(is_pcp.then_some(Inner::Announcement {
            message: datagram.payload,
        }))
    }
}

/// What the lwAFTR's inner address sends to ours.
fn to_us(packet: &[u8], ipv4: &Ipv4) -> Result<Inner, DropReason> {
    if ipv4.protocol != ipv4::UDP || ipv4.is_fragment() {
        return Ok(Inner::Kernel);
    }
    let datagram = Datagram::read(packet, ipv4)?;
    if datagram.from_port != control::PCP_SERVER {
        return Ok(Inner::Kernel);
    }
    Ok(Inner::Pcp {
        to_port: datagram.to_port,
        message: datagram.payload,
    })
}

/// Sees whether the kernel received this packet as it was on the wire. It may have put TCP segments
/// together (GRO), or have got the packet from a neighbour that has no wire (veth); the transport checksum
/// is partial then, and the device does not say so.
fn mend(packet: &mut [u8], ipv4: &Ipv4, tunnel_mtu: u16) -> Result<Offload, DropReason> {
    if !transport::may_be_partial(packet, ipv4) || transport::state(packet, ipv4) != State::Partial
    {
        return Ok(Offload::None);
    }
    let offset = transport::checksum_offset(ipv4.protocol).ok_or(DropReason::BadTransport)?;
    let headers = transport::headers_len(packet, ipv4).ok_or(DropReason::BadTransport)?;
    if ipv4.protocol == ipv4::TCP && ipv4.total_len > tunnel_mtu.into() {
        // How long the segments were is not known; each was within the tunnel's MTU.
        let size = tunnel_mtu.saturating_sub(headers as u16).max(1);
        return Ok(Offload::Segments {
            transport: Transport::Tcp,
            size,
        });
    }
    transport::complete(packet, ipv4.header_len, offset)?;
    Ok(Offload::None)
}

/// All hosts of the link (RFC 1112), whom announcements are for.
const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::sample;
    use crate::tunnel::sample::hex;
    use crate::tunnel::segment;

    const LWAFTR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xaf);
    const AFTR: [u8; 4] = [192, 0, 0, 1];
    const B4: [u8; 4] = [192, 0, 0, 2];
    const DOWNSTREAM: Downstream = Downstream {
        lwaftr: LWAFTR,
        inner: Ipv4Addr::new(192, 0, 0, 2),
        remote_inner: Ipv4Addr::new(192, 0, 0, 1),
        mss_clamp: MssClamp::Auto,
        dscp: DscpModel::Uniform,
    };

    fn accept(packet: &mut [u8]) -> Result<Accepted, DropReason> {
        let class = packet.get(1).copied().unwrap_or_default();
        DOWNSTREAM.accept(packet, LWAFTR, class, 1500)
    }

    fn kind(mut packet: Vec<u8>) -> Result<Inner, DropReason> {
        accept(&mut packet).map(|accepted| accepted.kind)
    }

    fn udp(source: [u8; 4], from: u16, destination: [u8; 4], to: u16) -> Vec<u8> {
        let end = |address: [u8; 4], port| std::net::SocketAddrV4::new(address.into(), port);
        control::datagram(end(source, from), end(destination, to), b"pcp")
    }

    fn of_protocol(source: [u8; 4], destination: [u8; 4], protocol: u8) -> Vec<u8> {
        let mut packet = udp(source, 1, destination, 2);
        packet[9] = protocol;
        ipv4::set_lengths(&mut packet[..20], 31, 0);
        packet
    }

    #[test]
    fn lw_030_tn_007_the_lwaftr_alone_is_heard() {
        let mut packet = hex(sample::UDP);
        let other = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xae);
        let refused = DOWNSTREAM.accept(&mut packet, other, 0, 1500);
        assert_eq!(refused, Err(DropReason::WrongOuterSource));
        let refused = DOWNSTREAM.accept_from_group(&packet, other);
        assert_eq!(refused, Err(DropReason::WrongOuterSource));
    }

    #[test]
    fn tn_007_padding_behind_the_inner_packet_is_none_of_it() {
        let mut packet = hex(sample::UDP);
        packet.extend([0; 18]);
        let accepted = accept(&mut packet).unwrap();
        assert_eq!((accepted.kind, accepted.len), (Inner::Data, 46));
    }

    #[test]
    fn tn_001_ec_003_dscp_and_ecn_come_back_with_a_right_checksum() {
        let mut packet = hex(sample::SENT);
        packet[1] = 0x02;
        ipv4::set_lengths(&mut packet[..20], 52, 9);
        let accepted = DOWNSTREAM
            .accept(&mut packet, LWAFTR, 46 << 2 | 3, 1500)
            .unwrap();
        assert!(!accepted.ecn_is_odd);
        assert_eq!(Ipv4::parse(&packet).unwrap().tos, 46 << 2 | 3);
        let mut deaf = hex(sample::SENT);
        let refused = DOWNSTREAM.accept(&mut deaf, LWAFTR, 3, 1500);
        assert_eq!(refused, Err(DropReason::CongestionNotHeard));
    }

    #[test]
    fn ec_004_what_should_not_meet_is_marked() {
        let accepted = DOWNSTREAM
            .accept(&mut hex(sample::SENT), LWAFTR, 1, 1500)
            .unwrap();
        assert!(accepted.ecn_is_odd);
    }

    #[test]
    fn tn_044_the_pcp_servers_messages_are_ours_and_the_rest_the_kernels() {
        let message = 28..31;
        assert_eq!(
            kind(udp(AFTR, 5351, B4, 4711)),
            Ok(Inner::Pcp {
                to_port: 4711,
                message
            })
        );
        assert_eq!(kind(udp(AFTR, 53, B4, 4711)), Ok(Inner::Kernel));
        assert_eq!(kind(of_protocol(AFTR, B4, ipv4::ICMP)), Ok(Inner::Kernel));
        let mut bad = udp(AFTR, 5351, B4, 4711);
        bad[30] ^= 1;
        assert_eq!(kind(bad), Err(DropReason::BadPcpDatagram));
    }

    #[test]
    fn fo_015_fo_016_announcements_come_from_5351_of_the_lwaftrs_inner_address() {
        let all = [224, 0, 0, 1];
        let announcement = udp(AFTR, 5351, all, 5350);
        let message = 28..31;
        let expected = Ok(Inner::Announcement { message });
        assert_eq!(kind(announcement.clone()), expected);
        let from_group = |packet: &[u8]| {
            DOWNSTREAM
                .accept_from_group(packet, LWAFTR)
                .map(|accepted| accepted.kind)
        };
        assert_eq!(from_group(&announcement), expected);
        for (source, from, destination, to) in [
            ([198, 51, 100, 7], 5351, all, 5350),
            (AFTR, 5350, all, 5350),
            (AFTR, 5351, all, 5351),
            (AFTR, 5351, [224, 0, 0, 2], 5350),
            (AFTR, 5351, B4, 5350),
        ] {
            let packet = udp(source, from, destination, to);
            assert_eq!(from_group(&packet), Err(DropReason::NotAnAnnouncement));
            if destination != B4 {
                assert!(kind(packet).is_err());
            }
        }
        assert_eq!(
            from_group(&hex(sample::UDP)),
            Err(DropReason::NotAnAnnouncement)
        );
    }

    #[test]
    fn tn_042_tn_043_the_softwires_addresses_do_not_come_from_outside() {
        let public = [192, 0, 2, 5];
        for (source, destination) in [
            ([198, 51, 100, 7], B4),
            ([198, 51, 100, 7], AFTR),
            (B4, public),
            ([192, 0, 0, 5], B4),
            (AFTR, public),
        ] {
            let refused = kind(udp(source, 5351, destination, 9));
            assert_eq!(refused, Err(DropReason::SoftwireInternal), "{source:?}");
        }
    }

    #[test]
    fn ic_019_the_lwaftrs_errors_from_its_inner_address_reach_the_nat() {
        let error = of_protocol(AFTR, [192, 0, 2, 5], ipv4::ICMP);
        assert_eq!(kind(error), Ok(Inner::Data));
    }

    #[test]
    fn nobody_sends_from_such_an_address() {
        let public = [192, 0, 2, 5];
        for odd in [[0, 0, 0, 1], [127, 0, 0, 1], [224, 0, 0, 5], [240, 0, 0, 1]] {
            assert_eq!(kind(udp(odd, 1, public, 2)), Err(DropReason::InvalidSource));
            assert_eq!(
                kind(udp(public, 1, odd, 2)),
                Err(DropReason::InvalidDestination)
            );
        }
    }

    #[test]
    fn what_the_kernel_put_together_is_told_from_what_was_on_the_wire() {
        let partial = |text: &str, field: usize| {
            let mut packet = hex(text);
            let ipv4 = Ipv4::parse(&packet).unwrap();
            let pseudo = ipv4.pseudo_header_sum(packet.len() - 20);
            packet[field..field + 2].copy_from_slice(&pseudo.to_be_bytes());
            packet
        };
        // Larger than the tunnel's MTU: of many segments. The cut ones fit.
        let mut big = partial(sample::TCP, 36);
        let accepted = DOWNSTREAM.accept(&mut big, LWAFTR, 0xb9, 90).unwrap();
        let offload = Offload::Segments {
            transport: Transport::Tcp,
            size: 38,
        };
        assert_eq!(accepted.offload, offload);
        let segments = segment::split(&big, offload, DscpModel::Uniform).unwrap();
        let lengths: Vec<_> = segments.map(|segment| segment.len()).collect();
        assert_eq!(lengths, [90, 59]);
        // Otherwise the checksum is done here.
        for (text, field) in [(sample::TCP, 36), (sample::UDP, 26)] {
            let mut packet = partial(text, field);
            let accepted = accept(&mut packet).unwrap();
            assert_eq!((accepted.offload, packet), (Offload::None, hex(text)));
        }
        // A wrong checksum is not made right.
        let mut wrong = hex(sample::UDP);
        wrong[27] ^= 1;
        let before = wrong.clone();
        assert_eq!(accept(&mut wrong).unwrap().offload, Offload::None);
        assert_eq!(wrong, before);
    }

    #[test]
    fn fr_016_the_mss_of_what_comes_in_is_clamped_too() {
        let mut packet = hex(sample::SENT);
        packet[33] = 0x12;
        packet[32] = 0x60;
        packet[40..44].copy_from_slice(&[2, 4, 0x05, 0xb4]);
        DOWNSTREAM.accept(&mut packet, LWAFTR, 0x28, 1460).unwrap();
        assert_eq!(packet[40..44], [2, 4, 0x05, 0x8c]);
    }
}
