//! ANNOUNCE: the server's epoch, for whoever asks, and for everybody when it has lost state
//! (RFC 6887 s14.1).

use super::Message;
use super::Opcode;
use super::Payload;
use super::Refusal;
use super::Request;
use super::ResponseHeader;
use crate::result_code::ResultCode;

/// The announcement of an epoch, in seconds; its lifetime is 0 (PC-141).
#[must_use]
pub fn unsolicited_announce(epoch_s: u32) -> Message {
    let header = ResponseHeader {
        opcode: Opcode::Announce,
        result: ResultCode::Success,
        lifetime_s: 0,
        epoch_s,
    };
    Message::response(&header, &Payload::Announce)
}

/// The answer to an ANNOUNCE request: the epoch (PC-141). Options of the future are tolerated where they
/// may be.
///
/// # Errors
/// When the request has an option that must be processed: there is none for ANNOUNCE.
pub fn announce_response(request: &Request<'_>, epoch_s: u32) -> Result<Message, Refusal> {
    if request.options.raw().any(|(code, _)| code < FIRST_OPTIONAL) {
        return Err(Refusal::new(ResultCode::UnsupportedOption));
    }
    Ok(unsolicited_announce(epoch_s))
}

/// Options from this code on may be ignored (RFC 6887 s7.3).
const FIRST_OPTIONAL: u8 = 128;
