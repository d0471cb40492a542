//! Asking the cache for a packet before it is needed.

use std::arch::x86_64::_MM_HINT_T0;
use std::arch::x86_64::_mm_prefetch;

use super::Mbuf;
use super::data_start;

impl Mbuf {
    /// Fetches the mbuf's own first cache line: lengths, flags, where the data is.
    #[inline(always)]
    pub fn prefetch_header(&self) {
        // SAFETY: a prefetch has no effect that a program can see, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(self.0.as_ptr().cast()) };
    }

    /// Fetches the first cache line of the packet's data; reads the mbuf's header.
    #[inline(always)]
    pub fn prefetch_data(&self) {
        // SAFETY: a prefetch has no effect that a program can see, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(data_start(self.raw()).cast()) };
    }
}
