//! The NAT against a slow and obvious one, over random packets, requests, sets and time.
//!
//! The model holds mappings in a list and goes through it for everything. It cannot know which port is chosen, so it
//! says whether the one that was may be; everything else it knows.

mod expected;

use proptest::prelude::*;

use self::expected::Model;
use self::expected::Verdict;
use super::packets::Packet;
use super::packets::end;
use super::*;
use crate::explicit::ExplicitMappings;
use crate::explicit::MappingKey;
use crate::explicit::RemoteFilter;
use crate::explicit::Wanted;

#[derive(Clone, Debug)]
enum Step {
    Out {
        protocol: u8,
        internal: SocketAddrV4,
        remote: SocketAddrV4,
        flags: u8,
    },
    In {
        protocol: u8,
        remote: SocketAddrV4,
        external: SocketAddrV4,
        flags: u8,
    },
    Pass {
        milliseconds: u64,
    },
    Use {
        sets: u8,
    },
    Open {
        wanted: Wanted,
        seconds: u64,
    },
    Close {
        key: MappingKey,
    },
}

/// The sets that come and go: some of UDP's ports forbidden, and one of many runs.
fn sets(mask: u8) -> Vec<ExternalSet> {
    let all = [
        run(EXTERNAL, 4096, 4101),
        run(Ipv4Addr::new(192, 0, 2, 6), 5348, 5353),
        ExternalSet::psid(Ipv4Addr::new(192, 0, 2, 7), 2, 13, 5).unwrap(),
    ];
    let used = all.into_iter().enumerate();
    used.filter(|(n, _)| mask & 1 << n != 0)
        .map(|(_, set)| set)
        .collect()
}

fn protocols() -> impl Strategy<Value = u8> {
    prop_oneof![4 => Just(UDP), 4 => Just(TCP), 2 => Just(1)]
}

fn internals() -> impl Strategy<Value = SocketAddrV4> {
    (10_u8..13, 5000_u16..5004)
        .prop_map(|(host, port)| SocketAddrV4::new([192, 168, 1, host].into(), port))
}

fn externals() -> impl Strategy<Value = SocketAddrV4> {
    let all: Vec<_> = sets(7)
        .into_iter()
        .flat_map(|set| {
            (0..set.count())
                .filter_map(move |n| Some(SocketAddrV4::new(set.address(), set.nth(n)?)))
        })
        .chain([end("192.0.2.5:4102"), end("192.0.2.9:4096")])
        .collect();
    prop::sample::select(all)
}

fn remotes() -> impl Strategy<Value = SocketAddrV4> {
    let remote = (1_u8..4, 80_u16..82)
        .prop_map(|(n, port)| SocketAddrV4::new([198, 51, 100, n].into(), port));
    prop_oneof![5 => remote, 1 => externals()]
}

fn flags() -> impl Strategy<Value = u8> {
    prop::sample::select(vec![2_u8, 2, 18, 18, 16, 16, 17, 17, 4])
}

fn keys() -> impl Strategy<Value = MappingKey> {
    let protocols = prop_oneof![Just(UDP), Just(TCP)];
    (protocols, internals()).prop_map(|(protocol, internal)| MappingKey {
        protocol,
        internal,
        remote: None,
    })
}

fn steps() -> impl Strategy<Value = Step> {
    let out = (protocols(), internals(), remotes(), flags()).prop_map(
        |(protocol, internal, remote, flags)| Step::Out {
            protocol,
            internal,
            remote,
            flags,
        },
    );
    let inward = (protocols(), remotes(), externals(), flags()).prop_map(
        |(protocol, remote, external, flags)| Step::In {
            protocol,
            remote,
            external,
            flags,
        },
    );
    let pass = prop_oneof![
        0_u64..2000,
        30_000_u64..130_000,
        Just(240_000),
        Just(7_500_000)
    ];
    let filters = prop_oneof![
        Just(Vec::new()),
        Just(vec![RemoteFilter {
            remote: end("198.51.100.2:0"),
            prefix_length: 31
        }]),
    ];
    let suggested = prop_oneof![Just(end("0.0.0.0:0")), externals()];
    let open = (keys(), suggested, any::<bool>(), filters, 0_u64..900).prop_map(
        |(key, suggested, exactly, filters, seconds)| Step::Open {
            wanted: Wanted {
                key,
                suggested,
                exactly,
                filters,
                expires: Instant::default(),
            },
            seconds,
        },
    );
    prop_oneof![
        10 => out,
        10 => inward,
        4 => pass.prop_map(|milliseconds| Step::Pass { milliseconds }),
        1 => (0_u8..8).prop_map(|sets| Step::Use { sets }),
        3 => open,
        1 => keys().prop_map(|key| Step::Close { key }),
    ]
}

