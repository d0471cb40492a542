//! What holds of a NAT after everything that happens to it.

use std::collections::HashMap;
use std::collections::HashSet;
use std::net::SocketAddrV4;

use lwb4::external::ExternalSet;
use lwb4::nat::MappingView;
use lwb4::nat::NatConfig;

use crate::lwb4::packet;
use crate::lwb4::packet::ICMP;
use crate::lwb4::packet::TCP;
use crate::lwb4::packet::UDP;
use crate::sum::sum;

/// External ends are of our sets (LW-031), nobody's twice (NT-001), never PCP's own (PC-040), and there is
/// no more of anything than there may be.
pub(crate) fn of_mappings(mappings: &[MappingView], sets: &[ExternalSet], config: &NatConfig) {
    let mut ends = HashSet::new();
    let mut of_host = HashMap::new();
    let mut sessions = 0;
    for mapping in mappings {
        let MappingView {
            protocol, external, ..
        } = *mapping;
        assert!(is_ours(protocol, external, sets), "{mapping:?} of {sets:?}");
        assert!(ends.insert((protocol, external)), "{external} twice");
        let count = of_host.entry(*mapping.internal.ip()).or_insert(0);
        *count += 1;
        assert!(*count <= config.limits.mappings_per_host, "{of_host:?}");
        assert!(mapping.sessions <= config.limits.sessions_per_mapping);
        sessions += mapping.sessions;
    }
    assert!(mappings.len() <= config.limits.mappings);
    assert!(sessions <= config.limits.sessions);
}

/// What goes into the tunnel comes from an end of ours; a packet that shows no port from an address of ours.
pub(crate) fn of_outbound(octets: &[u8], sets: &[ExternalSet]) {
    let (source, _) = packet::ends(octets);
    assert!(
        sets.iter().any(|set| set.address() == *source.ip()),
        "{source} of {sets:?}"
    );
    let is_later = u16::from_be_bytes([octets[6], octets[7]]) & 0x1fff != 0;
    if !is_later && matches!(octets[9], TCP | UDP | 33 | 132 | 136) {
        assert!(is_ours(octets[9], source, sets), "{source} of {sets:?}");
    }
    if !is_later && octets[9] == ICMP && matches!(octets.get(header(octets)), Some(0 | 8)) {
        let at = header(octets) + 4;
        let identifier = u16::from_be_bytes([octets[at], octets[at + 1]]);
        let end = SocketAddrV4::new(*source.ip(), identifier);
        assert!(is_ours(ICMP, end, sets), "{end} of {sets:?}");
    }
}

/// A header that sums up, and a transport that does if it did before.
pub(crate) fn of_sums(octets: &[u8], was_right: bool) {
    assert_eq!(sum(&[&octets[..header(octets)]]), 0xffff, "{octets:02x?}");
    if was_right {
        assert_eq!(packet::transport_sum(octets), 0xffff, "{octets:02x?}");
    }
}

fn is_ours(protocol: u8, end: SocketAddrV4, sets: &[ExternalSet]) -> bool {
    let mut of_address = sets.iter().filter(|set| set.address() == *end.ip());
    if matches!(protocol, ICMP | TCP | UDP | 33 | 132 | 136) {
        let is_pcp = protocol == UDP && matches!(end.port(), 5350 | 5351);
        end.port() != 0 && !is_pcp && of_address.any(|set| set.contains(end.port()))
    } else {
        end.port() == 0 && of_address.any(|set| set.is_whole())
    }
}

fn header(octets: &[u8]) -> usize {
    usize::from(octets[0] & 15) * 4
}
