//! What becomes of MAP and PEER (RFC 6887 s11.3, s12.3, s15).
//!
//! An error changes nothing (PC-012): everything is looked at before the NAT is asked, and the NAT is asked
//! before anything is written down.

use std::net::SocketAddrV4;
use std::time::Duration;

use pcp::result_code::ResultCode;
use pcp::result_code::SHORT_LIFETIME_S;
use pcp::wire::ALL_PROTOCOLS;
use pcp::wire::Message;
use pcp::wire::Refusal;

use super::LanServer;
use super::asked;
use super::asked::Asked;
use super::mapping::Mapping;
use super::mapping::State;
use super::reply;
use crate::explicit::ExplicitMappings;
use crate::explicit::Unmapped;

type Answer = Result<Message, Refusal>;

impl LanServer {
    /// One port of one protocol is all that a host gets of a shared address; "all of it" it would have to
    /// get in full (PC-031).
    pub(super) fn map(&mut self, asked: &Asked<'_>, nat: &mut impl ExplicitMappings) -> Answer {
        match (asked.map.protocol, asked.map.internal_port) {
            (ALL_PROTOCOLS, 1..) => Err(Refusal::new(ResultCode::MalformedRequest)),
            (_, 0) if asked.deletes() => Ok(self.delete_all(asked, nat)),
            _ if asked.deletes() => self.delete(asked, nat),
            (_, 0) => Err(Refusal::new(ResultCode::UnsupportedProtocol)),
            _ => {
                self.check_owner(asked)?;
                self.grant(asked, nat)
            }
        }
    }

    /// PEER opens and prolongs; it shortens and deletes nothing (PC-070).
    pub(super) fn peer(&mut self, asked: &Asked<'_>, nat: &mut impl ExplicitMappings) -> Answer {
        self.check_owner(asked)?;
        if !asked.deletes() {
            return self.grant(asked, nat);
        }
        let epoch_s = self.epoch_s(asked.now);
        Ok(match self.book.get(&asked.key()) {
            Some(mapping) => reply::mapped(asked, mapping, epoch_s),
            None => reply::nothing(asked, epoch_s),
        })
    }

    /// Whoever mapped a port, inwards or to a peer, keeps others from mapping it (PC-034, PC-071).
    fn check_owner(&self, asked: &Asked<'_>) -> Result<(), Refusal> {
        let key = asked.key();
        let is_its_own = |mapping: &&Mapping| mapping.nonce == asked.map.nonce;
        if let Some(mapping) = self.book.get(&key) {
            if is_its_own(&mapping) {
                return Ok(());
            }
            return Err(not_its_own(mapping, asked));
        }
        let ends_here = |mapping: &&Mapping| {
            mapping.key.protocol == key.protocol && mapping.key.internal == key.internal
        };
        let mut others = self.book.of(asked.host()).filter(ends_here).peekable();
        let Some(other) = others.peek().copied() else {
            return Ok(());
        };
        if asked.remote.is_some() || others.any(|mapping| is_its_own(&mapping)) {
            return Ok(());
        }
        Err(not_its_own(other, asked))
    }

    /// Opens a mapping, or prolongs it.
    fn grant(&mut self, asked: &Asked<'_>, nat: &mut impl ExplicitMappings) -> Answer {
        let key = asked.key();
        let before = self.book.get(&key);
        let lifetime_s = asked.granted_s(&self.config.lifetime)?;
        if before.is_none() {
            self.check_room(asked)?;
        }
        let end = before
            .filter(|before| before.state == State::Open)
            .map(|before| before.external)
            .or_else(|| nat.external(&key));
        let insisted = insisted(asked, end, before)?;
        let had = before.map_or(&[][..], |before| &before.filters);
        let filters = asked
            .options
            .filters(had, self.config.filters_per_mapping)?;
        let mut mapping = Mapping {
            key,
            nonce: asked.map.nonce,
            external: end.unwrap_or(asked.wish()),
            state: State::Open,
            insisted,
            filters,
            description: description(asked, before),
            expires: asked.now + Duration::from_secs(lifetime_s.into()),
            contact: asked.contact,
        };
        if let Some(before) = before.filter(|_| asked.remote.is_some()) {
            mapping.expires = mapping.expires.max(before.expires);
        }
        mapping.external = self.open(&mapping, nat, asked)?;
        // To a PEER the end matters only as long as it has none (PC-071).
        mapping.insisted = insisted.filter(|_| asked.options.prefers_failure);
        let response = reply::mapped(asked, &mapping, self.epoch_s(asked.now));
        self.updates.cancel(key);
        self.book.put(mapping);
        Ok(response)
    }

