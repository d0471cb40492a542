//! The raw IPv6 sockets of the softwire: next header 4 (RFC 2473 s5), inner packets as payload.
//!
//! The kernel writes the outer header (hop limit as configured, flow label 0; TN-002,
//! TN-014), and delivers what is for
//! our address, put together from its fragments (FR-001, FR-008, FR-009) and without its extension headers
//! (TN-005). Who sent it is checked in `tunnel::downstream`, so that what is dropped is counted.
//!
//! Packets that come with their IPv6 header would need no grouping by traffic class, but the kernel takes a third
//! more time for each of them (1.3 µs in place of 1.0 at 1500 octets).
//!
//! The kernel hears no packet-too-big for this socket: those are checked in `tunnel::icmpv6`, and the path
//! MTU is told by [`Softwire::set_path_mtu`]. What exceeds it leaves in fragments that `tunnel::fragment`
//! has made, by a socket of its own.

use std::array;
use std::io;
use std::io::IoSlice;
use std::io::IoSliceMut;
use std::net::Ipv6Addr;
use std::net::SocketAddrV6;
use std::ops::AddAssign;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;

use arrayvec::ArrayVec;
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::ControlMessage;
use nix::sys::socket::ControlMessageOwned;
use nix::sys::socket::MsgFlags;
use nix::sys::socket::MultiHeaders;
use nix::sys::socket::SockaddrIn6;
use nix::sys::socket::recvmmsg;
use nix::sys::socket::sendmmsg;
use nix::sys::socket::sendto;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::Ipv6TClass;
use nix::sys::socket::sockopt::RcvBufForce;
use nix::sys::socket::sockopt::SndBufForce;
use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;

use crate::device::options;
use crate::tunnel::OVERHEAD;
use crate::tunnel::fragment::Fragmenter;
use crate::tunnel::segment::Segment;

/// The socket between our tunnel address and the lwAFTR. It stays in the thread that opened it.
pub struct Softwire {
    socket: Socket,
    /// For packets that come with their IPv6 header.
    whole: Socket,
    fragmenter: Fragmenter,
    /// Octets of an IPv6 packet.
    path_mtu: u16,
    /// The socket's traffic class, which costs less than one that comes with each packet.
    class: Option<u8>,
    /// The lwAFTR, as often as one call sends.
    to: Vec<Option<SockaddrIn6>>,
    send_headers: MultiHeaders<SockaddrIn6>,
    receive_headers: MultiHeaders<SockaddrIn6>,
}

/// What became of packets.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Sent {
    /// Packets that the kernel took.
    pub sent: usize,
    /// Their octets.
    pub octets: usize,
    /// Packets that it had no room for.
    pub full: usize,
    /// Packets that it refused, as without a route.
    pub refused: usize,
}

impl AddAssign for Sent {
    fn add_assign(&mut self, more: Self) {
        self.sent += more.sent;
        self.octets += more.octets;
        self.full += more.full;
        self.refused += more.refused;
    }
}

