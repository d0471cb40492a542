//! The clock against times that are made up.

use std::cell::Cell;
use std::rc::Rc;

use super::*;
use crate::position::Position;

const LAST: LastCommit = LastCommit {
    utc_ms: 1_800_000_000_000,
    epoch_s: 1000,
    position: Position {
        store: 7,
        record: 1,
    },
};

/// A clock that is set by hand.
#[derive(Clone)]
struct Hand(Rc<Cell<Reading>>, Rc<Cell<Synchronisation>>);

impl Hand {
    fn new(utc_ms: u64) -> Self {
        let reading = Reading {
            monotonic_ns: 5_000_000_000,
            utc_ms,
        };
        let synchronisation = Rc::new(Cell::new(Synchronisation::Unknown));
        Self(Rc::new(Cell::new(reading)), synchronisation)
    }

    fn pass(&self, ms: u64) {
        let mut reading = self.0.get();
        reading.monotonic_ns += ms * 1_000_000;
        reading.utc_ms += ms;
        self.0.set(reading);
    }

    fn set(&self, by_ms: i64) {
        let mut reading = self.0.get();
        reading.utc_ms = reading.utc_ms.saturating_add_signed(by_ms);
        self.0.set(reading);
    }

    fn synchronise(&self) {
        self.1.set(Synchronisation::Synchronised);
    }
}

impl TimeSource for Hand {
    fn read(&mut self) -> Reading {
        self.0.get()
    }

    fn synchronisation(&mut self) -> Synchronisation {
        self.1.get()
    }
}

#[test]
fn a_step_is_told_once_and_utc_follows_it() {
    let hand = Hand::new(LAST.utc_ms + 500);
    let (mut clock, moment) = Clock::start(hand.clone(), Some(&LAST));
    assert_eq!(moment.judgement, Judgement::Settled);
    for by_ms in [7_200_000, -90_000_000] {
        hand.pass(1000);
        hand.set(by_ms);
        let (moment, event) = clock.read();
        assert_eq!(event, Some(ClockEvent::Stepped { by_ms }));
        assert_eq!(moment.utc_ms, hand.0.get().utc_ms);
        assert_eq!(clock.read().1, None);
    }
}

#[test]
fn less_than_a_second_is_followed_in_silence() {
    let hand = Hand::new(LAST.utc_ms);
    let (mut clock, _) = Clock::start(hand.clone(), Some(&LAST));
    hand.set(999);
    let (moment, event) = clock.read();
    assert_eq!((moment.utc_ms, event), (LAST.utc_ms + 999, None));
}

#[test]
fn pc_083_the_epoch_survives_restarts_and_steps() {
    let hand = Hand::new(LAST.utc_ms + 60_000);
    let (mut clock, moment) = Clock::start(hand.clone(), Some(&LAST));
    assert_eq!(moment.epoch_s, 1060);
    hand.pass(5000);
    hand.set(86_400_000);
    assert_eq!(clock.read().0.epoch_s, 1065);
    clock.restart_epoch();
    assert_eq!(clock.read().0.epoch_s, 0);
}

#[test]
fn a_new_store_believes_any_clock_and_begins_an_epoch() {
    let (_, moment) = Clock::start(Hand::new(0), None);
    assert_eq!(moment.judgement, Judgement::Settled);
    assert_eq!((moment.utc_ms, moment.epoch_s), (0, 0));
}

#[test]
fn a_clock_in_doubt_goes_on_from_the_last_commit_until_it_is_synchronised() {
    let hand = Hand::new(86_400_000);
    let (mut clock, moment) = Clock::start(hand.clone(), Some(&LAST));
    assert_eq!(moment.judgement, Judgement::Unsettled);
    assert_eq!((moment.utc_ms, moment.epoch_s), (LAST.utc_ms, LAST.epoch_s));
    hand.pass(30_000);
    let (moment, event) = clock.read();
    assert_eq!((moment.utc_ms, event), (LAST.utc_ms + 30_000, None));
    let right = LAST.utc_ms + 7_200_000;
    hand.set((right - hand.0.get().utc_ms).cast_signed());
    hand.synchronise();
    let (moment, event) = clock.read();
    assert_eq!(event, Some(ClockEvent::Settled { by_ms: 7_170_000 }));
    assert_eq!(moment.judgement, Judgement::Settled);
    assert_eq!((moment.utc_ms, moment.epoch_s), (right, LAST.epoch_s + 30));
}

#[test]
fn a_step_begins_the_wait_anew() {
    let hand = Hand::new(86_400_000);
    let (mut clock, _) = Clock::start(hand.clone(), Some(&LAST));
    hand.pass(500_000);
    hand.set(3_600_000);
    clock.read();
    hand.pass(599_000);
    assert_eq!(clock.read().0.judgement, Judgement::Unsettled);
    hand.pass(1000);
    assert_eq!(clock.read().0.judgement, Judgement::Settled);
}
