//! A PCP client of one set, and what is known of that set beside.

use pcp::client::Client;
use pcp::client::Mapping;
use pcp::instant::Instant;
use pcp::port_set::PortRange;

use crate::external::ExternalSet;

/// One set, or the way to one.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) client: Client,
    /// Whether the lwAFTR may have no binding for the set: a 1/5 says so, or the tunnel's end is another one.
    /// Then this is when the server is asked, and a refusal takes the set out of use (FO-010).
    pub(super) doubt: Option<Instant>,
    /// Since when nobody uses the set.
    pub(super) unused_since: Option<Instant>,
}

impl Holder {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            doubt: None,
            unused_since: None,
        }
    }

    pub(super) fn set(&self) -> Option<ExternalSet> {
        self.client.mapping().map(set)
    }

    pub(super) fn ports(&self) -> Option<PortRange> {
        self.client.mapping().map(|mapping| mapping.ports)
    }
}

/// The set of a mapping.
pub(super) const fn set(mapping: Mapping) -> ExternalSet {
    ExternalSet::run(mapping.address, mapping.ports)
}
