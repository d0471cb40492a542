//! From the configuration to what the packet path works with.

use std::time::Duration;

use lwaftr_dataplane::forwarding::Forwarding;
use lwaftr_dataplane::forwarding::FragmentCache;
use lwaftr_dataplane::forwarding::Icmp;
use lwaftr_dataplane::forwarding::Link;
use lwaftr_dataplane::forwarding::Reassembly;
use lwaftr_dataplane::limiter::Rates;
use lwaftr_dataplane::punt_limits::PuntLimits;
use lwaftr_dataplane::subscriber_prefix::SubscriberPrefix;
use lwaftr_dataplane::wire::ethernet::Mac;

use crate::config;
use crate::config::Config;
use crate::config::Pcp;

/// What only an opened port knows.
#[derive(Clone, Copy, Debug)]
pub struct PortFacts {
    /// Our Ethernet address on it.
    pub mac: Mac,
    /// Whether the device puts VLAN tags on.
    pub vlan_by_device: bool,
}

/// The packet path's settings on ports with these properties.
#[must_use]
pub fn settings(config: &Config, internet: PortFacts, access: PortFacts) -> Forwarding {
    let softwire = &config.softwire;
    Forwarding {
        internet: link(&config.internet.link, internet),
        internet_address: config.internet.link.address.address().to_bits(),
        access: link(&config.access.link, access),
        access_address: config.access.link.address.address().octets(),
        aftr_address: softwire.aftr_ipv4.to_bits(),
        hop_limit: softwire.hop_limit,
        dscp: softwire.dscp,
        mss_clamp: softwire.mss_clamp.bytes(config.access.link.mtu_bytes),
        path_mtu_discovery: softwire.path_mtu_discovery,
        hairpinning: softwire.hairpinning,
        reassembly: Reassembly {
            max_packets: config.access.reassembly.max_packets as usize,
            max_fragments: config.access.reassembly.max_fragments as usize,
            timeout: Duration::from_secs(config.access.reassembly.timeout_s.into()),
        },
        fragment_cache: FragmentCache {
            max_packets: config.internet.fragment_cache.max_packets as usize,
            timeout: Duration::from_secs(config.internet.fragment_cache.timeout_s.into()),
        },
        punts: punts(config.pcp.as_ref()),
        plain_ipv6_pcp: config.pcp.as_ref().is_some_and(|pcp| pcp.plain_ipv6),
        internet_icmp: icmp(config.internet.icmp),
        access_icmp: icmp(config.access.icmp),
    }
}

/// What may go up to the control thread.
fn punts(pcp: Option<&Pcp>) -> PuntLimits {
    let Some(pcp) = pcp else {
        return PuntLimits::default();
    };
    let rates = PuntLimits::pcp_rates(
        pcp.requests_per_second,
        pcp.requests_per_second_per_subscriber,
    );
    PuntLimits {
        pcp: rates,
        subscriber: SubscriberPrefix::new(pcp.subscriber_prefix_length).unwrap_or_default(),
        ..PuntLimits::default()
    }
}

fn icmp(policy: config::Icmp) -> Icmp {
    Icmp {
        allow_incoming: policy.allow_incoming,
        generate_errors: policy.generate_errors,
        rates: Rates {
            per_second: policy.errors_per_second,
            burst: policy.error_burst,
            per_source: policy.errors_per_source,
        },
    }
}

fn link<A>(link: &config::Link<A>, port: PortFacts) -> Link {
    Link {
        mac: port.mac,
        next_hop_mac: link.next_hop_mac,
        vlan: link.vlan,
        vlan_by_device: port.vlan_by_device && link.vlan.is_some(),
        mtu: usize::from(link.mtu_bytes),
    }
}
