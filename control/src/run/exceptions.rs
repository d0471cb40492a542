//! The exception path of the running daemon: what workers punt in, what they inject out, and the servers
//! between.
//!
//! ```text
//!  workers ─ rings by class ─► turn ─┬─ ARP, ND, echo ──────────────┐
//!                                    └─ PCP ─► leasing ─► committer │
//!  first worker ◄─ ring ◄─ outbox ◄──────────────────────◄──────────┘
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use dpdk::clock;
use dpdk::mbuf;
use dpdk::mbuf::Burst;
use dpdk::mbuf::Mbuf;
use dpdk::ring::Producer;
use lwaftr_dataplane::instant::Instant;
use lwaftr_dataplane::punt::PuntClass;

use super::leasing::Leasing;
use super::punted::BURST;
use super::punted::Punted;
use crate::exception::ExceptionPath;
use crate::exception::Frame;
use crate::exception::Own;

/// Everything that control does about packets.
pub(crate) struct Exceptions {
    path: ExceptionPath,
    punted: Punted,
    injected: Producer,
    /// What the worker that sends for control has no room for yet.
    outbox: VecDeque<Frame>,
    /// The same, as packets already.
    leaving: Burst<BURST>,
    leasing: Option<Leasing>,
}

impl Exceptions {
    /// Answers what comes out of `punted` into `injected`; without a PCP server so far.
    pub(crate) fn new(path: ExceptionPath, punted: Punted, injected: Producer) -> Self {
        let mut exceptions = Self {
            path,
            punted,
            injected,
            outbox: VecDeque::new(),
            leaving: Burst::new(),
            leasing: None,
        };
        let announcements = exceptions.path.announce();
        exceptions.send(announcements);
        exceptions
    }

    /// Serves PCP from now on.
    pub(crate) fn lease(&mut self, leasing: Leasing) {
        self.leasing = Some(leasing);
    }

    /// Our addresses.
    pub(crate) fn own(&self) -> Own {
        self.path.own()
    }

    /// Answers what workers have punted, and asks what is due. Returns whether more is to be expected
    /// soon.
    pub(crate) fn turn(&mut self) -> bool {
        let now = Instant::from_nanos(clock::now_ns());
        let decided = self.leasing.as_mut().map(Leasing::begin);
        self.send(decided.into_iter().flatten());
        let mut served = 0;
        let mut burst = Burst::new();
        for class in PuntClass::ALL {
            for _ in 0..Punted::bursts_in_turn(class) {
                if !self.takes(class) || !self.punted.take(class, &mut burst) {
                    break;
                }
                served += burst.len();
                self.serve(class, &burst, now);
                mbuf::free_bulk(&mut burst);
            }
        }
        let questions = self.path.tick(now);
        self.send(questions);
        let next_hop = self.path.access_next_hop();
        // Answers come first.
        let room = ANNOUNCEMENTS.saturating_sub(self.outbox.len());
        let leasing = self.leasing.as_mut();
        let decided = leasing.map(|leasing| leasing.end(next_hop, room));
        self.send(decided.into_iter().flatten());
        if self.leasing.is_some() {
            // Requests that waited have been taken by now, so an ICMPv6 1/5 comes behind them (FO-011).
            self.path.open_access();
        }
        served > 0 || !self.outbox.is_empty()
    }

    /// Waits for `patience`, or until there are answers that waited for the store.
    pub(crate) fn wait(&mut self, patience: Duration) {
        match &mut self.leasing {
            Some(leasing) if leasing.is_committing() => {
                if let Some(frames) = leasing.wait(patience) {
                    self.send(frames);
                }
            }
            _ => std::thread::sleep(patience),
        }
    }

    /// Ends: answers whose store work is under way still leave, everything else that waits does not.
    pub(crate) fn stop(&mut self) {
        if let Some(mut leasing) = self.leasing.take() {
            let frames = leasing.begin();
            self.send(frames);
            leasing.hurry();
            let frames = leasing.end(None, 0);
            self.send(frames);
            while leasing.is_committing()
                && let Some(frames) = leasing.wait(LAST_COMMIT)
            {
                self.send(frames);
            }
            leasing.finish();
        }
        self.punted.discard();
    }

    /// While the store is slow, requests wait in their ring, where workers notice that it is full.
    fn takes(&self, class: PuntClass) -> bool {
        class != PuntClass::Pcp || self.leasing.as_ref().is_none_or(Leasing::has_room)
    }

    fn serve(&mut self, class: PuntClass, packets: &[Mbuf], now: Instant) {
        match class {
            PuntClass::Neighbour | PuntClass::Icmp => {
                let path = &mut self.path;
                let answers = packets
                    .iter()
                    .filter_map(|packet| path.receive(packet, now));
                let answers: Vec<_> = answers.collect();
                self.send(answers);
            }
            PuntClass::Pcp => {
                if let Some(leasing) = &mut self.leasing {
                    let answers = leasing.receive(packets, &mut self.path);
                    self.send(answers);
                }
            }
            // Nobody takes it yet.
            PuntClass::Other => {}
        }
    }

    /// Gives frames to the worker that sends for control, as far as it has room; the others wait. Beyond
    /// that they are lost, as on a wire: whoever asked asks again.
    fn send(&mut self, frames: impl IntoIterator<Item = Frame>) {
        self.outbox.extend(frames);
        self.outbox.truncate(MAX_OUTBOX);
        loop {
            while !self.leaving.is_full()
                && let Some(frame) = self.outbox.pop_front()
            {
                match self.path.packet(&frame) {
                    Some(packet) => self.leaving.push(packet),
                    // No buffer is left; some will be when others have been sent.
                    None => {
                        self.outbox.push_front(frame);
                        break;
                    }
                }
            }
            if self.leaving.is_empty() || self.injected.push_burst(&mut self.leaving) == 0 {
                return;
            }
        }
    }
}

/// Answers that may wait for the worker that sends them.
const MAX_OUTBOX: usize = 32_768;
/// Announcements that nobody asked for, in a turn.
const ANNOUNCEMENTS: usize = 64;
/// How long the last commit may take while the daemon stops.
const LAST_COMMIT: Duration = Duration::from_secs(2);
