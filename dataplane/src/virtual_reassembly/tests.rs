//! The rules of virtual reassembly, one by one and against a slow oracle.

use std::collections::HashSet;
use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::wire::transport::Ports;

fn key(id: u16) -> Key {
    Key {
        source: 0xc633_6407,
        destination: 0xc000_0201,
        id,
        protocol: 17,
        b4: [0; 16],
    }
}

fn ports(port: u16) -> Known {
    Known::Ports {
        source: Ports::Port(port),
        destination: Ports::None,
    }
}

/// As many as there are.
const PLENTY: Rates = Rates {
    per_second: 1_000_000_000,
    burst: 1_000_000_000,
    per_source: 1_000_000_000,
};

/// Milliseconds after the start.
fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn with_limits(datagrams: usize, held: usize, held_each: usize) -> VirtualReassembly<u32> {
    VirtualReassembly::new(Limits {
        datagrams,
        held,
        held_each,
        timeout: DEFAULT_TIMEOUT,
        evictions: PLENTY,
    })
}

fn ample() -> VirtualReassembly<u32> {
    with_limits(100, 100, 10)
}

fn released(reassembly: &mut VirtualReassembly<u32>) -> Vec<u32> {
    std::iter::from_fn(|| reassembly.release()).collect()
}

fn expired(reassembly: &mut VirtualReassembly<u32>, now: Instant) -> Vec<u32> {
    std::iter::from_fn(|| reassembly.expire(now)).collect()
}

fn evicted(reassembly: &mut VirtualReassembly<u32>) -> Vec<u32> {
    std::iter::from_fn(|| reassembly.evicted()).collect()
}

#[test]
fn fr_011_what_the_first_fragment_said_is_known_of_the_others() {
    let mut reassembly = ample();
    assert_eq!(reassembly.know(&key(1), at(0)), None);
    reassembly.learn(key(1), ports(80), at(0));
    reassembly.learn(key(2), Known::Refused, at(0));
    assert_eq!(reassembly.know(&key(1), at(1)), Some(ports(80)));
    assert_eq!(reassembly.know(&key(2), at(1)), Some(Known::Refused));
    assert_eq!(reassembly.know(&key(3), at(1)), None);
}

#[test]
fn fr_011_fragments_before_their_first_wait_for_it_and_leave_in_order() {
    let mut reassembly = ample();
    for (id, packet) in [(1, 10), (2, 20), (1, 11), (2, 21), (1, 12)] {
        reassembly.hold(key(id), packet, at(0)).unwrap();
    }
    assert_eq!(reassembly.release(), None);
    reassembly.learn(key(2), ports(2), at(1));
    reassembly.learn(key(1), ports(1), at(1));
    assert_eq!(reassembly.held(), 5);
    assert_eq!(released(&mut reassembly), [20, 21, 10, 11, 12]);
    assert_eq!(reassembly.know(&key(1), at(1)), Some(ports(1)));
    assert_eq!(reassembly.held(), 0);
}

#[test]
fn fr_011_what_need_not_wait_is_released_at_once() {
    let mut reassembly = ample();
    reassembly.learn(key(1), ports(1), at(0));
    reassembly.hold(key(1), 10, at(1)).unwrap();
    assert_eq!(released(&mut reassembly), [10]);
}

#[test]
fn fr_011_the_newest_first_fragment_wins() {
    let mut reassembly = ample();
    reassembly.learn(key(1), ports(1), at(0));
    reassembly.learn(key(1), ports(2), at(1));
    assert_eq!(reassembly.know(&key(1), at(1)), Some(ports(2)));
    reassembly.learn(key(1), Known::Refused, at(1));
    assert_eq!(reassembly.know(&key(1), at(1)), Some(Known::Refused));
    assert_eq!(reassembly.datagrams(), 1);
}

