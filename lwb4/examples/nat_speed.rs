//! What translating a packet of a session that exists costs, both ways, without any device:
//! `cargo run --release -p lwb4 --example nat_speed`.

use std::net::Ipv4Addr;
use std::time::Duration;
use std::time::Instant as Clock;

use lwb4::external::ExternalSet;
use lwb4::nat::Checksum;
use lwb4::nat::Inbound;
use lwb4::nat::Nat;
use lwb4::nat::NatConfig;
use lwb4::nat::Outbound;
use pcp::instant::Instant;
use pcp::port_set::PortRange;

const EXTERNAL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
const SESSIONS: u16 = 1000;
const ROUNDS: usize = 500;
const PASSES: usize = 9;

fn main() {
    for (name, protocol) in [("udp", 17), ("tcp", 6)] {
        let mut nat = Nat::new(NatConfig::new(Ipv4Addr::new(192, 168, 1, 1)), 1);
        let Some(ports) = PortRange::new(4096, 6143) else {
            return;
        };
        let now = Instant::from_secs(1);
        nat.set_external(&[ExternalSet::run(EXTERNAL, ports)], now);
        let out: Vec<_> = (0..SESSIONS).map(|n| packet(protocol, n)).collect();
        let back: Vec<_> = out
            .iter()
            .map(|packet| answer(&mut nat, packet, now))
            .collect();
        let outbound = median(&out, |packet| {
            let outbound = nat.outbound(packet, Checksum::Complete, now);
            assert_eq!(outbound, Outbound::ToTunnel);
        });
        let inbound = median(&back, |packet| {
            let inbound = nat.inbound(packet, Checksum::Complete, now);
            assert_eq!(inbound, Inbound::ToLan);
        });
        let copy = median(&out, |packet| {
            std::hint::black_box(packet);
        });
        println!(
            "{name}: {outbound:.1} ns outbound, {inbound:.1} ns inbound; of it {copy:.1} ns to copy the packet"
        );
    }
}

/// Nanoseconds a packet, each time from a fresh copy.
fn median(packets: &[Vec<u8>], mut translate: impl FnMut(&mut [u8])) -> f64 {
    let mut buffer = [0; 128];
    let mut pass = || {
        let start = Clock::now();
        for _ in 0..ROUNDS {
            for packet in packets {
                let copy = &mut buffer[..packet.len()];
                copy.copy_from_slice(packet);
                translate(copy);
            }
        }
        start.elapsed()
    };
    let mut passes: Vec<Duration> = (0..PASSES).map(|_| pass()).collect();
    passes.sort_unstable();
    passes[PASSES / 2].as_nanos() as f64 / (ROUNDS * packets.len()) as f64
}

/// The packet of one session: 100 octets; a wrong transport checksum is translated as a right one is.
fn packet(protocol: u8, n: u16) -> Vec<u8> {
    let mut packet = vec![0; 100];
    packet[..12].copy_from_slice(&[0x45, 0, 0, 100, 0, 0, 0x40, 0, 64, protocol, 0, 0]);
    packet[12..16].copy_from_slice(&[192, 168, 1, (n % 50) as u8]);
    packet[16..20].copy_from_slice(&[198, 51, 100, (n / 50) as u8]);
    packet[20..22].copy_from_slice(&(10_000 + n).to_be_bytes());
    packet[22..24].copy_from_slice(&443_u16.to_be_bytes());
    packet[26..28].copy_from_slice(&[0xab, 0xcd]);
    if protocol == 6 {
        packet[32] = 0x50;
        packet[33] = 0x10;
    }
    let sum: u32 = packet[..20]
        .chunks(2)
        .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    packet[10..12].copy_from_slice(&(!(((folded & 0xffff) + (folded >> 16)) as u16)).to_be_bytes());
    packet
}

/// What the remote end sends back to the packet, which opens the session. Exchanging ends leaves checksums as they are.
fn answer(nat: &mut Nat, packet: &[u8], now: Instant) -> Vec<u8> {
    let mut out = packet.to_vec();
    assert_eq!(
        nat.outbound(&mut out, Checksum::Complete, now),
        Outbound::ToTunnel
    );
    let mut back = out.clone();
    back[12..16].copy_from_slice(&out[16..20]);
    back[16..20].copy_from_slice(&out[12..16]);
    back[20..22].copy_from_slice(&out[22..24]);
    back[22..24].copy_from_slice(&out[20..22]);
    back
}
