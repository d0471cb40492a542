//! What goes before a fragment in its burst, and may be of its datagram.

/// What a packet is to those that come behind it in the burst.
#[derive(Clone, Copy)]
pub(super) enum Seen {
    /// It changes nothing for them.
    NoFragment,
    /// It may be any fragment.
    Unclear,
    /// A fragment of an IPv4 packet, in a tunnel or not.
    Ipv4(Newcomer),
    /// A fragment of a tunnel packet.
    Ipv6(Newcomer),
}

/// A fragment, as far as it matters here; small, so that it stays in registers.
#[derive(Clone, Copy)]
pub(super) struct Newcomer {
    /// Of its datagram.
    pub(super) hash: u64,
    /// Octets, as the counters of its side have them.
    pub(super) bytes: u32,
    /// Whether it would be kept until others come.
    pub(super) must_wait: bool,
}

/// The fragments of a burst that go the careful way before a packet's turn comes.
#[derive(Default)]
pub(super) struct Ahead {
    pub(super) ipv4: Kind,
    pub(super) ipv6: Kind,
}

/// Those of one kind.
#[derive(Default)]
pub(super) struct Kind {
    /// Their datagrams, as bits of their hashes.
    datagrams: u64,
    count: u64,
}

impl Ahead {
    #[inline(always)]
    pub(super) fn add(&mut self, seen: Seen) {
        match seen {
            Seen::NoFragment => {}
            Seen::Ipv4(one) => self.ipv4.add(one.bit()),
            Seen::Ipv6(one) => {
                self.ipv6.add(one.bit());
                // What it completes may be a fragment itself.
                self.ipv4.add(ANY);
            }
            Seen::Unclear => {
                self.ipv6.add(ANY);
                self.ipv4.add(ANY);
            }
        }
    }
}

impl Kind {
    fn add(&mut self, datagrams: u64) {
        self.datagrams |= datagrams;
        self.count += 1;
    }

    /// How many may be ahead of a fragment that must wait, if none is of its datagram.
    #[inline(always)]
    pub(super) fn before(&self, one: Newcomer) -> Option<u64> {
        (one.must_wait && self.datagrams & one.bit() == 0).then_some(self.count)
    }
}

impl Newcomer {
    fn bit(self) -> u64 {
        1 << (self.hash >> (u64::BITS - 6))
    }
}

/// Any datagram.
const ANY: u64 = u64::MAX;
