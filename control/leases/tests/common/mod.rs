//! Leases and times for tests on real disks.

use std::collections::HashMap;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::path::Path;
use std::time::Duration;

use leases::file_store::FileStore;
use leases::file_store::OpenOptions;
use leases::file_store::Opened;
use leases::moment::Judgement;
use leases::moment::Moment;
use leases::row::Row;
use pcp::instant::Instant;
use pcp::lease::Contact;
use pcp::lease::Lease;
use pcp::lease::Path as RequestPath;
use pcp::port_set::PortSet;
use pcp::subscriber::Client;
use pcp::wire::Nonce;
use pcp::wire::Parity;

/// The last row of every set.
pub(crate) type Rows = HashMap<PortSet, Row>;

/// A moment some milliseconds after all others.
pub(crate) fn moment(ms: u64) -> Moment {
    Moment {
        monotonic: Instant::from_nanos((1_000_000_000 + ms) * 1_000_000),
        utc_ms: 1_800_000_000_000 + ms,
        epoch_s: (ms / 1000) as u32,
        judgement: Judgement::Settled,
    }
}

/// Set `number`, held for a month, as commit `commit` has it.
pub(crate) fn row(number: u32, commit: u64) -> Row {
    let inner = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 2));
    let address = Ipv4Addr::from_bits(0x0a00_0000 + number / 64);
    Row::Held(Lease {
        client: Client {
            outer: Ipv6Addr::from_bits((0x2001_0db8 << 96) | u128::from(number)),
            inner,
        },
        set: PortSet::new(address, 6, (number % 64) as u16).unwrap(),
        br: Ipv6Addr::LOCALHOST,
        nonce: Nonce::new([1; 12]),
        granted: moment(commit).monotonic,
        expires: moment(commit).monotonic + Duration::from_secs(30 * 86_400),
        moved: None,
        contact: Contact {
            path: RequestPath::Tunnel,
            address: inner,
            port: 5351,
        },
        internal_port: 0,
        parity: Parity::Any,
    })
}

/// Opens a store and returns all it holds.
pub(crate) fn open(directory: &Path, options: &OpenOptions, now: Moment) -> (Opened, Rows) {
    let mut rows = Rows::new();
    let opened = FileStore::open(
        directory,
        options,
        |_| now,
        |row| {
            assert_eq!(rows.insert(row.set(), row), None, "a set came twice");
        },
    );
    (opened.unwrap(), rows)
}