#[test]
fn fr_013_datagrams_differ_in_every_part_of_the_key() {
    let mut reassembly = ample();
    let known = key(1);
    reassembly.learn(known, ports(1), at(0));
    let mut b4 = [0; 16];
    b4[15] = 1;
    for other in [
        Key { source: 1, ..known },
        Key {
            destination: 1,
            ..known
        },
        Key { id: 2, ..known },
        Key {
            protocol: 6,
            ..known
        },
        Key { b4, ..known },
    ] {
        assert_eq!(reassembly.know(&other, at(0)), None, "{other:?}");
        reassembly.hold(other, 10, at(0)).unwrap();
    }
    reassembly.learn(known, ports(1), at(0));
    assert_eq!(released(&mut reassembly), []);
}

#[test]
fn fr_012_a_refused_first_fragment_lets_go_of_what_waits() {
    let mut reassembly = ample();
    reassembly.hold(key(1), 10, at(0)).unwrap();
    reassembly.learn(key(1), Known::Refused, at(1));
    assert_eq!(released(&mut reassembly), [10]);
    assert_eq!(reassembly.know(&key(1), at(1)), Some(Known::Refused));
}

#[test]
fn fr_012_what_was_known_is_over_after_the_window() {
    let mut reassembly = ample();
    reassembly.learn(key(1), ports(1), at(0));
    assert_eq!(reassembly.know(&key(1), at(1999)), Some(ports(1)));
    assert_eq!(reassembly.know(&key(1), at(2000)), None);
    assert_eq!(reassembly.expire(at(1999)), None);
    assert_eq!(reassembly.datagrams(), 1);
    assert_eq!(reassembly.expire(at(2000)), None);
    assert!(reassembly.is_idle());
}

#[test]
fn fr_012_fragments_whose_first_does_not_come_expire_in_order() {
    let mut reassembly = ample();
    for (id, packet, millis) in [(1, 10, 0), (2, 20, 500), (1, 11, 1900)] {
        reassembly.hold(key(id), packet, at(millis)).unwrap();
    }
    assert_eq!(reassembly.expire(at(1999)), None);
    // The window is fixed: that one fragment has waited 100 ms only makes no difference.
    assert_eq!(expired(&mut reassembly, at(2000)), [10, 11]);
    assert_eq!(expired(&mut reassembly, at(2499)), []);
    assert_eq!(expired(&mut reassembly, at(2500)), [20]);
    assert!(reassembly.is_idle());
}

#[test]
fn fr_012_the_window_begins_anew_with_the_first_fragment() {
    let mut reassembly = ample();
    reassembly.hold(key(1), 10, at(0)).unwrap();
    reassembly.learn(key(1), ports(1), at(1500));
    assert_eq!(reassembly.expire(at(3499)), None);
    assert_eq!(reassembly.know(&key(1), at(3499)), Some(ports(1)));
    assert_eq!(reassembly.know(&key(1), at(3500)), None);
    // Another datagram with the same Identification.
    reassembly.learn(key(1), ports(2), at(4000));
    reassembly.learn(key(1), ports(3), at(5000));
    assert_eq!(reassembly.know(&key(1), at(6999)), Some(ports(3)));
}

#[test]
fn fr_012_a_first_fragment_after_the_window_releases_nothing() {
    let mut reassembly = ample();
    reassembly.hold(key(1), 10, at(0)).unwrap();
    reassembly.learn(key(1), ports(1), at(2000));
    assert_eq!(released(&mut reassembly), []);
    assert_eq!(expired(&mut reassembly, at(2000)), [10]);
    assert_eq!(reassembly.know(&key(1), at(2000)), Some(ports(1)));
}

#[test]
fn fr_012_a_fragment_after_the_window_waits_a_window_of_its_own() {
    let mut reassembly = ample();
    reassembly.learn(key(1), ports(1), at(0));
    reassembly.hold(key(2), 20, at(0)).unwrap();
    reassembly.hold(key(1), 10, at(2000)).unwrap();
    reassembly.hold(key(2), 21, at(2000)).unwrap();
    assert_eq!(released(&mut reassembly), []);
    assert_eq!(expired(&mut reassembly, at(2000)), [20]);
    assert_eq!(expired(&mut reassembly, at(4000)), [10, 21]);
}

