//! lwB4s against the real server, over tunnels that lose, double and reorder, with restarts of either side.

use std::collections::BTreeMap;
use std::net::IpAddr;

use pcp::book::Book;
use pcp::epoch::ServerEpoch;
use pcp::pool::Ipv4Prefix;
use pcp::pool::Ipv6Prefix;
use pcp::pool::Owner;
use pcp::pool::PcpPorts;
use pcp::pool::PoolConfig as ServerPool;
use pcp::pool::Pools;
use pcp::server::Arrival;
use pcp::server::Packet;
use pcp::server::Server;
use pcp::server::ServerConfig;
use pcp::wire::unsolicited_announce;
use proptest::prelude::*;

use super::*;

const B4S: usize = 3;

enum Flying {
    ToServer(Tunnel, Vec<u8>),
    ToB4(usize, Tunnel, Vec<u8>),
}

/// How bad the network is.
#[derive(Clone, Copy, Debug)]
struct Weather {
    lost_percent: u64,
    doubled_percent: u64,
    delay_ms: u64,
}

const CALM: Weather = Weather {
    lost_percent: 0,
    doubled_percent: 0,
    delay_ms: 10,
};

struct World {
    server: Server,
    book: Book,
    b4s: Vec<Provisioning>,
    /// What each has on its flash.
    files: Vec<Option<memory::Remembered>>,
    sets: Vec<Vec<ExternalSet>>,
    usage: Vec<u32>,
    flying: BTreeMap<(Instant, u64), Flying>,
    numbered: u64,
    seed: Seed,
    weather: Weather,
    now: Instant,
}

fn tunnel(number: usize) -> Tunnel {
    Tunnel {
        local: Ipv6Addr::new(0x2001, 0xdb8, 0xb4, (number as u16) << 8, 0, 0, 0, 1),
        ..TUNNEL
    }
}

fn book(now: Instant) -> Book {
    let pools = Pools::new(vec![ServerPool {
        name: "one".to_owned(),
        prefix: Ipv4Prefix::new(Ipv4Addr::new(192, 0, 2, 0), 31).unwrap(),
        psid_length: 3,
        br: TUNNEL.remote,
        owner: Owner::Pcp,
        clients: vec![Ipv6Prefix::new(Ipv6Addr::UNSPECIFIED, 0).unwrap()],
        reserved: Vec::new(),
        exclude_ports: vec![PortRange::new(0, 1023).unwrap()],
        pcp_ports: PcpPorts::Excluded,
    }])
    .unwrap();
    Book::new(pools, 56, Duration::from_secs(120), now)
}

fn b4_config(number: usize, max_sets: usize) -> ProvisioningConfig {
    let pool = PoolConfig {
        max_sets,
        ..PoolConfig::ONE
    };
    ProvisioningConfig {
        client_port: CLIENT_PORT,
        pool,
        ..ProvisioningConfig::new(DeviceSecret::of_identity(&[number as u8]))
    }
}

impl World {
    fn new(seed: u64, weather: Weather, max_sets: usize) -> Self {
        let now = Instant::from_secs(10_000);
        let config = ServerConfig {
            max_sets_per_subscriber: max_sets,
            ..ServerConfig::default()
        };
        let mut world = Self {
            server: Server::new(config, ServerEpoch::starting(now)),
            book: book(now),
            b4s: Vec::new(),
            files: vec![None; B4S],
            sets: vec![Vec::new(); B4S],
            usage: vec![0; B4S],
            flying: BTreeMap::new(),
            numbered: 0,
            seed: Seed(seed),
            weather,
            now,
        };
        for number in 0..B4S {
            let b4 = world.boot(number, max_sets);
            world.b4s.push(b4);
        }
        world
    }

    fn boot(&mut self, number: usize, max_sets: usize) -> Provisioning {
        let suggestions = Suggestions::of(self.files[number].as_ref());
        let config = b4_config(number, max_sets);
        let mut b4 = Provisioning::new(config, suggestions, self.now, &mut &mut self.seed);
        b4.tunnel_up(tunnel(number), TunnelBefore::Gone, self.now);
        b4
    }

    fn launch(&mut self, flying: impl Fn() -> Flying) {
        let chance = |seed: &mut Seed, percent| (&mut &mut *seed).next() % 100 < percent;
        let copies = 1 + usize::from(chance(&mut self.seed, self.weather.doubled_percent));
        for _ in 0..copies {
            if chance(&mut self.seed, self.weather.lost_percent) {
                continue;
            }
            let delay = (&mut &mut self.seed).next() % (self.weather.delay_ms + 1);
            self.numbered += 1;
            let arrival = self.now + Duration::from_millis(delay);
            self.flying.insert((arrival, self.numbered), flying());
        }
    }

