//! The tunnel's two ends, given any octets: what comes out of the softwire, what is said of it, and what the
//! kernel would send into it.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::ops::Range;

use lwb4::tunnel::Offload;
use lwb4::tunnel::coalesce::Coalescer;
use lwb4::tunnel::downstream::Downstream;
use lwb4::tunnel::downstream::Inner;
use lwb4::tunnel::ecn::DscpModel;
use lwb4::tunnel::icmpv6;
use lwb4::tunnel::icmpv6::Ends;
use lwb4::tunnel::icmpv6::News;
use lwb4::tunnel::mss::MssClamp;
use lwb4::tunnel::segment;
use lwb4::tunnel::upstream::Upstream;
use lwb4::tunnel::upstream::Way;
use lwb4::tunnel::virtio;

use crate::input::Input;
use crate::lwb4::packet;
use crate::lwb4::packet::HEADER;
use crate::sum::sum;

/// Takes octets for packets, each of one of the ways that packets come, and holds what is let through to
/// its laws.
pub fn tunnel(octets: &[u8]) {
    let mut input = Input::new(octets);
    let site = Site::read(&mut input);
    while !input.is_empty() {
        match input.octet() % 4 {
            0 => site.down(&mut input),
            1 => site.up(&mut input),
            2 => site.hear(&mut input),
            _ => site.group(&mut input),
        }
    }
}

/// How the ends are configured.
struct Site {
    mss_clamp: MssClamp,
    dscp: DscpModel,
    mtu: u16,
}

impl Site {
    fn read(input: &mut Input<'_>) -> Self {
        Self {
            mss_clamp: input.pick(&[MssClamp::Auto, MssClamp::Off, MssClamp::Bytes(28)]),
            dscp: input.pick(&[DscpModel::Uniform, DscpModel::Pipe { dscp: 46 }]),
            mtu: input.pick(&[1460, 1240, 1500, 100]),
        }
    }

    const fn downstream(&self) -> Downstream {
        Downstream {
            lwaftr: LWAFTR,
            inner: INNER,
            remote_inner: REMOTE_INNER,
            mss_clamp: self.mss_clamp,
            dscp: self.dscp,
        }
    }

    /// Nothing but data, control and PCP of the lwAFTR comes out (LW-030, TN-043).
    fn down(&self, input: &mut Input<'_>) {
        let from = input.pick(&[LWAFTR, OWN]);
        let class = input.octet();
        let mut octets = octets(input);
        let accepted = self.downstream().accept(&mut octets, from, class, self.mtu);
        let Ok(accepted) = accepted else {
            return;
        };
        assert_eq!(from, LWAFTR);
        let octets = &octets[..accepted.len];
        let (source, destination) = packet::ends(octets);
        match &accepted.kind {
            Inner::Data => {
                let is_error = *source.ip() == REMOTE_INNER && octets[9] == packet::ICMP;
                assert!(!is_internal(*source.ip()) || is_error, "{source}");
                assert!(!is_internal(*destination.ip()), "{destination}");
            }
            Inner::Kernel => {
                assert_eq!((*source.ip(), *destination.ip()), (REMOTE_INNER, INNER));
            }
            Inner::Pcp { message, .. } => is_datagram(octets, message),
            Inner::Announcement { message } => is_datagram(octets, message),
        }
        is_right(octets);
        let mut coalescer = Coalescer::new();
        coalescer.push(octets, accepted.offload);
        coalescer.finish(|bundle| {
            let length: usize = bundle.slices().iter().map(|slice| slice.len()).sum();
            assert!(length <= virtio::HEADER + octets.len());
        });
    }

    /// The group brings announcements, and nothing else (FO-016).
    fn group(&self, input: &mut Input<'_>) {
        let from = input.pick(&[LWAFTR, OWN]);
        let octets = octets(input);
        if let Ok(accepted) = self.downstream().accept_from_group(&octets, from) {
            let Inner::Announcement { message } = &accepted.kind else {
                panic!("{accepted:?}");
            };
            assert_eq!(from, LWAFTR);
            is_datagram(&octets, message);
        }
    }

    /// Addresses of the softwire stay inside, and no piece is longer than the packet was.
    fn up(&self, input: &mut Input<'_>) {
        let header = input.pick(&[[0, 0], [1, 0], [0, 1], [0, 3]]);
        let mut virtio = [0; virtio::HEADER];
        virtio[..2].copy_from_slice(&header);
        for octet in &mut virtio[2..] {
            *octet = if header == [0, 0] { 0 } else { input.octet() };
        }
        let Ok(offload) = Offload::read(&virtio) else {
            return;
        };
        let upstream = Upstream {
            inner: INNER,
            remote_inner: REMOTE_INNER,
            mss_clamp: self.mss_clamp,
        };
        let mut octets = octets(input);
        let Ok(admitted) = upstream.admit(&mut octets, offload, self.mtu) else {
            return;
        };
        let octets = &octets[..admitted.len];
        let (source, destination) = packet::ends(octets);
        match admitted.way {
            Way::Control => {
                assert_eq!((*source.ip(), *destination.ip()), (INNER, REMOTE_INNER));
            }
            Way::Nat => {
                let is_ours = *source.ip() == INNER;
                assert!(!is_internal(*source.ip()) || is_ours, "{source}");
                assert!(!is_internal(*destination.ip()), "{destination}");
            }
        }
        if let Ok(segments) = segment::split(octets, admitted.offload, self.dscp) {
            let no_fragments = octets[6] & 0x40 != 0;
            for segment in segments {
                let [headers, payload] = segment.parts();
                is_right(&[headers, payload].concat());
                assert!(segment.len() <= octets.len());
                assert!(segment.len() <= self.mtu.into() || !no_fragments);
            }
        }
    }

