//! The Ethernet addresses of the next hops, as the control thread last heard of them.
//!
//! A word each, written by control and read by every worker once a round: a next hop that moves is
//! followed in the next burst, and nobody waits.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::side::Side;
use crate::wire::ethernet::Mac;

/// What is known of both sides' next hops.
#[derive(Debug, Default)]
pub struct NextHops {
    words: [AtomicU64; 2],
}

impl NextHops {
    /// The next hops of a configuration; what it does not know is to be found out.
    #[must_use]
    pub fn new(internet: Option<Mac>, access: Option<Mac>) -> Self {
        let next_hops = Self::default();
        next_hops.set(Side::Internet, internet);
        next_hops.set(Side::Access, access);
        next_hops
    }

    /// Sets a side's next hop, or forgets it.
    pub fn set(&self, side: Side, mac: Option<Mac>) {
        let word = mac.map_or(0, |Mac([a, b, c, d, e, f])| {
            u64::from_be_bytes([0, KNOWN, a, b, c, d, e, f])
        });
        self.words[side as usize].store(word, Ordering::Relaxed);
    }

    /// A side's next hop, while it is known.
    #[must_use]
    #[inline(always)]
    pub fn get(&self, side: Side) -> Option<Mac> {
        let [_, known, mac @ ..] = self.words[side as usize]
            .load(Ordering::Relaxed)
            .to_be_bytes();
        (known == KNOWN).then_some(Mac(mac))
    }
}

/// Marks a word that holds an address, which might be all zero.
const KNOWN: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_known_until_it_is_forgotten() {
        let macs = [Mac([0; 6]), Mac([0xff; 6]), Mac([2, 0, 0, 0, 1, 9])];
        let next_hops = NextHops::default();
        for mac in macs {
            next_hops.set(Side::Access, Some(mac));
            assert_eq!(next_hops.get(Side::Access), Some(mac));
            assert_eq!(next_hops.get(Side::Internet), None);
        }
        next_hops.set(Side::Access, None);
        assert_eq!(next_hops.get(Side::Access), None);
    }
}
