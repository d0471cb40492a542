//! A mapping that a LAN host asked for.

use std::net::SocketAddrV4;

use pcp::instant::Instant;
use pcp::result_code::ResultCode;
use pcp::server::Told;
use pcp::wire::Nonce;

use super::Contact;
use crate::explicit::MappingKey;
use crate::explicit::RemoteFilter;
use crate::explicit::Wanted;

/// What the server knows of a mapping, and the NAT does not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mapping {
    /// What is mapped.
    pub key: MappingKey,
    /// Who knows this owns it (PC-034).
    pub nonce: Nonce,
    /// The public end; the last one while there is none.
    pub external: SocketAddrV4,
    /// Whether packets pass.
    pub state: State,
    /// The public end that its host will not do without (PREFER_FAILURE).
    pub insisted: Option<SocketAddrV4>,
    /// Who may send to it; nobody named is anybody.
    pub filters: Vec<RemoteFilter>,
    /// What people call it (RFC 7220); as its host wrote it, so escape it before it is shown.
    pub description: Option<String>,
    /// When it ends.
    pub expires: Instant,
    /// Whom to tell of changes: where its last request came from.
    pub contact: Contact,
}

/// Whether a mapping is open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// The NAT has it.
    Open,
    /// There was no public address when it should have been opened again; the next one is tried.
    Waiting,
}

impl Mapping {
    /// Seconds until it ends, a started one counted whole.
    #[must_use]
    pub const fn remaining_s(&self, now: Instant) -> u32 {
        now.seconds_until(self.expires)
    }

    /// What the NAT has to open for it, with what it had as a suggestion.
    pub(super) fn wanted(&self, suggested: SocketAddrV4) -> Wanted {
        Wanted {
            key: self.key,
            suggested,
            exactly: self.insisted.is_some(),
            filters: self.filters.clone(),
            expires: self.expires,
        }
    }
}

/// What a client is to be told of its mapping: how it is now, or why it is no more (PC-145).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Notice {
    pub(super) mapping: Mapping,
    pub(super) result: ResultCode,
}

impl Told for Notice {
    type Key = MappingKey;

    fn key(&self) -> MappingKey {
        self.mapping.key
    }
}
