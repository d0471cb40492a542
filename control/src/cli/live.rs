//! Arguments of `show` and `softwire`, which talk to the running daemon.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;
use clap::ValueEnum;

use crate::config::DEFAULT_SOCKET;

/// Arguments of `show`.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// What to show.
    pub topic: TopicArg,
    /// Show it again every second, until interrupted.
    #[arg(long)]
    pub watch: bool,
    /// The daemon's Unix socket.
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET)]
    pub socket: PathBuf,
}

/// What `show` can show.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum TopicArg {
    /// The daemon as a whole.
    Status,
    /// The poll loops, one by one.
    Workers,
    /// The devices and their links.
    Ports,
    /// All counters, RFC 8676 names first.
    Counters,
    /// Why packets were dropped; what never happened is left out.
    Drops,
    /// How many softwires there are, and what they cost.
    Softwires,
    /// All leases of port sets, those whose sets rest included.
    Leases,
    /// The pools of port sets, how full they are and what became of their leases.
    Pools,
    /// The PCP server: requests, results, leases.
    Pcp,
    /// The next hops, and whether they are resolved.
    Neighbours,
    /// The configuration in force.
    Config,
}

/// Arguments of `softwire`.
#[derive(Args, Clone, Debug)]
pub struct SoftwireArgs {
    /// The daemon's Unix socket.
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET, global = true)]
    pub socket: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub command: SoftwireCommand,
}

/// What `softwire` can do.
#[derive(Clone, Debug, Subcommand)]
pub enum SoftwireCommand {
    /// Add one softwire, or those of a file; they last until restart unless saved.
    Add(AddArgs),
    /// Remove one softwire, or those of a file.
    Remove(RemoveArgs),
    /// Look softwires up by IPv4 address, port set or B4.
    Get(GetArgs),
    /// Replace the softwires that came from a file by those that it holds now, at once or not at all.
    Load(LoadArgs),
    /// Print all softwires.
    Dump(DumpArgs),
}

/// Arguments of `softwire add`: a file, or one binding.
#[derive(Args, Clone, Debug)]
pub struct AddArgs {
    /// Bindings from this file, or - for standard input as CSV.
    #[arg(long, value_name = "FILE", conflicts_with_all = BINDING, required_unless_present = "ipv4")]
    pub file: Option<PathBuf>,
    /// The IPv4 address, shared or whole.
    #[arg(long, value_name = "IPV4")]
    pub ipv4: Option<Ipv4Addr>,
    /// Bits before the PSID.
    #[arg(long, value_name = "BITS", default_value_t = 0)]
    pub psid_offset: u8,
    /// Bits of the PSID; 0 is the whole address.
    #[arg(long, value_name = "BITS", required_unless_present = "file")]
    pub psid_length: Option<u8>,
    /// The port set's number.
    #[arg(long, value_name = "N")]
    pub psid: Option<u16>,
    /// The lwB4's IPv6 address.
    #[arg(long, value_name = "IPV6", required_unless_present = "file")]
    pub b4: Option<Ipv6Addr>,
    /// The BR address that serves it.
    #[arg(long, value_name = "IPV6", required_unless_present = "file")]
    pub br: Option<Ipv6Addr>,
    /// Also keep them over restarts, in the file that softwire.save_file names.
    #[arg(long)]
    pub save: bool,
}

/// Arguments of `softwire remove`: a file, or one port set.
#[derive(Args, Clone, Debug)]
pub struct RemoveArgs {
    /// Bindings from this file, or - for standard input as CSV.
    #[arg(long, value_name = "FILE", conflicts_with_all = PORT_SET, required_unless_present = "ipv4")]
    pub file: Option<PathBuf>,
    /// The IPv4 address, shared or whole.
    #[arg(long, value_name = "IPV4")]
    pub ipv4: Option<Ipv4Addr>,
    /// Bits before the PSID.
    #[arg(long, value_name = "BITS", default_value_t = 0)]
    pub psid_offset: u8,
    /// Bits of the PSID; 0 is the whole address.
    #[arg(long, value_name = "BITS", required_unless_present = "file")]
    pub psid_length: Option<u8>,
    /// The port set's number.
    #[arg(long, value_name = "N")]
    pub psid: Option<u16>,
    /// Also remove them from the file that softwire.save_file names.
    #[arg(long)]
    pub save: bool,
}

const BINDING: [&str; 5] = ["ipv4", "psid_length", "psid", "b4", "br"];
const PORT_SET: [&str; 3] = ["ipv4", "psid_length", "psid"];

/// Arguments of `softwire get`.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
pub struct GetArgs {
    /// The IPv4 address.
    #[arg(long, value_name = "IPV4", conflicts_with = "b4")]
    pub ipv4: Option<Ipv4Addr>,
    /// A port of it: whose is it?
    #[arg(long, value_name = "PORT", requires = "ipv4", conflicts_with = "psid")]
    pub port: Option<u16>,
    /// A port set of it.
    #[arg(long, value_name = "N", requires = "ipv4")]
    pub psid: Option<u16>,
    /// The lwB4's IPv6 address.
    #[arg(long, value_name = "IPV6")]
    pub b4: Option<Ipv6Addr>,
}

/// Arguments of `softwire load`.
#[derive(Args, Clone, Debug)]
pub struct LoadArgs {
    /// The file: .csv, or .json for RFC 7951 JSON of ietf-softwire-br. The daemon reads it itself.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Arguments of `softwire dump`.
#[derive(Args, Clone, Debug)]
pub struct DumpArgs {
    /// In which form; --json is short for json.
    #[arg(long, value_name = "FORM", default_value = "csv")]
    pub format: FormatArg,
}

/// Forms of a file of bindings.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum FormatArg {
    /// A header and a line each.
    Csv,
    /// RFC 7951 JSON of ietf-softwire-br (RFC 8676).
    Json,
}

pub(super) const SHOW_EXAMPLES: &str = "Examples:
  lwaftr show status
  lwaftr show drops --watch
  lwaftr show counters --json";
pub(super) const SOFTWIRE_EXAMPLES: &str = "Examples:
  lwaftr softwire add --ipv4 192.0.2.1 --psid-length 6 --psid 26 --b4 2001:db8::1 --br 2001:db8:af::1
  lwaftr softwire remove --ipv4 192.0.2.1 --psid-length 6 --psid 26
  lwaftr softwire get --ipv4 192.0.2.1 --port 26624
  lwaftr softwire add --file new.csv
  lwaftr softwire load /etc/lwaftr/bindings.csv
  lwaftr softwire dump --format json > bindings.json";
