//! The express lane: what almost all packets need, and nothing else.
//!
//! A packet may take it whose frame and headers look as they usually do: our address and VLAN, no
//! options, no fragment, TCP or UDP, hops left, within the MTU. The lane forwards a packet or leaves
//! it untouched: it never drops and never answers. Whatever it leaves goes through the careful path
//! (`from_internet`, `from_access`), which knows every rule and would do the same to the packets
//! that the lane takes; a property test holds the two against each other.
//!
//! The loops are functions of their own, so that each has the registers to itself, and conditions are
//! joined without branches: for a usual packet all of them must be looked at anyway.

use arrayvec::ArrayVec;

use crate::burst::BURST_MAX;
use crate::packet::Packet;
use crate::pipeline::Pipeline;
use crate::pipeline::Places;
use crate::table::Aim;
use crate::table::Key;
use crate::table::PortKey;
use crate::table::Softwire;
use crate::table::Table;
use crate::wire::checksum;
use crate::wire::ethernet;
use crate::wire::ipv4;
use crate::wire::ipv6;
use crate::wire::tcp;
use crate::wire::transport;

/// The keys of a burst.
pub(super) type Keys = ArrayVec<Key, BURST_MAX>;

/// As many keys that find nothing as there are packets.
fn nothing(packets: usize) -> Keys {
    let mut keys = Keys::from([NOTHING; BURST_MAX]);
    keys.truncate(packets);
    keys
}

/// What the lane has sent of a burst.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) packets: usize,
    /// Octets of IPv4.
    pub(super) ipv4: u32,
    /// Octets of the tunnel packets.
    pub(super) ipv6: u32,
}

impl Pipeline {
    /// What the usual packets of a burst from the Internet are looked up by; the others get a key that
    /// finds nothing: [`NOTHING`], or [`BAD_CHECKSUM`] when that is all that is wrong.
    pub(super) fn express_keys_down<P: Packet>(&self, packets: &[P]) -> Keys {
        let mut keys = nothing(packets.len());
        match self.internet_gate.ip_at() {
            UNTAGGED => {
                self.keys_down::<P, UNTAGGED, { UNTAGGED + WITH_PORTS }>(packets, &mut keys)
            }
            _ => self.keys_down::<P, TAGGED, { TAGGED + WITH_PORTS }>(packets, &mut keys),
        }
        keys
    }

    /// The same for a burst from the access side, by inner source. Whether the tunnel is that of the
    /// softwire found is seen then.
    pub(super) fn express_keys_up<P: Packet>(&self, packets: &[P]) -> Keys {
        let mut keys = nothing(packets.len());
        match self.access_gate.ip_at() {
            UNTAGGED => self.keys_up::<P, UNTAGGED, { UNTAGGED + ipv6::HEADER + WITH_PORTS }>(
                packets, &mut keys,
            ),
            _ => self
                .keys_up::<P, TAGGED, { TAGGED + ipv6::HEADER + WITH_PORTS }>(packets, &mut keys),
        }
        keys
    }

