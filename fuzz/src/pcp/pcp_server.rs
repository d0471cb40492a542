//! The target `pcp-server`: requests, time and operators, in any order.
//!
//! ```text
//!  settings | kind, what the step takes | kind, … | …
//! ```

use std::time::Duration;

use pcp::server::Decision;
use pcp::server::Effect;

use crate::input::Input;
use crate::pcp::admin;
use crate::pcp::ask::Ask;
use crate::pcp::laws;
use crate::pcp::laws::Memory;
use crate::pcp::promise;
use crate::pcp::settings::Settings;
use crate::pcp::world::Snapshot;
use crate::pcp::world::World;

/// Runs one input.
pub fn pcp_server(octets: &[u8]) {
    let mut input = Input::new(octets);
    let mut world = World::new(Settings::read(&mut input));
    let mut memory = Memory::default();
    let mut steps = 0;
    while !input.is_empty() && steps < STEPS_MAX {
        steps += 1;
        match input.octet() & 7 {
            0..=3 => ask(&mut input, &mut world, &mut memory),
            4 => fail(&mut input, &mut world, &mut memory),
            5 | 6 => {
                let seconds = input.pick(&[1, 59, 121, 600, 1800, 3600]);
                world.now = world.now + Duration::from_secs(seconds);
            }
            _ => admin::act(&mut input, &mut world, &mut memory),
        }
        expire(&mut world, &mut memory);
        laws::check(&world, &memory);
    }
}

/// A request whose effects are kept.
fn ask(input: &mut Input<'_>, world: &mut World, memory: &mut Memory) {
    let ask = Ask::read(input);
    let decision = decide(world, &ask);
    apply(world, memory, &decision);
    for lease in decision.updates() {
        promise::update(world, lease);
    }
    if let [Effect::Grant(lease)] = &decision.effects[..] {
        promise::update(world, lease);
    }
    let deletes = decision
        .response
        .as_ref()
        .is_some_and(|answer| answer[1] == 0x81 && answer[3] == 0 && answer[4..8] == [0; 4]);
    if deletes {
        // Idempotent: the same answer, and nothing left to do (PC-017, PC-046).
        let again = decide(world, &ask);
        assert_eq!(again.response, decision.response);
        assert!(
            again.effects.is_empty(),
            "{:?} then {:?}",
            decision.effects,
            again.effects
        );
    }
}

/// A request whose effects could not be made durable: they are taken back, and all is as it was.
fn fail(input: &mut Input<'_>, world: &mut World, memory: &mut Memory) {
    let ask = Ask::read(input);
    let before = world.snapshot();
    let decision = decide(world, &ask);
    apply(world, memory, &decision);
    for effect in decision.effects.iter().rev() {
        let undone = world.book.undo(effect, world.now);
        undone.expect("nothing has happened since");
        memory.undone(world, effect);
    }
    is_restored(world, &before, &decision);
}

/// Leases are what they were, and only sets that somebody was about to get rest anew.
fn is_restored(world: &World, before: &Snapshot, decision: &Decision) {
    let after = world.snapshot();
    assert_eq!(after.held, before.held);
    let is_granted = |lease: &pcp::lease::Lease| {
        decision
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Grant(granted) if granted.set == lease.set))
    };
    let others = |snapshot: &Snapshot| -> Vec<_> {
        let resting = snapshot.resting.iter();
        let others = resting.filter(|(lease, _)| !is_granted(lease));
        others.copied().collect()
    };
    assert_eq!(others(&after), others(before));
}

/// Deciding changes nothing, and says the same twice.
fn decide(world: &World, ask: &Ask) -> Decision {
    let before = world.snapshot();
    let decision = world.server.decide(&world.book, &ask.packet(), world.now);
    let again = world.server.decide(&world.book, &ask.packet(), world.now);
    assert_eq!(world.snapshot(), before, "deciding changes the book");
    assert_eq!(
        (again.effects, again.result, again.response),
        (
            decision.effects.clone(),
            decision.result,
            decision.response.clone()
        )
    );
    promise::check(world, ask, &decision);
    decision
}

fn apply(world: &mut World, memory: &mut Memory, decision: &Decision) {
    for effect in &decision.effects {
        memory.note(world, effect);
        let applied = world.book.apply(effect, world.now);
        applied.expect("the book is as the decision found it");
    }
}

/// Everything that is over ends, once, and nothing else.
fn expire(world: &mut World, memory: &mut Memory) {
    while let Some(effect) = world.book.expire(world.now) {
        assert!(effect.lease().expires <= world.now, "{effect:?} too early");
        memory.note(world, &effect);
    }
}

/// Steps of one input.
const STEPS_MAX: usize = 100;
