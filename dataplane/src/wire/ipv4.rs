//! The IPv4 header (RFC 791): checked once, then a small value; TTL and ToS changed in place.

use crate::drop_reason::DropReason;
use crate::wire::checksum;
use crate::wire::transport;

/// Octets of a header without options.
pub const HEADER: usize = 20;

/// What a good IPv4 header says, small enough that a burst of them stays in the nearest cache.
/// Addresses are in host order, for arithmetic.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ipv4 {
    /// The sender.
    pub source: u32,
    /// The receiver.
    pub destination: u32,
    /// Length of the packet in octets, header included.
    pub total_len: u16,
    /// Header length in octets, options included: 20 to 60.
    pub header_len: u8,
    /// DSCP and ECN.
    pub tos: u8,
    /// Hops left.
    pub ttl: u8,
    /// Number of the protocol above.
    pub protocol: u8,
    /// What the sender calls this datagram, so that its fragments find together.
    pub id: u16,
    /// Whether it may be fragmented, and which part of the datagram it is.
    pub fragment: FragmentField,
}

/// The word of the flags and the fragment offset (RFC 791 s3.1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FragmentField(pub u16);

impl FragmentField {
    /// Whether the packet is one of several fragments.
    #[must_use]
    #[inline(always)]
    pub const fn is_fragment(self) -> bool {
        self.0 & MORE_OR_OFFSET != 0
    }

    /// Whether the packet begins with the header of the protocol above: it is whole, or the first
    /// fragment.
    #[must_use]
    #[inline(always)]
    pub const fn is_first(self) -> bool {
        self.0 & OFFSET == 0
    }

    /// Whether its sender forbids to fragment it.
    #[must_use]
    #[inline(always)]
    pub const fn dont_fragment(self) -> bool {
        self.0 & DONT_FRAGMENT != 0
    }
}

impl Ipv4 {
    /// Reads the header at the start of `bytes`, the first segment's part of a packet of which
    /// `available` octets arrived (Ethernet padding may be among them).
    ///
    /// `checksum_is_good` says that a device has verified this very header.
    ///
    /// # Errors
    /// The reason to drop the packet when the header is cut, lies about lengths, or does not sum.
    #[inline(always)]
    pub fn parse(
        bytes: &[u8],
        available: usize,
        checksum_is_good: bool,
    ) -> Result<Self, DropReason> {
        let header: &[u8; HEADER] = bytes.first_chunk().ok_or(DropReason::BadIpv4Header)?;
        let without_options = header[0] == VERSION_4_WITHOUT_OPTIONS;
        if !without_options {
            check_header_len(header, bytes, checksum_is_good)?;
        }
        let total_len = u16::from_be_bytes([header[2], header[3]]);
        let header_len = (header[0] & 0x0f) * 4;
        if total_len < u16::from(header_len) || usize::from(total_len) > available {
            return Err(DropReason::BadIpv4Length);
        }
        if without_options && !checksum_is_good && !checksum::basic_header_is_good(header) {
            return Err(DropReason::BadIpv4Checksum);
        }
        Ok(Self {
            source: u32::from_be_bytes([header[12], header[13], header[14], header[15]]),
            destination: u32::from_be_bytes([header[16], header[17], header[18], header[19]]),
            total_len,
            header_len,
            tos: header[1],
            ttl: header[8],
            protocol: header[9],
            id: u16::from_be_bytes([header[4], header[5]]),
            fragment: FragmentField(u16::from_be_bytes([header[6], header[7]])),
        })
    }

    /// Refuses what cannot be a sender (LW-020 step 4, RFC 1812 s5.3.7).
    ///
    /// # Errors
    /// [`DropReason::InvalidIpv4Source`].
    #[inline]
    pub fn check_source(&self) -> Result<(), DropReason> {
        if is_routable_unicast(self.source) {
            Ok(())
        } else {
            Err(DropReason::InvalidIpv4Source)
        }
    }

