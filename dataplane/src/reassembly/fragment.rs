//! One fragment: where its parts are, and what RFC 8200 s4.5 asks of it by itself.

use crate::drop_reason::DropReason;
use crate::keyed_hash::PAIRS;
use crate::packet::Packet;
use crate::wire::fragment;
use crate::wire::fragment::FragmentHeader;
use crate::wire::ipv4;
use crate::wire::ipv6;
use crate::wire::ipv6::Ipv6;

/// A fragment in a frame: its headers are in the first segment, its payload is within the frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fragment {
    pub(super) key: Key,
    pub(super) place: Place,
}

/// What all fragments of one packet share, and those of no other (RFC 8200 s4.5).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Key {
    source: [u8; 16],
    destination: [u8; 16],
    identification: u32,
}

impl Key {
    /// Who sends such fragments.
    #[inline(always)]
    pub(super) const fn sender(&self) -> &[u8; 16] {
        &self.source
    }

    /// All of it, as words to hash.
    #[inline(always)]
    pub(super) fn words(&self) -> [[u64; 2]; PAIRS] {
        words(&self.source, &self.destination, self.identification)
    }
}

/// The words of a key.
#[inline(always)]
pub(super) fn words(
    source: &[u8; 16],
    destination: &[u8; 16],
    identification: u32,
) -> [[u64; 2]; PAIRS] {
    let halves = |address: &[u8; 16]| {
        let address = u128::from_be_bytes(*address);
        [(address >> 64) as u64, address as u64]
    };
    let identification = u64::from(identification);
    [halves(source), halves(destination), [identification, 0]]
}

/// Where a fragment lies, in its frame and in its packet; octets, all of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Place {
    /// Where the IPv6 header begins in the frame.
    ipv6_at: u32,
    /// Where the Fragment header begins in the frame.
    header_at: u32,
    /// Where the payload begins in the fragmented part.
    start: u32,
    /// Where the payload ends in the fragmented part.
    end: u32,
    next_header: u8,
    traffic_class: u8,
    more: bool,
}

/// Why a fragment is refused before anything is known of its packet. What is held of the packet
/// stays, for the RFC discards "that fragment".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// It carries nothing. No error is asked for.
    Empty,
    /// Not the last, and no multiple of 8 octets.
    Length,
    /// It ends beyond what a Payload Length can say.
    TooLong,
    /// The first, without all of its headers.
    Headers,
}

impl Fragment {
    /// Finds the Fragment header at `header_at` behind the header `ipv6` at `ipv6_at`, both in octets
    /// from the start of the frame, and with at most destination options between them.
    ///
    /// # Errors
    /// [`DropReason::BadIpv6Header`] when the Fragment header is cut.
    pub fn parse<P: Packet>(
        packet: &P,
        ipv6_at: usize,
        header_at: usize,
        ipv6: &Ipv6,
    ) -> Result<Self, DropReason> {
        let bad = DropReason::BadIpv6Header;
        let header = FragmentHeader::parse(packet.head().get(header_at..).ok_or(bad)?)?;
        let end = ipv6_at + ipv6::HEADER + ipv6.payload_len;
        let payload_len = end.checked_sub(header_at + fragment::HEADER).ok_or(bad)?;
        if header_at < ipv6_at + ipv6::HEADER || end > packet.len() {
            return Err(bad);
        }
        let start = u32::from(header.offset_octets);
        let octets = |count: usize| u32::try_from(count).map_err(|_| bad);
        Ok(Self {
            key: Key {
                source: ipv6.source,
                destination: ipv6.destination,
                identification: header.identification,
            },
            place: Place {
                ipv6_at: octets(ipv6_at)?,
                header_at: octets(header_at)?,
                start,
                end: start + octets(payload_len)?,
                next_header: header.next_header,
                traffic_class: ipv6.traffic_class,
                more: header.more,
            },
        })
    }
}

impl Fragment {
    /// Whether it begins its packet.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.place.start == 0
    }

    /// What follows its Fragment header.
    #[must_use]
    pub fn next_header(&self) -> u8 {
        self.place.next_header
    }

    /// As much of what it carries as is in the first segment of its frame.
    #[must_use]
    pub fn payload<'h>(&self, head: &'h [u8]) -> &'h [u8] {
        let end = self.place.payload_end().min(head.len());
        head.get(self.place.payload_at()..end).unwrap_or_default()
    }
}

