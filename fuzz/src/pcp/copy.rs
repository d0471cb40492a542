//! What an answer that says no looks like, by offsets (RFC 6887 s8.3; PC-013, PC-018).

/// Checks that `answer` is `request` with a header that says `result` for the epoch `epoch_s`.
pub(crate) fn check(request: &[u8], answer: &[u8], result: u8, epoch_s: u32) {
    size(answer);
    let copied = request.len().min(1100);
    let mut expected = request[..copied].to_vec();
    while expected.len() < 24 || !expected.len().is_multiple_of(4) {
        expected.push(0);
    }
    expected[0] = 2;
    expected[1] |= 0x80;
    expected[2] = 0;
    expected[3] = result;
    // How long it lasts is the server's own business, but for ever it does not.
    expected[4..8].copy_from_slice(&answer[4..8]);
    expected[8..12].copy_from_slice(&epoch_s.to_be_bytes());
    // UNSUPP_VERSION, MALFORMED_REQUEST, MALFORMED_OPTION: not parsed.
    if ![1, 3, 6].contains(&result) {
        expected[12..24].fill(0);
    }
    assert_eq!(answer, expected, "not a copy of its request");
    assert_ne!(result, 0, "a copy says that all is well");
}

/// Every message is a multiple of four octets, from 24 to 1100.
pub(crate) fn size(message: &[u8]) {
    let length = message.len();
    assert!(
        (24..=1100).contains(&length) && length.is_multiple_of(4),
        "{length}"
    );
}
