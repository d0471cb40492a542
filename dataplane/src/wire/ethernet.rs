//! Ethernet II with at most one 802.1Q tag.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::drop_reason::DropReason;
use crate::wire::u16_at;

/// Octets of a header without VLAN tag.
pub const HEADER: usize = 14;
/// Octets of a header with one VLAN tag.
pub const TAGGED_HEADER: usize = 18;

/// EtherType of IPv4.
pub const IPV4: u16 = 0x0800;
/// EtherType of ARP.
pub const ARP: u16 = 0x0806;
/// EtherType of an 802.1Q tag (C-VLAN).
pub const VLAN: u16 = 0x8100;
/// EtherType of IPv6.
pub const IPV6: u16 = 0x86dd;

/// An Ethernet address.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// The broadcast address.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// Whether the group bit is set (multicast and broadcast).
    #[must_use]
    pub const fn is_group(self) -> bool {
        self.0[0] & 1 == 1
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for Mac {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, MacError> {
        let error = || MacError(text.to_owned());
        let mut octets = [0; 6];
        let mut parts = text.split(':');
        for octet in &mut octets {
            let part = parts.next().filter(|part| (1..=2).contains(&part.len()));
            *octet = part.and_then(hex_octet).ok_or_else(error)?;
        }
        if parts.next().is_some() {
            Err(error())
        } else {
            Ok(Self(octets))
        }
    }
}

/// A text is not an Ethernet address.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("'{0}' is not a MAC address like 02:00:00:00:00:01")]
pub struct MacError(String);

/// What a frame's Ethernet header says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ethernet {
    /// Who the frame is for.
    pub destination: Mac,
    /// VLAN identifier of the tag in the frame; 0, a priority tag, means no VLAN (802.1Q s9.6).
    pub vlan: Option<u16>,
    /// EtherType of the payload.
    pub ether_type: u16,
    /// Where the payload begins, in octets from the start of the frame.
    pub payload_at: usize,
}

impl Ethernet {
    /// Reads the header of `frame`.
    ///
    /// # Errors
    /// [`DropReason::FrameTruncated`] when the frame ends before its header does.
    #[inline(always)]
    pub fn parse(frame: &[u8]) -> Result<Self, DropReason> {
        let header: &[u8; HEADER] = frame.first_chunk().ok_or(DropReason::FrameTruncated)?;
        let destination = Mac([
            header[0], header[1], header[2], header[3], header[4], header[5],
        ]);
        let ether_type = u16::from_be_bytes([header[12], header[13]]);
        if ether_type != VLAN {
            return Ok(Self {
                destination,
                vlan: None,
                ether_type,
                payload_at: HEADER,
            });
        }
        let tag = u16_at(frame, HEADER).ok_or(DropReason::FrameTruncated)?;
        let ether_type = u16_at(frame, HEADER + 2).ok_or(DropReason::FrameTruncated)?;
        let vlan = Some(vlan_id(tag)).filter(|id| *id != 0);
        Ok(Self {
            destination,
            vlan,
            ether_type,
            payload_at: TAGGED_HEADER,
        })
    }
}

/// One octet of one or two digits; `from_str_radix` alone would take a sign.
fn hex_octet(text: &str) -> Option<u8> {
    text.bytes()
        .all(|digit| digit.is_ascii_hexdigit())
        .then(|| u8::from_str_radix(text, 16).ok())?
}

/// The VLAN identifier of a tag (PCP, DEI, VID).
#[must_use]
#[inline]
pub const fn vlan_id(tag: u16) -> u16 {
    tag & 0x0fff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_is_six_hexadecimal_octets_and_nothing_else() {
        assert_eq!("02:0:aB:ff:00:1".parse(), Ok(Mac([2, 0, 0xab, 0xff, 0, 1])));
        assert_eq!(
            Mac([2, 0, 0xab, 0xff, 0, 1]).to_string(),
            "02:00:ab:ff:00:01"
        );
        for text in [
            "",
            "1:2:3:4:5",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:100",
            "1:2:3:4:5:+1",
            "g:2:3:4:5:6",
        ] {
            let parsed = text.parse::<Mac>();
            assert!(parsed.is_err(), "{text} gave {parsed:?}");
        }
    }

    #[test]
    fn a_frame_cut_in_its_header_is_truncated() {
        let mut frame = [0_u8; TAGGED_HEADER];
        frame[12..14].copy_from_slice(&VLAN.to_be_bytes());
        frame[14..18].copy_from_slice(&[0xe4, 0x44, 0x86, 0xdd]);
        for len in 0..TAGGED_HEADER {
            assert_eq!(
                Ethernet::parse(&frame[..len]),
                Err(DropReason::FrameTruncated),
                "{len}"
            );
        }
        let whole = Ethernet::parse(&frame).unwrap();
        assert_eq!(
            (whole.vlan, whole.ether_type, whole.payload_at),
            (Some(0x444), IPV6, 18)
        );
    }

    #[test]
    fn a_priority_tag_is_no_vlan() {
        let mut frame = [0_u8; TAGGED_HEADER];
        frame[12..18].copy_from_slice(&[0x81, 0, 0xe0, 0, 8, 0]);
        assert_eq!(Ethernet::parse(&frame).unwrap().vlan, None);
    }
}
