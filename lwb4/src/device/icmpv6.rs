//! The raw ICMPv6 socket that hears what the world says about our tunnel packets.

use std::io;
use std::net::Ipv6Addr;
use std::net::SocketAddrV6;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::sys::socket::SockaddrIn6;
use nix::sys::socket::recvfrom;
use nix::sys::socket::setsockopt;
use socket2::Socket;

use crate::device::options;
use crate::device::softwire;

/// A socket for the ICMPv6 errors sent to one of our addresses.
pub struct Icmpv6Socket {
    socket: Socket,
}

impl Icmpv6Socket {
    /// Opens the socket at `own`, our tunnel address. The kernel verifies checksums, and delivers the types 1
    /// to 4 alone (RFC 4443 s2.1).
    ///
    /// # Errors
    /// When the system refuses, as without CAP_NET_RAW.
    pub fn open(own: Ipv6Addr) -> io::Result<Self> {
        let socket = softwire::raw(libc::IPPROTO_ICMPV6)?;
        let mut not_delivered = [u32::MAX; 8];
        not_delivered[0] &= !ERRORS;
        setsockopt(&socket, options::Icmpv6Filter, &not_delivered)?;
        socket.bind(&SocketAddrV6::new(own, 0, 0, 0).into())?;
        Ok(Self { socket })
    }

    /// The next message, for [`crate::tunnel::icmpv6::hear`]: its octets in `buffer`, and who sent it.
    /// `None` when none waits. A `buffer` of 1280 octets holds any (RFC 4443 s2.4(c)).
    ///
    /// # Errors
    /// When the socket fails.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<(usize, Ipv6Addr)>> {
        match recvfrom::<SockaddrIn6>(self.socket.as_raw_fd(), buffer) {
            Ok((len, from)) => Ok(Some((
                len,
                from.map_or(Ipv6Addr::UNSPECIFIED, |from| from.ip()),
            ))),
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl AsFd for Icmpv6Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The bits of the types 1 to 4.
const ERRORS: u32 = 0b1_1110;
