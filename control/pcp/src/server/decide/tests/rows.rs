//! The fourteen forms of a request (conformance list, s3.5), one test a row.

use super::*;
use crate::wire::Filter;

fn granted(first: u16, size: u16, internal_port: u16) -> Said {
    Said {
        result: ResultCode::Success,
        lifetime_s: 3600,
        internal_port,
        external: (Ipv4Addr::new(192, 0, 2, 4).into(), first),
        port_set: Some((size, first)),
    }
}

/// T-01.
#[test]
fn row_01_ps_019_pc_033_pc_146_the_canonical_request_gets_the_set_of_the_policy() {
    let mut world = World::residential();
    let decision = world.send(b4(1), &Ask::canonical());
    let [Effect::Grant(lease)] = decision.effects[..] else {
        panic!("{:?}", decision.effects);
    };
    assert_eq!(lease.client.outer, b4(1));
    assert_eq!((lease.br, lease.contact.port), (BR, 40000));
    let response = decision.response.unwrap();
    assert_eq!(said(&response), granted(2048, 2048, 1));
    // The vector of s3.6, with another set.
    assert_eq!(response.len(), 72);
    assert_eq!(
        response[..12],
        [2, 0x81, 0, 0, 0, 0, 0x0e, 0x10, 0, 0, 0, 42]
    );
    assert_eq!(response[12..24], [0; 12]);
    assert_eq!(response[60..], [130, 0, 0, 5, 8, 0, 8, 0, 0, 0, 0, 0]);
    assert_eq!(
        world.book.holder(Ipv4Addr::new(192, 0, 2, 4), 3000),
        Some(lease)
    );
}

/// T-01, octet by octet: the vectors of s3.6.
#[test]
fn row_01_ps_019_the_answer_that_other_implementations_decode() {
    let config = PoolConfig {
        exclude_ports: vec![PortRange::new(0, 26623).unwrap()],
        ..pool("vector", Ipv4Addr::new(192, 0, 2, 5), 32, 5)
    };
    let mut world = World::new(vec![config], ServerConfig::default());
    let mut ask = Ask::canonical();
    ask.map.nonce = Nonce::new([
        0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab,
    ]);
    let hex =
        |octets: &[u8]| -> String { octets.iter().map(|octet| format!("{octet:02x}")).collect() };
    assert_eq!(
        hex(&ask.octets(B4)),
        "0201000000000e1000000000000000000000ffffc0000002a0a1a2a3a4a5a6a7a8a9aaab\
         000000000001000000000000000000000000ffff0000000082000005ffff000100000000"
    );
    assert_eq!(
        hex(&world.send(b4(1), &ask).response.unwrap()),
        "0281000000000e100000002a000000000000000000000000a0a1a2a3a4a5a6a7a8a9aaab\
         000000000001680000000000000000000000ffffc0000205820000050800680000000000"
    );
}

#[test]
fn row_02_port_0_spells_the_same_and_is_copied() {
    let mut world = World::residential();
    assert_eq!(
        world.ask(b4(1), &Ask::set(0, 65535)),
        granted(2048, 2048, 0)
    );
}

#[test]
fn row_03_ps_015_a_set_inside_the_ports_asked_for() {
    let mut world = World::residential();
    assert_eq!(
        world.ask(b4(1), &Ask::set(30000, 20000)),
        granted(30720, 2048, 30000)
    );
    assert_eq!(
        world.refused(b4(2), &Ask::set(30000, 2000)),
        ResultCode::NotAuthorized
    );
}

