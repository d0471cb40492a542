//! Result codes and how long a client holds back after each (RFC 6887 s7.4, RFC 7652, RFC 7843).

use std::fmt;

/// What a response says about its request.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ResultCode {
    /// 0
    Success,
    /// 1: the version is not supported.
    UnsupportedVersion,
    /// 2: policy, another nonce, or a mapping that the client may not delete.
    NotAuthorized,
    /// 3: the request cannot be parsed, or asks for what contradicts itself.
    MalformedRequest,
    /// 4: the opcode is unknown or disabled.
    UnsupportedOpcode,
    /// 5: an option that must be processed is unknown, disabled or not for this client.
    UnsupportedOption,
    /// 6: an option has a bad length or content, or occurs too often.
    MalformedOption,
    /// 7: the network cannot serve the request now.
    NetworkFailure,
    /// 8: the server has nothing left.
    NoResources,
    /// 9: the protocol is not supported, or not all that was asked for can be given.
    UnsupportedProtocol,
    /// 10: this subscriber has had its share.
    UserExceededQuota,
    /// 11: the suggested external address and port cannot be had.
    CannotProvideExternal,
    /// 12: the client's address is not the source of the packet.
    AddressMismatch,
    /// 13: no more filters.
    ExcessiveRemotePeers,
    /// 24: the THIRD_PARTY_ID names nobody (RFC 7843).
    ThirdPartyIdUnknown,
    /// 25: a THIRD_PARTY_ID without THIRD_PARTY (RFC 7843).
    ThirdPartyMissingOption,
    /// 26: a THIRD_PARTY_ID of a length that is not supported (RFC 7843).
    UnsupportedThirdPartyIdLength,
    /// Any other, such as those of RFC 7652.
    Other(u8),
}

impl ResultCode {
    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::UnsupportedVersion => 1,
            Self::NotAuthorized => 2,
            Self::MalformedRequest => 3,
            Self::UnsupportedOpcode => 4,
            Self::UnsupportedOption => 5,
            Self::MalformedOption => 6,
            Self::NetworkFailure => 7,
            Self::NoResources => 8,
            Self::UnsupportedProtocol => 9,
            Self::UserExceededQuota => 10,
            Self::CannotProvideExternal => 11,
            Self::AddressMismatch => 12,
            Self::ExcessiveRemotePeers => 13,
            Self::ThirdPartyIdUnknown => 24,
            Self::ThirdPartyMissingOption => 25,
            Self::UnsupportedThirdPartyIdLength => 26,
            Self::Other(code) => code,
        }
    }

    /// How long, in seconds, a client should not repeat the request: the RECOMMENDED lifetime of the
    /// error (RFC 6887 s7.4). None for success, which has a lifetime of its own.
    #[must_use]
    pub const fn error_lifetime_s(self) -> Option<u32> {
        match self {
            Self::Success => None,
            Self::NetworkFailure | Self::NoResources | Self::UserExceededQuota => {
                Some(SHORT_LIFETIME_S)
            }
            _ => Some(LONG_LIFETIME_S),
        }
    }

    /// Whether the request could not be parsed, so that the response keeps what it does not overwrite
    /// (PC-018).
    #[must_use]
    pub const fn is_parse_failure(self) -> bool {
        matches!(
            self,
            Self::UnsupportedVersion | Self::MalformedRequest | Self::MalformedOption
        )
    }
}

impl From<u8> for ResultCode {
    fn from(code: u8) -> Self {
        match code {
            0 => Self::Success,
            1 => Self::UnsupportedVersion,
            2 => Self::NotAuthorized,
            3 => Self::MalformedRequest,
            4 => Self::UnsupportedOpcode,
            5 => Self::UnsupportedOption,
            6 => Self::MalformedOption,
            7 => Self::NetworkFailure,
            8 => Self::NoResources,
            9 => Self::UnsupportedProtocol,
            10 => Self::UserExceededQuota,
            11 => Self::CannotProvideExternal,
            12 => Self::AddressMismatch,
            13 => Self::ExcessiveRemotePeers,
            24 => Self::ThirdPartyIdUnknown,
            25 => Self::ThirdPartyMissingOption,
            26 => Self::UnsupportedThirdPartyIdLength,
            code => Self::Other(code),
        }
    }
}

impl fmt::Display for ResultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Success => "SUCCESS",
            Self::UnsupportedVersion => "UNSUPP_VERSION",
            Self::NotAuthorized => "NOT_AUTHORIZED",
            Self::MalformedRequest => "MALFORMED_REQUEST",
            Self::UnsupportedOpcode => "UNSUPP_OPCODE",
            Self::UnsupportedOption => "UNSUPP_OPTION",
            Self::MalformedOption => "MALFORMED_OPTION",
            Self::NetworkFailure => "NETWORK_FAILURE",
            Self::NoResources => "NO_RESOURCES",
            Self::UnsupportedProtocol => "UNSUPP_PROTOCOL",
            Self::UserExceededQuota => "USER_EX_QUOTA",
            Self::CannotProvideExternal => "CANNOT_PROVIDE_EXTERNAL",
            Self::AddressMismatch => "ADDRESS_MISMATCH",
            Self::ExcessiveRemotePeers => "EXCESSIVE_REMOTE_PEERS",
            Self::ThirdPartyIdUnknown => "THIRD_PARTY_ID_UNKNOWN",
            Self::ThirdPartyMissingOption => "THIRD_PARTY_MISSING_OPTION",
            Self::UnsupportedThirdPartyIdLength => "UNSUPP_THIRD_PARTY_ID_LENGTH",
            Self::Other(code) => return write!(f, "result {code}"),
        };
        f.write_str(name)
    }
}

/// Lifetime of errors that pass by themselves (RFC 6887 s7.4).
pub const SHORT_LIFETIME_S: u32 = 30;

/// Lifetime of errors that somebody has to repair (RFC 6887 s7.4).
pub const LONG_LIFETIME_S: u32 = 1800;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_its_way_to_the_type_and_back() {
        for code in 0..=u8::MAX {
            assert_eq!(ResultCode::from(code).code(), code);
        }
    }

    #[test]
    fn errors_that_pass_by_themselves_are_short_and_all_others_long() {
        let short: Vec<u8> = (1..=u8::MAX)
            .filter(|code| ResultCode::from(*code).error_lifetime_s() == Some(30))
            .collect();
        assert_eq!(short, [7, 8, 10]);
        assert_eq!(ResultCode::Success.error_lifetime_s(), None);
        assert_eq!(ResultCode::NotAuthorized.error_lifetime_s(), Some(1800));
    }
}
