//! The command line: what people type, and which part of the program does it.
//!
//! Results go to stdout, for people or, with `--json`, for programs; errors go to stderr, a line each.
//! The exit code is 0 when it worked, 1 when it failed and 2 when the command line itself was wrong.

mod bench;
mod lease;
mod live;
mod replay;

use std::error::Error;
use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;

pub use bench::BenchArgs;
pub use bench::FrameArg;
pub use lease::AnnounceArgs;
pub use lease::ImportArgs;
pub use lease::LeaseArgs;
pub use lease::LeaseCommand;
pub use lease::RevokeArgs;
pub use lease::StoreArgs;
pub use lease::WhoArgs;
pub use live::AddArgs;
pub use live::DumpArgs;
pub use live::FormatArg;
pub use live::GetArgs;
pub use live::LoadArgs;
pub use live::RemoveArgs;
pub use live::ShowArgs;
pub use live::SoftwireArgs;
pub use live::SoftwireCommand;
pub use live::TopicArg;
pub use replay::ReplayArgs;

/// What every command ends with.
pub type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// The border router of Lightweight 4over6 (RFC 7596) over DPDK.
#[derive(Clone, Debug, Parser)]
#[command(name = "lwaftr", version, arg_required_else_help = true, after_help = EXAMPLES)]
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
    /// Run the daemon in the foreground; SIGTERM ends it cleanly.
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Validate a configuration with its binding files and print what the daemon would use.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Run packets from files through the packet path and write what comes out.
    #[command(after_help = replay::EXAMPLES)]
    Replay(ReplayArgs),
    /// Measure what a packet costs on one core of this machine.
    #[command(after_help = bench::EXAMPLES)]
    Bench(BenchArgs),
    /// Ask the running daemon how it is.
    #[command(after_help = live::SHOW_EXAMPLES)]
    Show(ShowArgs),
    /// Look up and change the softwires of the running daemon.
    #[command(after_help = live::SOFTWIRE_EXAMPLES)]
    Softwire(SoftwireArgs),
    /// Look up and revoke leases of port sets; check, save and restore their store.
    Lease(LeaseArgs),
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
    /// Also hold it against the leases in its store, which no daemon may be using: are there any that it
    /// does not allow?
    #[arg(long)]
    pub against_store: bool,
}

const EXAMPLES: &str = "Examples:
  lwaftr check -c lwaftr.toml
  lwaftr run -c lwaftr.toml
  lwaftr softwire add --ipv4 192.0.2.1 --psid-length 6 --psid 26 --b4 2001:db8::1 --br 2001:db8:af::1
  lwaftr show drops --watch";
const RUN_EXAMPLES: &str = "Examples:
  lwaftr run -c lwaftr.toml
  lwaftr run -c lwaftr.toml --socket /tmp/lwaftr.sock";
const CHECK_EXAMPLES: &str = "Examples:
  lwaftr check -c lwaftr.toml
  lwaftr check -c lwaftr.toml --json
  lwaftr check -c new.toml --against-store";

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
            "lwaftr",
            "lwaftr run",
            "lwaftr bench --softwires 0",
            "lwaftr bench --frame 59",
            "lwaftr softwire get",
            "lwaftr softwire get --ipv4 192.0.2.1 --port 1 --psid 1",
            "lwaftr softwire add --ipv4 192.0.2.1",
            "lwaftr softwire add --file x --ipv4 192.0.2.1",
            "lwaftr replay -c x --stick-in a --internet-in b",
            "lwaftr lease who",
            "lwaftr lease who --ipv4 192.0.2.1",
            "lwaftr lease who --ipv4 192.0.2.1 --port 1 --b4 ::1",
            "lwaftr lease revoke --port 1",
            "lwaftr lease check",
            "lwaftr lease export -c x --store y",
            "lwaftr lease import --store y",
        ] {
            let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn the_lines_of_the_contract_are_understood() {
        for line in [
            "lwaftr run -c lwaftr.toml",
            "lwaftr check -c lwaftr.toml --json",
            "lwaftr replay -c x --internet-in a --access-in b --internet-out c --access-out d --counters e --seed 7",
            "lwaftr replay -c x --stick-in p --stick-out q",
            "lwaftr bench --softwires 1k,1m --frame 64,550,imix --direction both --json",
            "lwaftr bench --direction hairpin,ipv6-fragments,flood-unbound,beside-flood-malformed",
            "lwaftr show counters --json --watch",
            "lwaftr show status --socket /tmp/s",
            "lwaftr softwire add --file - --save",
            "lwaftr softwire add --ipv4 192.0.2.1 --psid-length 6 --psid 26 --b4 ::2 --br ::3",
            "lwaftr softwire add --ipv4 192.0.2.1 --psid-length 0 --b4 2001:db8::2 --br 2001:db8::3",
            "lwaftr softwire remove --ipv4 192.0.2.1 --psid-length 6 --psid 26",
            "lwaftr softwire get --ipv4 192.0.2.1 --port 1024",
            "lwaftr softwire get --b4 2001:db8::2 --json",
            "lwaftr softwire load bindings.csv",
            "lwaftr softwire dump --format json",
            "lwaftr lease who --ipv4 192.0.2.1 --port 1500",
            "lwaftr lease who --b4 2001:db8::1 --json",
            "lwaftr lease revoke --ipv4 192.0.2.1 --port 1500 --socket /tmp/s",
            "lwaftr lease announce --json",
            "lwaftr show leases --json",
            "lwaftr lease check -c x --json",
            "lwaftr lease export --store y",
            "lwaftr lease import - --store y",
            "lwaftr lease restore -c x",
        ] {
            Cli::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}
