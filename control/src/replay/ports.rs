//! Ports whose packets come from captures, in the order of their time stamps.

use std::collections::VecDeque;
use std::time::Duration;

use dpdk::mbuf::Burst as DpdkBurst;
use dpdk::mbuf::Mbuf;
use dpdk::mbuf::RxTimestamps;
use dpdk::mbuf::free_bulk;
use lwaftr_dataplane::burst::BURST_MAX;
use lwaftr_dataplane::burst::Burst;
use lwaftr_dataplane::dpdk_ports::QueuePair;
use lwaftr_dataplane::instant::Instant;
use lwaftr_dataplane::ports::Layout;
use lwaftr_dataplane::ports::Outgoing;
use lwaftr_dataplane::ports::Ports;
use lwaftr_dataplane::punt::PuntClass;
use lwaftr_dataplane::side::Side;

/// Both sides' captures as one stream in time.
///
/// A round gets packets of one side and one time stamp only; on a tie the Internet side goes first.
#[derive(Debug)]
pub(super) struct ReplayPorts {
    layout: Layout,
    sides: [Capture; 2],
    timestamps: Option<RxTimestamps>,
    /// The time stamp of what was received last.
    now: Instant,
    /// Whether the Internet side had its turn in this round, so that the access side waits for the next: what
    /// control does between two rounds, it does between two time stamps.
    had_turn: bool,
    /// What is for the control thread, which is stepped between two rounds, and what it sends.
    punted: VecDeque<(PuntClass, Mbuf)>,
    injected: VecDeque<Mbuf>,
}

/// One side: its queues, if it has files, and the packet that comes next.
#[derive(Debug, Default)]
struct Capture {
    queues: Option<QueuePair>,
    /// Its time in nanoseconds.
    next: Option<(u64, Mbuf)>,
}

impl ReplayPorts {
    /// Ports over capture files; a side without files receives nothing and swallows what it is sent.
    #[must_use]
    pub(super) fn new(
        layout: Layout,
        internet: Option<QueuePair>,
        access: Option<QueuePair>,
        timestamps: Option<RxTimestamps>,
    ) -> Self {
        let capture = |queues| Capture { queues, next: None };
        Self {
            layout,
            sides: [internet, access].map(capture),
            timestamps,
            now: Instant::default(),
            had_turn: false,
            punted: VecDeque::new(),
            injected: VecDeque::new(),
        }
    }

    /// Takes the next packet that is for the control thread, whatever its class.
    pub(super) fn take_punted(&mut self) -> Option<(PuntClass, Mbuf)> {
        self.punted.pop_front()
    }

    /// Has the worker send these in its next round.
    pub(super) fn inject(&mut self, packets: impl IntoIterator<Item = Mbuf>) {
        self.injected.extend(packets);
    }

    /// Lets time go by.
    pub(super) fn pass(&mut self, duration: Duration) {
        self.now = self.now + duration;
    }

    /// When the next packet comes; `None` when all of every capture have been received.
    #[must_use]
    pub(super) fn next_at(&mut self) -> Option<Instant> {
        self.look_ahead();
        let times = self.sides.iter().filter_map(|side| side.next.as_ref());
        times.map(|(time, _)| Instant::from_nanos(*time)).min()
    }

    fn look_ahead(&mut self) {
        for side in &mut self.sides {
            if let (None, Some(queues)) = (&side.next, &mut side.queues) {
                let mut one = DpdkBurst::<1>::new();
                queues.receive.receive(&mut one, 1);
                side.next = one.pop().map(|packet| {
                    let time = self.timestamps.and_then(|field| packet.rx_timestamp(field));
                    (time.unwrap_or_default().saturating_mul(NANOS), packet)
                });
            }
        }
    }

    /// When `side` is to receive next, unless the other comes first.
    fn turn(&self, side: Side) -> Option<u64> {
        let time = |side: Side| {
            self.sides[side as usize]
                .next
                .as_ref()
                .map(|(time, _)| *time)
        };
        let own = time(side)?;
        let is_first = match side {
            Side::Internet => time(Side::Access).is_none_or(|other| own <= other),
            Side::Access => time(Side::Internet).is_none_or(|other| own < other),
        };
        is_first.then_some(own)
    }
}

impl Ports for ReplayPorts {
    type Packet = Mbuf;

    fn layout(&self) -> Layout {
        self.layout
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn receive(&mut self, side: Side, burst: &mut Burst<Mbuf>) {
        self.look_ahead();
        if side == Side::Access && std::mem::take(&mut self.had_turn) {
            return;
        }
        let turn = self.turn(side);
        self.had_turn = side == Side::Internet && turn.is_some();
        let Some(time) = turn else { return };
        self.now = Instant::from_nanos(time);
        while burst.len() < BURST_MAX {
            match self.sides[side as usize].next.take() {
                Some((at, packet)) if at == time => burst.push(packet),
                later => {
                    self.sides[side as usize].next = later;
                    break;
                }
            }
            self.look_ahead();
        }
    }

    fn transmit(&mut self, side: Side, packets: &mut Outgoing<Mbuf>) {
        let side = if self.layout == Layout::OnAStick {
            Side::Internet
        } else {
            side
        };
        match &mut self.sides[side as usize].queues {
            Some(queues) => {
                queues.transmit.transmit(packets);
            }
            None => free_bulk(packets),
        }
    }

    fn punt(&mut self, class: PuntClass, packets: &mut Burst<Mbuf>) {
        // One queue for all, so that answers leave in the order of what they answer.
        let packets = packets.drain(..);
        self.punted.extend(packets.map(|packet| (class, packet)));
    }

    fn injected(&mut self, burst: &mut Burst<Mbuf>) {
        let room = BURST_MAX - burst.len();
        let count = room.min(self.injected.len());
        burst.extend(self.injected.drain(..count));
    }

    fn release(&mut self, packets: &mut Burst<Mbuf>) {
        free_bulk(packets);
    }
}

/// In a microsecond, the unit of net_pcap's time stamps.
const NANOS: u64 = 1000;
