//! From a packet to a decision. Files are the steps: options, who is meant, what is wanted, then either
//! an answer without state or what happens to sets (conformance list, s3.7).

mod options;
mod question;
mod reply;
mod sets;
mod stateless;
#[cfg(test)]
mod tests;

use arrayvec::ArrayVec;

use self::question::Question;
use super::Bindings;
use super::Effect;
use super::Packet;
use super::Server;
use crate::instant::Instant;
use crate::lease::Lease;
use crate::result_code::ResultCode;
use crate::wire::ALL_PROTOCOLS;
use crate::wire::Enabled;
use crate::wire::Message;
use crate::wire::Payload;
use crate::wire::Refusal;
use crate::wire::Request;
use crate::wire::announce_response;

/// What a request leads to. Effects come first, in their order; the response when they are durable and
/// published.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Changes; none with an error (PC-012).
    pub effects: Effects,
    /// What the response says; `None` for silence.
    pub result: Option<ResultCode>,
    /// The UDP payload of the response, for the address and port that the request came from.
    pub response: Option<Message>,
}

/// The changes of one request. It touches as many sets as it may draw responses (PS-025).
pub type Effects = ArrayVec<Effect, MAX_EFFECTS>;

type Answer = Result<(Effects, Message), Refusal>;

impl Decision {
    /// The leases beside the first that the request refreshed: each is to be told by a Mapping Update
    /// (PS-021).
    pub fn updates(&self) -> impl Iterator<Item = &Lease> {
        self.effects
            .iter()
            .skip(1)
            .filter(|effect| !matches!(effect, Effect::Release { .. }))
            .map(Effect::lease)
    }

    fn silence() -> Self {
        Self {
            effects: Effects::new(),
            result: None,
            response: None,
        }
    }
}

impl Server {
    /// Decides about one packet. Nothing changes until the caller applies the effects.
    pub fn decide(&self, bindings: &impl Bindings, packet: &Packet<'_>, now: Instant) -> Decision {
        match self.answer(bindings, packet, now) {
            Ok(Some((effects, response))) => Decision {
                effects,
                result: Some(ResultCode::Success),
                response: Some(response),
            },
            Ok(None) => Decision::silence(),
            Err(refusal) => Decision {
                effects: Effects::new(),
                result: Some(refusal.result),
                response: Some(refusal.response(packet.octets, self.epoch_s(now))),
            },
        }
    }

    fn answer(
        &self,
        bindings: &impl Bindings,
        packet: &Packet<'_>,
        now: Instant,
    ) -> Result<Option<(Effects, Message)>, Refusal> {
        let Some(request) = Request::receive(packet.octets, packet.source, Enabled::Map)? else {
            return Ok(None);
        };
        match request.payload {
            Payload::Announce => {
                let response = announce_response(&request, self.epoch_s(now))?;
                Ok(Some((Effects::new(), response)))
            }
            Payload::Map(map) => {
                let question = Question::new(&request, map, packet, now)?;
                self.map(bindings, &question).map(Some)
            }
            Payload::Peer(_) => Err(Refusal::new(ResultCode::UnsupportedOpcode)),
        }
    }

    fn map(&self, bindings: &impl Bindings, question: &Question<'_>) -> Answer {
        if question.map.protocol == ALL_PROTOCOLS {
            self.sets(bindings, question)
        } else {
            self.stateless(bindings, question)
        }
    }
}

/// Sets that one request touches at most, and so responses that it draws (PS-025).
const MAX_EFFECTS: usize = 4;
