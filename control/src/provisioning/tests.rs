//! What clients hear, and when: never before it is durable and published.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::path::Path;

use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::port_set::PortSplit;
use lwaftr_dataplane::table::Change;
use pcp::epoch::ServerEpoch;
use pcp::wire::MapPayload;
use pcp::wire::Message;
use pcp::wire::Nonce;
use pcp::wire::Parity;
use pcp::wire::Payload;
use pcp::wire::PcpOption;
use pcp::wire::PortSetOption;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::IpProtocol;
use smoltcp::wire::Ipv4Packet;
use smoltcp::wire::Ipv4Repr;
use smoltcp::wire::Ipv6Packet;
use smoltcp::wire::Ipv6Repr;
use smoltcp::wire::UdpPacket;

use super::*;
use crate::config::Config;
use crate::config::Purpose;
use crate::exception::tests::own;
use crate::softwires::Origins;

pub(super) const NEIGHBOUR: Mac = Mac([2, 0, 0, 0, 0, 9]);

pub(crate) const CONFIG: &str = r#"[internet]
ipv4 = "203.0.113.1/24"
next_hop = "203.0.113.254"
[access]
ipv6 = "2001:db8:ac::1/64"
next_hop = "2001:db8:ac::fe"
[[pool]]
name = "homes"
prefix = "192.0.2.0/30"
psid_length = 6
br = "2001:db8:af::1"
clients = ["2001:db8:b4::/48"]
[pcp]
"#;

pub(crate) fn start() -> Instant {
    Instant::from_secs(1000)
}

pub(super) fn at(seconds: u32) -> Instant {
    Instant::from_secs(1000 + seconds)
}

pub(crate) fn provisioning(config: &str) -> Provisioning {
    let config = Config::parse(Path::new("x"), config, Purpose::Replay).unwrap();
    let pcp = config.pcp.clone().unwrap();
    let book = book(&config, &pcp, start()).unwrap();
    let server = Server::new(pcp.server, ServerEpoch::starting(start()));
    Provisioning::new(own(), &pcp, server, book)
}

/// The lwB4 of a home of its own.
pub(super) fn lwb4(home: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0xb4, home << 8, 0, 0, 0, 1)
}

/// MAP for all ports, as RFC 7753 s5.2 has it, from lwB4 number `home`.
pub(crate) fn map(home: u16, nonce: u8, lifetime_s: u32) -> Vec<u8> {
    let none = IpAddr::V6(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped());
    let payload = Payload::Map(MapPayload {
        nonce: Nonce::new([nonce; 12]),
        protocol: 0,
        internal_port: 1,
        external_port: 0,
        external_address: none,
    });
    let client = Ipv4Addr::new(192, 0, 0, 2);
    let mut message = Message::request(lifetime_s, client.into(), &payload);
    let all = PortSetOption {
        size: 65535,
        first_internal_port: 1,
        parity: Parity::Any,
    };
    message.push(&PcpOption::PortSet(all)).unwrap();
    tunnelled(lwb4(home), &message)
}

/// A message to the server in the tunnel of `outer`.
pub(super) fn tunnelled(outer: Ipv6Addr, message: &[u8]) -> Vec<u8> {
    let (client, server) = (Ipv4Addr::new(192, 0, 0, 2), Ipv4Addr::new(192, 0, 0, 1));
    let mut octets = vec![0; 68 + message.len()];
    let repr = Ipv6Repr {
        src_addr: outer,
        dst_addr: "2001:db8:af::1".parse().unwrap(),
        next_header: IpProtocol::Unknown(4),
        payload_len: 28 + message.len(),
        hop_limit: 64,
    };
    repr.emit(&mut Ipv6Packet::new_unchecked(&mut octets[..]));
    let repr = Ipv4Repr {
        src_addr: client,
        dst_addr: server,
        next_header: IpProtocol::Udp,
        payload_len: 8 + message.len(),
        hop_limit: 64,
    };
    let inner = &mut Ipv4Packet::new_unchecked(&mut octets[40..]);
    repr.emit(inner, &ChecksumCapabilities::default());
    let mut udp = UdpPacket::new_unchecked(&mut octets[60..]);
    udp.set_src_port(40000);
    udp.set_dst_port(5351);
    udp.set_len(8 + message.len() as u16);
    udp.payload_mut().copy_from_slice(message);
    udp.fill_checksum(&client.into(), &server.into());
    octets
}