/// T-07.
#[test]
fn row_04_pc_031_everything_is_a_whole_address_or_nothing() {
    let everything = Ask::one(0, 0);
    let mut world = World::residential();
    assert_eq!(
        world.refused(b4(1), &everything),
        ResultCode::UnsupportedProtocol
    );
    world.ask(b4(1), &Ask::canonical());
    assert_eq!(
        world.refused(b4(1), &everything),
        ResultCode::UnsupportedProtocol
    );

    let whole = pool("whole", Ipv4Addr::new(198, 51, 100, 0), 31, 0);
    let mut world = World::new(vec![residential(), whole], ServerConfig::default());
    let address = IpAddr::from([198, 51, 100, 0]);
    let answer = world.ask(b4(1), &everything);
    assert_eq!((answer.external, answer.port_set), ((address, 0), None));
    // PS-040: the same mapping, spelled as a set.
    let answer = world.ask(b4(1), &Ask::canonical());
    assert_eq!(answer.external, (address, 1));
    assert_eq!(answer.port_set, Some((65535, 1)));
    assert_eq!(world.book.counts(), (1, 0));
    let answer = world.ask(b4(1), &everything.clone().lifetime(0));
    assert_eq!((answer.result, answer.lifetime_s), (ResultCode::Success, 0));
    assert_eq!(world.book.counts(), (0, 1));
}

/// T-06.
#[test]
fn row_05_pc_031_one_port_of_all_protocols_is_malformed() {
    let mut world = World::residential();
    for port in [1, 80, 65535] {
        for lifetime_s in [3600, 0] {
            let ask = Ask::one(0, port).lifetime(lifetime_s);
            assert_eq!(world.refused(b4(1), &ask), ResultCode::MalformedRequest);
        }
    }
}

#[test]
fn row_06_ps_001_first_internal_port_must_be_the_internal_port() {
    let mut world = World::residential();
    let ask = Ask::one(0, 1).with(port_set(65535, 2));
    assert_eq!(world.refused(b4(1), &ask), ResultCode::MalformedOption);
    let ask = Ask::one(0, 0).with(port_set(65535, 1));
    assert_eq!(world.ask(b4(1), &ask), granted(2048, 2048, 0));
}

#[test]
fn row_07_pc_041_no_set_of_one_protocol() {
    let mut world = World::residential();
    world.ask(b4(1), &Ask::canonical());
    for protocol in [6, 17, 47, 132] {
        for port in [0, 1, 2048] {
            let ask = Ask::one(protocol, port).with(port_set(65535, port));
            assert_eq!(world.refused(b4(1), &ask), ResultCode::UnsupportedProtocol);
        }
    }
    let all_of_udp = Ask::one(17, 0);
    assert_eq!(
        world.refused(b4(1), &all_of_udp),
        ResultCode::UnsupportedProtocol
    );
}

/// T-08.
#[test]
fn row_08_pc_037_ps_017_a_port_of_the_own_set_is_mapped_to_itself() {
    let mut world = World::residential();
    world.ask(b4(1), &Ask::canonical());
    world.pass(100);
    let one = Said {
        result: ResultCode::Success,
        lifetime_s: 3500,
        internal_port: 4000,
        external: (Ipv4Addr::new(192, 0, 2, 4).into(), 4000),
        port_set: None,
    };
    for ask in [
        Ask::one(17, 4000).nonce(9),
        Ask::one(6, 4000).with(port_set(1, 4000)),
        Ask::one(6, 4000).with(port_set(1, 9)),
    ] {
        let decision = world.send(b4(1), &ask);
        assert!(decision.effects.is_empty());
        assert_eq!(said(&decision.response.unwrap()), one);
    }
    let without_ports = Ask::one(47, 4000);
    assert_eq!(
        world.refused(b4(1), &without_ports),
        ResultCode::UnsupportedProtocol
    );
}

#[test]
fn row_09_a_port_of_nobody_or_of_another_is_not_authorized() {
    let mut world = World::residential();
    let ask = Ask::one(17, 4000);
    assert_eq!(world.refused(b4(1), &ask), ResultCode::NotAuthorized);
    world.ask(b4(1), &Ask::canonical());
    world.ask(b4(2), &Ask::canonical());
    for port in [1, 2047, 4096] {
        assert_eq!(
            world.refused(b4(1), &Ask::one(17, port)),
            ResultCode::NotAuthorized
        );
    }
    let delete = Ask::one(17, 9).lifetime(0);
    assert_eq!(world.ask(b4(1), &delete).result, ResultCode::Success);
}

