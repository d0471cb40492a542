//! From what happens to a lease to what happens to the binding table.

use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::binding::BindingError;
use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::port_set::PortSetError;
use lwaftr_dataplane::port_set::PortSplit;
use lwaftr_dataplane::table::Change;
use pcp::lease::Lease;
use pcp::server::Effect;
use thiserror::Error;

use crate::softwires::Origins;

/// The change of the table that an effect brings; none when packets go on as before.
///
/// # Errors
/// When the lease makes no binding.
pub fn table_change(effect: &Effect) -> Result<Option<Change>, NoBinding> {
    Ok(match effect {
        Effect::Grant(lease) => Some(Change::Add(binding(lease)?, Origins::LEASE)),
        Effect::Refresh { .. } | Effect::Replace { .. } => None,
        Effect::Migrate { after, .. } => Some(Change::Replace(binding(after)?, Origins::LEASE)),
        Effect::Release { lease, .. } => {
            Some(Change::Remove(lease.set.address(), ports(lease.set)?))
        }
    })
}

/// The binding of a lease.
///
/// # Errors
/// When its addresses make none.
pub fn binding(lease: &Lease) -> Result<Binding, NoBinding> {
    let set = lease.set;
    let ports = ports(set)?;
    Ok(Binding::new(
        set.address(),
        ports,
        lease.client.outer,
        lease.br,
    )?)
}

/// A set in the words of the packet path.
///
/// # Errors
/// When it is none, which sets of pools are not.
pub fn ports(set: pcp::port_set::PortSet) -> Result<PortSet, PortSetError> {
    PortSet::new(PortSplit::new(0, set.psid_length())?, set.psid())
}

/// A lease that makes no binding.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum NoBinding {
    /// Its addresses cannot stand where they do.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// Its set is none.
    #[error(transparent)]
    PortSet(#[from] PortSetError),
}
