//! TUN device, raw sockets and netlink against a real kernel: two network namespaces, a veth between them.
//!
//! ```text
//!  wt-b4-…  lwt0 (TUN, 192.0.0.2) · eth0 2001:db8::b4 ──── eth0 2001:db8::af  wt-af-…
//! ```
//!
//! Without root or `ip` nothing is tested, and a line says so.
#![allow(clippy::unwrap_used)] // In a test, also outside its functions, to panic is to fail.

use std::fs;
use std::fs::File;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddrV4;
use std::net::UdpSocket;
use std::process;
use std::process::Command;
use std::time::Duration;

use lwb4::device::icmpv6::Icmpv6Socket;
use lwb4::device::lan_icmp::LanIcmp;
use lwb4::device::netlink::Netlink;
use lwb4::device::netlink::monitor::Monitor;
use lwb4::device::netlink::route::Network;
use lwb4::device::softwire::Burst;
use lwb4::device::softwire::Group;
use lwb4::device::softwire::Softwire;
use lwb4::device::source;
use lwb4::device::tun;
use lwb4::device::tun::Tun;
use lwb4::tunnel::DropReason;
use lwb4::tunnel::Offload;
use lwb4::tunnel::coalesce::Coalescer;
use lwb4::tunnel::control;
use lwb4::tunnel::ecn::DscpModel;
use lwb4::tunnel::icmpv4;
use lwb4::tunnel::icmpv4::Icmpv4Error;
use lwb4::tunnel::icmpv6;
use lwb4::tunnel::icmpv6::Ends;
use lwb4::tunnel::icmpv6::News;
use lwb4::tunnel::mss::MssClamp;
use lwb4::tunnel::segment::Segment;
use lwb4::tunnel::upstream::Refusal;
use lwb4::tunnel::upstream::Upstream;
use lwb4::tunnel::upstream::Way;
use nix::poll::PollFd;
use nix::poll::PollFlags;
use nix::poll::PollTimeout;
use nix::poll::poll;
use nix::sched::CloneFlags;
use nix::sched::setns;

const OWN: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xb4);
const LWAFTR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xaf);
/// Routed to the lwAFTR's namespace, which has no way there.
const UNREACHABLE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xdead, 0, 0, 0, 0, 1);
const INNER: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 2);
const AFTR_INNER: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 1);
const HOST: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);

/// Two namespaces, which go when this goes.
struct Pair {
    b4: String,
    af: String,
}

impl Pair {
    /// `None` when this machine does not let us.
    fn new(test: &str) -> Option<Self> {
        let name = |end: &str| format!("wt-{end}-{test}-{}", process::id());
        let pair = Self {
            b4: name("b4"),
            af: name("af"),
        };
        for namespace in [&pair.b4, &pair.af] {
            if !ip(&format!("netns add {namespace}")) {
                println!("SKIPPED: network namespaces need root and ip(8); nothing was tested");
                return None;
            }
        }
        let (b4, af) = (&pair.b4, &pair.af);
        for command in [
            format!("-n {b4} link add eth0 mtu 1540 type veth peer name eth0 mtu 1540 netns {af}"),
            format!("-n {b4} link set lo up"),
            format!("-n {b4} link set eth0 up"),
            format!("-n {af} link set eth0 up"),
            format!("-n {b4} addr add {OWN}/64 dev eth0 nodad"),
            format!("-n {af} addr add {LWAFTR}/64 dev eth0 nodad"),
            format!("-n {b4} route add 2001:db8:dead::/48 via {LWAFTR}"),
            format!("-n {af} route add unreachable 2001:db8:dead::/48"),
        ] {
            assert!(ip(&command), "ip {command}");
        }
        pair.enter(&pair.af);
        fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap();
        pair.enter(&pair.b4);
        Some(pair)
    }

    /// Moves this thread, and what it opens from now on.
    fn enter(&self, namespace: &str) {
        let file = File::open(format!("/run/netns/{namespace}")).unwrap();
        setns(file, CloneFlags::CLONE_NEWNET).unwrap();
    }

