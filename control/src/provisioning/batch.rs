//! Decisions that wait together: what they change, and whom they answer when that is durable and
//! published.

use std::ops::Range;

use crossbeam_channel::Sender;
use pcp::server::Cause;
use pcp::server::Effect;

use super::Outcome;
use super::envelope::Envelope;

/// Changes in their order, and the answers that hang on them.
#[derive(Debug, Default)]
pub struct Batch {
    effects: Vec<Effect>,
    /// What had been promised or stored and is not so: to be made durable, and nothing else.
    corrections: Vec<Effect>,
    answers: Vec<Answer>,
    /// Requests and responses, one behind the other.
    octets: Vec<u8>,
    rests_on_others: bool,
}

/// Somebody who waits.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) to: Asker,
    /// Its changes.
    pub(super) effects: Range<usize>,
}

#[derive(Debug)]
pub(super) enum Asker {
    /// A PCP client.
    Client {
        envelope: Envelope,
        request: Range<usize>,
        response: Range<usize>,
    },
    /// An operator, who hears whether it was done.
    Operator(Sender<Result<(), NotDone>>),
}

/// What an operator asked for could not be made durable or published.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the lease store or the binding table could not take it; the daemon's log says why")]
pub struct NotDone;

impl Batch {
    /// Adds a client's changes and the response to them.
    pub(super) fn push(
        &mut self,
        envelope: Envelope,
        request: &[u8],
        effects: &[Effect],
        response: &[u8],
    ) {
        let to = Asker::Client {
            envelope,
            request: self.keep(request),
            response: self.keep(response),
        };
        self.push_for(to, effects);
    }

    /// Adds changes that somebody waits for.
    pub(super) fn push_for(&mut self, to: Asker, effects: &[Effect]) {
        let first = self.effects.len();
        self.effects.extend_from_slice(effects);
        let effects = first..self.effects.len();
        self.answers.push(Answer { to, effects });
    }

    /// Adds a change that nobody waits for.
    pub(super) fn push_alone(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// The changes, in their order.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// The changes that the store needs to know of. Leases that have run out are not among them: their
    /// ends are in the store already.
    pub fn to_store(&self) -> impl Iterator<Item = &Effect> {
        let lasting = self.effects.iter().filter(|effect| !is_expiry(effect));
        self.corrections.iter().chain(lasting)
    }

    /// Those who wait.
    pub(super) fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// Octets of a message.
    pub(super) fn octets(&self, range: &Range<usize>) -> &[u8] {
        self.octets.get(range.clone()).unwrap_or_default()
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty() && self.answers.is_empty() && self.corrections.is_empty()
    }

    /// Whether others were under way when it was handed on: if one of them is spoiled, so is this.
    #[must_use]
    pub const fn rests_on_others(&self) -> bool {
        self.rests_on_others
    }

    /// The batch, of which is known whether it rests on others.
    pub(super) fn resting_on_others(self, rests_on_others: bool) -> Self {
        Self {
            rests_on_others,
            ..self
        }
    }

    /// Whether somebody who waits hears that it could not be done.
    #[must_use]
    pub fn is_spoiled_by(&self, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::Done => false,
            Outcome::Unpublished | Outcome::Failed => true,
            Outcome::Refused(_) => {
                let mut effects = self
                    .answers
                    .iter()
                    .flat_map(|answer| answer.effects.clone());
                effects.any(|index| outcome.has_refused(index))
            }
        }
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// The batch without what was in it.
    pub(super) fn emptied(mut self) -> Self {
        self.effects.clear();
        self.corrections.clear();
        self.answers.clear();
        self.octets.clear();
        self
    }

    /// The changes that nobody waits for.
    pub(super) fn alone(&self) -> impl Iterator<Item = &Effect> {
        let mut awaited = self.answers.iter().map(|answer| answer.effects.clone());
        let mut next = awaited.next();
        let mut is_alone = move |index: usize| {
            while next.as_ref().is_some_and(|range| range.end <= index) {
                next = awaited.next();
            }
            !next.as_ref().is_some_and(|range| range.contains(&index))
        };
        let effects = self.effects.iter().enumerate();
        effects
            .filter(move |(index, _)| is_alone(*index))
            .map(|(_, effect)| effect)
    }

    /// What is left of a batch that was never handed on and whose answers have failed.
    pub(super) fn without_answers(self) -> Self {
        Self {
            effects: self.alone().copied().collect(),
            corrections: self.corrections,
            ..Self::default()
        }
    }

    /// Puts before all else what is left to do of a batch that was not published. What time made happen has been
    /// all the same.
    pub(super) fn resume(&mut self, failed: &Self) {
        let left = failed.alone().filter(|effect| !is_expiry(effect));
        self.effects.splice(0..0, left.copied());
        self.corrections
            .splice(0..0, failed.corrections.iter().copied());
    }

    /// Takes back what a batch has changed for those of its answers that fail: in the store everything, in
    /// the table what it has not refused.
    pub(super) fn take_back(
        &mut self,
        batch: &Self,
        fails: &impl Fn(&Answer) -> bool,
        is_refused: &impl Fn(usize) -> bool,
    ) {
        for answer in batch.answers.iter().rev().filter(|answer| fails(answer)) {
            for index in answer.effects.clone().rev() {
                let effect = taken_back(&batch.effects[index]);
                if is_refused(index) {
                    self.corrections.push(effect);
                } else {
                    self.effects.push(effect);
                }
            }
        }
    }

    fn keep(&mut self, octets: &[u8]) -> Range<usize> {
        let first = self.octets.len();
        self.octets.extend_from_slice(octets);
        first..self.octets.len()
    }
}

/// The change that undoes another. A set whose grant is taken back rests.
const fn taken_back(effect: &Effect) -> Effect {
    match *effect {
        Effect::Grant(lease) => Effect::Release {
            lease,
            cause: Cause::Deleted,
        },
        Effect::Refresh { before, after } | Effect::Replace { before, after } => Effect::Refresh {
            before: after,
            after: before,
        },
        Effect::Migrate { before, after } => Effect::Migrate {
            before: after,
            after: before,
        },
        Effect::Release { lease, .. } => Effect::Grant(lease),
    }
}

/// Whether time alone makes the change.
pub(super) const fn is_expiry(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Release {
            cause: Cause::Expired,
            ..
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioning::tests::granted;

    #[test]
    fn what_the_table_has_taken_is_taken_back_from_it_and_all_from_the_store() {
        let (_, leases) = granted(2);
        let (sender, _) = crossbeam_channel::bounded(1);
        let mut batch = Batch::default();
        let effects: Vec<_> = leases.iter().copied().map(Effect::Grant).collect();
        batch.push_for(Asker::Operator(sender), &effects);
        assert_eq!(batch.alone().count(), 0);
        let mut next = Batch::default();
        next.take_back(&batch, &|_| true, &|index| index == 1);
        let released = |lease| Effect::Release {
            lease,
            cause: Cause::Deleted,
        };
        assert_eq!(next.effects(), [released(leases[0])]);
        let stored: Vec<_> = next.to_store().copied().collect();
        assert_eq!(stored, [released(leases[1]), released(leases[0])]);
        // Nobody waits for it, so it is not lost when it fails itself.
        let mut later = Batch::default();
        later.resume(&next);
        assert_eq!(later.to_store().count(), 2);
    }
}
