//! A batch and the binding table: which of its changes packets notice, and which of its effects the table
//! refused.

use lwaftr_dataplane::table::Change;
use lwaftr_dataplane::table::Publisher;
use lwaftr_dataplane::table::Refusal;

use super::Batch;
use super::Outcome;
use super::batch::is_expiry;
use super::table_change;

/// Changes of the table, each with the position of its effect in the batch.
#[derive(Clone, Debug, Default)]
pub struct Publication {
    changes: Vec<Change>,
    positions: Vec<usize>,
    /// Effects that make no change of a table, though they should.
    impossible: Vec<usize>,
}

impl Batch {
    /// What is to be published when the batch is durable.
    #[must_use]
    pub fn publication(&self) -> Publication {
        self.publication_of(|_| true)
    }

    /// What is to be published though the batch, or what it rests on, was spoiled.
    #[must_use]
    pub fn publication_of_failure(&self) -> Publication {
        self.publication_of(|position| self.effects().get(position).is_some_and(is_expiry))
    }

    fn publication_of(&self, wanted: impl Fn(usize) -> bool) -> Publication {
        let mut publication = Publication::default();
        for (position, effect) in self.effects().iter().enumerate() {
            if !wanted(position) {
                continue;
            }
            match table_change(effect) {
                Ok(None) => {}
                Ok(Some(change)) => {
                    publication.changes.push(change);
                    publication.positions.push(position);
                }
                Err(error) => {
                    tracing::warn!("a lease cannot be forwarded: {error}");
                    publication.impossible.push(position);
                }
            }
        }
        publication
    }
}

impl Publication {
    /// Has `apply` carry the changes out, which returns the positions of those that it refused. Tells what
    /// became of the batch.
    pub fn carry_out<E>(
        mut self,
        apply: impl FnOnce(Vec<Change>) -> Result<Vec<usize>, E>,
    ) -> Result<Outcome, E> {
        let refused = if self.changes.is_empty() {
            Vec::new()
        } else {
            apply(self.changes)?
        };
        let refused = refused.into_iter().filter_map(|at| self.positions.get(at));
        self.impossible.extend(refused);
        if self.impossible.is_empty() {
            return Ok(Outcome::Done);
        }
        self.impossible.sort_unstable();
        Ok(Outcome::Refused(self.impossible))
    }
}

/// Carries out what the table takes of `changes`, in one go if it takes all. Returns the positions of the
/// others.
pub fn apply(publisher: &mut Publisher, changes: &[Change]) -> Vec<usize> {
    if publisher.apply(changes).is_ok() {
        return Vec::new();
    }
    let refused = |(position, change): (usize, &Change)| {
        let error = apply_one(publisher, change).err()?;
        tracing::warn!("the binding table refuses a lease: {error}");
        Some(position)
    };
    changes.iter().enumerate().filter_map(refused).collect()
}

fn apply_one(publisher: &mut Publisher, change: &Change) -> Result<(), Refusal> {
    match change {
        Change::Add(binding, origin) => publisher.add(binding, *origin).map(drop),
        Change::Remove(ipv4, ports) => publisher.remove(*ipv4, *ports).map(drop),
        Change::Replace(binding, origin) => publisher.replace(binding, *origin).map(drop),
    }
}
