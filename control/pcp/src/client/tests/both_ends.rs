//! Clients and a server over a network that loses, doubles and reorders.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use proptest::prelude::*;

use super::*;
use crate::book::Book;
use crate::epoch::ServerEpoch;
use crate::pool::Ipv4Prefix;
use crate::pool::Ipv6Prefix;
use crate::pool::Owner;
use crate::pool::PcpPorts;
use crate::pool::PoolConfig;
use crate::pool::Pools;
use crate::server::Arrival;
use crate::server::Packet;
use crate::server::Server;
use crate::server::ServerConfig;
use crate::wire::unsolicited_announce;

const BR: Ipv6Addr = Ipv6Addr::LOCALHOST;
const CLIENTS: usize = 4;

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

enum Datagram {
    ToServer(usize, Vec<u8>),
    ToClient(usize, Vec<u8>),
}

struct Internet {
    server: Server,
    book: Book,
    clients: Vec<Client>,
    flying: BTreeMap<(Instant, u64), Datagram>,
    numbered: u64,
    seed: u64,
    weather: Weather,
    now: Instant,
}

fn outer(number: usize) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, (number as u16) << 8, 0, 0, 0, 1)
}

fn book(now: Instant) -> Book {
    let pools = Pools::new(vec![PoolConfig {
        name: "one".to_owned(),
        prefix: Ipv4Prefix::new(Ipv4Addr::new(192, 0, 2, 0), 31).unwrap(),
        psid_length: 3,
        br: BR,
        owner: Owner::Pcp,
        clients: vec![Ipv6Prefix::new(Ipv6Addr::UNSPECIFIED, 0).unwrap()],
        reserved: Vec::new(),
        exclude_ports: vec![PortRange::new(0, 1023).unwrap()],
        pcp_ports: PcpPorts::Excluded,
    }])
    .unwrap();
    Book::new(pools, 56, Duration::from_secs(120), now)
}

/// SplitMix64, so that a failure can be run again.
fn random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Internet {
    fn new(seed: u64, weather: Weather) -> Self {
        let now = Instant::from_secs(10_000);
        let clients = (0..CLIENTS)
            .map(|number| {
                let mut client = Client::new(ClientConfig {
                    nonce: Nonce::new([number as u8; 12]),
                    ..config()
                });
                client.start(now);
                client
            })
            .collect();
        Self {
            server: Server::new(ServerConfig::default(), ServerEpoch::starting(now)),
            book: book(now),
            clients,
            flying: BTreeMap::new(),
            numbered: 0,
            seed,
            weather,
            now,
        }
    }

    fn launch(&mut self, datagram: impl Fn() -> Datagram) {
        let copies = 1 + u64::from(random(&mut self.seed) % 100 < self.weather.doubled_percent);
        for _ in 0..copies {
            if random(&mut self.seed) % 100 < self.weather.lost_percent {
                continue;
            }
            let delay = random(&mut self.seed) % (self.weather.delay_ms + 1);
            self.numbered += 1;
            let arrival = self.now + Duration::from_millis(delay);
            self.flying.insert((arrival, self.numbered), datagram());
        }
    }

    /// Lets everything happen that does until `end`; what is due at once comes a millisecond later.
    fn run(&mut self, end: Instant) {
        loop {
            self.step();
            let flying = self.flying.keys().next().map(|(at, _)| *at);
            let next = self
                .clients
                .iter()
                .filter_map(Client::due)
                .chain(flying)
                .chain(self.book.next_expiry())
                .min()
                .unwrap_or(end);
            let next = next.max(self.now + Duration::from_millis(1));
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
                Datagram::ToServer(number, octets) => self.serve(number, &octets),
                Datagram::ToClient(number, octets) => {
                    let seed = &mut self.seed;
                    let random = &mut || random(seed);
                    let from = (AFTR, SERVER_PORT);
                    self.clients[number].receive(from, &octets, self.now, random);
                }
            }
        }
        for number in 0..CLIENTS {
            loop {
                let seed = &mut self.seed;
                let Some(action) = self.clients[number].poll(self.now, &mut || random(seed)) else {
                    break;
                };
                if let Action::Send(message) = action {
                    self.launch(|| Datagram::ToServer(number, message.to_vec()));
                }
            }
        }
    }

    fn serve(&mut self, number: usize, octets: &[u8]) {
        let packet = Packet {
            octets,
            source: B4,
            port: 40000,
            arrival: Arrival::Tunnel {
                outer: outer(number),
                br: BR,
            },
        };
        let decision = self.server.decide(&self.book, &packet, self.now);
        for effect in &decision.effects {
            self.book.apply(effect, self.now).unwrap();
        }
        if let Some(response) = decision.response {
            self.launch(|| Datagram::ToClient(number, response.to_vec()));
        }
    }

    /// The server forgets everything and says so.
    fn crash(&mut self) {
        self.server.lose_state(self.now, Duration::from_secs(120));
        self.book = book(self.now);
        for number in 0..CLIENTS {
            self.launch(|| Datagram::ToClient(number, unsolicited_announce(0).to_vec()));
        }
    }

    /// Every client uses the set that the server forwards to it.
    fn agree(&self) {
        for (number, client) in self.clients.iter().enumerate() {
            let mapping = client.mapping().expect("bound");
            let lease = self
                .book
                .holder(mapping.address, mapping.ports.first())
                .expect("held");
            assert_eq!(lease.client.outer, outer(number));
            assert_eq!(lease.set.ports(), mapping.ports);
        }
        assert_eq!(self.book.counts().0, CLIENTS);
    }

    fn after(&self, seconds: u64) -> Instant {
        self.now + Duration::from_secs(seconds)
    }
}

#[test]
fn over_a_good_network_everybody_keeps_its_set_for_a_day() {
    let mut internet = Internet::new(1, CALM);
    internet.run(internet.after(1));
    internet.agree();
    let sets: Vec<_> = internet.clients.iter().map(Client::mapping).collect();
    for _ in 0..24 {
        internet.run(internet.after(3600));
        internet.agree();
    }
    for (client, before) in internet.clients.iter().zip(sets) {
        let (now, before) = (client.mapping().unwrap(), before.unwrap());
        assert_eq!((now.address, now.ports), (before.address, before.ports));
    }
}

/// T-17, with the clients' part.
#[test]
fn pc_142_after_a_crash_everybody_has_its_old_set_again_within_six_seconds() {
    let mut internet = Internet::new(2, CALM);
    internet.run(internet.after(700));
    let sets: Vec<_> = internet.clients.iter().map(Client::mapping).collect();
    internet.crash();
    internet.run(internet.after(6));
    internet.agree();
    for (client, before) in internet.clients.iter().zip(sets) {
        let (now, before) = (client.mapping().unwrap(), before.unwrap());
        assert_eq!((now.address, now.ports), (before.address, before.ports));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever the network does for hours, crashes of the server included: when it is calm again for as
    /// long as a lease lives, both ends agree.
    #[test]
    fn both_ends_agree_again_after_any_weather(
        seed: u64,
        lost_percent in 0_u64..70,
        doubled_percent in 0_u64..40,
        delay_ms in 0_u64..20_000,
        crashes in 0_usize..3,
    ) {
        let mut internet = Internet::new(seed, Weather { lost_percent, doubled_percent, delay_ms });
        for crash in 0..=crashes {
            let hours = random(&mut internet.seed) % 10_000;
            internet.run(internet.after(hours));
            if crash < crashes {
                internet.crash();
            }
        }
        internet.weather = CALM;
        internet.run(internet.after(2 * 3600));
        internet.agree();
    }
}
