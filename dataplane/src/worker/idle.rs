//! What a worker does when nothing arrives: ask again, rest, or sleep.
//!
//! ```text
//!  empty ──► rest ──► still empty ──► arm ──► round ──► wait ──► disarm ──► round …
//!                                              └ packets: disarm
//! ```
//!
//! A packet that comes before the ports are armed interrupts nobody, so the round between arming and
//! waiting is what keeps it from lying there until the next one comes. While it waits, the worker is
//! away from the table: the publisher never waits for a sleeper.

use std::hint;

use crate::ports::Ports;
use crate::ports::Wakeup;

use super::Worker;

/// What an empty round does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Idle {
    /// Asks again at once.
    Spin,
    /// Lets the core rest for some tens of nanoseconds, so that a sibling thread or the power
    /// budget gains.
    Pause,
    /// Rests as with `Pause` for a while, then sleeps until a packet comes. Over ports that wake
    /// nobody it goes on resting.
    Interrupt,
}

/// How long it has been quiet.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    empty_rounds: u32,
}

impl<P: Ports> Worker<P> {
    /// Does what `idle` says about one more empty round.
    pub(super) fn rest(&mut self, idle: Idle, quiet: &mut Quiet) {
        quiet.empty_rounds = quiet.empty_rounds.saturating_add(1);
        match idle {
            Idle::Spin => {}
            Idle::Interrupt if quiet.empty_rounds > BEFORE_SLEEP => {
                if self.sleep() == Wakeup::Traffic {
                    *quiet = Quiet::default();
                }
            }
            Idle::Pause | Idle::Interrupt => pause(quiet.empty_rounds),
        }
    }

    /// Sleeps until there is something to do, or for as long as the ports dare.
    #[cold]
    fn sleep(&mut self) -> Wakeup {
        if self.ports.arm().is_err() {
            pause(LONGEST_PAUSE);
            return Wakeup::Timeout;
        }
        let wakeup = if self.round() > 0 {
            Wakeup::Traffic
        } else {
            let Self { ports, reader, .. } = self;
            reader.parked_while(|| ports.wait())
        };
        self.ports.disarm();
        wakeup
    }
}

fn pause(empty_rounds: u32) {
    (0..empty_rounds.min(LONGEST_PAUSE)).for_each(|_| hint::spin_loop());
}

