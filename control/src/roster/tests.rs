//! A roster as it is written, and as it is read after everything that can happen to a file.

use std::fs;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use leases::file_store::LastCommit;
use leases::position::Position;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// A folder with a roster, or room for one.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn roster(&self) -> PathBuf {
        self.0.path().join("state/roster")
    }

    fn octets(&self) -> Vec<u8> {
        fs::read(self.roster()).unwrap()
    }

    /// A roster of these, with a mark.
    fn with(peers: &[Peer], mark: Mark) -> Self {
        let folder = Self::new();
        let mut roster = Roster::new(&folder.roster());
        roster.begin().unwrap();
        roster.rewrite(peers).unwrap();
        roster.mark(mark).unwrap();
        roster.replace().unwrap();
        folder
    }

    /// What is left of it when its file has these octets.
    fn holding(octets: &[u8]) -> Self {
        let folder = Self::new();
        fs::create_dir_all(folder.roster().parent().unwrap()).unwrap();
        fs::write(folder.roster(), octets).unwrap();
        folder
    }

    fn load(&self) -> (Vec<Peer>, Loaded) {
        let loaded = load(&self.roster());
        (loaded.peers.iter().collect(), loaded)
    }
}

fn peer(number: u16) -> Peer {
    Peer {
        outer: Ipv6Addr::new(0x2001, 0xdb8, 0xb4, 0, 0, 0, 0, number),
        br: "2001:db8:af::1".parse().unwrap(),
        ipv4: Ipv4Addr::new(192, 0, 2, number as u8 + 4),
        asked_from: Some((Ipv4Addr::new(192, 0, 0, 2).into(), 40000)),
    }
}

fn mark(store: u64, record: u64) -> Mark {
    Mark {
        position: Position { store, record },
        is_recovering: false,
    }
}

fn last(store: u64, record: u64) -> LastCommit {
    LastCommit {
        utc_ms: 1_800_000_000_000,
        epoch_s: 1000,
        position: Position { store, record },
    }
}

fn judged(roster: Option<Mark>, records: u64, last: Option<LastCommit>) -> Option<Loss> {
    let glance = Glance {
        mark: roster,
        records,
        trouble: None,
    };
    Loss::judge(&glance, last.as_ref())
}

/// The checksums are those of another program (zlib).
const WRITTEN: [&str; 7] = [
    "6c776166747220726f737465720000000000000000000000000000010d9ae227",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "030100000000000000000001112233445566778800000000000000090576efeb",
    "02000000000020010db800af0000000000000000000100000000000070a3d39b",
    "010200009c4020010db800b400000000000000000001c000020500003c874a0b",
    "01ff000014e620010db800b400000000000000000002c000020600006761cb96",
    "01000000000020010db800b400000000000000000003c00002070000f9978848",
];

#[test]
fn pc_146_a_roster_has_the_documented_layout() {
    let plain = Peer {
        asked_from: Some((peer(2).outer.into(), 5350)),
        ..peer(2)
    };
    let unknown = Peer {
        asked_from: None,
        ..peer(3)
    };
    let folder = Folder::with(
        &[peer(1), plain, unknown],
        Mark {
            is_recovering: true,
            ..mark(0x1122_3344_5566_7788, 9)
        },
    );
    let octets = folder.octets();
    let records: Vec<_> = octets
        .chunks(32)
        .map(|record| record.iter().map(|octet| format!("{octet:02x}")).collect())
        .collect::<Vec<String>>();
    assert_eq!(records, WRITTEN);
    let (peers, loaded) = folder.load();
    assert_eq!(peers, [peer(1), plain, unknown]);
    assert_eq!(loaded.damaged, 0);
    let glance = glance(&folder.roster());
    assert!(glance.mark.unwrap().is_recovering);
    assert_eq!(glance.records, 4);
}

#[test]
fn what_is_added_is_there_and_marks_take_turns() {
    let folder = Folder::new();
    let mut roster = Roster::new(&folder.roster());
    roster.add(&[peer(9)]).unwrap();
    roster.begin().unwrap();
    roster.rewrite(&[peer(1)]).unwrap();
    // While it is written anew, what happens goes there too.
    roster.add(&[peer(2)]).unwrap();
    roster.rewrite(&[peer(3)]).unwrap();
    assert!(!folder.roster().exists());
    roster.replace().unwrap();
    let other_br = Peer {
        br: "2001:db8:af::2".parse().unwrap(),
        ..peer(4)
    };
    roster.add(&[other_br]).unwrap();
    for record in 1..=5 {
        roster.mark(mark(7, record)).unwrap();
        assert_eq!(glance(&folder.roster()).mark, Some(mark(7, record)));
    }
    roster.sync().unwrap();
    let (peers, _) = folder.load();
    assert_eq!(peers, [peer(1), peer(2), peer(3), other_br]);
    // A mark that is half written leaves the one before.
    let mut octets = folder.octets();
    octets[32 + 31] ^= 1;
    octets[64 + 31] ^= 1;
    assert_eq!(glance(&Folder::holding(&octets).roster()).mark, None);
    octets[32 + 31] ^= 1;
    let other = glance(&Folder::holding(&octets).roster()).mark.unwrap();
    assert!(other.position.record >= 4, "{other:?}");
}

