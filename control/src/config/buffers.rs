//! How many packet buffers a pool needs, added up so that no part can starve another.

use lwaftr_dataplane::punt::PuntClass;
use lwaftr_dataplane::worker::INJECTED_MAX;

use super::Config;

/// The pool of packet buffers that each NUMA socket with a port gets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Buffers {
    /// Held by the receive and transmit descriptors of all queues.
    pub descriptors: u32,
    /// Held in the workers' and the control thread's pool caches.
    pub caches: u32,
    /// Under way in the workers' bursts, in the rings from and to the control thread and between workers.
    pub bursts: u32,
    /// What incomplete packets may hold: at most a quarter of the pool.
    pub reassembly_share: u32,
    /// Buffers in the pool.
    pub mbufs: u32,
}

impl Buffers {
    /// Buffers that a thread may keep to itself.
    pub const CACHE: u32 = 256;
    /// Octets of a frame that one buffer holds; larger frames take several.
    pub const DATA_ROOM: u32 = 2048;
    /// Packets of the control thread that may wait for the worker which sends them.
    pub const INJECTED_RING: u32 = 1024;
    /// Fragments that may be on their way from the other workers to one, on each side.
    pub const EXCHANGE_RING: u32 = 1024;

    /// Packets of a class that may wait for the control thread. Requests of many subscribers come together
    /// after a power failure; of the others there are only ever many when somebody means harm.
    #[must_use]
    pub const fn punt_ring(class: PuntClass) -> u32 {
        match class {
            PuntClass::Neighbour | PuntClass::Icmp => 512,
            PuntClass::Pcp => 4096,
            PuntClass::Other => 256,
        }
    }

    /// Octets of memory that the pool takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        u64::from(self.mbufs) * MBUF_BYTES
    }

    /// Buffers that descriptors, caches and bursts can hold at once.
    #[must_use]
    pub fn needed(&self) -> u32 {
        self.descriptors + self.caches + self.bursts
    }

    /// What EAL must set aside with ordinary pages: the pool, queues, rings and EAL's own data.
    #[must_use]
    pub fn megabytes_without_huge_pages(&self) -> u64 {
        let slack = self.bytes() / 4 + EAL_BYTES;
        (self.bytes() + slack).div_ceil(1 << 20)
    }
}

impl Config {
    /// The pool that this configuration needs.
    #[must_use]
    pub fn buffers(&self) -> Buffers {
        let dataplane = &self.dataplane;
        let workers = dataplane.workers.len() as u32;
        let ports = self.wiring.ports();
        let queues = workers * ports;
        let per_queue = u32::from(dataplane.rx_descriptors) + u32::from(dataplane.tx_descriptors);
        let burst = dataplane.burst as u32;
        let descriptors = queues * per_queue;
        let caches = (workers + 1) * Buffers::CACHE * CACHE_FLUSH_PERCENT / 100;
        let punted: u32 = PuntClass::ALL.map(Buffers::punt_ring).iter().sum();
        let injected = Buffers::INJECTED_RING + INJECTED_MAX as u32;
        let exceptions = punted + injected + burst;
        // A burst in hand, one in the transmit buffer of each port, and what waits for and from control.
        let waiting = workers * burst * (1 + ports) + exceptions;
        // Devices that spread fragments are known only when they are open.
        let exchanged = if workers > 1 {
            2 * workers * Buffers::EXCHANGE_RING
        } else {
            0
        };
        let bursts = waiting + exchanged;
        let mut buffers = Buffers {
            descriptors,
            caches,
            bursts,
            reassembly_share: 0,
            mbufs: 0,
        };
        let needed = buffers.needed();
        let wanted = self.held_packets();
        // mempool's ring holds one less than a power of two: anything in between is memory for nothing.
        let derived = (needed + wanted.min(needed / 3) + 1).next_power_of_two() - 1;
        buffers.mbufs = dataplane.mempool_size.unwrap_or(derived);
        let spare = buffers.mbufs.saturating_sub(needed);
        buffers.reassembly_share = wanted.min(spare).min(buffers.mbufs / 4);
        buffers
    }

    /// Buffers that incomplete packets would take if nothing bounded them but their own limits.
    fn held_packets(&self) -> u32 {
        let reassembly = self
            .access
            .reassembly
            .max_packets
            .saturating_mul(FRAGMENTS_EACH);
        self.internet
            .fragment_cache
            .max_packets
            .saturating_add(reassembly)
    }
}

/// A cache hands back only what exceeds one and a half times its size (rte_mempool.c).
const CACHE_FLUSH_PERCENT: u32 = 150;
/// Fragments of a packet that the tunnel made too large.
const FRAGMENTS_EACH: u32 = 2;
/// The mbuf (128), headroom (128) and data room, mempool's header and the spread over memory channels.
const MBUF_BYTES: u64 = 128 + 128 + Buffers::DATA_ROOM as u64 + 128;
const EAL_BYTES: u64 = 64 << 20;
