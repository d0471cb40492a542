//! Packets from the TUN device: which may go into the tunnel, and by which way (RFC 7596 s5.2).
//!
//! The judgement stands before the NAT, so that an error quotes what its sender sent. A packet that is too
//! big and may not be fragmented is answered with 3/4; one that may be is encapsulated whole, and the
//! kernel fragments the IPv6 packet (FR-001, FR-002, C-12). Of a packet of many segments each segment
//! counts.

use std::net::Ipv4Addr;

use crate::tunnel::drop_reason::DropReason;
use crate::tunnel::ipv4;
use crate::tunnel::ipv4::Ipv4;
use crate::tunnel::mss;
use crate::tunnel::mss::MssClamp;
use crate::tunnel::transport;
use crate::tunnel::virtio::Offload;

/// Which way a packet takes into the tunnel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// Through the NAT: a LAN host's packet, or one of the router's own programs.
    Nat,
    /// As it is: from our address inside the tunnel to the lwAFTR's (TN-046).
    Control,
}

/// A packet that may go into the tunnel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Admitted {
    /// How it goes there.
    pub way: Way,
    /// Its octets; what follows them is none of it.
    pub len: usize,
    /// What is left to do at its end: [`Offload::None`], or segments to be split.
    pub offload: Offload,
}

/// Why a packet does not go into the tunnel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// It is dropped.
    Drop(DropReason),
    /// It is dropped, and its sender is owed a 3/4 with this next-hop MTU ([`super::icmpv4::error`]).
    TooBig {
        /// Octets that an inner packet may have.
        mtu: u16,
    },
}

impl From<DropReason> for Refusal {
    fn from(reason: DropReason) -> Self {
        Self::Drop(reason)
    }
}

impl Refusal {
    /// The counter that it belongs to.
    #[must_use]
    pub const fn reason(self) -> DropReason {
        match self {
            Self::Drop(reason) => reason,
            Self::TooBig { .. } => DropReason::TooBig,
        }
    }
}

/// What stands at the tunnel's entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Upstream {
    /// Our address inside the tunnel, 192.0.0.2 unless configured otherwise (TN-040).
    pub inner: Ipv4Addr,
    /// The lwAFTR's address inside the tunnel, 192.0.0.1.
    pub remote_inner: Ipv4Addr,
    /// The largest MSS of TCP that passes (FR-016).
    pub mss_clamp: MssClamp,
}

impl Upstream {
    /// Judges a packet read from the TUN device. Its checksum is whole afterwards, unless it is of many
    /// segments. `tunnel_mtu` is the octets that an inner packet may have.
    ///
    /// # Errors
    /// Why it does not go further; the packet is unchanged then, but for its checksum.
    pub fn admit(
        &self,
        packet: &mut [u8],
        offload: Offload,
        tunnel_mtu: u16,
    ) -> Result<Admitted, Refusal> {
        let ipv4 = Ipv4::parse(packet)?;
        let packet = &mut packet[..ipv4.total_len];
        let way = self.way(&ipv4)?;
        let largest = match offload {
            Offload::None => ipv4.total_len,
            Offload::Checksum { start, offset } => {
                // What is summed begins behind the header, which has been judged.
                if usize::from(start) < ipv4.header_len {
                    return Err(DropReason::BadOffload.into());
                }
                transport::complete(packet, start.into(), offset.into())?;
                ipv4.total_len
            }
            Offload::Segments { size, .. } => {
                let headers = transport::headers_len(packet, &ipv4);
                let headers = headers.ok_or(DropReason::BadOffload)?;
                ipv4.total_len.min(headers + usize::from(size))
            }
        };
        if largest > tunnel_mtu.into() && ipv4.dont_fragment() {
            return Err(Refusal::TooBig { mtu: tunnel_mtu });
        }
        if let Some(max) = self.mss_clamp.max(tunnel_mtu) {
            mss::clamp(packet, &ipv4, max);
        }
        let offload = match offload {
            Offload::Checksum { .. } => Offload::None,
            other => other,
        };
        Ok(Admitted {
            way,
            len: ipv4.total_len,
            offload,
        })
    }

