//! Requests by the short way against the careful one.

use proptest::prelude::*;

use super::*;
use crate::counters::Counters;
use crate::heap_packet::HeapPacket;
use crate::pipeline::Ledger;
use crate::pipeline::Share;
use crate::pipeline::Verdict;
use crate::pipeline::tests::careful;
use crate::pipeline::tests::forwarding;
use crate::pipeline::tests::mend;
use crate::pipeline::tests::pcp;
use crate::pipeline::tests::reader;
use crate::side::Side;

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
