//! What holds whatever happens.

use std::collections::BTreeMap;

use proptest::prelude::*;

use pcp::wire::Response;
use pcp::wire::ResponseError;

use super::super::State;
use super::*;

/// What may happen in a home.
#[derive(Clone, Debug)]
enum Event {
    Request(Ipv4Addr, Vec<u8>),
    Wait(u32),
    /// So many ports of one of two addresses; or of none.
    Sets(Option<(Ipv4Addr, u16)>),
    /// A packet makes a mapping, or keeps it in use.
    Packet(u16),
    SetExpires(Option<u32>),
}

fn an_option() -> impl Strategy<Value = Vec<u8>> {
    let filter = (0_u8..3, prop_oneof![Just(0_u8), 90_u8..=130], 0_u16..3);
    let filter = filter.prop_map(|(octet, length, port)| {
        let [high, low] = port.to_be_bytes();
        let start = [0, length, high, low];
        let address = match length {
            0 => Ipv4Addr::UNSPECIFIED,
            _ => Ipv4Addr::new(198, 51, 100, octet),
        };
        option(3, &[&start[..], &mapped(address)].concat())
    });
    prop_oneof![
        2 => Just(option(2, &[])),
        4 => filter,
        2 => proptest::collection::vec(any::<u8>(), 0..6).prop_map(|text| option(128, &text)),
        1 => any::<u8>().prop_map(|code| option(code, &[1, 2, 3])),
    ]
}

/// Requests that are mostly right, of two hosts with two nonces and few ports.
fn a_request() -> impl Strategy<Value = Event> {
    let who = (any::<bool>(), any::<bool>(), any::<bool>());
    let what = (
        prop_oneof![1 => Just(0_u8), 8 => Just(TCP), 8 => Just(UDP), 1 => Just(47)],
        0_u16..4,
        prop_oneof![2 => Just(0_u32), 6 => 1_u32..1000],
        prop_oneof![Just(0_u16), 5348_u16..5354],
    );
    let options = proptest::collection::vec(an_option(), 0..3);
    let damage = prop_oneof![
        20 => Just(None),
        1 => any::<(prop::sample::Index, u8)>().prop_map(Some)
    ];
    (who, what, options, damage).prop_map(|(who, what, options, damage)| {
        let (is_other, has_other_nonce, is_peer) = who;
        let (protocol, port, lifetime_s, external_port) = what;
        let asking = Asking {
            host: if is_other { OTHER_HOST } else { HOST },
            nonce: if has_other_nonce { OTHER_NONCE } else { NONCE },
            protocol,
            port,
            lifetime_s,
            external: (Ipv4Addr::UNSPECIFIED, external_port),
        };
        let request = match is_peer {
            true => asking.peer(Ipv4Addr::new(198, 51, 100, 7), port),
            false => asking.map(),
        };
        let mut octets = with(&request, &options);
        if let Some((place, mask)) = damage {
            let place = place.index(octets.len());
            octets[place] ^= mask;
        }
        Event::Request(asking.host, octets)
    })
}

fn an_event() -> impl Strategy<Value = Event> {
    let set = (any::<bool>(), 1_u16..12)
        .prop_map(|(is_other, count)| (if is_other { OTHER_PUBLIC } else { PUBLIC }, count));
    prop_oneof![
        12 => a_request(),
        2 => (0_u32..400).prop_map(Event::Wait),
        1 => prop::option::weighted(0.8, set).prop_map(Event::Sets),
        1 => (1_u16..4).prop_map(Event::Packet),
        1 => prop::option::of(1_u32..2000).prop_map(Event::SetExpires),
    ]
}

impl Home {
    fn happen(&mut self, event: Event) {
        match event {
            Event::Request(host, octets) => self.ask(host, &octets),
            Event::Wait(seconds) => self.wait(seconds),
            Event::Sets(set) => {
                let set = set.map(|(address, count)| (address, 5345..=5345 + count));
                self.nat.change(set.into_iter().collect());
                self.tell_of_change();
            }
            Event::Packet(port) => {
                let internal = (TCP, SocketAddrV4::new(HOST, port));
                if let Some((address, ports)) = self.nat.sets.first() {
                    let end = SocketAddrV4::new(*address, *ports.end());
                    let is_taken = self.nat.open.values().any(|(_, taken)| *taken == end)
                        || self.nat.implicit.values().any(|taken| *taken == end);
                    let is_mapped = self.nat.open.keys().any(|(of, _)| *of == internal);
                    if !is_taken && !is_mapped {
                        self.nat.implicit.entry(internal).or_insert(end);
                    }
                }
            }
            Event::SetExpires(seconds) => {
                self.set_expires = seconds
                    .map(|seconds| self.now + std::time::Duration::from_secs(seconds.into()));
            }
        }
    }

