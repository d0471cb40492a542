//! Leases from their grant to the end of their rest, and who may have what in between.

use super::*;

/// T-04.
#[test]
fn tn_045_c_06_two_lwb4s_that_are_both_192_0_0_2_get_two_sets() {
    let mut world = World::residential();
    let first = world.ask(b4(1), &Ask::canonical());
    let second = world.ask(b4(2), &Ask::canonical());
    assert_ne!(first.external, second.external);
    assert_eq!(world.book.counts(), (2, 0));
}

/// T-19.
#[test]
fn lw_004_pc_045_a_lease_ends_to_the_second_and_its_set_rests() {
    let one = pool("one", Ipv4Addr::new(192, 0, 2, 4), 32, 1);
    let mut world = World::new(vec![one], ServerConfig::default());
    let set = world.ask(b4(1), &Ask::canonical().lifetime(200)).external;
    assert_eq!(world.pass(199), []);
    let ended = world.pass(1);
    assert!(matches!(
        ended[..],
        [Effect::Release {
            cause: Cause::Expired,
            ..
        }]
    ));
    assert_eq!(world.book.counts(), (0, 1));
    assert_eq!(
        world.refused(b4(2), &Ask::canonical()),
        ResultCode::NoResources
    );
    world.pass(119);
    assert_eq!(
        world.refused(b4(2), &Ask::canonical()),
        ResultCode::NoResources
    );
    world.pass(1);
    assert_eq!(world.ask(b4(2), &Ask::canonical()).external, set);
}

#[test]
fn ps_043_the_last_subscriber_gets_its_resting_set_back() {
    let mut world = World::residential();
    world.ask(b4(1), &Ask::canonical());
    let second = world.ask(b4(2), &Ask::canonical());
    world.ask(b4(2), &Ask::canonical().lifetime(0));
    world.ask(b4(1), &Ask::canonical().lifetime(0));
    assert_eq!(world.book.counts(), (0, 2));
    let back = world.ask(b4(2), &Ask::canonical().nonce(7));
    assert_eq!(back.external, second.external);
    assert_eq!(world.book.counts(), (1, 1));
}

#[test]
fn ps_041_pc_039_an_exact_suggestion_is_honoured_if_it_may_be() {
    let mut world = World::residential();
    let address = [192, 0, 2, 5];
    let wish = Ask::canonical().suggest(address, 26624);
    let answer = world.ask(b4(1), &wish);
    assert_eq!(answer.external, (address.into(), 26624));
    for (number, port) in [(2, 26624), (3, 26625), (4, 4096), (5, 0)] {
        let answer = world.ask(b4(number), &Ask::canonical().suggest(address, port));
        assert_eq!(answer.result, ResultCode::Success);
        assert_ne!(answer.external.1, port, "taken, unaligned or kept back");
    }
    let outside = Ask::set(30000, 30000).suggest(address, 28672);
    assert!(world.ask(b4(6), &outside).external.1 >= 30000);
    let foreign = Ask::canonical().suggest([8, 8, 8, 8], 2048);
    assert_eq!(world.ask(b4(7), &foreign).result, ResultCode::Success);
}

#[test]
fn ps_023_ps_050_several_sets_of_a_subscriber_share_an_address() {
    let config = ServerConfig {
        max_sets_per_subscriber: 3,
        ..ServerConfig::default()
    };
    let mut world = World::new(vec![residential()], config);
    let first = world.ask(b4(1), &Ask::canonical().suggest([192, 0, 2, 5], 2048));
    let above = Ask::set(4096, 65535 - 4095);
    let second = world.ask(b4(1), &above.clone().nonce(2));
    assert_eq!(first.external.0, second.external.0);
    assert_eq!(world.book.counts(), (2, 0));
    // C-25: what meets a held set extends nothing.
    let again = world.ask(b4(1), &Ask::set(2100, 10_000).nonce(1));
    assert_eq!(again.result, ResultCode::NotAuthorized, "it meets both");
}

