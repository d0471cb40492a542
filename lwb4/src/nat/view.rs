//! Mappings as people and the LAN's PCP server see them.

use std::net::SocketAddrV4;

use pcp::instant::Instant;

use crate::nat::Nat;
use crate::nat::sessions::MappingId;

/// One mapping.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MappingView {
    /// The IP protocol.
    pub protocol: u8,
    /// The LAN host and its port, or ICMP identifier.
    pub internal: SocketAddrV4,
    /// The end that stands for it outside.
    pub external: SocketAddrV4,
    /// Remote ends that are remembered.
    pub sessions: usize,
    /// Until when a MAP request keeps it, whatever packets do.
    pub wanted_until: Option<Instant>,
    /// Whether it has ended and only keeps its port from others (NT-023).
    pub is_resting: bool,
}

impl Nat {
    /// All mappings, in no particular order.
    pub fn mappings(&self) -> impl Iterator<Item = MappingView> + '_ {
        let all = self.table.mappings.iter();
        all.filter_map(|(id, _)| self.view(id))
    }

    pub(super) fn view(&self, id: MappingId) -> Option<MappingView> {
        let mapping = self.table.mappings.peek(id)?;
        Some(MappingView {
            protocol: mapping.protocol,
            internal: mapping.internal,
            external: mapping.external.end,
            sessions: mapping.sessions.len(),
            wanted_until: mapping
                .wanted
                .as_ref()
                .map(|wish| Instant::from_secs(wish.until)),
            is_resting: !mapping.is_active(),
        })
    }
}
