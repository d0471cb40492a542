//! Who hears what after a loss, and who gets what (T-17).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::time::Duration;

use lwaftr_dataplane::side::Side;
use pcp::epoch::ServerEpoch;
use pcp::server::Server;
use proptest::prelude::*;

use super::super::Inquiry;
use super::super::Outcome;
use super::super::tests::CONFIG;
use super::super::tests::NEIGHBOUR;
use super::super::tests::ask;
use super::super::tests::at;
use super::super::tests::lwb4;
use super::super::tests::map;
use super::super::tests::provisioning;
use super::super::tests::told;
use super::super::tests::tunnelled;
use super::*;

const NO_RESOURCES: u8 = 8;

fn after(milliseconds: u64) -> Instant {
    at(0) + Duration::from_millis(milliseconds)
}

/// The request of a home that suggests what it had.
fn suggesting(home: u16, (address, port): (Ipv4Addr, u16)) -> Vec<u8> {
    let mut message = map(home, 1, 600)[68..].to_vec();
    message[42..44].copy_from_slice(&port.to_be_bytes());
    message[56..60].copy_from_slice(&address.octets());
    tunnelled(lwb4(home), &message)
}

/// A daemon that has granted sets to so many homes: what they have, and what the roster was told.
fn before_the_loss(homes: u16) -> (BTreeMap<u16, (Ipv4Addr, u16)>, Peers) {
    let mut provisioning = provisioning(CONFIG);
    provisioning.keep_notes();
    let mut sets = BTreeMap::new();
    for home in 1..=homes {
        let answer = ask(&mut provisioning, &map(home, 1, 600), at(0));
        sets.insert(home, (told(&answer).2, told(&answer).3));
    }
    let mut peers = Peers::default();
    for peer in provisioning.take_notes() {
        peers.push(&peer);
    }
    (sets, peers)
}

/// A daemon that starts at `at(0)` and knows nothing but these.
fn after_the_loss(config: &str, peers: Peers) -> Provisioning {
    let mut provisioning = provisioning(config);
    provisioning.recover(peers, true, at(0));
    provisioning
}

/// All that is sent until nothing is due any more, with the time of each.
fn announced(provisioning: &mut Provisioning, from: Instant) -> Vec<(Instant, Frame)> {
    let mut frames = Vec::new();
    let mut now = from;
    while provisioning.is_recovering() {
        let sent = provisioning.due_announcements(Some(NEIGHBOUR), 64, now);
        frames.extend(sent.into_iter().map(|frame| (now, frame)));
        now = now + Duration::from_millis(2);
    }
    frames
}

fn outer_of(frame: &Frame) -> Ipv6Addr {
    Ipv6Addr::from_octets(*frame.payload[24..40].first_chunk().unwrap())
}

fn sum(octets: &[u8]) -> u16 {
    lwaftr_dataplane::wire::checksum::sum(octets)
}

/// ANNOUNCE with this epoch from the server to an address and port inside a tunnel, octet for octet but for
/// checksums, which must be right.
fn is_announcement(
    frame: &Frame,
    (outer, hop_limit): (Ipv6Addr, u8),
    (client, port, ttl): (Ipv4Addr, u16, u8),
    epoch_s: u8,
) {
    let octets = &frame.payload;
    assert_eq!(frame.side, Side::Access);
    assert_eq!(octets.len(), 40 + 20 + 8 + 24);
    assert_eq!(octets[..8], [0x60, 0, 0, 0, 0, 52, 4, hop_limit]);
    let br: Ipv6Addr = "2001:db8:af::1".parse().unwrap();
    assert_eq!(octets[8..24], br.octets());
    assert_eq!(octets[24..40], outer.octets());
    assert_eq!(octets[40..44], [0x45, 0, 0, 52]);
    assert_eq!((octets[48], octets[49]), (ttl, 17));
    assert_eq!(octets[52..56], [192, 0, 0, 1]);
    assert_eq!(octets[56..60], client.octets());
    assert_eq!(sum(&octets[40..60]), 0xffff);
    assert_eq!(octets[60..62], 5351_u16.to_be_bytes());
    assert_eq!(octets[62..64], port.to_be_bytes());
    let pseudo = [&octets[52..60], &[0, 17, 0, 32], &octets[60..]].concat();
    assert_eq!(sum(&pseudo), 0xffff);
    // The vector of section 3.6 of the conformance list, with its epoch.
    let mut message = [0; 24];
    (message[0], message[1], message[11]) = (2, 0x80, epoch_s);
    assert_eq!(octets[68..], message);
}