#[test]
fn ps_021_ps_022_ps_051_a_request_that_meets_two_sets_refreshes_both() {
    let config = ServerConfig {
        max_sets_per_subscriber: 2,
        ..ServerConfig::default()
    };
    let mut world = World::new(vec![residential()], config);
    world.ask(b4(1), &Ask::set(2000, 4000));
    world.ask(b4(1), &Ask::set(20000, 4000));
    world.pass(60);
    let decision = world.send(b4(1), &Ask::set(3000, 20000));
    assert_eq!(decision.effects.len(), 2);
    assert!(decision.effects.iter().all(|effect| {
        matches!(effect, Effect::Refresh { after, .. } if after.remaining_s(world.now) == 3600)
    }));
    let answer = said(decision.response.as_ref().unwrap());
    assert_eq!(
        (answer.internal_port, answer.port_set),
        (3000, Some((2048, 2048)))
    );
    let updates: Vec<_> = decision
        .updates()
        .map(|lease| said(&world.server.mapping_update(lease, world.now).unwrap()))
        .collect();
    assert_eq!(updates.len(), 1);
    assert_eq!(
        (updates[0].internal_port, updates[0].port_set),
        (20000, Some((2048, 20480)))
    );
    // One wrong nonce among them, and nothing happens.
    assert_eq!(
        world.refused(b4(1), &Ask::set(3000, 20000).nonce(2)),
        ResultCode::NotAuthorized
    );
}

#[test]
fn ps_025_one_request_touches_four_sets_at_most() {
    let config = ServerConfig {
        max_sets_per_subscriber: 10,
        ..ServerConfig::default()
    };
    let mut world = World::new(vec![residential()], config);
    for block in 1..5_u16 {
        let answer = world.ask(b4(1), &Ask::set(block * 8192, 8192));
        assert_eq!(answer.result, ResultCode::Success);
    }
    assert_eq!(
        world.refused(b4(1), &Ask::set(49152, 8192)),
        ResultCode::UserExceededQuota
    );
    let decision = world.send(b4(1), &Ask::canonical());
    assert_eq!((decision.effects.len(), decision.updates().count()), (4, 3));
    // A release of several sets draws one response.
    let decision = world.send(b4(1), &Ask::canonical().lifetime(0));
    assert_eq!((decision.effects.len(), decision.updates().count()), (4, 0));
}

#[test]
fn c_03_lg_003_nonce_takeover_as_configured() {
    for (takeover, taken) in [
        (NonceTakeover::Never, false),
        (NonceTakeover::Always, true),
        // Nobody looks at traffic here, so nobody can say that there was none.
        (NonceTakeover::AfterIdle(Duration::from_secs(1)), false),
    ] {
        let config = ServerConfig {
            nonce_takeover: takeover,
            ..ServerConfig::default()
        };
        let mut world = World::new(vec![residential()], config);
        let first = world.ask(b4(1), &Ask::canonical());
        world.pass(10);
        let decision = world.send(b4(1), &Ask::canonical().nonce(2));
        if taken {
            assert!(
                matches!(decision.effects[..], [Effect::Replace { after, .. }] if after.nonce == nonce(2))
            );
            assert_eq!(said(&decision.response.unwrap()), first);
        } else {
            assert_eq!(decision.result, Some(ResultCode::NotAuthorized));
        }
    }
}