    /// A softwire's end at the lwAFTR.
    fn lwaftr(&self) -> Softwire {
        self.enter(&self.af);
        let socket = Softwire::open(LWAFTR, OWN, 64).unwrap();
        self.enter(&self.b4);
        socket
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for namespace in [&self.b4, &self.af] {
            ip(&format!("netns del {namespace}"));
        }
    }
}

fn ip(arguments: &str) -> bool {
    let output = Command::new("ip").args(arguments.split(' ')).output();
    output.is_ok_and(|output| output.status.success())
}

fn printed(pair: &Pair, arguments: &str) -> String {
    let arguments = format!("-n {} {arguments}", pair.b4);
    let output = Command::new("ip")
        .args(arguments.split(' '))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Waits until there is something to read.
fn wait(fd: &impl std::os::fd::AsFd) {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    assert_eq!(
        poll(&mut fds, PollTimeout::from(5000_u16)).unwrap(),
        1,
        "nothing came"
    );
}

fn received(socket: &mut Softwire) -> Vec<(Ipv6Addr, u8, Vec<u8>)> {
    wait(socket);
    let mut burst = Burst::new();
    socket.receive(&mut burst).unwrap();
    burst
        .packets()
        .map(|(received, packet)| (received.from, received.traffic_class, packet.to_vec()))
        .collect()
}

fn tun(netlink: &mut Netlink) -> Tun {
    let tun = Tun::create("lwt0").unwrap();
    netlink.bring_up(tun.index(), 1500).unwrap();
    netlink.add_inner_address(tun.index(), INNER).unwrap();
    tun
}

#[test]
fn lw_029_tn_002_a_programs_packet_goes_through_tun_and_softwire_and_back() {
    let Some(pair) = Pair::new("way") else { return };
    let mut netlink = Netlink::open().unwrap();
    let tun = tun(&mut netlink);
    netlink
        .add_route(tun.index(), Network::DEFAULT, 100)
        .unwrap();
    let (mut softwire, mut lwaftr) = (Softwire::open(OWN, LWAFTR, 64).unwrap(), pair.lwaftr());
    let program = UdpSocket::bind(SocketAddrV4::new(INNER, 4000)).unwrap();
    program
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    program.send_to(b"there", (HOST, 9)).unwrap();
    wait(&tun);
    let mut buffer = vec![0; tun::BUFFER];
    let packet = tun.read(&mut buffer).unwrap().unwrap().unwrap();
    let upstream = Upstream {
        inner: INNER,
        remote_inner: AFTR_INNER,
        mss_clamp: MssClamp::Auto,
    };
    let admitted = upstream
        .admit(&mut buffer[..packet.len], packet.offload, 1500)
        .unwrap();
    assert_eq!(admitted.way, Way::Nat);
    assert_eq!(
        tun.read(&mut vec![0; tun::BUFFER]).unwrap(),
        None,
        "no ipv6 on the device"
    );
    // 4000 → 9, 13 octets.
    let inner = &mut buffer[..admitted.len];
    assert_eq!(inner[20..26], [0x0f, 0xa0, 0, 9, 0, 13]);
    let sent = softwire.send(&[Segment::whole(inner, DscpModel::Uniform)]);
    assert_eq!((sent.sent, sent.full, sent.refused), (1, 0, 0));
    assert_eq!(received(&mut lwaftr), [(OWN, 0, inner.to_vec())]);
    let back = control::datagram(
        SocketAddrV4::new(HOST, 9),
        SocketAddrV4::new(INNER, 4000),
        b"and back",
    );
    let mut marked = back.clone();
    marked[1] = 0xb9;
    lwaftr.send(&[Segment::whole(&marked, DscpModel::Uniform)]);
    let [(from, class, payload)] = &received(&mut softwire)[..] else {
        panic!("one packet was sent");
    };
    assert_eq!((*from, *class, payload), (LWAFTR, 0xb9, &marked));
    let mut coalescer = Coalescer::new();
    coalescer.push(&back, Offload::None);
    coalescer.finish(|bundle| assert!(tun.write(&bundle).unwrap()));
    let (len, from) = program.recv_from(&mut buffer).unwrap();
    assert_eq!((&buffer[..len], from), (&b"and back"[..], (HOST, 9).into()));
}

#[test]
fn fr_001_fr_002_what_exceeds_the_path_mtu_is_fragmented_outside_and_put_together() {
    let Some(pair) = Pair::new("mtu") else { return };
    let (mut softwire, mut lwaftr) = (Softwire::open(OWN, LWAFTR, 64).unwrap(), pair.lwaftr());
    let ends = (SocketAddrV4::new(HOST, 1), SocketAddrV4::new(HOST, 2));
    let inner = control::datagram(ends.0, ends.1, &[7; 1472]);
    for (mtu, fragments) in [(1540, "0"), (1500, "2"), (1280, "4")] {
        softwire.set_path_mtu(mtu);
        let sent = softwire.send(&[Segment::whole(&inner, DscpModel::Uniform)]);
        assert_eq!(sent.sent, 1);
        assert_eq!(received(&mut lwaftr), [(OWN, 0, inner.clone())]);
        pair.enter(&pair.af);
        let counters = fs::read_to_string("/proc/thread-self/net/snmp6").unwrap();
        pair.enter(&pair.b4);
        let line = counters
            .lines()
            .find(|line| line.starts_with("Ip6ReasmReqds"))
            .unwrap();
        assert_eq!(line.split_whitespace().nth(1), Some(fragments), "at {mtu}");
    }
}

#[test]
fn packets_of_all_sizes_and_classes_are_received_as_they_were_sent() {
    let Some(pair) = Pair::new("sizes") else {
        return;
    };
    let (mut softwire, mut lwaftr) = (Softwire::open(OWN, LWAFTR, 64).unwrap(), pair.lwaftr());
    let ends = (SocketAddrV4::new(HOST, 1), SocketAddrV4::new(HOST, 2));
    // A slot for a packet has 2048 octets, and there are 28 of headers.
    let sizes = [1, 2019, 2020, 2021, 9000, 1, 40_000, 1472, 60_000, 3];
    let sent: Vec<_> = (0..)
        .zip(sizes)
        .map(|(n, size)| {
            let mut packet = control::datagram(ends.0, ends.1, &vec![n; size]);
            packet[1] = [0, 0, 0xb8, 1][usize::from(n) % 4];
            packet
        })
        .collect();
    let segments: Vec<_> = sent
        .iter()
        .map(|packet| Segment::whole(packet, DscpModel::Uniform))
        .collect();
    let octets = sent.iter().map(Vec::len).sum();
    // What a burst leaves in its place is nothing to the next one.
    for _ in 0..2 {
        let done = softwire.send(&segments);
        assert_eq!((done.sent, done.octets), (sent.len(), octets));
        assert_eq!((done.full, done.refused), (0, 0));
        let mut all = Vec::new();
        let mut burst = Burst::new();
        while all.len() < sent.len() {
            wait(&lwaftr);
            lwaftr.receive(&mut burst).unwrap();
            all.extend(burst.packets().map(|(received, packet)| {
                assert_eq!((received.from, received.traffic_class), (OWN, packet[1]));
                packet.to_vec()
            }));
        }
        assert!(all == sent, "other packets, or another order");
    }
}

#[test]
fn what_the_kernel_refuses_is_counted_and_all_others_go() {
    let Some(pair) = Pair::new("refused") else {
        return;
    };
    // EPERM for what is to be dropped: packets of 100 octets behind the IPv6 header.
    let rule = "add table ip6 t; add chain ip6 t c { type filter hook output priority 0; }; \
                add rule ip6 t c ip6 length 100 drop";
    let mut nft = Command::new("ip");
    nft.args(["netns", "exec", &pair.b4, "nft", rule]);
    if !nft.output().is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: it needs nft(8); nothing was tested");
        return;
    }
    let (mut softwire, mut lwaftr) = (Softwire::open(OWN, LWAFTR, 64).unwrap(), pair.lwaftr());
    let ends = (SocketAddrV4::new(HOST, 1), SocketAddrV4::new(HOST, 2));
    let packet = |size: u8| control::datagram(ends.0, ends.1, &vec![size; size.into()]);
    // 72 of payload make 100 octets: first, in the middle, twice in a row, and last.
    let sent = [72, 1, 2, 72, 3, 72, 72, 4, 72].map(packet);
    let segments: Vec<_> = sent
        .iter()
        .map(|packet| Segment::whole(packet, DscpModel::Uniform))
        .collect();
    let done = softwire.send(&segments);
    assert_eq!((done.sent, done.full, done.refused), (4, 0, 5));
    assert_eq!(done.octets, 4 * 28 + 1 + 2 + 3 + 4);
    let arrived: Vec<_> = received(&mut lwaftr)
        .into_iter()
        .map(|(_, _, packet)| packet)
        .collect();
    assert_eq!(arrived, [1, 2, 3, 4].map(packet));
}

