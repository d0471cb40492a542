//! Every per-packet operation against the C original: one random sequence on two packets, through
//! Rust on the one and through the shim on the other, must leave the same packet.

use std::ffi::CStr;
use std::ptr;
use std::slice;

use dpdk_sys::rte_mbuf;
use proptest::prelude::*;

use super::*;
use crate::mempool::Mempool;
use crate::testing::pool;

#[derive(Clone, Debug)]
enum Step {
    Prepend(usize),
    Append(usize),
    TrimFront(usize),
    TrimEnd(usize),
    Chain(usize),
    Reset,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..160_usize).prop_map(Step::Prepend),
        4 => (0..1500_usize).prop_map(Step::Append),
        4 => (0..160_usize).prop_map(Step::TrimFront),
        4 => (0..160_usize).prop_map(Step::TrimEnd),
        2 => (0..300_usize).prop_map(Step::Chain),
        1 => Just(Step::Reset),
    ];
    prop::collection::vec(step, 0..40)
}

fn packet(pool: &Mempool, length: usize) -> Mbuf {
    let mut burst = Burst::<1>::new();
    pool.allocate_burst(&mut burst, 1).unwrap();
    let mut mbuf = burst.remove(0);
    fill(mbuf.append(length).unwrap());
    mbuf
}

fn fill(bytes: &mut [u8]) {
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = (index as u8)
            .wrapping_mul(7)
            .wrapping_add(bytes_seed(index));
    }
}

fn bytes_seed(index: usize) -> u8 {
    (index >> 8) as u8
}

/// Returns whether the step was possible.
fn in_rust(mbuf: &mut Mbuf, step: &Step, pool: &Mempool) -> bool {
    match *step {
        Step::Prepend(n) => {
            let done = mbuf.prepend(n).is_ok();
            if done {
                fill(&mut mbuf.data_mut()[..n]);
            }
            done
        }
        Step::Append(n) => mbuf.append(n).map(fill).is_ok(),
        Step::TrimFront(n) => mbuf.trim_front(n).is_ok(),
        Step::TrimEnd(n) => {
            // C takes from the last segment only, and refuses what is more than that.
            let last = mbuf.segment_data().last().unwrap().len();
            let possible = n < last || (n == last && mbuf.is_contiguous());
            if possible {
                mbuf.truncate(mbuf.len() - n);
            }
            possible
        }
        Step::Chain(n) => mbuf.chain(chain_of(pool, &[n, n / 2])).is_ok(),
        Step::Reset => {
            mbuf.reset();
            true
        }
    }
}

fn in_c(mbuf: &mut Mbuf, step: &Step, pool: &Mempool) -> bool {
    let raw = mbuf.0.as_ptr();
    let written = |place: *mut std::ffi::c_char, n: usize| {
        if !place.is_null() {
            // SAFETY: C returns `n` bytes of the packet.
            fill(unsafe { slice::from_raw_parts_mut(place.cast(), n) });
        }
        !place.is_null()
    };
    match *step {
        // SAFETY: a valid mbuf of ours, here and in all arms below.
        Step::Prepend(n) => written(
            unsafe { dpdk_sys::dpdk_shim_mbuf_prepend(raw, n as u16) },
            n,
        ),
        // SAFETY: as above.
        Step::Append(n) => written(unsafe { dpdk_sys::dpdk_shim_mbuf_append(raw, n as u16) }, n),
        // SAFETY: as above.
        Step::TrimFront(n) => !unsafe { dpdk_sys::dpdk_shim_mbuf_adj(raw, n as u16) }.is_null(),
        Step::TrimEnd(n) => {
            let last = mbuf.segment_data().last().unwrap().len();
            let empties_a_later_segment = n == last && !mbuf.is_contiguous();
            // SAFETY: as above.
            !empties_a_later_segment && unsafe { dpdk_sys::dpdk_shim_mbuf_trim(raw, n as u16) } == 0
        }
        Step::Chain(n) => {
            let tail = std::mem::ManuallyDrop::new(chain_of(pool, &[n, n / 2]));
            // SAFETY: two valid mbufs of ours; the tail is given up.
            unsafe { dpdk_sys::dpdk_shim_mbuf_chain(raw, tail.0.as_ptr()) == 0 }
        }
        Step::Reset => {
            mbuf.free_after_first();
            // SAFETY: as above.
            unsafe { dpdk_sys::dpdk_shim_mbuf_reset(raw) };
            true
        }
    }
}