#[test]
fn fo_002_fo_003_a_lease_follows_its_nonce_inside_the_prefix() {
    let mut world = World::residential();
    let first = world.ask(b4(1), &Ask::canonical());
    let moved = |host: u8| {
        let mut octets = b4(1).octets();
        octets[15] = host;
        Ipv6Addr::from(octets)
    };
    assert_eq!(
        world.refused(moved(2), &Ask::canonical().nonce(2)),
        ResultCode::UserExceededQuota,
        "another nonce proves nothing"
    );
    let decision = world.send(moved(2), &Ask::canonical());
    let [Effect::Migrate { before, after }] = decision.effects[..] else {
        panic!("{:?}", decision.effects);
    };
    assert_eq!((before.client.outer, after.client.outer), (b4(1), moved(2)));
    assert_eq!(said(&decision.response.unwrap()), first);
    assert_eq!(world.book.counts(), (1, 0));
    assert_eq!(
        world.refused(moved(3), &Ask::canonical()),
        ResultCode::UserExceededQuota,
        "not twice in half an hour"
    );
    world.pass(1800);
    let decision = world.send(moved(3), &Ask::canonical());
    assert!(matches!(decision.effects[..], [Effect::Migrate { .. }]));
    // Another prefix is another subscriber.
    let decision = world.send(b4(2), &Ask::canonical());
    assert!(matches!(decision.effects[..], [Effect::Grant(_)]));
}

#[test]
fn pc_042_a_subscriber_cannot_litter_a_pool_with_resting_sets() {
    let config = ServerConfig {
        lifetime: LifetimeLimits {
            min_s: 1,
            max_s: 3600,
        },
        ..ServerConfig::default()
    };
    let mut world = World::new(vec![residential()], config);
    let mut results = Vec::new();
    for block in 1..8_u16 {
        let set = Ask::set(block * 6144, 4096);
        results.push(world.ask(b4(1), &set).result);
        world.ask(b4(1), &set.lifetime(0));
    }
    assert_eq!(results[..5], [ResultCode::Success; 5]);
    assert_eq!(results[5..], [ResultCode::UserExceededQuota; 2]);
    world.pass(121);
    assert_eq!(
        world.ask(b4(1), &Ask::canonical()).result,
        ResultCode::Success
    );
}

#[test]
fn pc_012_what_could_not_be_published_is_undone() {
    let mut world = World::residential();
    let ask = Ask::canonical();
    let decision = world.send(b4(1), &ask);
    world.book.undo(&decision.effects[0], world.now).unwrap();
    assert_eq!(world.book.counts(), (0, 1), "it rests");
    let request = ask.octets(B4);
    let answer = world
        .server
        .failure(&request, ResultCode::NoResources, world.now);
    assert_eq!(answer[24..], request[24..]);
    assert_eq!(answer[..8], [2, 0x81, 0, 8, 0, 0, 0, 30]);

    let first = world.ask(b4(1), &ask);
    world.pass(60);
    let before: Vec<_> = world.book.leases().collect();
    for ask in [ask.clone(), ask.clone().lifetime(0)] {
        let decision = world.send(b4(1), &ask);
        world.book.undo(&decision.effects[0], world.now).unwrap();
        assert_eq!(world.book.leases().collect::<Vec<_>>(), before);
    }
    assert_eq!(world.ask(b4(1), &ask), first);
}

/// T-17.
#[test]
fn pc_142_fo_011_after_a_loss_old_sets_go_to_those_who_had_them() {
    let mut world = World::residential();
    let old = world.ask(b4(1), &Ask::canonical().suggest([192, 0, 2, 5], 26624));
    let lease = world.book.leases().next().unwrap();
    let mut world = World::residential();
    world.server.lose_state(world.now, Duration::from_secs(120));
    assert_eq!(world.server.epoch_s(world.now), 0);
    let until = world.now + Duration::from_secs(120);
    world.book.restore_resting(lease, until).unwrap();
    assert_eq!(
        world.refused(b4(2), &Ask::canonical()),
        ResultCode::NoResources,
        "without a suggestion nobody gets anything yet"
    );
    let stolen = Ask::canonical().suggest([192, 0, 2, 5], 26624);
    assert_eq!(world.refused(b4(2), &stolen), ResultCode::NoResources);
    let suggested = Ask::canonical().suggest([192, 0, 2, 5], 28672);
    assert_eq!(world.ask(b4(2), &suggested).external.1, 28672);
    assert_eq!(world.ask(b4(1), &Ask::canonical()).external, old.external);
    world.pass(120);
    assert_eq!(
        world.ask(b4(3), &Ask::canonical()).result,
        ResultCode::Success
    );
}

