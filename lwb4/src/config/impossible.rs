//! What cannot be, although each value is of its kind: the rules that the lwB4's settings keep.

use settings::Fault;
use thiserror::Error;

use crate::external::ExternalSetError;

/// A rule that a value breaks.
#[derive(Debug, Error)]
pub(super) enum Impossible {
    /// Two answers to one question.
    #[error("there is an address in tunnel.remote, expected one of the two")]
    TwoRemotes,
    /// Numbers that name no port set.
    #[error(transparent)]
    Set(#[from] ExternalSetError),
}

impl From<Impossible> for Fault {
    fn from(rule: Impossible) -> Self {
        Self::impossible(rule)
    }
}
