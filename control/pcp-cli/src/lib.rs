//! A PCP client (RFC 6887, RFC 7753) for people, scripts and DHCP hooks: one question, one answer.
//!
//! ```text
//!  cli ─► wanted ─► ask ─► report        map and delete; announce asks without `wanted`
//!    │       └── nonce_file └── socket
//!    └──────► listen ─────► report        announce --listen
//! ```
//!
//! Everything about messages comes from the library `pcp`; here are sockets, files and words. There is no
//! DPDK in it, so that it runs on any DHCP server.

pub mod cli;
pub mod error;

mod ask;
mod clock;
mod interface;
mod listen;
mod nonce_file;
mod report;
mod socket;
mod wanted;

use std::io::Write;

use crate::cli::Cli;
use crate::cli::Command;
use crate::error::Error;

/// Runs the command and writes what it finds out to `output`.
///
/// # Errors
/// When the command line makes no sense, nobody answers, or the server refuses.
pub fn execute(cli: &Cli, output: &mut impl Write) -> Result<(), Error> {
    match &cli.command {
        Command::Map(args) => {
            let wanted = wanted::mapping(args)?;
            ask::map(&args.server, &wanted, cli.format(), output)
        }
        Command::Delete(args) => {
            let wanted = wanted::deletion(args)?;
            ask::map(&args.server, &wanted, cli.format(), output)
        }
        Command::Announce(args) if args.listen => listen::listen(args, cli.format(), output),
        Command::Announce(args) => ask::announce(&args.server(), cli.format(), output),
    }
}
