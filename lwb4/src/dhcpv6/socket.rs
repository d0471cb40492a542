//! The client's place on its link: port 546, to the servers and relays that ff02::1:2 reaches (RFC 8415
//! s7.1, s7.2).

use std::io;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::SocketAddrV6;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;

use rustix::net::netdevice;
use socket2::Domain;
use socket2::Protocol;
use socket2::Type;
use thiserror::Error;

/// A socket of one interface; it never blocks.
#[derive(Debug)]
pub struct Socket {
    socket: UdpSocket,
    servers: SocketAddrV6,
}

impl Socket {
    /// Opens the client's port on an interface. The kernel sends from the interface's link-local address.
    ///
    /// # Errors
    /// When there is no such interface, or another client has the port.
    pub fn open(interface: &str) -> Result<Self, SocketError> {
        open(interface).map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => SocketError::Taken {
                interface: interface.to_owned(),
            },
            _ => SocketError::Open {
                interface: interface.to_owned(),
                error,
            },
        })
    }

    /// Sends to all servers and relays on the link.
    ///
    /// # Errors
    /// When the kernel cannot: the link is down, or has no address yet. The client sends again by itself.
    pub fn send(&self, octets: &[u8]) -> io::Result<()> {
        self.socket.send_to(octets, self.servers).map(drop)
    }

    /// Takes a datagram, if one is there; one that is longer than `room` is cut off.
    ///
    /// # Errors
    /// When the kernel says so.
    pub fn receive<'a>(&self, room: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        match self.socket.recv(room) {
            Ok(length) => Ok(room.get(..length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn open(interface: &str) -> io::Result<Socket> {
    let socket = socket2::Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP))?;
    let index = netdevice::name_to_index(&socket, interface)?;
    socket.bind_device(Some(interface.as_bytes()))?;
    socket.set_only_v6(true)?;
    socket.set_nonblocking(true)?;
    let own = SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, CLIENT_PORT, 0, 0);
    socket.bind(&SocketAddr::V6(own).into())?;
    Ok(Socket {
        socket: socket.into(),
        servers: SocketAddrV6::new(ALL_SERVERS, SERVER_PORT, 0, index),
    })
}

/// Why there is no socket.
#[derive(Debug, Error)]
pub enum SocketError {
    /// Another client of DHCPv6 runs here.
    #[error(
        "port 546 of {interface} is taken by another DHCPv6 client: stop it, or let it tell us \
         ([dhcpv6] mode = \"external\")"
    )]
    Taken {
        /// The interface.
        interface: String,
    },
    /// Anything else.
    #[error("port 546 of {interface}: {error}")]
    Open {
        /// The interface.
        interface: String,
        /// What the kernel says.
        error: io::Error,
    },
}

const CLIENT_PORT: u16 = 546;
const SERVER_PORT: u16 = 547;
const ALL_SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);
