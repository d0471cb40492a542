//! The traffic of the benchmark: N softwires, and keys that visit them in random order.
//!
//! At least four million keys are shuffled beforehand, so that neither caches nor prefetchers know
//! which softwire comes next and the binding table is really cold when it is large.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::binding::BindingError;
use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::port_set::PortSetError;
use lwaftr_dataplane::port_set::PortSplit;
use lwaftr_dataplane::wire::checksum;

/// The border router's address in the benchmark.
pub const BR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xaf, 0, 0, 0, 0, 1);

/// What is rewritten in a packet template so that it belongs to one softwire.
#[derive(Clone, Copy, Debug, Default)]
pub struct Key {
    /// The subscriber's IPv4 address, network order.
    pub ipv4: [u8; 4],
    /// A port of its set, network order.
    pub port: [u8; 2],
    /// Number of the softwire, network order: the end of its B4 address.
    pub softwire: [u8; 4],
}

/// Softwires of one division of addresses, from `20.0.0.0` on.
#[derive(Clone, Copy, Debug)]
pub struct Population {
    softwires: u32,
    split: PortSplit,
}

impl Population {
    /// `softwires` softwires with PSIDs of `psid_length` bits.
    ///
    /// # Errors
    /// When the PSID length is more than 16.
    pub fn new(softwires: u32, psid_length: u8) -> Result<Self, PortSetError> {
        Ok(Self {
            softwires,
            split: PortSplit::new(0, psid_length)?,
        })
    }

    /// Every binding, in the order of their numbers.
    pub fn bindings(self) -> impl Iterator<Item = Result<Binding, BindingError>> {
        (0..self.softwires).map(move |number| self.binding(number))
    }

    /// Binding number `number`; numbers past the population go on in the same way.
    ///
    /// # Errors
    /// When there are more softwires than unicast addresses for them.
    pub fn binding(self, number: u32) -> Result<Binding, BindingError> {
        let psid = (number % self.split.sets()) as u16;
        // The remainder is below the number of sets, so the PSID always fits.
        let ports = PortSet::new(self.split, psid).unwrap_or(PortSet::WHOLE);
        Binding::new(self.address(number), ports, b4(number), BR)
    }

    /// At least [`KEYS_MIN`] keys, every softwire about equally often, shuffled.
    #[must_use]
    pub fn shuffled_keys(self, seed: u64) -> Vec<Key> {
        let mut random = fastrand::Rng::with_seed(seed);
        let count = KEYS_MIN.max(self.softwires);
        let mut keys: Vec<Key> = (0..count)
            .map(|index| self.key(index % self.softwires, &mut random))
            .collect();
        random.shuffle(&mut keys);
        keys
    }

    fn key(self, number: u32, random: &mut fastrand::Rng) -> Key {
        let ports_log2 = 16 - self.split.length();
        let psid = number % self.split.sets();
        let port = (psid << ports_log2) | random.u32(..1 << ports_log2);
        Key {
            ipv4: self.address(number).octets(),
            port: (port as u16).to_be_bytes(),
            softwire: number.to_be_bytes(),
        }
    }

    fn address(self, number: u32) -> Ipv4Addr {
        (FIRST_ADDRESS + number / self.split.sets()).into()
    }
}

/// Headers of a packet that a key turns into one softwire's.
#[derive(Clone, Debug)]
pub struct Template {
    octets: [u8; TEMPLATE],
    /// Ones' complement sum of the IPv4 header without address, folded to 16 bits.
    partial_sum: u32,
    ipv4_at: usize,
    /// Where the subscriber's address and port stand in the packet.
    address_at: usize,
    port_at: usize,
}

impl Template {
    /// A UDP packet from the Internet, in a frame of `frame` octets with FCS.
    #[must_use]
    pub fn from_internet(frame: usize, our_mac: [u8; 6], peer_mac: [u8; 6]) -> Self {
        let ipv4_at = 14;
        let mut octets = ethernet(our_mac, peer_mac, [8, 0]);
        write_ipv4_udp(&mut octets[ipv4_at..], frame);
        octets[ipv4_at + 12..ipv4_at + 16].copy_from_slice(&OUTSIDE);
        Self::finish(octets, ipv4_at, ipv4_at + 16, ipv4_at + 22)
    }

    /// The same from a lwB4: the frame is 40 octets longer.
    #[must_use]
    pub fn from_access(frame: usize, our_mac: [u8; 6], peer_mac: [u8; 6]) -> Self {
        let ipv4_at = 14 + 40;
        let mut octets = ethernet(our_mac, peer_mac, [0x86, 0xdd]);
        octets[14] = 0x60;
        octets[18..20].copy_from_slice(&((frame - 18) as u16).to_be_bytes());
        octets[20..22].copy_from_slice(&[4, 64]);
        octets[22..38].copy_from_slice(&b4(0).octets());
        octets[38..54].copy_from_slice(&BR.octets());
        write_ipv4_udp(&mut octets[ipv4_at..], frame);
        octets[ipv4_at + 16..ipv4_at + 20].copy_from_slice(&OUTSIDE);
        Self::finish(octets, ipv4_at, ipv4_at + 12, ipv4_at + 20)
    }

