//! `idle = "interrupt"`: a worker that sleeps when nothing comes, and wakes when something does.
//!
//! Over net_tap, which can interrupt; its interfaces are bridged to those of the network.

use std::thread;
use std::time::Duration;

use libtest_mimic::Trial;
use programs::Outcome;
use programs::wait_until;

use crate::daemon::Daemon;
use crate::daemon::Driver;
use crate::daemon::Setup;
use crate::lab::HOST;
use crate::lab::Lab;
use crate::lab::SUBSCRIBER;
use crate::network::Place;
use crate::scenarios::TRANSFER;
use crate::scenarios::in_lab;

/// All of them.
pub(crate) fn trials() -> Vec<Trial> {
    let over_tap = |name: &str, idle: &'static str, scenario: fn(&mut Lab) -> Outcome<()>| {
        let setup = Setup {
            driver: Driver::Tap,
            idle,
            ..Setup::default()
        };
        Trial::test(name.to_owned(), move || in_lab(&setup, scenario))
    };
    vec![
        over_tap(
            "sleeper_forwards_and_uses_no_time_in_silence",
            "interrupt",
            sleeper,
        ),
        over_tap(
            "sleeper_awake_uses_all_the_time_there_is",
            "pause",
            |lab| match silent_second(&lab.daemon)? {
                used if used > SILENCE_AWAKE => Ok(()),
                used => Err(format!("a polling worker used {used:?} of a second").into()),
            },
        ),
    ]
}

fn sleeper(lab: &mut Lab) -> Outcome<()> {
    let quiet = || silent_second(&lab.daemon).is_ok_and(|used| used < SILENCE_ASLEEP);
    if !wait_until(Duration::from_secs(10), quiet) {
        let used = silent_second(&lab.daemon)?;
        return Err(format!("a worker without packets used {used:?} of a second").into());
    }
    // Each of these packets finds the worker asleep.
    lab.ping(Place::B4, HOST, 1100)?;
    lab.ping(Place::Internet, SUBSCRIBER, 1101)?;
    let _server = lab.serve(Place::Internet, "tcp-serve", HOST, 80)?;
    lab.traffic(Place::B4, "tcp-send", HOST, 80, &["10"])?
        .succeed(TRANSFER)?;
    let used = silent_second(&lab.daemon)?;
    if used >= SILENCE_ASLEEP {
        return Err(format!("after traffic, a silent second took {used:?}").into());
    }
    // A sleeper must not keep the publisher, nor the end, waiting.
    let row =
        "ipv4,psid_offset,psid_length,psid,b4,br\n192.0.2.1,0,6,1,2001:db8:b4::1,2001:db8:af::1\n";
    lab.daemon.change("remove", row)?;
    lab.ping_in_vain(Place::B4, HOST, 1100)?;
    lab.daemon.change("add", row)?;
    lab.ping(Place::B4, HOST, 1100)?;
    let (status, took) = lab.daemon.terminate()?;
    if status.success() && took <= Duration::from_secs(2) {
        Ok(())
    } else {
        Err(format!("ended with {status} after {took:?}").into())
    }
}

/// Processor time that the worker uses in a second in which nobody sends.
fn silent_second(daemon: &Daemon) -> Outcome<Duration> {
    let before = daemon.thread_time(WORKER)?;
    thread::sleep(Duration::from_secs(1));
    let used = daemon.thread_time(WORKER)? - before;
    eprintln!("live: {WORKER} used {used:?} of a silent second");
    Ok(used)
}

/// The thread of the worker on core 0.
const WORKER: &str = "worker-0";
/// Ten wakings a second, generously: a few milliseconds were seen.
const SILENCE_ASLEEP: Duration = Duration::from_millis(100);
/// A polling worker on a loaded machine of which others have a share.
const SILENCE_AWAKE: Duration = Duration::from_millis(200);