/// What is said at once.
pub(crate) fn say(provisioning: &mut Provisioning, packet: &[u8], now: Instant) -> Vec<Frame> {
    provisioning.expire(now);
    let known = provisioning.receive(packet, NEIGHBOUR, now);
    let mut frames = provisioning.serve_newcomers(usize::MAX, now);
    frames.extend(known);
    frames
}

/// What is said when everything went well.
pub(super) fn ask(provisioning: &mut Provisioning, packet: &[u8], now: Instant) -> Frame {
    let mut frames = say(provisioning, packet, now);
    if let Some(batch) = provisioning.take_batch() {
        frames.extend(provisioning.finish(batch, Outcome::Done, now));
    }
    let [frame] = <[Frame; 1]>::try_from(frames).unwrap();
    frame
}

/// Result, lifetime, and external address and port.
pub(super) fn told(frame: &Frame) -> (u8, u32, Ipv4Addr, u16) {
    let message = &frame.payload[68..];
    let word = |at: usize| u32::from_be_bytes(message[at..at + 4].try_into().unwrap());
    let port = u16::from_be_bytes(message[42..44].try_into().unwrap());
    (message[3], word(4), Ipv4Addr::from_bits(word(56)), port)
}

fn changes(batch: &Batch) -> Vec<Change> {
    let changes = batch.effects().iter().map(table_change);
    changes.filter_map(Result::unwrap).collect()
}

pub(crate) fn binding(psid: u16, b4: Ipv6Addr) -> Binding {
    let ports = PortSet::new(PortSplit::new(0, 6).unwrap(), psid).unwrap();
    let br = "2001:db8:af::1".parse().unwrap();
    Binding::new(Ipv4Addr::new(192, 0, 2, 0), ports, b4, br).unwrap()
}

#[test]
fn t_01_an_answer_waits_until_its_set_is_durable_and_published() {
    let mut provisioning = provisioning(CONFIG);
    assert_eq!(say(&mut provisioning, &map(1, 1, 600), start()), []);
    let batch = provisioning.take_batch().unwrap();
    // PSID 0 has the system ports, so the first set that is handed out is the next one.
    assert_eq!(
        changes(&batch),
        [Change::Add(binding(1, lwb4(1)), Origins::LEASE)]
    );
    assert_eq!(batch.to_store().count(), 1);
    let frames = provisioning.finish(batch, Outcome::Done, start());
    assert_eq!(frames.len(), 1);
    let expected = (0, 600, Ipv4Addr::new(192, 0, 2, 0), 1024);
    assert_eq!(told(&frames[0]), expected);
    assert!(provisioning.take_batch().is_none());
}

#[test]
fn t_02_the_same_request_again_keeps_the_set_and_changes_no_binding() {
    let mut provisioning = provisioning(CONFIG);
    let first = ask(&mut provisioning, &map(1, 1, 600), start());
    say(&mut provisioning, &map(1, 1, 900), at(60));
    let batch = provisioning.take_batch().unwrap();
    assert_eq!((changes(&batch), batch.to_store().count()), (vec![], 1));
    let again = provisioning.finish(batch, Outcome::Done, at(60)).remove(0);
    assert_eq!(told(&again), (0, 900, told(&first).2, told(&first).3));
}

#[test]
fn t_03_another_nonce_is_refused_at_once_for_as_long_as_the_lease_lasts() {
    let mut provisioning = provisioning(CONFIG);
    ask(&mut provisioning, &map(1, 1, 600), start());
    let refused = say(&mut provisioning, &map(1, 2, 600), at(100));
    assert_eq!((told(&refused[0]).0, told(&refused[0]).1), (2, 500));
    assert!(provisioning.take_batch().is_none());
}

#[test]
fn t_04_two_lwb4s_that_are_both_192_0_0_2_get_disjoint_sets_in_one_batch() {
    let mut provisioning = provisioning(CONFIG);
    say(&mut provisioning, &map(1, 1, 600), start());
    say(&mut provisioning, &map(2, 1, 600), start());
    let batch = provisioning.take_batch().unwrap();
    let frames = provisioning.finish(batch, Outcome::Done, start());
    let sets: Vec<_> = frames
        .iter()
        .map(|frame| (told(frame).2, told(frame).3))
        .collect();
    assert_eq!(sets.len(), 2);
    assert_ne!(sets[0], sets[1]);
    let outer: Vec<_> = frames
        .iter()
        .map(|frame| frame.payload[24..40].to_vec())
        .collect();
    assert_eq!(outer, [lwb4(1).octets(), lwb4(2).octets()]);
}