/// T-09, T-10.
#[test]
fn row_10_ps_020_pc_046_a_delete_takes_the_whole_set_and_may_be_repeated() {
    let mut world = World::residential();
    world.ask(b4(1), &Ask::canonical());
    for harmless in [Ask::one(0, 0), Ask::one(17, 3000), Ask::one(6, 9)] {
        let answer = world.ask(b4(1), &harmless.lifetime(0));
        assert_eq!((answer.result, answer.lifetime_s), (ResultCode::Success, 0));
        assert_eq!(world.book.counts(), (1, 0));
    }
    let port = Ask::one(0, 3000).lifetime(0);
    assert_eq!(world.refused(b4(1), &port), ResultCode::MalformedRequest);

    let expected = Said {
        result: ResultCode::Success,
        lifetime_s: 0,
        internal_port: 3000,
        external: (Ipv4Addr::UNSPECIFIED.into(), 0),
        port_set: Some((10, 3000)),
    };
    let delete = Ask::set(3000, 10).lifetime(0);
    let decision = world.send(b4(1), &delete);
    assert!(matches!(
        decision.effects[..],
        [Effect::Release {
            cause: Cause::Deleted,
            ..
        }]
    ));
    assert_eq!(said(&decision.response.unwrap()), expected);
    assert_eq!(world.book.counts(), (0, 1));
    let decision = world.send(b4(1), &delete);
    assert!(decision.effects.is_empty());
    assert_eq!(said(&decision.response.unwrap()), expected);
}

#[test]
fn row_10_a_delete_may_say_any_size_and_first_port() {
    let mut world = World::residential();
    world.ask(b4(1), &Ask::canonical());
    let ask = Ask::one(0, 2048).with(port_set(0, 7)).lifetime(0);
    assert_eq!(world.ask(b4(1), &ask).result, ResultCode::Success);
    assert_eq!(world.book.counts(), (0, 1));
}

/// T-03.
#[test]
fn row_11_pc_034_another_nonce_waits_for_the_end_of_the_lease() {
    let mut world = World::residential();
    world.ask(b4(1), &Ask::canonical());
    world.pass(600);
    for lifetime_s in [3600, 0] {
        let ask = Ask::canonical().nonce(2).lifetime(lifetime_s);
        let answer = world.ask(b4(1), &ask);
        assert_eq!(
            (answer.result, answer.lifetime_s),
            (ResultCode::NotAuthorized, 3000)
        );
        world.refused(b4(1), &ask);
    }
}

/// T-02.
#[test]
fn row_12_ps_021_pc_017_the_same_again_is_a_refresh() {
    let mut world = World::residential();
    let first = world.ask(b4(1), &Ask::canonical());
    world.pass(1000);
    let decision = world.send(b4(1), &Ask::canonical());
    let [Effect::Refresh { before, after }] = decision.effects[..] else {
        panic!("{:?}", decision.effects);
    };
    assert_eq!(after.remaining_s(world.now), 3600);
    assert_eq!((before.set, before.granted), (after.set, after.granted));
    assert_eq!(said(&decision.response.unwrap()), first);
    assert_eq!(world.book.counts(), (1, 0));
}

#[test]
fn row_13_ps_015_ps_016_never_more_than_asked_and_no_set_below_the_floor() {
    let large = residential();
    let small = pool("small", Ipv4Addr::new(192, 0, 2, 8), 31, 8);
    let mut world = World::new(vec![small, large], ServerConfig::default());
    for (number, first, size, expected) in [
        (1, 1, 65535, (2048, 2048)),
        (2, 1, 1500, (256, 1024)),
        (3, 1, 2000, (256, 1024)),
        (4, 2000, 1000, (256, 2048)),
    ] {
        let answer = world.ask(b4(number), &Ask::set(first, size));
        assert_eq!(answer.port_set, Some(expected));
    }
    // 300 ports from 1 hold only sets that are kept back for the ports below 1024.
    assert_eq!(
        world.refused(b4(5), &Ask::set(1, 300)),
        ResultCode::NotAuthorized
    );
    assert_eq!(
        world.refused(b4(6), &Ask::set(1, 63)),
        ResultCode::NotAuthorized
    );
    assert_eq!(
        world.refused(b4(6), &Ask::set(30000, 200)),
        ResultCode::NotAuthorized
    );
}