    /// Encapsulates what had a key and has a softwire. Returns the places of the packets that are as
    /// they were.
    pub(super) fn express_encap<P: Packet>(
        &self,
        table: &Table,
        packets: &mut [P],
        aims: &[Aim<'_>],
        sent: &mut Sent,
    ) -> Places {
        match (self.internet_gate.ip_at(), self.to_access.len()) {
            (UNTAGGED, UNTAGGED) => self
                .encap::<P, UNTAGGED, { UNTAGGED + ipv4::HEADER }, UNTAGGED, { UNTAGGED + TUNNELLED }>(
                    table, packets, aims, sent,
                ),
            (UNTAGGED, _) => self
                .encap::<P, UNTAGGED, { UNTAGGED + ipv4::HEADER }, TAGGED, { TAGGED + TUNNELLED }>(
                    table, packets, aims, sent,
                ),
            (_, UNTAGGED) => self
                .encap::<P, TAGGED, { TAGGED + ipv4::HEADER }, UNTAGGED, { UNTAGGED + TUNNELLED }>(
                    table, packets, aims, sent,
                ),
            _ => self
                .encap::<P, TAGGED, { TAGGED + ipv4::HEADER }, TAGGED, { TAGGED + TUNNELLED }>(
                    table, packets, aims, sent,
                ),
        }
    }

    /// Decapsulates what had a key, came through the softwire found and goes to the Internet. Returns
    /// the places of the packets that are as they were.
    pub(super) fn express_decap<P: Packet>(
        &self,
        table: &Table,
        packets: &mut [P],
        aims: &[Aim<'_>],
        sent: &mut Sent,
    ) -> Places {
        match (self.access_gate.ip_at(), self.to_internet.len()) {
            (UNTAGGED, UNTAGGED) => self
                .decap::<P, UNTAGGED, { UNTAGGED + TUNNELLED }, UNTAGGED, { UNTAGGED + ipv4::HEADER }>(
                    table, packets, aims, sent,
                ),
            (UNTAGGED, _) => self
                .decap::<P, UNTAGGED, { UNTAGGED + TUNNELLED }, TAGGED, { TAGGED + ipv4::HEADER }>(
                    table, packets, aims, sent,
                ),
            (_, UNTAGGED) => self
                .decap::<P, TAGGED, { TAGGED + TUNNELLED }, UNTAGGED, { UNTAGGED + ipv4::HEADER }>(
                    table, packets, aims, sent,
                ),
            _ => self
                .decap::<P, TAGGED, { TAGGED + TUNNELLED }, TAGGED, { TAGGED + ipv4::HEADER }>(
                    table, packets, aims, sent,
                ),
        }
    }

    #[inline(never)]
    fn keys_down<P: Packet, const AT: usize, const READ: usize>(
        &self,
        packets: &[P],
        keys: &mut [Key],
    ) {
        for (packet, key) in packets.iter().zip(keys) {
            if let Some(found) = self.key_down::<P, AT, READ>(packet) {
                *key = found;
            }
        }
    }

    #[inline(never)]
    fn keys_up<P: Packet, const AT: usize, const READ: usize>(
        &self,
        packets: &[P],
        keys: &mut [Key],
    ) {
        for (packet, key) in packets.iter().zip(keys) {
            if let Some(found) = self.key_up::<P, AT, READ>(packet) {
                *key = found;
            }
        }
    }

    #[inline(never)]
    fn encap<
        P: Packet,
        const AT: usize,
        const READ: usize,
        const FRONT: usize,
        const WRITTEN: usize,
    >(
        &self,
        table: &Table,
        packets: &mut [P],
        aims: &[Aim<'_>],
        sent: &mut Sent,
    ) -> Places {
        let (mut undone, mut octets) = (Places::default(), 0);
        for (index, (packet, aim)) in packets.iter_mut().zip(aims).enumerate() {
            let total_len = aim.softwire().and_then(|softwire| {
                self.encap_usual::<P, AT, READ, FRONT, WRITTEN>(table, packet, softwire)
            });
            match total_len {
                Some(total_len) => octets += u32::from(total_len),
                None => undone.mark(index),
            }
        }
        sent.packets = aims.len() - undone.len();
        sent.ipv4 = octets;
        sent.ipv6 = octets + (sent.packets * ipv6::HEADER) as u32;
        undone
    }

    #[inline(never)]
    fn decap<
        P: Packet,
        const AT: usize,
        const READ: usize,
        const FRONT: usize,
        const WRITTEN: usize,
    >(
        &self,
        table: &Table,
        packets: &mut [P],
        aims: &[Aim<'_>],
        sent: &mut Sent,
    ) -> Places {
        let (mut undone, mut octets, mut tunnelled) = (Places::default(), 0, 0);
        for (index, (packet, aim)) in packets.iter_mut().zip(aims).enumerate() {
            let lens = aim.softwire().and_then(|softwire| {
                self.decap_usual::<P, AT, READ, FRONT, WRITTEN>(table, packet, softwire)
            });
            match lens {
                Some((total_len, payload_len)) => {
                    octets += u32::from(total_len);
                    tunnelled += u32::from(payload_len);
                }
                None => undone.mark(index),
            }
        }
        sent.packets = aims.len() - undone.len();
        sent.ipv4 = octets;
        sent.ipv6 = tunnelled + (sent.packets * ipv6::HEADER) as u32;
        undone
    }

    #[inline(always)]
    fn key_down<P: Packet, const AT: usize, const READ: usize>(&self, packet: &P) -> Option<Key> {
        let frame = packet.head().first_chunk::<READ>()?;
        if !self.internet_gate.admits(packet, frame) || !is_usual(frame, AT, packet.len() - AT) {
            return None;
        }
        if !packet.ipv4_checksum_is_good() && !checksum_is_good(frame, AT) {
            return Some(BAD_CHECKSUM);
        }
        let (source, destination) = (u32_at(frame, AT + 12), u32_at(frame, AT + 16));
        if !is_a_hosts(source)
            || destination == self.forwarding.internet_address
            || self.lane_is_not_for(packet, AT)
        {
            return None;
        }
        let port = u16_at(frame, AT + ipv4::HEADER + 2);
        Some(Key::new(destination, PortKey::port(port)))
    }

    #[inline(always)]
    fn key_up<P: Packet, const AT: usize, const READ: usize>(&self, packet: &P) -> Option<Key> {
        let frame = packet.head().first_chunk::<READ>()?;
        let inner = AT + ipv6::HEADER;
        let payload_len = usize::from(u16_at(frame, AT + 4));
        if !self.access_gate.admits(packet, frame)
            || frame[AT + 6] != ipv6::IPV4
            || inner + payload_len > packet.len()
            || frame[inner] != ipv4::VERSION_4_WITHOUT_OPTIONS
            || !is_usual(frame, inner, payload_len)
        {
            return None;
        }
        if !checksum_is_good(frame, inner) {
            return Some(BAD_CHECKSUM);
        }
        let (source, destination) = (u32_at(frame, inner + 12), u32_at(frame, inner + 16));
        if !is_a_hosts(source)
            || !is_a_hosts(destination)
            || destination == self.forwarding.internet_address
            || self.lane_is_not_for(packet, inner)
        {
            return None;
        }
        let port = u16_at(frame, inner + ipv4::HEADER);
        Some(Key::new(source, PortKey::port(port)))
    }

    /// Encapsulates a packet that has a downstream key. Returns its octets, or `None` and the packet
    /// as it was.
    #[inline(always)]
    fn encap_usual<
        P: Packet,
        const AT: usize,
        const READ: usize,
        const FRONT: usize,
        const WRITTEN: usize,
    >(
        &self,
        table: &Table,
        packet: &mut P,
        softwire: &Softwire,
    ) -> Option<u16> {
        let read: &[u8; READ] = packet.head().first_chunk()?;
        let (len, total_len, tos) = (packet.len(), u16_at(read, AT + 2), read[AT + 1]);
        let ipv6_len = ipv6::HEADER + usize::from(total_len);
        if (ipv6_len > self.forwarding.access.mtu) | !softwire.path_mtu().takes(ipv6_len) {
            return None;
        }
        packet.prepend(FRONT + ipv6::HEADER - AT).ok()?;
        // There is a header behind what was prepended, so that the rest cannot fail.
        let frame: &mut [u8; WRITTEN] = packet.head_mut().first_chunk_mut()?;
        let (front, both) = frame.split_first_chunk_mut::<FRONT>()?;
        self.to_access.write(front);
        let (header, both) = both.split_first_chunk_mut()?;
        ipv6::write_tunnel_header(
            header,
            self.traffic_class.entering(tos),
            total_len,
            self.forwarding.hop_limit,
            table.br(softwire.br()),
            &softwire.b4(),
        );
        ipv4::decrement_ttl(both.first_chunk_mut()?);
        if len - AT > usize::from(total_len) {
            packet.truncate(FRONT + ipv6::HEADER + usize::from(total_len));
        }
        if self.to_access.device_tag.is_some() {
            packet.insert_vlan(self.to_access.device_tag);
        }
        if let Some(counters) = &self.softwire_counters {
            counters.count_down(softwire.id(), u32::from(total_len));
        }
        Some(total_len)
    }

    /// Decapsulates a packet that has an upstream key, if it came through the softwire found and goes
    /// to the Internet. Returns its octets and those of the tunnel's payload, or `None` and the packet
    /// as it was.
    #[inline(always)]
    fn decap_usual<
        P: Packet,
        const AT: usize,
        const READ: usize,
        const FRONT: usize,
        const WRITTEN: usize,
    >(
        &self,
        table: &Table,
        packet: &mut P,
        softwire: &Softwire,
    ) -> Option<(u16, u16)> {
        let inner_at = const { AT + ipv6::HEADER };
        let read: &[u8; READ] = packet.head().first_chunk()?;
        let (len, payload_len) = (packet.len(), u16_at(read, AT + 4));
        let total_len = u16_at(read, inner_at + 2);
        let (_, addresses) = read.split_at(AT + 8);
        let (source, addresses) = addresses.split_first_chunk()?;
        if softwire.b4() != *source
            || addresses.first_chunk() != Some(table.br(softwire.br()))
            || usize::from(total_len) > self.forwarding.internet.mtu
            || table.serves(u32_at(read, inner_at + 16))
        {
            return None;
        }
        let (old_tos, traffic_class) = (read[inner_at + 1], read[AT] << 4 | read[AT + 1] >> 4);
        let tos = self.egress_tos(old_tos, traffic_class).ok()?;
        packet.trim_front(inner_at - FRONT);
        // The header that was read is still there, so that the rest cannot fail.
        let frame: &mut [u8; WRITTEN] = packet.head_mut().first_chunk_mut()?;
        let (front, header) = frame.split_first_chunk_mut::<FRONT>()?;
        self.to_internet.write(front);
        let header = header.first_chunk_mut()?;
        ipv4::decrement_ttl(header);
        if tos != old_tos {
            ipv4::set_tos(header, tos);
        }
        if len - inner_at > usize::from(total_len) {
            packet.truncate(FRONT + usize::from(total_len));
        }
        if self.to_internet.device_tag.is_some() {
            packet.insert_vlan(self.to_internet.device_tag);
        }
        if let Some(counters) = &self.softwire_counters {
            counters.count_up(softwire.id(), u32::from(total_len));
        }
        Some((total_len, payload_len))
    }

    /// Whether the packet is one that the lane leaves alone: a TCP SYN, when offers of segment sizes
    /// are to be looked at (FR-016).
    #[inline(always)]
    fn lane_is_not_for<P: Packet>(&self, packet: &P, ipv4_at: usize) -> bool {
        self.forwarding.mss_clamp.is_some() && may_offer_mss(packet.head(), ipv4_at)
    }
}

/// Whether no packet of a burst has a key of its own, as in a flood of what the lane does not know. Of plain
/// traffic the first key says no.
#[inline(always)]
pub(super) fn finds_nothing(keys: &[Key]) -> bool {
    keys.iter().all(|key| key.ipv4 == NOTHING.ipv4)
}

#[inline(never)]
fn may_offer_mss(head: &[u8], ipv4_at: usize) -> bool {
    head.get(ipv4_at + 9) == Some(&transport::TCP)
        && head
            .get(ipv4_at + ipv4::HEADER..)
            .is_none_or(tcp::may_offer_mss)
}

/// Whether the IPv4 header at `at`, which has no options and of whose packet `available` octets
/// arrived, is that of a whole TCP or UDP packet that may go on; its checksum is judged apart.
#[inline(always)]
fn is_usual<const N: usize>(frame: &[u8; N], at: usize, available: usize) -> bool {
    let total_len = usize::from(u16_at(frame, at + 2));
    let (ttl, protocol) = (frame[at + 8], frame[at + 9]);
    total_len >= WITH_PORTS
        && total_len <= available
        && u16_at(frame, at + 6) & ipv4::MORE_OR_OFFSET == 0
        && ttl > 1
        && matches!(protocol, transport::TCP | transport::UDP)
}

#[inline(always)]
fn checksum_is_good<const N: usize>(frame: &[u8; N], at: usize) -> bool {
    frame[at..]
        .first_chunk()
        .is_some_and(checksum::plain_header_is_good)
}

/// Whether a subscriber or a host of the Internet may have this address (LW-020, TN-043).
#[inline(always)]
fn is_a_hosts(address: u32) -> bool {
    ipv4::is_routable_unicast(address) && !ipv4::is_softwire_internal(address)
}

#[inline(always)]
fn u16_at<const N: usize>(bytes: &[u8; N], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

#[inline(always)]
fn u32_at<const N: usize>(bytes: &[u8; N], at: usize) -> u32 {
    // As a chunk, of which the compiler makes one load even where only some of the bits are used.
    bytes[at..]
        .first_chunk()
        .map_or(0, |octets| u32::from_be_bytes(*octets))
}

/// A key that finds nothing, and costs no more than others to find it: no softwire has 0.0.0.0.
pub(super) const NOTHING: Key = Key::new(0, PortKey::port(0));
/// Another one, of a packet that would have had a key if its IPv4 header summed up.
pub(super) const BAD_CHECKSUM: Key = Key::new(0, PortKey::port(1));
/// An IPv4 header without options and the ports behind it.
const WITH_PORTS: usize = ipv4::HEADER + 4;
/// The headers of a tunnel packet.
const TUNNELLED: usize = ipv6::HEADER + ipv4::HEADER;
const UNTAGGED: usize = ethernet::HEADER;
const TAGGED: usize = ethernet::TAGGED_HEADER;