    /// Refuses what must not be forwarded to (RFC 1812 s5.3.7, no multicast routing here).
    ///
    /// # Errors
    /// [`DropReason::InvalidIpv4Destination`].
    #[inline]
    pub fn check_destination(&self) -> Result<(), DropReason> {
        if is_routable_unicast(self.destination) {
            Ok(())
        } else {
            Err(DropReason::InvalidIpv4Destination)
        }
    }
}

/// Whether the address is in 192.0.0.0/29, the softwire's own (TN-040).
#[must_use]
#[inline]
pub const fn is_softwire_internal(address: u32) -> bool {
    address >> 3 == 0xc000_0000 >> 3
}

/// Takes one hop off the TTL, which must not be 0, and mends the checksum.
#[inline(always)]
pub fn decrement_ttl(header: &mut [u8; HEADER]) {
    // TTL, protocol and checksum as one word, so that it is read once and written once.
    let word = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
    // The word of TTL and protocol is 0x0100 less, so the checksum is as much more (RFC 1624 eqn. 3
    // with m' = m - 0x0100), with the carry brought round.
    let (sum, carry) = (word as u16).overflowing_add(0x0100);
    let word = ((word & 0xffff_0000) - 0x0100_0000) | u32::from(sum + u16::from(carry));
    header[8..12].copy_from_slice(&word.to_be_bytes());
}

/// Sets the ToS and mends the checksum.
#[inline]
pub fn set_tos(header: &mut [u8; HEADER], tos: u8) {
    let old = u16::from_be_bytes([header[0], header[1]]);
    let checksum = u16::from_be_bytes([header[10], header[11]]);
    header[1] = tos;
    let checksum = checksum::update(checksum, old, u16::from_be_bytes([header[0], tos]));
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
}

