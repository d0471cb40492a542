//! One question and its answer: the request is sent again and again until a response to it arrives or
//! patience ends (RFC 6887 s8.1.1, s8.3; PC-103, PC-105).
//!
//! Unlike [`super::Client`] it keeps no mapping, so that whatever comes back, a refusal too, ends it.

use std::net::IpAddr;
use std::net::SocketAddr;

use super::MapRequest;
use super::MapRequestError;
use super::Random;
use super::Retransmission;
use crate::instant::Instant;
use crate::wire::Message;
use crate::wire::Payload;
use crate::wire::Response;
use crate::wire::ResponseError;

/// A request on its way.
#[derive(Clone, Debug)]
pub struct Exchange {
    server: SocketAddr,
    asked: Asked,
    request: Message,
    tries: Retransmission,
    at: Instant,
    until: Instant,
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    Announce,
    Map(MapRequest),
}

/// What there is to do.
#[derive(Debug, Eq, PartialEq)]
pub enum Step<'a> {
    /// Send these octets to the server.
    Send(&'a Message),
    /// Wait for a packet until then.
    Wait(Instant),
    /// Patience is at its end.
    GiveUp,
}

/// What the server says.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'a> {
    /// A response to the request.
    Response(Response<'a>),
    /// It does not speak version 2 (PC-109).
    OtherVersion {
        /// The version that it speaks; 0 is NAT-PMP.
        supported: u8,
    },
}

impl Exchange {
    /// Asks `server` for a mapping, from `own`, until `until`.
    ///
    /// # Errors
    /// When the request is one that no server may grant.
    pub fn map(
        server: SocketAddr,
        own: IpAddr,
        request: &MapRequest,
        now: Instant,
        until: Instant,
    ) -> Result<Self, MapRequestError> {
        let message = request.encode(own)?;
        Ok(Self::new(server, Asked::Map(*request), message, now, until))
    }

    /// Asks `server` for its epoch, from `own`, until `until` (PC-141).
    #[must_use]
    pub fn announce(server: SocketAddr, own: IpAddr, now: Instant, until: Instant) -> Self {
        let message = Message::request(0, own, &Payload::Announce);
        Self::new(server, Asked::Announce, message, now, until)
    }

    fn new(
        server: SocketAddr,
        asked: Asked,
        request: Message,
        now: Instant,
        until: Instant,
    ) -> Self {
        Self {
            server,
            asked,
            request,
            tries: Retransmission::default(),
            at: now,
            until,
        }
    }

    /// What to do now. Whoever sends asks again.
    pub fn poll(&mut self, now: Instant, random: &mut impl Random) -> Step<'_> {
        if now >= self.until {
            return Step::GiveUp;
        }
        if now < self.at {
            return Step::Wait(self.at.min(self.until));
        }
        self.at = now + self.tries.next(random);
        Step::Send(&self.request)
    }

    /// The answer, if `octets` from `from` are it; anything else is to be ignored.
    #[must_use]
    pub fn receive<'a>(&self, from: SocketAddr, octets: &'a [u8]) -> Option<Answer<'a>> {
        if (from.ip().to_canonical(), from.port())
            != (self.server.ip().to_canonical(), self.server.port())
        {
            return None;
        }
        match Response::parse(octets) {
            Err(ResponseError::UnsupportedVersion { supported, .. }) => {
                Some(Answer::OtherVersion { supported })
            }
            Err(_) => None,
            Ok(response) => self
                .is_answered_by(&response)
                .then_some(Answer::Response(response)),
        }
    }

    fn is_answered_by(&self, response: &Response<'_>) -> bool {
        match &self.asked {
            Asked::Announce => response.payload == Payload::Announce,
            Asked::Map(request) => request.is_answered_by(response),
        }
    }
}
