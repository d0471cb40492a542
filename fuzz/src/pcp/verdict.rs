//! What a server does about a UDP payload before it looks at what the options say: RFC 6887 s8.2, written a
//! second time, by offsets (PC-002 to PC-010).

/// What becomes of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    Silence,
    Refused(u8),
    Read,
}

/// The verdict about `octets` from `source`, 16 octets too.
pub(crate) fn verdict(octets: &[u8], source: [u8; 16], takes_peer: bool) -> Verdict {
    let length = octets.len();
    if length < 2 || octets[1] >= 0x80 {
        return Verdict::Silence;
    }
    if octets[0] != 2 {
        return Verdict::Refused(1);
    }
    if length < 24 {
        return Verdict::Silence;
    }
    let payload = match octets[1] {
        1 => Some(36),
        2 if takes_peer => Some(56),
        0 => Some(0),
        _ => None,
    };
    let options = 24 + payload.unwrap_or(0);
    if length > 1100 || !length.is_multiple_of(4) || length < options {
        return Verdict::Refused(3);
    }
    if octets[8..24] != source {
        return Verdict::Refused(12);
    }
    if payload.is_none() {
        return Verdict::Refused(4);
    }
    match list(&octets[options..]) {
        Some(_) => Verdict::Read,
        None => Verdict::Refused(6),
    }
}

/// Code and data of the options; `None` when one ends outside.
pub(crate) fn list(octets: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < octets.len() {
        let length = usize::from(octets[at + 2]) << 8 | usize::from(octets[at + 3]);
        let end = at + 4 + length;
        let padded = end + (4 - length % 4) % 4;
        if padded > octets.len() {
            return None;
        }
        found.push((octets[at], &octets[at + 4..end]));
        at = padded;
    }
    Some(found)
}
