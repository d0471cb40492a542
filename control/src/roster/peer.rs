//! An lwB4 as somebody to be told, and many of them in little memory.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use pcp::lease::Lease;
use pcp::lease::Path;

/// Who has a lease, and where to tell it something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Peer {
    /// The lwB4's IPv6 address.
    pub outer: Ipv6Addr,
    /// The lwAFTR's end of its softwire, the only address that it hears (FO-016).
    pub br: Ipv6Addr,
    /// The IPv4 address of its lease.
    pub ipv4: Ipv4Addr,
    /// The address and UDP port that it asked from: inside the tunnel, or its IPv6 address without one.
    /// Absent when it never asked by itself.
    pub asked_from: Option<(IpAddr, u16)>,
}

impl From<&Lease> for Peer {
    fn from(lease: &Lease) -> Self {
        let contact = lease.contact;
        Self {
            outer: lease.client.outer,
            br: lease.br,
            ipv4: lease.set.address(),
            asked_from: match contact.path {
                Path::Management(_) => None,
                Path::Tunnel | Path::Plain => Some((contact.address, contact.port)),
            },
        }
    }
}

/// A peer without its BR address, of which there are few.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Packed {
    pub(super) outer: Ipv6Addr,
    pub(super) ipv4: Ipv4Addr,
    /// 0 when it is not known.
    pub(super) port: u16,
    /// The number of the BR address.
    pub(super) br: u16,
    /// The last octet of its address in the tunnel, or [`PLAIN`].
    pub(super) client: u8,
}

impl Packed {
    pub(super) fn new(peer: &Peer, br: u16) -> Self {
        let (client, port) = match peer.asked_from {
            Some((IpAddr::V6(_), port)) => (PLAIN, port),
            Some((IpAddr::V4(client), port)) => match client.octets() {
                [192, 0, 0, last] => (last, port),
                // Requests from other addresses are not answered (TN-040).
                _ => (0, 0),
            },
            None => (0, 0),
        };
        Self {
            outer: peer.outer,
            ipv4: peer.ipv4,
            port,
            br,
            client,
        }
    }

    fn unpacked(&self, br: Ipv6Addr) -> Peer {
        let client = match self.client {
            PLAIN => self.outer.into(),
            last => Ipv4Addr::new(192, 0, 0, last).into(),
        };
        Peer {
            outer: self.outer,
            br,
            ipv4: self.ipv4,
            asked_from: (self.port != 0).then_some((client, self.port)),
        }
    }
}

/// Many peers, some 28 octets each.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    brs: Vec<Ipv6Addr>,
    peers: Vec<Packed>,
}

impl Peers {
    /// Peers that refer to these BR addresses by their places.
    pub(super) const fn from_parts(brs: Vec<Ipv6Addr>, peers: Vec<Packed>) -> Self {
        Self { brs, peers }
    }

    /// Adds one. One that has a BR address beyond the number that can be told apart is left out.
    pub fn push(&mut self, peer: &Peer) {
        let known = self.brs.iter().position(|br| *br == peer.br);
        let place = known.unwrap_or_else(|| {
            self.brs.push(peer.br);
            self.brs.len() - 1
        });
        if let Ok(br) = u16::try_from(place) {
            self.peers.push(Packed::new(peer, br));
        }
    }

    /// The one at a place.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<Peer> {
        let packed = self.peers.get(place)?;
        let br = self.brs.get(usize::from(packed.br))?;
        Some(packed.unpacked(*br))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Peer> + '_ {
        (0..self.peers.len()).filter_map(|place| self.at(place))
    }

    /// The IPv4 addresses that they had leases of.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.peers.iter().map(|peer| peer.ipv4)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Leaves the last entry of each client, in an order that means nothing: neighbours in the access
    /// network are not told together.
    pub fn settle(&mut self, random: &mut fastrand::Rng) {
        self.peers.reverse();
        self.peers.sort_by_key(|peer| (peer.outer, peer.client));
        self.peers.dedup_by_key(|peer| (peer.outer, peer.client));
        random.shuffle(&mut self.peers);
    }
}

/// In the place of an address in a tunnel: there was none.
const PLAIN: u8 = 255;

const _: () = assert!(size_of::<Packed>() <= 28);
