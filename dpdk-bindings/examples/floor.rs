//! What a packet costs before anything is done with it: receive, touch, transmit, on one core.
//!
//! Each row is measured twice: through the Rust fast path of this crate, and through the out-of-line
//! copies of DPDK's inline C functions. The difference is what the Rust forms are worth.
//!
//! ```text
//! cargo run --release -p dpdk --example floor [CPU] [--no-huge]
//! ```
//!
//! Without hugepages the figures are about 2.7 times larger and say little.
#![allow(unsafe_code, reason = "calls the C originals for comparison")]

use std::env;
use std::error::Error;
use std::process::ExitCode;

use dpdk::clock::tsc;
use dpdk::clock::tsc_hz;
use dpdk::eal::Eal;
use dpdk::mbuf::Burst;
use dpdk::mbuf::Mbuf;
use dpdk::mempool::Mempool;
use dpdk::mempool::MempoolSetup;
use dpdk::port::Configured;
use dpdk::port::Port;
use dpdk::port::PortSetup;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("floor: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let (mut cpu, mut memory) = ("0".to_owned(), "--in-memory");
    for arg in env::args().skip(1) {
        match arg.as_str() {
            "--no-huge" => memory = "--no-huge",
            _ => cpu = arg,
        }
    }
    let args = [
        "-l",
        &cpu,
        "-m",
        "128",
        "--no-pci",
        "--no-telemetry",
        memory,
    ];
    let eal = Eal::init(&args.map(str::to_owned))?;
    let pool = Mempool::new(&eal, "floor", MempoolSetup::default())?;
    println!(
        "{:<12} {:<16} {:>9} {:>9} {:>9}",
        "port", "each packet", "Rust tsc", "C tsc", "Rust ns"
    );
    for device in ["net_ring0", "net_null0,size=64,copy=0"] {
        let setup = PortSetup::new(vec![pool.clone()]);
        let mut port = Port::open(&eal, device)?.configure(&setup)?;
        for touch in [Touch::Nothing, Touch::MacSwap, Touch::Headroom] {
            let row = measure(&mut port, &pool, touch)?;
            let name = device.split(',').next().unwrap_or(device);
            print_row(name, touch, row);
        }
    }
    Ok(())
}

/// What is done with each packet.
#[derive(Clone, Copy, Debug)]
enum Touch {
    Nothing,
    MacSwap,
    /// As encapsulation and decapsulation of an IPv6 header do.
    Headroom,
}

/// Ticks a packet, of the least disturbed round.
struct Row {
    rust: f64,
    c: f64,
}

fn print_row(port: &str, touch: Touch, row: Row) {
    let touch = match touch {
        Touch::Nothing => "nothing",
        Touch::MacSwap => "MAC swap",
        Touch::Headroom => "prepend, trim",
    };
    let ns = row.rust * 1e9 / tsc_hz() as f64;
    println!(
        "{port:<12} {touch:<16} {:>9.1} {:>9.1} {ns:>9.2}",
        row.rust, row.c
    );
}

/// Runs both loops in turn, so that what disturbs one disturbs the other.
fn measure(port: &mut Configured, pool: &Mempool, touch: Touch) -> Result<Row, Box<dyn Error>> {
    let mut filled = Burst::<BURST>::new();
    pool.allocate_burst(&mut filled, BURST)?;
    for mbuf in &mut filled {
        mbuf.append(64)?.fill(0);
    }
    port.tx[0].transmit(&mut filled);
    let (mut rust, mut c) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        rust.push(match touch {
            Touch::Nothing => rust_loop(port, |_| ()),
            Touch::MacSwap => rust_loop(port, swap_macs),
            Touch::Headroom => rust_loop(port, |mbuf| {
                let _ = mbuf.prepend(40);
                let _ = mbuf.trim_front(40);
            }),
        });
        c.push(match touch {
            Touch::Nothing => c_loop(port, |_| ()),
            Touch::MacSwap => c_loop(port, swap_macs),
            Touch::Headroom => c_loop(port, c_headroom),
        });
    }
    // What circulates in a ring port goes back before the next measurement.
    port.rx[0].receive(&mut filled, BURST);
    Ok(Row {
        rust: least(rust),
        c: least(c),
    })
}

fn rust_loop(port: &mut Configured, mut touch: impl FnMut(&mut Mbuf)) -> f64 {
    let mut burst = Burst::<BURST>::new();
    let (rx, tx) = (&mut port.rx[0], &mut port.tx[0]);
    let mut packets = 0;
    let start = tsc();
    for _ in 0..BURSTS {
        packets += rx.receive(&mut burst, BURST);
        for mbuf in &mut burst {
            touch(mbuf);
        }
        tx.transmit(&mut burst);
        burst.clear();
    }
    (tsc() - start) as f64 / packets as f64
}

fn c_loop(port: &mut Configured, mut touch: impl FnMut(&mut Mbuf)) -> f64 {
    let mut burst = Burst::<BURST>::new();
    let id = port.port.id();
    let mut packets = 0;
    let start = tsc();
    for _ in 0..BURSTS {
        let slots = burst.as_mut_ptr().cast();
        // SAFETY: the port is started and nobody else uses its queue; the empty burst has place.
        let received = unsafe { dpdk_sys::dpdk_shim_rx_burst(id, 0, slots, BURST as u16) };
        // SAFETY: so many slots hold packets now, each exactly a pointer.
        unsafe { burst.set_len(usize::from(received)) };
        for mbuf in &mut burst {
            touch(mbuf);
        }
        // SAFETY: as above; the packets it counts are given up by the emptied burst.
        let sent = unsafe { dpdk_sys::dpdk_shim_tx_burst(id, 0, slots, received) };
        assert_eq!(sent, received, "these ports take all");
        // SAFETY: all packets were given up.
        unsafe { burst.set_len(0) };
        packets += u64::from(received);
    }
    (tsc() - start) as f64 / packets as f64
}

#[inline(always)]
fn swap_macs(mbuf: &mut Mbuf) {
    let Some((low, rest)) = mbuf.data_mut().split_first_chunk_mut::<8>() else {
        return;
    };
    let Some(high) = rest.first_chunk_mut::<4>() else {
        return;
    };
    // As a number of 96 bits rotated by 48: two loads and two stores of the same widths, which the
    // processor can forward to each other.
    let (a, b) = (u64::from_le_bytes(*low), u32::from_le_bytes(*high));
    *low = (a >> 48 | u64::from(b) << 16 | a << 48).to_le_bytes();
    *high = ((a >> 16) as u32).to_le_bytes();
}

fn c_headroom(mbuf: &mut Mbuf) {
    // An `Mbuf` is exactly a pointer.
    let raw = std::ptr::from_mut(mbuf).cast::<*mut dpdk_sys::rte_mbuf>();
    // SAFETY: as said.
    let raw = unsafe { *raw };
    // SAFETY: a packet of ours.
    unsafe { dpdk_sys::dpdk_shim_mbuf_prepend(raw, 40) };
    // SAFETY: a packet of ours.
    unsafe { dpdk_sys::dpdk_shim_mbuf_adj(raw, 40) };
}

fn least(values: Vec<f64>) -> f64 {
    values.into_iter().fold(f64::INFINITY, f64::min)
}

const BURST: usize = 32;
/// A few milliseconds, to fit between two interruptions.
const BURSTS: u32 = 20_000;
const ROUNDS: usize = 60;
