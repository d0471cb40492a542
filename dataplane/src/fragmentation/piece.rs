//! A later piece of a packet, in buffers of its own.

use std::ops::Range;

use crate::drop_reason::DropReason;
use crate::packet::Packet;

/// A new packet: `front_len` octets that hold anything, then a copy of these octets of `packet`.
///
/// # Errors
/// [`DropReason::NoBuffer`] when buffers run out.
pub(super) fn copied<P: Packet>(
    packet: &P,
    front_len: usize,
    octets: Range<usize>,
) -> Result<P, DropReason> {
    let mut piece = packet.sibling().ok_or(DropReason::NoBuffer)?;
    piece.append(front_len).ok_or(DropReason::NoBuffer)?;
    if copy_to_end(&mut piece, packet, octets.clone())? {
        return Ok(piece);
    }
    // More than one buffer takes, as with jumbo frames.
    for at in octets.clone().step_by(STEP) {
        let step = at..octets.end.min(at + STEP);
        if !copy_to_end(&mut piece, packet, step.clone())? {
            let mut next = packet.sibling().ok_or(DropReason::NoBuffer)?;
            if !copy_to_end(&mut next, packet, step)? {
                return Err(DropReason::NoBuffer);
            }
            piece.join(next).map_err(|_| DropReason::NoBuffer)?;
        }
    }
    Ok(piece)
}

/// Copies these octets of `packet` to the end of `piece`, if its last buffer has the room.
fn copy_to_end<P: Packet>(
    piece: &mut P,
    packet: &P,
    octets: Range<usize>,
) -> Result<bool, DropReason> {
    let Some(target) = piece.append(octets.len()) else {
        return Ok(false);
    };
    if packet.copy_out(octets.start, target) {
        Ok(true)
    } else {
        Err(DropReason::NoBuffer)
    }
}

/// Octets that are copied at once when a piece takes several buffers, each of which has room for more;
/// what is left at a buffer's end is always less than this.
const STEP: usize = 512;
