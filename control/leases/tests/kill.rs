//! A process that commits under load is killed at random moments, over and over. `LEASES_KILLS` says how often.

#![allow(clippy::unwrap_used)] // In a test, also outside its functions, to panic is to fail.

mod common;

use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use leases::file_store::FileStore;
use leases::file_store::OpenOptions;
use leases::row::Row;
use leases::store::LeaseStore;

use common::Rows;
use common::moment;
use common::open;
use common::row;

/// Small files, so that segments end and checkpoints are made all the time.
fn options() -> OpenOptions {
    OpenOptions {
        segment_octets: 128 << 10,
        max_segments: 6,
        ..OpenOptions::default()
    }
}

/// What commit `number` holds; the same in both processes.
fn rows_of(number: u64) -> Vec<Row> {
    let mut rng = fastrand::Rng::with_seed(number);
    let count = rng.usize(1..300);
    (0..count).map(|_| row(rng.u32(0..5000), number)).collect()
}

fn enter(rows: &mut Rows, commit: u64) {
    rows.extend(rows_of(commit).into_iter().map(|row| (row.set(), row)));
}

/// Not a test of its own: what the other one runs in a process to be killed. Says which commits are done.
#[test]
fn worker() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let first: u64 = std::env::var(FIRST).unwrap().parse().unwrap();
    let directory = PathBuf::from(directory);
    let opened = FileStore::open(&directory, &options(), |_| moment(first), |_| {});
    let mut store = opened.unwrap().store;
    let mut out = std::io::stdout();
    for commit in first.. {
        store.commit(&rows_of(commit), &moment(commit)).unwrap();
        writeln!(out, "{DONE}{commit}").unwrap();
        out.flush().unwrap();
        if commit % 16 == 0 {
            store.tend(&moment(commit));
        }
    }
}

/// Runs a worker for some time and says which of its commits was the last that it knew to be done.
fn run_and_kill(directory: &Path, first: u64, time: Duration) -> Option<u64> {
    let mut worker = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "worker", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(worker.stdout.take().unwrap());
    let reader = thread::spawn(move || {
        let lines = out.lines().map_while(Result::ok);
        let done = lines.filter_map(|line| line.split(DONE).nth(1)?.parse().ok());
        done.last()
    });
    thread::sleep(time);
    worker.kill().unwrap();
    worker.wait().unwrap();
    reader.join().unwrap()
}

#[test]
fn killed_at_any_moment_a_store_has_every_commit_that_was_done_and_at_most_one_more() {
    let kills = std::env::var("LEASES_KILLS").map_or(20, |kills| kills.parse().unwrap());
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut rng = fastrand::Rng::new();
    let mut rows = Rows::new();
    let (mut next, mut torn) = (0, 0);
    for kill in 0..kills {
        let time = Duration::from_micros(rng.u64(20_000..200_000));
        if let Some(done) = run_and_kill(directory.path(), next, time) {
            for commit in next..=done {
                enter(&mut rows, commit);
            }
            next = done + 1;
        }
        let (opened, found) = open(directory.path(), &options(), moment(next));
        torn += u32::from(opened.ending == leases::file_store::Ending::Torn);
        if found != rows {
            enter(&mut rows, next);
            next += 1;
        }
        assert!(found == rows, "kill {kill}, before commit {next}");
    }
    println!("{kills} kills, {next} commits, {torn} cut short");
    assert!(next > kills, "hardly anything was committed");
}

const DIRECTORY: &str = "LEASES_KILL_DIRECTORY";
const FIRST: &str = "LEASES_KILL_FIRST";
const DONE: &str = "done ";
