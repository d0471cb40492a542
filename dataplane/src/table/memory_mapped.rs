//! The table's memory as the product uses it: one anonymous mapping, backed page by page as it is touched.

use std::ptr::NonNull;

use super::Fresh;
use super::GRANULE_BYTES;
use super::Granule;
use super::NodeRefused;
use super::ReserveError;
use super::WordPlace;
use crate::prefetch::prefetch;
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

    /// Backs what is touched from now on with memory of `node`, or of others when it has none left.
    pub(in crate::table) fn prefer_node(&self, node: u32) -> Result<(), NodeRefused> {
        prefer(self.base, self.bytes, node)
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
        prefetch(self.base.as_ptr().wrapping_add(offset));
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

/// Preferred, not bound: a full node must cost a slower lookup, not the daemon.
#[cfg(not(miri))]
fn prefer(base: NonNull<u8>, bytes: usize, node: u32) -> Result<(), NodeRefused> {
    let refused = |errno| NodeRefused { node, errno };
    let mut mask: NodeMask = [0; _];
    let word = mask.get_mut((node / libc::c_ulong::BITS) as usize);
    *word.ok_or(refused(libc::EINVAL))? |= 1 << (node % libc::c_ulong::BITS);
    // SAFETY: the mapping made by `map`, of which only the placement of pages changes, not what they hold; the
    // mask is as long as said and only read.
    let returned = unsafe {
        libc::syscall(
            libc::SYS_mbind,
            base.as_ptr(),
            bytes,
            libc::MPOL_PREFERRED,
            mask.as_ptr(),
            MASK_BITS,
            NO_FLAGS,
        )
    };
    if returned == 0 {
        return Ok(());
    }
    let errno = std::io::Error::last_os_error().raw_os_error();
    Err(refused(errno.unwrap_or(0)))
}

/// Miri has no nodes either.
#[cfg(miri)]
fn prefer(_: NonNull<u8>, _: usize, node: u32) -> Result<(), NodeRefused> {
    let errno = libc::ENOSYS;
    Err(NodeRefused { node, errno })
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

/// A bit for each of the 1024 nodes that Linux can be built for (`CONFIG_NODES_SHIFT` is 10 at most).
#[cfg(not(miri))]
type NodeMask = [libc::c_ulong; 1024 / libc::c_ulong::BITS as usize];
/// The kernel takes one off (mbind(2), BUGS).
#[cfg(not(miri))]
const MASK_BITS: libc::c_ulong = 1024 + 1;
/// Pages that are there already stay: none are, when a table is placed.
#[cfg(not(miri))]
const NO_FLAGS: libc::c_uint = 0;

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    /// The policy of the page at the start of `memory`: its mode and its nodes.
    fn policy(memory: &Memory) -> (libc::c_int, NodeMask) {
        let (mut mode, mut mask): (libc::c_int, NodeMask) = (0, [0; _]);
        // SAFETY: the kernel fills the mode and a mask that is as long as said; the address is only looked up.
        let returned = unsafe {
            libc::syscall(
                libc::SYS_get_mempolicy,
                &raw mut mode,
                mask.as_mut_ptr(),
                MASK_BITS,
                memory.base.as_ptr(),
                MPOL_F_ADDR,
            )
        };
        assert_eq!(returned, 0, "{}", std::io::Error::last_os_error());
        (mode, mask)
    }

    #[test]
    fn memory_prefers_the_node_it_was_told() {
        let memory = Memory::reserve(MIB).unwrap();
        let elsewhere = Memory::reserve(MIB).unwrap();
        match memory.prefer_node(0) {
            Ok(()) => {
                let (mode, mask) = policy(&memory);
                assert_eq!((mode, mask[0]), (libc::MPOL_PREFERRED, 1));
                assert!(mask[1..].iter().all(|&word| word == 0));
                assert_eq!(policy(&elsewhere).0, libc::MPOL_DEFAULT);
            }
            // A kernel without NUMA, or a container that filters the call.
            Err(NodeRefused { errno, .. }) => {
                assert!([libc::ENOSYS, libc::EPERM].contains(&errno), "{errno}");
            }
        }
    }

    #[test]
    fn a_node_that_does_not_exist_is_refused_and_the_memory_still_works() {
        let memory = Memory::reserve(MIB).unwrap();
        for node in [1023, 1024, u32::MAX] {
            assert_eq!(memory.prefer_node(node).unwrap_err().node, node);
        }
        let word = memory.word(Granule::from_index(7), 1);
        word.store(7, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(word.load(std::sync::atomic::Ordering::Relaxed), 7);
    }

    /// From `linux/mempolicy.h`: the policy of an address, not of the thread.
    const MPOL_F_ADDR: libc::c_ulong = 1 << 1;
}
