//! The client against answers made by hand, on a clock of its own.

use std::time::Duration;

use pcp::instant::Instant;

use super::*;
use crate::dhcpv6::option::put;

/// What a server sends with every grant: option 64, and option 23.
const OPTIONS: &[(u16, &[u8])] = &[(64, b"\x04aftr\x07example\x03com\x00"), (23, &[0x20; 16])];
const SERVER: &[u8] = &[0, 3, 0, 1, 2, 0, 0, 0, 0, 1];
const OTHER: &[u8] = &[0, 3, 0, 1, 2, 0, 0, 0, 0, 2];

struct Bench {
    client: Client,
    now: Instant,
    last: Vec<u8>,
}

impl Bench {
    fn new(goal: Goal) -> Self {
        let config = ClientConfig {
            duid: Duid::from_mac([2, 0, 0, 0, 0, 7]),
            iaid: 7,
            goal,
        };
        let now = Instant::from_secs(1000);
        Self {
            client: Client::new(config, now, &mut middle),
            now,
            last: Vec::new(),
        }
    }

    /// All there is to do now; the last message that was sent is kept.
    fn actions(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        while let Some(action) = self.client.poll(self.now, &mut middle) {
            if let Action::Send(octets) = &action {
                self.last.clone_from(octets);
            }
            actions.push(action);
        }
        actions
    }

    /// Goes to the next timer; gives what there is to do, and after how many seconds.
    fn step(&mut self) -> (f64, Vec<Action>) {
        let next = self.client.next_timer().unwrap();
        let seconds = next.since(self.now).as_secs_f64();
        self.now = self.now.max(next);
        (seconds, self.actions())
    }

    /// The type of the message that is sent at the next timer.
    fn sends(&mut self) -> u8 {
        let (_, actions) = self.step();
        assert!(matches!(actions[..], [Action::Send(_)]), "{actions:?}");
        self.last[0]
    }

    /// A server answers the last message.
    fn answer(&mut self, kind: u8, server: &[u8], options: &[&[(u16, &[u8])]]) -> Vec<Action> {
        let mut octets = vec![kind];
        octets.extend(&self.last[1..4]);
        let client = Duid::from_mac([2, 0, 0, 0, 0, 7]);
        let ids = [(1, client.octets()), (2, server)];
        for (code, value) in ids.iter().chain(options.iter().copied().flatten()) {
            put(&mut octets, *code, |octets| octets.extend(*value));
        }
        self.client.receive(&octets, self.now, &mut middle);
        self.actions()
    }

    /// A client that holds 2001:db8:b4::/56 for 200 s, T1 50 s and T2 80 s.
    fn bound() -> Self {
        let mut bench = Self::new(Goal::Prefix(56));
        bench.sends();
        bench.answer(ADVERTISE, SERVER, &[&[(25, &pd(50, 80, 200)), (7, &[255])]]);
        let actions = bench.answer(REPLY, SERVER, &[&[(25, &pd(50, 80, 200))], OPTIONS]);
        provision(&actions);
        bench
    }

    /// The option of the last message with this code.
    fn sent(&self, code: u16) -> Option<&[u8]> {
        crate::dhcpv6::option::RawOptions::new(&self.last[4..]).first(code)
    }
}

fn middle() -> u64 {
    u64::MAX / 2
}

fn provision(actions: &[Action]) -> &Provision {
    match actions {
        [Action::Provided(provision)] => provision,
        other => panic!("{other:?}"),
    }
}

