//! The router: sockets, the server and a NAT that counts ports. It does a line of standard input at a time,
//! and says `done` after each.

use std::collections::HashMap;
use std::io;
use std::io::BufRead;
use std::net::Ipv4Addr;
use std::net::SocketAddrV4;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use lwb4::device::lan::LanSockets;
use lwb4::explicit::ExplicitMappings;
use lwb4::explicit::MappingKey;
use lwb4::explicit::Unmapped;
use lwb4::explicit::Wanted;
use lwb4::lan_pcp::LanConfig;
use lwb4::lan_pcp::LanServer;
use pcp::instant::Instant;

/// Serves until standard input ends.
pub(crate) fn serve() -> ExitCode {
    match Router::start().and_then(Router::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("router: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Router {
    sockets: LanSockets,
    server: LanServer,
    nat: Nat,
    began: std::time::Instant,
    heard: usize,
}

impl Router {
    fn start() -> io::Result<Self> {
        let sockets = LanSockets::open(&["lan0"]).map_err(io::Error::other)?;
        let now = Instant::default();
        Ok(Self {
            sockets,
            server: LanServer::new(LanConfig::default(), now),
            nat: Nat {
                address: Ipv4Addr::new(192, 0, 2, 5),
                ends: HashMap::new(),
            },
            began: std::time::Instant::now(),
            heard: 0,
        })
    }

    fn run(mut self) -> io::Result<()> {
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let lines = io::stdin().lock().lines().map_while(Result::ok);
            lines.for_each(|line| drop(sender.send(line)));
        });
        println!("ready");
        loop {
            self.turn()?;
            match lines.recv_timeout(Duration::from_millis(5)) {
                Ok(line) => self.obey(&line),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    fn now(&self) -> Instant {
        Instant::default() + self.began.elapsed()
    }

    fn turn(&mut self) -> io::Result<()> {
        let now = self.now();
        let mut buffer = [0; 2048];
        while let Some((from, length)) = self.sockets.receive(&mut buffer)? {
            self.heard += 1;
            let request = &buffer[..length];
            let answer = self.server.receive(from, request, &mut self.nat, None, now);
            if let Some(answer) = answer {
                self.sockets.answer(&from, &answer)?;
            }
        }
        self.server.expire(&mut self.nat, now);
        while let Some(datagram) = self.server.poll(now) {
            self.sockets.send(&datagram)?;
        }
        Ok(())
    }

    fn obey(&mut self, line: &str) {
        let now = self.now();
        if line == "change" {
            self.nat.address = Ipv4Addr::new(192, 0, 2, 6);
            self.nat.ends.clear();
            self.server.sets_changed(&mut self.nat, None, now);
        }
        for mapping in self.server.mappings() {
            println!("{} is {}", mapping.key.internal, mapping.external);
        }
        println!("mappings: {}", self.server.mappings().count());
        println!("heard: {}", self.heard);
        println!("done");
    }
}

/// As many ports as anybody asks for.
struct Nat {
    address: Ipv4Addr,
    ends: HashMap<MappingKey, SocketAddrV4>,
}

impl ExplicitMappings for Nat {
    fn open(&mut self, wanted: &Wanted, _now: Instant) -> Result<SocketAddrV4, Unmapped> {
        let port = 40000 + self.ends.len() as u16;
        let end = SocketAddrV4::new(self.address, port);
        Ok(*self.ends.entry(wanted.key).or_insert(end))
    }

    fn close(&mut self, key: &MappingKey, _now: Instant) {
        self.ends.remove(key);
    }

    fn external(&self, key: &MappingKey) -> Option<SocketAddrV4> {
        self.ends.get(key).copied()
    }
}