#[test]
fn pc_012_what_the_store_cannot_take_is_undone_and_said() {
    let mut provisioning = provisioning(CONFIG);
    say(&mut provisioning, &map(1, 1, 600), start());
    let batch = provisioning.take_batch().unwrap();
    // Decided meanwhile, on top of what will fail.
    say(&mut provisioning, &map(2, 1, 600), start());
    let frames = provisioning.finish(batch, Outcome::Failed, start());
    let results: Vec<_> = frames.iter().map(|frame| told(frame).0).collect();
    assert_eq!(results, [8, 8]);
    assert_eq!(provisioning.book().counts(), (0, 2));
    assert!(provisioning.take_batch().is_none());
    // Both get what they would have had.
    let again = ask(&mut provisioning, &map(1, 1, 600), at(1));
    assert_eq!(told(&again), (0, 600, Ipv4Addr::new(192, 0, 2, 0), 1024));
}

/// The results that frames tell.
fn results(frames: &[Frame]) -> Vec<u8> {
    frames.iter().map(|frame| told(frame).0).collect()
}

#[test]
fn pc_012_batches_that_were_decided_on_top_of_one_that_fails_are_undone_with_it() {
    let mut provisioning = provisioning(CONFIG);
    ask(&mut provisioning, &map(1, 1, 600), start());
    let before: Vec<_> = provisioning.book().leases().collect();
    // Each refreshes what the one before it has.
    let batches = [1, 2, 3].map(|second| {
        say(&mut provisioning, &map(1, 1, 600 + second), at(second));
        provisioning.take_batch().unwrap()
    });
    assert_eq!(
        batches.each_ref().map(Batch::rests_on_others),
        [false, true, true]
    );
    say(&mut provisioning, &map(1, 1, 600), at(4));
    let mut frames = Vec::new();
    for batch in batches {
        assert_eq!(results(&frames), [0; 0]);
        assert!(!provisioning.book().leases().eq(before.iter().copied()));
        frames = provisioning.finish(batch, Outcome::Failed, at(5));
        // What rests on what will be taken back is not handed on.
        assert!(provisioning.under_way() == 0 || provisioning.take_batch().is_none());
    }
    assert_eq!(results(&frames), [8; 4]);
    assert!(provisioning.book().leases().eq(before.iter().copied()));
    assert!(provisioning.take_batch().is_none());
    say(&mut provisioning, &map(1, 1, 600), at(6));
    assert!(!provisioning.take_batch().unwrap().rests_on_others());
}

#[test]
fn what_came_through_before_a_batch_failed_stays() {
    let mut provisioning = provisioning(CONFIG);
    let batches = [1, 2, 3].map(|home| {
        say(&mut provisioning, &map(home, 1, 600), start());
        provisioning.take_batch().unwrap()
    });
    let outcomes = [Outcome::Done, Outcome::Failed, Outcome::Failed];
    let told = batches.into_iter().zip(outcomes);
    let told: Vec<_> = told
        .map(|(batch, outcome)| results(&provisioning.finish(batch, outcome, at(1))))
        .collect();
    assert_eq!(told, [vec![0], vec![], vec![8, 8]]);
    assert_eq!(provisioning.book().counts(), (1, 2));
}

