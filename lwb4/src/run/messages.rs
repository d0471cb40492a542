//! What provisioning and the lwAFTR say to each other by the softwire: PCP inside it, and ICMPv6 about it
//! (TN-045, LW-032).

use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::SocketAddrV4;

use pcp::instant::Instant;
use tracing::debug;

use super::poll::Poll;
use super::steer::Steer;
use crate::provisioning::Datagram;
use crate::provisioning::OuterDestination;
use crate::provisioning::Tunnel;
use crate::provisioning::Unbound;
use crate::provisioning::Way;
use crate::tunnel::control;
use crate::tunnel::ecn::DscpModel;
use crate::tunnel::segment::Segment;

impl Steer {
    /// Sends a PCP message by the tunnel that it belongs to, which may be one that another took the place
    /// of.
    pub(super) fn send(
        &mut self,
        tunnel: Tunnel,
        source: SocketAddr,
        destination: SocketAddr,
        payload: &[u8],
        poll: &Poll,
    ) {
        let (SocketAddr::V4(source), SocketAddr::V4(destination)) = (source, destination) else {
            return self.complain("a PCP server with an IPv6 address is not asked");
        };
        debug!("PCP: {} octets to {destination}", payload.len());
        let packet = control::datagram(source, destination, payload);
        let segment = [Segment::whole(&packet, DscpModel::Uniform)];
        let mtu = self
            .link
            .as_ref()
            .map(|link| link.path.path(Instant::default()));
        self.follow_if_current(tunnel, mtu, poll);
        match &mut self.link {
            Some(link) if link.tunnel == tunnel => drop(link.softwire.send(&segment)),
            _ => {
                if let Ok(mut softwire) = self.open_softwire(tunnel) {
                    softwire.send(&segment);
                }
            }
        }
    }

    /// The sockets follow provisioning from one tunnel to the next.
    fn follow_if_current(&mut self, tunnel: Tunnel, mtu: Option<u16>, poll: &Poll) {
        if self.provisioning.tunnel() == Some(tunnel) {
            self.follow(tunnel, mtu.unwrap_or(DEFAULT_MTU), poll);
        }
    }

    /// Hears a PCP message that came through the softwire.
    pub(super) fn hear(
        &mut self,
        outer: (Ipv6Addr, OuterDestination),
        destination: SocketAddrV4,
        payload: &[u8],
        now: Instant,
    ) {
        debug!("PCP: {} octets from the lwAFTR", payload.len());
        let source = SocketAddrV4::new(self.config.tunnel.aftr_ipv4, control::PCP_SERVER);
        let datagram = Datagram {
            way: Way::Tunnel {
                outer_source: outer.0,
                outer_destination: outer.1,
            },
            source: source.into(),
            destination: destination.into(),
            payload,
        };
        let random = &mut self.random;
        self.provisioning
            .receive(&datagram, now, &mut || random.u64(..));
    }

    /// Hears that the lwAFTR has no binding for a packet of ours.
    pub(super) fn hear_unbound(&mut self, error: &Unbound, now: Instant) {
        let random = &mut self.random;
        self.provisioning
            .unbound(error, now, &mut || random.u64(..));
    }
}

/// What an Ethernet takes.
const DEFAULT_MTU: u16 = 1500;
