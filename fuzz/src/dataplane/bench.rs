//! The box of an execution: frames go in, time passes, and every law is checked after every round.
//!
//! An execution ends when nothing waits any more and so much time has passed that nothing is remembered, so
//! the box can serve the next one that asks for the same settings; counters and time go on. `shelf` keeps it.

use std::sync::Arc;
use std::time::Duration;

use lwaftr_dataplane::counters::Counters;
use lwaftr_dataplane::instant::Instant;
use lwaftr_dataplane::path_mtu;
use lwaftr_dataplane::path_mtu::NewsQueue;
use lwaftr_dataplane::path_mtu::PathMtus;
use lwaftr_dataplane::pipeline::Pipeline;
use lwaftr_dataplane::ports::Layout;
use lwaftr_dataplane::side::Side;
use lwaftr_dataplane::table::Publisher;
use lwaftr_dataplane::worker::Worker;

use crate::dataplane::account;
use crate::dataplane::network;
use crate::dataplane::packet::FuzzPacket;
use crate::dataplane::packet::Pool;
use crate::dataplane::ports::FuzzPorts;
use crate::dataplane::sent::Judge;
use crate::dataplane::settings::Settings;

thread_local! {
    /// Building a table costs more than most executions; they leave it as they found it.
    static PUBLISHER: Publisher = network::publisher();
}

/// A worker over ports made of vectors.
pub(crate) struct Bench {
    settings: Settings,
    pool: Pool,
    worker: Worker<FuzzPorts>,
    counters: Arc<Counters>,
    news: NewsQueue,
    paths: PathMtus,
    now: Instant,
    judge: Judge,
    pending: usize,
    executions: u32,
}

/// How a frame comes in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) side: Side,
    /// Octets in the first buffer.
    pub(crate) first: usize,
    /// The tag that the device took out.
    pub(crate) stripped_vlan: Option<u16>,
    /// Whether the device says that the IPv4 header sums up, which it only says if it does.
    pub(crate) checksum_is_good: bool,
}

impl Bench {
    pub(crate) fn new(settings: Settings) -> Self {
        let counters = Arc::new(Counters::default());
        let news = path_mtu::queue();
        let reader = PUBLISHER.with(|publisher| publisher.reader().expect("a seat").online());
        let worker = Worker::new(
            FuzzPorts::new(settings.layout),
            Pipeline::new(settings.forwarding.clone()),
            settings.share,
            reader,
            Arc::clone(&counters),
        );
        Self {
            pool: Pool::new(settings.buffers, settings.room),
            worker: worker.telling(Arc::clone(&news)),
            judge: Judge::default(),
            counters,
            news,
            paths: PathMtus::default(),
            now: Instant::default(),
            settings,
            pending: 0,
            executions: 0,
        }
    }

    /// Whether this box has served long enough: what is wrong only with a box that has just begun must be
    /// met too, and its clock must not run out.
    pub(crate) fn is_worn(&self) -> bool {
        self.executions >= EXECUTIONS_MAX
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Puts a frame where the next round finds it.
    pub(crate) fn receive(&mut self, frame: &[u8], arrival: Arrival) {
        let mut packet = self.pool.received(frame, arrival.first);
        packet.stripped_vlan = arrival.stripped_vlan;
        packet.checksum_is_good = arrival.checksum_is_good;
        let queue = match self.settings.layout {
            Layout::TwoPorts => arrival.side as usize,
            Layout::OnAStick => 0,
        };
        self.judge.remember(frame);
        self.worker.ports_mut().arriving[queue].push_back(packet);
        self.pending += 1;
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, duration: Duration) {
        self.round();
        self.now = self.now + duration;
        PUBLISHER.with(|publisher| self.paths.lapse(publisher, self.now));
        self.worker.ports_mut().now = self.now;
        self.step();
    }

    /// Runs the worker until nothing arrives any more.
    pub(crate) fn round(&mut self) {
        while self.pending > 0 {
            let arrived = self.step();
            assert!(arrived > 0, "{} packets do not arrive", self.pending);
        }
    }

    /// Lets everything that waits run out of time; nothing may be left then.
    pub(crate) fn finish(&mut self) {
        self.wait(LONGER_THAN_ANY_TIMEOUT);
        self.check();
        assert_eq!(account::held(&self.counters), 0, "fragments wait for ever");
        assert_eq!(
            self.worker.going_up(),
            0,
            "packets wait for company for ever"
        );
        assert_eq!(
            (self.pool.packets(), self.pool.buffers()),
            (0, 0),
            "buffers did not come back"
        );
        self.judge.forget(&self.counters);
        self.executions += 1;
    }

    /// One round of the worker. Returns how many packets arrived.
    fn step(&mut self) -> usize {
        let ports = self.worker.ports_mut();
        ports.transmit_room = [self.settings.transmit_room; 2];
        ports.punt_room = self.settings.punt_room;
        let arrived = self.worker.round();
        self.pending -= arrived;
        self.judge_all();
        // The law is one of sums that only grow, so a round that does nothing is judged with the next.
        if arrived > 0 {
            self.check();
        }
        self.hear();
        arrived
    }

    /// Judges what has left in this round.
    fn judge_all(&mut self) {
        self.judge.begin(&self.counters);
        for side in [Side::Internet, Side::Access] {
            let mut packets = std::mem::take(&mut self.worker.ports_mut().left[side as usize]);
            for packet in packets.drain(..) {
                self.judge_packet(side, &packet);
            }
            self.worker.ports_mut().left[side as usize] = packets;
            self.judge.end_of_round(side, self.settings.loses_frames());
        }
    }

    fn check(&mut self) {
        let punted = self.worker.ports_mut().punted;
        let going_up = self.worker.going_up() as u64;
        account::check(&self.counters, self.judge.taken(), punted, going_up);
        assert_eq!(
            (self.pool.packets() - self.pending) as u64,
            account::held(&self.counters) + going_up,
            "buffers are out that nobody waits with"
        );
    }

    fn judge_packet(&mut self, side: Side, packet: &FuzzPacket) {
        PUBLISHER.with(|publisher| self.judge.judge(&self.settings, publisher, side, packet));
    }

    /// What the control thread does with news of paths.
    fn hear(&mut self) {
        while let Some(news) = self.news.pop() {
            PUBLISHER.with(|publisher| self.paths.hear(news, publisher, self.now));
        }
    }
}

/// Longer than any packet waits, and than anything is known of a path.
const LONGER_THAN_ANY_TIMEOUT: Duration = Duration::from_secs(601);
/// Executions that a box serves: a clock of 64 bits has the nanoseconds for many more.
const EXECUTIONS_MAX: u32 = 1000;
