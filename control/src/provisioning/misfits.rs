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

/// Enters a lease into a table that is being built.
///
/// # Errors
/// When it does not fit.
pub fn bind(lease: &Lease, builder: &mut Builder) -> Result<(), Misfit> {
    builder.add(&binding(lease)?, Origins::LEASE)?;
    Ok(())
}

const EXAMPLES: usize = 10;