/// Most pause instructions between two polls: about a microsecond.
const LONGEST_PAUSE: u32 = 32;
/// Empty rounds before a sleep, some hundred microseconds: a burst's gaps cost no system calls, and a
/// driver whose interrupt overtakes its packet (net_tap hears of packets by a signal) has the time to
/// find it.
const BEFORE_SLEEP: u32 = 256;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::burst::BURST_MAX;
    use crate::burst::Burst;
    use crate::counters::Counter;
    use crate::counters::Counters;
    use crate::heap_packet::HeapPacket;
    use crate::instant::Instant;
    use crate::pipeline::Pipeline;
    use crate::pipeline::Share;
    use crate::pipeline::tests::SHARED;
    use crate::pipeline::tests::forwarding;
    use crate::pipeline::tests::publisher;
    use crate::pipeline::tests::udp;
    use crate::port_set::PortSet;
    use crate::port_set::PortSplit;
    use crate::ports::Layout;
    use crate::ports::NoInterrupts;
    use crate::ports::Outgoing;
    use crate::punt::PuntClass;
    use crate::side::Side;
    use crate::table::Publisher;

    /// Ports that write down what is asked of them, and to which things happen at awkward moments.
    struct SleepyPorts {
        calls: Vec<&'static str>,
        can_interrupt: bool,
        arriving: VecDeque<HeapPacket>,
        /// Comes while the ports are being armed: too early to interrupt.
        at_arming: Option<HeapPacket>,
        /// Come one by one, each to a worker that waits.
        at_waiting: VecDeque<HeapPacket>,
        /// Whether the publisher got rid of what it removed during a wait.
        reclaimed: Option<bool>,
        publisher: Publisher,
        stop: Arc<AtomicBool>,
    }

    impl Ports for SleepyPorts {
        type Packet = HeapPacket;

        fn layout(&self) -> Layout {
            Layout::OnAStick
        }

        fn now(&self) -> Instant {
            Instant::default()
        }

        fn receive(&mut self, _: Side, burst: &mut Burst<HeapPacket>) {
            self.calls.push("poll");
            burst.extend(self.arriving.drain(..self.arriving.len().min(BURST_MAX)));
        }

        fn transmit(&mut self, _: Side, packets: &mut Outgoing<HeapPacket>) {
            packets.clear();
        }

        fn punt(&mut self, _: PuntClass, packets: &mut Burst<HeapPacket>) {
            packets.clear();
        }

        fn release(&mut self, packets: &mut Burst<HeapPacket>) {
            packets.clear();
        }

        fn arm(&mut self) -> Result<(), NoInterrupts> {
            self.calls.push("arm");
            self.arriving.extend(self.at_arming.take());
            self.can_interrupt.then_some(()).ok_or(NoInterrupts)
        }

        fn wait(&mut self) -> Wakeup {
            self.calls.push("wait");
            let psid_1 = PortSet::new(PortSplit::new(0, 4).unwrap(), 1).unwrap();
            if self.publisher.remove(SHARED, psid_1).is_ok() {
                self.reclaimed = Some(self.publisher.reclaim());
            }
            match self.at_waiting.pop_front() {
                Some(packet) => {
                    self.arriving.push_back(packet);
                    Wakeup::Traffic
                }
                None => {
                    self.stop.store(true, Ordering::Relaxed);
                    Wakeup::Timeout
                }
            }
        }

        fn disarm(&mut self) {
            self.calls.push("disarm");
        }
    }

    fn worker() -> (Worker<SleepyPorts>, Arc<Counters>) {
        let publisher = publisher();
        let reader = publisher.reader().unwrap().online();
        let ports = SleepyPorts {
            calls: Vec::new(),
            can_interrupt: true,
            arriving: VecDeque::new(),
            at_arming: None,
            at_waiting: VecDeque::new(),
            reclaimed: None,
            publisher,
            stop: Arc::default(),
        };
        let counters = Arc::new(Counters::default());
        let pipeline = Pipeline::new(forwarding());
        let worker = Worker::new(ports, pipeline, Share::WHOLE, reader, Arc::clone(&counters));
        (worker, counters)
    }

    #[test]
    fn a_sleep_arms_polls_once_more_waits_and_disarms() {
        let (mut worker, _) = worker();
        assert_eq!(worker.sleep(), Wakeup::Timeout);
        assert_eq!(worker.ports_mut().calls, ["arm", "poll", "wait", "disarm"]);
    }

    #[test]
    fn a_packet_from_before_the_arming_is_not_slept_over() {
        let (mut worker, counters) = worker();
        worker.ports_mut().at_arming = Some(udp(5000, 64, 0, &[]));
        assert_eq!(worker.sleep(), Wakeup::Traffic);
        assert_eq!(worker.ports_mut().calls, ["arm", "poll", "disarm"]);
        assert_eq!(counters.get(Counter::TxAccessPackets), 1);
    }

    #[test]
    fn packets_that_wake_a_worker_are_all_received() {
        let (mut worker, counters) = worker();
        let packets = (0..3).map(|_| udp(5000, 64, 0, &[]));
        worker.ports_mut().at_waiting.extend(packets);
        let stop = Arc::clone(&worker.ports_mut().stop);
        let ports = worker.run(Idle::Interrupt, &stop);
        assert_eq!(counters.get(Counter::RxInternetPackets), 3);
        let waits = ports.calls.iter().filter(|call| **call == "wait").count();
        assert_eq!(waits, 4);
    }

    #[test]
    fn the_publisher_does_not_wait_for_a_sleeper() {
        let (mut worker, _) = worker();
        worker.round();
        worker.sleep();
        assert_eq!(worker.ports_mut().reclaimed, Some(true));
    }

    #[test]
    fn ports_that_wake_nobody_are_not_waited_for() {
        let (mut worker, _) = worker();
        worker.ports_mut().can_interrupt = false;
        assert_eq!(worker.sleep(), Wakeup::Timeout);
        assert_eq!(worker.ports_mut().calls, ["arm"]);
    }

    #[test]
    fn only_interrupt_sleeps_and_only_after_a_while() {
        for (idle, sleeps) in [
            (Idle::Spin, false),
            (Idle::Pause, false),
            (Idle::Interrupt, true),
        ] {
            let (mut worker, _) = worker();
            let mut quiet = Quiet::default();
            for _ in 0..BEFORE_SLEEP {
                worker.rest(idle, &mut quiet);
            }
            assert!(worker.ports_mut().calls.is_empty());
            worker.rest(idle, &mut quiet);
            assert_eq!(worker.ports_mut().calls.contains(&"wait"), sleeps);
        }
    }
}
