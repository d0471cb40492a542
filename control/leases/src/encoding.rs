//! Rows as octets, 88 of them for a lease in a tunnel. Times are UTC in milliseconds.
//!
//! ```text
//!   0 length  1 phase, path, parity  2 address forms  3 PSID length
//!   4 IPv4 address           8 PSID     10 internal port    12 contact port   14 management listener
//!  16 expires  22 granted  28 until  34 moved   (48 bits each)
//!  40 outer address  56 BR address  72 nonce  84 inner address  .. contact address
//! ```
//!
//! Invariant: what a row needs does not grow when its lease is refreshed or its set comes to rest, so that
//! room that was enough for a set stays enough. Merging reads nothing but the first 40 octets.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use pcp::lease::Contact;
use pcp::lease::Lease;
use pcp::lease::Path;
use pcp::port_set::PortSet;
use pcp::subscriber::Client;
use pcp::wire::Nonce;
use pcp::wire::Parity;
use thiserror::Error;

use crate::moment::LAST_MS;
use crate::moment::Moment;
use crate::octets::array_at;
use crate::octets::put;
use crate::octets::put_u48;
use crate::octets::u16_at;
use crate::octets::u48_at;
use crate::row::Row;

/// Appends a row.
pub(crate) fn encode(row: &Row, moment: &Moment, out: &mut Vec<u8>) {
    let (lease, until) = match row {
        Row::Held(lease) => (lease, None),
        Row::Resting { lease, until } => (lease, Some(*until)),
    };
    let mut octets = [0; LONGEST];
    let (path, listener) = match lease.contact.path {
        Path::Tunnel => (0, 0),
        Path::Plain => (1, 0),
        Path::Management(listener) => (2, listener),
    };
    octets[FLAGS] = (u8::from(until.is_some()) * RESTING)
        | (path << PATH)
        | (u8::from(lease.parity == Parity::Preserved) * PARITY)
        | (u8::from(lease.moved.is_some()) * MOVED);
    octets[PSID_LENGTH] = lease.set.psid_length();
    put(&mut octets, ADDRESS, &lease.set.address().octets());
    put(&mut octets, PSID, &lease.set.psid().to_le_bytes());
    put(&mut octets, INTERNAL, &lease.internal_port.to_le_bytes());
    put(&mut octets, CONTACT, &lease.contact.port.to_le_bytes());
    put(&mut octets, LISTENER, &listener.to_le_bytes());
    put_u48(&mut octets, EXPIRES, moment.utc_of(lease.expires));
    put_u48(&mut octets, GRANTED, moment.utc_of(lease.granted));
    put_u48(&mut octets, UNTIL, until.map_or(0, |at| moment.utc_of(at)));
    let moved = lease.moved.map_or(0, |at| moment.utc_of(at));
    put_u48(&mut octets, MOVED_AT, moved);
    put(&mut octets, OUTER, &lease.client.outer.octets());
    put(&mut octets, BR, &lease.br.octets());
    put(&mut octets, NONCE, &lease.nonce.octets());
    let mut end = SHORTEST;
    let (inner, contact) = (lease.client.inner, lease.contact.address);
    let inner_form = put_address(&mut octets, &mut end, inner, IpAddr::V6(lease.client.outer));
    let contact_form = put_address(&mut octets, &mut end, contact, inner);
    octets[FORMS] = inner_form | (contact_form << CONTACT_FORM);
    octets[LENGTH] = end as u8;
    out.extend_from_slice(&octets[..end]);
}

