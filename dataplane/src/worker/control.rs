//! What a worker and the control thread have to say to each other: packets for the box itself go up,
//! packets to send and where the next hops are come down.

use crate::burst::Burst;
use crate::drop_reason::DropReason;
use crate::packet::Packet;
use crate::ports::Ports;
use crate::side::Side;
use crate::worker::Worker;

impl<P: Ports> Worker<P> {
    /// Hands up what is for the box itself, as far as rates and rings allow: class by class, but in the order
    /// in which it came.
    #[cold]
    pub(super) fn punt(&mut self) {
        let (ports, counters) = (&mut self.ports, &self.counters);
        let (buffers, detour) = (&mut self.buffers, &mut self.detour);
        let mut allowed = Burst::new();
        debug_assert!(
            buffers.dropped.is_empty(),
            "what was dropped before is given away"
        );
        for (class, waiting) in buffers.punted.drain() {
            for (source, packet) in waiting.take() {
                if detour.allows_up(class, &source) {
                    allowed.push(packet);
                } else {
                    buffers.dropped.push(packet);
                }
            }
            let (offered, denied) = (allowed.len(), buffers.dropped.len());
            ports.punt(class, &mut allowed);
            let refused = allowed.len();
            counters.add(class.counter(), (offered - refused) as u64);
            if refused + denied > 0 {
                counters.drop_many(DropReason::PuntFull, refused as u64);
                counters.drop_many(DropReason::PuntRate, denied as u64);
                ports.release(&mut allowed);
                ports.release(&mut buffers.dropped);
            }
        }
    }

    /// Follows the next hops where they are now.
    #[inline]
    pub(super) fn follow_next_hops(&mut self) {
        for side in [Side::Internet, Side::Access] {
            let Some(next_hops) = &self.next_hops else {
                return;
            };
            let mac = next_hops.get(side);
            let forwarding = self.pipeline.forwarding();
            let link = match side {
                Side::Internet => &forwarding.internet,
                Side::Access => &forwarding.access,
            };
            if link.next_hop_mac != mac {
                self.pipeline.set_next_hop(side, mac);
                self.open_exits();
            }
        }
    }

    /// Lets packets leave where the next hop is known.
    pub(super) fn open_exits(&mut self) {
        let forwarding = self.pipeline.forwarding();
        self.buffers.to_internet.is_open = forwarding.internet.next_hop_mac.is_some();
        self.buffers.to_access.is_open = forwarding.access.next_hop_mac.is_some();
    }

    /// Sends what the control thread has made; it has chosen the neighbour itself. Returns how many
    /// packets came or left.
    #[inline]
    pub(super) fn inject(&mut self) -> usize {
        self.ports.injected(&mut self.buffers.received);
        if self.buffers.received.is_empty() && self.buffers.injected.is_empty() {
            return 0;
        }
        self.send_injected()
    }

    #[cold]
    fn send_injected(&mut self) -> usize {
        let (ports, counters, buffers) = (&mut self.ports, &self.counters, &mut self.buffers);
        let came = buffers.received.len();
        // Control has written them on another core.
        for packet in &buffers.received {
            packet.prefetch();
        }
        for packet in buffers.received.drain(..) {
            buffers.injected.add(counters, packet);
        }
        came.max(buffers.injected.send(ports, counters))
    }
}
