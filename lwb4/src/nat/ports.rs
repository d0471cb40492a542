//! The free ports of one set and one protocol, of which any can be taken, or one at random (NT-021,
//! RFC 7857 s9), in constant time.
//!
//! Even and odd ports are kept apart (NT-005). Each kind is a permutation whose first part is free: what
//! is taken changes places with the last free one. Four octets a port, made when the protocol is first used.

use fastrand::Rng;

use crate::external::ExternalSet;

/// The ports of a set that packets may be given, free or taken.
#[derive(Debug)]
pub(super) struct Ports {
    kinds: [Kind; 2],
    /// Where each port is among its kind, by its number in the set.
    places: Vec<u16>,
}

#[derive(Debug, Default)]
struct Kind {
    order: Vec<u16>,
    free: usize,
}

impl Ports {
    /// The ports of `set` that `usable` allows, all free.
    pub(super) fn new(set: ExternalSet, usable: impl Fn(u16) -> bool) -> Self {
        let mut ports = Self {
            kinds: [Kind::default(), Kind::default()],
            places: vec![NOWHERE; set.count() as usize],
        };
        for n in 0..set.count() {
            if let Some(port) = set.nth(n).filter(|port| usable(*port)) {
                let kind = &mut ports.kinds[usize::from(port & 1)];
                ports.places[n as usize] = kind.order.len() as u16;
                kind.order.push(port);
                kind.free += 1;
            }
        }
        ports
    }

    /// Number of free ports.
    pub(super) fn free(&self) -> usize {
        self.kinds.iter().map(|kind| kind.free).sum()
    }

    /// Takes any free port; one that is even or odd as `like` is, if there is one and that is wanted.
    pub(super) fn take(
        &mut self,
        set: ExternalSet,
        like: Option<u16>,
        rng: &mut Rng,
    ) -> Option<u16> {
        let [even, odd] = [self.kinds[0].free, self.kinds[1].free];
        let wanted = like.map(|port| usize::from(port & 1));
        let kind = match wanted {
            Some(kind) if self.kinds[kind].free > 0 => kind,
            _ if even + odd == 0 => return None,
            _ => usize::from(rng.usize(..even + odd) >= even),
        };
        let kind = &self.kinds[kind];
        let port = kind.order[rng.usize(..kind.free)];
        self.take_exactly(set, port);
        Some(port)
    }

    /// Takes this port out of the free ones, if it is one.
    pub(super) fn take_exactly(&mut self, set: ExternalSet, port: u16) {
        let Some(place) = self.place(set, port) else {
            return;
        };
        let kind = &self.kinds[usize::from(port & 1)];
        if place < kind.free {
            let last = kind.free - 1;
            self.swap(set, port, last);
            self.kinds[usize::from(port & 1)].free = last;
        }
    }

    /// Makes a port free again; of those that are never chosen, nothing is remembered.
    pub(super) fn give_back(&mut self, set: ExternalSet, port: u16) {
        let Some(place) = self.place(set, port) else {
            return;
        };
        let free = self.kinds[usize::from(port & 1)].free;
        if place >= free {
            self.swap(set, port, free);
            self.kinds[usize::from(port & 1)].free = free + 1;
        }
    }

    /// Lets `port` and whatever is at `place` of its kind change places.
    fn swap(&mut self, set: ExternalSet, port: u16, place: usize) {
        let Some(from) = self.place(set, port) else {
            return;
        };
        let order = &mut self.kinds[usize::from(port & 1)].order;
        order.swap(from, place);
        for at in [from, place] {
            if let Some(n) = set.number(order[at]) {
                self.places[n as usize] = at as u16;
            }
        }
    }

    fn place(&self, set: ExternalSet, port: u16) -> Option<usize> {
        let place = self.places[set.number(port)? as usize];
        (place != NOWHERE).then_some(usize::from(place))
    }
}

/// No place: at most 32768 ports are of a kind.
const NOWHERE: u16 = u16::MAX;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::Ipv4Addr;

    use fastrand::Rng;
    use proptest::prelude::*;

    use super::*;

    fn set() -> ExternalSet {
        ExternalSet::psid(Ipv4Addr::new(192, 0, 2, 5), 6, 8, 0x34).unwrap()
    }

    #[test]
    fn nt_021_ports_come_in_no_order_and_none_twice() {
        let mut rng = Rng::with_seed(1);
        let mut ports = Ports::new(set(), |_| true);
        let taken: Vec<_> = std::iter::from_fn(|| ports.take(set(), None, &mut rng)).collect();
        assert_eq!(taken.len(), 252);
        assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), 252);
        let rising = taken.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((90..160).contains(&rising), "{rising} of 251 pairs rise");
    }

    #[test]
    fn nt_005_parity_is_kept_while_it_can_be() {
        let mut rng = Rng::with_seed(1);
        let mut ports = Ports::new(set(), |_| true);
        for _ in 0..126 {
            assert_eq!(
                ports.take(set(), Some(7), &mut rng).map(|port| port % 2),
                Some(1)
            );
        }
        assert_eq!(
            ports.take(set(), Some(7), &mut rng).map(|port| port % 2),
            Some(0)
        );
    }

    proptest! {
        #[test]
        fn the_free_ports_are_those_neither_taken_nor_unusable(
            steps in prop::collection::vec((0_u32..252, 0_u8..3), 1..400)
        ) {
            let mut rng = Rng::with_seed(2);
            let usable = |port: u16| !port.is_multiple_of(5);
            let mut ports = Ports::new(set(), usable);
            let all = (0..252).filter_map(|n| set().nth(n));
            let mut free: BTreeSet<u16> = all.filter(|port| usable(*port)).collect();
            for (n, step) in steps {
                let port = set().nth(n).unwrap();
                match step {
                    0 => match ports.take(set(), Some(port), &mut rng) {
                        None => prop_assert!(free.is_empty()),
                        Some(port) => prop_assert!(free.remove(&port)),
                    },
                    1 => {
                        ports.take_exactly(set(), port);
                        free.remove(&port);
                    }
                    _ => {
                        ports.give_back(set(), port);
                        if usable(port) {
                            free.insert(port);
                        }
                    }
                }
                prop_assert_eq!(ports.free(), free.len());
            }
        }
    }
}