/// All that matters of one segment; the packet's fields are the first one's.
#[derive(Debug, PartialEq)]
struct Segment {
    data_off: u16,
    pkt_len: u32,
    nb_segs: u16,
    port: u16,
    flags: u64,
    vlan: (u16, u16),
    tx_offload: u64,
    packet_type: u32,
    data: Vec<u8>,
}

fn snapshot(mbuf: &Mbuf) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut next: *const rte_mbuf = mbuf.0.as_ptr();
    // SAFETY: null or a valid segment of the chain.
    while let Some(raw) = unsafe { next.as_ref() } {
        segments.push(Segment {
            data_off: raw.data_off,
            pkt_len: raw.pkt_len,
            nb_segs: raw.nb_segs,
            port: raw.port,
            flags: raw.ol_flags,
            vlan: (raw.vlan_tci, raw.vlan_tci_outer),
            // SAFETY: every bit pattern is a number.
            tx_offload: unsafe { raw.__bindgen_anon_3.tx_offload },
            // SAFETY: every bit pattern is a number.
            packet_type: unsafe { raw.__bindgen_anon_1.packet_type },
            data: segment_data(raw).to_vec(),
        });
        next = raw.next;
    }
    segments
}

/// DPDK's own opinion of the chain.
fn check(mbuf: &Mbuf) {
    let mut reason = ptr::null();
    // SAFETY: a valid mbuf of ours; the reason is a static text.
    let returned = unsafe { dpdk_sys::rte_mbuf_check(mbuf.0.as_ptr(), 1, &mut reason) };
    if returned != 0 {
        // SAFETY: set to a static, terminated text.
        panic!("{:?}", unsafe { CStr::from_ptr(reason) });
    }
}

