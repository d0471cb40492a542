//! What a client sends (RFC 8415 s18.2).

use super::Duid;
use super::IaAddress;
use super::IaPrefix;
use super::MessageType;
use super::TransactionId;
use super::ia;
use crate::dhcpv6::option::code;
use crate::dhcpv6::option::put;

/// A message of a client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request<'a> {
    /// What it is.
    pub kind: MessageType,
    /// Ties the answer to it.
    pub transaction: TransactionId,
    /// Who asks.
    pub client: &'a Duid,
    /// Whom, where only one is to answer.
    pub server: Option<&'a Duid>,
    /// Hundredths of a second since the exchange began.
    pub elapsed_cs: u16,
    /// The number of our associations.
    pub iaid: u32,
    /// Addresses: wanted if there is a list, which may be empty.
    pub addresses: Option<&'a [IaAddress]>,
    /// Prefixes, in the same way.
    pub prefixes: Option<&'a [IaPrefix]>,
}

impl Request<'_> {
    /// As octets.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut octets = vec![self.kind as u8];
        octets.extend(self.transaction.octets());
        put(&mut octets, code::CLIENTID, |value| {
            value.extend(self.client.octets())
        });
        if let Some(server) = self.server {
            put(&mut octets, code::SERVERID, |value| {
                value.extend(server.octets())
            });
        }
        put(&mut octets, code::ELAPSED_TIME, |value| {
            value.extend(self.elapsed_cs.to_be_bytes())
        });
        if let Some(addresses) = self.addresses {
            ia::write(&mut octets, self.iaid, addresses);
        }
        if let Some(prefixes) = self.prefixes {
            ia::write(&mut octets, self.iaid, prefixes);
        }
        let wanted = wanted(self.kind);
        if !wanted.is_empty() {
            put(&mut octets, code::ORO, |value| {
                value.extend(wanted.iter().flat_map(|code| code.to_be_bytes()));
            });
        }
        octets
    }
}

/// Options to ask for: those that an lwB4 reads (DH-002, DH-011), and the limits that a client has to
/// know (RFC 8415 s21.24, s21.25).
const fn wanted(kind: MessageType) -> &'static [u16] {
    match kind {
        MessageType::Solicit | MessageType::Request | MessageType::Renew | MessageType::Rebind => {
            &[
                code::DNS_SERVERS,
                code::AFTR_NAME,
                code::V6_PCP_SERVER,
                code::S46_CONT_LW,
                code::S46_PRIORITY,
                code::SOL_MAX_RT,
            ]
        }
        MessageType::InformationRequest => &[
            code::DNS_SERVERS,
            code::AFTR_NAME,
            code::V6_PCP_SERVER,
            code::S46_CONT_LW,
            code::S46_PRIORITY,
            code::INFORMATION_REFRESH_TIME,
            code::INF_MAX_RT,
        ],
        MessageType::Advertise | MessageType::Reply | MessageType::Release => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(kind: MessageType) -> Vec<u8> {
        let client = Duid::from_mac([2, 0, 0, 0, 0, 7]);
        let request = Request {
            kind,
            transaction: TransactionId::new(0x0012_3456 << 40),
            client: &client,
            server: None,
            elapsed_cs: 0,
            iaid: 7,
            addresses: Some(&[]),
            prefixes: None,
        };
        request.encode()
    }

    /// By hand from RFC 8415 s8, s21.2, s21.4, s21.7, s21.9.
    #[test]
    fn dh_002_dh_011_a_solicit_asks_for_64_and_96() {
        let expected = b"\x01\x12\x34\x56\
            \0\x01\0\x0a\0\x03\0\x01\x02\0\0\0\0\x07\
            \0\x08\0\x02\0\0\
            \0\x03\0\x0c\0\0\0\x07\0\0\0\0\0\0\0\0\
            \0\x06\0\x0c\0\x17\0\x40\0\x56\0\x60\0\x6f\0\x52";
        assert_eq!(request(MessageType::Solicit), expected);
    }

    #[test]
    fn dh_011_every_message_that_gets_options_asks_for_them() {
        for kind in [
            MessageType::Solicit,
            MessageType::Request,
            MessageType::Renew,
            MessageType::Rebind,
            MessageType::InformationRequest,
        ] {
            let octets = request(kind);
            assert!(octets.ends_with(&[0, 82]) || octets.ends_with(&[0, 83]));
            let asks = |code| octets.windows(2).any(|pair| pair == [0, code]);
            assert!(asks(64) && asks(96) && asks(111), "{kind:?}");
        }
        assert!(!request(MessageType::Release).ends_with(&[0, 82]));
    }
}
