//! What leaves the box, judged frame by frame.

mod access;
mod errors;
mod internet;
mod origin;
mod pieces;

use lwaftr_dataplane::counters::Counter;
use lwaftr_dataplane::counters::Counters;
use lwaftr_dataplane::side::Side;
use lwaftr_dataplane::table::Publisher;

use crate::dataplane::account::Taken;
use crate::dataplane::front;
use crate::dataplane::ip::Ipv4;
use crate::dataplane::packet::FuzzPacket;
use crate::dataplane::settings::Settings;
use crate::sum::sum;

use origin::Origins;
use pieces::Pieces;

/// Knows what has come, and says whether what leaves may have been made of it.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    origins: Origins,
    pieces: Pieces,
    taken: Taken,
    /// Packets that had been put together when nothing had arrived.
    reassembled: u64,
}

impl Judge {
    /// A frame arrives.
    pub(crate) fn remember(&mut self, frame: &[u8]) {
        self.origins.remember(frame);
    }

    /// A round has been made, and its frames are about to be judged.
    pub(crate) fn begin(&mut self, counters: &Counters) {
        self.origins.is_complete =
            counters.get(Counter::ReassembledIpv6Packets) == self.reassembled;
    }

    /// An execution is over, and what it counted belongs to the past.
    pub(crate) fn forget(&mut self, counters: &Counters) {
        self.origins.forget();
        self.reassembled = counters.get(Counter::ReassembledIpv6Packets);
    }

    /// Frames and octets judged so far.
    pub(crate) fn taken(&self) -> Taken {
        self.taken
    }

    /// Judges a frame that has left by `side`.
    pub(crate) fn judge(
        &mut self,
        settings: &Settings,
        publisher: &Publisher,
        side: Side,
        packet: &FuzzPacket,
    ) {
        let frame = packet.octets();
        let (frames, octets) = &mut self.taken[side as usize];
        *frames += 1;
        *octets += frame.len() as u64;
        let ip = front::strip(settings, side, &frame, packet.inserted_vlan);
        assert!(
            ip.len() <= settings.link(side).mtu,
            "{side:?}: {} octets",
            ip.len()
        );
        match side {
            Side::Internet => internet::judge(settings, &self.origins, ip),
            Side::Access => {
                if let Some(whole) = self.pieces.take(ip, settings.loses_frames()) {
                    access::judge(settings, publisher, &self.origins, &whole);
                }
            }
        }
    }

    /// Everything of a round that has left by `side` was judged.
    pub(crate) fn end_of_round(&mut self, side: Side, loses_frames: bool) {
        if side == Side::Access {
            self.pieces.end(loses_frames);
        }
    }
}

/// An IPv4 packet that fills `octets` exactly, with a header that is as it should be.
fn whole_ipv4(octets: &[u8]) -> Ipv4<'_> {
    let Some(ipv4) = Ipv4::new(octets) else {
        panic!("no IPv4 packet: {octets:02x?}");
    };
    assert_eq!(
        ipv4.total_len(),
        octets.len(),
        "total length of {octets:02x?}"
    );
    assert_eq!(
        sum(&[ipv4.header()]),
        0xffff,
        "header checksum of {octets:02x?}"
    );
    assert!(ipv4.ttl() > 0, "a TTL of 0: {octets:02x?}");
    ipv4
}
