//! Values of arguments that clap does not know how to read.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use pcp::port_set::PortRange;

/// Ports as `--port-set` names them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PortsArg(pub PortRange);

/// A protocol by name or number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProtocolArg(pub u8);

/// `192.0.2.5:26624` or `[2001:db8::5]:26624`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SuggestionArg(pub IpAddr, pub u16);

impl FromStr for PortsArg {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
        let range = match text.split_once('-') {
            Some((first, last)) => number(first)
                .zip(number(last))
                .and_then(|(first, last)| PortRange::new(first, last)),
            None => number(text).map(|size| PortRange::sized(1, size)),
        };
        range
            .filter(|range| range.count() > 1)
            .map(Self)
            .ok_or("neither a number from 2 to 65535 nor two ports, the lower one first")
    }
}

impl FromStr for ProtocolArg {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = match text.to_ascii_lowercase().as_str() {
            "tcp" => Some(6),
            "udp" => Some(17),
            "dccp" => Some(33),
            "sctp" => Some(132),
            "udplite" => Some(136),
            number => number.parse().ok().filter(|number| *number > 0),
        };
        number
            .map(Self)
            .ok_or("neither tcp, udp, dccp, sctp, udplite nor a number from 1 to 255")
    }
}

impl FromStr for SuggestionArg {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<SocketAddr>()
            .map(|suggested| Self(suggested.ip(), suggested.port()))
            .map_err(|_| "not an address with a port, such as 192.0.2.5:26624")
    }
}

/// A time that may have a fraction, and is not none at all.
pub(super) fn seconds(text: &str) -> Result<Duration, &'static str> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|duration| !duration.is_zero() && *duration <= LONGEST_TIMEOUT)
        .ok_or("not a number of seconds, from a part of one to a million")
}

/// Longer than anybody waits, and short enough for a clock.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(1_000_000);
