//! Fragments that the device gave to the wrong worker.

use crate::burst::Burst;
use crate::counters::Counter;
use crate::drop_reason::DropReason;
use crate::ports::HandedOver;
use crate::ports::Ports;
use crate::side::Side;
use crate::worker::Worker;

impl<P: Ports> Worker<P> {
    /// Gives fragments that are others' away; what stays keeps its order.
    #[cold]
    pub(super) fn hand_over(&mut self, side: Side) {
        let received = std::mem::take(&mut self.buffers.received);
        let mut gone = 0;
        for packet in received {
            let meeting_point = self.pipeline.meeting_point(side, &packet, &self.detour);
            let Some(hash) = meeting_point else {
                self.buffers.received.push(packet);
                continue;
            };
            match self.ports.hand_over(side, hash, packet) {
                HandedOver::Own(packet) => self.buffers.received.push(packet),
                HandedOver::Gone => gone += 1,
                HandedOver::Refused(packet) => {
                    self.counters.drop_many(DropReason::HandOverFull, 1);
                    self.buffers.dropped.push(packet);
                }
            }
        }
        self.counters.add(Counter::HandedOverPackets, gone);
    }

    /// Decides about fragments that others have given to this worker. Returns how many.
    #[cold]
    pub(super) fn take_over(&mut self, side: Side) -> usize {
        debug_assert!(self.buffers.received.is_empty());
        let mut taken = Burst::new();
        self.ports.take_over(side, &mut taken);
        let count = taken.len();
        if count > 0 {
            self.buffers.received = taken;
            self.look_at_clock();
            self.decide(side);
            self.resume_if_stirred(side);
        }
        count
    }
}
