//! Where fragments meet, when a device spreads them over the workers.
//!
//! All fragments of a datagram from the Internet must meet one worker, and on the access side all
//! fragments of a tunnel, outer and inner ones alike: what is put together there may itself be a fragment
//! of something (FR-008, FR-013).

use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;

use crate::packet::Packet;
use crate::pipeline::Detour;
use crate::pipeline::Pipeline;
use crate::pipeline::doorway::OddFrame;
use crate::side::Side;
use crate::wire::ipv4::Ipv4;
use crate::wire::ipv6;
use crate::wire::ipv6::Ipv6;

impl Pipeline {
    /// A number that all fragments which must meet have in common, on every worker; `None` for a packet
    /// that can be dealt with where it is.
    pub fn meeting_point<P: Packet>(
        &self,
        side: Side,
        packet: &P,
        detour: &Detour<P>,
    ) -> Option<u64> {
        let head = packet.head();
        let (door, link) = match side {
            Side::Internet => (&self.internet_door, &self.forwarding.internet),
            Side::Access => (&self.access_door, &self.forwarding.access),
        };
        let at = match door.payload_at(packet, head) {
            Some(at) => at,
            None => OddFrame::read(packet, link).ok()?.payload_at,
        };
        let (bytes, available) = (head.get(at..)?, packet.len() - at);
        // Keyed, so that nobody can send all fragments of the world to one worker.
        let mut hasher = DefaultHasher::new();
        detour.secret.hash(&mut hasher);
        match side {
            Side::Internet => {
                let ipv4 = Ipv4::parse(bytes, available, true).ok()?;
                let Ipv4 {
                    source,
                    destination,
                    protocol,
                    id,
                    ..
                } = ipv4;
                (source, destination, protocol, id).hash(&mut hasher);
                ipv4.fragment.is_fragment().then(|| hasher.finish())
            }
            Side::Access => {
                let outer = Ipv6::parse(bytes, available).ok()?;
                (outer.source, outer.destination).hash(&mut hasher);
                let must_meet = match outer.next_header {
                    ipv6::FRAGMENT | ipv6::DESTINATION_OPTIONS => true,
                    ipv6::IPV4 => {
                        let inner = bytes.get(ipv6::HEADER..)?;
                        let inner = Ipv4::parse(inner, outer.payload_len, true).ok()?;
                        inner.fragment.is_fragment()
                    }
                    _ => false,
                };
                must_meet.then(|| hasher.finish())
            }
        }
    }
}
