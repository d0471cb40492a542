//! Boxes that stand ready: to set one up costs many times what an execution does.
//!
//! A box is found by its settings, and is as good as new, or it would not have finished. What an execution
//! fails on is therefore in its input, but for what a box never forgets: the Identifications it has used.

use std::cell::RefCell;

use crate::dataplane::bench::Bench;
use crate::dataplane::settings::Settings;
use crate::input::Input;

thread_local! {
    static SHELF: RefCell<Vec<Option<Ready>>> =
        RefCell::new(std::iter::repeat_with(|| None).take(PLACES).collect());
}

/// A box with the octets that it is set up by.
pub(crate) struct Ready {
    name: [u8; Settings::OCTETS],
    /// On the heap, because a worker is large, and goes to the shelf and back.
    bench: Box<Bench>,
}

/// Has `story` told to a box as the first octets of `octets` describe it, and holds the end against the laws.
pub(crate) fn with_bench(octets: &[u8], story: impl FnOnce(&mut Bench, &mut Input<'_>)) {
    let mut input = Input::new(octets);
    let name = std::array::from_fn(|_| input.octet());
    let mut ready = take(name).unwrap_or_else(|| Ready {
        name,
        bench: Box::new(Bench::new(Settings::new(name))),
    });
    story(&mut ready.bench, &mut input);
    ready.bench.finish();
    if !ready.bench.is_worn() {
        put_back(ready);
    }
}

/// A box with these settings; whatever else stands in its place makes room.
fn take(name: [u8; Settings::OCTETS]) -> Option<Ready> {
    SHELF.with_borrow_mut(|shelf| {
        let ready = shelf[place(name)].take();
        ready.filter(|ready| ready.name == name)
    })
}

fn put_back(ready: Ready) {
    SHELF.with_borrow_mut(|shelf| {
        let place = place(ready.name);
        shelf[place] = Some(ready);
    });
}

/// Settings that differ in one octet should not meet.
fn place(name: [u8; Settings::OCTETS]) -> usize {
    (u32::from_be_bytes(name).wrapping_mul(0x9e37_79b1) >> (u32::BITS - PLACES.ilog2())) as usize
}

/// As many as the table has seats for readers; a box takes one MiB if all of its memory is used.
const PLACES: usize = 128;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_box_serves_again_and_is_replaced_when_worn() {
        let name = [0, 1, 2, 3];
        for _ in 0..3 {
            with_bench(&name, |bench, _| bench.wait(Duration::from_secs(1)));
            assert!(
                take(name)
                    .inspect(|ready| assert_eq!(ready.name, name))
                    .is_some_and(|ready| {
                        put_back(ready);
                        true
                    })
            );
        }
        for _ in 3..1000 {
            with_bench(&name, |_, _| ());
        }
        assert!(take(name).is_none());
    }
}
