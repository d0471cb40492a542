//! What a worker remembers for the packets that do not simply pass: errors sent, fragments that wait,
//! pieces that are on their way.
//!
//! The express lane never looks here, so that plain traffic touches none of its cache lines. All memory
//! is there from the start.

use crate::burst::BURST_MAX;
use crate::forwarding::Forwarding;
use crate::forwarding::Link;
use crate::fragmentation::identification::Identifications;
use crate::fragmentation::tails::Tails;
use crate::heap_packet::ROOM;
use crate::instant::Instant;
use crate::limiter::Limiter;
use crate::limiter::Rates;
use crate::packet::Packet;
use crate::path_mtu::NewsQueue;
use crate::pipeline::Pipeline;
use crate::punt::PuntClass;
use crate::reassembly;
use crate::reassembly::Reassembly;
use crate::side::Side;
use crate::virtual_reassembly;
use crate::virtual_reassembly::VirtualReassembly;
use crate::wire::ethernet;
use crate::wire::icmpv4::Icmpv4Error;

/// Which part of the box's means a worker has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Share {
    /// The worker's number.
    pub worker: u8,
    /// How many workers the box has.
    pub workers: u8,
    /// Packet buffers that this worker may hold back.
    pub buffers: usize,
    /// What the Identifications of fragments are made from (FR-007), and where fragments meet: all
    /// workers of a box have the same, and nobody else may know it.
    pub secret: u64,
    /// Fragments that may have others make room for them, of each kind.
    pub evictions: Rates,
}

impl Share {
    /// That of a worker which is alone and has memory in plenty, with a secret that everybody knows.
    pub const WHOLE: Self = Self {
        worker: 0,
        workers: 1,
        buffers: 4096,
        secret: 1,
        evictions: Self::EVICTIONS,
    };

    /// It takes a flood to need as many: honest fragments meet, and free the room they took. A microsecond
    /// each, as cold as their memory is by then; and who had room made keeps it for 50 ms, longer than
    /// fragments are apart.
    pub const EVICTIONS: Rates = Rates {
        per_second: 20_000,
        burst: 2000,
        per_source: 1000,
    };

    /// IPv6 fragments that may wait at once: half of the buffers are for them and for those of requests. An
    /// incomplete packet has one at least.
    #[must_use]
    pub fn ipv6_fragments(self, forwarding: &Forwarding) -> usize {
        let packets = self.of(forwarding.reassembly.max_packets);
        packets
            .saturating_mul(forwarding.reassembly.max_fragments)
            .min(self.all_ipv6_fragments(forwarding) - self.request_fragments(forwarding))
    }

    /// IPv6 fragments of PCP requests that may wait at once, beside the others: few, for a request hardly
    /// ever needs to be fragmented (1100 octets, RFC 6887 s7), and those of a packet follow each other.
    #[must_use]
    pub fn request_fragments(self, forwarding: &Forwarding) -> usize {
        (self.all_ipv6_fragments(forwarding) / 8).min(REQUEST_FRAGMENTS)
    }

    fn all_ipv6_fragments(self, forwarding: &Forwarding) -> usize {
        self.buffers / 2 / frame_buffers(&forwarding.access)
    }

    /// IPv6 packets that may be incomplete at once.
    #[must_use]
    pub fn ipv6_packets(self, forwarding: &Forwarding) -> usize {
        let packets = self.of(forwarding.reassembly.max_packets);
        packets.min(self.ipv6_fragments(forwarding))
    }

    /// IPv4 fragments that may wait at once in each direction: a quarter of the buffers.
    #[must_use]
    pub fn ipv4_fragments(self, forwarding: &Forwarding) -> usize {
        self.of(forwarding.fragment_cache.max_packets)
            .min(self.buffers / 4 / held_buffers(forwarding))
    }

    /// This worker's part of a number that all workers share.
    fn of(self, whole: usize) -> usize {
        whole.div_ceil(usize::from(self.workers.max(1)))
    }
}