#[test]
fn packets_on_their_way_allocate_nothing() {
    let Some(pair) = Pair::new("alloc") else {
        return;
    };
    let mut netlink = Netlink::open().unwrap();
    let tun = tun(&mut netlink);
    let (mut softwire, mut lwaftr) = (Softwire::open(OWN, LWAFTR, 64).unwrap(), pair.lwaftr());
    let program = UdpSocket::bind(SocketAddrV4::new(INNER, 4000)).unwrap();
    let ends = (SocketAddrV4::new(HOST, 9), SocketAddrV4::new(INNER, 4000));
    let packets = [1, 1400, 3000].map(|size| control::datagram(ends.0, ends.1, &vec![7; size]));
    let segments = packets
        .each_ref()
        .map(|packet| Segment::whole(packet, DscpModel::Uniform));
    let (mut burst, mut buffer) = (Burst::new(), vec![0; tun::BUFFER]);
    let sending = allocation_counter::measure(|| {
        assert_eq!(softwire.send(&segments).sent, 3);
    });
    wait(&lwaftr);
    let receiving = allocation_counter::measure(|| {
        assert_eq!(lwaftr.receive(&mut burst).unwrap(), 3);
        assert_eq!(burst.packets().count(), 3);
    });
    let mut coalescer = Coalescer::new();
    coalescer.push(&packets[0], Offload::None);
    let writing = allocation_counter::measure(|| {
        coalescer.finish(|bundle| assert!(tun.write(&bundle).unwrap()));
    });
    program.recv(&mut buffer).unwrap();
    // Ours to the Internet: the router's own programs go through the TUN device too.
    netlink
        .add_route(tun.index(), Network::DEFAULT, 100)
        .unwrap();
    program.send_to(b"there", (HOST, 9)).unwrap();
    wait(&tun);
    let reading = allocation_counter::measure(|| {
        assert!(tun.read(&mut buffer).unwrap().is_some());
    });
    let allocated = [sending, receiving, writing, reading].map(|each| each.count_total);
    assert_eq!(allocated, [0; 4]);
}

