//! Packets that go into the softwire together: what is left of those that a burst from the TUN device had.
//!
//! They are read to where they stay until they are sent, one behind the other, so that many small ones touch
//! little memory, and the kernel takes many of them in a call. Their order is kept.

use std::ops::Range;

use arrayvec::ArrayVec;

use crate::device::softwire;
use crate::device::softwire::Sent;
use crate::device::tun;
use crate::tunnel::DropReason;
use crate::tunnel::Offload;
use crate::tunnel::ecn::DscpModel;
use crate::tunnel::segment;
use crate::tunnel::segment::Segment;

/// Room for packets, and which of it has some. Its default has none: it can stand in the place of one that is lent.
#[derive(Default)]
pub(super) struct Outgoing {
    room: Vec<u8>,
    used: usize,
    packets: Vec<Packet>,
}

/// A packet that is to be sent.
struct Packet {
    octets: Range<usize>,
    offload: Offload,
}

impl Outgoing {
    /// Room for a few packets of the largest size, or many small ones.
    pub(super) fn new() -> Self {
        Self {
            room: vec![0; ROOM],
            used: 0,
            packets: Vec::new(),
        }
    }

    /// Whether the largest packet might not fit any more.
    pub(super) fn is_full(&self) -> bool {
        self.room.len() - self.used < tun::BUFFER
    }

    /// Where the next packet is read to. It is forgotten unless it is kept.
    pub(super) fn next(&mut self) -> &mut [u8] {
        &mut self.room[self.used..]
    }

    /// Keeps the packet of `len` octets at the start of [`Self::next`], behind all others.
    pub(super) fn keep(&mut self, len: usize, offload: Offload) {
        let octets = self.used..self.used + len;
        // Each begins on a line of the cache of its own.
        self.used = octets.end.next_multiple_of(LINE).min(self.room.len());
        self.packets.push(Packet { octets, offload });
    }

    /// Hands on what was kept, cut into what the tunnel carries, in portions that one call can send. Then all
    /// the room is free. What cannot be cut is told to `refuse`.
    pub(super) fn leave(
        &mut self,
        dscp: DscpModel,
        mut send: impl FnMut(&[Segment<'_>]) -> Sent,
        mut refuse: impl FnMut(DropReason),
    ) -> Sent {
        let mut done = Sent::default();
        let mut portion = ArrayVec::<Segment<'_>, { softwire::MOST }>::new();
        for Packet { octets, offload } in self.packets.drain(..) {
            match segment::split(&self.room[octets], offload, dscp) {
                Ok(segments) => {
                    for segment in segments {
                        if portion.is_full() {
                            done += send(&portion);
                            portion.clear();
                        }
                        portion.push(segment);
                    }
                }
                Err(reason) => refuse(reason),
            }
        }
        if !portion.is_empty() {
            done += send(&portion);
        }
        self.used = 0;
        done
    }
}

/// Octets of a few of the largest packets, which stay in a core's cache.
const ROOM: usize = 4 * tun::BUFFER;
/// Octets.
const LINE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::sample;
    use crate::tunnel::sample::hex;
    use crate::tunnel::virtio::Transport;

    fn put(outgoing: &mut Outgoing, packet: &[u8], offload: Offload) {
        outgoing.next()[..packet.len()].copy_from_slice(packet);
        outgoing.keep(packet.len(), offload);
    }

    /// The packets of each call that sends, and what is refused.
    fn leave(outgoing: &mut Outgoing) -> (Vec<Vec<Vec<u8>>>, Vec<DropReason>, Sent) {
        let (mut calls, mut refused) = (Vec::new(), Vec::new());
        let send = |portion: &[Segment<'_>]| {
            calls.push(portion.iter().map(|each| each.parts().concat()).collect());
            Sent {
                sent: portion.len(),
                ..Sent::default()
            }
        };
        let sent = outgoing.leave(DscpModel::Uniform, send, |reason| refused.push(reason));
        (calls, refused, sent)
    }

    const CUT: Offload = Offload::Segments {
        transport: Transport::Tcp,
        size: 20,
    };

    #[test]
    fn packets_leave_in_order_and_together() {
        let (udp, tcp) = (hex(sample::UDP), hex(sample::TCP));
        let mut outgoing = Outgoing::new();
        put(&mut outgoing, &udp, Offload::None);
        put(&mut outgoing, &tcp, CUT);
        // Read, and not kept.
        outgoing.next()[..20].fill(0xff);
        put(&mut outgoing, &udp, Offload::None);
        let mut expected = vec![udp.clone()];
        expected.extend(sample::TCP_SEGMENTS.map(hex));
        expected.push(udp);
        let count = expected.len();
        let (calls, refused, sent) = leave(&mut outgoing);
        assert_eq!((calls, refused, sent.sent), (vec![expected], vec![], count));
        assert_eq!(leave(&mut outgoing).0, Vec::<Vec<Vec<u8>>>::new());
    }

    #[test]
    fn what_cannot_be_cut_is_told_and_all_others_leave() {
        let udp = hex(sample::UDP);
        let mut outgoing = Outgoing::new();
        put(&mut outgoing, &udp, Offload::None);
        put(&mut outgoing, &udp, CUT);
        put(&mut outgoing, &udp, Offload::None);
        let (calls, refused, _) = leave(&mut outgoing);
        assert_eq!(calls, [vec![udp.clone(), udp]]);
        assert_eq!(refused, [DropReason::BadOffload]);
    }

    #[test]
    fn no_call_gets_more_than_it_can_send_and_all_is_counted() {
        let mut outgoing = Outgoing::new();
        let udp = hex(sample::UDP);
        let count = 2 * softwire::MOST + 1;
        for n in 0..count {
            put(
                &mut outgoing,
                &[&udp[..], &[n as u8]].concat(),
                Offload::None,
            );
        }
        let (calls, _, sent) = leave(&mut outgoing);
        let lengths: Vec<_> = calls.iter().map(Vec::len).collect();
        assert_eq!(lengths, [softwire::MOST, softwire::MOST, 1]);
        let last: Vec<_> = calls
            .concat()
            .iter()
            .map(|packet| packet[udp.len()])
            .collect();
        assert_eq!(last, (0..count as u8).collect::<Vec<_>>());
        assert_eq!(sent.sent, count);
    }

    #[test]
    fn the_largest_packet_has_room_until_it_is_full() {
        let mut outgoing = Outgoing::new();
        let mut kept = 0;
        while !outgoing.is_full() {
            assert!(outgoing.next().len() >= tun::BUFFER);
            outgoing.keep(tun::BUFFER, Offload::None);
            kept += 1;
        }
        assert_eq!(kept, ROOM / tun::BUFFER);
        leave(&mut outgoing);
        assert!(!outgoing.is_full());
    }

    #[test]
    fn small_packets_lie_close_together() {
        let mut outgoing = Outgoing::new();
        for _ in 0..64 {
            outgoing.keep(100, Offload::None);
        }
        assert_eq!(outgoing.used, 64 * 128);
    }

    #[test]
    fn a_burst_like_the_last_one_allocates_nothing() {
        let mut outgoing = Outgoing::new();
        let tcp = hex(sample::TCP);
        let mut burst = || {
            for _ in 0..64 {
                put(&mut outgoing, &tcp, CUT);
            }
            let send = |portion: &[Segment<'_>]| Sent {
                sent: portion.len(),
                ..Sent::default()
            };
            outgoing.leave(DscpModel::Uniform, send, |_| {}).sent
        };
        let first = burst();
        let allocated = allocation_counter::measure(|| assert_eq!(burst(), first));
        assert_eq!(allocated.count_total, 0);
    }
}
