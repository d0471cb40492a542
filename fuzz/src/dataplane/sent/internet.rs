//! What leaves for the Internet: packets of subscribers, and errors from our own address.

use crate::dataplane::ip::End;
use crate::dataplane::ip::Port;
use crate::dataplane::ip::is_a_hosts;
use crate::dataplane::ip::is_softwire_internal;
use crate::dataplane::network;
use crate::dataplane::network::INTERNET_ADDRESS;
use crate::dataplane::settings::Settings;

use super::errors;
use super::origin::Origins;
use super::whole_ipv4;

pub(super) fn judge(settings: &Settings, origins: &Origins, octets: &[u8]) {
    let ipv4 = whole_ipv4(octets);
    let (source, destination) = (ipv4.source(), ipv4.destination());
    for address in [source, destination] {
        assert!(
            !is_softwire_internal(address),
            "192.0.0.0/29 on the Internet: {octets:02x?}"
        );
        assert!(is_a_hosts(address), "nobody has {address:?}: {octets:02x?}");
    }
    if source == INTERNET_ADDRESS {
        errors::judge_icmpv4(origins, &ipv4, settings.forwarding.internet.mtu);
        return;
    }
    let is_bound = match ipv4.port(End::Source) {
        Port::Of(port) => network::owner(source, Some(port)).is_some(),
        Port::Without => network::owner(source, None).is_some(),
        Port::Elsewhere => network::serves(source),
        Port::Missing => false,
    };
    assert!(is_bound, "nobody's source: {octets:02x?}");
    assert!(
        !network::serves(destination),
        "a subscriber's packet went out: {octets:02x?}"
    );
    assert_ne!(destination, INTERNET_ADDRESS, "our own packet went out");
    origins.find(&ipv4, settings.forwarding.mss_clamp.is_some());
}