#[test]
fn pc_142_fo_015_everybody_hears_of_a_loss_where_it_asked_from() {
    let (_, peers) = before_the_loss(3);
    assert_eq!(peers.len(), 3);
    let mut provisioning = after_the_loss(CONFIG, peers);
    let frames = announced(&mut provisioning, at(0));
    assert_eq!(frames.len(), 9);
    let mut heard: BTreeMap<Ipv6Addr, Vec<Instant>> = BTreeMap::new();
    for (time, frame) in &frames {
        let outer = outer_of(frame);
        assert_eq!(frame.destination, NEIGHBOUR);
        let epoch = time.since(at(0)).as_secs() as u8;
        is_announcement(
            frame,
            (outer, 64),
            ([192, 0, 0, 2].into(), 40000, 64),
            epoch,
        );
        heard.entry(outer).or_default().push(*time);
    }
    assert!(heard.keys().copied().eq([lwb4(1), lwb4(2), lwb4(3)]));
    for times in heard.values() {
        let gaps: Vec<_> = times.windows(2).map(|two| two[1].since(two[0])).collect();
        assert!(gaps[0] >= Duration::from_millis(250) && gaps[1] >= gaps[0] * 2);
    }
    let facts = serde_json::to_value(provisioning.facts(after(0))).unwrap();
    assert_eq!(facts["announcements"], 9);
    assert_eq!(facts["recovery"]["is_over"], true);
}

#[test]
fn fo_015_who_never_asked_is_told_through_224_0_0_1_of_its_tunnel() {
    let mut peers = Peers::default();
    peers.push(&Peer {
        outer: lwb4(1),
        br: "2001:db8:af::1".parse().unwrap(),
        ipv4: Ipv4Addr::new(192, 0, 2, 1),
        asked_from: None,
    });
    let mut provisioning = after_the_loss(CONFIG, peers);
    let frames = announced(&mut provisioning, at(0));
    is_announcement(
        &frames[0].1,
        (lwb4(1), 64),
        ([224, 0, 0, 1].into(), 5350, 1),
        0,
    );
}

#[test]
fn fo_015_a_group_is_told_for_each_br_address_whoever_is_known() {
    let other = CONFIG
        .split_once("[[pool]]")
        .map(|(_, pool)| pool.split_once("[pcp]").unwrap().0)
        .unwrap()
        .replace("homes", "others")
        .replace("192.0.2.0", "192.0.2.64")
        .replace("af::1", "af::2");
    let config = format!(
        "{CONFIG}recovery = {{ multicast_group = \"ff05::4f6:1\", multicast_hop_limit = 7 }}\n\
         [[pool]]{other}"
    );
    let mut provisioning = after_the_loss(&config, Peers::default());
    let frames = announced(&mut provisioning, at(0));
    let group: Ipv6Addr = "ff05::4f6:1".parse().unwrap();
    let of_first: Vec<_> = frames
        .iter()
        .filter(|(_, frame)| frame.payload[23] == 1)
        .collect();
    assert_eq!((frames.len(), of_first.len()), (6, 3));
    for (time, frame) in of_first {
        assert_eq!(frame.destination, Mac([0x33, 0x33, 4, 0xf6, 0, 1]));
        let epoch = time.since(at(0)).as_secs() as u8;
        is_announcement(frame, (group, 7), ([224, 0, 0, 1].into(), 5350, 1), epoch);
    }
    // Nobody is known to have had anything, so newcomers are served.
    assert_eq!(told(&ask(&mut provisioning, &map(1, 1, 600), at(1))).0, 0);
}

