//! The request of lwB4 number N, and whose answer a frame is.
//!
//! The request is that of RFC 7753 s5.2; only the outer source differs, so that checksums need no work.

use super::super::ACCESS_MAC;
use super::super::PEER_MAC;
use super::super::traffic::BR;

/// Octets of the frame.
pub(super) const LENGTH: usize = 14 + 40 + 20 + 8 + 72;

/// Writes the frame of lwB4 number `number`, which must have [`LENGTH`] octets.
pub(super) fn write(frame: &mut [u8], number: u32) {
    frame.copy_from_slice(&TEMPLATE);
    frame[SOURCE + 4..SOURCE + 7].copy_from_slice(&number.to_be_bytes()[1..]);
}

/// The number of the lwB4 that a frame answers, and the result code; `None` when it is no answer.
pub(super) fn answer(frame: &[u8]) -> Option<(u32, u8)> {
    let is_answer = frame.len() > RESULT && frame[INNER_SOURCE..INNER_SOURCE + 4] == AFTR;
    let [a, b, c] = *frame.get(DESTINATION + 4..)?.first_chunk()?;
    is_answer.then(|| (u32::from_be_bytes([0, a, b, c]), frame[RESULT]))
}

const TEMPLATE: [u8; LENGTH] = template();

const fn template() -> [u8; LENGTH] {
    let mut frame = [0; LENGTH];
    put(&mut frame, 0, &ACCESS_MAC);
    put(&mut frame, 6, &PEER_MAC);
    put(&mut frame, 12, &[0x86, 0xdd, 0x60, 0, 0, 0, 0, 100, 4, 64]);
    // 2001:db8:N:N00::1, so that each is a subscriber of its own.
    put(&mut frame, SOURCE, &[0x20, 0x01, 0x0d, 0xb8]);
    frame[SOURCE + 15] = 1;
    put(&mut frame, DESTINATION, &BR.octets());
    put(
        &mut frame,
        54,
        &[0x45, 0, 0, 100, 0, 0, 0, 0, 64, 17, 0xfa, 0x85],
    );
    put(&mut frame, INNER_SOURCE, &[192, 0, 0, 2]);
    put(&mut frame, INNER_SOURCE + 4, &AFTR);
    put(&mut frame, 74, &[0x9c, 0x40, 0x14, 0xe7, 0, 80]);
    // The request, octet by octet, but for zeros.
    put(&mut frame, 82, &[2, 1, 0, 0, 0, 0, 0x0e, 0x10]);
    put(&mut frame, 100, &[0xff, 0xff, 192, 0, 0, 2]);
    put(
        &mut frame,
        106,
        &[
            0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab,
        ],
    );
    frame[123] = 1;
    put(&mut frame, 136, &[0xff, 0xff]);
    put(&mut frame, 142, &[130, 0, 0, 5, 0xff, 0xff, 0, 1]);
    put(&mut frame, 80, &[0x9a, 0x1f]);
    frame
}

const fn put(frame: &mut [u8; LENGTH], at: usize, octets: &[u8]) {
    let mut index = 0;
    while index < octets.len() {
        frame[at + index] = octets[index];
        index += 1;
    }
}

const SOURCE: usize = 22;
const DESTINATION: usize = 38;
const INNER_SOURCE: usize = 66;
/// Of a PCP message inside.
const RESULT: usize = 14 + 40 + 20 + 8 + 3;
const AFTR: [u8; 4] = [192, 0, 0, 1];

#[cfg(test)]
mod tests {
    use lwaftr_dataplane::wire::checksum;

    use super::*;

    #[test]
    fn a_request_has_good_checksums_whoever_sends_it() {
        for number in [0, 1, 0x00ab_cdef] {
            let mut frame = [0; LENGTH];
            write(&mut frame, number);
            assert_eq!(checksum::sum(&frame[54..74]), 0xffff);
            let mut pseudo = frame[66..74].to_vec();
            pseudo.extend([0, 17, 0, 80]);
            pseudo.extend(&frame[74..]);
            assert_eq!(checksum::sum(&pseudo), 0xffff);
            assert_eq!(frame[26..29], number.to_be_bytes()[1..]);
        }
    }
}
