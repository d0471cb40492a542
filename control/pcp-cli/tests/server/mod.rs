//! A PCP server of a few lines: the library's, on a loopback address, in a thread that ends with its test.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use pcp::book::Book;
use pcp::epoch::ServerEpoch;
use pcp::instant::Instant;
use pcp::pool::Ipv4Prefix;
use pcp::pool::Ipv6Prefix;
use pcp::pool::Owner;
use pcp::pool::PcpPorts;
use pcp::pool::PoolConfig;
use pcp::pool::Pools;
use pcp::port_set::PortRange;
use pcp::result_code::ResultCode;
use pcp::server::Arrival;
use pcp::server::Packet;
use pcp::server::ServerConfig;
use pcp::wire::CLIENT_PORT;
use pcp::wire::SERVER_PORT;
use pcp::wire::unsolicited_announce;

/// What the server does with requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answers {
    /// What the library says, as through a softwire.
    Book,
    /// The same, as at a management listener.
    Management,
    /// The same, but port 1 of all protocols is malformed, as RFC 6887 has it.
    Strictly,
    /// What the library says, with another nonce.
    ToAnother,
    /// Nothing.
    Nothing,
    /// That it speaks NAT-PMP.
    NatPmp,
}

/// A server and its thread.
pub(crate) struct Server {
    socket: Arc<UdpSocket>,
    is_over: Arc<AtomicBool>,
    leases: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves on a loopback address that no other test has.
    pub(crate) fn start(number: u8, answers: Answers) -> Self {
        Self::serve(
            (Ipv4Addr::new(127, 53, 51, number), SERVER_PORT).into(),
            answers,
        )
    }

    /// Serves on the one loopback address of IPv6, and so on a port of its own.
    pub(crate) fn start_ipv6(answers: Answers) -> Self {
        Self::serve((Ipv6Addr::LOCALHOST, 0).into(), answers)
    }

    fn serve(address: SocketAddr, answers: Answers) -> Self {
        let socket = Arc::new(UdpSocket::bind(address).expect("the port"));
        socket
            .set_read_timeout(Some(Duration::from_millis(10)))
            .expect("a socket");
        let is_over = Arc::new(AtomicBool::new(false));
        let leases = Arc::new(AtomicUsize::new(0));
        let thread = thread::spawn({
            let (socket, is_over, leases) = (socket.clone(), is_over.clone(), leases.clone());
            move || serve(&socket, answers, &is_over, &leases)
        });
        Self {
            socket,
            is_over,
            leases,
            thread: Some(thread),
        }
    }

    pub(crate) fn address(&self) -> IpAddr {
        self.socket.local_addr().expect("an address").ip()
    }

    pub(crate) fn port(&self) -> u16 {
        self.socket.local_addr().expect("an address").port()
    }

    /// Number of sets that somebody holds.
    pub(crate) fn leases(&self) -> usize {
        self.leases.load(Ordering::SeqCst)
    }

    /// Tells every client on the loopback interface that state was lost.
    pub(crate) fn announce(&self, epoch_s: u32) {
        let group = (Ipv4Addr::new(224, 0, 0, 1), CLIENT_PORT);
        let sender = socket2::SockRef::from(&*self.socket);
        let set = sender.set_multicast_if_v4(&Ipv4Addr::LOCALHOST);
        set.expect("the loopback interface");
        let sent = self.socket.send_to(&unsolicited_announce(epoch_s), group);
        sent.expect("a packet");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // A panic of the server is the failure of its test already.
            drop(thread.join());
        }
    }
}

fn serve(socket: &UdpSocket, answers: Answers, is_over: &AtomicBool, leases: &AtomicUsize) {
    let now = Instant::default();
    let server =
        pcp::server::Server::new(ServerConfig::default(), ServerEpoch::continuing(42, now));
    let mut book = book(now);
    let mut octets = [0; 1500];
    while !is_over.load(Ordering::SeqCst) {
        let Ok((length, from)) = socket.recv_from(&mut octets) else {
            continue;
        };
        let request = &octets[..length];
        let Some(response) = answer(&server, &mut book, answers, request, from, now) else {
            continue;
        };
        // Tests ask for the number as soon as they have the answer.
        leases.store(book.counts().0, Ordering::SeqCst);
        socket.send_to(&response, from).expect("a socket");
    }
}

fn answer(
    server: &pcp::server::Server,
    book: &mut Book,
    answers: Answers,
    request: &[u8],
    from: SocketAddr,
    now: Instant,
) -> Option<Vec<u8>> {
    let arrival = match answers {
        Answers::Nothing => return None,
        Answers::NatPmp => return Some(vec![0, 0x80, 0, 1, 0, 0, 0, 0]),
        Answers::Strictly if request.get(40..42) == Some(&[0, 1]) => {
            let refusal = server.failure(request, ResultCode::MalformedRequest, now);
            return Some(refusal.to_vec());
        }
        Answers::Management => Arrival::Management(0),
        Answers::Book | Answers::Strictly | Answers::ToAnother => Arrival::Tunnel {
            outer: Ipv6Addr::new(0x2001, 0xdb8, 0xb4, 0, 0, 0, 0, 1),
            br: BR,
        },
    };
    let packet = Packet {
        octets: request,
        source: from.ip(),
        port: from.port(),
        arrival,
    };
    let decision = server.decide(book, &packet, now);
    for effect in &decision.effects {
        book.apply(effect, now).expect("what was decided");
    }
    let mut response = decision.response?.to_vec();
    if answers == Answers::ToAnother {
        response[24] ^= 1;
    }
    Some(response)
}

/// Sets of 2048 ports: two addresses for lwB4s, two for a DHCP server.
fn book(now: Instant) -> Book {
    let pool = |name: &str, address, owner| PoolConfig {
        name: name.to_owned(),
        prefix: Ipv4Prefix::new(address, 31).expect("a prefix"),
        psid_length: 5,
        br: BR,
        owner,
        clients: vec![
            Ipv6Prefix::new(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32).expect("a prefix"),
        ],
        reserved: Vec::new(),
        exclude_ports: vec![PortRange::new(0, 1023).expect("ports")],
        pcp_ports: PcpPorts::Excluded,
    };
    let pools = Pools::new(vec![
        pool("residential", Ipv4Addr::new(192, 0, 2, 4), Owner::Pcp),
        pool("dhcp", Ipv4Addr::new(198, 51, 100, 0), Owner::ThirdParty(0)),
    ]);
    Book::new(pools.expect("pools"), 56, Duration::from_secs(120), now)
}

const BR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xaf, 0, 0, 0, 0, 1);
