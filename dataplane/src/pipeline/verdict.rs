//! What became of a packet.

use std::ops::Deref;

use crate::burst::BURST_MAX;
use crate::drop_reason::DropReason;
use crate::punt::PuntClass;
use crate::side::Side;

/// Where a packet goes. Every packet ends in one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Out to the Internet side: decapsulated.
    Internet,
    /// Out to the access side: encapsulated, whichever side it came from.
    Access,
    /// Out in so many pieces, of which all but the first are queued (FR-001, FR-018).
    InPieces(Side, u16),
    /// Up to the control thread, as it arrived.
    Punt(PuntClass),
    /// Nowhere, but not for nothing: what it said has been heard, or what it carried is kept.
    Absorbed,
    /// Nowhere.
    Drop(DropReason),
}

impl From<DropReason> for Verdict {
    fn from(reason: DropReason) -> Self {
        Self::Drop(reason)
    }
}

/// The verdicts of a burst, in its order; those past its end mean nothing.
#[derive(Debug)]
pub struct Verdicts {
    each: [Verdict; BURST_MAX],
    is_uniform: bool,
}

impl Verdicts {
    /// The same for every packet.
    #[inline(always)]
    pub(super) fn all(verdict: Verdict) -> Self {
        Self {
            each: [verdict; BURST_MAX],
            is_uniform: true,
        }
    }

    /// Another verdict for packet number `index`.
    #[inline]
    pub(super) fn set(&mut self, index: usize, verdict: Verdict) {
        self.each[index] = verdict;
        self.is_uniform = false;
    }

    /// The verdict of the whole burst, if it is known to be one.
    #[must_use]
    #[inline(always)]
    pub fn uniform(&self) -> Option<Verdict> {
        self.is_uniform.then_some(self.each[0])
    }

    /// The places of the verdicts other than `usual`, of the first `count`.
    #[inline(always)]
    pub(crate) fn other_than(&self, usual: Verdict, count: usize) -> Places {
        let mut others = Places::default();
        for (index, verdict) in self.each.iter().take(count).enumerate() {
            others.mark_if(index, *verdict != usual);
        }
        others
    }
}

impl Deref for Verdicts {
    type Target = [Verdict];

    fn deref(&self) -> &[Verdict] {
        &self.each
    }
}

/// Packets of a burst, by their place in it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Places(u64);

impl Places {
    /// The first `count` places; there are no more than [`BURST_MAX`].
    pub(super) fn first(count: usize) -> Self {
        Self(u64::MAX.checked_shr(u64::BITS - count as u32).unwrap_or(0))
    }

    #[inline(always)]
    pub(super) fn mark(&mut self, index: usize) {
        self.0 |= 1 << (index % BURST_MAX);
    }

    /// Marks a place when `is_it`, without a branch.
    #[inline(always)]
    pub(super) fn mark_if(&mut self, index: usize, is_it: bool) {
        self.0 |= u64::from(is_it) << (index % BURST_MAX);
    }

    /// Those of these places that are not among `others`.
    #[inline(always)]
    pub(super) const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// These places and others.
    #[inline(always)]
    pub(super) const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    #[inline(always)]
    pub(super) const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Iterator for Places {
    type Item = usize;

    /// Takes the first place out.
    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        let first = self.0.trailing_zeros();
        self.0 &= self.0.wrapping_sub(1);
        (first < u64::BITS).then_some(first as usize)
    }
}

const _: () = assert!(BURST_MAX <= u64::BITS as usize);