#[cfg(test)]
impl Key {
    /// One of many keys between the same hosts.
    pub(super) fn numbered(identification: u32) -> Self {
        Self {
            identification,
            ..Self::default()
        }
    }
}

impl Place {
    pub(super) const fn ipv6_at(&self) -> usize {
        self.ipv6_at as usize
    }

    pub(super) const fn header_at(&self) -> usize {
        self.header_at as usize
    }

    /// Where the payload begins in the frame.
    pub(super) const fn payload_at(&self) -> usize {
        self.header_at() + fragment::HEADER
    }

    /// Where the payload ends in the frame; Ethernet padding may follow.
    pub(super) const fn payload_end(&self) -> usize {
        self.payload_at() + self.payload_len()
    }

    pub(super) const fn payload_len(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// Where the payload begins in the fragmented part.
    pub(super) const fn start(&self) -> u32 {
        self.start
    }

    /// Where the payload ends in the fragmented part.
    pub(super) const fn end(&self) -> u32 {
        self.end
    }

    pub(super) const fn next_header(&self) -> u8 {
        self.next_header
    }

    pub(super) const fn traffic_class(&self) -> u8 {
        self.traffic_class
    }

    pub(super) const fn is_first(&self) -> bool {
        self.start == 0
    }

    pub(super) const fn is_last(&self) -> bool {
        !self.more
    }

    /// Whether this is a whole packet by itself (RFC 6946).
    pub(super) const fn is_atomic(&self) -> bool {
        self.is_first() && self.is_last()
    }

    /// Octets of the IPv6 packet, its header included, as the counters of RFC 8676 count them.
    pub(super) const fn ipv6_octets(&self) -> u64 {
        (self.payload_end() - self.ipv6_at()) as u64
    }

    /// Octets of destination options between the IPv6 header and the Fragment header.
    pub(super) const fn options_len(&self) -> usize {
        self.header_at() - self.ipv6_at() - ipv6::HEADER
    }

    /// Where the field of the offset is, in octets from the start of the IPv6 packet.
    pub(super) const fn offset_field_at(&self) -> u32 {
        self.header_at - self.ipv6_at + fragment::OFFSET_FIELD as u32
    }

    /// Refuses what no packet can be made of (RFC 8200 s4.5, the conditions for errors).
    pub(super) fn check<P: Packet>(&self, packet: &P) -> Result<(), Refusal> {
        if self.payload_len() == 0 {
            return Err(Refusal::Empty);
        }
        if self.more && !self.payload_len().is_multiple_of(8) {
            return Err(Refusal::Length);
        }
        if self.options_len() + self.end as usize > usize::from(u16::MAX) {
            return Err(Refusal::TooLong);
        }
        if self.is_first() && !self.holds_headers(packet) {
            return Err(Refusal::Headers);
        }
        Ok(())
    }

    /// Whether the payload of a first fragment has all headers through the upper-layer header, which
    /// for a softwire is the IPv4 header.
    ///
    /// Of other upper layers a first octet suffices: 8 follow, as lengths are multiples of 8, and they
    /// are all of a UDP or ICMPv6 header.
    fn holds_headers<P: Packet>(&self, packet: &P) -> bool {
        let (mut next_header, mut at) = (self.next_header, self.payload_at());
        while next_header == ipv6::DESTINATION_OPTIONS {
            let Some([next, units]) = self.read(packet, at) else {
                return false;
            };
            next_header = next;
            at += (usize::from(units) + 1) * 8;
        }
        let Some([first]) = self.read(packet, at) else {
            return false;
        };
        let header_len = usize::from(first & 0x0f) * 4;
        next_header != ipv6::IPV4 || at + header_len.max(ipv4::HEADER) <= self.payload_end()
    }

    /// Octets of the payload, whatever segments they lie in.
    fn read<const COUNT: usize, P: Packet>(&self, packet: &P, at: usize) -> Option<[u8; COUNT]> {
        let mut octets = [0; COUNT];
        let is_inside = at + COUNT <= self.payload_end();
        (is_inside && packet.copy_out(at, &mut octets)).then_some(octets)
    }
}
