//! What the heap keeps of blocks that were freed; alone, for the whole process is weighed.
#![cfg(target_env = "gnu")]
#![allow(clippy::unwrap_used)] // In a test, also outside its functions, to panic is to fail.

use std::fs;
use std::hint::black_box;
use std::sync::mpsc;
use std::thread;

use dpdk::heap;

fn resident_kilobytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let number = line.unwrap().split_whitespace().next().unwrap();
    number.parse().unwrap()
}

#[test]
fn a_block_is_not_kept_because_there_was_a_larger_one() {
    heap::give_back();
    let before = resident_kilobytes();
    let (freed, wait) = mpsc::channel();
    let (end, ended) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        for megabytes in [30, 20] {
            drop(black_box(vec![1_u8; megabytes << 20]));
        }
        freed.send(()).unwrap();
        ended.recv().ok();
    });
    wait.recv().unwrap();
    let kept = resident_kilobytes().saturating_sub(before);
    drop(end);
    thread.join().unwrap();
    assert!(kept < 8 << 10, "{kept} kB are kept");
}
