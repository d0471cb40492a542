//! The loop over ports made of vectors: nothing is lost uncounted, whatever the ports refuse.

mod company;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::Ipv6Addr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::binding::Binding;
use crate::burst::BURST_MAX;
use crate::burst::Burst;
use crate::counters::Counter;
use crate::counters::Counters;
use crate::drop_reason::DropReason;
use crate::forwarding::Forwarding;
use crate::heap_packet::HeapPacket;
use crate::instant::Instant;
use crate::next_hops::NextHops;
use crate::packet::Packet;
use crate::pipeline::Pipeline;
use crate::pipeline::Share;
use crate::pipeline::tests::B4;
use crate::pipeline::tests::BR;
use crate::pipeline::tests::OUTSIDE;
use crate::pipeline::tests::SHARED;
use crate::pipeline::tests::forwarding;
use crate::pipeline::tests::mend;
use crate::pipeline::tests::pcp;
use crate::pipeline::tests::reader;
use crate::pipeline::tests::tunnel_fragment;
use crate::pipeline::tests::udp;
use crate::port_set::PortSet;
use crate::port_set::PortSplit;
use crate::ports::HandedOver;
use crate::ports::Layout;
use crate::ports::OUTGOING_MAX;
use crate::ports::Outgoing;
use crate::ports::Ports;
use crate::punt::PuntClass;
use crate::punt_limits::PuntLimits;
use crate::side::Side;
use crate::table::BrSet;
use crate::table::Builder;
use crate::table::Origin;
use crate::table::Publisher;
use crate::table::Reader;
use crate::wire::ethernet::Mac;
use crate::worker::Worker;

/// Ports that hold packets in memory and take only so many.
struct MemoryPorts {
    layout: Layout,
    arriving: [VecDeque<HeapPacket>; 2],
    left: [Vec<HeapPacket>; 2],
    transmit_room: usize,
    /// The side whose device takes nothing.
    dead: Option<Side>,
    punted: [Vec<HeapPacket>; PuntClass::COUNT],
    punt_room: [usize; PuntClass::COUNT],
    now: Instant,
    exchange: Option<Exchange>,
    injected: Vec<HeapPacket>,
}

/// What workers have handed to each other, by worker and side; and whose ports these are.
#[derive(Clone)]
struct Exchange {
    number: usize,
    rings: Rc<RefCell<Vec<[Vec<HeapPacket>; 2]>>>,
}

impl MemoryPorts {
    fn new(layout: Layout) -> Self {
        Self {
            layout,
            arriving: Default::default(),
            left: Default::default(),
            transmit_room: usize::MAX,
            dead: None,
            punted: Default::default(),
            punt_room: [usize::MAX; PuntClass::COUNT],
            now: Instant::default(),
            exchange: None,
            injected: Vec::new(),
        }
    }
}

impl Ports for MemoryPorts {
    type Packet = HeapPacket;