/// Writes the header of an ICMP error: no options, don't fragment, so that it needs no identification
/// of its own (RFC 6864 s4.1).
pub(crate) fn write_error_header(
    header: &mut [u8; HEADER],
    tos: u8,
    total_len: u16,
    source: u32,
    destination: u32,
) {
    header.fill(0);
    (header[0], header[1]) = (VERSION_4_WITHOUT_OPTIONS, tos);
    header[2..4].copy_from_slice(&total_len.to_be_bytes());
    header[6..8].copy_from_slice(&DONT_FRAGMENT.to_be_bytes());
    (header[8], header[9]) = (ERROR_TTL, transport::ICMP);
    header[12..16].copy_from_slice(&source.to_be_bytes());
    header[16..20].copy_from_slice(&destination.to_be_bytes());
    let sum = !checksum::sum(header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// Everything but 0/8, 127/8, multicast and class E.
#[inline(always)]
pub(crate) const fn is_routable_unicast(address: u32) -> bool {
    // Joined without branches, as the express lane looks at it for every packet.
    (address.wrapping_sub(1 << 24) < 223 << 24) & (address >> 24 != 127)
}

/// Judges a header that does not begin as almost all do. The length is judged before the sum, as it
/// says what is summed; the total length, which the caller judges, comes in between.
#[cold]
fn check_header_len(
    header: &[u8; HEADER],
    bytes: &[u8],
    checksum_is_good: bool,
) -> Result<(), DropReason> {
    let header_len = usize::from(header[0] & 0x0f) * 4;
    if header[0] >> 4 != 4 || header_len < HEADER {
        return Err(DropReason::BadIpv4Header);
    }
    let whole = bytes.get(..header_len).ok_or(DropReason::BadIpv4Header)?;
    let total_len = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if total_len >= header_len && !checksum_is_good && checksum::sum(whole) != 0xffff {
        return Err(DropReason::BadIpv4Checksum);
    }
    Ok(())
}

/// First octet of a header of version 4 and five words.
pub(crate) const VERSION_4_WITHOUT_OPTIONS: u8 = 0x45;
/// The more-fragments bit and the fragment offset; zero in a packet that is whole.
pub(crate) const MORE_OR_OFFSET: u16 = MORE | OFFSET;
/// TTL of what is sent from here (RFC 1700, "IP default TTL").
const ERROR_TTL: u8 = 64;
const DONT_FRAGMENT: u16 = 0x4000;
const MORE: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(options: usize) -> Vec<u8> {
        let mut header = vec![0; HEADER + options];
        header[0] = 0x40 | (header.len() / 4) as u8;
        let total = (header.len() + 8) as u16;
        header[2..4].copy_from_slice(&total.to_be_bytes());
        header[8] = 64;
        header[9] = 17;
        header[12..16].copy_from_slice(&[198, 51, 100, 7]);
        header[16..20].copy_from_slice(&[192, 0, 2, 1]);
        let checksum = !checksum::sum(&header);
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
        header.extend([0; 8]);
        header
    }

    #[test]
    fn a_good_header_is_read_with_and_without_options() {
        for options in [0, 4, 40] {
            let packet = header(options);
            let ipv4 = Ipv4::parse(&packet, packet.len() + 6, false).unwrap();
            assert_eq!(
                (ipv4.header_len, ipv4.total_len),
                ((20 + options) as u8, packet.len() as u16)
            );
            assert_eq!((ipv4.ttl, ipv4.protocol), (64, 17));
            assert!(!ipv4.fragment.is_fragment());
            assert_eq!((ipv4.source, ipv4.destination), (0xc633_6407, 0xc000_0201));
        }
    }

    #[test]
    fn cut_anywhere_it_is_refused() {
        let packet = header(12);
        for len in 0..packet.len() {
            let parsed = Ipv4::parse(&packet[..len], len, false);
            let cut_in_header = if len < 32 {
                DropReason::BadIpv4Header
            } else {
                DropReason::BadIpv4Length
            };
            assert_eq!(parsed, Err(cut_in_header), "{len}");
        }
    }

    #[test]
    fn a_wrong_checksum_is_refused_unless_the_device_vouches_for_it() {
        for options in [0, 8] {
            let mut packet = header(options);
            packet[10] ^= 1;
            assert_eq!(
                Ipv4::parse(&packet, 100, false),
                Err(DropReason::BadIpv4Checksum)
            );
            assert!(Ipv4::parse(&packet, 100, true).is_ok());
        }
    }

    #[test]
    fn any_fragment_bit_makes_a_fragment_and_df_does_not() {
        for (bits, is_fragment, is_first, dont_fragment) in [
            (0x4000_u16, false, true, true),
            (0x2000, true, true, false),
            (0x0001, true, false, false),
            (0x5fff, true, false, true),
            (0x8000, false, true, false),
        ] {
            let mut packet = header(0);
            packet[6..8].copy_from_slice(&bits.to_be_bytes());
            let field = Ipv4::parse(&packet, 100, true).unwrap().fragment;
            assert_eq!(
                (field.is_fragment(), field.is_first(), field.dont_fragment()),
                (is_fragment, is_first, dont_fragment),
                "{bits:#06x}"
            );
        }
    }

    proptest! {
        #[test]
        fn tn_013_ttl_and_tos_change_with_a_right_checksum(ttl in 1_u8.., protocol: u8, tos: u8, id: u16) {
            let mut packet = header(0);
            packet[4..6].copy_from_slice(&id.to_be_bytes());
            (packet[8], packet[9]) = (ttl, protocol);
            packet[10..12].fill(0);
            let checksum = !checksum::sum(&packet[..20]);
            packet[10..12].copy_from_slice(&checksum.to_be_bytes());
            decrement_ttl(packet.first_chunk_mut().unwrap());
            set_tos(packet.first_chunk_mut().unwrap(), tos);
            let ipv4 = Ipv4::parse(&packet, 100, false).unwrap();
            prop_assert_eq!((ipv4.ttl, ipv4.tos), (ttl - 1, tos));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, available: usize, good: bool) {
            let _ = Ipv4::parse(&bytes, available, good);
        }
    }
}
