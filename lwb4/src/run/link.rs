//! The softwire while it has two ends: its sockets, and what is checked at them.

use std::io;

use pcp::instant::Instant;

use super::poll::Poll;
use super::poll::Source;
use crate::config::Config;
use crate::device::icmpv6::Icmpv6Socket;
use crate::device::softwire::Softwire;
use crate::provisioning::Tunnel;
use crate::tunnel::downstream::Downstream;
use crate::tunnel::ecn::DscpModel;
use crate::tunnel::icmpv6::Ends;
use crate::tunnel::path_mtu::PathMtu;
use crate::tunnel::upstream::Upstream;

/// A softwire with two ends.
pub(super) struct Link {
    pub(super) tunnel: Tunnel,
    pub(super) softwire: Softwire,
    pub(super) icmpv6: Icmpv6Socket,
    pub(super) path: PathMtu,
    pub(super) upstream: Upstream,
    pub(super) downstream: Downstream,
    pub(super) ends: Ends,
    pub(super) dscp: DscpModel,
}

impl Link {
    /// Opens the sockets of `tunnel`, and has them waited for.
    pub(super) fn open(
        config: &Config,
        tunnel: Tunnel,
        first_hop: u16,
        poll: &Poll,
    ) -> io::Result<Self> {
        let mut softwire = Softwire::open(tunnel.local, tunnel.remote, config.tunnel.hop_limit)?;
        let path = PathMtu::new(first_hop);
        softwire.set_path_mtu(first_hop);
        let icmpv6 = Icmpv6Socket::open(tunnel.local)?;
        poll.add(&softwire, Source::Softwire)?;
        poll.add(&icmpv6, Source::Icmpv6)?;
        let (inner, remote_inner) = (config.tunnel.b4_ipv4, config.tunnel.aftr_ipv4);
        let (mss_clamp, dscp) = (config.tunnel.mss_clamp, config.tunnel.dscp);
        Ok(Self {
            tunnel,
            softwire,
            icmpv6,
            path,
            upstream: Upstream {
                inner,
                remote_inner,
                mss_clamp,
            },
            downstream: Downstream {
                lwaftr: tunnel.remote,
                inner,
                remote_inner,
                mss_clamp,
                dscp,
            },
            ends: Ends {
                own: tunnel.local,
                lwaftr: tunnel.remote,
                remote_inner,
            },
            dscp,
        })
    }

    /// Octets that an inner packet may have now; what is larger is fragmented outside.
    pub(super) fn tunnel_mtu(&mut self, now: Instant) -> u16 {
        self.softwire.set_path_mtu(self.path.path(now));
        self.path.tunnel(now)
    }
}
