//! The options of a message that an lwB4 looks for, each read on its own.

use std::net::Ipv6Addr;

use super::LwContainer;
use super::OptionError;
use super::PcpServer;
use super::Priority;
use super::RawOptions;
use super::addresses;
use super::aftr_name;
use super::code;
use super::priority;
use crate::dns::DomainName;

/// What a message says about one thing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Field<T> {
    /// Nothing.
    #[default]
    Absent,
    /// This.
    Said(T),
    /// Something that had to be dropped: what is known already stays.
    Discarded,
}

/// What the options of a message say.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reading {
    /// Option 64: the AFTR's name.
    pub aftr_name: Field<DomainName>,
    /// Option 86: PCP servers, one an option.
    pub pcp_servers: Field<Vec<PcpServer>>,
    /// Option 96: Lightweight 4over6.
    pub lw: Field<LwContainer>,
    /// Option 111: the order of mechanisms.
    pub priority: Field<Priority>,
    /// Option 23: resolvers.
    pub dns_servers: Field<Vec<Ipv6Addr>>,
    /// Why options were dropped, to be counted and logged.
    pub discarded: Vec<OptionError>,
}

impl Reading {
    /// Reads the options of a message. Options of softwires outside their container are passed over like
    /// unknown ones (DH-010).
    #[must_use]
    pub fn new(options: RawOptions<'_>) -> Self {
        let mut discarded = Vec::from_iter(options.check().err());
        let mut reading = Reader {
            options,
            discarded: &mut discarded,
        };
        Self {
            aftr_name: reading.first(code::AFTR_NAME, aftr_name::read),
            pcp_servers: reading.all(code::V6_PCP_SERVER, addresses::pcp_server),
            lw: reading.first(code::S46_CONT_LW, LwContainer::read),
            priority: reading.only(code::S46_PRIORITY, priority::read),
            dns_servers: reading.first(code::DNS_SERVERS, addresses::dns_servers),
            discarded,
        }
    }
}

struct Reader<'a> {
    options: RawOptions<'a>,
    discarded: &'a mut Vec<OptionError>,
}

impl Reader<'_> {
    /// The first instance, whatever comes later (DH-003).
    fn first<T>(&mut self, code: u16, read: Read<T>) -> Field<T> {
        let Some(value) = self.options.first(code) else {
            return Field::Absent;
        };
        self.field(read(value))
    }

    /// The only instance: two of them say nothing (RFC 8026 s1.3).
    fn only<T>(&mut self, code: u16, read: Read<T>) -> Field<T> {
        if self.options.all(code).nth(1).is_some() {
            return self.field(Err(OptionError::Repeated { code }));
        }
        self.first(code, read)
    }

    /// Those instances that are good.
    fn all<T>(&mut self, code: u16, read: Read<T>) -> Field<Vec<T>> {
        let read: Vec<_> = self.options.all(code).map(read).collect();
        let (good, bad): (Vec<_>, Vec<_>) = read.into_iter().partition(Result::is_ok);
        let good: Vec<_> = good.into_iter().flatten().collect();
        let any_bad = !bad.is_empty();
        self.discarded
            .extend(bad.into_iter().filter_map(Result::err));
        match (good.is_empty(), any_bad) {
            (false, _) => Field::Said(good),
            (true, true) => Field::Discarded,
            (true, false) => Field::Absent,
        }
    }

    fn field<T>(&mut self, read: Result<T, OptionError>) -> Field<T> {
        match read {
            Ok(value) => Field::Said(value),
            Err(error) => {
                self.discarded.push(error);
                Field::Discarded
            }
        }
    }
}

type Read<T> = fn(&[u8]) -> Result<T, OptionError>;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dhcpv6::option::put;

    const AFTR: &[u8] = b"\x04aftr\x07example\x03com\x00";
    const OTHER: &[u8] = b"\x05other\x00";

    fn reading(options: &[(u16, &[u8])]) -> Reading {
        let mut octets = Vec::new();
        for (code, value) in options {
            put(&mut octets, *code, |octets| octets.extend(*value));
        }
        Reading::new(RawOptions::new(&octets))
    }

    #[test]
    fn dh_003_only_the_first_instance_counts() {
        let name = Field::Said("aftr.example.com".parse().unwrap());
        assert_eq!(reading(&[(64, AFTR), (64, OTHER)]).aftr_name, name);
        let broken_first = reading(&[(64, b"x"), (64, OTHER)]);
        assert_eq!(broken_first.aftr_name, Field::Discarded);
        assert_eq!(broken_first.discarded.len(), 1);
    }

    #[test]
    fn dh_010_softwire_options_outside_a_container_are_ignored() {
        let br = [0x20; 16];
        let psid = [0, 5, 0x68, 0];
        assert_eq!(
            reading(&[(90, &br), (93, &psid), (60000, b"")]),
            Reading::default()
        );
    }

    #[test]
    fn dh_020_two_priorities_are_none() {
        let order = &[0, 96][..];
        assert!(matches!(reading(&[(111, order)]).priority, Field::Said(_)));
        let two = reading(&[(111, order), (111, order)]);
        assert_eq!(two.priority, Field::Discarded);
        assert_eq!(two.discarded, [OptionError::Repeated { code: 111 }]);
    }

    #[test]
    fn do_001_several_servers_are_several_options() {
        let (one, two) = ([0x20; 16], [0x21; 16]);
        let read = reading(&[(86, &one), (86, b"short"), (86, &two)]);
        assert!(matches!(read.pcp_servers, Field::Said(servers) if servers.len() == 2));
        let length = OptionError::Length {
            code: 86,
            length: 5,
        };
        assert_eq!(read.discarded, [length]);
        assert_eq!(reading(&[(86, b"short")]).pcp_servers, Field::Discarded);
    }

    #[test]
    fn what_is_good_counts_though_the_message_is_cut_off() {
        let mut octets = Vec::new();
        put(&mut octets, 64, |octets| octets.extend(AFTR));
        octets.extend([0, 96, 0, 44]);
        let reading = Reading::new(RawOptions::new(&octets));
        assert!(matches!(reading.aftr_name, Field::Said(_)));
        assert_eq!(reading.discarded, [OptionError::Truncated { octets: 4 }]);
    }

    proptest! {
        #[test]
        fn dh_010_no_octets_do_harm(octets: Vec<u8>) {
            let _ = Reading::new(RawOptions::new(&octets));
            for code in [64, 86, 96, 111, 23] {
                let _ = reading(&[(code, &octets)]);
            }
            let _ = reading(&[(96, &[&[0, 92, 0, octets.len() as u8], octets.as_slice()].concat())]);
        }
    }
}
