//! Errors that are made here: small enough, summing up, and never about what must not be answered.

use crate::dataplane::ip::ICMP;
use crate::dataplane::ip::Ipv4;
use crate::dataplane::ip::is_a_hosts;
use crate::dataplane::ip::is_softwire_internal;
use crate::sum::pseudo_header;
use crate::sum::sum;

use super::origin::Origins;

/// Judges an ICMPv4 error and returns the packet that it quotes (RFC 1812 s4.3.2), which only a link that
/// takes less than `NARROW` octets may have cut within its header.
pub(super) fn judge_icmpv4<'a>(
    origins: &Origins,
    error: &Ipv4<'a>,
    mtu: usize,
) -> Option<Ipv4<'a>> {
    let message = error.payload();
    assert_eq!(error.protocol(), ICMP, "no error: {error:02x?}");
    assert!(
        error.total_len() <= 576,
        "{} octets of ICMP error",
        error.total_len()
    );
    assert_eq!(sum(&[message]), 0xffff, "checksum of {message:02x?}");
    assert!(
        error.offset() == 0 && !error.more_follow(),
        "an error in pieces"
    );
    assert!(
        matches!(message, [3, 1 | 4, ..] | [11, 0, ..]),
        "type and code of {message:02x?}"
    );
    let Some(quote) = message.get(8..).and_then(Ipv4::new) else {
        let is_cut = mtu < NARROW && error.total_len() == mtu;
        assert!(is_cut, "an error about nothing: {message:02x?}");
        return None;
    };
    assert_eq!(
        quote.source(),
        error.destination(),
        "an error to the wrong host"
    );
    assert!(
        !quote.is_icmp_error(),
        "an error about an error: {message:02x?}"
    );
    assert_eq!(
        quote.offset(),
        0,
        "an error about a later fragment: {message:02x?}"
    );
    assert!(
        is_a_hosts(quote.source()) && !is_softwire_internal(quote.source()),
        "an error to nobody: {message:02x?}"
    );
    assert!(
        is_a_hosts(quote.destination()),
        "an error about a packet to many: {message:02x?}"
    );
    origins.find_quote(&message[8..]);
    Some(quote)
}

/// Judges an ICMPv6 error (RFC 4443 s2.4).
pub(super) fn judge_icmpv6(origins: &Origins, ipv6: &[u8]) {
    let message = &ipv6[40..];
    assert!(ipv6.len() <= 1280, "{} octets of ICMPv6 error", ipv6.len());
    let pseudo = pseudo_header(ipv6, 58, message.len());
    assert_eq!(sum(&[&pseudo, message]), 0xffff, "checksum of {ipv6:02x?}");
    assert!(
        matches!(message, [1, 5, ..] | [3, 1, ..] | [4, 0 | 3, ..]),
        "type and code of {message:02x?}"
    );
    let quote = &message[8..];
    assert!(
        quote.len() >= 40 && quote[0] >> 4 == 6,
        "an error about nothing: {message:02x?}"
    );
    assert_eq!(quote[8..24], ipv6[24..40], "an error to the wrong node");
    assert_eq!(
        quote[24..40],
        ipv6[8..24],
        "an error from an address that was not asked"
    );
    assert!(
        quote[8] != 0xff && quote[8..24] != [0; 16],
        "an error to nobody: {ipv6:02x?}"
    );
    assert_ne!(quote[6], 58, "an error about ICMPv6: {ipv6:02x?}");
    if (message[0], quote[6]) == (1, 4) {
        let inner = Ipv4::new(&quote[40..]);
        assert!(
            inner.is_some_and(|inner| !inner.is_icmp_error() && inner.offset() == 0),
            "an error about an error or a later fragment: {ipv6:02x?}"
        );
    }
    origins.find_quote(quote);
}

/// What the headers of an error and the longest header that it quotes take, with its 64 bits of data.
const NARROW: usize = 20 + 8 + 60 + 8;