#[test]
fn fo_011_pools_that_nobody_had_sets_of_serve_newcomers_at_once() {
    let mut world = World::residential();
    world.server.lose_state(world.now, Duration::from_secs(120));
    world
        .book
        .had_sets_of([[192, 0, 2, 5].into(), [198, 51, 100, 1].into()]);
    assert_eq!(
        world.refused(b4(1), &Ask::canonical()),
        ResultCode::NoResources
    );
    world.book.had_sets_of([[198, 51, 100, 1].into()]);
    assert_eq!(
        world.ask(b4(1), &Ask::canonical()).result,
        ResultCode::Success
    );
}

#[test]
fn fo_014_what_was_restored_is_held_as_before() {
    let mut world = World::residential();
    let old = world.ask(b4(1), &Ask::canonical());
    let lease = world.book.leases().next().unwrap();
    let mut world = World::residential();
    world.book.restore(lease).unwrap();
    assert!(world.book.restore(lease).is_err());
    assert_eq!(world.ask(b4(1), &Ask::canonical()), old);
    assert_ne!(world.ask(b4(2), &Ask::canonical()).external, old.external);
}

#[test]
fn a_set_kept_for_a_subscriber_waits_for_it() {
    let config = pool("one", Ipv4Addr::new(192, 0, 2, 4), 32, 2);
    let mut pools = Pools::new(vec![config]).unwrap();
    let address = Ipv4Addr::new(192, 0, 2, 4);
    let kept = crate::port_set::PortSet::new(address, 2, 1).unwrap();
    let subscriber = crate::subscriber::Subscriber::of(b4(9), 56);
    pools.set_aside(kept, subscriber).unwrap();
    let mut world = World::residential();
    world.book = Book::new(pools, 56, Duration::from_secs(120), world.now);
    let stranger = Ask::canonical().suggest([192, 0, 2, 4], 16384);
    assert_eq!(world.ask(b4(1), &stranger).external.1, 32768);
    assert_eq!(world.ask(b4(9), &Ask::canonical()).external.1, 16384);
    world.ask(b4(9), &Ask::canonical().lifetime(0));
    world.pass(1000);
    assert_ne!(world.ask(b4(2), &Ask::canonical()).external.1, 16384);
    assert_eq!(world.ask(b4(9), &Ask::canonical()).external.1, 16384);
}

/// LW-009.
#[test]
fn a_set_that_is_bound_by_other_means_is_kept_back() {
    let one = pool("one", Ipv4Addr::new(192, 0, 2, 4), 32, 1);
    let mut world = World::new(vec![one], ServerConfig::default());
    let address = Ipv4Addr::new(192, 0, 2, 4);
    let set = |psid| crate::port_set::PortSet::new(address, 1, psid).unwrap();
    world.book.keep_back(set(1)).unwrap();
    assert!(world.book.keep_back(set(1)).is_err(), "once is enough");
    let stolen = Ask::canonical().suggest([192, 0, 2, 4], 32768);
    assert_eq!(world.refused(b4(1), &stolen), ResultCode::NoResources);
    world.book.hand_out(set(0));
    assert_eq!(
        world.refused(b4(1), &stolen),
        ResultCode::NoResources,
        "the system ports stay back"
    );
    world.book.hand_out(set(1));
    assert_eq!(world.ask(b4(1), &stolen).external.1, 32768);
    assert!(world.book.keep_back(set(1)).is_err(), "somebody has it");
}