/// The value of IA_PD 7 with 2001:db8:b4::/56.
fn pd(t1_s: u32, t2_s: u32, valid_s: u32) -> Vec<u8> {
    let mut octets = Vec::new();
    for number in [7, t1_s, t2_s] {
        octets.extend(number.to_be_bytes());
    }
    put(&mut octets, 26, |octets| {
        octets.extend([valid_s.to_be_bytes(), valid_s.to_be_bytes()].concat());
        octets.push(56);
        octets.extend([0x20, 1, 0xd, 0xb8, 0, 0xb4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    });
    octets
}

/// The value of IA_NA 7 with 2001:db8::7.
fn na(t1_s: u32, t2_s: u32, valid_s: u32) -> Vec<u8> {
    let mut octets = Vec::new();
    for number in [7, t1_s, t2_s] {
        octets.extend(number.to_be_bytes());
    }
    put(&mut octets, 5, |octets| {
        octets.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
        octets.extend([valid_s.to_be_bytes(), valid_s.to_be_bytes()].concat());
    });
    octets
}

/// The value of IA_PD 7 with a status alone.
fn refused(status: u8) -> Vec<u8> {
    [&[0, 0, 0, 7], &[0; 8][..], &[0, 13, 0, 2, 0, status]].concat()
}

const SOLICIT: u8 = 1;
const ADVERTISE: u8 = 2;
const REQUEST: u8 = 3;
const RENEW: u8 = 5;
const REBIND: u8 = 6;
const REPLY: u8 = 7;
const RELEASE: u8 = 8;
const INFORMATION_REQUEST: u8 = 11;

#[test]
fn a_lease_is_solicited_requested_and_used() {
    let mut bench = Bench::new(Goal::AddressAndPrefix(56));
    assert_eq!(bench.sends(), SOLICIT);
    assert_eq!(
        bench.sent(25).unwrap()[12..].len(),
        4 + 25,
        "a hint of the length"
    );
    assert_eq!(bench.sent(2), None);
    let offered = [(3, &na(50, 80, 200)[..]), (25, &pd(50, 80, 200))];
    assert_eq!(bench.answer(ADVERTISE, SERVER, &[&offered]), []);
    assert_eq!(bench.sends(), REQUEST);
    assert_eq!(bench.sent(2), Some(SERVER));
    assert_eq!(bench.sent(8), Some(&[0, 0][..]));
    let actions = bench.answer(REPLY, SERVER, &[&offered, OPTIONS]);
    let provision = provision(&actions);
    let until = bench.now + Duration::from_secs(200);
    assert_eq!(provision.addresses[0].value.to_string(), "2001:db8::7");
    assert_eq!(provision.prefixes[0].value.to_string(), "2001:db8:b4::/56");
    assert_eq!(provision.prefixes[0].until, until);
    assert_eq!(
        provision.learned.aftr_name.as_ref().unwrap().until,
        until,
        "DH-013"
    );
}

#[test]
fn solicits_go_on_until_there_is_an_offer_for_us() {
    let mut bench = Bench::new(Goal::Prefix(0));
    assert_eq!(bench.sends(), SOLICIT);
    let transaction = bench.last[1..4].to_vec();
    assert_eq!(bench.answer(ADVERTISE, SERVER, &[&[(25, &refused(6))]]), []);
    let (seconds, _) = bench.step();
    assert_eq!((bench.last[0], (seconds * 100.0).round()), (SOLICIT, 105.0));
    assert_eq!(bench.last[1..4], transaction);
    assert_eq!(bench.sent(8), Some(&[0, 105][..]));
    let actions = bench.answer(ADVERTISE, SERVER, &[&[(25, &pd(50, 80, 200))]]);
    assert!(
        matches!(actions[..], [Action::Send(_)]),
        "the first offer after the first pause"
    );
    assert_eq!(bench.last[0], REQUEST);
}

#[test]
fn the_offer_of_the_highest_preference_is_taken() {
    let mut bench = Bench::new(Goal::Prefix(0));
    bench.sends();
    let pd = pd(50, 80, 200);
    bench.answer(ADVERTISE, SERVER, &[&[(25, &pd), (7, &[10])], OPTIONS]);
    bench.answer(ADVERTISE, OTHER, &[&[(25, &pd), (7, &[20])]]);
    assert_eq!((bench.sends(), bench.sent(2)), (REQUEST, Some(OTHER)));
}

#[test]
fn of_equal_preferences_the_one_with_our_options_is_taken() {
    let mut bench = Bench::new(Goal::Prefix(0));
    bench.sends();
    let pd = pd(50, 80, 200);
    bench.answer(ADVERTISE, OTHER, &[&[(25, &pd)]]);
    bench.answer(ADVERTISE, SERVER, &[&[(25, &pd)], OPTIONS]);
    assert_eq!((bench.sends(), bench.sent(2)), (REQUEST, Some(SERVER)));
}

#[test]
fn an_offer_of_preference_255_is_taken_at_once() {
    let mut bench = Bench::new(Goal::Prefix(0));
    bench.sends();
    bench.answer(ADVERTISE, SERVER, &[&[(25, &pd(50, 80, 200)), (7, &[255])]]);
    assert_eq!(bench.last[0], REQUEST);
}

#[test]
fn a_request_that_nobody_answers_is_sent_ten_times() {
    let mut bench = Bench::new(Goal::Prefix(0));
    bench.sends();
    bench.answer(ADVERTISE, SERVER, &[&[(25, &pd(50, 80, 200)), (7, &[255])]]);
    for _ in 1..10 {
        assert_eq!(bench.sends(), REQUEST);
    }
    assert_eq!(bench.step().1, []);
    assert_eq!(bench.sends(), SOLICIT);
}

#[test]
fn a_server_that_grants_nothing_is_not_asked_in_a_circle() {
    let mut bench = Bench::new(Goal::Prefix(0));
    bench.sends();
    bench.answer(ADVERTISE, SERVER, &[&[(25, &pd(50, 80, 200)), (7, &[255])]]);
    assert_eq!(bench.answer(REPLY, SERVER, &[&[(25, &refused(6))]]), []);
    let (seconds, _) = bench.step();
    assert!(seconds >= 10.0);
    assert_eq!(bench.last[0], SOLICIT);
}

#[test]
fn dh_013_a_renewal_lengthens_what_came_with_the_lease() {
    let mut bench = Bench::bound();
    let (seconds, _) = bench.step();
    assert_eq!((seconds, bench.last[0]), (50.0, RENEW));
    assert_eq!(bench.sent(2), Some(SERVER));
    let actions = bench.answer(REPLY, SERVER, &[&[(25, &pd(50, 80, 200))], OPTIONS]);
    let until = bench.now + Duration::from_secs(200);
    let provision = provision(&actions);
    assert_eq!(provision.prefixes[0].until, until);
    assert_eq!(provision.learned.aftr_name.as_ref().unwrap().until, until);
    assert_eq!(bench.step().0, 50.0);
}

#[test]
fn dh_010_a_renewal_with_a_broken_option_keeps_the_one_before() {
    let mut bench = Bench::bound();
    bench.step();
    let options = [(25, &pd(50, 80, 200)[..]), (64, b"\x09aftr\x00")];
    let actions = bench.answer(REPLY, SERVER, &[&options]);
    let [Action::Dropped(_), Action::Provided(provision)] = &actions[..] else {
        panic!("{actions:?}");
    };
    let name = provision.learned.aftr_name.as_ref().unwrap();
    assert_eq!(name.value.to_string(), "aftr.example.com");
    assert_eq!(provision.learned.dns_servers, None, "not said any more");
}

#[test]
fn without_an_answer_a_lease_is_rebound_and_then_lost() {
    let mut bench = Bench::bound();
    let began = bench.now;
    let mut sent = Vec::new();
    let lost = loop {
        let (_, actions) = bench.step();
        match &actions[..] {
            [Action::Send(_)] => {
                sent.push((
                    bench.now.since(began).as_secs(),
                    bench.last[0],
                    bench.sent(2).is_some(),
                ));
            }
            other => break other.to_vec(),
        }
    };
    assert_eq!(lost, [Action::Lost]);
    assert_eq!(bench.now.since(began).as_secs(), 200);
    assert_eq!(sent[..2], [(50, RENEW, true), (60, RENEW, true)]);
    assert_eq!(sent[2..4], [(80, REBIND, false), (90, REBIND, false)]);
    assert_eq!(bench.sends(), SOLICIT);
}

#[test]
fn any_server_may_extend_a_lease_that_is_rebound() {
    let mut bench = Bench::bound();
    while bench.last[0] != REBIND {
        bench.step();
    }
    let actions = bench.answer(REPLY, OTHER, &[&[(25, &pd(50, 80, 200))], OPTIONS]);
    provision(&actions);
    assert_eq!((bench.sends(), bench.sent(2)), (RENEW, Some(OTHER)));
}

#[test]
fn a_server_that_has_forgotten_the_lease_is_asked_for_it() {
    let mut bench = Bench::bound();
    bench.step();
    bench.answer(REPLY, SERVER, &[&[(25, &refused(3))]]);
    assert_eq!((bench.last[0], bench.sent(2)), (REQUEST, Some(SERVER)));
    let actions = bench.answer(REPLY, SERVER, &[&[(25, &pd(50, 80, 300))], OPTIONS]);
    assert_eq!(provision(&actions).prefixes.len(), 1);
}

#[test]
fn a_server_may_leave_the_times_to_us() {
    let mut bench = Bench::bound();
    bench.step();
    bench.answer(REPLY, SERVER, &[&[(25, &pd(0, 0, 1000))], OPTIONS]);
    assert_eq!((bench.step().0, bench.last[0]), (500.0, RENEW));
}

#[test]
fn a_lease_of_no_lifetime_is_gone() {
    let mut bench = Bench::new(Goal::AddressAndPrefix(0));
    bench.sends();
    let both = [
        (3, &na(50, 80, 200)[..]),
        (25, &pd(50, 80, 200)),
        (7, &[255]),
    ];
    bench.answer(ADVERTISE, SERVER, &[&both]);
    bench.answer(REPLY, SERVER, &[&both]);
    bench.step();
    let one = [(3, &na(50, 80, 200)[..]), (25, &pd(0, 0, 0))];
    let actions = bench.answer(REPLY, SERVER, &[&one]);
    assert_eq!(
        (
            provision(&actions).addresses.len(),
            &provision(&actions).prefixes[..]
        ),
        (1, &[][..])
    );
}

#[test]
fn answers_to_others_or_to_other_messages_are_not_heard() {
    let mut bench = Bench::bound();
    bench.step();
    assert_eq!(
        bench.answer(REPLY, OTHER, &[&[(25, &pd(50, 80, 900))]]),
        [],
        "RENEW is for one server"
    );
    assert_eq!(
        bench.answer(ADVERTISE, SERVER, &[&[(25, &pd(50, 80, 900))]]),
        []
    );
    bench.last[3] ^= 1;
    assert_eq!(
        bench.answer(REPLY, SERVER, &[&[(25, &pd(50, 80, 900))]]),
        [],
        "another transaction"
    );
    bench.client.receive(&[7, 0, 0, 0], bench.now, &mut middle);
    assert_eq!(bench.actions(), [Action::Ignored(ReplyError::Client)]);
}

#[test]
fn what_is_given_back_is_not_used_any_more() {
    let mut bench = Bench::bound();
    bench.client.release(bench.now, &mut middle);
    let actions = bench.actions();
    assert!(
        matches!(actions[..], [Action::Lost, Action::Send(_)]),
        "{actions:?}"
    );
    assert_eq!(bench.last[0], RELEASE);
    assert_eq!(bench.sent(2), Some(SERVER));
    assert_eq!(bench.sent(6), None);
    assert_eq!(bench.answer(REPLY, SERVER, &[]), [Action::Released]);
    assert_eq!(bench.client.next_timer(), None);
}

#[test]
fn a_release_that_nobody_answers_is_sent_four_times() {
    let mut bench = Bench::bound();
    bench.client.release(bench.now, &mut middle);
    assert!(matches!(
        bench.actions()[..],
        [Action::Lost, Action::Send(_)]
    ));
    for _ in 1..4 {
        assert_eq!(bench.sends(), RELEASE);
    }
    assert_eq!(bench.step().1, [Action::Released]);
}

#[test]
fn on_another_link_the_leases_are_rebound() {
    let mut bench = Bench::bound();
    bench.client.link_changed(bench.now, &mut middle);
    assert_eq!(bench.sends(), REBIND);
}

#[test]
fn a_server_may_change_the_longest_pause() {
    let mut bench = Bench::new(Goal::Prefix(0));
    bench.sends();
    bench.answer(
        ADVERTISE,
        SERVER,
        &[&[(25, &refused(6)), (82, &[0, 0, 0, 60])]],
    );
    let pauses: Vec<_> = (0..10).map(|_| bench.step().0).collect();
    assert!((pauses[9] - 60.0).abs() < 0.1, "{pauses:?}");
}

#[test]
fn dh_011_options_alone_are_asked_for_and_refreshed() {
    let mut bench = Bench::new(Goal::Options);
    assert_eq!(bench.sends(), INFORMATION_REQUEST);
    assert_eq!((bench.sent(3), bench.sent(25)), (None, None));
    let actions = bench.answer(REPLY, SERVER, &[OPTIONS, &[(32, &[0, 0, 0, 9])]]);
    assert!(provision(&actions).learned.aftr_name.is_some());
    assert_eq!(
        (bench.step().0, bench.last[0]),
        (600.0, INFORMATION_REQUEST)
    );
    bench.answer(REPLY, SERVER, &[OPTIONS]);
    assert_eq!(
        (bench.step().0, bench.last[0]),
        (86_400.0, INFORMATION_REQUEST)
    );
    let actions = bench.answer(REPLY, SERVER, &[]);
    assert_eq!(provision(&actions).learned, Learned::default());
}
