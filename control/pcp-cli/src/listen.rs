//! Waits for announcements that nobody asked for (RFC 6887 s14.1.3; PC-143).

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use pcp::result_code::ResultCode;
use pcp::wire::Payload;
use pcp::wire::Response;
use pcp::wire::ResponseHeader;

use crate::cli::AnnounceArgs;
use crate::cli::Format;
use crate::clock::Clock;
use crate::error::Error;
use crate::interface;
use crate::report;
use crate::socket;

/// Reports as many announcements of the server as were asked for.
pub(crate) fn listen(
    args: &AnnounceArgs,
    format: Format,
    output: &mut impl Write,
) -> Result<(), Error> {
    let server = SocketAddr::new(args.server, args.port);
    let interface = args
        .interface
        .as_deref()
        .map(interface::index)
        .transpose()?;
    let socket = socket::listening(&args.server, interface)?;
    let clock = Clock::start();
    let timeout = args.timeout.unwrap_or(FOR_EVER);
    let until = clock.now() + timeout;
    let mut buffer = [0; 2048];
    let mut heard = 0;
    while heard < args.count {
        if clock.now() >= until {
            return Err(Error::NoAnnouncement { server, timeout });
        }
        let left = until.since(clock.now());
        let received =
            socket::receive(&socket, &mut buffer, left).map_err(|error| Error::Socket {
                what: "hear",
                address: server,
                error,
            })?;
        let announced = received.and_then(|(from, octets)| announcement(server, from, octets));
        if let Some(header) = announced {
            report::announced(server.ip(), &header, None, format, output)?;
            output.flush()?;
            heard += 1;
        }
    }
    Ok(())
}

/// What `octets` announce, if they come from the server itself.
fn announcement(server: SocketAddr, from: SocketAddr, octets: &[u8]) -> Option<ResponseHeader> {
    let is_server = (from.ip(), from.port()) == (server.ip(), server.port());
    let response = Response::parse(octets).ok().filter(|_| is_server)?;
    let announces =
        response.payload == Payload::Announce && response.header.result == ResultCode::Success;
    announces.then_some(response.header)
}

/// Longer than anybody waits, and short enough for a clock.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use pcp::wire::unsolicited_announce;

    use super::*;

    #[test]
    fn pc_143_only_the_server_at_its_own_port_announces() {
        let server: SocketAddr = "192.0.0.1:5351".parse().unwrap();
        let octets = unsolicited_announce(7);
        let header = announcement(server, server, &octets).unwrap();
        assert_eq!(header.epoch_s, 7);
        for other in ["192.0.0.1:5350", "192.0.0.2:5351"] {
            assert_eq!(announcement(server, other.parse().unwrap(), &octets), None);
        }
        let mut other = octets.to_vec();
        other[3] = 2;
        assert_eq!(announcement(server, server, &other), None);
        assert_eq!(announcement(server, server, &octets[..20]), None);
    }
}