    /// Lets everything happen that does until `end`; what is due at once comes a millisecond later.
    fn run(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        loop {
            self.step();
            let flying = self.flying.keys().next().map(|(at, _)| *at);
            let b4s = self.b4s.iter().filter_map(Provisioning::due);
            let next = b4s.chain(flying).chain(self.book.next_expiry()).min();
            let next = next.unwrap_or(end).max(self.now + Duration::from_millis(1));
            if next > end {
                break;
            }
            self.now = next;
        }
        self.now = end;
        self.step();
    }

    fn step(&mut self) {
        while self.book.expire(self.now).is_some() {}
        while let Some(entry) = self.flying.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            match entry.remove() {
                Flying::ToServer(tunnel, octets) => self.serve(tunnel, &octets),
                Flying::ToB4(number, tunnel, payload) => self.deliver(number, tunnel, &payload),
            }
        }
        for number in 0..B4S {
            while let Some(action) = self.b4s[number].poll(self.now, &mut &mut self.seed) {
                self.obey(number, action);
            }
            self.keep_the_law(number);
        }
    }

    fn obey(&mut self, number: usize, action: Action) {
        match action {
            Action::Send {
                tunnel, payload, ..
            } => self.launch(|| Flying::ToServer(tunnel, payload.to_vec())),
            Action::Sets(sets) => self.sets[number] = sets,
            Action::Remember(remembered) => self.files[number] = Some(remembered),
            Action::Reprovision | Action::Tell(_) => {}
        }
    }

    /// LW-004, and no two sets of an lwB4 with a port in common.
    fn keep_the_law(&self, number: usize) {
        let held: Vec<Held> = self.b4s[number].held().collect();
        let sets: Vec<ExternalSet> = held.iter().map(|held| held.set).collect();
        assert_eq!(self.sets[number], sets);
        for (place, one) in held.iter().enumerate() {
            assert!(one.expires.unwrap() > self.now, "used after its lifetime");
            for other in &sets[place + 1..] {
                assert!(
                    (0..=u16::MAX)
                        .step_by(64)
                        .all(|port| !one.set.contains(port) || !other.contains(port))
                );
            }
        }
    }

    fn deliver(&mut self, number: usize, tunnel: Tunnel, payload: &[u8]) {
        let datagram = Datagram {
            way: Way::Tunnel {
                outer_source: tunnel.remote,
                outer_destination: OuterDestination::Own,
            },
            source: SERVER,
            destination: OWN,
            payload,
        };
        self.b4s[number].receive(&datagram, self.now, &mut &mut self.seed);
    }

    fn serve(&mut self, tunnel: Tunnel, octets: &[u8]) {
        let packet = Packet {
            octets,
            source: OWN.ip(),
            port: CLIENT_PORT,
            arrival: Arrival::Tunnel {
                outer: tunnel.local,
                br: tunnel.remote,
            },
        };
        let decision = self.server.decide(&self.book, &packet, self.now);
        for effect in &decision.effects {
            self.book.apply(effect, self.now).unwrap();
        }
        let number = usize::from(tunnel.local.segments()[3] >> 8);
        if let Some(response) = decision.response {
            self.launch(|| Flying::ToB4(number, tunnel, response.to_vec()));
        }
    }

    /// The lwAFTR forgets everything and says so.
    fn crash(&mut self) {
        self.server.lose_state(self.now, Duration::from_secs(120));
        self.book = book(self.now);
        for number in 0..B4S {
            self.launch(|| Flying::ToB4(number, tunnel(number), unsolicited_announce(0).to_vec()));
        }
    }

    /// An lwB4 goes on and off, with or without what it has on its flash.
    fn reboot(&mut self, number: usize, max_sets: usize, keeps_file: bool) {
        if !keeps_file {
            self.files[number] = None;
        }
        self.sets[number].clear();
        self.b4s[number] = self.boot(number, max_sets);
    }

    /// Every set in use is held at the server by whoever uses it.
    fn agree(&self) {
        for (number, b4) in self.b4s.iter().enumerate() {
            assert!(self.b4s[number].held().next().is_some(), "{:?}", b4.state());
            for held in b4.held() {
                let first = held.set.nth(0).unwrap();
                let lease = self.book.holder(held.set.address(), first).expect("held");
                assert_eq!(lease.client.outer, tunnel(number).local);
                assert_eq!(lease.client.inner, IpAddr::V4(Ipv4Addr::new(192, 0, 0, 2)));
                assert_eq!(
                    ExternalSet::run(lease.set.address(), lease.set.ports()),
                    held.set
                );
            }
        }
    }

    fn demand(&mut self) {
        for number in 0..B4S {
            let used_ports = self.usage[number];
            let usage: Vec<SetUse> = self.sets[number]
                .iter()
                .map(|set| SetUse {
                    set: *set,
                    used_ports,
                })
                .collect();
            self.b4s[number].demand(&usage, self.now);
        }
    }
}