fn packet(protocol: u8, source: SocketAddrV4, destination: SocketAddrV4, flags: u8) -> Packet {
    let (source, destination) = (source.to_string(), destination.to_string());
    match protocol {
        6 => Packet::tcp(&source, &destination, flags, 100, 100),
        _ => Packet::new(protocol, &source, &destination),
    }
}

fn filterings() -> impl Strategy<Value = Filtering> {
    prop::sample::select(vec![
        Filtering::EndpointIndependent,
        Filtering::AddressDependent,
        Filtering::AddressAndPortDependent,
    ])
}

/// One packet from the LAN, by both.
fn step_out(
    lwb4: &mut Lwb4,
    model: &mut Model,
    sent: &Packet,
    flags: u8,
) -> Result<(), TestCaseError> {
    let (outbound, out) = lwb4.try_out(sent);
    let made = lwb4
        .active()
        .into_iter()
        .find(|mapping| (mapping.protocol, mapping.internal) == (sent.protocol, sent.source()));
    let made = made.map(|mapping| mapping.external);
    let expected = model.outbound(sent, flags, made);
    let actual = match outbound {
        Outbound::ToTunnel => Verdict::ToTunnel {
            source: out.source(),
            destination: destination(&out),
        },
        Outbound::Hairpin => Verdict::Hairpin {
            source: out.source(),
            destination: destination(&out),
        },
        Outbound::Reply(_) => Verdict::Reply,
        Outbound::Held => Verdict::Reply,
        Outbound::Drop(reason) => Verdict::Drop(reason),
    };
    prop_assert_eq!(actual, expected);
    Ok(())
}

/// An echo request has a destination without a port.
fn destination(packet: &Packet) -> SocketAddrV4 {
    let port = if packet.protocol == 1 {
        0
    } else {
        packet.destination().port()
    };
    SocketAddrV4::new(packet.destination, port)
}

fn step_in(
    lwb4: &mut Lwb4,
    model: &mut Model,
    sent: &Packet,
    flags: u8,
) -> Result<(), TestCaseError> {
    let (inbound, packet) = lwb4.try_in(sent);
    let actual = match inbound {
        Inbound::ToLan => Ok(packet.destination()),
        Inbound::Drop(reason) => Err(reason),
        Inbound::Held => return Err(TestCaseError::fail("held")),
    };
    prop_assert_eq!(actual, model.inbound(sent, flags));
    if inbound == Inbound::ToLan && sent.protocol != 1 {
        prop_assert_eq!(packet.source(), sent.source());
    }
    Ok(())
}

fn step(lwb4: &mut Lwb4, model: &mut Model, step: Step) -> Result<(), TestCaseError> {
    match step {
        Step::Out {
            protocol,
            internal,
            remote,
            flags,
        } => {
            step_out(
                lwb4,
                model,
                &packet(protocol, internal, remote, flags),
                flags,
            )?;
        }
        Step::In {
            protocol,
            remote,
            external,
            flags,
        } => {
            let mut sent = packet(protocol, remote, external, flags);
            if protocol == 1 {
                sent = packet(1, external, remote, 0).answer();
            }
            step_in(lwb4, model, &sent, flags)?;
        }
        Step::Pass { milliseconds } => {
            lwb4.now = lwb4.now + Duration::from_millis(milliseconds);
            lwb4.nat.poll(lwb4.now);
            model.pass(lwb4.now);
        }
        Step::Use { sets: mask } => {
            let flushed = lwb4.uses(&sets(mask)).len();
            prop_assert_eq!(flushed, model.uses(sets(mask)));
        }
        Step::Open {
            mut wanted,
            seconds,
        } => {
            wanted.expires = lwb4.now + Duration::from_secs(seconds);
            let actual = lwb4.nat.open(&wanted, lwb4.now);
            let expected = model.open(&wanted, actual.ok());
            prop_assert_eq!(actual, expected);
        }
        Step::Close { key } => {
            lwb4.nat.close(&key, lwb4.now);
            model.close(&key);
        }
    }
    let mut mappings: Vec<_> = lwb4.nat.mappings().collect();
    mappings.sort_by_key(|mapping| (mapping.protocol, mapping.external));
    let shared = mappings
        .windows(2)
        .find(|pair| (pair[0].protocol, pair[0].external) == (pair[1].protocol, pair[1].external));
    prop_assert!(shared.is_none(), "two mappings share an end: {shared:?}");
    prop_assert_eq!(mappings, model.views());
    Ok(())
}

