//! What can go wrong, in a line each.

use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use pcp::client::MapRequestError;
use pcp::result_code::ResultCode;
use pcp::wire::NonceError;
use thiserror::Error;

/// Why there is no result.
#[derive(Debug, Error)]
pub enum Error {
    /// The server says no.
    #[error("{server} refuses: {result}, for {lifetime_s} s")]
    Refused {
        /// Whom we asked.
        server: SocketAddr,
        /// What it says.
        result: ResultCode,
        /// Seconds that it stays so.
        lifetime_s: u32,
    },
    /// The server does not speak our version.
    #[error("{server} refuses: UNSUPP_VERSION, it speaks version {supported}{}", if *.supported == 0 { " (NAT-PMP)" } else { "" })]
    OtherVersion {
        /// Whom we asked.
        server: SocketAddr,
        /// The version it speaks.
        supported: u8,
    },
    /// Another mapping than the one that was to be had exactly; it is deleted again.
    #[error("{server} gives {address} from port {port}, not what was suggested; deleted again")]
    NotExact {
        /// Whom we asked.
        server: SocketAddr,
        /// What it gave.
        address: IpAddr,
        /// The first port that it gave.
        port: u16,
    },
    /// Nobody answers.
    #[error("no answer from {server} within {timeout:?}{}", why(.trouble))]
    NoAnswer {
        /// Whom we asked.
        server: SocketAddr,
        /// For how long.
        timeout: Duration,
        /// What the network said last.
        trouble: Option<io::Error>,
    },
    /// Nobody announced anything.
    #[error("no announcement of {server} within {timeout:?}")]
    NoAnnouncement {
        /// Whom we listened to.
        server: SocketAddr,
        /// For how long.
        timeout: Duration,
    },
    /// The request makes no sense.
    #[error(transparent)]
    Request(#[from] MapRequestError),
    /// A delete without a nonce.
    #[error("to delete takes the nonce of the mapping: --nonce or --nonce-file")]
    NonceMissing,
    /// An IPv6 group is joined on an interface.
    #[error("to listen over IPv6 takes --interface")]
    InterfaceMissing,
    /// There is no such interface.
    #[error("there is no interface {name:?}")]
    NoInterface {
        /// Its name.
        name: String,
    },
    /// An address of one family cannot ask one of the other.
    #[error("{source_address} cannot be the source of packets to {server}")]
    Families {
        /// Where from.
        source_address: IpAddr,
        /// Where to.
        server: IpAddr,
    },
    /// A socket cannot be had.
    #[error("cannot {what} {address}: {error}")]
    Socket {
        /// What was tried.
        what: &'static str,
        /// With which address.
        address: SocketAddr,
        /// Why it cannot be done.
        error: io::Error,
    },
    /// The file of the nonce cannot be read or made.
    #[error("{}: {error}", .path.display())]
    NonceFile {
        /// Its path.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file of the nonce has something else in it.
    #[error("{}: {error}", .path.display())]
    NotANonce {
        /// Its path.
        path: PathBuf,
        /// Why.
        error: NonceError,
    },
    /// Others can read the file of the nonce, and take the mapping away.
    #[error("{}: others may read it (mode {mode:03o}); it must be 600", .path.display())]
    NonceFileIsOpen {
        /// Its path.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The system has no random numbers.
    #[error("{path}: {error}")]
    Random {
        /// Where they come from.
        path: &'static str,
        /// Why not.
        error: io::Error,
    },
    /// What was found out cannot be written.
    #[error("cannot write the result: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    /// 2 for what was typed wrongly, 1 for all else.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Request(_)
            | Self::NonceMissing
            | Self::InterfaceMissing
            | Self::Families { .. } => 2,
            _ => 1,
        }
    }
}

fn why(error: &Option<io::Error>) -> String {
    error
        .as_ref()
        .map_or_else(String::new, |error| format!(": {error}"))
}
