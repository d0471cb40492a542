//! ANNOUNCE that nobody asked for: the server has lost state, or says that it has not
//! (RFC 6887 s14.1.3).

use super::Message;
use super::Opcode;
use super::Payload;
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
