//! What a client receives: ADVERTISE and REPLY (RFC 8415 s16.3, s16.10).

use thiserror::Error;

use super::Duid;
use super::IaAddress;
use super::IaPrefix;
use super::Identity;
use super::MessageType;
use super::TransactionId;
use crate::dhcpv6::option::RawOptions;
use crate::dhcpv6::option::code;

/// A message of a server to us.
#[derive(Clone, Debug)]
pub struct Reply<'a> {
    /// ADVERTISE or REPLY.
    pub kind: MessageType,
    /// What it answers.
    pub transaction: TransactionId,
    /// Who sends it.
    pub server: Duid,
    /// How it went, as a whole.
    pub status: Status,
    /// How much the server wants to be chosen.
    pub preference: u8,
    /// Our addresses.
    pub addresses: Option<Identity<IaAddress>>,
    /// Our prefixes.
    pub prefixes: Option<Identity<IaPrefix>>,
    /// All options.
    pub options: RawOptions<'a>,
}

impl<'a> Reply<'a> {
    /// Reads a message to `client` about its associations `iaid`.
    ///
    /// # Errors
    /// When it is none, or not for this client.
    pub fn decode(octets: &'a [u8], client: &Duid, iaid: u32) -> Result<Self, ReplyError> {
        let (&[kind, a, b, c], rest) = octets.split_first_chunk().ok_or(ReplyError::Short)?;
        let kind = match kind {
            2 => MessageType::Advertise,
            7 => MessageType::Reply,
            kind => return Err(ReplyError::Kind { kind }),
        };
        let options = RawOptions::new(rest);
        if options.first(code::CLIENTID) != Some(client.octets()) {
            return Err(ReplyError::Client);
        }
        let server = options.first(code::SERVERID).and_then(Duid::from_octets);
        Ok(Self {
            kind,
            transaction: TransactionId::from_octets([a, b, c]),
            server: server.ok_or(ReplyError::Server)?,
            status: Status::of(options),
            preference: match options.first(code::PREFERENCE) {
                Some(&[preference]) => preference,
                _ => 0,
            },
            addresses: identity(options, iaid),
            prefixes: identity(options, iaid),
            options,
        })
    }

    /// The seconds of an option that is one number.
    #[must_use]
    pub fn seconds(&self, code: u16) -> Option<u32> {
        let octets = self.options.first(code)?.try_into().ok()?;
        Some(u32::from_be_bytes(octets))
    }
}

fn identity<L: super::Delegation>(options: RawOptions<'_>, iaid: u32) -> Option<Identity<L>> {
    let mut all = options.all(L::IDENTITY).filter_map(Identity::read);
    all.find(|identity| identity.iaid == iaid)
}

/// How it went (RFC 8415 s21.13).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// Well; also where no status is.
    Success,
    /// The server knows no such lease.
    NoBinding,
    /// Addresses are not those of the link.
    NotOnLink,
    /// Not well, by this code: no addresses (2), no prefixes (6), or unspecified.
    Failed(u16),
}

impl Status {
    pub(super) fn of(options: RawOptions<'_>) -> Self {
        let code = options
            .first(code::STATUS_CODE)
            .and_then(|value| value.first_chunk());
        match code.map(|code| u16::from_be_bytes(*code)) {
            None | Some(0) => Self::Success,
            Some(3) => Self::NoBinding,
            Some(4) => Self::NotOnLink,
            Some(code) => Self::Failed(code),
        }
    }
}

/// Why octets are no message of a server to us.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum ReplyError {
    /// Shorter than its header.
    #[error("no message of DHCPv6")]
    Short,
    /// Not what a client is sent.
    #[error("a message of type {kind}, which clients are not sent")]
    Kind {
        /// The type's octet.
        kind: u8,
    },
    /// For another client, or none (s16.3, s16.10).
    #[error("a message for another client")]
    Client,
    /// Of nobody.
    #[error("a message without a server identifier")]
    Server,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dhcpv6::option::put;

    const CLIENT: [u8; 6] = [2, 0, 0, 0, 0, 7];

    fn message(kind: u8, options: &[(u16, &[u8])]) -> Vec<u8> {
        let mut octets = vec![kind, 0, 0, 9];
        for (code, value) in options {
            put(&mut octets, *code, |octets| octets.extend(*value));
        }
        octets
    }

    fn decode(octets: &[u8]) -> Result<Reply<'_>, ReplyError> {
        Reply::decode(octets, &Duid::from_mac(CLIENT), 7)
    }

    #[test]
    fn a_message_is_read_with_its_status_and_preference() {
        let client = Duid::from_mac(CLIENT);
        let options = [
            (1, client.octets()),
            (2, &[0, 3, 0, 1, 9][..]),
            (7, &[200]),
            (13, &[0, 3, b'n', b'o']),
            (82, &[0, 0, 0, 90]),
        ];
        let octets = message(2, &options);
        let reply = decode(&octets).unwrap();
        assert_eq!(
            (reply.kind, reply.preference),
            (MessageType::Advertise, 200)
        );
        assert_eq!(reply.status, Status::NoBinding);
        assert_eq!(reply.seconds(82), Some(90));
        assert_eq!(reply.transaction, TransactionId::new(9 << 40));
    }

    #[test]
    fn only_a_server_may_speak_and_only_to_us() {
        let client = Duid::from_mac(CLIENT);
        let ours = (1, client.octets());
        let server = (2, &[0, 3, 0, 1, 9][..]);
        let other = (1, &[0, 3, 0, 1, 9][..]);
        let error = |kind, options: &[_]| decode(&message(kind, options)).map(drop).unwrap_err();
        assert_eq!(error(7, &[server]), ReplyError::Client);
        assert_eq!(error(7, &[other, server]), ReplyError::Client);
        assert_eq!(error(7, &[ours]), ReplyError::Server);
        assert_eq!(error(1, &[ours, server]), ReplyError::Kind { kind: 1 });
        assert_eq!(decode(&[7, 0, 0]).map(drop).unwrap_err(), ReplyError::Short);
    }

    proptest! {
        #[test]
        fn no_octets_do_harm(octets: Vec<u8>, code in prop_oneof![Just(3_u16), Just(25), Just(13)]) {
            let _ = decode(&octets);
            let client = Duid::from_mac(CLIENT);
            let server = [0, 3, 0, 1, 9];
            let octets = [&[0, 0, 0, 7][..], octets.as_slice()].concat();
            let message = message(7, &[(1, client.octets()), (2, &server), (code, &octets)]);
            prop_assert!(decode(&message).is_ok());
        }
    }
}