proptest! {
    #[test]
    fn nt_001_nt_003_nt_009_the_nat_agrees_with_a_slow_one(
        udp in filterings(),
        tcp in filterings(),
        seed: u64,
        steps in prop::collection::vec(steps(), 1..150),
    ) {
        let mut config = NatConfig::new(ROUTER);
        config.filtering = Filterings { tcp, udp, icmp: Filtering::AddressDependent };
        config.limits.mappings_per_host = 7;
        config.limits.sessions_per_mapping = 3;
        config.answer_exhaustion = false;
        config.answer_unsolicited_syn = false;
        let mut lwb4 = Lwb4 { nat: Nat::new(config.clone(), seed), now: Instant::from_nanos(5_500_000_000) };
        let mut model = Model::new(config, lwb4.now);
        lwb4.uses(&sets(7));
        model.uses(sets(7));
        for one in steps {
            step(&mut lwb4, &mut model, one)?;
        }
    }

    #[test]
    fn no_octets_bring_the_nat_down(
        packets in prop::collection::vec((any::<bool>(), any::<bool>(), octets()), 1..40)
    ) {
        let mut lwb4 = Lwb4::new();
        for (out, partial, mut octets) in packets {
            let checksum = if partial { Checksum::Partial } else { Checksum::Complete };
            if out {
                let _ = lwb4.nat.outbound(&mut octets, checksum, lwb4.now);
            } else {
                let _ = lwb4.nat.inbound(&mut octets, checksum, lwb4.now);
            }
            lwb4.now = lwb4.now + Duration::from_millis(100);
            lwb4.nat.poll(lwb4.now);
            while lwb4.nat.take_released().is_some() {}
        }
    }
}

/// Octets that get past the first checks: a header that sums up, of protocols that are looked into.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let protocols = prop::sample::select(vec![1_u8, 1, 1, 6, 17, 33, 132, 136, 47]);
    let payload = prop::collection::vec(any::<u8>(), 0..80);
    let kinds = prop::sample::select(vec![0_u8, 3, 8, 11, 12]);
    let fragmentation = prop::sample::select(vec![0_u16, 0x4000, 0x2000, 0x2003, 3, 1]);
    let good = (
        protocols,
        payload,
        kinds,
        fragmentation,
        any::<bool>(),
        5_u8..8,
    )
        .prop_map(
            |(protocol, mut payload, kind, fragmentation, ours, words)| {
                if let (1, Some(first)) = (protocol, payload.first_mut()) {
                    *first = kind;
                }
                if payload.len() > 40 && protocol == 1 {
                    let quoted = Packet::new(kind, "192.0.2.5:4100", REMOTE).bytes();
                    let end = payload.len().min(8 + quoted.len());
                    payload[8..end].copy_from_slice(&quoted[..end - 8]);
                }
                let destination = if ours {
                    EXTERNAL
                } else {
                    Ipv4Addr::new(198, 51, 100, 7)
                };
                let packet = Packet {
                    protocol,
                    source: Ipv4Addr::new(198, 51, 100, 7),
                    destination,
                    identification: 1,
                    fragmentation,
                    payload,
                };
                let packet = if packet.payload.len() > 20 {
                    packet.summed()
                } else {
                    packet
                };
                let mut bytes = packet.bytes();
                bytes[0] = 0x40 | words;
                bytes[10..12].fill(0);
                let header = usize::from(words) * 4;
                if bytes.len() >= header {
                    smoltcp::wire::Ipv4Packet::new_unchecked(&mut bytes[..]).fill_checksum();
                }
                bytes
            },
        );
    prop_oneof![4 => good, 1 => prop::collection::vec(any::<u8>(), 0..60)]
}
