//! What commits, checkpoints and restarts cost on this machine.
//!
//! ```text
//! cargo run --release -p leases --example commit_rate -- [DIRECTORY] [LEASES] [DELAY_MS…]
//! ```
//!
//! Refreshes of random sets go to a store of `LEASES` leases, one commit at a time, as the daemon sends them;
//! `DELAY_MS` is added to every sync, in the place of a slower device. Then the store is
//! summed up in one checkpoint, and opened with nobody to take the rows and into a book; with 0 leases, that
//! is all that happens, to a store that is there.

use std::error::Error;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant as Stopwatch;

use leases::disk::RealDisk;
use leases::disk::SlowDisk;
use leases::file_store;
use leases::file_store::FileStore;
use leases::file_store::OpenOptions;
use leases::moment::Judgement;
use leases::moment::Moment;
use leases::refill::Refill;
use leases::row::Row;
use leases::store::LeaseStore;
use pcp::book::Book;
use pcp::instant::Instant;
use pcp::lease::Contact;
use pcp::lease::Lease;
use pcp::lease::Path as RequestPath;
use pcp::pool::Ipv4Prefix;
use pcp::pool::Owner;
use pcp::pool::PcpPorts;
use pcp::pool::PoolConfig;
use pcp::pool::Pools;
use pcp::port_set::PortSet;
use pcp::subscriber::Client;
use pcp::wire::Nonce;
use pcp::wire::Parity;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().unwrap_or("commit_rate.store".to_owned()));
    let leases = arguments.next().map_or(Ok(1_000_000), |n| n.parse())?;
    let delays: Vec<u64> = arguments.map(|n| n.parse()).collect::<Result<_, _>>()?;
    if leases == 0 {
        return restore(&directory);
    }
    fill(&directory, leases)?;
    for delay_ms in std::iter::once(0).chain(delays) {
        for rows in [64, 512, 4096] {
            refresh(&directory, leases, rows, Duration::from_millis(delay_ms))?;
        }
    }
    restart(&directory, "journal and checkpoint")?;
    let mut opened = FileStore::open(&directory, &OpenOptions::default(), |_| now(), |_| {})?;
    let watch = Stopwatch::now();
    opened.store.sum_up()?;
    println!("one checkpoint of everything: {:.2?}", watch.elapsed());
    drop(opened);
    restart(&directory, "checkpoint")?;
    restore(&directory)?;
    Ok(())
}

/// Grants all leases.
fn fill(directory: &Path, leases: u32) -> Result<(), Box<dyn Error>> {
    let mut store = FileStore::open(directory, &OpenOptions::default(), |_| now(), |_| {})?.store;
    let watch = Stopwatch::now();
    let mut rows = Vec::new();
    for number in 0..leases {
        rows.push(row(number));
        if rows.len() == 4096 || number + 1 == leases {
            store.commit(&rows, &now())?;
            rows.clear();
        }
    }
    let rate = f64::from(leases) / watch.elapsed().as_secs_f64();
    println!("{leases} grants, 4096 a commit: {rate:.0}/s");
    store.tend(&now());
    Ok(())
}

/// Refreshes random leases for some seconds.
fn refresh(
    directory: &Path,
    leases: u32,
    rows: usize,
    delay: Duration,
) -> Result<(), Box<dyn Error>> {
    let disk = SlowDisk::new(Arc::new(RealDisk::take(directory)?), delay);
    let options = OpenOptions::default();
    let mut store = FileStore::open_on(Arc::new(disk), &options, |_| now(), |_| {})?.store;
    let watch = Stopwatch::now();
    let mut tended = Stopwatch::now();
    let mut times = Vec::new();
    let mut rng = fastrand::Rng::with_seed(1);
    while watch.elapsed() < Duration::from_secs(4) {
        let rows: Vec<Row> = (0..rows).map(|_| row(rng.u32(0..leases))).collect();
        let start = Stopwatch::now();
        store.commit(&rows, &now())?;
        times.push(start.elapsed());
        if tended.elapsed() > Duration::from_secs(1) {
            store.tend(&now());
            tended = Stopwatch::now();
        }
    }
    times.sort_unstable();
    let rate = (times.len() * rows) as f64 / watch.elapsed().as_secs_f64();
    println!(
        "{rows} refreshes a commit, sync {delay:?} slower: {rate:.0}/s; a commit takes {:.2?}, 99 of 100 \
         {:.2?}, the longest {:.2?}",
        times[times.len() / 2],
        times[times.len() * 99 / 100],
        times[times.len() - 1],
    );
    Ok(())
}

/// Opens with nobody to take the rows.
fn restart(directory: &Path, from: &str) -> Result<(), Box<dyn Error>> {
    let watch = Stopwatch::now();
    let opened = FileStore::open(directory, &OpenOptions::default(), |_| now(), |_| {})?;
    println!("{} rows from {from}: {:.2?}", opened.rows, watch.elapsed());
    Ok(())
}

/// Opens into a book, as the daemon does.
fn restore(directory: &Path) -> Result<(), Box<dyn Error>> {
    let watch = Stopwatch::now();
    let prefix = Ipv4Prefix::new(Ipv4Addr::new(10, 0, 0, 0), 14).ok_or("no prefix")?;
    let pools = Pools::new(vec![PoolConfig {
        name: "pool".to_owned(),
        prefix,
        psid_length: 6,
        br: BR,
        owner: Owner::Pcp,
        clients: Vec::new(),
        reserved: Vec::new(),
        exclude_ports: Vec::new(),
        pcp_ports: PcpPorts::Included,
    }])?;
    let mut book = Book::new(pools, 56, Duration::from_secs(120), now().monotonic);
    let mut refused = 0;
    let disk = file_store::take(directory)?;
    let expected = file_store::expected_rows(&*disk);
    let mut refill = Refill::new(&mut book, expected, |_, _| refused += 1);
    let options = OpenOptions::default();
    FileStore::open_on(disk, &options, |_| now(), |row| refill.add(row))?;
    drop(refill);
    println!(
        "{} rows into a book ({refused} refused): {:.2?}",
        book.counts().0,
        watch.elapsed()
    );
    Ok(())
}

fn row(number: u32) -> Row {
    let inner = Ipv4Addr::new(192, 0, 0, 2).into();
    let client = Client {
        outer: Ipv6Addr::from_bits((0x2001_0db8 << 96) | (u128::from(number) << 72) | 1),
        inner,
    };
    let address = Ipv4Addr::from_bits(0x0a00_0000 + number / 64);
    let set = PortSet::new(address, 6, (number % 64) as u16);
    Row::Held(Lease {
        client,
        set: set.unwrap_or_else(|error| unreachable!("{error}")),
        br: BR,
        nonce: Nonce::new(
            u128::from(number).to_le_bytes()[..12]
                .try_into()
                .unwrap_or_default(),
        ),
        granted: now().monotonic,
        expires: now().monotonic + Duration::from_secs(3600),
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

/// A clock that stands still, so that it costs nothing and nothing expires.
fn now() -> Moment {
    Moment {
        monotonic: Instant::from_secs(1_000_000),
        utc_ms: 1_800_000_000_000,
        epoch_s: 1000,
        judgement: Judgement::Settled,
    }
}

const BR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xaf, 0, 0, 0, 0, 1);