impl Softwire {
    /// Opens the socket at `own`, an address of this host, towards `lwaftr`; packets leave with this hop
    /// limit.
    ///
    /// # Errors
    /// When the system refuses, as without CAP_NET_RAW, or `own` is not (or not yet) an address of ours, or
    /// both are the same (TN-006).
    pub fn open(own: Ipv6Addr, lwaftr: Ipv6Addr, hop_limit: u8) -> io::Result<Self> {
        if own == lwaftr {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let socket = raw(IPV4_IN_IPV6)?;
        socket.bind(&SocketAddrV6::new(own, 0, 0, 0).into())?;
        setsockopt(&socket, options::Ipv6MtuDiscover, &options::PMTUDISC_OMIT)?;
        setsockopt(&socket, options::Ipv6AutoFlowLabel, &0)?;
        socket.set_unicast_hops_v6(hop_limit.into())?;
        // Otherwise it gets what is sent to the groups that others have joined, though it is bound.
        socket.set_multicast_all_v6(false)?;
        socket.set_recv_tclass_v6(true)?;
        // What CAP_NET_ADMIN allows beyond the system's limit, which is below what a burst needs.
        setsockopt(&socket, SndBufForce, &QUEUE)?;
        setsockopt(&socket, RcvBufForce, &QUEUE)?;
        let to = SockaddrIn6::from(SocketAddrV6::new(lwaftr, 0, 0, 0));
        Ok(Self {
            socket,
            whole: raw(libc::IPPROTO_RAW)?,
            fragmenter: Fragmenter::new(own, lwaftr, hop_limit),
            path_mtu: u16::MAX,
            class: None,
            to: vec![Some(to); MOST],
            send_headers: MultiHeaders::preallocate(MOST, None),
            receive_headers: MultiHeaders::preallocate(BURST, Some(cmsg_space!(i32))),
        })
    }

    /// Octets of an IPv6 packet that the path takes: larger ones are fragmented ([`PathMtu::path`]). It
    /// should not exceed the interface's MTU, to which the kernel fragments without being told.
    ///
    /// [`PathMtu::path`]: crate::tunnel::path_mtu::PathMtu::path
    pub const fn set_path_mtu(&mut self, mtu: u16) {
        self.path_mtu = mtu;
    }

    /// Sends packets to the lwAFTR, in order, in as few calls as their traffic classes allow. What the kernel
    /// does not take is lost, as on any link.
    pub fn send(&mut self, segments: &[Segment<'_>]) -> Sent {
        let mut done = Sent::default();
        let room = usize::from(self.path_mtu.saturating_sub(OVERHEAD));
        let kind = |segment: &Segment<'_>| (segment.traffic_class(), segment.len() <= room);
        for same in segments.chunk_by(|one, other| kind(one) == kind(other)) {
            if same[0].len() > room {
                same.iter()
                    .for_each(|segment| self.send_in_fragments(segment, &mut done));
                continue;
            }
            for burst in same.chunks(MOST) {
                self.send_burst(burst, &mut done);
            }
        }
        done
    }

    /// Sends a packet that the path does not take whole; where one piece is lost, so is it.
    fn send_in_fragments(&mut self, segment: &Segment<'_>, done: &mut Sent) {
        let Some(to) = self.to[0] else {
            return;
        };
        for fragment in self.fragmenter.fragments(segment, self.path_mtu) {
            match sendto(
                self.whole.as_raw_fd(),
                &fragment,
                &to,
                MsgFlags::MSG_DONTWAIT,
            ) {
                Ok(_) => {}
                Err(Errno::EAGAIN | Errno::ENOBUFS) => {
                    done.full += 1;
                    return;
                }
                Err(_) => {
                    done.refused += 1;
                    return;
                }
            }
        }
        done.sent += 1;
        done.octets += segment.len();
    }

    /// Sends up to [`MOST`] packets of one traffic class.
    fn send_burst(&mut self, burst: &[Segment<'_>], done: &mut Sent) {
        let Some(first) = burst.first() else {
            return;
        };
        if self.set_class(first.traffic_class()).is_err() {
            done.refused += burst.len();
            return;
        }
        let messages: ArrayVec<[IoSlice<'_>; 2], MOST> = burst
            .iter()
            .map(|segment| segment.parts().map(IoSlice::new))
            .collect();
        let mut at = 0;
        while at < burst.len() {
            match self.send_some(&messages[at..]) {
                Ok(sent) => {
                    done.sent += sent;
                    done.octets += octets(&burst[at..at + sent]);
                    at += sent.max(1);
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN | Errno::ENOBUFS) => {
                    done.full += burst.len() - at;
                    return;
                }
                Err(_) => {
                    done.refused += 1;
                    at += 1;
                }
            }
        }
    }

    fn send_some(&mut self, messages: &[[IoSlice<'_>; 2]]) -> Result<usize, Errno> {
        let nothing_more: [ControlMessage<'_>; 0] = [];
        let sent = sendmmsg(
            self.socket.as_raw_fd(),
            &mut self.send_headers,
            messages,
            &self.to,
            nothing_more,
            MsgFlags::MSG_DONTWAIT,
        )?;
        Ok(sent.count())
    }

    /// What is sent from now on has this traffic class.
    fn set_class(&mut self, class: u8) -> Result<(), Errno> {
        if self.class != Some(class) {
            setsockopt(&self.socket, Ipv6TClass, &i32::from(class))?;
            self.class = Some(class);
        }
        Ok(())
    }

    /// Receives what waits, up to a burst. Says how many packets.
    ///
    /// # Errors
    /// When the socket fails; none waiting is no error.
    pub fn receive(&mut self, burst: &mut Burst) -> io::Result<usize> {
        receive(&self.socket, &mut self.receive_headers, burst)
    }
}

impl AsFd for Softwire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The socket of a multicast group that the lwAFTR may announce itself to (FO-015). It stays in the thread
/// that opened it.
pub struct Group {
    socket: Socket,
    headers: MultiHeaders<SockaddrIn6>,
}

impl Group {
    /// Joins `group` on the interface of this index.
    ///
    /// # Errors
    /// When the system refuses, or `group` is no multicast address.
    pub fn join(group: Ipv6Addr, interface: u32) -> io::Result<Self> {
        let socket = raw(IPV4_IN_IPV6)?;
        socket.bind(&SocketAddrV6::new(group, 0, 0, interface).into())?;
        socket.join_multicast_v6(&group, interface)?;
        socket.set_recv_tclass_v6(true)?;
        let headers = MultiHeaders::preallocate(BURST, Some(cmsg_space!(i32)));
        Ok(Self { socket, headers })
    }

    /// Receives what waits, up to a burst, for `tunnel::downstream::Downstream::accept_from_group`.
    ///
    /// # Errors
    /// When the socket fails; none waiting is no error.
    pub fn receive(&mut self, burst: &mut Burst) -> io::Result<usize> {
        receive(&self.socket, &mut self.headers, burst)
    }
}

impl AsFd for Group {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Room for the packets that one call receives. Its default has none, and costs nothing: it can stand in the
/// place of one that is lent.
///
/// Most packets fit a slot, and the slots lie close together. What exceeds one goes on in the place that a
/// large packet has, behind room for what is in the slot.
#[derive(Default)]
pub struct Burst {
    slots: Vec<u8>,
    large: Vec<u8>,
    received: Vec<Received>,
}

/// What the kernel says of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Received {
    /// Octets of the outer payload.
    pub len: usize,
    /// The outer source.
    pub from: Ipv6Addr,
    /// The outer DSCP and ECN. Of a packet that was put together it is what the kernel made of
    /// its fragments' (EC-005).
    pub traffic_class: u8,
}

impl Burst {
    /// Room for a burst; the memory is used as packets need it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            slots: vec![0; BURST * SLOT],
            large: vec![0; BURST * LARGEST],
            received: Vec::with_capacity(BURST),
        }
    }

    /// The packets of the last call, in order, each with its octets.
    pub fn packets(&mut self) -> impl Iterator<Item = (Received, &mut [u8])> {
        let slots = self.slots.chunks_mut(SLOT);
        let places = slots.zip(self.large.chunks_mut(LARGEST));
        self.received
            .iter()
            .zip(places)
            .map(|(received, (slot, large))| {
                let place = if received.len > SLOT { large } else { slot };
                (*received, &mut place[..received.len])
            })
    }

    /// Puts what large packets have in their slots before the rest.
    fn join(&mut self) {
        let slots = self.slots.chunks(SLOT);
        let places = slots.zip(self.large.chunks_mut(LARGEST));
        for (received, (slot, large)) in self.received.iter().zip(places) {
            if received.len > SLOT {
                large[..SLOT].copy_from_slice(slot);
            }
        }
    }
}

fn receive(
    socket: &Socket,
    headers: &mut MultiHeaders<SockaddrIn6>,
    burst: &mut Burst,
) -> io::Result<usize> {
    let Burst {
        slots,
        large,
        received,
    } = burst;
    received.clear();
    let count = slots.len() / SLOT;
    let slots = slots.chunks_mut(SLOT);
    let mut places = slots.zip(large.chunks_mut(LARGEST));
    let mut room: [[IoSliceMut<'_>; 2]; BURST] = array::from_fn(|_| {
        let (slot, large) = places.next().unwrap_or_default();
        let behind = large.get_mut(SLOT..).unwrap_or_default();
        [slot, behind].map(IoSliceMut::new)
    });
    let flags = MsgFlags::MSG_DONTWAIT;
    let room = &mut room[..count];
    let messages = match recvmmsg(socket.as_raw_fd(), headers, room, flags, None) {
        Ok(messages) => messages,
        Err(Errno::EAGAIN | Errno::EINTR) => return Ok(0),
        Err(errno) => return Err(errno.into()),
    };
    for message in messages {
        let from = message
            .address
            .map_or(Ipv6Addr::UNSPECIFIED, |address| address.ip());
        let class = message.cmsgs()?.find_map(|cmsg| match cmsg {
            ControlMessageOwned::Ipv6TClass(class) => Some(class as u8),
            _ => None,
        });
        received.push(Received {
            len: message.bytes,
            from,
            traffic_class: class.unwrap_or_default(),
        });
    }
    burst.join();
    Ok(burst.received.len())
}

fn octets(segments: &[Segment<'_>]) -> usize {
    segments.iter().map(Segment::len).sum()
}

/// A raw IPv6 socket that does not block.
pub(crate) fn raw(protocol: i32) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::from(protocol)))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Next header: IPv4 in IPv6 (RFC 2473 s5).
const IPV4_IN_IPV6: i32 = 4;
/// Octets that wait in a socket at most.
const QUEUE: usize = 4 << 20;
/// Packets that one call sends.
pub const MOST: usize = 64;
/// Packets that one call receives.
const BURST: usize = 64;
/// Octets that a packet of the usual MTUs does not exceed.
const SLOT: usize = 2048;
/// Octets of the largest packet.
const LARGEST: usize = 65536;
