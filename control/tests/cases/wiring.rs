//! The ways in which a case is wired: two ports or one, with VLAN tags or without.
//!
//! Cases are written for two untagged ports. Other wirings are made from that by putting tags on
//! and by merging both sides into one file; what is expected changes only in the counters of
//! frames, which are worked out here from the frames themselves.

use std::path::PathBuf;

use toml::Table;
use toml::Value;

use crate::capture::Frame;
use crate::case::Case;
use crate::counters::Counters;

/// How the two sides lie on ports.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wiring {
    /// Two ports, no tags.
    Plain,
    /// Two ports, a tag on each.
    Vlan,
    /// One port, no tags: IPv6 is the access side's.
    Stick,
    /// One port, the tag tells the sides apart.
    StickVlan,
}

impl Wiring {
    /// Every wiring.
    pub(crate) const ALL: [Self; 4] = [Self::Plain, Self::Vlan, Self::Stick, Self::StickVlan];

    /// The name in tests and in `not_in`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Vlan => "vlan",
            Self::Stick => "stick",
            Self::StickVlan => "stick_vlan",
        }
    }

    /// Whether both sides share a port.
    pub(crate) const fn is_stick(self) -> bool {
        matches!(self, Self::Stick | Self::StickVlan)
    }

    const fn is_tagged(self) -> bool {
        matches!(self, Self::Vlan | Self::StickVlan)
    }

    const fn tag(self, side: Side) -> Option<u16> {
        match side {
            _ if !self.is_tagged() => None,
            Side::Internet => Some(INTERNET_TAG),
            Side::Access => Some(ACCESS_TAG),
        }
    }
}

/// The two sides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    Internet,
    Access,
}

impl Side {
    const BOTH: [Self; 2] = [Self::Internet, Self::Access];

    /// The name in files, configuration and counters.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Internet => "internet",
            Self::Access => "access",
        }
    }
}

/// A case as it is in one wiring.
#[derive(Clone, Debug)]
pub(crate) struct Wired {
    pub(crate) config: Table,
    pub(crate) internet_in: Vec<Frame>,
    pub(crate) access_in: Vec<Frame>,
    pub(crate) internet_out: Vec<Frame>,
    pub(crate) access_out: Vec<Frame>,
    pub(crate) counters: Counters,
    /// The lwB4s that are known to have had leases which are lost.
    pub(crate) roster: Option<PathBuf>,
}

impl Wired {
    /// `case` in `wiring`, starting from the configuration `config` of two untagged ports.
    pub(crate) fn new(case: &Case, wiring: Wiring, mut config: Table) -> Self {
        for side in Side::BOTH {
            if let Some(tag) = wiring.tag(side) {
                let section = config
                    .entry(side.name())
                    .or_insert_with(|| Table::new().into());
                if let Value::Table(section) = section {
                    section.insert("vlan".to_owned(), Value::Integer(tag.into()));
                }
            }
        }
        let tagged = |frames: &[Frame], side| -> Vec<Frame> {
            frames
                .iter()
                .map(|frame| with_tag(frame, wiring.tag(side)))
                .collect()
        };
        let mut wired = Self {
            config,
            internet_in: tagged(&case.internet.arriving, Side::Internet),
            access_in: tagged(&case.access.arriving, Side::Access),
            internet_out: tagged(&case.internet.leaving, Side::Internet),
            access_out: tagged(&case.access.leaving, Side::Access),
            counters: case.counters.clone(),
            roster: case.roster(),
        };
        if wiring != Wiring::Plain {
            wired.count_frames(wiring);
        }
        wired
    }

    /// Both sides' arriving frames in the order of their times, the Internet side first on a tie.
    pub(crate) fn stick_in(&self) -> Vec<Frame> {
        let mut merged = [self.internet_in.clone(), self.access_in.clone()].concat();
        merged.sort_by_key(|frame| frame.time);
        merged
    }

    fn count_frames(&mut self, wiring: Wiring) {
        let arriving = [self.internet_in.clone(), self.access_in.clone()].concat();
        let (mut internet, mut access) = (self.internet_in.clone(), self.access_in.clone());
        if wiring.is_stick() {
            (access, internet) = arriving
                .into_iter()
                .partition(|frame| side_of(frame, wiring) == Side::Access);
        }
        let leaving = [
            ("tx-internet", &self.internet_out),
            ("tx-access", &self.access_out),
        ];
        let counted = [("rx-internet", &internet), ("rx-access", &access)];
        for (name, frames) in counted.into_iter().chain(leaving) {
            let octets: usize = frames.iter().map(|frame| frame.octets.len()).sum();
            self.counters
                .set(&format!("{name}-packets"), frames.len() as u64);
            self.counters.set(&format!("{name}-bytes"), octets as u64);
        }
    }
}

/// Which side a frame of the shared port belongs to. What cannot be told, for want of a whole
/// Ethernet header too, is the Internet side's.
pub(crate) fn side_of(frame: &Frame, wiring: Wiring) -> Side {
    let (at, mark, header) = match wiring.tag(Side::Access) {
        Some(tag) => (14, tag, 18),
        None => (12, IPV6, 14),
    };
    let found = frame
        .octets
        .get(at..at + 2)
        .filter(|_| frame.octets.len() >= header);
    if found == Some(&mark.to_be_bytes()) {
        Side::Access
    } else {
        Side::Internet
    }
}

/// The frame with an 802.1Q tag behind its addresses, if it has room for these.
fn with_tag(frame: &Frame, tag: Option<u16>) -> Frame {
    let mut frame = frame.clone();
    if let (Some(tag), true) = (tag, frame.octets.len() >= ADDRESSES) {
        let [high, low] = tag.to_be_bytes();
        frame
            .octets
            .splice(ADDRESSES..ADDRESSES, [0x81, 0x00, high, low]);
    }
    frame
}

const INTERNET_TAG: u16 = 1092;
const ACCESS_TAG: u16 = 1638;
/// Octets of the two addresses that begin a frame.
const ADDRESSES: usize = 12;
const IPV6: u16 = 0x86dd;
