//! Requests by the short way against the careful one, and requests in fragments beside floods.

use proptest::prelude::*;

use super::*;
use crate::counters::Counters;
use crate::drop_reason::DropReason;
use crate::heap_packet::HeapPacket;
use crate::limiter::Rates;
use crate::pipeline::Ledger;
use crate::pipeline::Share;
use crate::pipeline::Verdict;
use crate::pipeline::tests::B4;
use crate::pipeline::tests::OUTSIDE;
use crate::pipeline::tests::SHARED;
use crate::pipeline::tests::careful;
use crate::pipeline::tests::forwarding;
use crate::pipeline::tests::mend;
use crate::pipeline::tests::pcp;
use crate::pipeline::tests::reader;
use crate::pipeline::tests::tunnel_fragment;
use crate::side::Side;
use crate::table::Reader;

/// A request with octets changed, the inner checksum mended or not, and octets behind it or missing.
fn request() -> impl Strategy<Value = HeapPacket> {
    let anywhere = (0_usize..82, any::<u8>());
    // What makes a request: versions, lengths, Next Header, BR, fragment, protocol, addresses, port.
    let what_counts = prop_oneof![
        Just(14_usize),
        Just(18),
        Just(19),
        Just(20),
        Just(53),
        Just(54),
        Just(57),
        Just(60),
        Just(61),
        Just(63),
        66_usize..74,
        76_usize..78,
    ];
    let values = prop_oneof![0_u8..9, Just(0x20), Just(0x46), any::<u8>()];
    let change = prop_oneof![anywhere, (what_counts, values)];
    let changes = prop_oneof![1 => Just(Vec::new()), 3 => proptest::collection::vec(change, 1..3)];
    (0_u8..4, changes, any::<bool>(), -30_isize..30).prop_map(|(b4, changes, is_mended, more)| {
        let mut frame = pcp([b4; 16]).head().to_vec();
        for (at, value) in changes {
            frame[at] = value;
        }
        if is_mended {
            mend(&mut frame[54..74]);
        }
        let len = frame
            .len()
            .saturating_add_signed(more.max(-12) * isize::from(more.abs() > 10));
        frame.resize(len, 0);
        HeapPacket::new(&frame)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn the_short_way_up_leads_where_the_careful_path_does(
        requests in proptest::collection::vec(request(), 1..24),
    ) {
        let settings = forwarding();
        let reader = reader();
        let run = |pipeline: Pipeline| {
            let mut burst = requests.clone();
            let counters = Counters::default();
            let mut ledger = Ledger::new(&counters, Side::Access);
            let mut detour = pipeline.detour(Share::WHOLE);
            let verdicts = pipeline.from_access(reader.table(), &mut burst, &mut detour, &mut ledger);
            ledger.close();
            let counted: Vec<_> = counters.iter().filter(|(_, value)| *value > 0).collect();
            let punted = (0..burst.len()).filter(|index| matches!(verdicts[*index], Verdict::Punt(_)));
            let sources: Vec<_> = punted.map(|index| detour.source_up(index)).collect();
            (verdicts[..burst.len()].to_vec(), sources, burst, counted)
        };
        prop_assert_eq!(run(Pipeline::new(settings.clone())), run(careful(settings)));
    }
}

#[test]
fn pc_001_a_usual_request_needs_no_careful_reading() {
    let (pipeline, reader) = (Pipeline::new(forwarding()), reader());
    let mut detour = pipeline.detour(Share::WHOLE);
    let mut verdicts = Verdicts::all(Verdict::Internet);
    let requests = [pcp([1; 16]), pcp([2; 16])];
    let places = Places::first(2);
    let left = pipeline.punt_requests(
        reader.table(),
        &requests,
        places,
        &mut verdicts,
        &mut detour,
    );
    assert!(left.is_empty());
    assert_eq!(verdicts[..2], [Verdict::Punt(PuntClass::Pcp); 2]);
}

/// A box without room to be made for anybody, so that what is full stays full.
struct Full {
    pipeline: Pipeline,
    detour: Detour<HeapPacket>,
    reader: Reader,
    counters: Counters,
}

impl Full {
    fn new() -> Self {
        let pipeline = Pipeline::new(forwarding());
        let none = Rates {
            per_second: 1,
            burst: 1,
            per_source: 1,
        };
        let share = Share {
            evictions: none,
            ..Share::WHOLE
        };
        Self {
            detour: pipeline.detour(share),
            pipeline,
            reader: reader(),
            counters: Counters::default(),
        }
    }

    fn run<const N: usize>(&mut self, mut burst: [HeapPacket; N]) -> [Verdict; N] {
        let mut ledger = Ledger::new(&self.counters, Side::Access);
        let (table, detour) = (self.reader.table(), &mut self.detour);
        let verdicts = self
            .pipeline
            .from_access(table, &mut burst, detour, &mut ledger);
        ledger.close();
        std::array::from_fn(|index| verdicts[index])
    }

    /// First fragments of `octets`, each of another packet, until no more wait.
    fn flood(&mut self, octets: &[u8]) {
        let mut id = 1000;
        loop {
            let held = self.detour.held_ipv6_fragments();
            self.run([tunnel_fragment(4, id, MORE, &octets[..24])]);
            if self.detour.held_ipv6_fragments() == held {
                return;
            }
            id += 1;
        }
    }
}

/// The inner packet of a frame made here.
fn inner(frame: &HeapPacket) -> Vec<u8> {
    frame.head()[54..].to_vec()
}

/// An IPv4 packet in two fragments of a tunnel packet.
fn halves(id: u32, octets: &[u8]) -> [HeapPacket; 2] {
    [
        tunnel_fragment(4, id, MORE, &octets[..24]),
        tunnel_fragment(4, id, 24, &octets[24..]),
    ]
}

fn data() -> Vec<u8> {
    let mut octets = vec![0x45, 0, 0, 36, 0, 1, 0, 0, 64, 17, 0, 0];
    octets.extend(SHARED.octets());
    octets.extend(OUTSIDE.octets());
    mend(&mut octets);
    octets.extend([0x13, 0x88, 0x14, 0xe7, 0, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    octets
}

#[test]
fn pc_006_a_request_in_fragments_has_room_when_data_has_taken_all_of_its_own() {
    let mut full = Full::new();
    full.flood(&data());
    assert!(full.detour.reassembly.is_crowded());
    let [first, second] = halves(1, &inner(&pcp(B4.octets())));
    assert_eq!(full.run([first]), [Verdict::Absorbed]);
    assert_eq!(full.run([second]), [Verdict::Punt(PuntClass::Pcp)]);
    // And in one burst, others among them.
    let [first, second] = halves(2, &inner(&pcp(B4.octets())));
    let [other, _] = halves(3, &data());
    let no_room = Verdict::Drop(DropReason::Ipv6FragmentNoRoom);
    assert_eq!(
        full.run([other, first, second]),
        [no_room, Verdict::Absorbed, Verdict::Punt(PuntClass::Pcp)]
    );
}

#[test]
fn fr_010_data_in_fragments_has_room_when_requests_have_taken_all_of_theirs() {
    let mut full = Full::new();
    full.flood(&inner(&pcp(B4.octets())));
    assert!(full.detour.requests.is_crowded());
    assert_eq!(full.detour.reassembly.held(), 0);
    let [first, second] = halves(1, &data());
    assert_eq!(full.run([first]), [Verdict::Absorbed]);
    assert_eq!(full.run([second]), [Verdict::Internet]);
}

/// Whose packet a later fragment is of cannot be seen: it waits among all others.
#[test]
fn a_request_whose_first_fragment_comes_last_is_put_together_like_any_packet() {
    let mut full = Full::new();
    let [first, second] = halves(1, &inner(&pcp(B4.octets())));
    assert_eq!(full.run([second]), [Verdict::Absorbed]);
    assert_eq!(full.run([first]), [Verdict::Punt(PuntClass::Pcp)]);
    assert_eq!(full.detour.held_ipv6_fragments(), 0);
    assert!(full.detour.requests.is_empty());
}

/// More fragments follow, behind this one of 24 octets.
const MORE: u16 = 1;
