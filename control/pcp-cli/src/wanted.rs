//! From the command line to a request (RFC 6887 s11.2, RFC 7753 s4.3).

use pcp::client::Internal;
use pcp::client::MapRequest;
use pcp::client::Otherwise;
use pcp::client::ThirdParty;
use pcp::port_set::PortRange;

use crate::cli::DeleteArgs;
use crate::cli::MapArgs;
use crate::cli::SuggestionArg;
use crate::cli::TargetArgs;
use crate::error::Error;
use crate::nonce_file;

/// A request and what is to be thought of its answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) request: MapRequest,
    pub(crate) exactness: Exactness,
}

/// Whether something else than the suggestion is of use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exactness {
    /// What the server gives is kept.
    Any,
    /// Anything else is deleted again (DH-051, PC-062).
    Exact,
}

/// What `map` asks for.
pub(crate) fn mapping(args: &MapArgs) -> Result<Wanted, Error> {
    let nonce = match (&args.nonce.nonce, &args.nonce.nonce_file) {
        (Some(nonce), _) => *nonce,
        (None, Some(path)) => nonce_file::read_or_make(path)?,
        (None, None) => nonce_file::random()?,
    };
    let otherwise = if args.prefer_failure {
        Otherwise::Nothing
    } else {
        Otherwise::AnythingElse
    };
    let request = MapRequest {
        nonce,
        internal: internal(&args.target),
        lifetime_s: args.lifetime,
        suggestion: args
            .suggest
            .map(|SuggestionArg(address, port)| (address, port)),
        otherwise,
        third_party: third_party(&args.target),
    };
    let exactness = if args.exact || args.prefer_failure {
        Exactness::Exact
    } else {
        Exactness::Any
    };
    Ok(Wanted { request, exactness })
}

/// What `delete` asks for.
pub(crate) fn deletion(args: &DeleteArgs) -> Result<Wanted, Error> {
    let nonce = match (&args.nonce.nonce, &args.nonce.nonce_file) {
        (Some(nonce), _) => *nonce,
        (None, Some(path)) => nonce_file::read(path)?,
        (None, None) => return Err(Error::NonceMissing),
    };
    let request = MapRequest {
        nonce,
        internal: internal(&args.target),
        lifetime_s: 0,
        suggestion: None,
        otherwise: Otherwise::AnythingElse,
        third_party: third_party(&args.target),
    };
    Ok(Wanted {
        request,
        exactness: Exactness::Any,
    })
}

fn internal(target: &TargetArgs) -> Internal {
    if target.whole_address {
        return Internal::Everything;
    }
    let first = target.internal_port.unwrap_or(1);
    let ports = match (target.port_set, target.size) {
        (Some(ports), _) => ports.0,
        (None, Some(size)) => PortRange::sized(first, size),
        (None, None) => PortRange::sized(first, u16::MAX),
    };
    match (target.protocol, target.size) {
        (None, _) => Internal::Set { protocol: 0, ports },
        (Some(protocol), None) => Internal::Port {
            protocol: protocol.0,
            port: first,
        },
        (Some(protocol), Some(_)) => Internal::Set {
            protocol: protocol.0,
            ports,
        },
    }
}

fn third_party(target: &TargetArgs) -> Option<ThirdParty> {
    target.third_party.map(|address| ThirdParty {
        address,
        softwire: target.third_party_softwire,
    })
}
