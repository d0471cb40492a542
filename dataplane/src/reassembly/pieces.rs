//! The held fragments of all incomplete packets, in one slab.
//!
//! All places are made at the start: so the number of held buffers is bounded, and holding one
//! allocates nothing. The places of one packet form a list, which [`super::gathered`] keeps.

use crate::packet::Packet;

use super::fragment::Place;

/// All places.
#[derive(Debug)]
pub(super) struct Pieces<P> {
    slots: Box<[Piece<P>]>,
    free: Option<u32>,
    held: usize,
}

#[derive(Debug)]
struct Piece<P> {
    /// Absent when the slot is free.
    packet: Option<P>,
    place: Place,
    /// The next piece of the same packet; of a free slot, the next free one.
    next: Option<u32>,
}

/// A free slot.
#[derive(Debug)]
pub(super) struct Vacancy(u32);

impl<P: Packet> Pieces<P> {
    /// Room for `count` fragments.
    pub(super) fn new(count: usize) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let piece = |index: u32| Piece {
            packet: None,
            place: Place::default(),
            next: (index + 1 < count).then_some(index + 1),
        };
        Self {
            slots: (0..count).map(piece).collect(),
            free: (count > 0).then_some(0),
            held: 0,
        }
    }

    /// How many fragments are held.
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    pub(super) fn vacancy(&self) -> Option<Vacancy> {
        self.free.map(Vacancy)
    }

    /// Holds a fragment, as one before `next`.
    pub(super) fn hold(
        &mut self,
        Vacancy(index): Vacancy,
        packet: P,
        place: Place,
        next: Option<u32>,
    ) -> u32 {
        let piece = &mut self.slots[index as usize];
        self.free = piece.next;
        *piece = Piece {
            packet: Some(packet),
            place,
            next,
        };
        self.held += 1;
        index
    }

    /// Gives a fragment back, with the piece after it.
    pub(super) fn release(&mut self, index: u32) -> (Option<P>, Place, Option<u32>) {
        let piece = &mut self.slots[index as usize];
        let next = std::mem::replace(&mut piece.next, self.free);
        self.free = Some(index);
        self.held -= 1;
        (piece.packet.take(), piece.place, next)
    }

    pub(super) fn place(&self, index: u32) -> &Place {
        &self.slots[index as usize].place
    }

    pub(super) fn packet(&self, index: u32) -> Option<&P> {
        self.slots[index as usize].packet.as_ref()
    }

    pub(super) fn next(&self, index: u32) -> Option<u32> {
        self.slots[index as usize].next
    }

    /// Puts `next` right after the piece at `index`.
    pub(super) fn link(&mut self, index: u32, next: u32) {
        self.slots[index as usize].next = Some(next);
    }
}