    fn layout(&self) -> Layout {
        self.layout
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn receive(&mut self, side: Side, burst: &mut Burst<HeapPacket>) {
        let queue = &mut self.arriving[side as usize];
        burst.extend(queue.drain(..queue.len().min(BURST_MAX)));
    }

    fn transmit(&mut self, side: Side, packets: &mut Outgoing<HeapPacket>) {
        if self.dead == Some(side) {
            return;
        }
        let taken = packets.len().min(self.transmit_room);
        self.transmit_room -= taken;
        self.left[side as usize].extend(packets.drain(..taken));
    }

    fn punt(&mut self, class: PuntClass, packets: &mut Burst<HeapPacket>) {
        let room = &mut self.punt_room[class as usize];
        let taken = packets.len().min(*room);
        *room -= taken;
        self.punted[class as usize].extend(packets.drain(..taken));
    }

    fn release(&mut self, packets: &mut Burst<HeapPacket>) {
        packets.clear();
    }

    fn injected(&mut self, burst: &mut Burst<HeapPacket>) {
        burst.extend(self.injected.drain(..));
    }

    fn spreads_fragments(&self, _: Side) -> bool {
        self.exchange.is_some()
    }

    fn hand_over(&mut self, side: Side, hash: u64, packet: HeapPacket) -> HandedOver<HeapPacket> {
        let exchange = self.exchange.as_ref().unwrap();
        let mut rings = exchange.rings.borrow_mut();
        let owner = hash as usize % rings.len();
        let ring = &mut rings[owner][side as usize];
        if owner == exchange.number {
            HandedOver::Own(packet)
        } else if ring.len() == 2 {
            HandedOver::Refused(packet)
        } else {
            ring.push(packet);
            HandedOver::Gone
        }
    }

    fn take_over(&mut self, side: Side, burst: &mut Burst<HeapPacket>) {
        let exchange = self.exchange.as_ref().unwrap();
        let mut rings = exchange.rings.borrow_mut();
        burst.extend(rings[exchange.number][side as usize].drain(..));
    }
}

fn worker(ports: MemoryPorts, forwarding: Forwarding) -> (Worker<MemoryPorts>, Arc<Counters>) {
    worker_with(ports, forwarding, reader())
}

fn worker_with(
    ports: MemoryPorts,
    forwarding: Forwarding,
    reader: Reader,
) -> (Worker<MemoryPorts>, Arc<Counters>) {
    let counters = Arc::new(Counters::default());
    let worker = Worker::new(
        ports,
        Pipeline::new(forwarding),
        Share::WHOLE,
        reader,
        Arc::clone(&counters),
    );
    (worker, counters)
}

/// Received + injected = transmitted + punted + dropped (design s8).
fn assert_conserved(counters: &Counters) {
    let received =
        counters.get(Counter::RxInternetPackets) + counters.get(Counter::RxAccessPackets);
    let sent = counters.get(Counter::TxInternetPackets) + counters.get(Counter::TxAccessPackets);
    let dropped: u64 = DropReason::ALL
        .iter()
        .map(|reason| counters.dropped(*reason))
        .sum();
    assert_eq!(
        received + counters.get(Counter::InjectedPackets),
        sent + dropped + punted(counters).iter().sum::<u64>()
    );
}

/// How many packets of each class went up.
fn punted(counters: &Counters) -> [u64; PuntClass::COUNT] {
    PuntClass::ALL.map(|class| counters.get(class.counter()))
}

/// A packet of a class for the box itself, and the side it comes from.
fn for_us(class: PuntClass) -> (Side, HeapPacket) {
    let ours = |protocol| {
        let mut packet = udp(5000, 64, 0, &[]);
        let ipv4 = &mut packet.head_mut()[14..34];
        ipv4[9] = protocol;
        ipv4[16..20].copy_from_slice(&forwarding().internet_address.to_be_bytes());
        mend(ipv4);
        packet
    };
    match class {
        PuntClass::Neighbour => {
            let mut packet = udp(5000, 64, 0, &[]);
            packet.head_mut()[12..14].copy_from_slice(&[8, 6]);
            (Side::Internet, packet)
        }
        PuntClass::Icmp => (Side::Internet, ours(1)),
        PuntClass::Pcp => (Side::Access, pcp(B4.octets())),
        PuntClass::Other => (Side::Internet, ours(17)),
    }
}

/// Ports at which ten packets of each class wait, one of each after the other.
fn ports_with_ten_of_each_class() -> MemoryPorts {
    let mut ports = MemoryPorts::new(Layout::TwoPorts);
    for _ in 0..10 {
        for (side, packet) in PuntClass::ALL.map(for_us) {
            ports.arriving[side as usize].push_back(packet);
        }
    }
    ports
}

#[test]
fn packets_leave_in_the_order_they_came_and_are_counted_by_name() {
    let mut ports = MemoryPorts::new(Layout::TwoPorts);
    ports.arriving[0].extend((0..100).map(|index| udp(5000, 64, 0, &[index])));
    let (mut worker, counters) = worker(ports, forwarding());
    assert_eq!(worker.round() + worker.round() + worker.round(), 100);
    let order: Vec<_> = worker.ports_mut().left[1]
        .iter()
        .map(|packet| packet.head()[14 + 40 + 28])
        .collect();
    assert_eq!(order, (0..100).collect::<Vec<_>>());
    for (counter, value) in [
        (Counter::RxInternetBytes, 100 * 43),
        (Counter::RcvdIpv4Bytes, 100 * 29),
        (Counter::SentIpv6Packets, 100),
        (Counter::SentIpv6Bytes, 100 * 69),
        (Counter::TxAccessBytes, 100 * 83),
    ] {
        assert_eq!(counters.get(counter), value, "{}", counter.name());
    }
    assert_conserved(&counters);
}

#[test]
fn what_the_device_does_not_take_is_a_counted_drop() {
    let mut ports = MemoryPorts::new(Layout::TwoPorts);
    ports.arriving[0].extend((0..10).map(|_| udp(5000, 64, 0, &[])));
    ports.transmit_room = 7;
    let (mut worker, counters) = worker(ports, forwarding());
    worker.round();
    assert_eq!(counters.dropped(DropReason::TransmitFull), 3);
    assert_eq!(counters.get(Counter::TxAccessPackets), 7);
    assert_eq!(counters.get(Counter::TxAccessBytes), 7 * 82);
    assert_conserved(&counters);
}

#[test]
fn what_the_control_thread_cannot_hold_is_a_counted_drop() {
    let mut ports = MemoryPorts::new(Layout::TwoPorts);
    ports.arriving[0].extend((0..10).map(|_| for_us(PuntClass::Neighbour).1));
    ports.punt_room = [4; PuntClass::COUNT];
    let (mut worker, counters) = worker(ports, forwarding());
    worker.round();
    assert_eq!(punted(&counters), [4, 0, 0, 0]);
    assert_eq!(counters.dropped(DropReason::PuntFull), 6);
    assert_eq!(counters.get(Counter::RcvdIpv4Packets), 0);
    assert_conserved(&counters);
}

#[test]
fn each_class_reaches_its_own_ring() {
    let (mut worker, counters) = worker(ports_with_ten_of_each_class(), forwarding());
    worker.round();
    assert_eq!(punted(&counters), [10; 4]);
    let ports = worker.ports_mut();
    let rings = ports.punted.each_ref().map(Vec::len);
    assert_eq!(rings, [10; 4]);
    for class in PuntClass::ALL {
        let arrived = for_us(class).1;
        let ring = &ports.punted[class as usize];
        assert!(ring.iter().all(|packet| *packet == arrived), "{class:?}");
    }
    assert_conserved(&counters);
}

#[test]
fn a_full_ring_of_one_class_is_nothing_to_the_others() {
    for class in PuntClass::ALL {
        let mut ports = ports_with_ten_of_each_class();
        ports.punt_room[class as usize] = 3;
        let (mut worker, counters) = worker(ports, forwarding());
        worker.round();
        let mut expected = [10; 4];
        expected[class as usize] = 3;
        assert_eq!(punted(&counters), expected);
        assert_eq!(counters.dropped(DropReason::PuntFull), 7);
        assert_conserved(&counters);
    }
}

/// The lwB4 number `host` of the subscriber number `number`, who has a /56.
fn b4_of(number: u32, host: u8) -> [u8; 16] {
    let mut address = [0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host];
    address[2..6].copy_from_slice(&number.to_be_bytes());
    // Bits of the /56 and of what is behind it.
    (address[6], address[7]) = (0x7b, host);
    address
}

#[test]
fn pc_042_the_21st_request_of_a_subscriber_in_a_second_is_refused_and_anothers_is_not() {
    let mut ports = MemoryPorts::new(Layout::TwoPorts);
    ports.arriving[1].extend((0..21).map(|host| pcp(b4_of(1, host))));
    ports.arriving[1].push_back(pcp(b4_of(2, 0)));
    let (mut worker, counters) = worker(ports, forwarding());
    worker.round();
    assert_eq!(punted(&counters), [0, 0, 21, 0]);
    assert_eq!(counters.dropped(DropReason::PuntRate), 1);
    // It is no traffic of a softwire, refused or not.
    assert_eq!(counters.get(Counter::RcvdIpv6Packets), 0);
    assert_eq!(counters.get(Counter::DroppedIpv6Packets), 0);
    let last = &worker.ports_mut().punted[PuntClass::Pcp as usize][20];
    assert_eq!(*last, pcp(b4_of(2, 0)));
    let ports = worker.ports_mut();
    ports.now = ports.now + Duration::from_millis(50);
    ports.arriving[1].extend((0..2).map(|host| pcp(b4_of(1, host))));
    worker.round();
    assert_eq!(punted(&counters), [0, 0, 22, 0]);
    assert_eq!(counters.dropped(DropReason::PuntRate), 2);
    assert_conserved(&counters);
}

#[test]
fn pc_006_a_flood_from_everywhere_is_nothing_to_neighbours() {
    let mut settings = forwarding();
    settings.punts.pcp = PuntLimits::pcp_rates(100_000, 20);
    let mut ports = MemoryPorts::new(Layout::TwoPorts);
    ports.punt_room[PuntClass::Pcp as usize] = 4096;
    let (mut worker, counters) = worker(ports, settings);
    // A million a second, of which ten thousand may come at once and one in ten after that.
    let mut numbers = (0..100_000_u32).map(|number| number.wrapping_mul(0x9e37_79b9));
    let (mut flood, mut neighbours) = (0, 0);
    while flood < 100_000 {
        let ports = worker.ports_mut();
        ports.now = ports.now + Duration::from_micros(64);
        let burst = numbers.by_ref().take(BURST_MAX);
        ports.arriving[1].extend(burst.map(|number| pcp(b4_of(number, 0))));
        flood += ports.arriving[1].len();
        if flood % 6400 == 0 {
            ports.arriving[0].push_back(for_us(PuntClass::Neighbour).1);
            neighbours += 1;
        }
        worker.round();
    }
    let [neighbour, _, pcp, _] = punted(&counters);
    assert_eq!((neighbour, pcp), (neighbours, 4096));
    let refused = counters.dropped(DropReason::PuntRate);
    assert!((75_000..85_000).contains(&refused), "{refused}");
    assert_conserved(&counters);
}

#[test]
fn a_router_that_looks_for_all_the_world_is_heard_when_it_looks_for_us() {
    let mut ports = MemoryPorts::new(Layout::TwoPorts);
    let asks_for = |last: u8| {
        let mut packet = for_us(PuntClass::Neighbour).1;
        packet.head_mut()[14 + 27] = last;
        packet
    };
    ports.arriving[0].extend((0..200).map(|_| asks_for(7)));
    ports.arriving[0].extend((20..40).map(asks_for));
    let (mut worker, counters) = worker(ports, forwarding());
    while worker.round() > 0 {}
    // One or the other of twenty may share its bucket with the scan.
    let [neighbours, ..] = punted(&counters);
    assert!((117..=120).contains(&neighbours), "{neighbours}");
    assert_conserved(&counters);
}

#[test]
fn on_a_stick_the_ether_type_or_the_vlan_tells_the_side() {
    for (internet, access, stripped) in [(None, None, None), (Some(5), Some(6), Some(5))] {
        let mut ports = MemoryPorts::new(Layout::OnAStick);
        let packet = udp(5000, 64, 0, &[]);
        ports.arriving[0].push_back(match stripped {
            Some(tag) => packet.with_stripped_vlan(tag),
            None => packet,
        });
        let mut settings = forwarding();
        settings.internet.vlan = internet;
        settings.access.vlan = access;
        let (mut worker, counters) = worker(ports, settings);
        assert_eq!(worker.round(), 1);
        assert_eq!(counters.get(Counter::RxInternetPackets), 1);
        assert_eq!(worker.ports_mut().left[1].len(), 1);
        assert_conserved(&counters);
    }
}

/// Two workers whose device spreads fragments.
fn two_workers() -> [(Worker<MemoryPorts>, Arc<Counters>); 2] {
    two_workers_with(reader)
}

/// The same, with a table like this.
fn two_workers_with(reader: fn() -> Reader) -> [(Worker<MemoryPorts>, Arc<Counters>); 2] {
    let rings = Rc::new(RefCell::new(vec![Default::default(), Default::default()]));
    [0, 1].map(|number| {
        let mut ports = MemoryPorts::new(Layout::TwoPorts);
        ports.exchange = Some(Exchange {
            number,
            rings: Rc::clone(&rings),
        });
        worker_with(ports, forwarding(), reader())
    })
}

/// One of two fragments of a UDP packet from the Internet: the later one begins at its payload.
fn fragment(id: u16, is_first: bool) -> HeapPacket {
    let mut packet = udp(5000, 64, 0, &[7; 24]);
    let ipv4 = &mut packet.head_mut()[14..34];
    ipv4[4..6].copy_from_slice(&id.to_be_bytes());
    ipv4[6..8].copy_from_slice(if is_first { &[0x20, 0] } else { &[0, 4] });
    ipv4[10..12].fill(0);
    let sum = !crate::wire::checksum::sum(ipv4);
    ipv4[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}

#[test]
fn fr_011_fragments_that_the_device_spreads_meet_at_one_worker() {
    let [(mut one, counted), (mut other, counted_too)] = two_workers();
    for id in 0..16 {
        // The later fragment overtakes its first, on another queue.
        one.ports_mut().arriving[0].push_back(fragment(id, false));
        one.round();
        other.ports_mut().arriving[0].push_back(fragment(id, true));
        other.round();
        one.round();
        other.round();
    }
    let handed = |counters: &Counters| counters.get(Counter::HandedOverPackets);
    assert_eq!(handed(&counted) + handed(&counted_too), 16);
    assert!(handed(&counted) > 0 && handed(&counted_too) > 0);
    let sent = one.ports_mut().left[1].len() + other.ports_mut().left[1].len();
    assert_eq!(sent, 32);
    let held = |counters: &Counters| counters.get(Counter::HeldIpv4Fragments);
    assert_eq!(held(&counted) + held(&counted_too), 0);
}

/// One of two IPv6 pieces of a packet that a lwB4 sends; of each of the shared address's sixteen.
fn piece_of(number: u8, id: u32, is_first: bool) -> HeapPacket {
    let mut inner = vec![0x45, 0, 0, 56, 0, 1, 0, 0, 64, 17, 0, 0];
    inner.extend(SHARED.octets());
    inner.extend(OUTSIDE.octets());
    mend(&mut inner);
    inner.extend([number << 4, 0, 0, 53, 0, 36, 0, 0]);
    inner.resize(56, number);
    let (offset_and_more, data) = match is_first {
        true => (1, &inner[..32]),
        false => (32, &inner[32..]),
    };
    let mut packet = tunnel_fragment(4, id, offset_and_more, data);
    packet.head_mut()[37] = number;
    packet
}

/// A table in which each of sixteen lwB4s has one port set of the shared address.
fn sixteen() -> Reader {
    let mut builder = Builder::new(BrSet::new([BR]).unwrap()).unwrap();
    for number in 0..16 {
        let ports = PortSet::new(PortSplit::new(0, 4).unwrap(), number).unwrap();
        let b4 = Ipv6Addr::from_bits(B4.to_bits() & !0xff | u128::from(number));
        let binding = Binding::new(SHARED, ports, b4, BR).unwrap();
        builder.add(&binding, Origin(0)).unwrap();
    }
    Publisher::new(builder).reader().unwrap().online()
}

#[test]
fn fr_008_pieces_of_tunnel_packets_that_the_device_spreads_meet_at_one_worker() {
    let [(mut one, counted), (mut other, counted_too)] = two_workers_with(sixteen);
    for number in 0..16 {
        // The later piece overtakes its first, on another queue.
        let later = piece_of(number, 7, false);
        one.ports_mut().arriving[1].push_back(later);
        one.round();
        let first = piece_of(number, 7, true);
        other.ports_mut().arriving[1].push_back(first);
        other.round();
        one.round();
        other.round();
    }
    let sum = |counter| counted.get(counter) + counted_too.get(counter);
    let handed = [&counted, &counted_too].map(|it| it.get(Counter::HandedOverPackets));
    assert_eq!(handed.iter().sum::<u64>(), 16);
    assert!(handed.iter().all(|handed| *handed > 0), "{handed:?}");
    assert_eq!(sum(Counter::ReassembledIpv6Packets), 16);
    assert_eq!(sum(Counter::HeldIpv6Fragments), 0);
    let mut sent: Vec<_> = one.ports_mut().left[0].drain(..).collect();
    sent.append(&mut other.ports_mut().left[0]);
    let mut numbers: Vec<_> = sent.iter().map(|packet| packet.head()[69]).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..16).collect::<Vec<_>>());
    assert!(sent.iter().all(|packet| packet.len() == 14 + 56));
}

