//! A worker's ports as DPDK queues.
//!
//! The door between the packet path, which knows no DPDK, and the bindings.

use std::time::Duration;

use dpdk::interrupt::InterruptError;
use dpdk::interrupt::RxInterrupts;
use dpdk::mbuf;
use dpdk::mbuf::Checksum;
use dpdk::mbuf::Mbuf;
use dpdk::queue::RxQueue;
use dpdk::queue::TxQueue;
use dpdk::ring::Consumer;
use dpdk::ring::Producer;

use crate::burst::BURST_MAX;
use crate::burst::Burst;
use crate::exchange::Exchange;
use crate::instant::Instant;
use crate::packet::NoHeadroom;
use crate::packet::Packet;
use crate::ports::HandedOver;
use crate::ports::Layout;
use crate::ports::NoInterrupts;
use crate::ports::Outgoing;
use crate::ports::Ports;
use crate::ports::Wakeup;
use crate::punt::PuntClass;
use crate::side::Side;

impl Packet for Mbuf {
    #[inline(always)]
    fn head(&self) -> &[u8] {
        self.data()
    }

    #[inline(always)]
    fn head_mut(&mut self) -> &mut [u8] {
        self.data_mut()
    }

    #[inline(always)]
    fn len(&self) -> usize {
        Self::len(self)
    }

    fn segments(&self) -> usize {
        Self::segments(self)
    }

    #[inline(always)]
    fn prepend(&mut self, count: usize) -> Result<(), NoHeadroom> {
        Self::prepend(self, count).map_err(|_| NoHeadroom { wanted: count })
    }

    #[inline(always)]
    fn trim_front(&mut self, count: usize) {
        // The caller has read these octets in the first segment, so they are there.
        let trimmed = Self::trim_front(self, count);
        debug_assert!(trimmed.is_ok());
    }

    #[inline(always)]
    fn truncate(&mut self, len: usize) {
        Self::truncate(self, len);
    }

    fn copy_out(&self, at: usize, target: &mut [u8]) -> bool {
        Self::copy_out(self, at, target).is_ok()
    }

    fn append(&mut self, count: usize) -> Option<&mut [u8]> {
        Self::append(self, count).ok()
    }

    fn sibling(&self) -> Option<Self> {
        Self::sibling(self)
    }

    fn join(&mut self, tail: Self) -> Result<(), Self> {
        Self::join(self, tail)
    }

    #[inline(always)]
    fn stripped_vlan(&self) -> Option<u16> {
        self.rx_vlan()
    }

    #[inline(always)]
    fn insert_vlan(&mut self, tag: Option<u16>) {
        match tag {
            Some(tag) => self.set_tx_vlan(tag),
            None => self.clear_offloads(),
        }
    }

    #[inline(always)]
    fn ipv4_checksum_is_good(&self) -> bool {
        self.rx_l3_checksum() == Checksum::Good
    }

    #[inline(always)]
    fn prefetch(&self) {
        self.prefetch_data();
    }
}

/// The queues of one side.
#[derive(Debug)]
pub struct QueuePair {
    /// Where frames arrive.
    pub receive: RxQueue,
    /// Where frames leave.
    pub transmit: TxQueue,
}

/// The ways to the control thread, in the order of their classes.
pub type PuntRings = [Producer; PuntClass::COUNT];

/// One worker's queues, one pair on every port.
#[derive(Debug)]
pub struct DpdkPorts {
    internet: QueuePair,
    /// Absent on a stick.
    access: Option<QueuePair>,
    punts: PuntRings,
    burst: usize,
    /// What the control thread sends; absent when it does so by another worker.
    injected: Option<Consumer>,
    /// Absent when no device spreads fragments.
    exchange: Option<Exchange>,
    /// Absent when the worker never sleeps.
    interrupts: Option<RxInterrupts>,
}

