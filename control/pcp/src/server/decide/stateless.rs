//! MAP for one protocol: the lwAFTR translates nothing, so a port of the client's own set is mapped to
//! itself already, and saying so takes no state (PC-037; s3.5 rows 7 to 9).

use super::Answer;
use super::Effects;
use super::question::Question;
use super::reply;
use crate::port_set::PortSet;
use crate::result_code::ResultCode;
use crate::server::Bindings;
use crate::server::Server;
use crate::wire::CLIENT_PORT;
use crate::wire::Refusal;
use crate::wire::SERVER_PORT;

impl Server {
    pub(super) fn stateless(&self, bindings: &impl Bindings, question: &Question<'_>) -> Answer {
        if question.deletes() {
            let nothing = reply::deleted(question, None, self.epoch_s(question.now))?;
            return Ok((Effects::new(), nothing));
        }
        let port = question.map.internal_port;
        if question.port_set().is_some() || port == 0 {
            // Part of a protocol, or all of it on a shared address: never given in full (PC-031).
            let all_of_it = question.port_set().is_none()
                && self
                    .holding(bindings, question, |set| set.is_whole())
                    .is_some();
            if !all_of_it {
                return Err(Refusal::new(ResultCode::UnsupportedProtocol));
            }
        }
        let own = self.holding(bindings, question, |set| set.ports().contains(port));
        let protocol = question.map.protocol;
        if !PROTOCOLS_WITH_PORTS.contains(&protocol) && own.is_none_or(|(set, _)| !set.is_whole()) {
            return Err(Refusal::new(ResultCode::UnsupportedProtocol));
        }
        let of_pcp = protocol == UDP && (port == CLIENT_PORT || port == SERVER_PORT);
        let (set, lifetime_s) = own
            .filter(|_| !of_pcp)
            .ok_or(Refusal::new(ResultCode::NotAuthorized))?;
        let external = (set.address().into(), port);
        let response = reply::mapped(
            question,
            lifetime_s,
            external,
            None,
            self.epoch_s(question.now),
        )?;
        Ok((Effects::new(), response))
    }

    /// A set of the client's that `fits`, and the seconds it has left. At another BR address than the
    /// request came to it maps nothing (LW-020b).
    fn holding(
        &self,
        bindings: &impl Bindings,
        question: &Question<'_>,
        fits: impl Fn(PortSet) -> bool,
    ) -> Option<(PortSet, u32)> {
        let is_here = |set: PortSet, br| fits(set) && question.arrival.is_by(br);
        let bound = bindings.bound(&question.client);
        if let Some(bound) = bound.filter(|bound| is_here(bound.set, bound.br)) {
            return Some((bound.set, reply::FOR_EVER_S));
        }
        bindings
            .held(bindings.subscriber(question.client.outer))
            .find(|lease| lease.client == question.client && is_here(lease.set, lease.br))
            .map(|lease| (lease.set, lease.remaining_s(question.now)))
    }
}

/// TCP, UDP, DCCP, SCTP, UDP-Lite: those that the data plane tells subscribers apart by (AP-005).
const PROTOCOLS_WITH_PORTS: [u8; 5] = [6, UDP, 33, 132, 136];

const UDP: u8 = 17;