#[test]
fn what_rests_on_what_the_table_refuses_is_taken_back_from_the_store_the_last_first() {
    let mut provisioning = provisioning(CONFIG);
    ask(&mut provisioning, &map(1, 1, 600), start());
    let before = provisioning.book().leases().next().unwrap();
    let batches = [1, 2].map(|second| {
        say(&mut provisioning, &map(1, 1, 600 + second), at(second));
        say(
            &mut provisioning,
            &map(1 + second as u16, 1, 600),
            at(second),
        );
        provisioning.take_batch().unwrap()
    });
    let outcomes = [Outcome::Refused(vec![0, 1]), Outcome::Unpublished];
    let mut told = Vec::new();
    for (batch, outcome) in batches.into_iter().zip(outcomes) {
        told.extend(results(&provisioning.finish(batch, outcome, at(3))));
    }
    assert_eq!(told, [8; 4]);
    assert_eq!(provisioning.book().counts(), (1, 2));
    let correction = provisioning.take_batch().unwrap();
    // The table has nothing of it.
    assert_eq!(changes(&correction), []);
    let stored: Vec<_> = correction.to_store().collect();
    let last = stored
        .iter()
        .rev()
        .find(|effect| effect.lease().set == before.set);
    assert!(matches!(last, Some(Effect::Refresh { after, .. }) if *after == before));
    assert_eq!(stored.len(), 4);
}

#[test]
fn a_set_that_the_table_refuses_is_taken_back_from_the_store_too() {
    let mut provisioning = provisioning(CONFIG);
    say(&mut provisioning, &map(1, 1, 600), start());
    say(&mut provisioning, &map(2, 1, 600), start());
    let batch = provisioning.take_batch().unwrap();
    let frames = provisioning.finish(batch, Outcome::Refused(vec![0]), start());
    let results: Vec<_> = frames.iter().map(|frame| told(frame).0).collect();
    assert_eq!(results, [8, 0]);
    let correction = provisioning.take_batch().unwrap();
    assert_eq!(changes(&correction), []);
    let stored: Vec<_> = correction.to_store().collect();
    assert!(matches!(stored[..], [Effect::Release { lease, .. }] if lease.client.outer == lwb4(1)));
    assert_eq!(provisioning.book().counts(), (1, 1));
}

#[test]
fn t_19_a_lease_that_ran_out_is_forwarded_no_longer_and_its_set_rests() {
    let mut provisioning = provisioning(CONFIG);
    let first = ask(&mut provisioning, &map(1, 1, 600), start());
    provisioning.expire(at(599));
    assert!(provisioning.take_batch().is_none());
    provisioning.expire(at(600));
    let batch = provisioning.take_batch().unwrap();
    let gone = binding(1, lwb4(1));
    assert_eq!(changes(&batch), [Change::Remove(gone.ipv4(), gone.ports())]);
    // Its end is in the store already.
    assert_eq!(batch.to_store().count(), 0);
    assert_eq!(provisioning.finish(batch, Outcome::Done, at(600)), []);
    let other = ask(&mut provisioning, &map(2, 1, 600), at(719));
    assert_ne!(told(&other).2, told(&first).2);
    // 120 seconds later anybody may have it.
    provisioning.expire(at(720));
    assert_eq!(provisioning.book().counts(), (1, 0));
}

#[test]
fn what_has_run_out_is_taken_off_the_table_though_the_store_fails() {
    let mut provisioning = provisioning(CONFIG);
    ask(&mut provisioning, &map(1, 1, 600), start());
    say(&mut provisioning, &map(2, 1, 600), at(600));
    let batch = provisioning.take_batch().unwrap();
    assert_eq!(changes(&batch).len(), 2);
    let mut published = Vec::new();
    let publication = batch.publication_of_failure();
    let outcome = publication.carry_out(|changes| {
        published = changes;
        Ok::<_, ()>(vec![])
    });
    assert_eq!(outcome, Ok(Outcome::Done));
    assert!(matches!(published[..], [Change::Remove(..)]));
    // Once is enough: a second removal would be refused, and fail those who wait beside it.
    provisioning.finish(batch, Outcome::Failed, at(600));
    assert!(provisioning.take_batch().is_none());
}

#[test]
fn nobody_fails_because_what_nobody_waits_for_was_gone_already() {
    let mut provisioning = provisioning(CONFIG);
    ask(&mut provisioning, &map(1, 1, 600), start());
    say(&mut provisioning, &map(2, 1, 600), at(600));
    let batch = provisioning.take_batch().unwrap();
    say(&mut provisioning, &map(3, 1, 600), at(600));
    let frames = provisioning.finish(batch, Outcome::Refused(vec![0]), at(600));
    assert_eq!(
        frames.iter().map(|frame| told(frame).0).collect::<Vec<_>>(),
        [0]
    );
    assert_eq!(provisioning.take_batch().unwrap().len(), 1);
}