#[test]
fn a_fragment_that_its_worker_cannot_take_is_a_counted_drop() {
    let [(mut one, counters), _other] = two_workers();
    for id in 0..16 {
        one.ports_mut().arriving[0].push_back(fragment(id, true));
    }
    one.round();
    let handed = counters.get(Counter::HandedOverPackets);
    let refused = counters.dropped(DropReason::HandOverFull);
    assert_eq!(handed, 2);
    assert!(refused > 0);
    assert_eq!(one.ports_mut().left[1].len() as u64 + handed + refused, 16);
}

#[test]
fn whole_packets_stay_with_the_worker_that_received_them() {
    let [(mut one, counters), _other] = two_workers();
    one.ports_mut().arriving[0].extend((0..16).map(|_| udp(5000, 64, 0, &[])));
    one.round();
    assert_eq!(one.ports_mut().left[1].len(), 16);
    assert_eq!(counters.get(Counter::HandedOverPackets), 0);
    assert_conserved(&counters);
}

#[test]
fn packets_leave_for_the_next_hop_as_it_is_now_and_are_counted_drops_while_there_is_none() {
    let mut settings = forwarding();
    settings.access.next_hop_mac = None;
    let next_hops = Arc::new(NextHops::new(settings.internet.next_hop_mac, None));
    let (worker, counters) = worker(MemoryPorts::new(Layout::TwoPorts), settings);
    let mut worker = worker.following(Arc::clone(&next_hops));
    let mut send = |mac: Option<Mac>| {
        next_hops.set(Side::Access, mac);
        worker.ports_mut().arriving[0].push_back(udp(5000, 64, 0, &[]));
        worker.round();
        let left = worker.ports_mut().left[1].pop();
        left.map(|packet| packet.head()[..6].to_vec())
    };
    assert_eq!(send(None), None);
    assert_eq!(send(Some(Mac([2; 6]))), Some(vec![2; 6]));
    assert_eq!(send(Some(Mac([4; 6]))), Some(vec![4; 6]));
    assert_eq!(send(None), None);
    assert_eq!(counters.dropped(DropReason::NextHopUnresolved), 2);
    assert_conserved(&counters);
}

