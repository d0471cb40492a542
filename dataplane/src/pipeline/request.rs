//! The short way up: PCP requests as nearly all lwB4s send them, in a tunnel and to the address that we have there.
//!
//! When all the world asks for port sets at once, plain traffic waits behind each request. So those that look as
//! they usually do are found first, and nothing more is read of them than what makes them one (TN-041); control
//! reads them with every care. Whatever looks otherwise is left to the careful path, which would do the same to
//! these; a property test holds the two against each other.

use crate::packet::Packet;
use crate::pipeline::Detour;
use crate::pipeline::Pipeline;
use crate::pipeline::Places;
use crate::pipeline::Verdicts;
use crate::pipeline::punt::PCP_PORT;
use crate::punt::PuntClass;
use crate::table::Table;
use crate::wire::ethernet;
use crate::wire::ipv4;
use crate::wire::ipv4::Ipv4;
use crate::wire::ipv6;
use crate::wire::ipv6::Ipv6;
use crate::wire::transport;
use crate::wire::u16_at;

impl Pipeline {
    /// Sends requests up. Returns the places of the other packets.
    #[inline(never)]
    pub(super) fn punt_requests<P: Packet>(
        &self,
        table: &Table,
        packets: &[P],
        places: Places,
        verdicts: &mut Verdicts,
        detour: &mut Detour<P>,
    ) -> Places {
        let mut others = Places::default();
        for index in places {
            match self.asker(table, &packets[index]) {
                Some(b4) => {
                    let punt = self.of_subscriber(PuntClass::Pcp, &b4);
                    verdicts.set(index, self.punt(index, punt, detour));
                }
                None => others.mark(index),
            }
        }
        others
    }

    /// Whether the fragmented part of a packet to a tunnel's end begins as a request does: `payload`, behind
    /// headers of which the last names `next_header`.
    pub(super) fn begins_request(&self, next_header: u8, payload: &[u8]) -> bool {
        let udp_at = match next_header {
            ipv6::IPV4 => {
                let Some(ipv4) = payload.first_chunk::<{ ipv4::HEADER }>() else {
                    return false;
                };
                let is_to_us = ipv4[16..] == self.forwarding.aftr_address.to_be_bytes();
                if !is_to_us || ipv4[0] >> 4 != 4 || ipv4[9] != transport::UDP {
                    return false;
                }
                usize::from(ipv4[0] & 0x0f) * 4
            }
            ipv6::UDP if self.forwarding.plain_ipv6_pcp => 0,
            _ => return false,
        };
        u16_at(payload, udp_at + 2) == Some(PCP_PORT)
    }

    /// The lwB4 whose request a usual packet is.
    #[inline(always)]
    fn asker<P: Packet>(&self, table: &Table, packet: &P) -> Option<[u8; 16]> {
        let (head, at) = (packet.head(), self.access_gate.ip_at());
        let both: &[u8; BOTH] = head.get(at..)?.first_chunk()?;
        // Of all that comes here, this tells most others.
        if both[DESTINATION..DESTINATION + 4] != self.forwarding.aftr_address.to_be_bytes()
            || both[PORT..] != PCP_PORT.to_be_bytes()
            || both[NEXT_HEADER] != ipv6::IPV4
        {
            return None;
        }
        let front = head.first_chunk::<FRONT>()?;
        let ipv6 = Ipv6::parse(both, packet.len() - at).ok()?;
        let ipv4 = Ipv4::parse(&both[ipv6::HEADER..], ipv6.payload_len, false).ok()?;
        let is_request = self.access_gate.admits(packet, front)
            && ipv6.payload_len >= BOTH - ipv6::HEADER
            && usize::from(ipv4.header_len) == ipv4::HEADER
            && ipv4.protocol == transport::UDP
            && !ipv4.fragment.is_fragment()
            && ipv4::is_softwire_internal(ipv4.source)
            && ipv4.check_source().is_ok()
            && table.find_br(&ipv6.destination).is_some();
        is_request.then_some(ipv6.source)
    }
}

/// As much of a frame as the gate looks at.
const FRONT: usize = ethernet::HEADER + 6;
/// Both headers, and the ports of UDP.
const BOTH: usize = ipv6::HEADER + ipv4::HEADER + 4;
/// Where the outer header has its Next Header.
const NEXT_HEADER: usize = 6;
/// Where the inner destination is.
const DESTINATION: usize = ipv6::HEADER + 16;
/// Where the destination port is.
const PORT: usize = ipv6::HEADER + ipv4::HEADER + 2;

#[cfg(test)]
mod tests;