/// The memory of one worker's detours.
#[derive(Debug)]
pub struct Detour<P> {
    pub(super) now: Instant,
    /// As in the share.
    pub(super) secret: u64,
    /// When it was last looked for what has waited too long.
    looked: Instant,
    pub(super) is_stirred: bool,
    pub(super) internet_errors: Limiter,
    pub(super) access_errors: Limiter,
    /// Apart from the others, because forwarding depends on them: what asks for smaller packets.
    pub(super) internet_too_big: Limiter,
    pub(super) access_too_big: Limiter,
    /// What goes up to control, by class.
    pub(super) punts: [Limiter; PuntClass::COUNT],
    /// Of the packets of a burst that go up: who is behind them, by their places.
    pub(super) sources: [[u8; 16]; BURST_MAX],
    pub(super) identifications: Identifications,
    /// Where news of paths go.
    pub(super) news: Option<NewsQueue>,
    /// IPv4 fragments from the Internet.
    pub(super) down: VirtualReassembly<Held<P>>,
    /// IPv4 fragments from lwB4s.
    pub(super) up: VirtualReassembly<Held<P>>,
    /// IPv6 fragments from lwB4s.
    pub(super) reassembly: Reassembly<P>,
    /// Those of PCP requests, as far as that can be seen: data cannot take their room, nor they that of data.
    pub(super) requests: Reassembly<P>,
    /// Later pieces of packets that leave for the Internet, in the order of their first ones.
    pub(super) to_internet: Tails<P>,
    /// Later pieces of packets that leave for lwB4s.
    pub(super) to_access: Tails<P>,
}

/// A packet that waits.
#[derive(Debug)]
pub(super) struct Held<P> {
    pub(super) packet: P,
    /// Its octets, as the counters of its side have them.
    pub(super) bytes: u32,
}

impl Pipeline {
    /// The memory that goes with these settings, for a worker with this share.
    #[must_use]
    pub fn detour<P: Packet>(&self, share: Share) -> Detour<P> {
        Detour::new(&self.forwarding, share)
    }
}

impl<P: Packet> Detour<P> {
    fn new(forwarding: &Forwarding, share: Share) -> Self {
        let workers = u32::from(share.workers);
        let limiter = |rates: Rates| Limiter::new(rates.share(workers));
        let punts = |class: PuntClass| {
            let rates = forwarding.punts.of(class).share(workers);
            Limiter::with_sources(rates, punt_sources(class))
        };
        let fragments = || {
            VirtualReassembly::new(virtual_reassembly::Limits {
                datagrams: share.of(forwarding.fragment_cache.max_packets),
                held: share.ipv4_fragments(forwarding),
                held_each: HELD_EACH,
                timeout: forwarding.fragment_cache.timeout,
                evictions: share.evictions,
            })
        };
        Self {
            now: Instant::default(),
            secret: share.secret,
            looked: Instant::default(),
            is_stirred: false,
            internet_errors: limiter(forwarding.internet_icmp.rates),
            access_errors: limiter(forwarding.access_icmp.rates),
            internet_too_big: limiter(forwarding.internet_icmp.rates),
            access_too_big: limiter(forwarding.access_icmp.rates),
            punts: PuntClass::ALL.map(punts),
            sources: [[0; 16]; BURST_MAX],
            identifications: Identifications::new(share.secret, share.worker, share.workers),
            news: None,
            down: fragments(),
            up: fragments(),
            reassembly: Reassembly::new(reassembly::Limits {
                packets: share.of(forwarding.reassembly.max_packets),
                fragments_each: forwarding.reassembly.max_fragments,
                buffers: share.ipv6_fragments(forwarding),
                timeout: forwarding.reassembly.timeout,
                evictions: share.evictions,
            }),
            requests: Reassembly::new(reassembly::Limits {
                packets: share.request_fragments(forwarding),
                fragments_each: forwarding
                    .reassembly
                    .max_fragments
                    .min(REQUEST_FRAGMENTS_EACH),
                buffers: share.request_fragments(forwarding),
                timeout: forwarding.reassembly.timeout,
                evictions: share.evictions,
            }),
            to_internet: Tails::with_capacity(TAILS),
            to_access: Tails::with_capacity(TAILS),
        }
    }

    /// Tells `queue` what is heard of the paths to lwB4s.
    pub fn tell(&mut self, queue: NewsQueue) {
        self.news = Some(queue);
    }