#[test]
fn fo_011_who_suggests_nothing_waits_for_those_who_do() {
    let (sets, peers) = before_the_loss(2);
    let mut provisioning = after_the_loss(CONFIG, peers);
    assert_eq!(provisioning.facts(at(1)).grace_s, Some(119));
    let refused = ask(&mut provisioning, &map(9, 1, 600), at(1));
    assert_eq!((told(&refused).0, told(&refused).1), (NO_RESOURCES, 30));
    let facts = provisioning.facts(at(1));
    assert_eq!(facts.statistics.refused_in_grace, 1);
    let again = ask(&mut provisioning, &suggesting(2, sets[&2]), at(119));
    assert_eq!(
        (told(&again).0, told(&again).2, told(&again).3),
        (0, sets[&2].0, sets[&2].1)
    );
    assert_eq!(provisioning.facts(at(120)).grace_s, None);
    let late = ask(&mut provisioning, &map(9, 1, 600), at(120));
    assert_eq!(told(&late).0, 0);
    assert_eq!(provisioning.facts(at(120)).statistics.refused_in_grace, 1);
}

#[test]
fn fo_011_pools_that_were_not_in_use_serve_at_once_unless_the_roster_is_damaged() {
    let mut elsewhere = Peers::default();
    elsewhere.push(&Peer {
        ipv4: Ipv4Addr::new(198, 51, 100, 1),
        ..before_the_loss(1).1.at(0).unwrap()
    });
    for (is_whole, result) in [(true, 0), (false, NO_RESOURCES)] {
        let mut provisioning = provisioning(CONFIG);
        provisioning.recover(elsewhere.clone(), is_whole, at(0));
        assert_eq!(
            told(&ask(&mut provisioning, &map(9, 1, 600), at(1))).0,
            result
        );
    }
}

#[test]
fn fo_013_who_is_there_again_is_not_told_again() {
    let (sets, peers) = before_the_loss(4);
    let mut provisioning = after_the_loss(CONFIG, peers);
    for home in [1, 3] {
        ask(&mut provisioning, &suggesting(home, sets[&home]), at(0));
    }
    let frames = announced(&mut provisioning, at(0));
    let told: Vec<_> = frames.iter().map(|(_, frame)| outer_of(frame)).collect();
    assert_eq!(told.len(), 6);
    assert!(told.iter().all(|outer| [lwb4(2), lwb4(4)].contains(outer)));
    let facts = provisioning.recovery.facts().unwrap();
    assert_eq!((facts.peers, facts.returned, facts.sent), (4, 2, 6));
}

#[test]
fn fo_013_announcements_keep_to_their_rate_and_wait_for_room_and_next_hop() {
    let config =
        format!("{CONFIG}recovery = {{ announce_per_second = 100, jitter_ms = 0, rounds = 1 }}\n");
    let mut peers = Peers::default();
    for number in 0..1000 {
        peers.push(&Peer {
            outer: lwb4(number),
            ..before_the_loss(1).1.at(0).unwrap()
        });
    }
    let mut provisioning = after_the_loss(&config, peers);
    // Answers take all the room, or nobody knows the way: nothing is lost by it.
    assert_eq!(
        provisioning.due_announcements(Some(NEIGHBOUR), 0, at(1)),
        []
    );
    assert_eq!(provisioning.due_announcements(None, 64, at(60)), []);
    let frames = announced(&mut provisioning, at(60));
    assert_eq!(frames.len(), 1000);
    for second in 60..69 {
        let sent = frames
            .iter()
            .filter(|(time, _)| (at(second)..at(second + 1)).contains(time));
        assert!((98..=102).contains(&sent.count()), "in second {second}");
    }
}

#[test]
fn pc_080_an_operator_has_everybody_ask_again() {
    let mut provisioning = provisioning(CONFIG);
    for home in 1..=3 {
        ask(&mut provisioning, &map(home, 1, 600), at(0));
    }
    let mut others = Peers::default();
    others.push(&Peer {
        outer: lwb4(9),
        ..before_the_loss(1).1.at(0).unwrap()
    });
    provisioning.recover(others, true, at(50));
    let (answer, answered) = crossbeam_channel::bounded(1);
    provisioning.inquire(Inquiry::Announce(answer), at(100));
    assert!(provisioning.is_recovering());
    while !provisioning.go_on_gathering(at(100)) {}
    // Those who had not been told of a loss yet are not forgotten.
    assert_eq!(answered.recv(), Ok(4));
    assert_eq!(provisioning.facts(at(107)).epoch_s, 7);
    let frames = announced(&mut provisioning, at(100));
    assert_eq!(frames.len(), 3 * 4);
    // Nothing was lost, so newcomers are served.
    assert_eq!(told(&ask(&mut provisioning, &map(8, 1, 600), at(101))).0, 0);
}

