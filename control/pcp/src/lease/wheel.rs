//! A timer wheel of seconds: what is due, without looking at what is not.
//!
//! Six wheels of 64 slots, each turning 64 times slower than the one before, cover 32 bits of seconds. An
//! entry lies in the slot of the first wheel that tells its second from now, and moves to a finer one as
//! its time comes near. Lists in slots are doubly linked through one array, so that entries come, go and
//! move in constant time.

use super::LeaseId;

/// Deadlines of leases, in seconds of the owner's clock.
#[derive(Clone, Debug)]
pub(super) struct Wheel {
    now_s: u32,
    heads: [[Option<LeaseId>; SLOTS]; LEVELS],
    links: Vec<Link>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    previous: Option<LeaseId>,
    next: Option<LeaseId>,
    at_s: u32,
    level: u8,
    slot: u8,
    listed: bool,
}

impl Wheel {
    pub(super) const fn new(now_s: u32) -> Self {
        Self {
            now_s,
            heads: [[None; SLOTS]; LEVELS],
            links: Vec::new(),
        }
    }

    /// Makes room for so many deadlines more.
    pub(super) fn reserve(&mut self, deadlines: usize) {
        self.links.reserve(deadlines);
    }

    /// Sets the deadline of `id`, or changes it. What is due already comes with the next second.
    pub(super) fn schedule(&mut self, id: LeaseId, at_s: u32) {
        self.cancel(id);
        if self.links.len() <= id.index() {
            self.links.resize(id.index() + 1, Link::UNLISTED);
        }
        let at_s = at_s.max(self.now_s.saturating_add(1));
        self.insert(id, at_s);
    }

    /// Forgets the deadline of `id`, if it has one.
    pub(super) fn cancel(&mut self, id: LeaseId) {
        let Some(link) = self
            .links
            .get(id.index())
            .copied()
            .filter(|link| link.listed)
        else {
            return;
        };
        match link.previous {
            Some(previous) => self.links[previous.index()].next = link.next,
            None => self.heads[usize::from(link.level)][usize::from(link.slot)] = link.next,
        }
        if let Some(next) = link.next {
            self.links[next.index()].previous = link.previous;
        }
        self.links[id.index()] = Link::UNLISTED;
    }

    /// Turns to the next second that has anything due, up to `now_s`, and takes one entry out of it.
    pub(super) fn pop(&mut self, now_s: u32) -> Option<LeaseId> {
        loop {
            let slot = self.now_s as usize % SLOTS;
            if let Some(id) = self.heads[0][slot] {
                self.cancel(id);
                return Some(id);
            }
            if self.now_s >= now_s {
                return None;
            }
            self.turn(now_s);
        }
    }

    /// The second before which nothing is due; exact for what is due within a minute.
    pub(super) fn next_s(&self) -> Option<u32> {
        (0..LEVELS).find_map(|level| {
            let shift = BITS * level as u32;
            let now = u64::from(self.now_s >> shift);
            (now..now + SLOTS as u64)
                .find(|tick| self.heads[level][*tick as usize % SLOTS].is_some())
                .map(|tick| ((tick << shift) as u32).max(self.now_s))
        })
    }

    /// One step towards `now_s`: a second, or more where nothing can be due in between.
    fn turn(&mut self, now_s: u32) {
        let first_empty = (0..LEVELS).find(|level| self.heads[*level].iter().any(Option::is_some));
        let Some(level) = first_empty else {
            self.now_s = now_s;
            return;
        };
        let shift = BITS * level as u32;
        let next = ((u64::from(self.now_s) >> shift) + 1) << shift;
        if next > u64::from(now_s) {
            self.now_s = now_s;
            return;
        }
        self.now_s = next as u32;
        for level in (1..LEVELS).rev() {
            if self.now_s.trailing_zeros() >= BITS * level as u32 {
                self.spread(level);
            }
        }
    }

    /// Moves what the slot of now on `level` holds to finer wheels.
    fn spread(&mut self, level: usize) {
        let slot = (self.now_s >> (BITS * level as u32)) as usize % SLOTS;
        while let Some(id) = self.heads[level][slot] {
            let at_s = self.links[id.index()].at_s;
            self.cancel(id);
            self.insert(id, at_s);
        }
    }

    /// Puts an entry that is in no list where its second, not before now, belongs.
    fn insert(&mut self, id: LeaseId, at_s: u32) {
        let differing = u32::BITS - (at_s ^ self.now_s).leading_zeros();
        let level = (differing.saturating_sub(1) / BITS) as usize;
        let slot = (at_s >> (BITS * level as u32)) as usize % SLOTS;
        let next = self.heads[level][slot].replace(id);
        if let Some(next) = next {
            self.links[next.index()].previous = Some(id);
        }
        self.links[id.index()] = Link {
            previous: None,
            next,
            at_s,
            level: level as u8,
            slot: slot as u8,
            listed: true,
        };
    }
}

impl Link {
    const UNLISTED: Self = Self {
        previous: None,
        next: None,
        at_s: 0,
        level: 0,
        slot: 0,
        listed: false,
    };
}

/// Bits of a second that one wheel tells apart.
const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
const LEVELS: usize = u32::BITS.div_ceil(BITS) as usize;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn id(number: u8) -> LeaseId {
        LeaseId::from_index(usize::from(number)).unwrap()
    }

    #[test]
    fn what_is_far_away_comes_to_the_second() {
        for at_s in [1, 63, 64, 65, 4095, 4096, 86_400, 1 << 24, u32::MAX] {
            let mut wheel = Wheel::new(0);
            wheel.schedule(id(0), at_s);
            assert_eq!(wheel.pop(at_s - 1), None);
            assert!(wheel.next_s().unwrap() <= at_s);
            assert_eq!(wheel.pop(at_s), Some(id(0)));
            assert_eq!(wheel.pop(at_s), None);
        }
    }

    proptest! {
        #[test]
        fn it_finds_what_a_sorted_list_finds(
            start in any::<u16>(),
            steps in vec((any::<u8>(), prop_oneof![0_u32..200, 0_u32..100_000], 0_u32..5000, any::<bool>()), 1..60),
        ) {
            let mut now_s = u32::from(start);
            let mut wheel = Wheel::new(now_s);
            let mut list = BTreeMap::new();
            for (number, delay, step, cancel) in steps {
                if cancel {
                    wheel.cancel(id(number));
                    list.remove(&number);
                } else {
                    wheel.schedule(id(number), now_s + delay);
                    list.insert(number, (now_s + delay).max(now_s + 1));
                }
                now_s += step;
                let mut due = Vec::new();
                while let Some(id) = wheel.pop(now_s) {
                    due.push(id.index() as u8);
                }
                due.sort_unstable();
                let expected: Vec<u8> = list
                    .iter()
                    .filter(|(_, at)| **at <= now_s)
                    .map(|(number, _)| *number)
                    .collect();
                list.retain(|_, at| *at > now_s);
                prop_assert_eq!(due, expected);
                match (wheel.next_s(), list.values().min()) {
                    (Some(next), Some(first)) => prop_assert!(next <= *first),
                    (next, first) => prop_assert_eq!(next, first.copied()),
                }
            }
        }
    }
}
