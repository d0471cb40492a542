//! `lwb4 swarm`: many lwB4s that only ask for ports, to load an lwAFTR and to see what all of them do when it
//! fails.
//!
//! Each has an IPv6 address of its own out of one prefix, the state machine of [`crate::provisioning`], and
//! the kernel's packets; none has a NAT or a LAN. The prefix is made local for as long as the swarm lives
//! (`ip -6 route add local PREFIX dev lo`), so no address needs to be configured.
//!
//! ```text
//!   crowd     who is there, and whose timer is next
//!   air       raw sockets: any of our sources out, whoever it is for in
//!   tally     what became of them
//! ```

mod air;
mod crowd;
mod tally;

use std::io;
use std::io::Write;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pcp::instant::Instant;
use signal_hook::consts::SIGINT;
use signal_hook::consts::SIGTERM;
use thiserror::Error;

use crate::clock::Clock;
use crate::device::netlink::Netlink;
use crate::device::netlink::NetlinkError;

use air::Air;
use crowd::Crowd;
use tally::Tally;

/// What the swarm is to be.
#[derive(Clone, Copy, Debug)]
pub struct SwarmConfig {
    /// How many lwB4s.
    pub count: u32,
    /// The lwAFTR.
    pub remote: Ipv6Addr,
    /// Where their addresses begin.
    pub prefix: Ipv6Addr,
    /// Its length.
    pub prefix_length: u8,
    /// Bits of the prefix that each of them has to itself: the lwAFTR counts by them (PS-052).
    pub each: u8,
    /// How many begin in a second; all at once without.
    pub per_second: Option<u32>,
    /// Seconds to ask ports for.
    pub lifetime_s: u32,
    /// How often each sends a packet to the Internet, which an lwAFTR without its binding answers with an
    /// error.
    pub talk: Option<Duration>,
    /// Ends as soon as all have ports, giving nothing back.
    pub until_bound: bool,
    /// Ends after so long.
    pub patience: Option<Duration>,
}

/// Runs the swarm; says every second how it is, and at the end what became of it.
///
/// # Errors
/// When the system does not let it.
pub fn run(config: &SwarmConfig, json: bool) -> Result<(), SwarmError> {
    let mut netlink = Netlink::open()?;
    netlink.add_local_prefix(config.prefix, config.prefix_length)?;
    let mut air = Air::open(config.remote)?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let clock = Clock::start();
    let mut crowd = Crowd::new(config, clock.now());
    let mut told = Instant::default();
    loop {
        let now = clock.now();
        crowd.act(&mut air, now);
        let tally = crowd.tally(now);
        let all = tally.bound == config.count;
        let over = config
            .patience
            .is_some_and(|most| now.since(Instant::default()) >= most);
        if now.since(told) >= EVERY || all != crowd.were_all {
            told = now;
            crowd.were_all = all;
            say(&tally, json)?;
        }
        if stop.load(Ordering::Relaxed) || over || (all && config.until_bound) {
            break;
        }
        let due = crowd.due().map_or(EVERY, |due| due.since(now).min(EVERY));
        air.wait(due)?;
        crowd.hear(&mut air, clock.now())?;
    }
    netlink.remove_routes()?;
    let tally = crowd.tally(clock.now());
    say(&tally, json)?;
    if config.until_bound && tally.bound < config.count {
        return Err(SwarmError::NotAll {
            bound: tally.bound,
            count: config.count,
        });
    }
    Ok(())
}

fn say(tally: &Tally, json: bool) -> io::Result<()> {
    let mut output = io::stdout();
    if json {
        writeln!(output, "{}", tally.json())?;
    } else {
        writeln!(output, "{tally}")?;
    }
    output.flush()
}

/// Why there is no swarm.
#[derive(Debug, Error)]
pub enum SwarmError {
    /// The prefix cannot be made local.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// A socket failed; it needs CAP_NET_RAW.
    #[error("a socket failed: {0}")]
    Socket(#[from] io::Error),
    /// Patience has ended.
    #[error("{bound} of {count} have ports")]
    NotAll {
        /// How many have.
        bound: u32,
        /// How many there are.
        count: u32,
    },
}

/// How often it says how it is.
const EVERY: Duration = Duration::from_secs(1);
