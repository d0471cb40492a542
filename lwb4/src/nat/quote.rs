//! The packet that an ICMP error quotes, and its translation (RFC 5508 s4; NT-019, IC-004, IC-005).

use std::net::SocketAddrV4;

use crate::checksum;
use crate::checksum::Delta;
use crate::nat::checksum::Checksum;
use crate::nat::drop::NatDrop;
use crate::nat::icmp;
use crate::nat::packet::HEADER_CHECKSUM;
use crate::nat::packet::Ipv4;
use crate::nat::packet::Layout;
use crate::nat::packet::read16;
use crate::nat::packet::write16;
use crate::nat::rewrite;
use crate::nat::rewrite::End;

/// A quoted packet, by its place in the one that quotes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quote {
    /// Where its IPv4 header begins.
    at: usize,
    ip: Ipv4,
    layout: Layout,
    pub(super) source: SocketAddrV4,
    pub(super) destination: SocketAddrV4,
    /// The type of a quoted ICMP message, which is a query or a reply.
    kind: Option<u8>,
}

impl Quote {
    /// The quote of an ICMP error, with its checksums looked at, but not that of the quoted transport.
    pub(super) fn read(packet: &[u8], outer: &Ipv4) -> Result<Self, NatDrop> {
        let icmp = &packet[outer.header..outer.total];
        if outer.is_first_fragment() || checksum::sum(icmp) != 0xffff {
            return Err(NatDrop::IcmpBad);
        }
        let length = match icmp[0] {
            // Extensions begin behind so many words (RFC 4884 s4).
            icmp::UNREACHABLE | icmp::TIME_EXCEEDED | icmp::PARAMETER if icmp[5] > 0 => {
                usize::from(icmp[5]) * 4
            }
            _ => usize::MAX,
        };
        let quoted = &icmp[icmp::HEADER..];
        let quoted = &quoted[..quoted.len().min(length)];
        Self::of(quoted, outer.header + icmp::HEADER).ok_or(NatDrop::IcmpBad)
    }

    fn of(quoted: &[u8], at: usize) -> Option<Self> {
        let ip = Ipv4::quoted(quoted)?;
        let transport = &quoted[ip.header..ip.total];
        let layout = Layout::of(ip.protocol);
        if ip.is_later_fragment() || (transport.len() < 8 && layout != Layout::Opaque) {
            return None;
        }
        if layout == Layout::Icmp && !icmp::is_query(transport[0]) && !icmp::is_reply(transport[0])
        {
            return None;
        }
        let port = |end| rewrite::port_at(layout, end).map_or(0, |at| read16(transport, at));
        Some(Self {
            at,
            ip,
            layout,
            source: SocketAddrV4::new(ip.source, port(End::Source)),
            destination: SocketAddrV4::new(ip.destination, port(End::Destination)),
            kind: (layout == Layout::Icmp).then(|| transport[0]),
        })
    }

    /// The quoted packet's protocol.
    pub(super) const fn protocol(&self) -> u8 {
        self.ip.protocol
    }

    /// How the quoted packet's transport header lies.
    pub(super) const fn layout(&self) -> Layout {
        self.layout
    }

    /// Whether a LAN host can have sent the quoted packet: of ICMP we let only queries out.
    pub(super) fn asks(&self) -> bool {
        self.kind.is_none_or(icmp::is_query)
    }

    /// Whether a LAN host can have received it: of ICMP we let only replies in.
    pub(super) fn answers(&self) -> bool {
        self.kind.is_none_or(icmp::is_reply)
    }

    /// Changes one end of the quoted packet, its checksums, and that of the error around it.
    pub(super) fn rewrite(&self, packet: &mut [u8], outer: &Ipv4, end: End, to: SocketAddrV4) {
        let mut ip = self.ip;
        let quoted = &mut packet[self.at..self.at + ip.total];
        let header = read16(quoted, HEADER_CHECKSUM);
        let addresses = rewrite::address(quoted, &mut ip, end, *to.ip());
        let mut all = addresses.and(Delta::word(header, read16(quoted, HEADER_CHECKSUM)));
        let transport = &mut quoted[ip.header..];
        let mut ports = Delta::default();
        if let Some(at) = rewrite::port_at(self.layout, end) {
            ports = Delta::word(read16(transport, at), to.port());
            write16(transport, at, to.port());
        }
        all = all.and(ports);
        if let Some((at, new)) = self.checksum(transport, addresses, ports) {
            all = all.and(Delta::word(read16(transport, at), new));
            write16(transport, at, new);
        }
        let at = outer.header + rewrite::ICMP_CHECKSUM;
        write16(packet, at, all.apply(read16(packet, at)));
    }

    /// Where the quoted transport's checksum is, unless it was cut off, and what it has to be.
    fn checksum(&self, transport: &[u8], addresses: Delta, ports: Delta) -> Option<(usize, u16)> {
        let (at, addresses) = match self.layout {
            Layout::Icmp => (rewrite::ICMP_CHECKSUM, Delta::default()),
            layout => (layout.checksum_at()?, addresses),
        };
        let old = u16::from_be_bytes(transport.get(at..at + 2)?.try_into().ok()?);
        let new =
            rewrite::transport_checksum(self.layout, old, addresses, ports, Checksum::Complete);
        Some((at, new))
    }
}
