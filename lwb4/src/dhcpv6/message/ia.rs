//! Leases: addresses and delegated prefixes, each kind in one identity association (RFC 8415 s21.4, s21.6,
//! s21.21, s21.22).

use std::net::Ipv6Addr;

use super::Status;
use crate::dhcpv6::Prefix;
use crate::dhcpv6::option::RawOptions;
use crate::dhcpv6::option::code;
use crate::dhcpv6::option::put;

/// One identity association; `L` is what it holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity<L> {
    /// Its number.
    pub iaid: u32,
    /// Seconds until the client asks the server to extend it; 0 leaves that to the client.
    pub t1_s: u32,
    /// Seconds until it asks any server.
    pub t2_s: u32,
    /// What it holds.
    pub leases: Vec<L>,
    /// Whether it was granted.
    pub status: Status,
}

/// An address, and for how many seconds it is to be used at all, and for new connections.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IaAddress {
    /// The address.
    pub address: Ipv6Addr,
    /// Seconds of preference.
    pub preferred_s: u32,
    /// Seconds of validity.
    pub valid_s: u32,
}

/// A delegated prefix, with the same times.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IaPrefix {
    /// The prefix.
    pub prefix: Prefix,
    /// Seconds of preference.
    pub preferred_s: u32,
    /// Seconds of validity.
    pub valid_s: u32,
}

/// What an identity association holds.
pub trait Delegation: Sized {
    /// The code of its association.
    const IDENTITY: u16;
    /// Its own code.
    const CODE: u16;
    /// From the option's value; `None` if it is none to be used.
    fn read(value: &[u8]) -> Option<Self>;
    /// As the option's value; lifetimes are for the server to say (s18.2.4).
    fn write(&self, octets: &mut Vec<u8>);
}

impl Delegation for IaAddress {
    const IDENTITY: u16 = code::IA_NA;
    const CODE: u16 = code::IAADDR;

    fn read(value: &[u8]) -> Option<Self> {
        let (address, rest) = value.split_first_chunk::<16>()?;
        let (preferred_s, valid_s) = lifetimes(rest)?;
        let address = Ipv6Addr::from_octets(*address);
        let usable = !(address.is_unspecified() || address.is_multicast());
        usable.then_some(Self {
            address,
            preferred_s,
            valid_s,
        })
    }

    fn write(&self, octets: &mut Vec<u8>) {
        octets.extend(self.address.octets());
        octets.extend([0; 8]);
    }
}

impl Delegation for IaPrefix {
    const IDENTITY: u16 = code::IA_PD;
    const CODE: u16 = code::IAPREFIX;

    fn read(value: &[u8]) -> Option<Self> {
        let (preferred_s, valid_s) = lifetimes(value)?;
        let (&[length], rest) = value.get(8..)?.split_first_chunk()?;
        let (address, _options) = rest.split_first_chunk::<16>()?;
        let prefix = Prefix::new(Ipv6Addr::from_octets(*address), length).ok()?;
        Some(Self {
            prefix,
            preferred_s,
            valid_s,
        })
    }

    fn write(&self, octets: &mut Vec<u8>) {
        octets.extend([0; 8]);
        octets.push(self.prefix.length());
        octets.extend(self.prefix.address().octets());
    }
}

/// Preferred and valid; preference beyond validity makes a lease useless (s21.6, s21.22).
fn lifetimes(octets: &[u8]) -> Option<(u32, u32)> {
    let (preferred, rest) = octets.split_first_chunk()?;
    let (valid, _) = rest.split_first_chunk()?;
    let (preferred, valid) = (u32::from_be_bytes(*preferred), u32::from_be_bytes(*valid));
    (preferred <= valid).then_some((preferred, valid))
}

impl<L: Delegation> Identity<L> {
    /// From the option's value; `None` if it is none to be used.
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let (iaid, rest) = value.split_first_chunk()?;
        let (t1, rest) = rest.split_first_chunk()?;
        let (t2, rest) = rest.split_first_chunk()?;
        let (t1_s, t2_s) = (u32::from_be_bytes(*t1), u32::from_be_bytes(*t2));
        if t1_s > t2_s && t2_s > 0 {
            return None;
        }
        let options = RawOptions::new(rest);
        options.check().ok()?;
        Some(Self {
            iaid: u32::from_be_bytes(*iaid),
            t1_s,
            t2_s,
            leases: options.all(L::CODE).filter_map(L::read).collect(),
            status: Status::of(options),
        })
    }
}

/// Appends the association with what is asked for, or to be extended, in it.
pub(super) fn write<L: Delegation>(octets: &mut Vec<u8>, iaid: u32, leases: &[L]) {
    put(octets, L::IDENTITY, |octets| {
        octets.extend(iaid.to_be_bytes());
        octets.extend([0; 8]);
        for lease in leases {
            put(octets, L::CODE, |octets| lease.write(octets));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// IA_PD 7, T1 50 s, T2 80 s, with 2001:db8:b4::/56 for 100 and 200 s.
    const PD: &[u8] = b"\0\0\0\x07\0\0\0\x32\0\0\0\x50\
        \0\x1a\0\x19\0\0\0\x64\0\0\0\xc8\x38\x20\x01\x0d\xb8\0\xb4\0\0\0\0\0\0\0\0\0\0";

    #[test]
    fn a_delegated_prefix_is_read() {
        let identity = Identity::<IaPrefix>::read(PD).unwrap();
        assert_eq!((identity.iaid, identity.t1_s, identity.t2_s), (7, 50, 80));
        let [lease] = identity.leases[..] else {
            panic!("{identity:?}");
        };
        assert_eq!(lease.prefix.to_string(), "2001:db8:b4::/56");
        assert_eq!((lease.preferred_s, lease.valid_s), (100, 200));
        assert_eq!(identity.status, Status::Success);
    }

    #[test]
    fn renewal_after_rebinding_voids_the_association() {
        let mut octets = PD.to_vec();
        octets[7] = 81;
        assert_eq!(Identity::<IaPrefix>::read(&octets), None);
        octets[11] = 0;
        assert!(
            Identity::<IaPrefix>::read(&octets).is_some(),
            "0 is no time"
        );
    }

    #[test]
    fn preference_beyond_validity_voids_the_lease() {
        let mut octets = PD.to_vec();
        octets[19] = 201;
        assert_eq!(Identity::<IaPrefix>::read(&octets).unwrap().leases, []);
    }

    #[test]
    fn what_is_asked_for_has_no_lifetimes() {
        let identity = Identity::<IaPrefix>::read(PD).unwrap();
        let mut octets = Vec::new();
        write(&mut octets, 7, &identity.leases);
        let mut expected = [&[0, 25, 0, 41][..], PD].concat();
        expected[8..16].fill(0);
        expected[20..28].fill(0);
        assert_eq!(octets, expected);
    }
}