/// What C says of the packet, through its own inline functions.
fn c_view(mbuf: &Mbuf) -> (u16, bool, *mut u8) {
    let raw = mbuf.0.as_ptr();
    // SAFETY: a valid mbuf of ours.
    let headroom = unsafe { dpdk_sys::dpdk_shim_mbuf_headroom(raw) };
    // SAFETY: a valid mbuf of ours.
    let contiguous = unsafe { dpdk_sys::dpdk_shim_mbuf_is_contiguous(raw) } != 0;
    // SAFETY: a valid mbuf of ours.
    let data = unsafe { dpdk_sys::dpdk_shim_mbuf_data(raw) };
    (headroom, contiguous, data.cast())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rust_and_c_leave_the_same_packet(length in 0..1500_usize, steps in steps()) {
        let pool = pool(255);
        let (mut ours, mut theirs) = (packet(&pool, length), packet(&pool, length));
        for mbuf in [&mut ours, &mut theirs] {
            mbuf.raw_mut().vlan_tci_outer = 7;
            mbuf.raw_mut().__bindgen_anon_1.packet_type = 0x91;
            mbuf.set_tx_vlan(5);
            mbuf.set_tx_ipv4_checksum(14, 20);
        }
        for step in &steps {
            let done = in_rust(&mut ours, step, &pool);
            prop_assert_eq!(done, in_c(&mut theirs, step, &pool), "{:?}", step);
            prop_assert_eq!(snapshot(&ours), snapshot(&theirs), "{:?}", step);
            check(&ours);
            let data = ours.data().as_ptr().cast_mut();
            prop_assert_eq!(c_view(&ours), (ours.headroom() as u16, ours.is_contiguous(), data));
            prop_assert_eq!(ours.segments(), snapshot(&ours).len());
        }
        drop((ours, theirs));
        prop_assert_eq!(pool.in_use(), 0);
    }

    #[test]
    fn reading_across_segments_is_reading_the_bytes(
        parts in prop::collection::vec(0..200_usize, 1..6), offset in 0..600_usize, wanted in 0..600_usize,
    ) {
        let pool = pool(63);
        let mbuf = chain_of(&pool, &parts);
        let mut ours = vec![0xaa; wanted];
        let mut theirs = vec![0; wanted];
        // SAFETY: a valid mbuf of ours, and place for the bytes wanted.
        let place = unsafe {
            dpdk_sys::dpdk_shim_mbuf_read(mbuf.0.as_ptr(), offset as u32, wanted as u32, theirs.as_mut_ptr().cast())
        };
        let copied = mbuf.copy_out(offset, &mut ours);
        // C refuses an empty read at the very end; ours gives the nothing that was asked for.
        if place.is_null() && wanted > 0 {
            let available = mbuf.len().saturating_sub(offset);
            prop_assert_eq!(copied, Err(NoRoom { wanted, available }));
            prop_assert!(ours.iter().all(|&byte| byte == 0xaa));
        } else if wanted > 0 {
            prop_assert_eq!(copied, Ok(()));
            // SAFETY: C returns `wanted` bytes, in the packet or in the buffer given.
            let theirs = unsafe { slice::from_raw_parts(place.cast::<u8>(), wanted) };
            prop_assert_eq!(&ours[..], theirs);
        }
    }

    #[test]
    fn a_truncated_packet_is_a_prefix_and_frees_the_rest(
        parts in prop::collection::vec(0..200_usize, 1..6), length in 0..1000_usize,
    ) {
        let pool = pool(63);
        let mut mbuf = chain_of(&pool, &parts);
        let mut expected = mbuf.segment_data().collect::<Vec<_>>().concat();
        expected.truncate(length);
        mbuf.truncate(length);
        check(&mbuf);
        prop_assert_eq!(mbuf.len(), expected.len());
        prop_assert_eq!(mbuf.segment_data().collect::<Vec<_>>().concat(), expected);
        prop_assert_eq!(mbuf.segments(), mbuf.segment_data().count());
        prop_assert_eq!(pool.in_use() as usize, mbuf.segments());
        if length < parts.iter().sum() && mbuf.segments() > 1 {
            prop_assert!(!mbuf.segment_data().last().unwrap().is_empty());
        }
        drop(mbuf);
        prop_assert_eq!(pool.in_use(), 0);
    }
}

fn chain_of(pool: &Mempool, parts: &[usize]) -> Mbuf {
    let mut mbuf = packet(pool, parts[0]);
    for &part in &parts[1..] {
        mbuf.chain(packet(pool, part)).unwrap();
    }
    mbuf
}

#[test]
fn a_refusal_says_how_much_there_was() {
    let pool = pool(63);
    let mut mbuf = packet(&pool, 60);
    let refused = |wanted, available| Err(NoRoom { wanted, available });
    assert_eq!(mbuf.prepend(129), refused(129, 128));
    assert_eq!(mbuf.trim_front(61), refused(61, 60));
    assert_eq!(mbuf.append(1989).map(|_| ()), refused(1989, 1988));
    assert_eq!(mbuf.prepend(usize::MAX), refused(usize::MAX, 128));
    assert_eq!(mbuf.trim_front(1 << 16), refused(1 << 16, 60));
    assert_eq!(mbuf.append(1 << 32).map(|_| ()), refused(1 << 32, 1988));
    assert_eq!((mbuf.len(), mbuf.headroom()), (60, 128));
}

#[test]
fn bulk_freeing_returns_whole_chains_of_several_pools() {
    let (first, second) = (pool(63), pool(63));
    let mut burst = Burst::<8>::new();
    burst.push(chain_of(&first, &[10, 20, 30]));
    burst.push(packet(&second, 5));
    burst.push(packet(&first, 5));
    assert_eq!((first.in_use(), second.in_use()), (4, 1));
    free_bulk(&mut burst);
    assert!(burst.is_empty());
    assert_eq!((first.in_use(), second.in_use()), (0, 0));
    free_bulk(&mut burst);
}

#[test]
fn prefetching_changes_nothing() {
    let pool = pool(63);
    let mbuf = packet(&pool, 60);
    let before = snapshot(&mbuf);
    mbuf.prefetch_header();
    mbuf.prefetch_data();
    assert_eq!(snapshot(&mbuf), before);
}
