//! The end of a batch: who is answered, what is taken back, and what is counted.

use pcp::instant::Instant;
use pcp::result_code::ResultCode;
use pcp::server::Effect;

use super::Outcome;
use super::Provisioning;
use super::batch::Answer;
use super::batch::Asker;
use super::batch::Batch;
use super::batch::NotDone;
use super::envelope::Envelope;
use crate::exception::Frame;

impl Outcome {
    /// Whether the table has not taken the effect at `index`.
    pub(super) fn has_refused(&self, index: usize) -> bool {
        match self {
            Self::Done => false,
            Self::Refused(effects) => effects.binary_search(&index).is_ok(),
            Self::Unpublished | Self::Failed => true,
        }
    }

    /// Whether the table has taken all that it did not refuse.
    const fn is_published(&self) -> bool {
        matches!(self, Self::Done | Self::Refused(_))
    }
}

impl Provisioning {
    /// A batch has come to its end, in the order in which they were taken: answers those who wait.
    pub fn finish(&mut self, batch: Batch, outcome: Outcome, now: Instant) -> Vec<Frame> {
        self.under_way = self.under_way.saturating_sub(1);
        if self.spoiled.is_empty() && !batch.is_spoiled_by(&outcome) {
            let frames = self.answer(&batch, &|_| false, now);
            self.spares.push(batch.emptied());
            return frames;
        }
        self.spoiled.push((batch, outcome));
        if self.under_way > 0 {
            return Vec::new();
        }
        self.take_back(now)
    }

    /// A batch was spoiled, and all behind it have come back: takes back what was decided since, the last first.
    fn take_back(&mut self, now: Instant) -> Vec<Frame> {
        let mut frames = self.take_back_waiting(now);
        let mut spoiled = std::mem::take(&mut self.spoiled);
        while let Some((batch, outcome)) = spoiled.pop() {
            // Of the first only what was refused. An answer without effects tells of what others have changed,
            // so it fails with them.
            let is_first = spoiled.is_empty();
            let is_refused = |index| outcome.has_refused(index);
            let fails = |answer: &Answer| {
                let effects = answer.effects.clone();
                !is_first || effects.is_empty() || effects.into_iter().any(is_refused)
            };
            self.undo(&batch, &fails, now);
            if !outcome.is_published() {
                self.waiting.resume(&batch);
            }
            if outcome != Outcome::Failed {
                self.waiting.take_back(&batch, &fails, &is_refused);
            }
            frames.extend(self.refuse(&batch, &fails, now));
            if outcome.is_published() {
                frames.extend(self.answer(&batch, &fails, now));
            }
        }
        frames
    }

    /// Answers all that do not fail.
    fn answer(
        &mut self,
        batch: &Batch,
        fails: &impl Fn(&Answer) -> bool,
        now: Instant,
    ) -> Vec<Frame> {
        for effect in batch.alone() {
            self.count(effect);
        }
        let mut frames = Vec::with_capacity(batch.len());
        for answer in batch.answers() {
            if fails(answer) {
                continue;
            }
            for effect in &batch.effects()[answer.effects.clone()] {
                self.count(effect);
            }
            match &answer.to {
                Asker::Client {
                    envelope, response, ..
                } => {
                    let response = batch.octets(response);
                    self.tally.answer(response);
                    frames.push(envelope.seal(&self.own, response));
                    let others = batch.effects()[answer.effects.clone()].iter().skip(1);
                    for effect in others.filter(|effect| !matches!(effect, Effect::Release { .. }))
                    {
                        self.updates.add(*effect.lease(), now);
                    }
                }
                Asker::Operator(sender) => drop(sender.send(Ok(()))),
            }
        }
        frames
    }

    /// Tells all that fail that it could not be done.
    fn refuse(
        &mut self,
        batch: &Batch,
        fails: &impl Fn(&Answer) -> bool,
        now: Instant,
    ) -> Vec<Frame> {
        let mut frames = Vec::new();
        for answer in batch.answers().iter().filter(|answer| fails(answer)) {
            match &answer.to {
                Asker::Client {
                    envelope, request, ..
                } => frames.push(self.failure(envelope, batch.octets(request), now)),
                Asker::Operator(sender) => drop(sender.send(Err(NotDone))),
            }
        }
        frames
    }

    pub(super) fn failure(&mut self, envelope: &Envelope, request: &[u8], now: Instant) -> Frame {
        let response = self.server.failure(request, ResultCode::NoResources, now);
        self.tally.answer(&response);
        envelope.seal(&self.own, &response)
    }

    /// Takes back what was decided and not handed on.
    fn take_back_waiting(&mut self, now: Instant) -> Vec<Frame> {
        let waiting = std::mem::take(&mut self.waiting);
        self.undo(&waiting, &|_| true, now);
        let frames = self.refuse(&waiting, &|_| true, now);
        self.waiting = waiting.without_answers();
        frames
    }

    /// Takes the effects of those answers back that fail, the last first.
    fn undo(&mut self, batch: &Batch, fails: &impl Fn(&Answer) -> bool, now: Instant) {
        for answer in batch.answers().iter().rev().filter(|answer| fails(answer)) {
            self.undo_all(batch.effects()[answer.effects.clone()].iter(), now);
        }
    }

    pub(super) fn undo_all<'e>(
        &mut self,
        effects: impl DoubleEndedIterator<Item = &'e Effect>,
        now: Instant,
    ) {
        for effect in effects.rev() {
            self.tally.undone += 1;
            if let Err(error) = self.book.undo(effect, now) {
                tracing::error!("a change could not be taken back: {error}");
            }
        }
    }

    fn count(&mut self, effect: &Effect) {
        self.tally.leases.count(effect);
        self.recovery.notes.add(effect);
        let address = effect.lease().set.address();
        let pool = self.book.pools().position(address);
        if let Some(events) = pool.and_then(|pool| self.pool_events.get_mut(pool)) {
            events.count(effect);
        }
    }
}
