//! The options of a MAP request, in their order (PC-010, PC-011, PC-036; s3.7 steps 1 and 2).

use std::net::IpAddr;

use super::super::Arrival;
use crate::result_code::ResultCode;
use crate::wire::MapPayload;
use crate::wire::PcpOption;
use crate::wire::PortSetOption;
use crate::wire::Refusal;
use crate::wire::Request;

/// The options that are processed; all others are ignored and not in the response (PC-014).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct MapOptions<'a> {
    pub(super) third_party: Option<IpAddr>,
    pub(super) third_party_id: Option<&'a [u8]>,
    pub(super) port_set: Option<PortSetOption>,
}

impl<'a> MapOptions<'a> {
    pub(super) fn read(
        request: &Request<'a>,
        map: &MapPayload,
        arrival: Arrival,
    ) -> Result<Self, Refusal> {
        let mut options = Self::default();
        let mut prefer_failure = false;
        for option in request.options.iter() {
            let option = option.map_err(|_| Refusal::new(ResultCode::MalformedOption))?;
            match option {
                PcpOption::ThirdParty(host) => {
                    trusted(arrival)?;
                    if host == request.client {
                        return Err(Refusal::new(ResultCode::MalformedRequest));
                    }
                    options.third_party = Some(host);
                }
                PcpOption::ThirdPartyId(id) => {
                    trusted(arrival)?;
                    options.third_party_id = Some(id);
                }
                PcpOption::PreferFailure => prefer_failure = true,
                PcpOption::PortSet(set) => options.port_set = Some(set),
                option if option.is_mandatory() => {
                    return Err(Refusal::new(ResultCode::UnsupportedOption));
                }
                _ => {}
            }
        }
        if prefer_failure {
            return Err(Refusal::new(options.why_not_prefer_failure(request, map)));
        }
        options.check_port_set(request, map)?;
        Ok(options)
    }

    /// PREFER_FAILURE is not supported here, and often makes no sense (PC-062, PS-014).
    fn why_not_prefer_failure(&self, request: &Request<'_>, map: &MapPayload) -> ResultCode {
        let senseless =
            self.port_set.is_some() || request.lifetime_s == 0 || map.external_port == 0;
        if senseless {
            return ResultCode::MalformedOption;
        }
        ResultCode::UnsupportedOption
    }

    /// A request that deletes may say what it likes about the size (RFC 7753 s4.4).
    fn check_port_set(&self, request: &Request<'_>, map: &MapPayload) -> Result<(), Refusal> {
        let Some(set) = self.port_set.filter(|_| request.lifetime_s != 0) else {
            return Ok(());
        };
        // A set of one port is read as if it were not there (PS-017).
        let elsewhere =
            set.size != 1 && map.internal_port != 0 && set.first_internal_port != map.internal_port;
        if set.size == 0 || elsewhere {
            return Err(Refusal::new(ResultCode::MalformedOption));
        }
        Ok(())
    }
}

/// Only a management listener speaks for others (PC-060, DH-053).
fn trusted(arrival: Arrival) -> Result<(), Refusal> {
    match arrival {
        Arrival::Management(_) => Ok(()),
        Arrival::Tunnel { .. } | Arrival::Plain { .. } => {
            Err(Refusal::new(ResultCode::UnsupportedOption))
        }
    }
}