#[test]
fn fr_012_one_datagram_holds_no_more_than_it_may() {
    let mut reassembly = with_limits(10, 10, 3);
    for packet in 0..3 {
        reassembly.hold(key(1), packet, at(0)).unwrap();
    }
    assert_eq!(reassembly.hold(key(1), 3, at(0)), Err(3));
    reassembly.hold(key(2), 4, at(0)).unwrap();
    reassembly.learn(key(1), ports(1), at(0));
    assert_eq!(released(&mut reassembly), [0, 1, 2]);
    assert_eq!(evicted(&mut reassembly), []);
}

#[test]
fn fr_012_when_no_more_may_be_held_the_oldest_datagram_makes_room() {
    let mut reassembly = with_limits(10, 4, 3);
    reassembly.learn(key(9), ports(9), at(0));
    for (id, packet) in [(1, 10), (2, 20), (1, 11), (2, 21), (3, 30)] {
        reassembly.hold(key(id), packet, at(1)).unwrap();
    }
    assert_eq!(evicted(&mut reassembly), [10, 11]);
    assert_eq!(reassembly.held(), 3);
    reassembly.learn(key(1), ports(1), at(2));
    reassembly.learn(key(2), ports(2), at(2));
    assert_eq!(released(&mut reassembly), [20, 21]);
    // Forgetting what is known would have made no room.
    assert_eq!(reassembly.know(&key(9), at(2)), Some(ports(9)));
}

#[test]
fn fr_012_when_no_more_datagrams_fit_the_oldest_makes_room() {
    let mut reassembly = with_limits(3, 10, 10);
    reassembly.hold(key(1), 10, at(1)).unwrap();
    reassembly.learn(key(2), ports(2), at(2));
    reassembly.hold(key(3), 30, at(3)).unwrap();
    reassembly.learn(key(4), ports(4), at(4));
    assert_eq!(evicted(&mut reassembly), [10]);
    reassembly.hold(key(5), 50, at(5)).unwrap();
    assert_eq!(reassembly.know(&key(2), at(5)), None);
    assert_eq!(reassembly.know(&key(4), at(5)), Some(ports(4)));
    assert_eq!(evicted(&mut reassembly), []);
    // A datagram whose first fragment comes is the youngest again.
    reassembly.learn(key(3), ports(3), at(6));
    reassembly.learn(key(6), ports(6), at(7));
    assert_eq!(reassembly.know(&key(4), at(7)), None);
    assert_eq!(reassembly.know(&key(3), at(7)), Some(ports(3)));
}

#[test]
fn fr_012_a_datagram_that_is_itself_the_oldest_starts_anew() {
    let mut reassembly = with_limits(10, 2, 5);
    for packet in 0..3 {
        reassembly.hold(key(1), packet, at(0)).unwrap();
    }
    assert_eq!(evicted(&mut reassembly), [0, 1]);
    reassembly.learn(key(1), ports(1), at(0));
    assert_eq!(released(&mut reassembly), [2]);
}

#[test]
fn fr_012_a_flood_is_bounded_and_others_are_still_served() {
    let mut reassembly = with_limits(64, 48, 4);
    let mut dropped = 0;
    for round in 0..20_000_u32 {
        let now = at(u64::from(round) / 100);
        let honest = Key {
            b4: [1; 16],
            ..key(round as u16)
        };
        reassembly.hold(honest, round, now).unwrap();
        for flood in 0..20 {
            let forged = Key {
                source: 20 * round + flood,
                ..key(1)
            };
            // Later fragments without a first, and firsts without later ones.
            if flood % 4 == 0 {
                reassembly.learn(forged, ports(1), now);
            } else {
                reassembly.hold(forged, u32::MAX, now).unwrap();
            }
            assert!(reassembly.held() <= 2 * 48 && reassembly.datagrams() <= 64);
        }
        reassembly.learn(honest, ports(2), now);
        assert_eq!(released(&mut reassembly), [round]);
        assert_eq!(reassembly.know(&honest, now), Some(ports(2)));
        let gone = evicted(&mut reassembly);
        assert!(gone.iter().all(|packet| *packet == u32::MAX));
        dropped += gone.len();
    }
    assert_eq!(dropped + reassembly.held(), 20_000 * 15);
}

