//! A million sets, because nothing may depend on how many there are.

use super::*;

#[test]
fn a_pool_of_a_million_sets_is_handed_out_to_the_last() {
    let config = PoolConfig {
        clients: vec![Ipv6Prefix::new(Ipv6Addr::UNSPECIFIED, 0).unwrap()],
        ..pool("large", Ipv4Addr::new(10, 0, 0, 0), 18, 6)
    };
    let mut world = World::new(vec![config], ServerConfig::default());
    let sets = world.book.pools().iter().next().unwrap().usage().free;
    assert_eq!(sets, (1 << 14) * 62);
    let request = Ask::canonical().octets(B4);
    for number in 0..sets {
        let outer = Ipv6Addr::from_bits(0x2001 << 112 | (number as u128) << 72 | 1);
        let decision = world.decide_octets(outer, &request);
        let [effect] = &decision.effects[..] else {
            panic!("{decision:?}");
        };
        world.book.apply(effect, world.now).unwrap();
    }
    assert_eq!(world.book.counts(), (sets, 0));
    let decision = world.decide_octets(b4(1), &request);
    assert_eq!(decision.result, Some(ResultCode::NoResources));
    assert_eq!(world.pass(3600).len(), sets);
    assert_eq!(world.book.counts(), (0, sets));
}
