//! What a decision may say and do, held against the packet it answers (RFC 6887 s8.2, s11.3; RFC 7753 s4).

use pcp::lease::Lease;
use pcp::pool::Owner;
use pcp::server::Arrival;
use pcp::server::Cause;
use pcp::server::Decision;
use pcp::server::Effect;
use pcp::server::NonceTakeover;
use pcp::wire::Response;

use crate::pcp::ask::Ask;
use crate::pcp::copy;
use crate::pcp::laws;
use crate::pcp::seen::Seen;
use crate::pcp::world::World;

/// Checks one decision, before its effects are applied.
pub(crate) fn check(world: &World, ask: &Ask, decision: &Decision) {
    let epoch_s = world.server.epoch_s(world.now);
    let (Some(result), Some(answer)) = (decision.result, &decision.response) else {
        assert!(decision.result.is_none() && decision.response.is_none());
        assert!(decision.effects.is_empty(), "silence changes something");
        let octets = &ask.octets;
        let is_none = octets.len() < 2 || octets[1] >= 0x80;
        assert!(is_none || octets.len() < 24, "no answer to a request");
        return;
    };
    if result.code() != 0 {
        copy::check(&ask.octets, answer, result.code(), epoch_s);
        assert!(decision.effects.is_empty(), "an error changes something");
        // What is no message comes back as none; the copy of all else is one.
        let octets = &ask.octets;
        let is_message = octets[0] == 2 && octets.len() <= 1100 && octets.len().is_multiple_of(4);
        if is_message && Seen::read(octets).is_some() {
            let response = Response::parse(answer).expect("a copy of a MAP is a response");
            assert_eq!(response.header.result, result);
        }
        return;
    }
    copy::size(answer);
    assert_eq!((answer[0], answer[3]), (2, 0));
    assert_eq!(answer[1], ask.octets[1] | 0x80);
    assert_eq!(answer[8..12], epoch_s.to_be_bytes());
    assert_eq!(answer[12..24], [0; 12]);
    Response::parse(answer).expect("a success is a response");
    let (Some(asked), Some(told)) = (Seen::read(&ask.octets), Seen::read(answer)) else {
        assert_eq!(ask.octets[1], 0, "neither MAP nor ANNOUNCE succeeds");
        assert_eq!(answer.len(), 24);
        assert!(decision.effects.is_empty());
        return;
    };
    map(world, &asked, &told, decision);
    for effect in &decision.effects {
        is_allowed(world, ask, &asked, effect);
    }
}

fn map(world: &World, asked: &Seen, told: &Seen, decision: &Decision) {
    assert_eq!(
        (told.nonce, told.protocol, told.internal_port),
        (asked.nonce, asked.protocol, asked.internal_port)
    );
    for (code, data) in &told.options {
        let echoes = asked.options.iter().any(|(other, _)| other == code);
        assert!(echoes && [1, 13, 130].contains(code), "option {code}");
        assert!(*code == 130 || asked.options.contains(&(*code, data.clone())));
    }
    if asked.lifetime_s == 0 {
        assert_eq!(told.lifetime_s, 0);
        assert_eq!(told.external, asked.external);
        assert_eq!(told.external_port, asked.external_port);
        return;
    }
    let limits = world.settings.server.lifetime;
    assert!(told.lifetime_s <= limits.max_s);
    assert!(told.lifetime_s > 0, "a grant for no time");
    if asked.protocol != 0 {
        assert_eq!(told.external_port, asked.internal_port);
        assert!(told.port_set().is_none() && decision.effects.is_empty());
        return;
    }
    assert!(!decision.effects.is_empty(), "a set without a lease");
    let granted_s = asked.lifetime_s.max(limits.min_s).min(limits.max_s);
    assert_eq!(told.lifetime_s, granted_s);
    set(asked, told, &decision.effects[0]);
}

