//! Decisions that wait together: what they change, and whom they answer when that is durable and
//! published.

use std::ops::Range;

use crossbeam_channel::Sender;
use pcp::server::Cause;
use pcp::server::Effect;

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

    /// Adds what takes back earlier changes in the store.
    pub(super) fn correct(&mut self, corrections: Vec<Effect>) {
        self.corrections.extend(corrections);
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

    /// The changes of a batch that failed which happen all the same, because time made them: leases that
    /// have run out, and corrections.
    pub(super) fn inevitable(&self) -> Self {
        let expiries = self.effects.iter().filter(|effect| is_expiry(effect));
        Self {
            effects: expiries.copied().collect(),
            corrections: self.corrections.clone(),
            ..Self::default()
        }
    }

    /// What the store must hear of when `refused` effects of this batch are taken back, which it has kept.
    pub(super) fn corrections(&self, refused: &impl Fn(usize) -> bool) -> Vec<Effect> {
        let answers = self.answers.iter().rev();
        answers
            .filter(|answer| answer.effects.clone().any(refused))
            .flat_map(|answer| self.effects[answer.effects.clone()].iter().rev())
            .map(taken_back)
            .collect()
    }

    /// Adds what another batch has left over, before anything else.
    pub(super) fn merge(&mut self, left_over: Self) {
        let Self {
            mut effects,
            mut corrections,
            answers,
            octets,
        } = left_over;
        debug_assert!(answers.is_empty() && octets.is_empty() && self.answers.is_empty());
        effects.append(&mut self.effects);
        corrections.append(&mut self.corrections);
        (self.effects, self.corrections) = (effects, corrections);
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
        Effect::Refresh { before, after }
        | Effect::Replace { before, after }
        | Effect::Migrate { before, after } => Effect::Refresh {
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
