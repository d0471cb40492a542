//! Requests through another BR address than the lease's: nobody hears of a set that the check of LW-020b
//! would keep him from using (C-07).

use super::*;
use crate::lease::Lease;
use crate::lease::Path;
use crate::subscriber::Client;

const OTHER_BR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xaf, 0, 0, 0, 0, 2);

/// A pool at each BR address.
fn world() -> World {
    let other = PoolConfig {
        br: OTHER_BR,
        ..pool("other", Ipv4Addr::new(192, 0, 2, 8), 31, 5)
    };
    World::new(vec![residential(), other], ServerConfig::default())
}

fn decide(world: &mut World, outer: Ipv6Addr, br: Ipv6Addr, ask: &Ask) -> Decision {
    let octets = ask.octets(B4);
    let decision = world.decide(&Packet {
        octets: &octets,
        source: B4,
        port: 40000,
        arrival: Arrival::Tunnel { outer, br },
    });
    for effect in &decision.effects {
        world.book.apply(effect, world.now).unwrap();
    }
    decision
}

#[test]
fn lw_020b_a_lease_is_refreshed_through_its_own_br_only() {
    let mut world = world();
    decide(&mut world, b4(1), BR, &Ask::canonical().lifetime(600));
    world.pass(100);
    for ask in [Ask::canonical(), Ask::canonical().lifetime(120)] {
        let decision = decide(&mut world, b4(1), OTHER_BR, &ask);
        assert!(decision.effects.is_empty());
        let said = said(&decision.response.unwrap());
        assert_eq!(
            (said.result, said.lifetime_s),
            (ResultCode::NotAuthorized, 500)
        );
    }
    let port = decide(&mut world, b4(1), OTHER_BR, &Ask::one(6, 2100));
    assert_eq!(port.result, Some(ResultCode::NotAuthorized), "row 9");
    let refreshed = decide(&mut world, b4(1), BR, &Ask::canonical());
    assert!(matches!(refreshed.effects[..], [Effect::Refresh { .. }]));
    let released = decide(&mut world, b4(1), OTHER_BR, &Ask::canonical().lifetime(0));
    assert!(matches!(released.effects[..], [Effect::Release { .. }]));
    let Effect::Grant(lease) = decide(&mut world, b4(1), OTHER_BR, &Ask::canonical()).effects[0]
    else {
        panic!("a pool has that address");
    };
    assert_eq!((lease.br, lease.set.address().octets()[3]), (OTHER_BR, 8));
}

#[test]
fn lw_020b_a_lease_follows_its_pool_to_another_br() {
    let mut world = world();
    let Effect::Grant(lease) = decide(&mut world, b4(1), OTHER_BR, &Ask::canonical()).effects[0]
    else {
        panic!("no set");
    };
    // The pool had the first BR address when the lease was granted, as a restart brings it back.
    let (mut world, old) = (self::world(), Lease { br: BR, ..lease });
    world.book.restore(old).unwrap();
    let decision = decide(&mut world, b4(1), OTHER_BR, &Ask::canonical());
    let [Effect::Migrate { before, after }] = decision.effects[..] else {
        panic!("{:?}", decision.effects);
    };
    assert_eq!((before.br, after.br, after.moved), (BR, OTHER_BR, None));
    let decision = decide(&mut world, b4(1), BR, &Ask::canonical());
    assert_eq!(decision.result, Some(ResultCode::NotAuthorized));
}

#[test]
fn lw_020b_fo_003_a_lease_moves_only_to_where_its_pool_serves() {
    let moved = |host: u8| {
        let mut octets = b4(1).octets();
        octets[15] = host;
        Ipv6Addr::from(octets)
    };
    let mut near = residential();
    near.clients = vec![Ipv6Prefix::new(moved(0), 126).unwrap()];
    let other = PoolConfig {
        br: OTHER_BR,
        ..pool("other", Ipv4Addr::new(192, 0, 2, 8), 31, 5)
    };
    let mut world = World::new(vec![near, other], ServerConfig::default());
    decide(&mut world, b4(1), BR, &Ask::canonical());
    for (host, br, result) in [
        (2, OTHER_BR, ResultCode::UserExceededQuota),
        (4, BR, ResultCode::UserExceededQuota),
        (2, BR, ResultCode::Success),
    ] {
        let decision = decide(&mut world, moved(host), br, &Ask::canonical());
        assert_eq!(decision.result, Some(result));
    }
    let client = Client {
        outer: moved(2),
        inner: B4,
    };
    let set = world.book.leases().next().unwrap().set;
    assert_eq!(world.book.serving(&client, Path::Tunnel, set), Some(BR));
}

#[test]
fn lw_020b_dh_041_who_asks_without_a_tunnel_gets_a_set_of_the_br_that_it_asked() {
    let world = world();
    let source = IpAddr::V6(b4(1));
    let octets = Ask::canonical().octets(source);
    let decision = world.decide(&Packet {
        octets: &octets,
        source,
        port: 40000,
        arrival: Arrival::Plain { br: OTHER_BR },
    });
    let [Effect::Grant(lease)] = decision.effects[..] else {
        panic!("a pool has that address");
    };
    assert_eq!((lease.br, lease.set.address().octets()[3]), (OTHER_BR, 8));
}
