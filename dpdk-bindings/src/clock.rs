//! The time stamp counter, the only clock cheap enough for a poll loop: read once per burst.
#![allow(
    unsafe_code,
    reason = "reads the time stamp counter and a kernel clock"
)]

use std::sync::OnceLock;
use std::thread::sleep;
use std::time::Duration;

/// Ticks of the time stamp counter.
#[must_use]
#[inline]
pub fn tsc() -> u64 {
    // SAFETY: every processor of the x86-64-v3 baseline has RDTSC, and Linux permits it.
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// Ticks a second, measured once for 50 ms against `CLOCK_MONOTONIC_RAW`.
///
/// DPDK 22.11 rounds its own estimate to 10 MHz, an error of up to 0.2 %.
#[must_use]
pub fn tsc_hz() -> u64 {
    static HZ: OnceLock<u64> = OnceLock::new();
    *HZ.get_or_init(|| {
        let (first_tsc, first_ns) = sample();
        sleep(CALIBRATION);
        let (last_tsc, last_ns) = sample();
        let elapsed_ns = (last_ns - first_ns).max(1);
        let ticks = u128::from(last_tsc - first_tsc) * NS_PER_S / elapsed_ns;
        u64::try_from(ticks).unwrap_or(u64::MAX)
    })
}

/// Nanoseconds since the time stamp counter's start. The first call calibrates, which takes 50 ms.
#[must_use]
#[inline]
pub fn now_ns() -> u64 {
    static NS_PER_TICK: OnceLock<u64> = OnceLock::new();
    let factor = *NS_PER_TICK.get_or_init(|| {
        let factor = (NS_PER_S << FRACTION_BITS) / u128::from(tsc_hz().max(1));
        u64::try_from(factor).unwrap_or(u64::MAX)
    });
    ((u128::from(tsc()) * u128::from(factor)) >> FRACTION_BITS) as u64
}

/// The tightest of a few pairs, so that an interrupt between the two readings does not count.
fn sample() -> (u64, u128) {
    let mut best = (u64::MAX, 0, 0);
    for _ in 0..SAMPLES {
        let before = tsc();
        let ns = monotonic_raw_ns();
        let width = tsc() - before;
        if width < best.0 {
            best = (width, before + width / 2, ns);
        }
    }
    (best.1, best.2)
}

fn monotonic_raw_ns() -> u128 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: writes to the given structure only; the clock exists since Linux 2.6.28.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_RAW, &mut now) };
    now.tv_sec as u128 * NS_PER_S + now.tv_nsec as u128
}

/// Binary places of the nanoseconds a tick.
const FRACTION_BITS: u32 = 32;
const CALIBRATION: Duration = Duration::from_millis(50);
const NS_PER_S: u128 = 1_000_000_000;
const SAMPLES: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_runs_at_the_measured_rate() {
        let hz = tsc_hz();
        let (first_tsc, first_ns) = sample();
        let (last_tsc, last_ns) = loop {
            let now = sample();
            if now.1 - first_ns > 20_000_000 {
                break now;
            }
        };
        let seen = u128::from(last_tsc - first_tsc) * NS_PER_S / (last_ns - first_ns);
        let off = seen.abs_diff(u128::from(hz));
        assert!(off * 1000 < seen, "{seen} Hz seen, {hz} Hz calibrated");
    }
}