    /// Writes the headers of `key`'s packet to the front of `frame`.
    ///
    /// # Panics
    /// When the frame is shorter than the headers.
    #[inline(always)]
    pub fn write(&self, frame: &mut [u8], key: &Key) {
        let in_tunnel = self.ipv4_at > 14;
        if in_tunnel {
            frame[..TEMPLATE].copy_from_slice(&self.octets);
            frame[34..38].copy_from_slice(&key.softwire);
        } else {
            frame[..TEMPLATE / 2].copy_from_slice(&self.octets[..TEMPLATE / 2]);
        }
        frame[self.address_at..self.address_at + 4].copy_from_slice(&key.ipv4);
        frame[self.port_at..self.port_at + 2].copy_from_slice(&key.port);
        let [a, b, c, d] = key.ipv4.map(u32::from);
        let sum = self.partial_sum + (a << 8 | b) + (c << 8 | d);
        let sum = (sum & 0xffff) + (sum >> 16);
        let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
        frame[self.ipv4_at + 10..self.ipv4_at + 12].copy_from_slice(&sum.to_be_bytes());
    }

    fn finish(octets: [u8; TEMPLATE], ipv4_at: usize, address_at: usize, port_at: usize) -> Self {
        let partial_sum = u32::from(checksum::sum(&octets[ipv4_at..ipv4_at + 20]));
        Self {
            octets,
            partial_sum,
            ipv4_at,
            address_at,
            port_at,
        }
    }
}

fn ethernet(destination: [u8; 6], source: [u8; 6], ether_type: [u8; 2]) -> [u8; TEMPLATE] {
    let mut octets = [0; TEMPLATE];
    octets[..6].copy_from_slice(&destination);
    octets[6..12].copy_from_slice(&source);
    octets[12..14].copy_from_slice(&ether_type);
    octets
}

/// Everything but the subscriber's address and port, the outside address and the checksum.
fn write_ipv4_udp(packet: &mut [u8], frame: usize) {
    let total = (frame - 18) as u16;
    packet[0] = 0x45;
    packet[2..4].copy_from_slice(&total.to_be_bytes());
    packet[8..10].copy_from_slice(&[64, 17]);
    packet[20..24].copy_from_slice(&[0, 53, 0, 53]);
    packet[24..26].copy_from_slice(&(total - 20).to_be_bytes());
}

pub(super) fn b4(number: u32) -> Ipv6Addr {
    let [high, low] = [(number >> 16) as u16, number as u16];
    Ipv6Addr::new(0x2001, 0xdb8, 0xb4, 0, 0, 0, high, low)
}

/// Fewest keys that are shuffled, whatever the number of softwires.
pub const KEYS_MIN: u32 = 4 << 20;
/// 20.0.0.0: forty million whole addresses follow before anything that cannot be bound.
const FIRST_ADDRESS: u32 = 0x1400_0000;
/// A host of the Internet (RFC 5737).
pub(super) const OUTSIDE: [u8; 4] = [198, 51, 100, 1];
/// Octets rewritten in a tunnel packet; half as many in one from the Internet.
const TEMPLATE: usize = 96;

#[cfg(test)]
mod tests {
    use lwaftr_dataplane::wire::ipv4::Ipv4;
    use lwaftr_dataplane::wire::ipv6::Ipv6;

    use super::*;

    #[test]
    fn every_key_belongs_to_its_softwire_and_every_softwire_has_keys() {
        let population = Population::new(1000, 6).unwrap();
        let keys = population.shuffled_keys(1);
        assert!(keys.len() >= KEYS_MIN as usize);
        let mut seen = vec![0_u32; 1000];
        for key in &keys {
            let number = u32::from_be_bytes(key.softwire);
            let binding = population.binding(number).unwrap();
            assert_eq!(binding.ipv4().octets(), key.ipv4);
            assert!(binding.ports().contains(u16::from_be_bytes(key.port)));
            seen[number as usize] += 1;
        }
        assert!(seen.iter().all(|count| *count >= KEYS_MIN / 1000));
    }

    #[test]
    fn written_packets_are_whole_and_sum_up() {
        let population = Population::new(100, 6).unwrap();
        let key = population.key(77, &mut fastrand::Rng::with_seed(3));
        for frame_size in [64, 550, 1518] {
            let mut frame = vec![0xee; frame_size - 4];
            Template::from_internet(frame_size, [2; 6], [4; 6]).write(&mut frame, &key);
            let ipv4 = Ipv4::parse(&frame[14..], frame.len() - 14, false).unwrap();
            assert_eq!(
                (ipv4.total_len, ipv4.destination),
                (frame_size as u16 - 18, u32::from_be_bytes(key.ipv4))
            );
            assert_eq!(frame[36..38], key.port);
            let mut frame = vec![0xee; frame_size + 36];
            Template::from_access(frame_size, [2; 6], [4; 6]).write(&mut frame, &key);
            let ipv6 = Ipv6::parse(&frame[14..], frame.len() - 14).unwrap();
            assert_eq!(
                (ipv6.payload_len, ipv6.source),
                (frame_size - 18, b4(77).octets())
            );
            let ipv4 = Ipv4::parse(&frame[54..], ipv6.payload_len, false).unwrap();
            assert_eq!(
                (ipv4.total_len, ipv4.source),
                (frame_size as u16 - 18, u32::from_be_bytes(key.ipv4))
            );
            assert_eq!(frame[74..76], key.port);
        }
    }
}