/// Reads the row that `octets` begin with, and says how long it is.
pub(crate) fn decode(octets: &[u8], moment: &Moment) -> Result<(Row, usize), RowError> {
    let octets = first(octets)?;
    // Of an array, all places are known to be there when this is compiled.
    let Some(head) = octets.first_chunk::<SHORTEST>() else {
        return Err(RowError::Length { length: 0 });
    };
    let (flags, forms) = (head[FLAGS], head[FORMS]);
    if flags & !(RESTING | (3 << PATH) | PARITY | MOVED) != 0 {
        return Err(RowError::Flags { flags });
    }
    let address = Ipv4Addr::from_octets(array_at(head, ADDRESS));
    let (psid_length, psid) = (head[PSID_LENGTH], u16_at(head, PSID));
    let set =
        PortSet::new(address, psid_length, psid).map_err(|_| RowError::Set { psid_length })?;
    let time = |at| moment.instant_of(u48_at(head, at));
    let outer = Ipv6Addr::from_octets(array_at(head, OUTER));
    let mut end = SHORTEST;
    let inner = address_at(octets, &mut end, forms & 3, IpAddr::V6(outer))?;
    let contact = address_at(octets, &mut end, forms >> CONTACT_FORM, inner)?;
    let lease = Lease {
        client: Client { outer, inner },
        set,
        br: Ipv6Addr::from_octets(array_at(head, BR)),
        nonce: Nonce::new(array_at(head, NONCE)),
        granted: time(GRANTED),
        expires: time(EXPIRES),
        moved: (flags & MOVED != 0).then(|| time(MOVED_AT)),
        contact: Contact {
            path: match (flags >> PATH) & 3 {
                0 => Path::Tunnel,
                1 => Path::Plain,
                2 => Path::Management(u16_at(head, LISTENER)),
                _ => return Err(RowError::Flags { flags }),
            },
            address: contact,
            port: u16_at(head, CONTACT),
        },
        internal_port: u16_at(head, INTERNAL),
        parity: if flags & PARITY == 0 {
            Parity::Any
        } else {
            Parity::Preserved
        },
    };
    let row = match flags & RESTING {
        0 => Row::Held(lease),
        _ => Row::Resting {
            lease,
            until: time(UNTIL),
        },
    };
    Ok((row, octets.len()))
}

/// The octets of the row that `octets` begin with.
pub(crate) fn first(octets: &[u8]) -> Result<&[u8], RowError> {
    let length = octets.first().copied().unwrap_or_default();
    match octets.get(..usize::from(length)) {
        Some(row) if row.len() >= SHORTEST => Ok(row),
        _ => Err(RowError::Length { length }),
    }
}

/// What rows are sorted by: one number for each set. PSID by PSID and not address by address, because pools
/// are, and so a restart fills them from one end to the other.
pub(crate) fn key(row: &[u8]) -> u64 {
    let psid_length = row.get(PSID_LENGTH).copied().unwrap_or_default();
    let address = u32::from_be_bytes(array_at(row, ADDRESS));
    (u64::from(psid_length) << 48) | (u64::from(u16_at(row, PSID)) << 32) | u64::from(address)
}

/// When the set is free, where sets rest for `quarantine_ms`.
pub(crate) fn free_ms(row: &[u8], quarantine_ms: u64) -> u64 {
    if row.get(FLAGS).copied().unwrap_or_default() & RESTING == 0 {
        u48_at(row, EXPIRES).saturating_add(quarantine_ms)
    } else {
        u48_at(row, UNTIL)
    }
}

/// Moves all times of a row after the clock was set by `by_ms`.
pub(crate) fn shift(row: &mut [u8], by_ms: i64) {
    map_times(row, |ms| ms.saturating_add_signed(by_ms).min(LAST_MS));
}

/// Puts other times in the place of all times of a row.
pub(crate) fn map_times(row: &mut [u8], other: impl Fn(u64) -> u64) {
    for at in [EXPIRES, GRANTED, UNTIL, MOVED_AT] {
        put_u48(row, at, other(u48_at(row, at)));
    }
}

/// Puts an address down, unless it is the one expected, and returns its form.
fn put_address(octets: &mut [u8], end: &mut usize, address: IpAddr, expected: IpAddr) -> u8 {
    if address == expected {
        return SAME;
    }
    match address {
        IpAddr::V4(address) => {
            put(octets, *end, &address.octets());
            *end += 4;
            V4
        }
        IpAddr::V6(address) => {
            put(octets, *end, &address.octets());
            *end += 16;
            V6
        }
    }
}