#[test]
fn fr_002_nt_014_ic_009_a_host_that_hears_3_4_sends_smaller_packets() {
    let Some(_pair) = Pair::new("big") else {
        return;
    };
    let mut netlink = Netlink::open().unwrap();
    let tun = tun(&mut netlink);
    netlink
        .add_route(tun.index(), Network::DEFAULT, 100)
        .unwrap();
    let upstream = Upstream {
        inner: INNER,
        remote_inner: AFTR_INNER,
        mss_clamp: MssClamp::Auto,
    };
    let program = UdpSocket::bind((INNER, 4000)).unwrap();
    program.connect((HOST, 9)).unwrap();
    let mut buffer = vec![0; tun::BUFFER];
    let mut largest = |program: &UdpSocket| {
        program.send(&[7; 1450]).unwrap();
        let mut largest = 0;
        wait(&tun);
        while let Some(packet) = tun.read(&mut buffer).unwrap() {
            let packet = packet.unwrap();
            largest = largest.max(packet.len);
            let octets = &mut buffer[..packet.len];
            if upstream.admit(octets, packet.offload, 1400) == Err(Refusal::TooBig { mtu: 1400 }) {
                let error = Icmpv4Error::FragmentationNeeded { mtu: 1400 };
                let mut error = icmpv4::error(octets, error, Ipv4Addr::UNSPECIFIED).unwrap();
                LanIcmp::open().unwrap().send(&mut error).unwrap();
            }
        }
        largest
    };
    assert_eq!(largest(&program), 1478);
    let told = program.send(&[7; 1450]).unwrap_err();
    assert_eq!(told.raw_os_error(), Some(libc::EMSGSIZE));
    let smaller = largest(&program);
    assert!(smaller <= 1400, "{smaller}");
}