#[test]
fn lg_003_the_operator_may_take_a_lease_away() {
    let mut world = World::residential();
    world.ask(b4(1), &Ask::canonical());
    let lease = world.book.leases().next().unwrap();
    let effect = world.book.revoke(lease.set).unwrap();
    world.book.apply(&effect, world.now).unwrap();
    assert_eq!(world.book.counts(), (0, 1));
    assert_eq!(world.book.revoke(lease.set), None);
    assert_eq!(world.book.holder(lease.set.address(), 3000), None);
    // PC-145: its client is told that nothing is left, by the values that it knows.
    let ended = crate::lease::Lease {
        expires: world.now,
        ..lease
    };
    let update = world.server.mapping_update(&ended, world.now).unwrap();
    let update = said(&update);
    assert_eq!((update.result, update.lifetime_s), (ResultCode::Success, 0));
    assert_eq!(update.external, (lease.set.address().into(), 2048));
}

/// Everything of the book, with a set that the operator bound and traffic that somebody watches.
struct Watched<'a> {
    book: &'a Book,
    bound: Option<crate::port_set::PortSet>,
    idle: Duration,
}

impl Bindings for Watched<'_> {
    fn subscriber(&self, outer: Ipv6Addr) -> crate::subscriber::Subscriber {
        self.book.subscriber(outer)
    }
    fn held(
        &self,
        subscriber: crate::subscriber::Subscriber,
    ) -> impl Iterator<Item = crate::lease::Lease> {
        self.book.held(subscriber)
    }
    fn resting(&self, subscriber: crate::subscriber::Subscriber) -> usize {
        self.book.resting(subscriber)
    }
    fn offer(&self, wish: &Wish) -> Result<Offer, NoSet> {
        self.book.offer(wish)
    }
    fn serving(
        &self,
        client: &crate::subscriber::Client,
        path: crate::lease::Path,
        set: crate::port_set::PortSet,
    ) -> Option<Ipv6Addr> {
        self.book.serving(client, path, set)
    }
    fn bound(&self, _: &crate::subscriber::Client) -> Option<Offer> {
        self.bound.map(|set| Offer { set, br: BR })
    }
    fn idle(&self, _: &crate::lease::Lease, _: Instant) -> Option<Duration> {
        Some(self.idle)
    }
    fn address_lifetime_s(&self, _: &crate::subscriber::Client, _: Instant) -> Option<u32> {
        Some(900)
    }
}

#[test]
fn pc_035_pc_047_ps_044_what_only_the_daemon_knows() {
    let config = ServerConfig {
        nonce_takeover: NonceTakeover::AfterIdle(Duration::from_secs(600)),
        ..ServerConfig::default()
    };
    let mut world = World::new(vec![residential()], config);
    world.ask(b4(1), &Ask::canonical());
    let decide = |bound, idle, ask: &Ask| {
        let watched = Watched {
            book: &world.book,
            bound,
            idle: Duration::from_secs(idle),
        };
        let octets = ask.octets(B4);
        let packet = Packet {
            octets: &octets,
            source: B4,
            port: 1,
            arrival: Arrival::Tunnel {
                outer: b4(1),
                br: BR,
            },
        };
        world.server.decide(&watched, &packet, world.now)
    };
    let other = Ask::canonical().nonce(2);
    assert_eq!(
        decide(None, 599, &other).result,
        Some(ResultCode::NotAuthorized)
    );
    let taken = decide(None, 600, &other);
    assert!(matches!(taken.effects[..], [Effect::Replace { .. }]));
    assert_eq!(said(&taken.response.unwrap()).lifetime_s, 900);

    let bound = crate::port_set::PortSet::new(Ipv4Addr::new(203, 0, 113, 1), 4, 3).ok();
    let answer = decide(bound, 0, &other);
    assert!(answer.effects.is_empty());
    let answer = said(&answer.response.unwrap());
    assert_eq!(answer.lifetime_s, u32::MAX);
    assert_eq!(answer.port_set, Some((4096, 12288)));
    let delete = Ask::canonical().lifetime(0);
    assert_eq!(
        decide(bound, 0, &delete).result,
        Some(ResultCode::NotAuthorized)
    );
    let port = said(&decide(bound, 0, &Ask::one(6, 12300)).response.unwrap());
    assert_eq!((port.lifetime_s, port.external.1), (u32::MAX, 12300));
}