#[test]
fn pc_146_the_roster_hears_of_everyone_and_of_what_is_new() {
    let mut provisioning = provisioning(CONFIG);
    provisioning.keep_notes();
    ask(&mut provisioning, &map(1, 1, 600), at(0));
    let noted = provisioning.take_notes();
    let expected = Peer {
        outer: lwb4(1),
        br: "2001:db8:af::1".parse().unwrap(),
        ipv4: Ipv4Addr::new(192, 0, 2, 0),
        asked_from: Some((Ipv4Addr::new(192, 0, 0, 2).into(), 40000)),
    };
    assert_eq!(noted, [expected]);
    ask(&mut provisioning, &map(1, 1, 900), at(1));
    assert_eq!(provisioning.take_notes(), [], "nothing is new");
    let mut packet = map(1, 1, 900);
    packet[60..62].copy_from_slice(&50000_u16.to_be_bytes());
    // Inside IPv4 a datagram needs no checksum (RFC 768).
    packet[66..68].fill(0);
    ask(&mut provisioning, &packet, at(2));
    let noted = provisioning.take_notes();
    assert_eq!(noted[0].asked_from.unwrap().1, 50000);
    for home in 2..100 {
        ask(&mut provisioning, &map(home, 1, 600), at(3));
    }
    let (mut all, mut place) = (Vec::new(), Some(Place::START));
    while let Some(from) = place {
        let (page, next) = provisioning.peers_from(from);
        all.extend(page);
        place = next;
    }
    assert_eq!(all.len(), 99);
    assert!(all.contains(&noted[0]));
}

proptest! {
    /// T-17, with everybody coming in any order.
    #[test]
    fn fo_011_after_a_loss_old_sets_go_to_those_who_had_them(
        homes in 1_u16..60,
        coming in prop::collection::vec((1_u16..90, 0_u32..119), 1..80),
    ) {
        let (sets, peers) = before_the_loss(homes);
        let mut provisioning = after_the_loss(CONFIG, peers);
        let mut coming = coming;
        coming.sort_by_key(|(_, second)| *second);
        for (home, second) in coming {
            let answer = match sets.get(&home) {
                Some(set) => {
                    let answer = ask(&mut provisioning, &suggesting(home, *set), at(second));
                    prop_assert_eq!((told(&answer).2, told(&answer).3), *set);
                    answer
                }
                None => {
                    let answer = ask(&mut provisioning, &map(home, 1, 600), at(second));
                    prop_assert_eq!(told(&answer).0, NO_RESOURCES);
                    answer
                }
            };
            // The epoch is that of the loss, for everybody.
            let epoch = u32::from_be_bytes(*answer.payload[76..].first_chunk().unwrap());
            prop_assert_eq!(epoch, second);
        }
        while let Some(batch) = provisioning.take_batch() {
            provisioning.finish(batch, Outcome::Done, at(119));
        }
    }
}

/// A server that goes on has nobody to tell (T-18).
#[test]
fn pc_083_fo_014_a_restart_with_all_leases_says_nothing() {
    let (_, leases) = super::super::tests::granted(3);
    let mut provisioning = provisioning(CONFIG);
    for lease in leases {
        provisioning.book.restore(lease).unwrap();
    }
    provisioning.server = Server::new(
        *provisioning.server.config(),
        ServerEpoch::continuing(5000, at(0)),
    );
    assert!(!provisioning.is_recovering());
    assert_eq!(
        provisioning.due_announcements(Some(NEIGHBOUR), 64, at(10)),
        []
    );
    assert_eq!(provisioning.facts(at(10)).epoch_s, 5010);
    assert_eq!(provisioning.facts(at(10)).recovery, None);
}