    /// Asks the NAT, and takes no end that nobody may have.
    fn open(
        &self,
        mapping: &Mapping,
        nat: &mut impl ExplicitMappings,
        asked: &Asked<'_>,
    ) -> Result<SocketAddrV4, Refusal> {
        let external = nat
            .open(&mapping.wanted(mapping.external), asked.now)
            .map_err(refusal)?;
        match unfit(mapping, external) {
            None => Ok(external),
            Some(result) => {
                nat.close(&mapping.key, asked.now);
                Err(Refusal::new(result))
            }
        }
    }

    fn check_room(&self, asked: &Asked<'_>) -> Result<(), Refusal> {
        if self.book.count_of(asked.host()) >= self.config.mappings_per_host {
            return Err(Refusal::new(ResultCode::UserExceededQuota));
        }
        if self.book.len() >= self.config.mappings {
            return Err(Refusal::new(ResultCode::NoResources));
        }
        Ok(())
    }

    /// Ends one mapping. What traffic made, or a PEER, is not MAP's to delete (PC-046, PC-047).
    fn delete(&mut self, asked: &Asked<'_>, nat: &mut impl ExplicitMappings) -> Answer {
        let key = asked.key();
        match self.book.get(&key) {
            Some(mapping) if mapping.nonce != asked.map.nonce => {
                return Err(not_its_own(mapping, asked));
            }
            None if nat.external(&key).is_some() => {
                return Err(Refusal::new(ResultCode::NotAuthorized));
            }
            _ => self.end(&key, nat, asked.now),
        }
        Ok(reply::nothing(asked, self.epoch_s(asked.now)))
    }

    /// Ends what the host mapped with this nonce, of one protocol or of all (PC-047).
    fn delete_all(&mut self, asked: &Asked<'_>, nat: &mut impl ExplicitMappings) -> Message {
        let is_meant = |mapping: &&Mapping| {
            let protocol = asked.map.protocol;
            (protocol == ALL_PROTOCOLS || protocol == mapping.key.protocol)
                && mapping.key.remote.is_none()
                && mapping.nonce == asked.map.nonce
        };
        let meant = self.book.of(asked.host()).filter(is_meant);
        let keys: Vec<_> = meant.map(|mapping| mapping.key).collect();
        for key in keys {
            self.end(&key, nat, asked.now);
        }
        reply::nothing(asked, self.epoch_s(asked.now))
    }
}

/// The end that must be had or nothing: by PREFER_FAILURE, or because a PEER that no packet went before
/// suggests it (PC-038, PC-062, PC-070).
fn insisted(
    asked: &Asked<'_>,
    end: Option<SocketAddrV4>,
    before: Option<&Mapping>,
) -> Result<Option<SocketAddrV4>, Refusal> {
    let first_peer = asked.remote.is_some() && end.is_none() && asked.map.external_port != 0;
    if !asked.options.prefers_failure && !first_peer {
        return Ok(None);
    }
    let never = Refusal::new(ResultCode::CannotProvideExternal);
    let suggestion = asked.suggestion().ok_or(never)?;
    if asked::is_of_pcp(asked.map.protocol, suggestion.port()) {
        return Err(never);
    }
    match end {
        Some(end) if !asked::is_met(suggestion, end) => {
            let lasts_s = before.map_or(SHORT_LIFETIME_S, |before| before.remaining_s(asked.now));
            Err(Refusal::lasting(ResultCode::CannotProvideExternal, lasts_s))
        }
        _ => Ok(Some(suggestion)),
    }
}

/// Why an end that the NAT gives cannot be taken.
pub(super) fn unfit(mapping: &Mapping, external: SocketAddrV4) -> Option<ResultCode> {
    if asked::is_of_pcp(mapping.key.protocol, external.port()) {
        return Some(ResultCode::NoResources);
    }
    let insisted = mapping.insisted?;
    (!asked::is_met(insisted, external)).then_some(ResultCode::CannotProvideExternal)
}

/// What a client hears when the NAT has nothing for it. All of it passes by itself: sets come, ports get
/// free.
pub(super) fn refusal(unmapped: Unmapped) -> Refusal {
    match unmapped {
        Unmapped::NoSet => Refusal::new(ResultCode::NetworkFailure),
        Unmapped::Exhausted => Refusal::new(ResultCode::NoResources),
        Unmapped::NotFree => Refusal::lasting(ResultCode::CannotProvideExternal, SHORT_LIFETIME_S),
        Unmapped::Protocol(_) => Refusal::new(ResultCode::UnsupportedProtocol),
    }
}

fn not_its_own(mapping: &Mapping, asked: &Asked<'_>) -> Refusal {
    Refusal::lasting(ResultCode::NotAuthorized, mapping.remaining_s(asked.now))
}

/// A request without DESCRIPTION leaves it as it is; an empty one takes it away (PD-001).
fn description(asked: &Asked<'_>, before: Option<&Mapping>) -> Option<String> {
    match asked.options.description {
        Some("") => None,
        Some(text) => Some(text.to_owned()),
        None => before.and_then(|before| before.description.clone()),
    }
}