#[test]
fn row_14_pc_042_why_there_is_nothing() {
    let mut world = World::new(Vec::new(), ServerConfig::default());
    assert_eq!(
        world.refused(b4(1), &Ask::canonical()),
        ResultCode::NetworkFailure
    );

    let one = pool("one", Ipv4Addr::new(192, 0, 2, 4), 32, 2);
    let mut world = World::new(vec![one], ServerConfig::default());
    assert_eq!(
        world.ask(b4(1), &Ask::canonical()).port_set,
        Some((16384, 16384))
    );
    // A second set of one subscriber, in ports beside the first, by another lwB4 of the same /56.
    let mut neighbour = b4(1).octets();
    neighbour[15] = 2;
    assert_eq!(
        world.refused(neighbour.into(), &Ask::canonical().nonce(3)),
        ResultCode::UserExceededQuota
    );
    world.ask(b4(2), &Ask::canonical());
    world.ask(b4(3), &Ask::canonical());
    let ask = Ask::canonical();
    let answer = world.ask(b4(4), &ask);
    assert_eq!(
        (answer.result, answer.lifetime_s),
        (ResultCode::NoResources, 30)
    );
    let stranger = Ipv6Addr::new(0x2001, 0xdb9, 0, 0, 0, 0, 0, 1);
    assert_eq!(world.refused(stranger, &ask), ResultCode::NotAuthorized);
}

/// T-05.
#[test]
fn ps_012_ps_013_ps_014_ps_026_port_sets_that_make_no_sense() {
    let mut world = World::residential();
    for ask in [
        Ask::canonical().with(port_set(65535, 1)),
        Ask::one(0, 1).with(port_set(0, 1)),
        Ask::canonical().with(PcpOption::PreferFailure),
        Ask::canonical()
            .with(PcpOption::PreferFailure)
            .suggest([192, 0, 2, 4], 2048),
        Ask::canonical().with(PcpOption::PreferFailure).lifetime(0),
    ] {
        assert_eq!(world.refused(b4(1), &ask), ResultCode::MalformedOption);
    }
    let mut octets = Ask::canonical().octets(B4).to_vec();
    octets[63] = 4;
    octets.truncate(68);
    let decision = world.decide_octets(b4(1), &octets);
    assert_eq!(decision.result, Some(ResultCode::MalformedOption));
}

#[test]
fn pc_036_pc_062_pc_063_options_that_an_lwaftr_does_not_have() {
    let mut world = World::residential();
    let prefer = Ask::one(17, 9)
        .suggest([192, 0, 2, 4], 9)
        .with(PcpOption::PreferFailure);
    assert_eq!(world.refused(b4(1), &prefer), ResultCode::UnsupportedOption);
    let filter = Ask::canonical().with(PcpOption::Filter(Filter {
        prefix_length: 128,
        remote_port: 0,
        remote_address: IpAddr::from([8, 8, 8, 8]),
    }));
    assert_eq!(world.refused(b4(1), &filter), ResultCode::UnsupportedOption);
}

#[test]
fn ps_018_parity_is_kept_and_said_to_be() {
    let mut world = World::residential();
    let ask = Ask::one(0, 1).with(PcpOption::PortSet(PortSetOption {
        size: 65535,
        first_internal_port: 1,
        parity: Parity::Preserved,
    }));
    for _ in 0..2 {
        let response = world.send(b4(1), &ask).response.unwrap();
        assert_eq!(response[60..], [130, 0, 0, 5, 8, 0, 8, 0, 1, 0, 0, 0]);
    }
    let lease = world.book.leases().next().unwrap();
    let update = world.server.mapping_update(&lease, world.now).unwrap();
    assert_eq!(update[68], 1);
}
