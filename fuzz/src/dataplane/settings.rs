//! How the box of an execution is set up, out of the first octets of its input.

use std::time::Duration;

use lwaftr_dataplane::forwarding::Dscp;
use lwaftr_dataplane::forwarding::Forwarding;
use lwaftr_dataplane::forwarding::FragmentCache;
use lwaftr_dataplane::forwarding::Icmp;
use lwaftr_dataplane::forwarding::Link;
use lwaftr_dataplane::forwarding::Reassembly;
use lwaftr_dataplane::limiter::Rates;
use lwaftr_dataplane::pipeline::Share;
use lwaftr_dataplane::ports::Layout;
use lwaftr_dataplane::punt_limits::PuntLimits;
use lwaftr_dataplane::side::Side;
use lwaftr_dataplane::wire::ethernet::Mac;

use crate::dataplane::network::ACCESS_ADDRESS;
use crate::dataplane::network::AFTR_ADDRESS;
use crate::dataplane::network::INTERNET_ADDRESS;

/// A box and its surroundings.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) forwarding: Forwarding,
    pub(crate) layout: Layout,
    pub(crate) share: Share,
    /// Octets of a frame that a buffer takes.
    pub(crate) room: usize,
    /// Buffers of the pool.
    pub(crate) buffers: usize,
    /// Frames that a side takes in a round, if not all.
    pub(crate) transmit_room: usize,
    /// Packets that the control thread takes in a round.
    pub(crate) punt_room: usize,
}

impl Settings {
    /// Octets of an input that are for the settings.
    pub(crate) const OCTETS: usize = 4;

    /// All zero is a box as most are: everything on, nothing scarce.
    pub(crate) fn new([off, links, sizes, means]: [u8; Self::OCTETS]) -> Self {
        let is_off = |bit: u8| off >> bit & 1 == 1;
        let layout = if is_off(7) {
            Layout::OnAStick
        } else {
            Layout::TwoPorts
        };
        let (internet, access) = both_links(links, sizes, layout);
        let icmp = |is_deaf: bool, is_mute: bool| Icmp {
            allow_incoming: !is_deaf,
            generate_errors: !is_mute,
            rates: [LAVISH, Icmp::default().rates, MISERLY][usize::from(means & 3) % 3],
        };
        let is_scarce = means >> 2 & 3;
        let limits = [(32, 64), (32, 8), (4, 64), (2, 4)][usize::from(is_scarce)];
        let forwarding = Forwarding {
            internet,
            internet_address: u32::from_be_bytes(INTERNET_ADDRESS),
            access,
            access_address: ACCESS_ADDRESS,
            aftr_address: u32::from_be_bytes(AFTR_ADDRESS),
            hop_limit: if is_off(6) { 255 } else { 64 },
            dscp: if is_off(6) {
                Dscp::Fixed(46)
            } else {
                Dscp::Copy
            },
            mss_clamp: [None, Some(1420), Some(536), None][usize::from(links >> 6)],
            path_mtu_discovery: !is_off(5),
            hairpinning: !is_off(0),
            reassembly: Reassembly {
                max_packets: limits.0,
                max_fragments: if is_scarce == 0 { 40 } else { 3 },
                timeout: Duration::from_secs(60),
            },
            fragment_cache: FragmentCache {
                max_packets: limits.0,
                timeout: Duration::from_secs(2),
            },
            punts: punts(means),
            plain_ipv6_pcp: is_off(5),
            internet_icmp: icmp(is_off(1), is_off(2)),
            access_icmp: icmp(is_off(3), is_off(4)),
        };
        Self {
            forwarding,
            layout,
            share: Share {
                buffers: limits.1,
                evictions: if is_scarce == 0 { LAVISH } else { MISERLY },
                ..Share::WHOLE
            },
            room: [2048, 2048, 512, 256][usize::from(means >> 4 & 3)],
            buffers: if means >> 6 & 1 == 1 { 10 } else { 4096 },
            transmit_room: if means >> 7 == 1 { 5 } else { usize::MAX },
            punt_room: if means >> 7 == 1 { 1 } else { usize::MAX },
        }
    }

    pub(crate) fn link(&self, side: Side) -> &Link {
        match side {
            Side::Internet => &self.forwarding.internet,
            Side::Access => &self.forwarding.access,
        }
    }

    /// Whether something may be lost for want of room or time.
    pub(crate) fn loses_frames(&self) -> bool {
        self.transmit_room != usize::MAX
    }
}

/// What goes up: all of it, or hardly any.
fn punts(means: u8) -> PuntLimits {
    let rates = if means >> 7 == 1 { MISERLY } else { LAVISH };
    PuntLimits {
        neighbour: rates,
        icmp: rates,
        pcp: rates,
        other: rates,
        ..PuntLimits::default()
    }
}

fn both_links(links: u8, sizes: u8, layout: Layout) -> (Link, Link) {
    let (vlans, by_device) = (links & 3, links >> 2 & 3);
    let (internet_vlan, access_vlan) = match (vlans, layout) {
        (0, _) => (None, None),
        (1, _) => (Some(7), Some(8)),
        (2, _) => (Some(7), Some(7)),
        (_, Layout::TwoPorts) => (None, Some(8)),
        (_, Layout::OnAStick) => (Some(4094), Some(1)),
    };
    let access_mac = match layout {
        Layout::TwoPorts => Mac([2, 0, 0, 0, 0, 2]),
        Layout::OnAStick => INTERNET_MAC,
    };
    let internet = Link {
        mac: INTERNET_MAC,
        next_hop_mac: Some(Mac([2, 0, 0, 0, 1, 1])),
        vlan: internet_vlan,
        vlan_by_device: by_device & 1 == 1,
        mtu: [1500, 1280, 576, 68, 9216, 1499, 1501, 120][usize::from(sizes & 7)],
    };
    let access = Link {
        mac: access_mac,
        next_hop_mac: Some(Mac([2, 0, 0, 0, 1, 2])),
        vlan: access_vlan,
        vlan_by_device: by_device & 2 == 2,
        mtu: [1540, 1500, 1280, 1281, 1460, 9216, 1539, 1287][usize::from(sizes >> 3 & 7)],
    };
    (internet, access)
}

const INTERNET_MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);
/// So many errors that none is held back.
const LAVISH: Rates = Rates {
    per_second: 1_000_000,
    burst: 1_000_000,
    per_source: 1_000_000,
};
/// So few that most are.
const MISERLY: Rates = Rates {
    per_second: 2,
    burst: 2,
    per_source: 1,
};
