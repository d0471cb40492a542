//! What a worker asks of its ports: bursts in, bursts out, packets up to control, buffers back.
//!
//! DPDK queues implement it in the product, vectors in tests, a packet mill in the benchmark; the
//! worker loop is the same code for all. Calls are resolved at compile time.

use arrayvec::ArrayVec;
use thiserror::Error;

use crate::burst::BURST_MAX;
use crate::burst::Burst;
use crate::instant::Instant;
use crate::packet::Packet;
use crate::punt::PuntClass;
use crate::side::Side;

/// How the sides lie on the devices.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Layout {
    /// Each side has a port of its own.
    TwoPorts,
    /// Both sides share one port, which is asked as the Internet side.
    OnAStick,
}

/// Most packets that a round can bring to one side: a burst from each.
pub const OUTGOING_MAX: usize = 2 * BURST_MAX;

/// Packets on their way out of one side.
pub type Outgoing<P> = ArrayVec<P, OUTGOING_MAX>;

/// One worker's queues.
pub trait Ports {
    /// The packet buffers that travel through these queues.
    type Packet: Packet;

    /// How the sides lie on the devices.
    fn layout(&self) -> Layout;

    /// The time, for what waits and for what is rationed. Asked once a burst.
    fn now(&self) -> Instant;

    /// Appends what has arrived on `side` to `burst`, at most a burst.
    fn receive(&mut self, side: Side, burst: &mut Burst<Self::Packet>);

    /// Hands packets to the device, in order; what it does not take stays in front.
    fn transmit(&mut self, side: Side, packets: &mut Outgoing<Self::Packet>);

    /// Hands packets of a class to the control thread, in order; what its ring has no room for stays.
    fn punt(&mut self, class: PuntClass, packets: &mut Burst<Self::Packet>);

    /// Appends what the control thread has to send, as far as there is room in `burst`.
    fn injected(&mut self, _burst: &mut Burst<Self::Packet>) {}

    /// Gives the buffers of dropped packets back.
    fn release(&mut self, packets: &mut Burst<Self::Packet>);

    /// Whether the device may give fragments of one datagram that arrive on `side` to several workers.
    /// A device that hashes addresses only does not.
    fn spreads_fragments(&self, _side: Side) -> bool {
        false
    }

    /// Gives a fragment to the worker that `hash` belongs to, one and the same whichever worker is asked.
    fn hand_over(
        &mut self,
        _side: Side,
        _hash: u64,
        packet: Self::Packet,
    ) -> HandedOver<Self::Packet> {
        HandedOver::Own(packet)
    }

    /// Appends what other workers have handed over, as far as there is room in `burst`.
    fn take_over(&mut self, _side: Side, _burst: &mut Burst<Self::Packet>) {}

    /// Makes what arrives from now on wake a [`wait`](Self::wait). What has arrived before does not.
    ///
    /// # Errors
    /// When these ports wake nobody, as ports do unless they say otherwise.
    fn arm(&mut self) -> Result<(), NoInterrupts> {
        Err(NoInterrupts)
    }

    /// Sleeps until something has arrived since arming, but not for long: a stop must be noticed.
    fn wait(&mut self) -> Wakeup {
        Wakeup::Timeout
    }

    /// Ends what `arm` began.
    fn disarm(&mut self) {}
}

/// What became of a fragment that may be another worker's.
#[derive(Debug)]
pub enum HandedOver<P> {
    /// It is this worker's own.
    Own(P),
    /// It is on its way to another.
    Gone,
    /// It is another's, who has more to do than it can take.
    Refused(P),
}

/// What ended a sleep.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wakeup {
    /// Something has arrived.
    Traffic,
    /// It has been long enough.
    Timeout,
}

/// The ports cannot wake a sleeping worker.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("these ports cannot wake a sleeping worker")]
pub struct NoInterrupts;
