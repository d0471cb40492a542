//! How long a lookup takes, in bursts of 32 over a long list of keys in random order: so long that
//! caches hold no more of the table than they would in service.

use std::hint::black_box;
use std::time::Instant;

use hashbrown::HashMap;

use lwaftr_dataplane::table::Key;
use lwaftr_dataplane::table::PortKey;
use lwaftr_dataplane::table::Publisher;

use super::PerfError;
use super::population::Population;
use super::report::Median;
use crate::random::Random;

/// What is asked, in the form that each table wants.
pub(super) struct Questions {
    keys: Vec<Key>,
    hashable: Vec<u64>,
}

impl Questions {
    pub(super) const BURST: usize = 32;

    /// Every softwire as often as every other, in random order, on a random port of its set.
    pub(super) fn new(population: Population, at_least: usize) -> Result<Self, PerfError> {
        let mut random = Random::new(1);
        let count = at_least.next_multiple_of(population.softwires);
        let mut numbers: Vec<_> = (0..count)
            .map(|n| (n % population.softwires) as u32)
            .collect();
        random.shuffle(&mut numbers);
        let run_bits = 16 - u32::from(population.psid_length);
        let mut questions = Self {
            keys: Vec::with_capacity(count),
            hashable: Vec::with_capacity(count),
        };
        for number in numbers {
            let (ipv4, psid) = population.place(number as usize)?;
            let port = u32::from(psid) << run_bits | random.below(1 << run_bits) as u32;
            questions
                .keys
                .push(Key::new(ipv4.to_bits(), PortKey::port(port as u16)));
            questions.hashable.push(hashable(ipv4.to_bits(), psid));
        }
        Ok(questions)
    }

    pub(super) const fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn bursts(&self) -> impl Iterator<Item = &[Key]> {
        self.keys.chunks(Self::BURST)
    }
}

/// By the table, a burst at a time, reporting after each, as a worker does.
pub(super) fn in_bursts(
    publisher: &Publisher,
    questions: &Questions,
    rounds: usize,
) -> Result<Median, PerfError> {
    let mut reader = publisher.reader()?.online();
    timed(questions, rounds, || {
        let mut found = 0;
        for burst in questions.bursts() {
            let mut hits = [None; Questions::BURST];
            reader.table().lookup_burst(burst, &mut hits);
            found += hits.iter().flatten().count();
            reader.quiescent();
        }
        found
    })
}

/// By the table, one key after the other.
pub(super) fn singly(
    publisher: &Publisher,
    questions: &Questions,
    rounds: usize,
) -> Result<Median, PerfError> {
    let reader = publisher.reader()?.online();
    let table = reader.table();
    timed(questions, rounds, || {
        questions
            .keys
            .iter()
            .filter(|&&key| table.lookup(key).is_some())
            .count()
    })
}

/// By a hash table of (address, PSID), one key after the other. The PSID is given to it.
pub(super) fn in_hashbrown(
    population: Population,
    questions: &Questions,
    rounds: usize,
) -> Result<Median, PerfError> {
    let mut map = HashMap::with_capacity(population.softwires);
    for number in 0..population.softwires {
        let (ipv4, psid) = population.place(number)?;
        let entry = Entry {
            b4: number as u128,
            rest: [psid.into(); 2],
        };
        map.insert(hashable(ipv4.to_bits(), psid), entry);
    }
    timed(questions, rounds, || {
        let found = |question: &&u64| black_box(map.get(*question)).is_some();
        questions.hashable.iter().filter(found).count()
    })
}

/// What the table's entry holds, in a size that a hash table is not the worse for.
struct Entry {
    #[expect(dead_code, reason = "there for its size")]
    b4: u128,
    #[expect(dead_code, reason = "there for its size")]
    rest: [u32; 2],
}

const fn hashable(ipv4: u32, psid: u16) -> u64 {
    (ipv4 as u64) << 16 | psid as u64
}

/// The time of one lookup, over rounds of all questions; every one of them must be found.
fn timed(
    questions: &Questions,
    rounds: usize,
    mut round: impl FnMut() -> usize,
) -> Result<Median, PerfError> {
    let mut nanoseconds = Vec::with_capacity(rounds);
    for _ in 0..rounds.max(1) {
        let since = Instant::now();
        let found = round();
        nanoseconds.push(since.elapsed().as_nanos() as f64 / questions.len() as f64);
        if found != questions.len() {
            return Err(PerfError::Missed {
                asked: questions.len(),
                found,
            });
        }
    }
    Ok(Median::of(nanoseconds))
}
