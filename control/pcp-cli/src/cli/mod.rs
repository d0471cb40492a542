//! The command line: what people type.
//!
//! Results go to stdout, for people or, with `--json`, for programs; errors go to stderr, a line each.
//! The exit code is 0 when it worked, 1 when the server refused or nobody answered, and 2 when the
//! command line itself was wrong.

mod help;
mod value;

use std::net::IpAddr;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use pcp::wire::Nonce;

pub use value::PortsArg;
pub use value::ProtocolArg;
pub use value::SuggestionArg;

use self::value::seconds;

/// Asks a PCP server (RFC 6887) for port sets (RFC 7753) and other mappings.
#[derive(Clone, Debug, Parser)]
#[command(name = "pcp", version, arg_required_else_help = true, after_help = help::EXAMPLES)]
pub struct Cli {
    /// Print one JSON object a line, for programs.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How results are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// For people.
    Lines,
    /// For programs.
    Json,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Ask for a mapping: all ports that the server gives, unless told otherwise. Again with the same
    /// nonce it refreshes.
    #[command(after_help = help::MAP_EXAMPLES)]
    Map(MapArgs),
    /// Give a mapping back; it takes the nonce that it was asked for with.
    #[command(after_help = help::DELETE_EXAMPLES)]
    Delete(DeleteArgs),
    /// Ask how long the server has kept its state, or wait until it says that it lost it.
    #[command(after_help = help::ANNOUNCE_EXAMPLES)]
    Announce(AnnounceArgs),
}

/// Whom to ask, and for how long.
#[derive(Args, Clone, Copy, Debug)]
pub struct ServerArgs {
    /// The server. Its port is 5351.
    #[arg(long, value_name = "ADDRESS", default_value = DEFAULT_SERVER)]
    pub server: IpAddr,
    /// The server's port, if it is another.
    #[arg(long, value_name = "PORT", default_value_t = pcp::wire::SERVER_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// Ask from this address, instead of the one that the way to the server has.
    #[arg(long, value_name = "ADDRESS")]
    pub source: Option<IpAddr>,
    /// Give up after so long. The request is repeated after 3, 9, 21, … seconds.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub timeout: Duration,
}

/// Which mapping.
#[derive(Args, Clone, Debug)]
pub struct TargetArgs {
    /// A set of the ports 1 to SIZE, or FIRST-LAST; 65535 is as many as the server gives.
    #[arg(long, value_name = "SIZE|FIRST-LAST", conflicts_with_all = ["size", "internal_port", "whole_address"])]
    pub port_set: Option<PortsArg>,
    /// A set of so many ports from the internal port on.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub size: Option<u16>,
    /// The internal port, or the first of a set.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub internal_port: Option<u16>,
    /// Only this protocol: tcp, udp, dccp, sctp, udplite or a number; with an internal port, one port of it.
    #[arg(long, value_name = "PROTOCOL", requires = "internal_port")]
    pub protocol: Option<ProtocolArg>,
    /// A whole address, with all its ports and protocols, or nothing.
    #[arg(long, conflicts_with_all = ["size", "internal_port", "protocol"])]
    pub whole_address: bool,
    /// The mapping is for this host; the server must let us speak for others.
    #[arg(long, value_name = "ADDRESS")]
    pub third_party: Option<IpAddr>,
    /// The IPv6 end of that host's softwire, where the host is 192.0.0.2 like all others.
    #[arg(long, value_name = "IPV6", requires = "third_party")]
    pub third_party_softwire: Option<Ipv6Addr>,
}

/// Who owns the mapping.
#[derive(Args, Clone, Debug)]
#[group(multiple = false)]
pub struct NonceArgs {
    /// The nonce of the mapping, 24 hexadecimal digits. Others can read it in the list of processes.
    #[arg(long, value_name = "HEX")]
    pub nonce: Option<Nonce>,
    /// The file that keeps the nonce; `map` makes it, readable by its owner only. One for each server.
    #[arg(long, value_name = "FILE")]
    pub nonce_file: Option<PathBuf>,
}

/// Arguments of `map`.
#[derive(Args, Clone, Debug)]
pub struct MapArgs {
    /// Whom to ask.
    #[command(flatten)]
    pub server: ServerArgs,
    /// For what.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Whose it is.
    #[command(flatten)]
    pub nonce: NonceArgs,
    /// The external address and first port that would be liked best.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub suggest: Option<SuggestionArg>,
    /// Let the server map nothing if the suggestion cannot be had; not for sets (RFC 7753).
    #[arg(long, requires_all = ["suggest", "protocol"], conflicts_with_all = ["size", "port_set"])]
    pub prefer_failure: bool,
    /// If the server gives something else than suggested, delete that again and fail.
    #[arg(long, requires = "suggest")]
    pub exact: bool,
    /// How long the mapping shall live; the server may give less or more.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(1..))]
    pub lifetime: u32,
}

