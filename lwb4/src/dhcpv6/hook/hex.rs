//! Octets as hexadecimal digits, with or without colons between them.

/// The octets of `text`; `None` if it is something else. dhclient leaves out a leading 0 of an octet
/// between colons.
pub(super) fn octets(text: &str) -> Option<Vec<u8>> {
    if text.contains(':') {
        return text.split(':').map(octet).collect();
    }
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return octet(text).map(|octet| vec![octet]);
    };
    let pair = |pair: &[u8; 2]| std::str::from_utf8(pair).ok().and_then(octet);
    pairs.iter().map(pair).collect()
}

fn octet(text: &str) -> Option<u8> {
    let digits = text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let octet = u8::from_str_radix(text, 16).ok();
    octet.filter(|_| digits && text.len() <= 2)
}

/// `octets` as text.
pub(super) fn text(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_may_have_colons_between_them() {
        assert_eq!(octets("005CFF"), Some(vec![0, 0x5c, 0xff]));
        assert_eq!(octets("0:5c:ff"), Some(vec![0, 0x5c, 0xff]));
        assert_eq!(octets("7"), Some(vec![7]));
        assert_eq!(octets(""), Some(vec![]));
        assert_eq!(text(&[0, 0x5c, 0xff]), "005cff");
        for none in ["5c0", "0x", "+1", "0::1", "100:1", "zz"] {
            assert_eq!(octets(none), None, "{none}");
        }
    }
}