/// The answer spells the set of the first effect, which is inside what was asked for if it is new.
fn set(asked: &Seen, told: &Seen, first: &Effect) {
    let ports = first.lease().set.ports();
    let address = first.lease().set.address().to_ipv6_mapped();
    assert_eq!(told.external, address.octets());
    let Some((size, first_port)) = told.port_set() else {
        let one_or_all = ports.count() == 1 || ports.count() == 65536;
        assert!(one_or_all, "{ports:?} without PORT_SET");
        return;
    };
    assert!(size > 1 && told.external_port == first_port);
    let spelled = u32::from(ports.first()).max(u32::from(ports.count() == 65536));
    assert_eq!(u32::from(first_port), spelled);
    assert_eq!(u32::from(size), ports.count().min(65535));
    if let Effect::Grant(_) = first {
        let (asked_size, _) = asked.port_set().expect("PORT_SET answers PORT_SET");
        let from = u32::from(asked.internal_port.max(1));
        let to = (from + u32::from(asked_size) - 1).min(65535);
        assert!(from <= spelled && spelled + u32::from(size) - 1 <= to);
    }
}

/// An effect is about leases of the sender, with its nonce unless the operator says otherwise.
fn is_allowed(world: &World, ask: &Ask, asked: &Seen, effect: &Effect) {
    let has_nonce = |lease: &Lease| lease.nonce.octets() == asked.nonce;
    let takes_over = world.settings.server.nonce_takeover == NonceTakeover::Always;
    match effect {
        Effect::Grant(lease) => {
            assert!(has_nonce(lease) && lease.granted == world.now);
            assert_eq!(lease.contact.port, ask.port);
            is_entitled(world, ask, asked, lease);
        }
        Effect::Refresh { before, after } => {
            assert!(has_nonce(before) && has_nonce(after));
            assert_eq!((before.client, before.set), (after.client, after.set));
        }
        Effect::Replace { before, after } => {
            assert!(takes_over && !has_nonce(before) && has_nonce(after));
            assert_eq!((before.client, before.set), (after.client, after.set));
        }
        Effect::Migrate { before, after } => {
            assert!(has_nonce(before) && has_nonce(after) && before.set == after.set);
            let of = |lease: &Lease| laws::subscriber(&world.settings, lease.client.outer);
            assert_eq!(of(before), of(after));
        }
        Effect::Release { lease, cause } => {
            assert!(has_nonce(lease) || takes_over);
            assert_eq!((*cause, asked.lifetime_s), (Cause::Deleted, 0));
        }
    }
}

/// A new lease is of a pool of its path. Third parties pick their sets themselves, and after a loss of state
/// nobody gets a set that it neither names nor had (DH-051, FO-011).
fn is_entitled(world: &World, ask: &Ask, asked: &Seen, lease: &Lease) {
    let owner = match ask.arrival {
        Arrival::Tunnel { .. } | Arrival::Plain { .. } => Owner::Pcp,
        Arrival::Management(listener) => Owner::ThirdParty(listener),
    };
    assert_eq!(laws::pool_of(&world.settings, lease.set).owner, owner);
    let ports = lease.set.ports();
    let is_suggested = asked.external == lease.set.address().to_ipv6_mapped().octets()
        && (asked.external_port == ports.first()
            || (ports.count() == 65536 && asked.external_port == 1));
    let subscriber = |lease: &Lease| laws::subscriber(&world.settings, lease.client.outer);
    let had_it = world
        .book
        .resting_leases()
        .any(|(other, _)| other.set == lease.set && subscriber(&other) == subscriber(lease));
    assert!(owner == Owner::Pcp || is_suggested, "not what was picked");
    let in_grace = world.now < world.grace_until;
    assert!(!in_grace || is_suggested || had_it, "somebody else's set");
}

/// What a Mapping Update tells about a lease is a message and says which set it is (PC-145).
pub(crate) fn update(world: &World, lease: &Lease) {
    let message = world.server.mapping_update(lease, world.now);
    let message = message.expect("room for what a lease holds");
    copy::size(&message);
    Response::parse(&message).expect("an update is a response");
    let told = Seen::read(&message).expect("an update is a MAP");
    assert_eq!((told.result, told.nonce), (0, lease.nonce.octets()));
    assert_eq!(told.external, lease.set.address().to_ipv6_mapped().octets());
    assert_eq!(told.epoch_s, world.server.epoch_s(world.now));
    assert_eq!(
        u64::from(told.lifetime_s),
        lease.expires.since(world.now).as_secs()
    );
}