#[test]
fn fo_015_what_is_sent_to_the_group_is_heard_by_its_socket_alone() {
    let Some(pair) = Pair::new("group") else {
        return;
    };
    let group: Ipv6Addr = "ff05::5350".parse().unwrap();
    let interface = Netlink::open().unwrap().way_to(LWAFTR).unwrap().interface;
    let mut softwire = Softwire::open(OWN, LWAFTR, 64).unwrap();
    let mut heard = Group::join(group, interface).unwrap();
    pair.enter(&pair.af);
    let mut announcer = Softwire::open(LWAFTR, group, 64).unwrap();
    let ends = (
        SocketAddrV4::new(AFTR_INNER, 5351),
        SocketAddrV4::new([224, 0, 0, 1].into(), 5350),
    );
    let inner = control::datagram(ends.0, ends.1, b"announcement");
    assert_eq!(
        announcer
            .send(&[Segment::whole(&inner, DscpModel::Uniform)])
            .sent,
        1
    );
    wait(&heard);
    let mut burst = Burst::new();
    assert_eq!(heard.receive(&mut burst).unwrap(), 1);
    let (received, packet) = burst.packets().next().unwrap();
    assert_eq!((received.from, &*packet), (LWAFTR, &inner[..]));
    assert_eq!(softwire.receive(&mut Burst::new()).unwrap(), 0);
}

#[test]
fn tn_006_a_tunnel_has_two_ends() {
    let Some(_pair) = Pair::new("ends") else {
        return;
    };
    assert!(Softwire::open(OWN, OWN, 64).is_err());
}

#[test]
fn ic_007_an_error_of_the_real_network_is_heard_and_believed() {
    let Some(_pair) = Pair::new("icmp") else {
        return;
    };
    let own = source::select(UNREACHABLE).unwrap();
    let icmpv6 = Icmpv6Socket::open(own).unwrap();
    let mut softwire = Softwire::open(own, UNREACHABLE, 64).unwrap();
    let ends = (SocketAddrV4::new(HOST, 5000), SocketAddrV4::new(HOST, 2));
    let inner = control::datagram(ends.0, ends.1, b"anybody?");
    softwire.send(&[Segment::whole(&inner, DscpModel::Uniform)]);
    wait(&icmpv6);
    let mut buffer = [0; 1280];
    let (len, from) = icmpv6.receive(&mut buffer).unwrap().unwrap();
    let ends = Ends {
        own,
        lwaftr: UNREACHABLE,
        remote_inner: AFTR_INNER,
    };
    let is_own = |address, port| (address, port) == (HOST, Some(5000));
    let heard = icmpv6::hear(&buffer[..len], from, &ends, is_own).unwrap();
    assert_eq!((heard.news, from), (News::Unreachable, LWAFTR));
    let relay = heard.relay.unwrap();
    assert_eq!(relay[28..], inner);
    let forged = icmpv6::hear(&buffer[..len], from, &ends, |_, _| false);
    assert_eq!(forged, Err(DropReason::ForgedIcmpv6));
}

#[test]
fn only_our_routes_are_removed() {
    let Some(pair) = Pair::new("route") else {
        return;
    };
    let mut netlink = Netlink::open().unwrap();
    let tun = tun(&mut netlink);
    let network = Network {
        address: Ipv4Addr::new(203, 0, 113, 0),
        prefix_len: 24,
    };
    netlink
        .add_route(tun.index(), Network::DEFAULT, 100)
        .unwrap();
    netlink.add_route(tun.index(), network, 7).unwrap();
    assert!(
        netlink.add_route(tun.index(), network, 7).is_err(),
        "it is there already"
    );
    assert!(ip(&format!(
        "-n {} route add 198.18.0.0/15 dev lwt0",
        pair.b4
    )));
    let routes = printed(&pair, "route");
    assert!(
        routes.contains("default dev lwt0 proto 46 scope link metric 100"),
        "{routes}"
    );
    assert!(
        routes.contains("203.0.113.0/24 dev lwt0 proto 46 scope link metric 7"),
        "{routes}"
    );
    assert!(
        routes.contains("192.0.0.0/29 dev lwt0 proto kernel"),
        "{routes}"
    );
    assert_eq!(netlink.remove_routes().unwrap(), 2);
    let routes = printed(&pair, "route");
    assert!(!routes.contains("proto 46"), "{routes}");
    assert!(
        routes.contains("198.18.0.0/15") && routes.contains("192.0.0.0/29"),
        "{routes}"
    );
    assert_eq!(netlink.remove_routes().unwrap(), 0);
}

