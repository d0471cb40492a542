//! The table's memory as the product uses it: one anonymous mapping, backed page by page as it is touched.

use std::ptr::NonNull;

use super::Fresh;
use super::GRANULE_BYTES;
use super::Granule;
use super::ReserveError;
use super::WordPlace;
use crate::table::softwire::Softwire;
use crate::table::sync::AtomicU32;
use crate::table::sync::AtomicU64;

/// A reservation of zeroed memory that lives at one address until it is dropped.
#[derive(Debug)]
pub(in crate::table) struct Memory {
    base: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the memory belongs to this value alone and is reached through atomics, or as `Softwire`s that are
// immutable while shared (the safety boundary in the parent module).
unsafe impl Send for Memory {}
// SAFETY: as for `Send`; writers of plain memory hold a `Fresh`, of which there is one per block.
unsafe impl Sync for Memory {}

impl Memory {
    /// Reserves `bytes` of zeroes, of which none costs memory before it is used.
    pub(in crate::table) fn reserve(bytes: usize) -> Result<Self, ReserveError> {
        let base = map(bytes)?;
        Ok(Self { base, bytes })
    }

    /// The eight-byte word number `index`, counted from the start of `granule`.
    #[inline(always)]
    pub(in crate::table) fn word(&self, granule: Granule, index: u32) -> &AtomicU64 {
        self.word_at(WordPlace::new(granule, index))
    }

    /// The eight-byte word at `place`.
    #[inline(always)]
    pub(in crate::table) fn word_at(&self, place: WordPlace) -> &AtomicU64 {
        let place = self.at(place.index() * size_of::<AtomicU64>()).cast();
        // SAFETY: inside the reservation and aligned (boundary, 1); in use as words only (4).
        unsafe { place.as_ref() }
    }

    /// The four-byte half word number `index`, counted from the start of `granule`.
    #[inline(always)]
    pub(in crate::table) fn half(&self, granule: Granule, index: u32) -> &AtomicU32 {
        let place = self
            .at(in_bytes(granule) + index as usize * size_of::<AtomicU32>())
            .cast();
        // SAFETY: inside the reservation and aligned (boundary, 1); in use as half words only (4).
        unsafe { place.as_ref() }
    }

    /// The entry number `index`, counted from `granule`.
    #[inline(always)]
    pub(in crate::table) fn softwire(&self, granule: Granule, index: u32) -> &Softwire {
        let place = self
            .at(in_bytes(granule) + index as usize * GRANULE_BYTES)
            .cast();
        // SAFETY: inside the reservation and aligned (boundary, 1); immutable while shared (2, 3), and all
        // bit patterns, zero included, are entries.
        unsafe { place.as_ref() }
    }

    /// Writes entry number `index` of a block that nobody can reach yet.
    pub(in crate::table) fn write(&self, fresh: &mut Fresh, index: u32, softwire: Softwire) {
        assert!(
            index < fresh.order().granules(),
            "an entry beyond its block"
        );
        let place = self
            .at(in_bytes(fresh.first()) + index as usize * GRANULE_BYTES)
            .cast();
        // SAFETY: inside the block, and unreachable for readers (boundary, 2).
        unsafe { place.write(softwire) }
    }

    /// Fills a block that nobody can reach yet with the entries of one of the same size.
    ///
    /// Only the writer may call this: it alone changes the atomic parts of entries, so that reading them
    /// plainly, as this does, races with nobody.
    pub(in crate::table) fn copy(&self, from: Granule, fresh: &mut Fresh) {
        let source = self.at(in_bytes(from));
        let target = self.at(in_bytes(fresh.first()));
        // SAFETY: two different blocks of that size, one published and so immutable but for its atomics, the
        // other unreachable for readers (boundary, 2).
        unsafe { target.copy_from_nonoverlapping(source, fresh.order().bytes()) }
    }

    /// Asks for the cache line that holds the word at `place`.
    #[inline(always)]
    pub(in crate::table) fn prefetch_at(&self, place: WordPlace) {
        self.prefetch(place.index() * size_of::<AtomicU64>());
    }

    /// Asks for the cache line that holds half word `index` after `granule`.
    #[inline(always)]
    pub(in crate::table) fn prefetch_half(&self, granule: Granule, index: u32) {
        self.prefetch(in_bytes(granule) + index as usize * size_of::<AtomicU32>());
    }

    /// Asks for the cache line that holds entry `index` after `granule`.
    #[inline(always)]
    pub(in crate::table) fn prefetch_softwire(&self, granule: Granule, index: u32) {
        self.prefetch(in_bytes(granule) + index as usize * GRANULE_BYTES);
    }

    /// A hint; it may be about a place that nobody will look at, even one outside the reservation.
    #[inline(always)]
    fn prefetch(&self, offset: usize) {
        let place = self.base.as_ptr().wrapping_add(offset);
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            use std::arch::x86_64::_MM_HINT_T0;
            use std::arch::x86_64::_mm_prefetch;
            // SAFETY: it has no effect on memory, whatever the address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast_const().cast()) }
        }
        #[cfg(not(all(target_arch = "x86_64", not(miri))))]
        let _ = place;
    }

    #[inline(always)]
    fn at(&self, offset: usize) -> NonNull<u8> {
        debug_assert!(offset < self.bytes, "a place outside the reservation");
        // SAFETY: the allocator gives out granules below the end of the reservation only (boundary, 1).
        unsafe { self.base.add(offset) }
    }
}

#[inline(always)]
const fn in_bytes(granule: Granule) -> usize {
    granule.index() as usize * GRANULE_BYTES
}

impl Drop for Memory {
    fn drop(&mut self) {
        unmap(self.base, self.bytes);
    }
}

/// Address space that costs memory when touched, in huge pages where the system has them to give.
#[cfg(not(miri))]
fn map(bytes: usize) -> Result<NonNull<u8>, ReserveError> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new anonymous mapping at an address of the system's choice touches no other memory.
    let base = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, kind, -1, 0) };
    let refused = || ReserveError {
        bytes,
        errno: std::io::Error::last_os_error().raw_os_error().unwrap_or(0),
    };
    if base == libc::MAP_FAILED {
        return Err(refused());
    }
    // Refused where transparent huge pages are off; small pages serve too, some 10-25 % slower.
    // SAFETY: advice about the mapping just made.
    unsafe { libc::madvise(base, bytes, libc::MADV_HUGEPAGE) };
    NonNull::new(base.cast()).ok_or_else(refused)
}

#[cfg(not(miri))]
fn unmap(base: NonNull<u8>, bytes: usize) {
    // SAFETY: the mapping made by `map`, which nobody uses any more: its owner is being dropped.
    unsafe { libc::munmap(base.as_ptr().cast(), bytes) };
}

/// Miri has no lazy mappings; its tests ask for small tables.
#[cfg(miri)]
fn map(bytes: usize) -> Result<NonNull<u8>, ReserveError> {
    let refused = ReserveError {
        bytes,
        errno: libc::ENOMEM,
    };
    let layout = std::alloc::Layout::from_size_align(bytes, 64).map_err(|_| refused)?;
    // SAFETY: the layout is not empty: the smallest table holds its root.
    NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) }).ok_or(refused)
}

#[cfg(miri)]
fn unmap(base: NonNull<u8>, bytes: usize) {
    if let Ok(layout) = std::alloc::Layout::from_size_align(bytes, 64) {
        // SAFETY: allocated by `map` with this layout, and nobody uses it any more.
        unsafe { std::alloc::dealloc(base.as_ptr(), layout) };
    }
}