impl DpdkPorts {
    /// Queues towards the Internet and, unless both sides share that port, towards the lwB4s.
    /// Punted packets go into `punts`; a receive takes at most `burst` packets.
    #[must_use]
    pub fn new(
        internet: QueuePair,
        access: Option<QueuePair>,
        punts: PuntRings,
        burst: usize,
    ) -> Self {
        Self {
            internet,
            access,
            punts,
            burst,
            injected: None,
            exchange: None,
            interrupts: None,
        }
    }

    /// Lets this worker send what the control thread has to say.
    #[must_use]
    pub fn with_injected(mut self, injected: Consumer) -> Self {
        self.injected = Some(injected);
        self
    }

    /// Lets fragments that the devices spread meet at one worker.
    #[must_use]
    pub fn with_exchange(mut self, exchange: Exchange) -> Self {
        self.exchange = Some(exchange);
        self
    }

    /// Lets these queues wake the worker when it sleeps.
    ///
    /// # Errors
    /// When a device cannot interrupt.
    pub fn with_interrupts(mut self) -> Result<Self, InterruptError> {
        let access = self.access.as_ref().map(|pair| &pair.receive);
        let queues = [&self.internet.receive].into_iter().chain(access);
        self.interrupts = Some(RxInterrupts::new(queues)?);
        Ok(self)
    }

    #[inline(always)]
    fn pair(&mut self, side: Side) -> &mut QueuePair {
        match (side, &mut self.access) {
            (Side::Access, Some(access)) => access,
            _ => &mut self.internet,
        }
    }
}

impl Ports for DpdkPorts {
    type Packet = Mbuf;

    #[inline(always)]
    fn layout(&self) -> Layout {
        if self.access.is_some() {
            Layout::TwoPorts
        } else {
            Layout::OnAStick
        }
    }

    #[inline(always)]
    fn now(&self) -> Instant {
        Instant::from_nanos(dpdk::clock::now_ns())
    }

    #[inline(always)]
    fn receive(&mut self, side: Side, burst: &mut Burst<Mbuf>) {
        let max = self.burst;
        self.pair(side).receive.receive(burst, max);
    }

    #[inline(always)]
    fn transmit(&mut self, side: Side, packets: &mut Outgoing<Mbuf>) {
        self.pair(side).transmit.transmit(packets);
    }

    fn punt(&mut self, class: PuntClass, packets: &mut Burst<Mbuf>) {
        self.punts[class as usize].push_burst(packets);
    }

    #[inline(always)]
    fn injected(&mut self, burst: &mut Burst<Mbuf>) {
        if let Some(injected) = &mut self.injected {
            injected.pop_burst(burst, BURST_MAX);
        }
    }

    fn release(&mut self, packets: &mut Burst<Mbuf>) {
        mbuf::free_bulk(packets);
    }

    #[inline(always)]
    fn spreads_fragments(&self, side: Side) -> bool {
        self.exchange
            .as_ref()
            .is_some_and(|exchange| exchange.spreads(side))
    }

    fn hand_over(&mut self, side: Side, hash: u64, packet: Mbuf) -> HandedOver<Mbuf> {
        match &self.exchange {
            Some(exchange) => exchange.hand_over(side, hash, packet),
            None => HandedOver::Own(packet),
        }
    }

    fn take_over(&mut self, side: Side, burst: &mut Burst<Mbuf>) {
        if let Some(exchange) = &mut self.exchange {
            exchange.take_over(side, burst);
        }
    }

    fn arm(&mut self) -> Result<(), NoInterrupts> {
        let interrupts = self.interrupts.as_mut().ok_or(NoInterrupts)?;
        interrupts.arm().map_err(|_| NoInterrupts)
    }

    fn wait(&mut self) -> Wakeup {
        let interrupts = self.interrupts.as_mut();
        if interrupts.is_some_and(|interrupts| interrupts.wait(LONGEST_SLEEP)) {
            Wakeup::Traffic
        } else {
            Wakeup::Timeout
        }
    }

    fn disarm(&mut self) {
        if let Some(interrupts) = &mut self.interrupts {
            interrupts.disarm();
        }
    }
}

/// How late a sleeper may notice that it shall stop.
const LONGEST_SLEEP: Duration = Duration::from_millis(100);