#[test]
fn lw_024_the_source_is_what_the_host_selects() {
    let Some(pair) = Pair::new("source") else {
        return;
    };
    let mut netlink = Netlink::open().unwrap();
    assert_eq!(source::select(LWAFTR).unwrap(), OWN);
    assert!(source::select(OWN).is_err(), "a tunnel to ourselves");
    assert!(
        source::select("2001:db8:beef::1".parse().unwrap()).is_err(),
        "no route"
    );
    let way = netlink.way_to(LWAFTR).unwrap();
    assert_eq!(way.mtu, 1540);
    assert!(ip(&format!(
        "-n {} route add {LWAFTR} dev eth0 mtu 1400",
        pair.b4
    )));
    assert_eq!(netlink.way_to(LWAFTR).unwrap().mtu, 1400);
}

#[test]
fn lw_024_a_temporary_address_is_not_chosen_though_the_host_prefers_it() {
    let Some(pair) = Pair::new("temporary") else {
        return;
    };
    for (name, value) in [("dad_transmits", "0"), ("use_tempaddr", "2")] {
        fs::write(format!("/proc/sys/net/ipv6/conf/eth0/{name}"), value).unwrap();
    }
    let monitor = Monitor::open().unwrap();
    let stable = "2001:db8::77/64 dev eth0 nodad mngtmpaddr";
    assert!(ip(&format!("-n {} addr add {stable}", pair.b4)));
    let temporary = loop {
        wait(&monitor);
        assert!(monitor.take().unwrap().anything());
        let temporary = printed(&pair, "-6 addr show temporary");
        if temporary.contains("inet6") && !temporary.contains("tentative") {
            break temporary;
        }
    };
    let asker = UdpSocket::bind("[::]:0").unwrap();
    asker.connect((LWAFTR, 9)).unwrap();
    let preferred = asker.local_addr().unwrap().ip().to_string();
    assert!(
        temporary.contains(&preferred),
        "{preferred} is not in {temporary}"
    );
    let selected = source::select(LWAFTR).unwrap().to_string();
    assert!(
        !temporary.contains(&format!("{selected}/")),
        "{selected} is in {temporary}"
    );
}

#[test]
fn lw_023_lw_026_a_constructed_address_is_put_on_and_taken_off_and_changes_are_told() {
    let Some(pair) = Pair::new("change") else {
        return;
    };
    let mut netlink = Netlink::open().unwrap();
    let monitor = Monitor::open().unwrap();
    assert!(!monitor.take().unwrap().anything());
    let way = netlink.way_to(LWAFTR).unwrap();
    let own: Ipv6Addr = "2001:db8:b4::c000:205:d".parse().unwrap();
    netlink.add_tunnel_address(way.interface, own).unwrap();
    // It can be used at once.
    drop(Softwire::open(own, LWAFTR, 64).unwrap());
    wait(&monitor);
    let changed = monitor.take().unwrap();
    assert!(changed.ipv6 && !changed.ipv4_routes);
    netlink.remove_tunnel_address(way.interface, own).unwrap();
    netlink.remove_tunnel_address(way.interface, own).unwrap();
    assert!(monitor.take().unwrap().ipv6);
    assert!(Softwire::open(own, LWAFTR, 64).is_err());
    assert!(ip(&format!("-n {} link set eth0 mtu 1500", pair.b4)));
    let changed = monitor.take().unwrap();
    assert!(changed.links);
    assert_eq!(netlink.way_to(LWAFTR).unwrap().mtu, 1500);
}