#[test]
fn who_waited_for_what_others_changed_fails_with_them_and_hears_so_once() {
    let mut provisioning = provisioning(CONFIG);
    ask(&mut provisioning, &map(1, 1, 600), start());
    say(&mut provisioning, &map(1, 1, 0), at(1));
    // The same deletion again: nothing is left to delete, but that is not durable.
    say(&mut provisioning, &map(1, 1, 0), at(1));
    let batch = provisioning.take_batch().unwrap();
    assert_eq!((batch.effects().len(), batch.len()), (1, 2));
    let frames = provisioning.finish(batch, Outcome::Refused(vec![0]), at(1));
    assert_eq!(
        frames.iter().map(|frame| told(frame).0).collect::<Vec<_>>(),
        [8, 8]
    );
    assert_eq!(provisioning.book().counts(), (1, 0));
}

#[test]
fn an_answer_about_what_is_not_durable_yet_waits_for_it() {
    let mut provisioning = provisioning(CONFIG);
    ask(&mut provisioning, &map(1, 1, 600), start());
    assert_eq!(say(&mut provisioning, &map(1, 1, 0), at(1)), []);
    let batch = provisioning.take_batch().unwrap();
    // The deletion again: nothing is left of the lease, but that is not durable.
    assert_eq!(say(&mut provisioning, &map(1, 1, 0), at(1)), []);
    assert_eq!(provisioning.finish(batch, Outcome::Done, at(1)).len(), 1);
    let batch = provisioning.take_batch().unwrap();
    let frames = provisioning.finish(batch, Outcome::Done, at(1));
    assert_eq!((told(&frames[0]).0, told(&frames[0]).1), (0, 0));
}

#[test]
fn pc_006_those_who_hold_nothing_wait_for_those_who_do() {
    let mut provisioning = provisioning(CONFIG);
    ask(&mut provisioning, &map(1, 1, 600), start());
    for home in 2..=u8::MAX.into() {
        provisioning.receive(&map(home, 1, 600), NEIGHBOUR, at(1));
    }
    provisioning.receive(&map(1, 1, 600), NEIGHBOUR, at(1));
    let renewed = provisioning.take_batch().unwrap();
    assert!(matches!(renewed.effects(), [Effect::Refresh { .. }]));
    provisioning.finish(renewed, Outcome::Done, at(1));
    assert_eq!(provisioning.serve_newcomers(10, at(1)), []);
    assert_eq!(provisioning.take_batch().unwrap().len(), 10);
}

#[test]
fn overload_costs_no_memory() {
    let mut provisioning = provisioning(CONFIG);
    let packet = map(1, 1, 600);
    for _ in 0..MAX_NEWCOMERS + 5 {
        provisioning.receive(&packet, NEIGHBOUR, start());
    }
    assert_eq!(provisioning.newcomers.len(), MAX_NEWCOMERS);
    assert_eq!(provisioning.tally.overload, 5);
}

#[test]
fn lw_009_a_binding_of_the_operators_takes_its_set_out_of_the_pool() {
    let mut provisioning = provisioning(CONFIG);
    let its = binding(1, lwb4(9));
    provisioning.reserve(&its);
    let first = ask(&mut provisioning, &map(1, 1, 600), start());
    assert_eq!(told(&first).2, Ipv4Addr::new(192, 0, 2, 1));
    provisioning.release(&its);
    let second = ask(&mut provisioning, &map(2, 1, 600), start());
    assert_eq!((told(&second).2, told(&second).3), (its.ipv4(), 1024));
}

#[test]
fn gm_001_an_address_that_is_split_in_another_way_is_not_handed_out_at_all() {
    let mut provisioning = provisioning(CONFIG);
    let ports = |psid| PortSet::new(PortSplit::new(0, 4).unwrap(), psid).unwrap();
    let other = |psid| {
        let b4 = lwb4(9 + psid);
        let br = "2001:db8:af::1".parse().unwrap();
        Binding::new(Ipv4Addr::new(192, 0, 2, 0), ports(psid), b4, br).unwrap()
    };
    let free = |provisioning: &Provisioning| {
        provisioning
            .book()
            .pools()
            .iter()
            .next()
            .unwrap()
            .usage()
            .free
    };
    let all = free(&provisioning);
    provisioning.reserve(&other(1));
    provisioning.reserve(&other(2));
    // A quarter of the pool, without the sets that are withheld anyhow.
    assert_eq!(free(&provisioning), all / 4 * 3);
    provisioning.release(&other(1));
    assert_eq!(free(&provisioning), all / 4 * 3);
    provisioning.release(&other(2));
    assert_eq!(free(&provisioning), all);
}