    /// An error changes nothing, and every answer can be read.
    fn ask(&mut self, host: Ipv4Addr, octets: &[u8]) {
        // What ends now ends whatever the request says.
        self.server.expire(&mut self.nat, self.now);
        let before = (self.nat.open.clone(), self.mappings());
        let Some(answer) = self.hear_from(host, octets) else {
            assert!(octets.len() < 24 || octets[1] & 0x80 != 0);
            return;
        };
        assert!(answer.len() <= 1100 && answer.len().is_multiple_of(4));
        match Response::parse(&answer) {
            Ok(response) => assert_eq!(response.header.epoch_s, self.server.epoch_s(self.now)),
            // A copy of what nobody can read.
            Err(error) => assert!(answer[3] != 0, "{error}"),
        }
        if answer[3] != 0 {
            assert_eq!(before, (self.nat.open.clone(), self.mappings()));
        }
    }

    fn mappings(&self) -> Vec<Mapping> {
        self.server.mappings().cloned().collect()
    }

    /// The NAT and the book say the same.
    fn check(&self) {
        let open = self.server.mappings();
        let open = open.filter(|mapping| mapping.state == State::Open);
        let open: BTreeMap<_, _> = open
            .map(|mapping| {
                let key = (mapping.key.protocol, mapping.key.internal);
                let told = (mapping.external, mapping.filters.clone(), mapping.expires);
                ((key, mapping.key.remote), told)
            })
            .collect();
        let in_nat = self
            .nat
            .open
            .iter()
            .map(|(key, (wanted, end))| (*key, (*end, wanted.filters.clone(), wanted.expires)));
        assert_eq!(open, in_nat.collect());
        for ((protocol, _), (end, ..)) in open.iter().map(|((key, _), told)| (*key, told)) {
            assert!(protocol != UDP || ![5350, 5351].contains(&end.port()));
        }
    }
}

proptest! {
    #[test]
    fn pc_012_pc_016_the_nat_has_open_what_the_book_says(
        events in proptest::collection::vec(an_event(), 1..60),
    ) {
        let mut home = Home::with(LanConfig {
            mappings_per_host: 5,
            filters_per_mapping: 2,
            ..LanConfig::default()
        });
        home.nat = FakeNat::with(PUBLIC, 5345..=5356);
        for event in events {
            home.happen(event);
            home.server.expire(&mut home.nat, home.now);
            home.check();
            while let Some(datagram) = home.server.poll(home.now) {
                prop_assert!(Response::parse(&datagram.payload).is_ok());
            }
        }
        home.wait(100_000);
        home.server.expire(&mut home.nat, home.now);
        prop_assert!(home.nat.open.is_empty());
    }

    #[test]
    fn pc_002_any_octets_are_answered_by_the_rules_or_dropped(
        octets in proptest::collection::vec(any::<u8>(), 0..1300),
        version in prop_oneof![Just(None), Just(Some(2_u8))],
    ) {
        let mut home = Home::new();
        let mut octets = octets;
        if let (Some(first), Some(version)) = (octets.first_mut(), version) {
            *first = version;
        }
        let is_request = octets.len() >= 2 && octets[1] & 0x80 == 0;
        let is_heard = is_request && (octets[0] != 2 || octets.len() >= 24);
        let answer = home.hear(&octets);
        prop_assert_eq!(answer.is_some(), is_heard);
        if let Some(answer) = answer {
            prop_assert_ne!(answer[3], 0, "random octets have no address of ours");
            prop_assert!(answer.len() >= 24 && answer.len() <= 1100);
            let is_read = match Response::parse(&answer) {
                Ok(_) | Err(ResponseError::Length { .. } | ResponseError::Option(_)) => true,
                Err(ResponseError::UnsupportedVersion { supported, .. }) => supported == 2,
                Err(ResponseError::Opcode(_)) => answer[3] == 4 || answer[3] == 3 || answer[3] == 12,
                Err(_) => false,
            };
            prop_assert!(is_read);
        }
        prop_assert_eq!(home.nat.calls, 0);
    }
}
