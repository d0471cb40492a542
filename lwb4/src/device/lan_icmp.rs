//! Our ICMPv4 errors to LAN hosts, by a raw socket: the kernel sends them from the address of the interface
//! that they leave by (IC-009, IC-013).
//!
//! Written to the TUN device with one of our own addresses as source, the kernel would take them for
//! martians.

use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddrV4;

use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;

/// A socket that sends whole IPv4 packets.
pub struct LanIcmp {
    socket: Socket,
}

impl LanIcmp {
    /// Opens the socket.
    ///
    /// # Errors
    /// When the system refuses, as without CAP_NET_RAW.
    pub fn open() -> io::Result<Self> {
        let socket = Socket::new(
            Domain::IPV4,
            Type::RAW,
            Some(Protocol::from(libc::IPPROTO_RAW)),
        )?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket })
    }

    /// Sends an error of [`crate::tunnel::icmpv4::error`], or a relayed one that the NAT has translated, to
    /// its destination. Its source and header checksum are written anew.
    ///
    /// # Errors
    /// When the packet is none, or the system refuses it; it is lost then.
    pub fn send(&self, packet: &mut [u8]) -> io::Result<()> {
        let Some(header) = packet.first_chunk_mut::<20>() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        // The kernel fills in a source of 0, and the checksum always (raw(7)).
        header[12..16].fill(0);
        let to = Ipv4Addr::new(header[16], header[17], header[18], header[19]);
        self.socket
            .send_to(packet, &SocketAddrV4::new(to, 0).into())?;
        Ok(())
    }
}