#[test]
fn what_control_says_leaves_even_without_a_next_hop_by_the_side_of_its_kind() {
    let mut settings = forwarding();
    (settings.internet.next_hop_mac, settings.access.next_hop_mac) = (None, None);
    let mut ports = MemoryPorts::new(Layout::TwoPorts);
    for ether_type in [[8, 6], [8, 0], [0x86, 0xdd]] {
        let mut packet = udp(5000, 64, 0, &[]);
        packet.head_mut()[12..14].copy_from_slice(&ether_type);
        ports.injected.push(packet);
    }
    let (mut worker, counters) = worker(ports, settings);
    assert_eq!(worker.round(), 3);
    let [internet, access] = &worker.ports_mut().left;
    assert_eq!((internet.len(), access.len()), (2, 1));
    assert_eq!(counters.get(Counter::InjectedPackets), 3);
    assert_conserved(&counters);
}

/// What control has to say, told apart by its last octet.
fn said(number: u8) -> HeapPacket {
    let mut packet = udp(5000, 64, 0, &[number]);
    packet.head_mut()[12..14].copy_from_slice(&[0x86, 0xdd]);
    packet
}

#[test]
fn what_control_says_leaves_in_order_though_traffic_has_the_device_full() {
    let (mut worker, counters) = worker(MemoryPorts::new(Layout::TwoPorts), forwarding());
    for round in 0..60 {
        let ports = worker.ports_mut();
        ports.arriving[0].extend((0..BURST_MAX).map(|_| udp(5000, 64, 0, &[])));
        ports
            .injected
            .extend((0..3).map(|one| said(round * 3 + one)));
        // The link is slower than what wants to leave by it, and sometimes stands still.
        ports.transmit_room = if round % 4 == 0 { 0 } else { 5 };
        worker.round();
        assert_conserved(&counters);
    }
    let left = &worker.ports_mut().left[1];
    let of_control: Vec<_> = left.iter().filter(|packet| packet.len() == 43).collect();
    assert!(of_control.iter().map(|packet| packet.head()[42]).eq(0..180));
    assert_eq!(counters.get(Counter::InjectedPackets), 180);
    assert_eq!(left.len(), 225);
}