    /// Says what time it is, once a burst. Returns whether it is time to look at what waits.
    #[inline(always)]
    pub fn set_now(&mut self, now: Instant) -> bool {
        self.now = now;
        let is_due = now.nanos_since(self.looked) >= LOOK_EVERY_NS;
        if is_due {
            self.looked = now;
        }
        is_due
    }

    /// Whether fragments came since this was last asked, so that others may go on or must give way.
    #[inline(always)]
    pub fn take_stirred(&mut self) -> bool {
        std::mem::take(&mut self.is_stirred)
    }

    /// The next fragment of `side` whose first has come meanwhile.
    pub fn resume(&mut self, side: Side) -> Option<P> {
        Some(self.fragments(side).release()?.packet)
    }

    /// The next of the later pieces that leave by `side`.
    pub fn next_piece(&mut self, side: Side) -> Option<P> {
        match side {
            Side::Internet => self.to_internet.pop(),
            Side::Access => self.to_access.pop(),
        }
    }

    /// How many IPv4 fragments wait.
    #[must_use]
    pub fn held_ipv4_fragments(&self) -> usize {
        self.down.held() + self.up.held()
    }

    /// How many IPv6 fragments wait.
    #[must_use]
    pub fn held_ipv6_fragments(&self) -> usize {
        self.reassembly.held() + self.requests.held()
    }

    /// Who is behind packet number `index` of the burst, which goes up.
    pub fn source_up(&self, index: usize) -> [u8; 16] {
        self.sources.get(index).copied().unwrap_or_default()
    }

    /// Whether one more packet of a class and a source may go up (`drop-punt-rate` if not).
    pub fn allows_up(&mut self, class: PuntClass, source: &[u8; 16]) -> bool {
        self.punts[class as usize].allows(source, self.now)
    }

    /// Whether one more ICMPv4 error may be sent, towards the Internet or into a tunnel.
    pub(super) fn allows(&mut self, to: Side, error: Icmpv4Error, hearer: &[u8; 16]) -> bool {
        let limiter = match (to, error.asks_for_smaller()) {
            (Side::Internet, false) => &mut self.internet_errors,
            (Side::Internet, true) => &mut self.internet_too_big,
            (Side::Access, false) => &mut self.access_errors,
            (Side::Access, true) => &mut self.access_too_big,
        };
        limiter.allows(hearer, self.now)
    }

    pub(super) fn fragments(&mut self, side: Side) -> &mut VirtualReassembly<Held<P>> {
        match side {
            Side::Internet => &mut self.down,
            Side::Access => &mut self.up,
        }
    }
}

/// Sources of a class that are told apart. When a million subscribers ask at once after a power failure,
/// no bucket of the PCP class (512 KiB) has more of them than its rate lets ask.
const fn punt_sources(class: PuntClass) -> usize {
    match class {
        PuntClass::Pcp => 1 << 16,
        PuntClass::Neighbour | PuntClass::Icmp | PuntClass::Other => 1 << 10,
    }
}

/// Buffers that a frame of a link takes.
fn frame_buffers(link: &Link) -> usize {
    (link.mtu + ethernet::TAGGED_HEADER).div_ceil(ROOM)
}

/// Buffers that a packet may take which is held for its first fragment: those of the larger link's frames.
/// What was put together of many fragments takes more, and is not held.
pub(super) fn held_buffers(forwarding: &Forwarding) -> usize {
    frame_buffers(&forwarding.internet).max(frame_buffers(&forwarding.access))
}

/// Fragments that may wait for one first: as many as make a packet of 64 KiB at the smallest MTU that is
/// met in practice (576).
const HELD_EACH: usize = 128;
/// Fragments of requests that may wait at a worker.
const REQUEST_FRAGMENTS: usize = 256;
/// Fragments of a request: at the smallest MTU that is met in practice, 576, three would do.
const REQUEST_FRAGMENTS_EACH: usize = 8;
/// Later pieces that a burst may leave behind for each side; a packet of 64 KiB has 53 at 1280 octets.
const TAILS: usize = 4096;
/// Packets that are given up in one look, so that the end of a flood does not hold up a round.
pub(super) const GIVEN_UP_AT_ONCE: usize = 512;
/// How late a time-out may be noticed.
const LOOK_EVERY_NS: u64 = 1_000_000;