/// A million fragments a second from one sender whose firsts never come, and beside them ten thousand
/// datagrams a second that come backwards, from a hundred others.
#[test]
fn fr_012_a_flood_is_turned_away_and_other_senders_are_served() {
    let limits = Limits {
        datagrams: 1000,
        held: 64,
        held_each: 4,
        timeout: DEFAULT_TIMEOUT,
        evictions: Rates {
            per_second: 20_000,
            burst: 200,
            per_source: 200,
        },
    };
    let mut reassembly = VirtualReassembly::new(limits);
    let (mut turned_away, mut served, mut held_most) = (0, 0, 0);
    for micros in 0..1_000_000_u32 {
        let now = Instant::from_nanos(u64::from(micros) * 1000);
        let flood = Key {
            destination: micros,
            ..key(1)
        };
        let is_turned_away =
            reassembly.turns_away(reassembly.hash(&flood), &flood.sender(), 0, now);
        let is_refused = reassembly.hold(flood, u32::MAX, now).is_err();
        assert_eq!(is_turned_away, is_refused);
        turned_away += u32::from(is_refused);
        if micros % 100 == 0 {
            let honest = Key {
                source: micros / 100 % 100,
                ..key((micros / 100) as u16)
            };
            let is_held = reassembly.hold(honest, micros, now).is_ok();
            reassembly.learn(honest, ports(2), now);
            assert_eq!(released(&mut reassembly).len(), usize::from(is_held));
            served += u32::from(is_held);
        }
        held_most = held_most.max(reassembly.held());
        assert!(evicted(&mut reassembly).iter().all(|one| *one == u32::MAX));
    }
    // A sender or two may share a bucket with the flood.
    assert!(served >= 9600, "{served}");
    // What was let in: places that honest ones had left, and 200 a second beside.
    assert!(turned_away > 980_000, "{turned_away}");
    assert_eq!(held_most, 64 + 1);
}