    /// An error is believed for what it quotes, and "unknown" from the lwAFTR alone (LW-033, LW-034).
    fn hear(&self, input: &mut Input<'_>) {
        let from = input.pick(&[LWAFTR, OWN]);
        let mut message = input
            .pick(&[[1, 5], [2, 0], [3, 0], [1, 0], [4, 1]])
            .to_vec();
        message.extend([0, 0, 0, 0]);
        message.extend(input.number().to_be_bytes());
        if input.octet() & 7 != 7 {
            let inner = octets(input);
            let length = input.pick(&[inner.len() as u16, 1460, 8, u16::MAX]);
            message.extend([0x60, 0, 0, 0]);
            message.extend(length.to_be_bytes());
            message.push(input.pick(&[4, 44, 17]));
            message.push(64);
            message.extend(input.pick(&[OWN, LWAFTR]).octets());
            message.extend(input.pick(&[LWAFTR, OWN]).octets());
            message.extend(inner);
        } else {
            let count = usize::from(input.octet());
            message.extend(input.take(count));
        }
        let ends = Ends {
            own: OWN,
            lwaftr: LWAFTR,
            remote_inner: REMOTE_INNER,
        };
        let is_own = |address: Ipv4Addr, port: Option<u16>| {
            address == PUBLIC && port.is_none_or(|port| OUR_PORTS.contains(&port))
        };
        let Ok(heard) = icmpv6::hear(&message, from, &ends, is_own) else {
            return;
        };
        match heard.news {
            News::NoBinding { source, port } => {
                assert_eq!(from, LWAFTR);
                assert!(is_own(source, port), "{source} {port:?}");
            }
            News::TooBig { mtu } => assert!(mtu >= IPV6_MIN),
            News::Unreachable => {}
        }
        if let Ok(relay) = heard.relay {
            is_right(&relay);
            assert_eq!(*packet::ends(&relay).1.ip(), PUBLIC);
            assert_eq!(packet::transport_sum(&relay), 0xffff);
            assert!(relay.len() <= LONGEST_ERROR, "{}", relay.len());
        }
    }
}

/// A packet, most of which is as it should be.
fn octets(input: &mut Input<'_>) -> Vec<u8> {
    let choices = input.octet();
    let count = usize::from(input.octet()) * if choices & 0x80 == 0 { 1 } else { 8 };
    let mut octets = input.take(count).to_vec();
    if octets.len() < HEADER || choices & 1 != 0 {
        return octets;
    }
    if choices & 2 == 0 {
        let ends = [INNER, REMOTE_INNER, PUBLIC, REMOTE, ALL_HOSTS, LAN_HOST];
        octets[12..16].copy_from_slice(&input.pick(&ends).octets());
        octets[16..20].copy_from_slice(&input.pick(&ends).octets());
    }
    if choices & 4 == 0 {
        octets[9] = input.pick(&[packet::UDP, packet::TCP, packet::ICMP, 47]);
    }
    if choices & 8 == 0 {
        octets[0] = 0x45;
        octets[6..8].fill(0);
    }
    if choices & 16 == 0
        && octets[0] & 15 == 5
        && let Some(at) = packet::checksum_at(octets[9])
        && octets.len() > at + 2
    {
        if octets[9] == packet::UDP {
            let length = (octets.len() - HEADER) as u16;
            octets[HEADER + 4..HEADER + 6].copy_from_slice(&length.to_be_bytes());
        }
        packet::seal(&mut octets, at);
    }
    packet::mend(&mut octets);
    octets
}

fn is_internal(address: Ipv4Addr) -> bool {
    matches!(address.octets(), [192, 0, 0, 0..=7])
}

/// A header that sums up, and a length that is the packet's.
fn is_right(octets: &[u8]) {
    let header = usize::from(octets[0] & 15) * 4;
    assert_eq!(sum(&[&octets[..header]]), 0xffff);
    let length = u16::from_be_bytes([octets[2], octets[3]]);
    assert_eq!(usize::from(length), octets.len());
}

/// A message that is the payload of a datagram between these two ports, or to everybody.
fn is_datagram(octets: &[u8], message: &Range<usize>) {
    let (source, _) = packet::ends(octets);
    assert_eq!((*source.ip(), octets[9]), (REMOTE_INNER, packet::UDP));
    let header = usize::from(octets[0] & 15) * 4;
    assert_eq!(message.start, header + 8);
    assert!(message.end <= octets.len(), "{message:?}");
}

const LWAFTR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xaf, 0, 0, 0, 0, 1);
const OWN: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xb4, 0, 0, 0, 0, 1);
const INNER: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 2);
const REMOTE_INNER: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 1);
const PUBLIC: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
const REMOTE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
const LAN_HOST: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
/// Half of all ports, so that a fuzzer meets them.
const OUR_PORTS: std::ops::RangeInclusive<u16> = 0..=0x7fff;
/// RFC 8200 s5.
const IPV6_MIN: u16 = 1280;
/// RFC 1812 s4.3.2.3.
const LONGEST_ERROR: usize = 576;
