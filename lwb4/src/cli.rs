//! The command line: what people type.
//!
//! Results go to stdout, for people or, with `--json`, for programs; errors go to stderr, a line each.
//! The exit code is 0 when it worked, 1 when it failed and 2 when the command line itself was wrong.

use std::error::Error;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;

use crate::config::DEFAULT_SOCKET;

/// What every command ends with.
pub type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// The home router's end of Lightweight 4over6 (RFC 7596): asks the lwAFTR for public ports by PCP,
/// translates the LAN's IPv4 into them, and carries it over IPv6.
#[derive(Clone, Debug, Parser)]
#[command(name = "lwb4", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    /// Print results as JSON, for programs.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run the daemon in the foreground; SIGTERM gives the ports back and ends it.
    Run(RunArgs),
    /// Validate a configuration and print what the daemon would use.
    Check(CheckArgs),
    /// Say in which state the softwire is, since when, and which ports it has.
    Status(AskArgs),
    /// List which LAN hosts have which public ports.
    Mappings(AskArgs),
    /// Show what was translated, dropped and why.
    Counters(AskArgs),
    /// Tell the daemon what another DHCPv6 client learned (`dhcpv6.mode = "external"`): from the environment
    /// of that client's script, or in words like `lifetime=3600 96=005c…`.
    #[command(name = "dhcp6-hook")]
    Dhcp6Hook(HookArgs),
    /// Be many lwB4s that only ask for ports: a load for an lwAFTR.
    #[command(after_help = SWARM_EXAMPLES)]
    Swarm(SwarmArgs),
}

/// Arguments of `run`.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// The configuration.
    #[arg(short, long, value_name = "FILE")]
    pub config: PathBuf,
    /// The Unix socket to listen on, instead of the configuration's.
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
}

/// Arguments of `check`.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// The configuration.
    #[arg(short, long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Arguments of what asks the running daemon.
#[derive(Args, Clone, Debug)]
pub struct AskArgs {
    /// The daemon's Unix socket.
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET)]
    pub socket: PathBuf,
}

/// Arguments of `dhcp6-hook`.
#[derive(Args, Clone, Debug)]
pub struct HookArgs {
    /// The daemon's Unix socket.
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET)]
    pub socket: PathBuf,
    /// What odhcp6c gives its script as the second argument.
    #[arg(long, value_name = "STATE")]
    pub state: Option<String>,
    /// `lost`, or `lifetime=SECONDS`, `CODE=HEX` and `prefix=PREFIX/LENGTH,SECONDS`; the environment when
    /// there are none.
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
}

/// Arguments of `swarm`.
#[derive(Args, Clone, Debug)]
pub struct SwarmArgs {
    /// How many lwB4s.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub count: u32,
    /// The lwAFTR.
    #[arg(long, value_name = "IPV6")]
    pub remote: Ipv6Addr,
    /// The prefix that their addresses are taken from; packets to it must be routed to this host.
    #[arg(long, value_name = "PREFIX/LENGTH", value_parser = prefix)]
    pub prefix: (Ipv6Addr, u8),
    /// Length of the prefix that each of them has to itself.
    #[arg(long, value_name = "BITS", default_value_t = 64, value_parser = clap::value_parser!(u8).range(16..=128))]
    pub each: u8,
    /// How many begin in a second; all at once when absent.
    #[arg(long, value_name = "RATE", value_parser = clap::value_parser!(u32).range(1..))]
    pub per_second: Option<u32>,
    /// Seconds to ask ports for.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub lifetime: u32,
    /// Send a packet to the Internet from each so often, which an lwAFTR that has lost its binding answers
    /// with an error.
    #[arg(long, value_name = "SECONDS")]
    pub talk: Option<u32>,
    /// End well as soon as all have ports.
    #[arg(long)]
    pub until_bound: bool,
    /// End after so long.
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<u32>,
}

fn prefix(text: &str) -> Result<(Ipv6Addr, u8), String> {
    let parsed = text.split_once('/').and_then(|(address, length)| {
        let (address, length): (Ipv6Addr, u8) = (address.parse().ok()?, length.parse().ok()?);
        let host_bits = 128_u32.checked_sub(length.into())?;
        let is_network = host_bits == 128 || address.to_bits().trailing_zeros() >= host_bits;
        (is_network && length > 0).then_some((address, length))
    });
    parsed.ok_or_else(|| "expected a prefix like 2001:db8:b4::/48".to_owned())
}

const SWARM_EXAMPLES: &str = "Examples:
  lwb4 swarm --count 10000 --remote 2001:db8:af::1 --prefix 2001:db8:b4::/48 --until-bound
  lwb4 swarm --count 200 --remote 2001:db8:af::1 --prefix 2001:db8:b4::/48 --talk 1 --json";
const EXAMPLES: &str = "Examples:
  lwb4 check -c lwb4.toml
  lwb4 run -c lwb4.toml
  lwb4 status
  lwb4 mappings --json";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_lines_of_the_contract_are_understood() {
        for line in [
            "lwb4 run -c lwb4.toml",
            "lwb4 run -c lwb4.toml --socket /tmp/s",
            "lwb4 check -c lwb4.toml --json",
            "lwb4 status --json",
            "lwb4 mappings --socket /tmp/s --json",
            "lwb4 counters",
            "lwb4 dhcp6-hook --state bound",
            "lwb4 dhcp6-hook --socket /tmp/s lifetime=60 64=0461667472",
            "lwb4 swarm --count 10000 --remote 2001:db8:af::1 --prefix 2001:db8:b4::/48 --until-bound",
        ] {
            Cli::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn usage_errors_have_exit_code_2() {
        for line in [
            "lwb4",
            "lwb4 run",
            "lwb4 check",
            "lwb4 status extra",
            "lwb4 swarm --remote ::1 --prefix 2001:db8::1/48",
        ] {
            let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
