//! Our tunnel address where nothing prescribes it: what default address selection takes (RFC 6724, LW-024).

use std::io;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::SocketAddrV6;

use nix::sys::socket::setsockopt;
use socket2::Domain;
use socket2::Socket;
use socket2::Type;
use thiserror::Error;

use crate::device::options;

/// The address that this host sends from to `lwaftr`. Stable addresses are preferred to temporary ones
/// (RFC 5014 s5). Ask again when [`super::netlink::monitor::Monitor`] says that something changed, and
/// provision anew when the answer did (LW-026).
///
/// # Errors
/// When there is no route or no address, or the lwAFTR's address is our own (TN-006).
pub fn select(lwaftr: Ipv6Addr) -> Result<Ipv6Addr, SourceError> {
    let asked = || -> io::Result<SocketAddr> {
        let socket = Socket::new(Domain::IPV6, Type::DGRAM, None)?;
        setsockopt(
            &socket,
            options::Ipv6AddressPreferences,
            &options::PREFER_PUBLIC,
        )?;
        // Nothing is sent: a datagram socket that is connected has only chosen its source. The port must
        // not be 0, and matters to nobody.
        socket.connect(&SocketAddrV6::new(lwaftr, PORT, 0, 0).into())?;
        let local = socket.local_addr()?;
        local
            .as_socket()
            .ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
    };
    let source = match asked() {
        Ok(SocketAddr::V6(source)) => *source.ip(),
        Ok(SocketAddr::V4(_)) => Ipv6Addr::UNSPECIFIED,
        Err(error) => return Err(SourceError::NoWay { lwaftr, error }),
    };
    if source.is_unspecified() {
        return Err(SourceError::NoAddress { lwaftr });
    }
    if source == lwaftr {
        return Err(SourceError::OurOwn { lwaftr });
    }
    Ok(source)
}

/// Why there is no tunnel address.
#[derive(Debug, Error)]
pub enum SourceError {
    /// No route, or no address that may be used.
    #[error("no way to the lwAFTR {lwaftr}: {error}")]
    NoWay {
        /// The lwAFTR.
        lwaftr: Ipv6Addr,
        /// What the system said.
        error: io::Error,
    },
    /// The system chose none.
    #[error("no address towards the lwAFTR {lwaftr}")]
    NoAddress {
        /// The lwAFTR.
        lwaftr: Ipv6Addr,
    },
    /// A tunnel needs two ends.
    #[error("the lwAFTR's address {lwaftr} is one of this host")]
    OurOwn {
        /// The lwAFTR.
        lwaftr: Ipv6Addr,
    },
}

/// Discard (IANA).
const PORT: u16 = 9;