/// A number that follows no pattern (the last steps of SplitMix64).
fn scrambled(number: u64) -> u64 {
    let number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

/// When senders are forged, everybody has the share of his packets: of a million a second, 20 000 are let in.
#[test]
fn fr_012_a_flood_of_all_the_world_leaves_everybody_his_share() {
    let mut reassembly = VirtualReassembly::new(Limits {
        datagrams: 1000,
        held: 64,
        held_each: 4,
        timeout: DEFAULT_TIMEOUT,
        evictions: Rates {
            per_second: 20_000,
            burst: 200,
            per_source: 200,
        },
    });
    let (mut served, mut asked) = (0, 0);
    for micros in 0..1_000_000 {
        let now = Instant::from_nanos(micros * 1000);
        let random = scrambled(micros);
        let fragment = Key {
            source: random as u32,
            ..key((random >> 32) as u16)
        };
        let is_held = reassembly.hold(fragment, 1, now).is_ok();
        if (random >> 48).is_multiple_of(10) {
            asked += 1;
            reassembly.learn(fragment, ports(2), now);
            let is_served = !released(&mut reassembly).is_empty();
            assert_eq!(is_served, is_held);
            served += u32::from(is_served);
        }
        evicted(&mut reassembly);
    }
    let share = f64::from(served) / f64::from(asked);
    assert!((0.018..0.024).contains(&share), "{share}");
}

#[test]
fn fr_012_without_somebody_to_take_what_leaves_nothing_more_comes_in() {
    let mut reassembly = with_limits(10, 2, 1);
    for packet in 0..4 {
        reassembly
            .hold(key(packet), u32::from(packet), at(0))
            .unwrap();
    }
    assert_eq!(reassembly.hold(key(5), 5, at(0)), Err(5));
    reassembly.learn(key(3), ports(1), at(0));
    assert_eq!(reassembly.hold(key(3), 6, at(0)), Err(6));
    assert_eq!(evicted(&mut reassembly), [0, 1]);
    assert_eq!(released(&mut reassembly), [3]);
    reassembly.hold(key(5), 7, at(0)).unwrap();
}

#[test]
fn fr_012_limits_of_zero_hold_nothing() {
    for (datagrams, held, held_each) in [(0, 5, 5), (5, 0, 5), (5, 5, 0), (0, 0, 0)] {
        let mut reassembly = with_limits(datagrams, held, held_each);
        assert_eq!(reassembly.hold(key(1), 1, at(0)), Err(1));
        reassembly.learn(key(1), ports(1), at(0));
        let known = reassembly.know(&key(1), at(0));
        assert_eq!(known, (datagrams > 0).then_some(ports(1)));
        assert_eq!(reassembly.held(), 0);
    }
}

#[test]
fn fr_012_the_end_of_a_flood_is_cleared_away_in_steps() {
    let mut reassembly = with_limits(1000, 10, 1);
    for id in 0..1000 {
        reassembly.learn(key(id), ports(id), at(0));
    }
    assert_eq!(reassembly.expire(at(2000)), None);
    assert_eq!(reassembly.datagrams(), 1000 - FORGOTTEN_AT_ONCE);
    assert_eq!(reassembly.know(&key(999), at(2000)), None);
    for _ in 0..1000 / FORGOTTEN_AT_ONCE {
        assert_eq!(reassembly.expire(at(2000)), None);
    }
    assert!(reassembly.is_idle());
}

#[test]
fn with_packets_or_datagrams_it_is_not_idle() {
    let mut reassembly = ample();
    assert!(reassembly.is_idle());
    reassembly.hold(key(1), 1, at(0)).unwrap();
    assert!(!reassembly.is_idle());
    reassembly.learn(key(1), ports(1), at(0));
    reassembly.expire(at(5000));
    assert_eq!((reassembly.datagrams(), reassembly.held()), (0, 1));
    assert!(!reassembly.is_idle());
    reassembly.release();
    assert!(reassembly.is_idle());
}

/// The same rules, written for the reader.
struct Slow {
    limits: Limits,
    /// The oldest first.
    datagrams: Vec<SlowDatagram>,
    released: VecDeque<u32>,
    expired: VecDeque<u32>,
    evicted: VecDeque<u32>,
}

struct SlowDatagram {
    key: Key,
    since: Instant,
    known: Option<Known>,
    packets: Vec<u32>,
}

impl Slow {
    fn is_over(&self, index: usize, now: Instant) -> bool {
        self.datagrams[index].since + self.limits.timeout <= now
    }

    fn position(&self, key: &Key) -> Option<usize> {
        self.datagrams
            .iter()
            .position(|datagram| datagram.key == *key)
    }

    /// The position of the oldest of those that wait, or of all.
    fn oldest(&self, only_waiting: bool) -> Option<usize> {
        self.datagrams
            .iter()
            .position(|datagram| !only_waiting || datagram.known.is_none())
    }

    fn drop_if_over(&mut self, key: &Key, now: Instant) {
        if let Some(index) = self.position(key).filter(|index| self.is_over(*index, now)) {
            let over = self.datagrams.remove(index);
            self.expired.extend(over.packets);
        }
    }

    fn evict(&mut self, only_waiting: bool) {
        if let Some(index) = self.oldest(only_waiting) {
            let oldest = self.datagrams.remove(index);
            self.evicted.extend(oldest.packets);
        }
    }

    fn waiting(&self) -> usize {
        let all = self.datagrams.iter();
        all.map(|datagram| datagram.packets.len()).sum()
    }

    fn held(&self) -> usize {
        self.waiting() + self.released.len() + self.expired.len() + self.evicted.len()
    }

    fn know(&self, key: &Key, now: Instant) -> Option<Known> {
        let index = self
            .position(key)
            .filter(|index| !self.is_over(*index, now))?;
        self.datagrams[index].known
    }

    fn learn(&mut self, key: Key, known: Known, now: Instant) {
        self.drop_if_over(&key, now);
        let packets = if let Some(index) = self.position(&key) {
            self.datagrams.remove(index).packets
        } else {
            if self.datagrams.len() == self.limits.datagrams {
                self.evict(false);
            }
            Vec::new()
        };
        self.released.extend(packets);
        self.datagrams.push(SlowDatagram {
            key,
            since: now,
            known: Some(known),
            packets: Vec::new(),
        });
    }

    fn hold(&mut self, key: Key, packet: u32, now: Instant) -> Result<(), u32> {
        self.drop_if_over(&key, now);
        let is_full = self.held() == 2 * self.limits.held;
        let found = self.position(&key).map(|index| &self.datagrams[index]);
        let each = found.map_or(0, |datagram| datagram.packets.len());
        if is_full || each == self.limits.held_each {
            return Err(packet);
        }
        if found.is_some_and(|datagram| datagram.known.is_some()) {
            self.released.push_back(packet);
            return Ok(());
        }
        if self.waiting() == self.limits.held {
            self.evict(true);
        }
        if self.position(&key).is_none() {
            if self.datagrams.len() == self.limits.datagrams {
                self.evict(false);
            }
            self.datagrams.push(SlowDatagram {
                key,
                since: now,
                known: None,
                packets: Vec::new(),
            });
        }
        let index = self.position(&key).unwrap();
        self.datagrams[index].packets.push(packet);
        Ok(())
    }

    fn expire(&mut self, now: Instant) -> Option<u32> {
        let timeout = self.limits.timeout;
        self.datagrams
            .retain(|datagram| datagram.known.is_none() || datagram.since + timeout > now);
        if self.expired.is_empty()
            && let Some(index) = self.oldest(true).filter(|index| self.is_over(*index, now))
        {
            let over = self.datagrams.remove(index);
            self.expired.extend(over.packets);
        }
        self.expired.pop_front()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Know(u16),
    Learn(u16, u16),
    Hold(u16),
    Release,
    Expire,
    Evicted,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let id = 0..8_u16;
    prop_oneof![
        1 => id.clone().prop_map(Step::Know),
        2 => (id.clone(), 0..3_u16).prop_map(|(id, port)| Step::Learn(id, port)),
        6 => id.prop_map(Step::Hold),
        2 => Just(Step::Release),
        2 => Just(Step::Expire),
        2 => Just(Step::Evicted),
        2 => (0..700_u64).prop_map(Step::Wait)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn fr_012_it_does_what_the_slow_oracle_does_and_loses_no_packet(
        steps in prop::collection::vec(step(), 0..150),
        datagrams in 1_usize..7,
        held in 1_usize..9,
        held_each in 1_usize..5,
    ) {
        let limits = Limits { datagrams, held, held_each, timeout: DEFAULT_TIMEOUT, evictions: PLENTY };
        let mut fast = VirtualReassembly::new(limits);
        let mut slow = Slow {
            limits,
            datagrams: Vec::new(),
            released: VecDeque::new(),
            expired: VecDeque::new(),
            evicted: VecDeque::new(),
        };
        let (mut millis, mut sent) = (0, 0);
        let mut out = Vec::new();
        for step in steps {
            let now = at(millis);
            match step {
                Step::Know(id) => prop_assert_eq!(fast.know(&key(id), now), slow.know(&key(id), now)),
                Step::Learn(id, port) => {
                    let known = if port == 0 { Known::Refused } else { ports(port) };
                    fast.learn(key(id), known, now);
                    slow.learn(key(id), known, now);
                }
                Step::Hold(id) => {
                    let given_back = fast.hold(key(id), sent, now);
                    prop_assert_eq!(given_back, slow.hold(key(id), sent, now));
                    out.extend(given_back.err());
                    sent += 1;
                }
                Step::Release => {
                    let packet = fast.release();
                    prop_assert_eq!(packet, slow.released.pop_front());
                    out.extend(packet);
                }
                Step::Expire => {
                    let packet = fast.expire(now);
                    prop_assert_eq!(packet, slow.expire(now));
                    out.extend(packet);
                }
                Step::Evicted => {
                    let packet = fast.evicted();
                    prop_assert_eq!(packet, slow.evicted.pop_front());
                    out.extend(packet);
                }
                Step::Wait(wait) => millis += wait,
            }
            prop_assert_eq!(fast.held(), slow.held());
            prop_assert_eq!(fast.datagrams(), slow.datagrams.len());
        }
        out.extend(released(&mut fast));
        out.extend(evicted(&mut fast));
        out.extend(expired(&mut fast, at(millis + 2000)));
        prop_assert!(fast.is_idle());
        prop_assert_eq!(out.len() as u32, sent);
        let distinct: HashSet<_> = out.into_iter().collect();
        prop_assert_eq!(distinct.len() as u32, sent);
    }
}
