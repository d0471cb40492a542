//! A capture file of the access network: Ethernet, IPv6, IPv4, UDP, PCP.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use pcap_file::DataLink;
use pcap_file::pcap::PcapHeader;
use pcap_file::pcap::PcapPacket;
use pcap_file::pcap::PcapWriter;

/// Who sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Direction {
    ToServer,
    ToClient,
}

/// Frames in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Capture(Vec<Vec<u8>>);

impl Capture {
    /// Adds a frame with this UDP payload.
    pub(crate) fn add(&mut self, payload: &[u8], direction: Direction) {
        self.0.push(ethernet(&ipv6(
            &ipv4(&udp(payload, direction), direction),
            direction,
        )));
    }

    /// Writes the file.
    pub(crate) fn write(&self, path: &Path) {
        let header = PcapHeader {
            datalink: DataLink::ETHERNET,
            ..PcapHeader::default()
        };
        let file = File::create(path).expect("a file");
        let mut writer = PcapWriter::with_header(file, header).expect("a header");
        for frame in &self.0 {
            let length = frame.len() as u32;
            let packet = PcapPacket::new(Duration::ZERO, length, frame);
            writer.write_packet(&packet).expect("a frame");
        }
    }
}

fn ethernet(packet: &[u8]) -> Vec<u8> {
    let macs = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    [&macs[..], &[0x86, 0xdd], packet].concat()
}

/// The softwire: 2001:db8:b4::1 and 2001:db8:af::1.
fn ipv6(packet: &[u8], direction: Direction) -> Vec<u8> {
    let end = |network| [0x20, 1, 0xd, 0xb8, 0, network, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let (from, to) = ordered(end(0xb4), end(0xaf), direction);
    let [high, low] = (packet.len() as u16).to_be_bytes();
    let start = [0x60, 0, 0, 0, high, low, 4, 64];
    [&start[..], &from, &to, packet].concat()
}

fn ipv4(datagram: &[u8], direction: Direction) -> Vec<u8> {
    let (from, to) = ordered([192, 0, 0, 2], [192, 0, 0, 1], direction);
    let [high, low] = (datagram.len() as u16 + 20).to_be_bytes();
    let start = [0x45, 0, high, low, 0, 0, 0, 0, 64, 17, 0, 0];
    let mut header = [&start[..], &from, &to].concat();
    let sum: u32 = header
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]))
        .sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    [&header, datagram].concat()
}

/// Without a checksum, which UDP over IPv4 does not need.
fn udp(payload: &[u8], direction: Direction) -> Vec<u8> {
    let (from, to) = ordered(40000_u16, 5351, direction);
    let length = payload.len() as u16 + 8;
    let header = [from, to, length, 0].map(u16::to_be_bytes).concat();
    [&header, payload].concat()
}

fn ordered<T>(client: T, server: T, direction: Direction) -> (T, T) {
    match direction {
        Direction::ToServer => (client, server),
        Direction::ToClient => (server, client),
    }
}
