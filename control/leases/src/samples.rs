//! Leases for tests.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use pcp::instant::Instant;
use pcp::lease::Contact;
use pcp::lease::Lease;
use pcp::lease::Path;
use pcp::port_set::PortSet;
use pcp::subscriber::Client;
use pcp::wire::Nonce;
use pcp::wire::Parity;
use proptest::prelude::*;

use crate::moment::Judgement;
use crate::moment::Moment;
use crate::row::Row;

/// A moment in 2027, some days after the monotonic clock's start.
pub(crate) fn moment() -> Moment {
    Moment {
        monotonic: Instant::from_secs(1_000_000),
        utc_ms: 1_800_000_000_000,
        epoch_s: 5000,
        judgement: Judgement::Settled,
    }
}

/// The same clocks `ms` later.
pub(crate) fn later(ms: u64) -> Moment {
    let start = moment();
    Moment {
        monotonic: Instant::from_nanos(start.monotonic.as_nanos() + ms * 1_000_000),
        utc_ms: start.utc_ms + ms,
        epoch_s: start.epoch_s + (ms / 1000) as u32,
        judgement: Judgement::Settled,
    }
}

/// The lease of set `number` of a /16 with 64 sets an address; good for an hour from [`moment`].
pub(crate) fn lease(number: u32) -> Lease {
    let address = Ipv4Addr::from_bits(0x0a00_0000 + number / 64);
    let inner = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 2));
    Lease {
        client: Client {
            outer: Ipv6Addr::from_bits(
                0x2001_0db8_0000_0000_0000_0000_0000_0001 + u128::from(number),
            ),
            inner,
        },
        set: PortSet::new(address, 6, (number % 64) as u16).unwrap(),
        br: Ipv6Addr::from_bits(0x2001_0db8_00af_0000_0000_0000_0000_0001),
        nonce: Nonce::new([7; 12]),
        granted: later(0).monotonic,
        expires: later(3_600_000).monotonic,
        moved: None,
        contact: Contact {
            path: Path::Tunnel,
            address: inner,
            port: 5351,
        },
        internal_port: 0,
        parity: Parity::Any,
    }
}

/// Rows of every shape, with whole milliseconds.
pub(crate) fn any_row() -> impl Strategy<Value = Row> {
    let lease = (
        (any::<u128>(), any_address(), any::<u32>(), 0..=16_u8),
        (any::<u16>(), any::<u128>(), any::<[u8; 12]>()),
        (
            any_instant(),
            any_instant(),
            prop::option::of(any_instant()),
        ),
        (
            any_path(),
            any_address(),
            any::<u16>(),
            any::<u16>(),
            any::<bool>(),
        ),
    );
    let same = (any::<bool>(), any::<bool>());
    (lease, same, prop::option::of(any_instant())).prop_map(|(parts, same, until)| {
        let ((outer, inner, address, length), (psid, br, nonce), times, contact) = parts;
        let outer = Ipv6Addr::from_bits(outer);
        let inner = if same.0 { IpAddr::V6(outer) } else { inner };
        let psid = (u32::from(psid) & ((1 << length) - 1)) as u16;
        let lease = Lease {
            client: Client { outer, inner },
            set: PortSet::new(Ipv4Addr::from_bits(address), length, psid).unwrap(),
            br: Ipv6Addr::from_bits(br),
            nonce: Nonce::new(nonce),
            granted: times.0,
            expires: times.1,
            moved: times.2,
            contact: Contact {
                path: contact.0,
                address: if same.1 { inner } else { contact.1 },
                port: contact.2,
            },
            internal_port: contact.3,
            parity: if contact.4 {
                Parity::Preserved
            } else {
                Parity::Any
            },
        };
        match until {
            None => Row::Held(lease),
            Some(until) => Row::Resting { lease, until },
        }
    })
}

fn any_instant() -> impl Strategy<Value = Instant> {
    (0..10_000_000_000_u64).prop_map(|ms| Instant::from_nanos(ms * 1_000_000))
}

fn any_path() -> impl Strategy<Value = Path> {
    prop_oneof![
        Just(Path::Tunnel),
        Just(Path::Plain),
        any::<u16>().prop_map(Path::Management)
    ]
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from)
    ]
}
