//! Memory that is soon needed, asked for ahead.
#![allow(
    unsafe_code,
    reason = "the processor's hint has no safe form in this version of Rust"
)]

/// Has the cache line at `place` fetched, and does not wait for it. A hint: it may be about a place that nobody
/// will look at, and where nothing is.
#[inline(always)]
pub(crate) fn prefetch<T>(place: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::_MM_HINT_T0;
        use std::arch::x86_64::_mm_prefetch;
        // SAFETY: it has no effect on memory, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = place;
}
