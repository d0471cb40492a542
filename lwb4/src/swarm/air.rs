//! Raw sockets of many addresses: any of ours as source, and whose packet it is comes with it.

use std::io;
use std::io::IoSliceMut;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddrV6;
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::ControlMessageOwned;
use nix::sys::socket::MsgFlags;
use nix::sys::socket::SockaddrIn6;
use nix::sys::socket::recvmsg;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::Ipv6RecvPacketInfo;
use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::event::poll;
use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;

use crate::device::options;
use crate::tunnel::control::Datagram;
use crate::tunnel::icmpv6;
use crate::tunnel::icmpv6::Ends;
use crate::tunnel::icmpv6::News;
use crate::tunnel::ipv4::Ipv4;

/// The sockets.
pub(super) struct Air {
    remote: Ipv6Addr,
    out: Socket,
    tunnel: Socket,
    icmpv6: Socket,
    packet: Vec<u8>,
}

/// What has arrived for one of us.
pub(super) enum Arrived {
    /// A PCP message.
    Pcp {
        to: Ipv6Addr,
        from: Ipv6Addr,
        port: u16,
        payload: Vec<u8>,
    },
    /// The lwAFTR does not know the sender of a packet.
    Unbound {
        to: Ipv6Addr,
        from: Ipv6Addr,
        source: Ipv4Addr,
        port: Option<u16>,
    },
}

impl Arrived {
    /// Whose address it came to.
    pub(super) const fn to(&self) -> Ipv6Addr {
        match self {
            Self::Pcp { to, .. } | Self::Unbound { to, .. } => *to,
        }
    }
}

impl Air {
    /// Opens the sockets towards the lwAFTR.
    pub(super) fn open(remote: Ipv6Addr) -> io::Result<Self> {
        // With this protocol the header is ours to write (raw(7)).
        let out = raw(libc::IPPROTO_RAW)?;
        let tunnel = raw(IPV4_IN_IPV6)?;
        let icmpv6 = raw(libc::IPPROTO_ICMPV6)?;
        let only_unreachable = [!(1 << 1), !0, !0, !0, !0, !0, !0, !0];
        setsockopt(&icmpv6, options::Icmpv6Filter, &only_unreachable)?;
        for socket in [&tunnel, &icmpv6] {
            setsockopt(socket, Ipv6RecvPacketInfo, &true)?;
            socket.set_recv_buffer_size(QUEUE)?;
        }
        out.set_send_buffer_size(QUEUE)?;
        Ok(Self {
            remote,
            out,
            tunnel,
            icmpv6,
            packet: vec![0; LARGEST],
        })
    }

    /// Sends an inner packet from `own`. What the kernel does not take is lost, as on any link.
    pub(super) fn send(&mut self, own: Ipv6Addr, inner: &[u8]) {
        let mut packet = Vec::with_capacity(HEADER + inner.len());
        packet.extend([0x60, 0, 0, 0]);
        packet.extend((inner.len() as u16).to_be_bytes());
        packet.extend([IPV4_IN_IPV6 as u8, HOP_LIMIT]);
        packet.extend(own.octets());
        packet.extend(self.remote.octets());
        packet.extend(inner);
        let to = SocketAddrV6::new(self.remote, 0, 0, 0);
        self.out.send_to(&packet, &to.into()).ok();
    }

    /// Waits until something has arrived, for some time at most.
    pub(super) fn wait(&self, patience: Duration) -> io::Result<()> {
        let mut fds = [&self.tunnel, &self.icmpv6].map(|it| PollFd::new(it, PollFlags::IN));
        let patience = Timespec {
            tv_sec: patience.as_secs() as i64,
            tv_nsec: patience.subsec_nanos().into(),
        };
        match poll(&mut fds, Some(&patience)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The next that is for one of us, if any has arrived.
    pub(super) fn receive(&mut self) -> io::Result<Option<Arrived>> {
        while let Some((len, from, to)) = take(&self.tunnel, &mut self.packet)? {
            if let Some(arrived) = self.pcp(len, from, to) {
                return Ok(Some(arrived));
            }
        }
        while let Some((len, from, to)) = take(&self.icmpv6, &mut self.packet)? {
            if let Some(arrived) = self.unbound(len, from, to) {
                return Ok(Some(arrived));
            }
        }
        Ok(None)
    }

    fn pcp(&self, len: usize, from: Ipv6Addr, to: Ipv6Addr) -> Option<Arrived> {
        let packet = &self.packet[..len];
        let ipv4 = Ipv4::parse(packet).ok()?;
        let datagram = Datagram::read(&packet[..ipv4.total_len], &ipv4).ok()?;
        Some(Arrived::Pcp {
            to,
            from,
            port: datagram.to_port,
            payload: packet[datagram.payload].to_vec(),
        })
    }

    fn unbound(&self, len: usize, from: Ipv6Addr, to: Ipv6Addr) -> Option<Arrived> {
        let ends = Ends {
            own: to,
            lwaftr: self.remote,
            remote_inner: Ipv4Addr::UNSPECIFIED,
        };
        // Whether source and port are this lwB4's is for its state machine to say.
        let heard = icmpv6::hear(&self.packet[..len], from, &ends, |_, _| true).ok()?;
        match heard.news {
            News::NoBinding { source, port } => Some(Arrived::Unbound {
                to,
                from,
                source,
                port,
            }),
            News::TooBig { .. } | News::Unreachable => None,
        }
    }
}

fn raw(protocol: i32) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::from(protocol)))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A packet: its length, who sent it and whom it is for.
fn take(socket: &Socket, buffer: &mut [u8]) -> io::Result<Option<(usize, Ipv6Addr, Ipv6Addr)>> {
    let mut control = cmsg_space!(libc::in6_pktinfo);
    let mut slices = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_DONTWAIT;
    let received =
        match recvmsg::<SockaddrIn6>(socket.as_raw_fd(), &mut slices, Some(&mut control), flags) {
            Ok(received) => received,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
    let from = received
        .address
        .map_or(Ipv6Addr::UNSPECIFIED, |address| address.ip());
    let to = received.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::Ipv6PacketInfo(info) => {
            Some(Ipv6Addr::from_octets(info.ipi6_addr.s6_addr))
        }
        _ => None,
    });
    Ok(Some((
        received.bytes,
        from,
        to.unwrap_or(Ipv6Addr::UNSPECIFIED),
    )))
}

/// RFC 2473 s5.
const IPV4_IN_IPV6: i32 = 4;
const HEADER: usize = 40;
const HOP_LIMIT: u8 = 64;
/// Nothing larger comes from a PCP server (RFC 6887 s7).
const LARGEST: usize = 2048;
/// As much as the system allows; it cuts silently.
const QUEUE: usize = 8 << 20;