#[test]
fn the_last_entry_of_a_client_counts() {
    let mut peers = Peers::default();
    let moved = Peer {
        asked_from: Some((Ipv4Addr::new(192, 0, 0, 2).into(), 50000)),
        ..peer(1)
    };
    for one in [peer(1), peer(2), peer(1), moved, peer(3)] {
        peers.push(&one);
    }
    peers.settle(&mut fastrand::Rng::with_seed(1));
    let mut left: Vec<_> = peers.iter().collect();
    left.sort_by_key(|peer| peer.outer);
    assert_eq!(left, [moved, peer(2), peer(3)]);
}

#[test]
fn a_file_that_is_no_roster_is_read_as_nothing_and_said_so() {
    let folder =
        Folder::holding(b"[internet]\nipv4 = \"192.0.2.1\"\n# and more of it than a record has\n");
    assert!(matches!(
        glance(&folder.roster()).trouble,
        Some(RosterError::Header)
    ));
    assert_eq!(folder.load().0, []);
    let mut later = Folder::with(&[peer(1)], mark(7, 1)).octets();
    later[27] = 2;
    let checksum = crc32fast::hash(&later[..28]);
    later[28..32].copy_from_slice(&checksum.to_be_bytes());
    let folder = Folder::holding(&later);
    let glance = glance(&folder.roster());
    assert!(matches!(glance.trouble, Some(RosterError::Version(2))));
    assert_eq!((glance.mark, glance.records), (None, 0));
    assert_eq!(folder.load().0, []);
    let nothing = super::glance(&Folder::new().roster());
    assert!(nothing.trouble.is_none() && nothing.mark.is_none());
}

#[test]
fn pc_083_a_store_that_goes_on_has_lost_nothing() {
    assert_eq!(judged(None, 0, None), None);
    assert_eq!(judged(None, 0, Some(last(7, 5))), None);
    assert_eq!(judged(None, 9, Some(last(7, 5))), None);
    assert_eq!(judged(Some(mark(7, 5)), 9, Some(last(7, 5))), None);
    assert_eq!(judged(Some(mark(7, 5)), 9, Some(last(7, 6))), None);
    // It ended before anything was stored.
    assert_eq!(judged(Some(mark(7, 0)), 0, None), None);
}

#[test]
fn pc_080_a_store_that_is_gone_another_or_an_older_copy_has_lost_leases() {
    let known = Some(mark(7, 5));
    assert_eq!(judged(known, 9, None), Some(Loss::StoreIsNew));
    assert_eq!(judged(None, 9, None), Some(Loss::StoreIsNew));
    assert_eq!(judged(known, 9, Some(last(8, 99))), Some(Loss::OtherStore));
    assert_eq!(judged(known, 9, Some(last(7, 4))), Some(Loss::StoreIsOlder));
    let recovering = Some(Mark {
        is_recovering: true,
        ..mark(7, 5)
    });
    assert_eq!(
        judged(recovering, 9, Some(last(7, 6))),
        Some(Loss::NotAllTold)
    );
    assert_eq!(
        judged(recovering, 9, Some(last(7, 4))),
        Some(Loss::StoreIsOlder)
    );
    assert!(Loss::StoreIsOlder.restarts_epoch() && Loss::StoreIsOlder.rests_leases());
    assert!(!Loss::NotAllTold.restarts_epoch() && !Loss::OtherStore.rests_leases());
}

proptest! {
    #[test]
    fn a_torn_tail_costs_what_is_torn_and_nothing_else(
        count in 0_u16..40, cut in 0_usize..1500, zeros in 0_usize..100,
    ) {
        let all: Vec<_> = (0..count).map(peer).collect();
        let mut octets = Folder::with(&all, mark(7, 5)).octets();
        octets.truncate(octets.len() - cut.min(octets.len()));
        let whole = (octets.len() / 32).saturating_sub(4);
        octets.resize(octets.len() + zeros, 0);
        let (peers, loaded) = Folder::holding(&octets).load();
        prop_assert_eq!(&peers[..], &all[..whole.min(all.len())]);
        prop_assert!(loaded.damaged <= 1);
    }

    #[test]
    fn damage_costs_the_records_that_have_it(
        count in 1_u16..40, flips in prop::collection::vec((0_usize..1500, 1_u8..=255), 1..4),
    ) {
        let all: Vec<_> = (0..count).map(peer).collect();
        let mut octets = Folder::with(&all, mark(7, 5)).octets();
        let before = octets.clone();
        for (at, flip) in flips {
            let at = at % octets.len();
            octets[at] ^= flip;
        }
        let is_hit = |record: usize| {
            let range = record * 32..record * 32 + 32;
            octets[range.clone()] != before[range]
        };
        let survivors: Vec<_> = all
            .iter()
            .enumerate()
            // Without its BR address a peer cannot be told anything.
            .filter(|(place, _)| !is_hit(4 + place) && !is_hit(3))
            .map(|(_, peer)| *peer)
            .collect();
        let folder = Folder::holding(&octets);
        prop_assert_eq!(folder.load().0, survivors);
        let mark_is_hit = is_hit(1) || is_hit(2);
        prop_assert!(mark_is_hit || glance(&folder.roster()).mark == Some(mark(7, 5)));
    }

    #[test]
    fn any_octets_may_stand_in_the_place_of_a_roster(octets: Vec<u8>) {
        let folder = Folder::holding(&octets);
        let _ = glance(&folder.roster());
        folder.load();
    }
}