#[test]
fn pc_035_the_lwb4_of_a_binding_hears_what_it_has_for_ever() {
    let mut provisioning = provisioning(CONFIG);
    provisioning.reserve(&binding(7, lwb4(1)));
    let answer = ask(&mut provisioning, &map(1, 1, 600), start());
    let expected = (0, u32::MAX, Ipv4Addr::new(192, 0, 2, 0), 7 << 10);
    assert_eq!(told(&answer), expected);
    assert_eq!(provisioning.book().counts(), (0, 0));
}

#[test]
fn a_full_store_grants_nothing_new_and_renews() {
    let mut provisioning = provisioning(CONFIG);
    ask(&mut provisioning, &map(1, 1, 600), start());
    provisioning.set_may_grant(false);
    let refused = say(&mut provisioning, &map(2, 1, 600), at(1));
    assert_eq!(told(&refused[0]).0, 8);
    let renewed = ask(&mut provisioning, &map(1, 1, 600), at(1));
    assert_eq!(told(&renewed).0, 0);
    provisioning.set_may_grant(true);
    assert_eq!(told(&ask(&mut provisioning, &map(2, 1, 600), at(2))).0, 0);
}

#[test]
fn fo_003_a_lease_that_follows_its_lwb4_is_one_change_of_the_table() {
    let mut provisioning = provisioning(CONFIG);
    ask(&mut provisioning, &map(1, 1, 600), start());
    let moved = Ipv6Addr::from_bits(lwb4(1).to_bits() + 1);
    let mut packet = map(1, 1, 600);
    packet[8..24].copy_from_slice(&moved.octets());
    say(&mut provisioning, &packet, at(1));
    let batch = provisioning.take_batch().unwrap();
    let expected = Change::Replace(binding(1, moved), Origins::LEASE);
    assert_eq!(changes(&batch), [expected]);
}

#[test]
fn c_03_after_a_silence_another_nonce_takes_the_lease_over() {
    let config = format!("[dataplane]\nsoftwire_counters = true\n{CONFIG}nonce_takeover = 300\n");
    let mut provisioning = provisioning(&config);
    ask(&mut provisioning, &map(1, 1, 3600), start());
    let set = provisioning.to_be_seen(at(10))[0];
    provisioning.see(set, 7, at(10));
    assert_eq!(
        told(&ask(&mut provisioning, &map(1, 2, 3600), at(200))).0,
        2
    );
    assert_eq!(provisioning.to_be_seen(at(209)), [set]);
    provisioning.see(set, 8, at(209));
    assert_eq!(
        told(&ask(&mut provisioning, &map(1, 2, 3600), at(400))).0,
        2
    );
    let taken = ask(&mut provisioning, &map(1, 2, 3600), at(509));
    assert_eq!((told(&taken).0, told(&taken).3), (0, 1024));
    assert_eq!(
        told(&ask(&mut provisioning, &map(1, 1, 3600), at(510))).0,
        2
    );
}

#[test]
fn dh_041_plain_ipv6_is_silence_unless_it_is_asked_for() {
    let message = map(1, 1, 600)[68..].to_vec();
    let outer = lwb4(1);
    let server: Ipv6Addr = "2001:db8:af::1".parse().unwrap();
    let mut message = message;
    message[8..24].copy_from_slice(&outer.octets());
    let mut packet = vec![0; 48 + message.len()];
    let repr = Ipv6Repr {
        src_addr: outer,
        dst_addr: server,
        next_header: IpProtocol::Udp,
        payload_len: 8 + message.len(),
        hop_limit: 64,
    };
    repr.emit(&mut Ipv6Packet::new_unchecked(&mut packet[..]));
    let mut udp = UdpPacket::new_unchecked(&mut packet[40..]);
    udp.set_src_port(40000);
    udp.set_dst_port(5351);
    udp.set_len(8 + message.len() as u16);
    udp.payload_mut().copy_from_slice(&message);
    udp.fill_checksum(&outer.into(), &server.into());
    let mut deaf = provisioning(CONFIG);
    assert_eq!(say(&mut deaf, &packet, start()), []);
    assert!(deaf.take_batch().is_none());
    assert_eq!(deaf.tally.silent, 1);
    let mut listening = provisioning(&format!("{CONFIG}plain_ipv6 = true\n"));
    let answer = ask(&mut listening, &packet, start());
    assert_eq!(answer.payload[48 + 3], 0);
    assert_eq!(listening.book().counts(), (1, 0));
}

