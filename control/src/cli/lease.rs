//! Arguments of `lease`: leases of the running daemon, and the store of one that is stopped.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;

use crate::config::DEFAULT_SOCKET;

/// Arguments of `lease`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct LeaseArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: LeaseCommand,
}

/// What `lease` can do.
#[derive(Clone, Debug, Subcommand)]
pub enum LeaseCommand {
    /// Say who holds a port now, or what an lwB4's subscriber holds.
    Who(WhoArgs),
    /// Take the lease away that has a port; its set rests, and its lwB4 must ask anew.
    Revoke(RevokeArgs),
    /// Have all lwB4s that hold leases ask again: the epoch begins anew, and they are told so in their turn.
    Announce(AnnounceArgs),
    /// Read all of a stopped daemon's lease store, and say what is there and what is wrong.
    Check(StoreArgs),
    /// Print all leases of a stopped daemon's store as JSON, one a line, for a backup or another box.
    Export(StoreArgs),
    /// Make a lease store of what `export` printed; refused where there is one already.
    Import(ImportArgs),
    /// Make a new lease store of what can be read of a damaged one, which is kept beside it.
    Restore(StoreArgs),
}

/// Which store.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub struct StoreArgs {
    /// The configuration that names it.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Its folder.
    #[arg(long, value_name = "FOLDER")]
    pub store: Option<PathBuf>,
}

/// Arguments of `lease import`.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// The leases, or - for standard input.
    #[arg(value_name = "LEASES")]
    pub leases: PathBuf,
    /// Which store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// Arguments of `lease who`.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
pub struct WhoArgs {
    /// The IPv4 address.
    #[arg(long, value_name = "IPV4", requires = "port", conflicts_with = "b4")]
    pub ipv4: Option<Ipv4Addr>,
    /// A port of it.
    #[arg(long, value_name = "PORT", requires = "ipv4")]
    pub port: Option<u16>,
    /// An address of the subscriber.
    #[arg(long, value_name = "IPV6")]
    pub b4: Option<Ipv6Addr>,
    /// The daemon's Unix socket.
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET)]
    pub socket: PathBuf,
}

/// Arguments of `lease revoke`.
#[derive(Args, Clone, Debug)]
pub struct RevokeArgs {
    /// The IPv4 address.
    #[arg(long, value_name = "IPV4")]
    pub ipv4: Ipv4Addr,
    /// Any port of the set.
    #[arg(long, value_name = "PORT")]
    pub port: u16,
    /// The daemon's Unix socket.
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET)]
    pub socket: PathBuf,
}

/// Arguments of `lease announce`.
#[derive(Args, Clone, Debug)]
pub struct AnnounceArgs {
    /// The daemon's Unix socket.
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET)]
    pub socket: PathBuf,
}

const EXAMPLES: &str = "Examples:
  lwaftr lease who --ipv4 192.0.2.1 --port 26700
  lwaftr lease who --b4 2001:db8:b4::1 --json
  lwaftr lease revoke --ipv4 192.0.2.1 --port 26700
  lwaftr lease announce
  lwaftr lease check -c lwaftr.toml
  lwaftr lease export -c lwaftr.toml > leases.jsonl
  lwaftr lease import leases.jsonl --store /var/lib/lwaftr/leases
  lwaftr lease restore -c lwaftr.toml";