fn address_at(
    octets: &[u8],
    end: &mut usize,
    form: u8,
    expected: IpAddr,
) -> Result<IpAddr, RowError> {
    let at = *end;
    let address = match form {
        SAME => return Ok(expected),
        V4 => IpAddr::V4(Ipv4Addr::from_octets(array_at(octets, at))),
        V6 => IpAddr::V6(Ipv6Addr::from_octets(array_at(octets, at))),
        _ => return Err(RowError::Form { form }),
    };
    *end += if form == V4 { 4 } else { 16 };
    if *end > octets.len() {
        return Err(RowError::Form { form });
    }
    Ok(address)
}

/// Why octets are no row.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub(crate) enum RowError {
    /// Too short, or longer than what there is.
    #[error("no row is {length} octets long here")]
    Length {
        /// The length it gives.
        length: u8,
    },
    /// Flags that mean nothing.
    #[error("flags {flags:#04x} of a row mean nothing")]
    Flags {
        /// The flags.
        flags: u8,
    },
    /// An address in a form that does not exist, or that has no room.
    #[error("address form {form} of a row means nothing")]
    Form {
        /// The form.
        form: u8,
    },
    /// A PSID that its length does not allow.
    #[error("a row names no set with its PSID length {psid_length}")]
    Set {
        /// The PSID length.
        psid_length: u8,
    },
}

/// Octets of the shortest and the longest row.
pub(crate) const SHORTEST: usize = 84;
pub(crate) const LONGEST: usize = SHORTEST + 16 + 16;

const LENGTH: usize = 0;
const FLAGS: usize = 1;
const FORMS: usize = 2;
const PSID_LENGTH: usize = 3;
const ADDRESS: usize = 4;
const PSID: usize = 8;
const INTERNAL: usize = 10;
const CONTACT: usize = 12;
const LISTENER: usize = 14;
const EXPIRES: usize = 16;
const GRANTED: usize = 22;
const UNTIL: usize = 28;
const MOVED_AT: usize = 34;
const OUTER: usize = 40;
const BR: usize = 56;
const NONCE: usize = 72;

const RESTING: u8 = 1;
const PATH: u8 = 1;
const PARITY: u8 = 1 << 3;
const MOVED: u8 = 1 << 4;

const SAME: u8 = 0;
const V4: u8 = 1;
const V6: u8 = 2;
const CONTACT_FORM: u8 = 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::any_row;
    use crate::samples::lease;
    use crate::samples::moment;

    proptest! {
        #[test]
        fn rows_come_back_as_they_were(row in any_row()) {
            let mut octets = Vec::new();
            encode(&row, &moment(), &mut octets);
            let length = octets.len();
            octets.extend_from_slice(b"more");
            prop_assert_eq!(decode(&octets, &moment()), Ok((row, length)));
            prop_assert!((SHORTEST..=LONGEST).contains(&length));
        }

        #[test]
        fn any_octets_are_a_row_or_an_error(octets in prop::collection::vec(any::<u8>(), 0..130)) {
            let _ = decode(&octets, &moment());
        }
    }

    #[test]
    fn a_lease_in_a_tunnel_needs_88_octets_held_or_not() {
        let until = lease(1).expires;
        for row in [
            Row::Held(lease(1)),
            Row::Resting {
                lease: lease(1),
                until,
            },
        ] {
            let mut octets = Vec::new();
            encode(&row, &moment(), &mut octets);
            assert_eq!(octets.len(), 88);
        }
    }

    #[test]
    fn rows_are_cut_off_nowhere_without_an_error() {
        let mut octets = Vec::new();
        encode(&Row::Held(lease(1)), &moment(), &mut octets);
        for length in 0..octets.len() {
            assert!(decode(&octets[..length], &moment()).is_err(), "{length}");
        }
    }
}
