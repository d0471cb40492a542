//! Error responses: the request, copied, with a header that says no (RFC 6887 s8.3; PC-012, PC-013).

use super::HEADER_LENGTH;
use super::MAX_LENGTH;
use super::Message;
use super::RESPONSE_BIT;
use super::VERSION;
use crate::result_code::ResultCode;

/// Why a request is not granted, and for how long it is no use to ask again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// What is wrong.
    pub result: ResultCode,
    /// Seconds that it stays wrong.
    pub lifetime_s: u32,
}

impl Refusal {
    /// The refusal with the lifetime that RFC 6887 s7.4 recommends for it.
    #[must_use]
    pub fn new(result: ResultCode) -> Self {
        Self {
            result,
            lifetime_s: result.error_lifetime_s().unwrap_or(0),
        }
    }

    /// The same for a time of its own, such as what is left of a mapping (PC-034).
    #[must_use]
    pub const fn lasting(result: ResultCode, lifetime_s: u32) -> Self {
        Self { result, lifetime_s }
    }

    /// The response to `request`: at most 1100 octets of it, padded with zeros to a multiple of four
    /// and to a whole header. What could not be parsed keeps its octets 12 to 23 (PC-018).
    #[must_use]
    pub fn response(self, request: &[u8], epoch_s: u32) -> Message {
        let mut octets = request[..request.len().min(MAX_LENGTH)].to_vec();
        let whole = octets.len().next_multiple_of(4).max(HEADER_LENGTH);
        octets.resize(whole, 0);
        octets[0] = VERSION;
        octets[1] |= RESPONSE_BIT;
        octets[2] = 0;
        octets[3] = self.result.code();
        octets[4..8].copy_from_slice(&self.lifetime_s.to_be_bytes());
        octets[8..12].copy_from_slice(&epoch_s.to_be_bytes());
        if !self.result.is_parse_failure() {
            octets[12..HEADER_LENGTH].fill(0);
        }
        Message::from_octets(octets)
    }
}
