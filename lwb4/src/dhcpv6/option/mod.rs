//! The options that an lwB4 reads, as octets and as values.
//!
//! Each comes whole or not at all: an option that is malformed, or breaks the cardinalities of what it is
//! in, is a typed error, and what stood before stays (DH-010). Options nobody knows are passed over.

mod addresses;
mod aftr_name;
mod error;
mod lw_container;
mod port_params;
mod priority;
mod raw;
mod read;

pub use addresses::PcpServer;
pub use error::OptionError;
pub use lw_container::LwContainer;
pub use lw_container::V4V6Bind;
pub use priority::Priority;
pub use raw::RawOption;
pub use raw::RawOptions;
pub use raw::put;
pub use read::Field;
pub use read::Reading;

/// Option codes (IANA, "Option Codes" of DHCPv6).
pub mod code {
    /// Client identifier (RFC 8415 s21.2).
    pub const CLIENTID: u16 = 1;
    /// Server identifier (RFC 8415 s21.3).
    pub const SERVERID: u16 = 2;
    /// Addresses that are not temporary (RFC 8415 s21.4).
    pub const IA_NA: u16 = 3;
    /// One address of them (RFC 8415 s21.6).
    pub const IAADDR: u16 = 5;
    /// Options asked for (RFC 8415 s21.7).
    pub const ORO: u16 = 6;
    /// A server's preference (RFC 8415 s21.8).
    pub const PREFERENCE: u16 = 7;
    /// How long the client has been asking (RFC 8415 s21.9).
    pub const ELAPSED_TIME: u16 = 8;
    /// Success or failure (RFC 8415 s21.13).
    pub const STATUS_CODE: u16 = 13;
    /// Resolvers (RFC 3646 s3).
    pub const DNS_SERVERS: u16 = 23;
    /// Prefixes (RFC 8415 s21.21).
    pub const IA_PD: u16 = 25;
    /// One prefix of them (RFC 8415 s21.22).
    pub const IAPREFIX: u16 = 26;
    /// When to ask again for what has no lease (RFC 8415 s21.23).
    pub const INFORMATION_REFRESH_TIME: u16 = 32;
    /// The AFTR's name (RFC 6334).
    pub const AFTR_NAME: u16 = 64;
    /// Longest pause between SOLICITs (RFC 8415 s21.24).
    pub const SOL_MAX_RT: u16 = 82;
    /// Longest pause between INFORMATION-REQUESTs (RFC 8415 s21.25).
    pub const INF_MAX_RT: u16 = 83;
    /// A PCP server (RFC 7291).
    pub const V6_PCP_SERVER: u16 = 86;
    /// A rule of MAP (RFC 7598 s4.1).
    pub const S46_RULE: u16 = 89;
    /// A border relay (RFC 7598 s4.2).
    pub const S46_BR: u16 = 90;
    /// The default mapping rule of MAP-T (RFC 7598 s4.3).
    pub const S46_DMR: u16 = 91;
    /// The binding of an lwB4 (RFC 7598 s4.4).
    pub const S46_V4V6BIND: u16 = 92;
    /// A PSID (RFC 7598 s4.5).
    pub const S46_PORTPARAMS: u16 = 93;
    /// Lightweight 4over6 (RFC 7598 s5.3).
    pub const S46_CONT_LW: u16 = 96;
    /// The order of mechanisms (RFC 8026).
    pub const S46_PRIORITY: u16 = 111;
}
