//! What an error costs that is not sent, because too many were (IC-012): nothing is built, and no buffer taken.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::watched_packet::WatchedPacket;
use super::watched_packet::Work;
use super::*;
use crate::counters::Counter;
use crate::instant::Instant;
use crate::limiter::Rates;
use crate::pipeline::Detour;
use crate::wire::icmpv6::Icmpv6Error;

/// A box that may send one error, and then no other.
struct Bench {
    pipeline: Pipeline,
    detour: Detour<WatchedPacket>,
    counters: Counters,
    reader: Reader,
    work: Rc<Cell<Work>>,
}

impl Bench {
    fn new(narrow: impl FnOnce(&mut Forwarding)) -> Self {
        let mut settings = forwarding();
        let rates = Rates {
            per_second: 1,
            burst: 1,
            per_source: 1,
        };
        settings.internet_icmp.rates = rates;
        settings.access_icmp.rates = rates;
        narrow(&mut settings);
        let pipeline = Pipeline::new(settings);
        Self {
            detour: pipeline.detour(Share::WHOLE),
            pipeline,
            counters: Counters::default(),
            reader: reader(),
            work: Rc::default(),
        }
    }

    /// What becomes of a packet, which comes back with what was done to it.
    fn run(&mut self, side: Side, packet: &HeapPacket) -> (Verdict, HeapPacket, Work) {
        self.work.set(Work::default());
        let mut burst = [WatchedPacket::new(packet.clone(), &self.work)];
        let (table, detour) = (self.reader.table(), &mut self.detour);
        let mut ledger = Ledger::new(&self.counters, side);
        let pipeline = &self.pipeline;
        let verdicts = match side {
            Side::Internet => pipeline.from_internet(table, &mut burst, detour, &mut ledger),
            Side::Access => pipeline.from_access(table, &mut burst, detour, &mut ledger),
        };
        ledger.close();
        let [packet] = burst;
        (verdicts[0], packet.packet, self.work.get())
    }

    fn limited(&self) -> u64 {
        self.counters.get(Counter::IcmpErrorsLimited)
    }
}

/// A UDP packet of the lwB4, from this port, in its tunnel.
fn up(source_port: u16, ttl: u8, flags: u8, payload: usize) -> HeapPacket {
    let mut inner = vec![0x45, 0, 0, 0, 0, 1, flags, 0, ttl, 17, 0, 0];
    inner[2..4].copy_from_slice(&((28 + payload) as u16).to_be_bytes());
    inner.extend(SHARED.octets());
    inner.extend(OUTSIDE.octets());
    mend(&mut inner);
    inner.extend(source_port.to_be_bytes());
    inner.resize(28 + payload, 0);
    tunnelled(B4.octets(), &inner)
}

/// The same from the Internet, to a port of the lwB4.
fn down(ttl: u8, flags: u8, payload: usize) -> HeapPacket {
    let mut packet = udp(5000, ttl, 0, &vec![0; payload]);
    packet.head_mut()[20] = flags;
    mend(&mut packet.head_mut()[14..34]);
    packet
}

/// What a lwB4 says of a tunnel packet of ours that it does not take (1/5).
fn refused() -> HeapPacket {
    let (reader, pipeline) = (reader(), Pipeline::new(forwarding()));
    let mut sent = [down(64, 0, 0)];
    from_internet(&pipeline, &reader, &mut sent);
    let quote = &sent[0].head()[14..];
    let mut message = vec![1, 0, 0, 0, 0, 0, 0, 0];
    message.extend(quote);
    Icmpv6Error::SOURCE_FAILED_POLICY.write(&mut message, &B4.octets(), &BR.octets());
    let mut packet = tunnelled(B4.octets(), &message);
    packet.head_mut()[20] = 58;
    packet
}

const DONT_FRAGMENT: u8 = 0x40;

#[test]
fn ic_012_the_buckets_are_asked_before_anything_is_built() {
    let odd_piece = tunnel_fragment(17, 1, 1, &[0; 12]);
    for (what, side, packet, reason) in [
        (
            "3/1 down",
            Side::Internet,
            udp(1, 64, 0, &[]),
            DropReason::NoSoftwire,
        ),
        (
            "11/0 down",
            Side::Internet,
            down(1, 0, 0),
            DropReason::TtlExpired,
        ),
        (
            "3/4 down",
            Side::Internet,
            down(64, DONT_FRAGMENT, 1400),
            DropReason::DontFragment,
        ),
        (
            "1/5",
            Side::Access,
            up(1, 64, 0, 0),
            DropReason::UnboundSource,
        ),
        (
            "11/0 up",
            Side::Access,
            up(5000, 1, 0, 0),
            DropReason::TtlExpired,
        ),
        (
            "3/4 up",
            Side::Access,
            up(5000, 64, DONT_FRAGMENT, 1400),
            DropReason::DontFragment,
        ),
        (
            "4/0",
            Side::Access,
            odd_piece,
            DropReason::Ipv6FragmentLength,
        ),
        ("a relay", Side::Access, refused(), DropReason::Icmpv6Rate),
    ] {
        let mut bench = Bench::new(|settings| {
            settings.internet.mtu = 1400;
            settings.access.mtu = 1400;
        });
        let (verdict, _, work) = bench.run(side, &packet);
        assert!(
            matches!(verdict, Verdict::Internet | Verdict::Access),
            "{what}: {verdict:?}"
        );
        assert!(
            work.grown + work.cut > 0 && work.written > 0,
            "{what}: {work:?}"
        );
        assert_eq!(work.taken, 0, "{what} is made of the packet itself");
        let (verdict, after, work) = bench.run(side, &packet);
        assert_eq!(verdict, Verdict::Drop(reason), "{what}");
        assert_eq!((work, after), (Work::default(), packet), "{what}");
    }
}

#[test]
fn ic_012_no_error_about_a_time_out_is_built_for_nothing() {
    let mut bench = Bench::new(|_| ());
    for id in 0..5 {
        let piece = tunnel_fragment(17, id, 1, &[0; 16]);
        assert_eq!(bench.run(Side::Access, &piece).0, Verdict::Absorbed);
    }
    bench.work.set(Work::default());
    bench
        .detour
        .set_now(Instant::default() + Duration::from_secs(61));
    let mut ledger = Ledger::new(&bench.counters, Side::Access);
    let mut sent = 0;
    bench
        .pipeline
        .give_up_reassembly(&mut bench.detour, &mut ledger, |_| sent += 1);
    ledger.close();
    assert_eq!((sent, bench.limited()), (1, 4));
    let Work { taken, grown, .. } = bench.work.get();
    assert_eq!(
        (taken, grown),
        (0, 1),
        "one error is made, of its own piece"
    );
}
