//! UDP sockets: one that asks, one that listens.

use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::SocketAddrV6;
use std::net::UdpSocket;
use std::num::NonZeroU32;
use std::time::Duration;

use pcp::wire::CLIENT_PORT;
use socket2::Domain;
use socket2::InterfaceIndexOrAddress;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;

use crate::cli::ServerArgs;
use crate::error::Error;

/// A socket from a random port to the server and nobody else, so that it knows its own address (PC-101).
pub(crate) fn asking(args: &ServerArgs) -> Result<UdpSocket, Error> {
    let server = SocketAddr::new(args.server, args.port);
    let source = args.source.unwrap_or(match args.server {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    });
    if source.is_ipv4() != server.is_ipv4() {
        return Err(Error::Families {
            source_address: source,
            server: args.server,
        });
    }
    let own = SocketAddr::new(source, 0);
    let failed = |what, address| {
        move |error| Error::Socket {
            what,
            address,
            error,
        }
    };
    let socket = UdpSocket::bind(own).map_err(failed("ask from", own))?;
    socket.connect(server).map_err(failed("ask", server))?;
    Ok(socket)
}

/// A socket that hears what is multicast to clients, beside others that do (PC-143, PC-144).
pub(crate) fn listening(
    family: &IpAddr,
    interface: Option<NonZeroU32>,
) -> Result<UdpSocket, Error> {
    let group = match family {
        IpAddr::V4(_) => SocketAddr::from((GROUP_IPV4, CLIENT_PORT)),
        IpAddr::V6(_) => {
            let scope = interface.ok_or(Error::InterfaceMissing)?.get();
            SocketAddr::V6(SocketAddrV6::new(GROUP_IPV6, CLIENT_PORT, 0, scope))
        }
    };
    join(group, interface).map_err(|error| Error::Socket {
        what: "listen to",
        address: group,
        error,
    })
}

/// Bound to the group's address: to any address, it would take packets of others.
fn join(group: SocketAddr, interface: Option<NonZeroU32>) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(group), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&group.into())?;
    // Every host is in 224.0.0.1 on all its interfaces (RFC 1112 s4); one that is named is joined all the
    // same, so that a name of one that cannot multicast is noticed.
    match (group, interface) {
        (SocketAddr::V4(_), None) => {}
        (SocketAddr::V4(_), Some(index)) => {
            let index = InterfaceIndexOrAddress::Index(index.get());
            socket.join_multicast_v4_n(&GROUP_IPV4, &index)?;
        }
        (SocketAddr::V6(_), index) => {
            socket.join_multicast_v6(&GROUP_IPV6, index.map_or(0, NonZeroU32::get))?;
        }
    }
    Ok(socket.into())
}

/// A datagram that arrives within `patience`; `None` if there is none.
pub(crate) fn receive<'a>(
    socket: &UdpSocket,
    buffer: &'a mut Buffer,
    patience: Duration,
) -> io::Result<Option<(SocketAddr, &'a [u8])>> {
    // No time at all would mean for ever.
    socket.set_read_timeout(Some(patience.max(SHORTEST)))?;
    match socket.recv_from(buffer) {
        Ok((length, from)) => Ok(Some((from, &buffer[..length]))),
        Err(error) if is_over(error.kind()) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_over(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

/// Room for more than a message may have, so that one that is too long is seen to be.
pub(crate) type Buffer = [u8; 2048];

/// RFC 6887 s14.1.
const GROUP_IPV4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
const GROUP_IPV6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

const SHORTEST: Duration = Duration::from_millis(1);
