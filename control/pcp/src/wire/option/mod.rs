//! Options: code, length, data, padding (RFC 6887 s7.3).
//!
//! Codes below 128 must be processed; a server that does not know one refuses the request. Codes from
//! 128 may be ignored, and what is ignored is not in the response (PC-011, PC-014).

mod filter;
mod list;
mod port_set;

use std::net::IpAddr;

use thiserror::Error;

pub use filter::Filter;
pub use list::Options;
pub use port_set::Parity;
pub use port_set::PortSetOption;

use super::MAX_LENGTH;
use super::MessageFull;
use super::address;
use super::field::Fields;

/// One option, read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PcpOption<'a> {
    /// 1: the mapping is that of another host (RFC 6887 s13.1).
    ThirdParty(IpAddr),
    /// 2: the suggested values or none (RFC 6887 s13.2).
    PreferFailure,
    /// 3: who may use the mapping (RFC 6887 s13.3).
    Filter(Filter),
    /// 13: which of the hosts that share an address (RFC 7843).
    ThirdPartyId(&'a [u8]),
    /// 128: what people call the mapping; UTF-8 if its sender keeps the rules (RFC 7220).
    Description(&'a [u8]),
    /// 129: the prefix of a NAT64, as it came (RFC 7225).
    Prefix64(&'a [u8]),
    /// 130: not one port but many (RFC 7753).
    PortSet(PortSetOption),
    /// Any other, kept as it came.
    Unknown {
        /// Its code.
        code: u8,
        /// Its data, without padding.
        data: &'a [u8],
    },
}

impl<'a> PcpOption<'a> {
    /// The option that `code` and `data` stand for.
    fn read(code: u8, data: &'a [u8]) -> Result<Self, OptionError> {
        let length = data.len();
        let right = match code {
            THIRD_PARTY => length == 16,
            PREFER_FAILURE => length == 0,
            FILTER => length == Filter::LENGTH,
            THIRD_PARTY_ID => (1..=THIRD_PARTY_ID_MAX).contains(&length),
            // Optional to process; yet a set must not silently become a single port (PS-026).
            PORT_SET => length == PortSetOption::LENGTH,
            _ => true,
        };
        if !right {
            return Err(OptionError::Length { code, length });
        }
        Ok(match code {
            THIRD_PARTY => Self::ThirdParty(Fields::new(data).address(0)),
            PREFER_FAILURE => Self::PreferFailure,
            FILTER => Self::Filter(Filter::read(data)?),
            THIRD_PARTY_ID => Self::ThirdPartyId(data),
            DESCRIPTION => Self::Description(data),
            PREFIX64 => Self::Prefix64(data),
            PORT_SET => Self::PortSet(PortSetOption::read(data)),
            _ => Self::Unknown { code, data },
        })
    }

    /// The option's code.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::ThirdParty(_) => THIRD_PARTY,
            Self::PreferFailure => PREFER_FAILURE,
            Self::Filter(_) => FILTER,
            Self::ThirdPartyId(_) => THIRD_PARTY_ID,
            Self::Description(_) => DESCRIPTION,
            Self::Prefix64(_) => PREFIX64,
            Self::PortSet(_) => PORT_SET,
            Self::Unknown { code, .. } => *code,
        }
    }

    /// Whether a server that does not process the option must refuse the request (RFC 6887 s7.3).
    #[must_use]
    pub const fn is_mandatory(&self) -> bool {
        self.code() < 128
    }
}

/// Appends the option, with padding, where there is room for it.
pub(super) fn write(option: &PcpOption<'_>, octets: &mut Vec<u8>) -> Result<(), MessageFull> {
    let code = option.code();
    match option {
        PcpOption::ThirdParty(host) => append(code, &address::to_wire(*host), octets),
        PcpOption::PreferFailure => append(code, &[], octets),
        PcpOption::Filter(filter) => append(code, &filter.octets(), octets),
        PcpOption::PortSet(set) => append(code, &set.octets(), octets),
        PcpOption::ThirdPartyId(data)
        | PcpOption::Description(data)
        | PcpOption::Prefix64(data)
        | PcpOption::Unknown { data, .. } => append(code, data, octets),
    }
}

fn append(code: u8, data: &[u8], octets: &mut Vec<u8>) -> Result<(), MessageFull> {
    let length = data.len();
    let padded = length.next_multiple_of(4);
    let full = MessageFull { code, length };
    if octets.len() + OPTION_HEADER + padded > MAX_LENGTH {
        return Err(full);
    }
    let [high, low] = u16::try_from(length).map_err(|_| full)?.to_be_bytes();
    octets.extend([code, 0, high, low]);
    octets.extend_from_slice(data);
    octets.resize(octets.len() + padded - length, 0);
    Ok(())
}

/// Why an option cannot be read; the answer is MALFORMED_OPTION (PC-010, PC-011).
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum OptionError {
    /// The option goes on past the message's end.
    #[error("option {code} with {length} octets of data ends outside the message")]
    Truncated {
        /// Its code.
        code: u8,
        /// Octets of data that it claims.
        length: usize,
    },
    /// No length that the option may have.
    #[error("{length} octets are no length for option {code}")]
    Length {
        /// Its code.
        code: u8,
        /// Octets of data that it has.
        length: usize,
    },
    /// An option that may stand once stands twice.
    #[error("option {code} stands more than once")]
    Repeated {
        /// Its code.
        code: u8,
    },
    /// A prefix length that FILTER does not have for its address (PC-063).
    #[error("FILTER with prefix length {prefix_length} for {address}")]
    Filter {
        /// The prefix length, in bits of an address of 128.
        prefix_length: u8,
        /// The peer's address.
        address: IpAddr,
    },
}

const THIRD_PARTY: u8 = 1;
const PREFER_FAILURE: u8 = 2;
const FILTER: u8 = 3;
const THIRD_PARTY_ID: u8 = 13;
const DESCRIPTION: u8 = 128;
const PREFIX64: u8 = 129;
const PORT_SET: u8 = 130;

/// Octets of a THIRD_PARTY_ID at most (RFC 7843 s4).
const THIRD_PARTY_ID_MAX: usize = 1016;

/// Octets before an option's data: code, reserved, length.
const OPTION_HEADER: usize = 4;
