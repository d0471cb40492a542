//! Why an option is dropped.

use std::net::IpAddr;

use thiserror::Error;

use crate::dns::NameError;
use crate::external::ExternalSetError;

/// Why an option is dropped as a whole.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum OptionError {
    /// An option's header or value goes beyond its surroundings.
    #[error("the last {octets} octets are no option")]
    Truncated {
        /// How many octets are left.
        octets: usize,
    },
    /// A length that the option cannot have.
    #[error("option {code} has {length} octets")]
    Length {
        /// The option's code.
        code: u16,
        /// Its length.
        length: usize,
    },
    /// No valid name.
    #[error("option 64: {0}")]
    Name(NameError),
    /// An address that no server or relay can have.
    #[error("option {code} has {address}, which no host can have")]
    Address {
        /// The option's code.
        code: u16,
        /// The address.
        address: IpAddr,
    },
    /// A prefix that is longer than an address.
    #[error("option 92 has a prefix of {length} bits")]
    PrefixLength {
        /// The length.
        length: u8,
    },
    /// Numbers that name no port set.
    #[error("option 93: {0}")]
    PortSet(ExternalSetError),
    /// Bits behind the PSID are not 0, so that it may not be left-aligned as it must be.
    #[error("option 93 has PSID {field:#06x}, more than {length} bits from the left")]
    PsidPadding {
        /// The 16 bits.
        field: u16,
        /// How many of them are the PSID.
        length: u8,
    },
    /// An option is not where it must be.
    #[error("option {container} without option {code}")]
    Missing {
        /// The option that lacks another.
        container: u16,
        /// The option that is missing.
        code: u16,
    },
    /// An option comes more often than it may.
    #[error("option {code} more than once")]
    Repeated {
        /// The option's code.
        code: u16,
    },
    /// An option of a softwire mechanism stands where it has no meaning.
    #[error("option {code} in option {container}")]
    Misplaced {
        /// The option that it is in.
        container: u16,
        /// The option's code.
        code: u16,
    },
}