#[test]
fn an_operator_hears_when_a_lease_is_gone_for_good() {
    let mut provisioning = provisioning(CONFIG);
    ask(&mut provisioning, &map(1, 1, 600), start());
    let (found, was) = crossbeam_channel::bounded(1);
    let (done, is_done) = crossbeam_channel::bounded(1);
    let address = Ipv4Addr::new(192, 0, 2, 0);
    provisioning.inquire(Inquiry::Revoke(address, 1500, found, done), at(1));
    assert_eq!(was.recv().unwrap().unwrap().b4, lwb4(1));
    assert!(is_done.try_recv().is_err());
    let batch = provisioning.take_batch().unwrap();
    assert_eq!((changes(&batch).len(), batch.to_store().count()), (1, 1));
    provisioning.finish(batch, Outcome::Done, at(1));
    assert_eq!(is_done.recv(), Ok(Ok(())));
    assert_eq!(provisioning.book().counts(), (0, 1));
}

#[test]
fn what_has_happened_is_counted_by_opcode_result_and_pool() {
    let mut provisioning = provisioning(CONFIG);
    ask(&mut provisioning, &map(1, 1, 600), start());
    ask(&mut provisioning, &map(1, 2, 600), start());
    ask(&mut provisioning, &map(1, 1, 0), start());
    let facts = provisioning.facts(start());
    let counted = |name: &str| facts.statistics.results.get(name).copied();
    assert_eq!(counted("SUCCESS"), Some(2));
    assert_eq!(counted("NOT_AUTHORIZED"), Some(1));
    assert_eq!(facts.statistics.requests["MAP"], 3);
    let pool = &provisioning.pools()[0];
    assert_eq!((pool.events.granted, pool.events.released), (1, 1));
    assert_eq!((pool.sets, pool.withheld, pool.taken), (256, 8, 1));
}

#[test]
fn operators_are_told_how_many_sets_are_held_and_what_became_of_leases() {
    let mut provisioning = provisioning(CONFIG);
    ask(&mut provisioning, &map(1, 1, 600), start());
    ask(&mut provisioning, &map(2, 1, 600), start());
    let told = serde_json::to_value(provisioning.facts(start())).unwrap();
    assert_eq!((&told["held"], &told["resting"]), (&2.into(), &0.into()));
    assert_eq!(told["leases"]["granted"], 2);
    // Two members of one name would be one to whoever reads them.
    let text = serde_json::to_string(&provisioning.facts(start())).unwrap();
    assert_eq!(serde_json::to_string(&told).unwrap().len(), text.len());
}

/// A service whose keeper has leases of a few lwB4s and carries everything out.
pub(crate) fn served_leases(homes: u16) -> LeaseService {
    let (service, inbox) = LeaseService::new();
    std::thread::spawn(move || {
        let mut provisioning = provisioning(CONFIG);
        for home in 1..=homes {
            ask(&mut provisioning, &map(home, 1, 600), start());
        }
        while let Ok(inquiry) = inbox.recv() {
            provisioning.inquire(inquiry, at(10));
            // A turn for each page of leases, and of those who are being told.
            for _ in 0..4 {
                provisioning.go_on_gathering(at(10));
            }
            if let Some(batch) = provisioning.take_batch() {
                provisioning.finish(batch, Outcome::Done, at(10));
            }
        }
    });
    service
}

/// The configuration of these tests, and leases of lwB4s that it has granted.
pub(crate) fn granted(homes: u16) -> (&'static str, Vec<pcp::lease::Lease>) {
    let mut provisioning = provisioning(CONFIG);
    for home in 1..=homes {
        ask(&mut provisioning, &map(home, 1, 600), start());
    }
    (CONFIG, provisioning.book().leases().collect())
}