/// Arguments of `delete`.
#[derive(Args, Clone, Debug)]
pub struct DeleteArgs {
    /// Whom to ask.
    #[command(flatten)]
    pub server: ServerArgs,
    /// What to delete.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Whose it is.
    #[command(flatten)]
    pub nonce: NonceArgs,
}

/// Arguments of `announce`.
#[derive(Args, Clone, Debug)]
pub struct AnnounceArgs {
    /// The server. Its port is 5351.
    #[arg(long, value_name = "ADDRESS", default_value = DEFAULT_SERVER)]
    pub server: IpAddr,
    /// The server's port, if it is another.
    #[arg(long, value_name = "PORT", default_value_t = pcp::wire::SERVER_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// Ask from this address, instead of the one that the way to the server has.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "listen")]
    pub source: Option<IpAddr>,
    /// Give up after so long: 10 seconds when asking; listening has no end.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// Do not ask: wait for announcements of the server to 224.0.0.1 or ff02::1, port 5350.
    #[arg(long)]
    pub listen: bool,
    /// Wait on this interface; IPv6 needs one.
    #[arg(long, value_name = "NAME", requires = "listen")]
    pub interface: Option<String>,
    /// Wait for so many announcements. A server that lost its state repeats itself up to ten times.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "listen", value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
}

impl Cli {
    /// How to write the result.
    #[must_use]
    pub const fn format(&self) -> Format {
        if self.json {
            Format::Json
        } else {
            Format::Lines
        }
    }
}

impl AnnounceArgs {
    /// Whom to ask, and for how long.
    #[must_use]
    pub fn server(&self) -> ServerArgs {
        ServerArgs {
            server: self.server,
            port: self.port,
            source: self.source,
            timeout: self.timeout.unwrap_or(DEFAULT_TIMEOUT),
        }
    }
}

/// The lwAFTR, as seen inside a softwire (RFC 6333 s5.7).
const DEFAULT_SERVER: &str = "192.0.0.1";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn usage_errors_have_exit_code_2() {
        for line in [
            "pcp",
            "pcp peer",
            "pcp map --server example.net",
            "pcp map --port-set 1",
            "pcp map --port-set 0",
            "pcp map --port-set 65536",
            "pcp map --port-set 200-100",
            "pcp map --port-set 100-200 --size 5",
            "pcp map --size 0 --internal-port 1",
            "pcp map --protocol 17",
            "pcp map --protocol 0 --internal-port 1",
            "pcp map --protocol icmq --internal-port 1",
            "pcp map --whole-address --protocol udp --internal-port 1",
            "pcp map --suggest 192.0.2.5",
            "pcp map --prefer-failure",
            "pcp map --prefer-failure --suggest 192.0.2.5:1024",
            "pcp map --prefer-failure --suggest 192.0.2.5:1 --protocol 6 --internal-port 1 --size 2",
            "pcp map --exact",
            "pcp map --lifetime 0",
            "pcp map --nonce 00",
            "pcp map --nonce a0a1a2a3a4a5a6a7a8a9aaab --nonce-file f",
            "pcp map --timeout 0",
            "pcp map --timeout -1",
            "pcp map --timeout inf",
            "pcp map --third-party-softwire 2001:db8::1",
            "pcp delete --lifetime 5",
            "pcp announce --count 2",
            "pcp announce --listen --source 192.0.0.2",
        ] {
            let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn the_lines_of_the_help_are_understood() {
        let help = [
            help::EXAMPLES,
            help::MAP_EXAMPLES,
            help::DELETE_EXAMPLES,
            help::ANNOUNCE_EXAMPLES,
        ]
        .join("\n");
        let whole_lines = help.replace("\\\n", " ");
        let mut lines = 0;
        for line in whole_lines.lines() {
            let Some(at) = line.find("pcp ").filter(|at| line[..*at].trim().is_empty()) else {
                continue;
            };
            let words = line[at..].split("    ").next().unwrap().split("&&").next();
            let words = words.unwrap().split_whitespace();
            Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
            lines += 1;
        }
        assert!(lines > 10);
    }
}
