//! The sockets of the PCP server for the LAN: UDP 5351 on the interfaces that the configuration names, and on
//! no other (PC-001).
//!
//! Each is bound to its interface, so that a request from the WAN finds nobody there, whatever address it is
//! sent to. An answer leaves from the address that was asked, for clients look at that (PC-105), and by the
//! interface that the question came in by.

use std::io;
use std::io::IoSlice;
use std::io::IoSliceMut;
use std::net::Ipv4Addr;
use std::net::SocketAddrV4;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::libc::in_pktinfo;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::ControlMessage;
use nix::sys::socket::ControlMessageOwned;
use nix::sys::socket::MsgFlags;
use nix::sys::socket::SockaddrIn;
use nix::sys::socket::recvmsg;
use nix::sys::socket::sendmsg;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::Ipv4PacketInfo;
use pcp::wire::CLIENT_PORT;
use pcp::wire::SERVER_PORT;
use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;
use thiserror::Error;

use crate::lan_pcp::Contact;
use crate::lan_pcp::Datagram;
use crate::lan_pcp::Destination;

/// One socket for each LAN.
#[derive(Debug)]
pub struct LanSockets {
    sockets: Vec<LanSocket>,
    /// Whose turn it is, so that a busy LAN does not keep another from being heard.
    next: usize,
}

#[derive(Debug)]
struct LanSocket {
    interface: u32,
    socket: Socket,
}

impl LanSockets {
    /// Listens on these interfaces.
    ///
    /// # Errors
    /// When there is no such interface, or another server has the port there.
    pub fn open(interfaces: &[impl AsRef<str>]) -> Result<Self, LanError> {
        let opened = interfaces.iter().map(|name| LanSocket::open(name.as_ref()));
        let sockets = opened.collect::<Result<_, _>>()?;
        Ok(Self { sockets, next: 0 })
    }

    /// What becomes readable when a request is there.
    pub fn readable(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.sockets.iter().map(|socket| socket.socket.as_fd())
    }

    /// A request, if one waits: who sends it, and how many octets of `buffer` it has. A buffer of more than
    /// 1100 octets shows one that is too long to be so.
    ///
    /// # Errors
    /// When the system has something to say of a socket; the others still work.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<(Contact, usize)>> {
        for _ in 0..self.sockets.len() {
            let socket = &self.sockets[self.next];
            match socket.receive(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
            self.next = (self.next + 1) % self.sockets.len();
        }
        Ok(None)
    }

    /// Answers a request.
    ///
    /// # Errors
    /// When the system does not take it.
    pub fn answer(&self, to: &Contact, payload: &[u8]) -> io::Result<()> {
        let mut sockets = self.sockets.iter();
        let socket = sockets.find(|socket| socket.interface == to.interface);
        let socket = socket.ok_or(io::ErrorKind::NotFound)?;
        socket.send(to.client, Some(to.server), payload)
    }

    /// Sends what nobody asked for: to one client, or by multicast on every LAN.
    ///
    /// # Errors
    /// The first that happens; every LAN is tried.
    pub fn send(&self, datagram: &Datagram) -> io::Result<()> {
        match &datagram.to {
            Destination::Client(contact) => self.answer(contact, &datagram.payload),
            Destination::Everybody => {
                let mut first = Ok(());
                for socket in &self.sockets {
                    let sent = socket.send(EVERYBODY, None, &datagram.payload);
                    first = first.and(sent);
                }
                first
            }
        }
    }
}

impl LanSocket {
    fn open(name: &str) -> Result<Self, LanError> {
        let interface = if_nametoindex(name).map_err(|error| LanError::Interface {
            name: name.to_owned(),
            error: error.into(),
        })?;
        let socket = listening(name).map_err(|error| LanError::Socket {
            name: name.to_owned(),
            error,
        })?;
        Ok(Self { interface, socket })
    }

    /// What was sent to all of a network, or by multicast, is no request.
    fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<(Contact, usize)>> {
        loop {
            let mut control = nix::cmsg_space!(in_pktinfo);
            let mut octets = [IoSliceMut::new(buffer)];
            let received = recvmsg::<SockaddrIn>(
                self.socket.as_raw_fd(),
                &mut octets,
                Some(&mut control),
                MsgFlags::MSG_DONTWAIT,
            );
            let received = match received {
                Err(Errno::EINTR) => continue,
                other => other?,
            };
            let asked = received.cmsgs()?.find_map(|message| match message {
                ControlMessageOwned::Ipv4PacketInfo(info) => unicast(&info),
                _ => None,
            });
            if let (Some(client), Some(server)) = (received.address, asked) {
                let contact = Contact {
                    client: client.into(),
                    server,
                    interface: self.interface,
                };
                return Ok(Some((contact, received.bytes)));
            }
        }
    }

    fn send(&self, to: SocketAddrV4, from: Option<Ipv4Addr>, payload: &[u8]) -> io::Result<()> {
        let info = from.map(|address| in_pktinfo {
            ipi_ifindex: 0,
            ipi_spec_dst: nix::libc::in_addr {
                s_addr: address.to_bits().to_be(),
            },
            ipi_addr: nix::libc::in_addr { s_addr: 0 },
        });
        let control: Vec<_> = info.iter().map(ControlMessage::Ipv4PacketInfo).collect();
        sendmsg(
            self.socket.as_raw_fd(),
            &[IoSlice::new(payload)],
            &control,
            MsgFlags::MSG_DONTWAIT,
            Some(&SockaddrIn::from(to)),
        )?;
        Ok(())
    }
}

fn listening(interface: &str) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    // Before the port, so that the sockets of several LANs do not meet.
    socket.bind_device(Some(interface.as_bytes()))?;
    socket.set_nonblocking(true)?;
    setsockopt(&socket, Ipv4PacketInfo, &true)?;
    socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, SERVER_PORT).into())?;
    Ok(socket)
}

/// The address of ours that a packet was sent to, if it was sent to one.
fn unicast(info: &in_pktinfo) -> Option<Ipv4Addr> {
    let is_ours = info.ipi_addr.s_addr == info.ipi_spec_dst.s_addr;
    is_ours.then(|| Ipv4Addr::from_bits(u32::from_be(info.ipi_addr.s_addr)))
}

/// Why the LAN cannot be served.
#[derive(Debug, Error)]
pub enum LanError {
    /// There is no such interface.
    #[error("LAN interface {name}: {error}")]
    Interface {
        /// The name in the configuration.
        name: String,
        /// What the system said.
        error: io::Error,
    },
    /// No socket there.
    #[error("UDP port 5351 on {name}: {error}")]
    Socket {
        /// The interface.
        name: String,
        /// What the system said.
        error: io::Error,
    },
}

/// RFC 6887 s14.1.
const EVERYBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 1), CLIENT_PORT);
