//! What operators and restarts do between requests.

use std::net::Ipv4Addr;
use std::time::Duration;

use pcp::port_set::PortSet;

use crate::input::Input;
use crate::pcp::laws::Memory;
use crate::pcp::world::World;

/// One act of the operator.
pub(crate) fn act(input: &mut Input<'_>, world: &mut World, memory: &mut Memory) {
    match input.octet() % 5 {
        0 => revoke(input, world, memory),
        1 => world.restart(),
        2 => keep_back(input, world, memory),
        3 => {
            if let Some(set) = world.kept_back.pop() {
                world.book.hand_out(set);
            }
        }
        _ => {
            let grace = Duration::from_secs(input.pick(&[0, 60, 3600]));
            world.server.lose_state(world.now, grace);
            world.grace_until = world.now + grace;
            assert_eq!(world.server.epoch_s(world.now), 0);
        }
    }
}

/// Takes a lease away; it is there no more, and a second time there is nothing to take.
fn revoke(input: &mut Input<'_>, world: &mut World, memory: &mut Memory) {
    let held = world.snapshot().held;
    if held.is_empty() {
        return;
    }
    let lease = held[usize::from(input.octet()) % held.len()];
    let effect = world.book.revoke(lease.set).expect("it is held");
    assert_eq!(*effect.lease(), lease);
    let applied = world.book.apply(&effect, world.now);
    applied.expect("what the book itself says");
    memory.note(world, &effect);
    assert!(world.book.revoke(lease.set).is_none());
}

/// Withholds a set, which works if nobody holds it; then it does not rest any more either.
fn keep_back(input: &mut Input<'_>, world: &mut World, memory: &mut Memory) {
    let last = input.pick(&[4, 5]);
    let psid = u16::from(input.octet() & 7);
    let Ok(set) = PortSet::new(Ipv4Addr::new(192, 0, 2, last), 3, psid) else {
        return;
    };
    let before = world.snapshot();
    let is_held = before.held.iter().any(|lease| lease.set == set);
    match world.book.keep_back(set) {
        Ok(()) => {
            assert!(!is_held, "{set} is somebody's");
            memory.kept_back(set);
            world.kept_back.push(set);
        }
        Err(_) => assert_eq!(world.snapshot(), before),
    }
}
