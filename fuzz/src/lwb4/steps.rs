//! What the fuzzer's octets make happen to a NAT: packets both ways, requests, other sets, and time.

use std::net::Ipv4Addr;
use std::net::SocketAddrV4;
use std::time::Duration;

use lwb4::explicit::MappingKey;
use lwb4::explicit::RemoteFilter;
use lwb4::explicit::Wanted;
use lwb4::external::ExternalSet;
use lwb4::nat::Filtering;
use lwb4::nat::Filterings;
use lwb4::nat::Identification;
use lwb4::nat::Limits;
use lwb4::nat::NatConfig;
use pcp::instant::Instant;
use pcp::port_set::PortRange;

use crate::input::Input;
use crate::lwb4::packet::TCP;
use crate::lwb4::packet::UDP;

/// The router's address on the LAN.
pub(crate) const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);

/// Few of everything, so that every ceiling is met.
pub(crate) fn config(input: &mut Input<'_>) -> NatConfig {
    let mut config = NatConfig::new(ROUTER);
    let mut filtering = || {
        input.pick(&[
            Filtering::AddressDependent,
            Filtering::EndpointIndependent,
            Filtering::AddressAndPortDependent,
        ])
    };
    config.filtering = Filterings {
        tcp: filtering(),
        udp: filtering(),
        icmp: filtering(),
    };
    let choices = input.octet();
    config.keep_parity = choices & 1 == 0;
    config.inbound_refresh = choices & 2 != 0;
    if choices & 4 != 0 {
        config.identification = Identification::FromSet;
    }
    config.limits = Limits {
        mappings: 14,
        mappings_per_host: 6,
        sessions: 18,
        sessions_per_mapping: 3,
        datagrams: 4,
        fragments: 4,
        fragment_octets: 200,
        fragment_timeout: Duration::from_secs(2),
    };
    config
}

/// Sets that come and go: some of UDP's ports forbidden, two that overlap, one of many runs, one whole
/// address.
pub(crate) fn sets(mask: u8) -> Vec<ExternalSet> {
    let run = |last: u8, from: u16, to: u16| {
        let ports = PortRange::new(from, to)?;
        Some(ExternalSet::run(Ipv4Addr::new(192, 0, 2, last), ports))
    };
    let all = [
        run(5, 4096, 4101),
        run(6, 5346, 5353),
        run(5, 4099, 4103),
        ExternalSet::psid(Ipv4Addr::new(192, 0, 2, 7), 2, 13, 5).ok(),
        run(8, 1, u16::MAX),
        run(6, 1000, 1030),
    ];
    let used = all.into_iter().enumerate();
    used.filter(|(n, _)| mask & 1 << n != 0)
        .filter_map(|(_, set)| set)
        .collect()
}

/// Which of them is the whole address.
pub(crate) const WHOLE: u8 = 1 << 4;

/// A LAN host and its port.
pub(crate) fn internal(input: &mut Input<'_>) -> SocketAddrV4 {
    let octet = input.octet();
    let host = Ipv4Addr::new(192, 168, 1, 10 + (octet & 3));
    SocketAddrV4::new(host, 5000 + u16::from(octet >> 2 & 7))
}

/// Somebody outside.
pub(crate) fn remote(input: &mut Input<'_>) -> SocketAddrV4 {
    let octet = input.octet();
    let host = Ipv4Addr::new(198, 51, 100, 1 + (octet & 3));
    SocketAddrV4::new(host, 80 + u16::from(octet >> 2 & 3))
}

/// An external end: one in use, if there are any and the fuzzer likes, or any of an address of ours.
pub(crate) fn external(input: &mut Input<'_>, in_use: &[SocketAddrV4]) -> SocketAddrV4 {
    let octet = input.octet();
    let known = in_use.get(usize::from(octet & 0x7f) % in_use.len().max(1));
    match known {
        Some(known) if octet & 0x80 == 0 => *known,
        _ => {
            let address = Ipv4Addr::new(192, 0, 2, 5 + (octet & 3));
            SocketAddrV4::new(address, input.number())
        }
    }
}

/// A mapping that a LAN host asks for, or takes back.
pub(crate) fn key(input: &mut Input<'_>) -> MappingKey {
    let protocol = input.pick(&[UDP, TCP, 132, 1, 47]);
    let internal = internal(input);
    let remote = (input.octet() & 1 != 0).then(|| remote(input));
    MappingKey {
        protocol,
        internal,
        remote,
    }
}

/// What it asks for.
pub(crate) fn wanted(input: &mut Input<'_>, in_use: &[SocketAddrV4], now: Instant) -> Wanted {
    let key = key(input);
    let choices = input.octet();
    let suggested = match choices & 1 {
        0 => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
        _ => external(input, in_use),
    };
    let filters = match choices & 4 {
        0 => Vec::new(),
        _ => vec![RemoteFilter {
            remote: remote(input),
            prefix_length: input.octet() % 33,
        }],
    };
    Wanted {
        key,
        suggested,
        exactly: choices & 2 != 0,
        filters,
        expires: now + Duration::from_secs(input.number().into()),
    }
}

/// How long nothing happens.
pub(crate) fn pause(input: &mut Input<'_>) -> Duration {
    let octet = u64::from(input.octet());
    match octet {
        0..128 => Duration::from_millis(octet * 20),
        128..250 => Duration::from_secs(octet - 127),
        _ => Duration::from_secs(7_500),
    }
}
