//! Rules of RFC 6887 that no row of the table of requests has to itself.

use super::*;
use crate::wire::unsolicited_announce;

#[test]
fn pc_015_of_several_errors_the_most_specific_one_is_said() {
    let one = pool("one", Ipv4Addr::new(192, 0, 2, 4), 32, 1);
    let mut world = World::new(vec![one], ServerConfig::default());
    world.ask(b4(1), &Ask::canonical());
    let neighbour = |number: u16| {
        let mut octets = b4(number).octets();
        octets[15] = 2;
        Ipv6Addr::from(octets)
    };
    for (what, outer, ask, expected) in [
        (
            "nothing is left, and nothing is left for this one",
            neighbour(1),
            Ask::canonical().nonce(2),
            ResultCode::UserExceededQuota,
        ),
        (
            "nothing is left, and nobody serves this one",
            Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 1),
            Ask::canonical(),
            ResultCode::NotAuthorized,
        ),
        (
            "nothing is left, and no set is ever there",
            b4(2),
            Ask::set(1024, 2048),
            ResultCode::NotAuthorized,
        ),
        (
            "an option that there is not, where it makes no sense",
            b4(2),
            Ask::canonical().with(PcpOption::PreferFailure),
            ResultCode::MalformedOption,
        ),
        (
            "an address that nobody has, and only a set is left",
            b4(2),
            Ask::one(0, 0),
            ResultCode::UnsupportedProtocol,
        ),
    ] {
        assert_eq!(world.refused(outer, &ask), expected, "{what}");
    }
}

/// C-01: a set lifts what RFC 6887 says of ports of all protocols, and nothing else does.
#[test]
fn pc_032_the_port_of_all_protocols_means_where_a_set_begins_or_nothing() {
    let mut world = World::residential();
    let inside = world.ask(b4(1), &Ask::set(20000, 10_000));
    assert_eq!(inside.internal_port, 20000);
    assert!((20000..30000).contains(&inside.external.1));
    let one_port = Ask::one(0, 20000);
    assert_eq!(
        world.refused(b4(2), &one_port),
        ResultCode::MalformedRequest
    );
    // A set of one port is as if it were not there.
    let set_of_one = one_port.with(port_set(1, 20000));
    assert_eq!(
        world.refused(b4(2), &set_of_one),
        ResultCode::MalformedRequest
    );
}

#[test]
fn pc_038_what_is_mapped_stays_where_it_is_and_lives_as_long_as_asked_now() {
    let mut world = World::residential();
    let first = world.ask(b4(1), &Ask::canonical());
    for (address, port, lifetime_s) in [
        ([192, 0, 2, 5], 26624, 600),
        ([192, 0, 2, 4], 8192, 3600),
        ([8, 8, 8, 8], 53, 120),
    ] {
        let wish = Ask::canonical().suggest(address, port).lifetime(lifetime_s);
        let again = world.ask(b4(1), &wish);
        assert_eq!(again.result, ResultCode::Success);
        assert_eq!(again.external, first.external);
        assert_eq!(again.lifetime_s, lifetime_s);
        let lease = world.book.leases().next().unwrap();
        assert_eq!(lease.remaining_s(world.now), lifetime_s);
    }
    assert_eq!(world.book.counts(), (1, 0));
}

#[test]
fn pc_044_where_nobody_counts_idle_time_a_delete_ends_at_once() {
    let mut world = World::residential();
    world.ask(b4(1), &Ask::canonical());
    let shorter = world.ask(b4(1), &Ask::canonical().lifetime(1));
    assert_eq!(shorter.lifetime_s, 120, "no less than traffic is idle for");
    let deleted = world.ask(b4(1), &Ask::canonical().lifetime(0));
    assert_eq!(
        (deleted.result, deleted.lifetime_s),
        (ResultCode::Success, 0)
    );
    assert_eq!(world.book.counts(), (0, 1));
}

#[test]
fn pc_140_a_loss_can_be_announced_and_a_change_be_told() {
    let mut world = World::residential();
    let granted = world.ask(b4(1), &Ask::canonical());
    let lease = world.book.leases().next().unwrap();
    world.pass(100);
    let update = world.server.mapping_update(&lease, world.now).unwrap();
    let update = said(&update);
    assert_eq!(update.external, granted.external);
    assert_eq!(update.port_set, granted.port_set);
    assert_eq!(update.lifetime_s, 3500);

    world.server.lose_state(world.now, Duration::ZERO);
    world.pass(3);
    let octets = unsolicited_announce(world.server.epoch_s(world.now));
    let announcement = Response::parse(&octets).unwrap();
    assert_eq!(announcement.payload, Payload::Announce);
    assert_eq!(announcement.header.epoch_s, 3);
}

/// Everybody has the same address in its tunnel, may guess nonces, and may say that it is another.
#[test]
fn pc_160_without_security_nobody_touches_what_another_has() {
    let mut world = World::residential();
    world.ask(b4(1), &Ask::canonical());
    let before: Vec<_> = world.book.leases().collect();
    let theirs = before[0].set.ports();
    for ask in [
        Ask::canonical().lifetime(0),
        Ask::set(theirs.first(), 2048).lifetime(0),
        Ask::one(17, theirs.first()).lifetime(0),
        Ask::canonical()
            .with(PcpOption::ThirdParty(IpAddr::V6(b4(1))))
            .lifetime(0),
        Ask::one(17, theirs.first()),
    ] {
        let decision = world.send(b4(2), &ask);
        assert!(decision.effects.is_empty(), "{ask:?}");
    }
    let own = world.ask(b4(2), &Ask::canonical().suggest([192, 0, 2, 4], 2048));
    assert_ne!(own.external.1, theirs.first());
    assert!(world.book.leases().any(|lease| lease == before[0]));
}
