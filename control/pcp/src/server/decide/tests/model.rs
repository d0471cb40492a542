//! The server against a slow, obvious one: lists, walked from end to end, over random requests of several
//! lwB4s that share subscribers, guess nonces, suggest, delete and let time pass.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Seven sets of 8192 ports, the first of eight being kept back, for four subscribers with two lwB4s each.
const SETS: std::ops::Range<u32> = 1..8;
const SET_SIZE: u32 = 8192;
const QUOTA: usize = 2;
const LITTER: usize = 4;
const REST_S: u64 = 120;
const MOVE_S: u64 = 1800;

#[derive(Clone, Debug)]
enum Step {
    Ask {
        who: (u16, u8),
        nonce: u8,
        first: u16,
        size: u16,
        lifetime_s: u32,
        suggested: Option<u16>,
        publishing: Publishing,
    },
    Pass(u64),
}

/// Whether what was decided could be made durable and published.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Publishing {
    Works,
    Fails,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Held {
    who: (u16, u8),
    set: u32,
    nonce: u8,
    expires: u64,
    moved: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Rests {
    who: (u16, u8),
    set: u32,
    until: u64,
}

#[derive(Clone, Default)]
struct Model {
    now: u64,
    held: Vec<Held>,
    rests: Vec<Rests>,
}

/// What the model expects of an answer.
#[derive(Debug, Eq, PartialEq)]
enum Expected {
    Refused(ResultCode, u32),
    Deleted,
    Given(Vec<u32>, u32),
}

impl Model {
    fn meets(set: u32, first: u16, last: u32) -> bool {
        (u32::from(first)..=last).any(|port| port / SET_SIZE == set)
    }

    fn pass(&mut self, seconds: u64) -> usize {
        self.now += seconds;
        let mut ended = 0;
        for held in std::mem::take(&mut self.held) {
            if held.expires <= self.now {
                ended += 1;
                self.rests.push(Rests {
                    who: held.who,
                    set: held.set,
                    until: self.now + REST_S,
                });
            } else {
                self.held.push(held);
            }
        }
        let now = self.now;
        self.rests.retain(|rests| rests.until > now);
        ended
    }

    fn ask(&mut self, step: &Step) -> Expected {
        let &Step::Ask {
            who,
            nonce,
            first,
            size,
            lifetime_s,
            suggested,
            ..
        } = step
        else {
            panic!("no request");
        };
        let refused =
            |result: ResultCode| Expected::Refused(result, result.error_lifetime_s().unwrap());
        let last = (u32::from(first) + u32::from(size) - 1).min(65535);
        let mut mine: Vec<usize> = (0..self.held.len())
            .filter(|at| self.held[*at].who == who && Self::meets(self.held[*at].set, first, last))
            .collect();
        mine.sort_by_key(|at| self.held[*at].set);
        for at in &mine {
            if self.held[*at].nonce != nonce {
                let remaining = self.held[*at].expires - self.now;
                return Expected::Refused(ResultCode::NotAuthorized, remaining as u32);
            }
        }
        if lifetime_s == 0 {
            let until = self.now + REST_S;
            let gone: Vec<u32> = mine.iter().map(|at| self.held[*at].set).collect();
            self.held.retain(|held| !gone.contains(&held.set));
            let rests = gone.into_iter().map(|set| Rests { who, set, until });
            self.rests.extend(rests);
            return Expected::Deleted;
        }
        let granted_s = lifetime_s.clamp(120, 3600);
        let expires = self.now + u64::from(granted_s);
        if !mine.is_empty() {
            for at in &mine {
                self.held[*at].expires = expires;
            }
            return Expected::Given(vec![self.held[mine[0]].set], granted_s);
        }
        let mut elsewhere: Vec<usize> = (0..self.held.len())
            .filter(|at| {
                let held = self.held[*at];
                held.who.0 == who.0 && held.nonce == nonce && Self::meets(held.set, first, last)
            })
            .collect();
        elsewhere.sort_by_key(|at| self.held[*at].set);
        let may_move = |at: &usize| {
            self.held[*at]
                .moved
                .is_none_or(|moved| self.now - moved >= MOVE_S)
        };
        if !elsewhere.is_empty() && elsewhere.iter().all(may_move) {
            for at in &elsewhere {
                let held = &mut self.held[*at];
                held.who = who;
                held.expires = expires;
                held.moved = Some(self.now);
            }
            return Expected::Given(vec![self.held[elsewhere[0]].set], granted_s);
        }
        let active = self.held.iter().filter(|held| held.who.0 == who.0).count();
        let resting: Vec<Rests> = self
            .rests
            .iter()
            .filter(|rests| rests.who.0 == who.0)
            .copied()
            .collect();
        if active >= QUOTA || active + resting.len() >= QUOTA + LITTER {
            return refused(ResultCode::UserExceededQuota);
        }
        if last - u32::from(first) + 1 < 64 {
            return refused(ResultCode::NotAuthorized);
        }
        let inside: Vec<u32> = SETS
            .filter(|set| {
                u32::from(first) <= set * SET_SIZE && set * SET_SIZE + SET_SIZE - 1 <= last
            })
            .collect();
        if inside.is_empty() {
            return refused(ResultCode::NotAuthorized);
        }
        let taken = |set: u32| {
            self.held.iter().any(|held| held.set == set)
                || self
                    .rests
                    .iter()
                    .any(|rests| rests.set == set && rests.who.0 != who.0)
        };
        let open: Vec<u32> = inside.into_iter().filter(|set| !taken(*set)).collect();
        let suggested = suggested
            .filter(|port| u32::from(*port) % SET_SIZE == 0)
            .map(|port| u32::from(port) / SET_SIZE)
            .filter(|set| open.contains(set));
        let kept: Vec<u32> = resting
            .iter()
            .filter(|rests| open.contains(&rests.set))
            .map(|rests| rests.set)
            .collect();
        let kept_by_me: Vec<u32> = resting
            .iter()
            .filter(|rests| rests.who == who && open.contains(&rests.set))
            .map(|rests| rests.set)
            .collect();
        let may_get = match suggested {
            Some(set) => vec![set],
            None if !kept_by_me.is_empty() => kept_by_me,
            None if !kept.is_empty() => kept,
            None => open,
        };
        if may_get.is_empty() {
            return refused(ResultCode::NoResources);
        }
        Expected::Given(may_get, granted_s)
    }

    /// Notes which of the sets that it might have got a client got.
    fn got(&mut self, step: &Step, set: u32, granted_s: u32) {
        let &Step::Ask { who, nonce, .. } = step else {
            return;
        };
        if self.held.iter().any(|held| held.set == set) {
            return;
        }
        self.rests.retain(|rests| rests.set != set);
        self.held.push(Held {
            who,
            set,
            nonce,
            expires: self.now + u64::from(granted_s),
            moved: None,
        });
    }
}

fn outer(who: (u16, u8)) -> Ipv6Addr {
    let mut octets = b4(who.0).octets();
    octets[15] = who.1;
    octets.into()
}

fn step() -> impl Strategy<Value = Step> {
    let ports = prop_oneof![
        4 => Just((1_u16, 65535_u16)),
        2 => (0_u16..8).prop_map(|set| (set * 8192, 8192)),
        1 => (1_u16..60000, 2_u16..40000),
    ];
    let lifetime = prop_oneof![Just(0_u32), Just(60), Just(600), Just(7200)];
    let suggested = prop_oneof![
        2 => Just(None),
        1 => (1_u16..8).prop_map(|set| Some(set * 8192)),
        1 => any::<u16>().prop_map(Some),
    ];
    let publishing = prop_oneof![5 => Just(Publishing::Works), 1 => Just(Publishing::Fails)];
    prop_oneof![
        5 => ((0_u16..4, 1_u8..3), 1_u8..3, ports, lifetime, suggested, publishing).prop_map(
            |(who, nonce, (first, size), lifetime_s, suggested, publishing)| Step::Ask {
                who,
                nonce,
                first: first.max(1),
                size,
                lifetime_s,
                suggested,
                publishing,
            },
        ),
        1 => (1_u64..200).prop_map(Step::Pass),
        1 => (1_u64..4000).prop_map(Step::Pass),
    ]
}

fn check(world: &mut World, model: &mut Model, step: &Step) {
    let &Step::Ask {
        who,
        nonce,
        first,
        size,
        lifetime_s,
        suggested,
        publishing,
    } = step
    else {
        return;
    };
    let mut ask = Ask::set(first, size).nonce(nonce).lifetime(lifetime_s);
    if let Some(port) = suggested {
        ask = ask.suggest([192, 0, 2, 4], port);
    }
    let before = model.clone();
    let decision = world.send(outer(who), &ask);
    let answer = said(decision.response.as_ref().unwrap());
    match model.ask(step) {
        Expected::Refused(result, lifetime_s) => {
            assert_eq!((answer.result, answer.lifetime_s), (result, lifetime_s));
        }
        Expected::Deleted => {
            assert_eq!((answer.result, answer.lifetime_s), (ResultCode::Success, 0));
        }
        Expected::Given(sets, granted_s) => {
            assert_eq!(
                (answer.result, answer.lifetime_s),
                (ResultCode::Success, granted_s)
            );
            let (size, first) = answer.port_set.unwrap();
            assert_eq!(answer.external.1, first);
            assert_eq!(u32::from(size), SET_SIZE);
            let set = u32::from(first) / SET_SIZE;
            assert!(sets.contains(&set), "{set} is none of {sets:?}");
            model.got(step, set, granted_s);
        }
    }
    if publishing == Publishing::Fails {
        *model = before;
        undo(world, model, who, &decision.effects);
    }
}

/// Takes effects back: all is as it was, but a set that somebody was about to get rests.
fn undo(world: &mut World, model: &mut Model, who: (u16, u8), effects: &[Effect]) {
    for effect in effects.iter().rev() {
        world.book.undo(effect, world.now).unwrap();
        if let Effect::Grant(lease) = effect {
            let set = u32::from(lease.set.psid());
            model.rests.retain(|rests| rests.set != set);
            model.rests.push(Rests {
                who,
                set,
                until: model.now + REST_S,
            });
        }
    }
}

/// The book and the model hold the same, and no port is in two sets.
fn compare(world: &World, model: &Model) {
    let mut book: Vec<_> = world
        .book
        .leases()
        .map(|lease| {
            let set = u32::from(lease.set.psid());
            (
                set,
                lease.client.outer,
                lease.nonce,
                lease.remaining_s(world.now),
            )
        })
        .collect();
    book.sort_unstable_by_key(|lease| lease.0);
    let mut expected: Vec<_> = model
        .held
        .iter()
        .map(|held| {
            let remaining = (held.expires - model.now) as u32;
            (held.set, outer(held.who), nonce(held.nonce), remaining)
        })
        .collect();
    expected.sort_unstable_by_key(|lease| lease.0);
    assert_eq!(book, expected);
    assert!(book.windows(2).all(|pair| pair[0].0 != pair[1].0));
    assert_eq!(world.book.counts(), (model.held.len(), model.rests.len()));
    let free = world.book.pools().iter().next().unwrap().usage().free;
    assert_eq!(free + model.held.len() + model.rests.len(), SETS.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn ps_052_the_server_does_what_the_model_does(steps in vec(step(), 1..80)) {
        let config = ServerConfig {
            max_sets_per_subscriber: QUOTA,
            ..ServerConfig::default()
        };
        let one = pool("one", Ipv4Addr::new(192, 0, 2, 4), 32, 3);
        let mut world = World::new(vec![one], config);
        let mut model = Model::default();
        for step in &steps {
            match step {
                Step::Pass(seconds) => {
                    let ended = world.pass(*seconds);
                    prop_assert_eq!(ended.len(), model.pass(*seconds));
                }
                Step::Ask { .. } => check(&mut world, &mut model, step),
            }
            compare(&world, &model);
        }
    }
}