#[test]
fn pc_104_over_a_good_network_everybody_keeps_its_set_for_a_day() {
    let mut world = World::new(1, CALM, 1);
    world.run(1);
    world.agree();
    let before = world.sets.clone();
    for _ in 0..24 {
        world.run(3600);
        world.agree();
        assert_eq!(world.sets, before);
    }
}

/// C-03: with the file, and without it, the nonce is the same.
#[test]
fn c_03_pc_102_a_restart_gives_the_same_set_at_once_even_without_the_file() {
    for keeps_file in [true, false] {
        let mut world = World::new(2, CALM, 1);
        world.run(700);
        let before = world.sets.clone();
        world.reboot(1, 1, keeps_file);
        world.run(1);
        world.agree();
        assert_eq!(world.sets, before, "file kept: {keeps_file}");
    }
}

#[test]
fn ps_009_ps_021_extra_sets_come_and_go_and_stay_apart() {
    let mut world = World::new(3, CALM, 2);
    world.run(10);
    world.usage = vec![8190, 0, 0];
    world.demand();
    world.run(2);
    world.agree();
    let counts: Vec<usize> = world.sets.iter().map(Vec::len).collect();
    assert_eq!(counts, [2, 1, 1]);
    assert_eq!(
        world.sets[0][0].address(),
        world.sets[0][1].address(),
        "PS-023"
    );
    let before = world.sets.clone();
    world.run(5 * 3600);
    world.agree();
    assert_eq!(world.sets, before, "each is renewed");
    world.usage = vec![0; B4S];
    for _ in 0..10 {
        world.demand();
        world.run(60);
    }
    world.agree();
    assert_eq!(world.sets[0], before[0][..1]);
    assert_eq!(world.book.counts().0, B4S, "the server has it back");
}

#[test]
fn c_03_ps_021_a_restart_with_two_sets_and_no_file_locks_nobody_out() {
    let mut world = World::new(4, CALM, 2);
    world.run(10);
    world.usage = vec![8190, 0, 0];
    world.demand();
    world.run(2);
    assert_eq!(world.sets[0].len(), 2);
    world.reboot(0, 2, false);
    world.run(1);
    world.agree();
    assert_eq!(world.b4s[0].state(), State::Bound);
    world.demand();
    world.run(1);
    world.agree();
    assert_eq!(world.sets[0].len(), 2, "what it forgot is found again");
}

#[test]
fn pc_142_fo_011_after_a_crash_everybody_has_its_sets_again_within_six_seconds() {
    let mut world = World::new(5, CALM, 2);
    world.run(10);
    world.usage = vec![8190, 0, 0];
    world.demand();
    world.run(700);
    let before = world.sets.clone();
    world.crash();
    world.run(6);
    world.agree();
    assert_eq!(world.sets, before);
}

/// FO-010: a 1/5 in every second, while the server is well.
#[test]
fn lw_034_a_storm_of_errors_costs_one_question_in_a_hold_down() {
    let mut world = World::new(6, CALM, 1);
    world.run(10);
    let before = world.sets.clone();
    let asked = world.numbered;
    for _ in 0..600 {
        let set = world.sets[0][0];
        let error = Unbound {
            source: TUNNEL.remote,
            quoted_source: tunnel(0).local,
            quoted_destination: TUNNEL.remote,
            quoted_next_header: 4,
            inner_source: Some(set.address()),
            inner_port: set.nth(7),
        };
        world.b4s[0].unbound(&error, world.now, &mut &mut world.seed);
        world.run(1);
    }
    assert_eq!(world.sets, before);
    let questions = (world.numbered - asked) / 2;
    assert!((9..=10).contains(&questions), "{questions}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever the network does for hours, restarts of both sides included: no set is ever used after its
    /// lifetime or twice, and when it is calm again for as long as a lease lives, both ends agree.
    #[test]
    fn lw_004_lw_005_both_ends_agree_again_after_any_weather(
        seed: u64,
        lost_percent in 0_u64..70,
        doubled_percent in 0_u64..40,
        delay_ms in 0_u64..20_000,
        max_sets in 1_usize..4,
        events in proptest::collection::vec((0_u64..6000, 0_u8..5, 0_usize..B4S, 0_u32..9000), 0..8),
    ) {
        let mut world = World::new(seed, Weather { lost_percent, doubled_percent, delay_ms }, max_sets);
        for (seconds, event, number, usage) in events {
            world.run(seconds);
            match event {
                0 => world.crash(),
                1 => world.reboot(number, max_sets, true),
                2 => world.reboot(number, max_sets, false),
                _ => world.usage[number] = usage,
            }
            world.demand();
        }
        world.weather = CALM;
        world.usage = vec![0; B4S];
        // A release that was lost frees its set when its lease ends.
        world.run(2 * 3600);
        world.agree();
    }
}
