//! Numbers in files: little-endian, at fixed places; what lies outside is 0.

/// `N` octets from `at`.
#[inline]
pub(crate) fn array_at<const N: usize>(octets: &[u8], at: usize) -> [u8; N] {
    octets
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .unwrap_or([0; N])
}

/// The 16 bits at `at`.
#[inline]
pub(crate) fn u16_at(octets: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array_at(octets, at))
}

/// The 32 bits at `at`.
#[inline]
pub(crate) fn u32_at(octets: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(octets, at))
}

/// The 64 bits at `at`.
#[inline]
pub(crate) fn u64_at(octets: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(octets, at))
}

/// The count or time at `at`; more than 48 bits are 48 ones, so that sums cannot overflow.
#[inline]
pub(crate) fn count_at(octets: &[u8], at: usize) -> u64 {
    u64_at(octets, at).min((1 << 48) - 1)
}

/// The difference of times at `at`, as far as times go.
#[inline]
pub(crate) fn difference_at(octets: &[u8], at: usize) -> i64 {
    let most = (1 << 48) - 1;
    u64_at(octets, at).cast_signed().clamp(-most, most)
}

/// The 48 bits at `at`.
#[inline]
pub(crate) fn u48_at(octets: &[u8], at: usize) -> u64 {
    let [a, b, c, d, e, f] = array_at(octets, at);
    u64::from_le_bytes([a, b, c, d, e, f, 0, 0])
}

/// Puts `field` at `at`, if there is room for it.
#[inline]
pub(crate) fn put(octets: &mut [u8], at: usize, field: &[u8]) {
    if let Some(place) = octets.get_mut(at..at + field.len()) {
        place.copy_from_slice(field);
    }
}

/// Puts the lower 48 bits of `number` at `at`.
#[inline]
pub(crate) fn put_u48(octets: &mut [u8], at: usize, number: u64) {
    let [a, b, c, d, e, f, _, _] = number.to_le_bytes();
    put(octets, at, &[a, b, c, d, e, f]);
}
