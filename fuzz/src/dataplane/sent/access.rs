//! What leaves for the lwB4s: tunnel packets to whom they belong, errors, and errors in tunnels.

use lwaftr_dataplane::forwarding::Dscp;
use lwaftr_dataplane::table::Publisher;

use crate::dataplane::ip::End;
use crate::dataplane::ip::Ipv4;
use crate::dataplane::ip::Port;
use crate::dataplane::ip::is_a_hosts;
use crate::dataplane::ip::is_softwire_internal;
use crate::dataplane::network;
use crate::dataplane::network::AFTR_ADDRESS;
use crate::dataplane::network::BRS;
use crate::dataplane::network::SOFTWIRES;
use crate::dataplane::network::Softwire;
use crate::dataplane::settings::Settings;

use super::errors;
use super::origin::Origins;
use super::pieces::Whole;
use super::whole_ipv4;

pub(super) fn judge(
    settings: &Settings,
    publisher: &Publisher,
    origins: &Origins,
    whole: &Whole<'_>,
) {
    let ipv6 = &whole.ipv6;
    assert_eq!(ipv6[7], settings.forwarding.hop_limit, "hop limit");
    assert!(
        BRS.iter().any(|br| ipv6[8..24] == *br),
        "from nobody of ours: {ipv6:02x?}"
    );
    match ipv6[6] {
        4 => judge_tunnel(settings, publisher, origins, whole),
        58 => errors::judge_icmpv6(origins, ipv6),
        other => panic!("next header {other}: {ipv6:02x?}"),
    }
}

fn judge_tunnel(settings: &Settings, publisher: &Publisher, origins: &Origins, whole: &Whole<'_>) {
    let ipv6 = &whole.ipv6;
    let inner = whole_ipv4(&ipv6[40..]);
    judge_traffic_class(settings, ipv6, &inner);
    let (source, destination) = (inner.source(), inner.destination());
    assert!(is_a_hosts(source) && is_a_hosts(destination), "{ipv6:02x?}");
    let softwire = if is_softwire_internal(source) {
        assert_eq!(
            source, AFTR_ADDRESS,
            "192.0.0.0/29 in a tunnel: {ipv6:02x?}"
        );
        let quote = errors::judge_icmpv4(origins, &inner, settings.forwarding.access.mtu);
        let port = quote.map_or(Port::Missing, |quote| quote.quote_port(End::Source));
        receiver(ipv6, destination, port)
    } else {
        assert!(
            !is_softwire_internal(destination),
            "192.0.0.0/29 in a tunnel: {ipv6:02x?}"
        );
        origins.find(&inner, settings.forwarding.mss_clamp.is_some());
        receiver(ipv6, destination, inner.port(End::Destination))
    };
    let Some(softwire) = softwire else {
        panic!("to a lwB4 that does not own it: {ipv6:02x?}");
    };
    let port = softwire.port(0);
    let row = publisher
        .owner_of(softwire.ipv4.into(), port)
        .expect("a row of the table");
    let is_error = source == AFTR_ADDRESS;
    assert!(
        is_error || row.path_mtu.takes(whole.largest),
        "{} octets on a path that takes {:?}",
        whole.largest,
        row.path_mtu
    );
}

/// The softwire that the tunnel packet belongs to, if it is the tunnel packet's own.
fn receiver(ipv6: &[u8], ipv4: [u8; 4], port: Port) -> Option<&'static Softwire> {
    let is_the_tunnels =
        |softwire: &&Softwire| softwire.br == ipv6[8..24] && softwire.b4 == ipv6[24..40];
    match port {
        Port::Of(port) => network::owner(ipv4, Some(port)).filter(is_the_tunnels),
        Port::Without => network::owner(ipv4, None).filter(is_the_tunnels),
        Port::Elsewhere => SOFTWIRES
            .iter()
            .filter(|softwire| softwire.ipv4 == ipv4)
            .find(is_the_tunnels),
        Port::Missing => None,
    }
}

/// ECN is copied (RFC 6040 s4.1), DSCP as configured.
fn judge_traffic_class(settings: &Settings, ipv6: &[u8], inner: &Ipv4<'_>) {
    let traffic_class = ipv6[0] << 4 | ipv6[1] >> 4;
    let expected = match settings.forwarding.dscp {
        Dscp::Copy => inner.tos(),
        Dscp::Fixed(dscp) => dscp << 2 | inner.tos() & 3,
    };
    assert_eq!(traffic_class, expected, "traffic class of {ipv6:02x?}");
}