    fn way(&self, ipv4: &Ipv4) -> Result<Way, DropReason> {
        if ipv4.source == self.inner && ipv4.destination == self.remote_inner {
            return Ok(Way::Control);
        }
        // The router's own programs send from our inner address, and are translated like any host.
        let is_ours = ipv4.source == self.inner;
        if ipv4::is_softwire_internal(ipv4.source) && !is_ours
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
        Ok(Way::Nat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::sample;
    use crate::tunnel::sample::hex;
    use crate::tunnel::transport::State;
    use crate::tunnel::virtio::Transport;

    const UPSTREAM: Upstream = Upstream {
        inner: Ipv4Addr::new(192, 0, 0, 2),
        remote_inner: Ipv4Addr::new(192, 0, 0, 1),
        mss_clamp: MssClamp::Auto,
    };

    fn between(source: [u8; 4], destination: [u8; 4]) -> Vec<u8> {
        let mut packet = hex(sample::UDP);
        packet[12..16].copy_from_slice(&source);
        packet[16..20].copy_from_slice(&destination);
        let len = packet.len() as u16;
        ipv4::set_lengths(&mut packet[..20], len, 5);
        packet
    }

    fn of_length(len: u16, flags: u8) -> Vec<u8> {
        let mut packet = hex(sample::UDP);
        packet.resize(len.into(), 0);
        packet[6] = flags;
        ipv4::set_lengths(&mut packet[..20], len, 5);
        packet
    }

    fn way(mut packet: Vec<u8>) -> Result<Way, Refusal> {
        UPSTREAM
            .admit(&mut packet, Offload::None, 1460)
            .map(|admitted| admitted.way)
    }

    #[test]
    fn lw_029_hosts_and_the_routers_programs_go_through_the_nat() {
        assert_eq!(way(hex(sample::UDP)), Ok(Way::Nat));
        assert_eq!(
            way(between([192, 0, 0, 2], [198, 51, 100, 7])),
            Ok(Way::Nat)
        );
    }

    #[test]
    fn a_checksum_is_never_written_into_the_header() {
        for (start, offset) in [(0, 10), (12, 6), (19, 0)] {
            let (mut packet, before) = (hex(sample::UDP), hex(sample::UDP));
            let offload = Offload::Checksum { start, offset };
            let admitted = UPSTREAM.admit(&mut packet, offload, 1460);
            assert_eq!(admitted, Err(DropReason::BadOffload.into()));
            assert_eq!(packet, before);
        }
    }

    #[test]
    fn tn_046_the_router_reaches_the_lwaftrs_inner_address_as_itself() {
        assert_eq!(
            way(between([192, 0, 0, 2], [192, 0, 0, 1])),
            Ok(Way::Control)
        );
    }

    #[test]
    fn tn_006_tn_042_tn_043_the_softwires_addresses_stay_inside() {
        for (source, destination) in [
            ([192, 168, 1, 2], [192, 0, 0, 1]),
            ([192, 0, 0, 2], [192, 0, 0, 7]),
            ([192, 0, 0, 1], [198, 51, 100, 7]),
            ([192, 0, 0, 3], [192, 0, 0, 1]),
        ] {
            let refused = way(between(source, destination));
            assert_eq!(
                refused,
                Err(DropReason::SoftwireInternal.into()),
                "{source:?}"
            );
        }
    }

    #[test]
    fn no_host_has_such_an_address() {
        let host = [192, 168, 1, 2];
        for odd in [
            [0, 0, 0, 0],
            [127, 0, 0, 1],
            [224, 0, 0, 251],
            [255, 255, 255, 255],
        ] {
            assert_eq!(
                way(between(odd, host)),
                Err(DropReason::InvalidSource.into())
            );
            assert_eq!(
                way(between(host, odd)),
                Err(DropReason::InvalidDestination.into())
            );
        }
    }

    #[test]
    fn fr_002_nt_014_too_big_with_df_is_refused_and_without_df_goes_whole() {
        const DF: u8 = 0x40;
        assert_eq!(way(of_length(1461, DF)), Err(Refusal::TooBig { mtu: 1460 }));
        assert_eq!(way(of_length(1460, DF)), Ok(Way::Nat));
        assert_eq!(way(of_length(1461, 0)), Ok(Way::Nat));
    }

    #[test]
    fn fr_002_of_many_segments_the_largest_counts() {
        let segments = |size| Offload::Segments {
            transport: Transport::Tcp,
            size,
        };
        let admit = |size, mtu| UPSTREAM.admit(&mut hex(sample::TCP), segments(size), mtu);
        // 52 octets of headers, 45 of payload.
        assert_eq!(
            admit(20, 72).map(|admitted| admitted.offload),
            Ok(segments(20))
        );
        assert_eq!(admit(20, 71), Err(Refusal::TooBig { mtu: 71 }));
        assert!(admit(200, 97).is_ok());
        let udp = Offload::Segments {
            transport: Transport::Udp,
            size: 1,
        };
        let mut icmp = between([192, 168, 1, 2], [198, 51, 100, 7]);
        icmp[9] = ipv4::ICMP;
        ipv4::set_lengths(&mut icmp[..20], 46, 5);
        let refused = UPSTREAM.admit(&mut icmp, udp, 1460);
        assert_eq!(refused, Err(DropReason::BadOffload.into()));
    }

    #[test]
    fn a_partial_checksum_is_whole_afterwards() {
        let mut packet = hex(sample::UDP);
        let whole = packet.clone();
        let ipv4 = Ipv4::parse(&packet).unwrap();
        let pseudo = ipv4.pseudo_header_sum(26);
        packet[26..28].copy_from_slice(&pseudo.to_be_bytes());
        assert_eq!(transport::state(&packet, &ipv4), State::Partial);
        let offload = Offload::Checksum {
            start: 20,
            offset: 6,
        };
        let admitted = UPSTREAM.admit(&mut packet, offload, 1460).unwrap();
        assert_eq!((admitted.offload, packet), (Offload::None, whole));
        for (start, offset) in [(46, 6), (20, 25), (60, 0)] {
            let offload = Offload::Checksum { start, offset };
            let refused = UPSTREAM.admit(&mut hex(sample::UDP), offload, 1460);
            assert_eq!(refused, Err(DropReason::BadOffload.into()));
        }
    }

    #[test]
    fn tn_003_tn_013_the_hop_is_the_kernels_to_take() {
        let mut packet = hex(sample::UDP);
        let before = packet[8];
        UPSTREAM.admit(&mut packet, Offload::None, 1460).unwrap();
        assert_eq!(packet[8], before);
    }
}
