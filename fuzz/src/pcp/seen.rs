//! A message of MAP as it looks from outside, by offsets.

use crate::pcp::verdict;

/// What its octets say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Seen {
    pub(crate) result: u8,
    pub(crate) lifetime_s: u32,
    pub(crate) epoch_s: u32,
    pub(crate) nonce: [u8; 12],
    pub(crate) protocol: u8,
    pub(crate) internal_port: u16,
    pub(crate) external_port: u16,
    pub(crate) external: [u8; 16],
    pub(crate) options: Vec<(u8, Vec<u8>)>,
}

impl Seen {
    /// Reads a message; `None` when it is no MAP whose options can be told apart.
    pub(crate) fn read(octets: &[u8]) -> Option<Self> {
        if octets.len() < 60 || octets[1] & 0x7f != 1 {
            return None;
        }
        let four = |at: usize| u32::from_be_bytes([0, 1, 2, 3].map(|more| octets[at + more]));
        let two = |at: usize| u16::from_be_bytes([octets[at], octets[at + 1]]);
        let options = verdict::list(&octets[60..])?;
        Some(Self {
            result: octets[3],
            lifetime_s: four(4),
            epoch_s: four(8),
            nonce: octets[24..36].try_into().ok()?,
            protocol: octets[36],
            internal_port: two(40),
            external_port: two(42),
            external: octets[44..60].try_into().ok()?,
            options: options
                .into_iter()
                .map(|(code, data)| (code, data.to_vec()))
                .collect(),
        })
    }

    /// Size and first internal port of PORT_SET.
    pub(crate) fn port_set(&self) -> Option<(u16, u16)> {
        let (_, data) = self
            .options
            .iter()
            .find(|(code, data)| *code == 130 && data.len() == 5)?;
        Some((
            u16::from_be_bytes([data[0], data[1]]),
            u16::from_be_bytes([data[2], data[3]]),
        ))
    }
}
