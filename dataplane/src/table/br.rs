//! The BR addresses that softwires end at (RFC 7596 s6): few, known from the configuration, fixed.
//!
//! Entries name them by number. Every upstream packet asks for the number of its outer destination, so
//! that question must cost next to nothing with one address and little with hundreds.

use std::net::Ipv6Addr;

use thiserror::Error;

/// The number of a BR address in its [`BrSet`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(transparent)]
pub struct BrIndex(u16);

impl BrIndex {
    pub(super) const FIRST: Self = Self(0);

    /// The number itself: the position among the addresses given.
    #[must_use]
    #[inline(always)]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A fixed set of BR addresses.
#[derive(Clone, Debug)]
pub struct BrSet {
    addresses: Vec<[u8; 16]>,
    /// Open addressing over at least four times as many places as addresses.
    places: Vec<Option<BrIndex>>,
    shift: u32,
}

impl BrSet {
    /// The set of these addresses, numbered in this order; a repeated address keeps its first number.
    ///
    /// # Errors
    /// When there are more addresses than an entry can number.
    pub fn new(addresses: impl IntoIterator<Item = Ipv6Addr>) -> Result<Self, TooManyBrs> {
        let addresses: Vec<_> = addresses.into_iter().map(|a| a.octets()).collect();
        if addresses.len() > MAX_BRS {
            return Err(TooManyBrs(addresses.len()));
        }
        let places_log2 = (addresses.len().max(4) * 4)
            .next_power_of_two()
            .trailing_zeros();
        let mut set = Self {
            places: vec![None; 1 << places_log2],
            shift: 64 - places_log2,
            addresses: Vec::with_capacity(addresses.len()),
        };
        for address in addresses {
            set.insert(address);
        }
        Ok(set)
    }

    /// The number of `address`, if it is one of ours.
    #[must_use]
    #[inline]
    pub fn find(&self, address: &[u8; 16]) -> Option<BrIndex> {
        let mut place = self.first_place(address);
        while let Some(index) = self.places[place] {
            if self.addresses[index.index()] == *address {
                return Some(index);
            }
            place = (place + 1) & (self.places.len() - 1);
        }
        None
    }

    /// The address numbered `index`.
    ///
    /// # Panics
    /// When `index` comes from a larger set.
    #[must_use]
    #[inline]
    pub fn address(&self, index: BrIndex) -> &[u8; 16] {
        &self.addresses[index.index()]
    }

    /// The addresses in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = Ipv6Addr> {
        self.addresses.iter().map(|&octets| octets.into())
    }

    fn insert(&mut self, address: [u8; 16]) {
        // A repeated address takes a number too, so that numbers are positions in the caller's list.
        let index = BrIndex(self.addresses.len() as u16);
        self.addresses.push(address);
        if self.find(&address).is_some() {
            return;
        }
        let mut place = self.first_place(&address);
        while self.places[place].is_some() {
            place = (place + 1) & (self.places.len() - 1);
        }
        self.places[place] = Some(index);
    }

    #[inline(always)]
    fn first_place(&self, address: &[u8; 16]) -> usize {
        let value = u128::from_ne_bytes(*address);
        let folded = (value as u64) ^ ((value >> 64) as u64).rotate_left(32);
        (folded.wrapping_mul(SCATTER) >> self.shift) as usize
    }
}

/// More BR addresses than an entry can number.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("{0} BR addresses, more than the {MAX_BRS} that a binding table can number")]
pub struct TooManyBrs(pub usize);

const MAX_BRS: usize = 1 << 16;
/// 2^64 divided by the golden ratio: Fibonacci hashing (Knuth, TAOCP vol. 3, s6.4).
const SCATTER: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_many_is_found_by_its_number_and_no_other() {
        for count in [0_u16, 1, 2, 7, 8, 300] {
            let address = |n: u16| Ipv6Addr::new(0x2001, 0xdb8, n, 0, 0, 0, 0, 1);
            let set = BrSet::new((0..count).map(address)).unwrap();
            for n in 0..count {
                let index = set.find(&address(n).octets()).unwrap();
                assert_eq!(index.index(), usize::from(n));
                assert_eq!(set.address(index), &address(n).octets());
            }
            assert_eq!(set.find(&address(count).octets()), None);
            assert_eq!(set.iter().count(), usize::from(count));
        }
    }

    #[test]
    fn a_repeated_address_keeps_its_first_number() {
        let one: Ipv6Addr = "2001:db8::1".parse().unwrap();
        let two: Ipv6Addr = "2001:db8::2".parse().unwrap();
        let set = BrSet::new([one, one, two]).unwrap();
        assert_eq!(set.find(&one.octets()).unwrap().index(), 0);
        assert_eq!(set.find(&two.octets()).unwrap().index(), 2);
    }

    #[test]
    fn more_addresses_than_numbers_are_refused() {
        let many = (0..=MAX_BRS).map(|n| Ipv6Addr::from(n as u128));
        assert_eq!(BrSet::new(many).err(), Some(TooManyBrs(MAX_BRS + 1)));
    }
}
