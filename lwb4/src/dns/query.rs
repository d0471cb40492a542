//! One question for AAAA records, and its answer (RFC 1035 s4; RFC 3596).

use std::net::Ipv6Addr;

use simple_dns::Packet;
use simple_dns::PacketFlag;
use simple_dns::QTYPE;
use simple_dns::RCODE;
use simple_dns::TYPE;
use simple_dns::rdata::RData;
use thiserror::Error;

use super::DomainName;

/// The addresses of a name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Addresses {
    /// At least one, in the order of the answer.
    pub addresses: Vec<Ipv6Addr>,
    /// Seconds until they are to be asked for anew.
    pub ttl_s: u32,
}

/// The question, with recursion desired.
#[must_use]
pub fn question(id: u16, name: &DomainName) -> Vec<u8> {
    let mut octets = id.to_be_bytes().to_vec();
    octets.extend([RECURSION_DESIRED, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    octets.extend(name.octets());
    octets.extend([0, AAAA, 0, INTERNET]);
    octets
}

/// Reads the answer to the question `id` about `name`. Aliases are followed inside the answer; a cut-off
/// answer with an address is as good as a whole one, because one address is all that is needed.
///
/// # Errors
/// When it is no answer to the question, or has no address.
pub fn answer(octets: &[u8], id: u16, name: &DomainName) -> Result<Addresses, AnswerError> {
    let packet = Packet::parse(octets).map_err(|_| AnswerError::Malformed)?;
    if !answers(&packet, id, name) {
        return Err(AnswerError::NotOurs);
    }
    match packet.rcode() {
        RCODE::NoError => addresses(&packet, name).ok_or(AnswerError::NoAddress),
        RCODE::NameError => Err(AnswerError::NoAddress),
        code => Err(AnswerError::Refused { code: code as u16 }),
    }
}

fn answers(packet: &Packet<'_>, id: u16, name: &DomainName) -> bool {
    let [question] = &packet.questions[..] else {
        return false;
    };
    packet.has_flags(PacketFlag::RESPONSE)
        && packet.id() == id
        && question.qtype == QTYPE::TYPE(TYPE::AAAA)
        && is(&question.qname, &name.to_string())
}

fn addresses(packet: &Packet<'_>, name: &DomainName) -> Option<Addresses> {
    let mut owner = name.to_string();
    let mut ttl_s = u32::MAX;
    // An answer has no more aliases in a row than records, so that a circle of them ends.
    for _ in 0..=packet.answers.len() {
        let mut alias = None;
        let mut addresses = Vec::new();
        for record in packet
            .answers
            .iter()
            .filter(|record| is(&record.name, &owner))
        {
            match &record.rdata {
                RData::AAAA(aaaa) => addresses.push(Ipv6Addr::from_bits(aaaa.address)),
                RData::CNAME(cname) => alias = Some(cname.0.to_string()),
                _ => continue,
            }
            ttl_s = ttl_s.min(record.ttl);
        }
        addresses.retain(|address| !(address.is_unspecified() || address.is_multicast()));
        if !addresses.is_empty() {
            return Some(Addresses { addresses, ttl_s });
        }
        owner = alias?;
    }
    None
}

fn is(name: &simple_dns::Name<'_>, text: &str) -> bool {
    name.to_string().eq_ignore_ascii_case(text)
}

/// Why octets are no addresses.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum AnswerError {
    /// No message of DNS.
    #[error("a malformed answer")]
    Malformed,
    /// No answer to this question: somebody guesses, or is late.
    #[error("an answer to another question")]
    NotOurs,
    /// The server does not know.
    #[error("an answer with response code {code}")]
    Refused {
        /// The response code.
        code: u16,
    },
    /// The name has no address.
    #[error("the name has no IPv6 address")]
    NoAddress,
}

/// Flags and numbers of RFC 1035 s4.1.1 and s3.2.4, and RFC 3596 s2.1.
const RECURSION_DESIRED: u8 = 1;
const AAAA: u8 = 28;
const INTERNET: u8 = 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `aftr.example.com`, at 12 in every message here.
    const NAME: &[u8] = b"\x04aftr\x07example\x03com\x00";
    const ADDRESS: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0xaf, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

    fn name() -> DomainName {
        DomainName::first_of(NAME).unwrap()
    }

    /// A response to question 0x1234 with these records; a record's owner is a name or a pointer.
    fn response(flags: [u8; 2], records: &[(&[u8], u8, u8, &[u8])]) -> Vec<u8> {
        let mut octets = vec![0x12, 0x34, flags[0], flags[1], 0, 1, 0, records.len() as u8];
        octets.extend([0; 4]);
        octets.extend(NAME);
        octets.extend([0, 28, 0, 1]);
        for (owner, kind, ttl_s, data) in records {
            octets.extend(*owner);
            octets.extend([0, *kind, 0, 1, 0, 0, 0, *ttl_s, 0, data.len() as u8]);
            octets.extend(*data);
        }
        octets
    }

    const SAME: &[u8] = &[0xc0, 12];
    const GOOD: [u8; 2] = [0x81, 0x80];

    #[test]
    fn the_question_is_for_an_address_with_recursion() {
        let expected = [b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0", NAME, b"\0\x1c\0\x01"].concat();
        assert_eq!(question(0x1234, &name()), expected);
    }

    #[test]
    fn dh_003_addresses_are_read_in_their_order() {
        let mut other = ADDRESS;
        other[15] = 2;
        let octets = response(GOOD, &[(SAME, 28, 60, &other), (SAME, 28, 90, &ADDRESS)]);
        let expected = Addresses {
            addresses: vec![other.into(), ADDRESS.into()],
            ttl_s: 60,
        };
        assert_eq!(answer(&octets, 0x1234, &name()), Ok(expected));
    }

    #[test]
    fn aliases_are_followed_and_others_records_are_not() {
        let alias = b"\x01x\x00";
        let records: [(&[u8], u8, u8, &[u8]); 3] = [
            (b"\x05other\x00", 28, 1, &[0x20; 16]),
            (alias, 28, 200, &ADDRESS),
            (SAME, 5, 30, alias),
        ];
        let expected = Addresses {
            addresses: vec![ADDRESS.into()],
            ttl_s: 30,
        };
        assert_eq!(
            answer(&response(GOOD, &records), 0x1234, &name()),
            Ok(expected)
        );
    }

    #[test]
    fn a_circle_of_aliases_ends() {
        let octets = response(GOOD, &[(SAME, 5, 30, SAME)]);
        assert_eq!(
            answer(&octets, 0x1234, &name()),
            Err(AnswerError::NoAddress)
        );
    }

    #[test]
    fn what_gives_no_address_says_why() {
        let read = |octets: &[u8], id| answer(octets, id, &name());
        let good = response(GOOD, &[(SAME, 28, 60, &ADDRESS)]);
        assert_eq!(read(&good, 0x1235), Err(AnswerError::NotOurs));
        assert_eq!(
            read(&question(0x1234, &name()), 0x1234),
            Err(AnswerError::NotOurs)
        );
        let other = "other.example.com".parse().unwrap();
        assert_eq!(answer(&good, 0x1234, &other), Err(AnswerError::NotOurs));
        assert_eq!(
            read(&response(GOOD, &[]), 0x1234),
            Err(AnswerError::NoAddress)
        );
        assert_eq!(
            read(&response([0x81, 0x83], &[]), 0x1234),
            Err(AnswerError::NoAddress)
        );
        let servfail = response([0x81, 0x82], &[]);
        assert_eq!(
            read(&servfail, 0x1234),
            Err(AnswerError::Refused { code: 2 })
        );
        assert_eq!(read(&good[..20], 0x1234), Err(AnswerError::Malformed));
    }

    proptest! {
        #[test]
        fn no_octets_do_harm(octets: Vec<u8>, at in 0_usize..80, octet: u8) {
            let _ = answer(&octets, 0x1234, &name());
            let mut good = response(GOOD, &[(SAME, 5, 30, SAME), (SAME, 28, 60, &ADDRESS)]);
            if let Some(place) = good.get_mut(at) {
                *place = octet;
            }
            let _ = answer(&good, 0x1234, &name());
        }
    }
}
