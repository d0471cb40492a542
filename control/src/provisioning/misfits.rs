//! Leases that a configuration no longer allows: their pool is gone or has other sets, or the operator has
//! bound their ports.

use hashbrown::HashSet;
use lwaftr_dataplane::table::Builder;
use lwaftr_dataplane::table::Refusal;
use pcp::book::BookError;
use pcp::lease::Lease;
use pcp::port_set::PortSet;
use thiserror::Error;

use super::NoBinding;
use super::binding;
use crate::softwires::Origins;

/// How many there are, and some of them.
#[derive(Clone, Debug, Default)]
pub struct Misfits {
    sets: HashSet<PortSet>,
    examples: Vec<(Lease, Misfit)>,
}

/// Why a lease cannot go on.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Misfit {
    /// Pools have changed.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The table has other bindings, or no such BR.
    #[error(transparent)]
    Table(#[from] Refusal),
    /// It makes no binding.
    #[error(transparent)]
    Binding(#[from] NoBinding),
}

impl Misfits {
    /// Notes one; a lease that does not fit twice counts once.
    pub fn add(&mut self, lease: Lease, misfit: Misfit) {
        if self.sets.insert(lease.set) && self.examples.len() < EXAMPLES {
            self.examples.push((lease, misfit));
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.sets.len()
    }

    /// The first of them.
    #[must_use]
    pub fn examples(&self) -> &[(Lease, Misfit)] {
        &self.examples
    }
}

/// Enters leases into a table that is being built, quickly if those of an address stand together; `misfits` gets
/// those that do not fit.
pub fn bind_all(leases: impl Iterator<Item = Lease>, builder: &mut Builder, misfits: &mut Misfits) {
    let mut leases = leases.peekable();
    let (mut together, mut bindings) = (Vec::new(), Vec::new());
    while let Some(lease) = leases.next() {
        match binding(&lease) {
            Ok(binding) => {
                together.push(lease);
                bindings.push(binding);
            }
            Err(error) => misfits.add(lease, error.into()),
        }
        let next = leases.peek().map(|next| next.set.address());
        if next != Some(lease.set.address()) {
            builder.add_all(&bindings, Origins::LEASE, |place, refusal| {
                misfits.add(together[place], refusal.into());
            });
            together.clear();
            bindings.clear();
        }
    }
}

const EXAMPLES: usize = 10;