#[test]
fn what_control_says_waits_for_a_device_that_takes_nothing_but_only_so_much_of_it() {
    let (mut worker, counters) = worker(MemoryPorts::new(Layout::TwoPorts), forwarding());
    for round in 0..10 {
        let ports = worker.ports_mut();
        ports.transmit_room = 0;
        ports
            .injected
            .extend((0..40).map(|one| said(round * 20 + one / 2)));
        worker.round();
        assert_conserved(&counters);
    }
    let waiting = OUTGOING_MAX as u64;
    assert_eq!(counters.dropped(DropReason::TransmitFull), 400 - waiting);
    assert_eq!(counters.get(Counter::InjectedPackets), 400 - waiting);
    worker.ports_mut().transmit_room = usize::MAX;
    assert_eq!(worker.round() as u64, waiting);
    assert_eq!(counters.get(Counter::InjectedPackets), 400);
    assert_eq!(worker.round(), 0);
    assert_conserved(&counters);
}

#[test]
fn what_control_says_on_one_side_does_not_wait_for_the_other() {
    let (mut worker, counters) = worker(MemoryPorts::new(Layout::TwoPorts), forwarding());
    let ports = worker.ports_mut();
    ports.dead = Some(Side::Internet);
    let arp = for_us(PuntClass::Neighbour).1;
    for number in 0..200 {
        worker.ports_mut().injected = vec![arp.clone(), said(number)];
        worker.round();
    }
    let [internet, access] = &worker.ports_mut().left;
    assert_eq!((internet.len(), access.len()), (0, 200));
    assert_conserved(&counters);
}
