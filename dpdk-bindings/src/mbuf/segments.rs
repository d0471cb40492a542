//! Packets of several segments: walking, reading across, shortening and joining them.
//!
//! The safety boundary is that of [`crate::mbuf`].

use std::iter::successors;
use std::ptr;
use std::slice;

use dpdk_sys::rte_mbuf;

use super::Mbuf;
use super::NoRoom;
use super::data_start;
use super::segment_data;

impl Mbuf {
    /// The bytes of each segment, in order.
    pub fn segment_data(&self) -> impl Iterator<Item = &[u8]> {
        successors(Some(self.raw()), |segment| {
            // SAFETY: a segment's successor is null or a valid segment that this chain owns.
            unsafe { segment.next.as_ref() }
        })
        .map(segment_data)
    }

    /// Copies `target.len()` bytes of the packet, from `offset` on, whatever segments they lie in.
    ///
    /// # Errors
    /// When the packet ends before; then `target` is as it was.
    #[inline]
    pub fn copy_out(&self, offset: usize, target: &mut [u8]) -> Result<(), NoRoom> {
        let available = self.len().saturating_sub(offset);
        if target.len() > available {
            return Err(NoRoom {
                wanted: target.len(),
                available,
            });
        }
        if let Some(bytes) = self.data().get(offset..offset + target.len()) {
            target.copy_from_slice(bytes);
        } else {
            copy_across(self.segment_data(), offset, target);
        }
        Ok(())
    }

    /// Grows the packet by `n` bytes at the end of its last segment and returns them, uncleared.
    ///
    /// # Errors
    /// When that segment's buffer has fewer left; then nothing changes.
    #[inline]
    pub fn append(&mut self, n: usize) -> Result<&mut [u8], NoRoom> {
        let last = self.last_segment();
        let used = last.data_off + last.data_len;
        let available = usize::from(last.buf_len - used);
        if n > available {
            return Err(NoRoom {
                wanted: n,
                available,
            });
        }
        // SAFETY: the end of the data is inside the buffer.
        let start = unsafe { data_start(last).add(usize::from(last.data_len)) };
        last.data_len += n as u16;
        self.raw_mut().pkt_len += n as u32;
        // SAFETY: `n` bytes from there are in the buffer, as checked, and the chain is ours.
        Ok(unsafe { slice::from_raw_parts_mut(start, n) })
    }

    /// Shortens the whole packet to `length` bytes, freeing segments it no longer needs.
    ///
    /// A packet that is not longer stays as it is.
    #[inline]
    pub fn truncate(&mut self, length: usize) {
        if length >= self.len() {
            return;
        }
        if self.is_contiguous() {
            let raw = self.raw_mut();
            raw.data_len = length as u16;
            raw.pkt_len = length as u32;
        } else {
            self.truncate_chain(length);
        }
    }

    /// Joins `tail` to the end of this packet.
    ///
    /// # Errors
    /// When the chain would have more than 65535 segments; `tail` comes back.
    pub fn chain(&mut self, tail: Mbuf) -> Result<(), Mbuf> {
        let Some(segments) = self.raw().nb_segs.checked_add(tail.raw().nb_segs) else {
            return Err(tail);
        };
        let length = self.raw().pkt_len + tail.raw().pkt_len;
        let mut tail = tail.into_raw();
        self.last_segment().next = tail.as_ptr();
        let raw = self.raw_mut();
        raw.nb_segs = segments;
        raw.pkt_len = length;
        // SAFETY: the tail's head is now a segment of this chain, which is ours. As DPDK does, its
        // packet length becomes that of the segment.
        let tail = unsafe { tail.as_mut() };
        tail.pkt_len = u32::from(tail.data_len);
        Ok(())
    }

    /// Puts the bytes of `tail` at the end of this packet: copied as far as the last segment has room,
    /// so that headers that lie across both become readable, chained where it has not.
    ///
    /// # Errors
    /// When the chain would have more than 65535 segments; `tail` comes back and nothing has changed.
    pub fn join(&mut self, mut tail: Mbuf) -> Result<(), Mbuf> {
        let last = self.last_segment();
        let room = usize::from(last.buf_len - last.data_off - last.data_len);
        let first = tail.data().len();
        let (copied, is_whole) = if tail.is_contiguous() && first <= room {
            (first, true)
        } else {
            // One byte stays, so that no segment of the chain is empty.
            (room.min(first.saturating_sub(1)), false)
        };
        if !is_whole && self.raw().nb_segs.checked_add(tail.raw().nb_segs).is_none() {
            return Err(tail);
        }
        if let Ok(target) = self.append(copied) {
            target.copy_from_slice(&tail.data()[..copied]);
        }
        if is_whole {
            return Ok(());
        }
        if tail.trim_front(copied).is_err() {
            return Err(tail);
        }
        self.chain(tail)
    }

    /// Gives up ownership of the chain without freeing it.
    fn into_raw(self) -> ptr::NonNull<rte_mbuf> {
        std::mem::ManuallyDrop::new(self).0
    }

    #[inline]
    fn last_segment(&mut self) -> &mut rte_mbuf {
        let mut segment = self.raw_mut();
        while !segment.next.is_null() {
            // SAFETY: not null, so a valid segment that this chain owns; the borrow of the segment
            // before ends here.
            segment = unsafe { &mut *segment.next };
        }
        segment
    }

    #[cold]
    fn truncate_chain(&mut self, length: usize) {
        let mut left = length;
        let mut kept = 1;
        let mut segment = self.raw_mut();
        while left > usize::from(segment.data_len) {
            left -= usize::from(segment.data_len);
            kept += 1;
            // SAFETY: `length` is less than the packet's, so a segment follows: the sum of the
            // segments' lengths is the packet's.
            segment = unsafe { &mut *segment.next };
        }
        segment.data_len = left as u16;
        free_from(&mut segment.next);
        let raw = self.raw_mut();
        raw.nb_segs = kept;
        raw.pkt_len = length as u32;
    }

    /// Frees all segments but the first; the caller corrects the lengths.
    #[inline]
    pub(super) fn free_after_first(&mut self) {
        free_from(&mut self.raw_mut().next);
    }
}

fn copy_across<'a>(segments: impl Iterator<Item = &'a [u8]>, offset: usize, mut target: &mut [u8]) {
    let mut skip = offset;
    for segment in segments {
        let bytes = segment.get(skip..).unwrap_or_default();
        skip = skip.saturating_sub(segment.len());
        let count = bytes.len().min(target.len());
        let (now, later) = target.split_at_mut(count);
        now.copy_from_slice(&bytes[..count]);
        target = later;
        if target.is_empty() {
            return;
        }
    }
}

/// Takes the chain that begins at `next` off and frees it.
#[inline]
fn free_from(next: &mut *mut rte_mbuf) {
    let rest = std::mem::replace(next, ptr::null_mut());
    if !rest.is_null() {
        // SAFETY: the segments from there on were this chain's, and it no longer refers to them.
        unsafe { dpdk_sys::dpdk_shim_mbuf_free(rest) };
    }
}
