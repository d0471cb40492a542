//! A timer wheel: what ends when, with insertion and removal in constant time.
//!
//! Ticks are whole seconds of the NAT's clock. One turn is [`SLOTS`] ticks; whatever is further away waits
//! in the last slot and is looked at once a turn. The wheel does not know deadlines that moved: whoever
//! takes an entry out looks whether it is really due, and else puts it back. So a packet that refreshes
//! something writes a number and leaves the wheel alone.

/// Seconds on the NAT's clock.
pub(super) type Tick = u32;

/// Entries by the tick at which they have to be looked at. Entries are small numbers, each at most once.
#[derive(Debug)]
pub(super) struct Wheel {
    slots: [u32; SLOTS],
    links: Vec<Link>,
    now: Tick,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    next: u32,
    previous: u32,
    /// When it is looked at; meaningless out of the wheel.
    at: Tick,
    inside: bool,
}

impl Wheel {
    pub(super) fn new() -> Self {
        Self {
            slots: [NONE; SLOTS],
            links: Vec::new(),
            now: 0,
            len: 0,
        }
    }

    /// Puts `entry` in, to come out at `deadline` or earlier, but not before the next tick. If it is in
    /// already, it comes out at the earlier of both.
    pub(super) fn insert(&mut self, entry: u32, deadline: Tick) {
        let latest = self.now.saturating_add(SLOTS as u32 - 1);
        let at = deadline.clamp(self.now.saturating_add(1), latest);
        let place = entry as usize;
        if self.links.len() <= place {
            self.links.resize(place + 1, Link::OUTSIDE);
        }
        if self.links[place].inside {
            if self.links[place].at <= at {
                return;
            }
            self.remove(entry);
        }
        let slot = at as usize % SLOTS;
        let next = self.slots[slot];
        if next != NONE {
            self.links[next as usize].previous = entry;
        }
        self.slots[slot] = entry;
        self.links[place] = Link {
            next,
            previous: NONE,
            at,
            inside: true,
        };
        self.len += 1;
    }

    /// Takes `entry` out, if it is in.
    pub(super) fn remove(&mut self, entry: u32) {
        let Some(link) = self.links.get(entry as usize).copied() else {
            return;
        };
        if !link.inside {
            return;
        }
        match link.previous {
            NONE => self.slots[link.at as usize % SLOTS] = link.next,
            previous => self.links[previous as usize].next = link.next,
        }
        if link.next != NONE {
            self.links[link.next as usize].previous = link.previous;
        }
        self.links[entry as usize] = Link::OUTSIDE;
        self.len -= 1;
    }

    /// Goes on to the tick `to` and takes out what has to be looked at by then.
    pub(super) fn advance(&mut self, to: Tick, due: &mut Vec<u32>) {
        let turn = to.saturating_sub(self.now).min(SLOTS as u32);
        let from = to - turn;
        self.now = self.now.max(to);
        for tick in from + 1..=to {
            if self.len == 0 {
                return;
            }
            while self.slots[tick as usize % SLOTS] != NONE {
                let entry = self.slots[tick as usize % SLOTS];
                self.remove(entry);
                due.push(entry);
            }
        }
    }

    /// The tick at which something has to be looked at next.
    pub(super) fn due(&self) -> Option<Tick> {
        if self.len == 0 {
            return None;
        }
        (1..=SLOTS as u32)
            .filter_map(|ahead| self.now.checked_add(ahead))
            .find(|tick| self.slots[*tick as usize % SLOTS] != NONE)
    }
}

impl Link {
    const OUTSIDE: Self = Self {
        next: NONE,
        previous: NONE,
        at: 0,
        inside: false,
    };
}

/// Longer than all timers but that of established TCP and those of explicit mappings.
const SLOTS: usize = 512;

const NONE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn take(wheel: &mut Wheel, to: Tick) -> Vec<u32> {
        let mut due = Vec::new();
        wheel.advance(to, &mut due);
        due.sort_unstable();
        due
    }

    #[test]
    fn an_entry_comes_out_at_its_tick_and_not_before() {
        let mut wheel = Wheel::new();
        wheel.insert(7, 300);
        assert_eq!(wheel.due(), Some(300));
        assert!(take(&mut wheel, 299).is_empty());
        assert_eq!(take(&mut wheel, 300), [7]);
        assert_eq!(wheel.due(), None);
    }

    #[test]
    fn what_is_far_away_is_looked_at_once_a_turn() {
        let mut wheel = Wheel::new();
        wheel.insert(1, 7440);
        assert_eq!(wheel.due(), Some(511));
        assert_eq!(take(&mut wheel, 100_000), [1]);
    }

    proptest! {
        #[test]
        fn the_wheel_agrees_with_a_list(
            steps in prop::collection::vec((0_u32..20, 0_u32..600, 0_u32..40, any::<bool>()), 1..200)
        ) {
            let mut wheel = Wheel::new();
            let mut list = BTreeMap::new();
            let mut now = 0;
            for (entry, ahead, passes, insert) in steps {
                if insert {
                    let at = (now + ahead).clamp(now + 1, now + 511);
                    let known = list.entry(entry).or_insert(at);
                    *known = at.min(*known);
                    wheel.insert(entry, now + ahead);
                } else {
                    wheel.remove(entry);
                    list.remove(&entry);
                }
                prop_assert_eq!(wheel.due(), list.values().min().copied());
                now += passes;
                let due: Vec<_> = list.iter().filter(|(_, at)| **at <= now).map(|(entry, _)| *entry).collect();
                list.retain(|_, at| *at > now);
                prop_assert_eq!(take(&mut wheel, now), due);
            }
        }
    }
}
