//! Capture files as lists of frames with their times.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use pcap_file::DataLink;
use pcap_file::pcap::PcapHeader;
use pcap_file::pcap::PcapPacket;
use pcap_file::pcap::PcapReader;
use pcap_file::pcap::PcapWriter;

use crate::Outcome;

/// A frame and when it arrives.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Frame {
    pub(crate) time: Duration,
    pub(crate) octets: Vec<u8>,
}

/// Reads a capture file.
pub(crate) fn read(path: &Path) -> Outcome<Vec<Frame>> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(|error| named(&error))?;
    let mut reader = PcapReader::new(file).map_err(|error| named(&error))?;
    let mut frames = Vec::new();
    while let Some(packet) = reader.next_packet() {
        let packet = packet.map_err(|error| named(&error))?;
        frames.push(Frame {
            time: packet.timestamp,
            octets: packet.data.into_owned(),
        });
    }
    Ok(frames)
}

/// Writes a capture file.
pub(crate) fn write(path: &Path, frames: &[Frame]) -> Outcome<()> {
    let header = PcapHeader {
        datalink: DataLink::ETHERNET,
        ..PcapHeader::default()
    };
    let mut writer = PcapWriter::with_header(File::create(path)?, header)?;
    for frame in frames {
        let octets = frame.octets.as_slice();
        writer.write_packet(&PcapPacket::new(frame.time, octets.len() as u32, octets))?;
    }
    Ok(())
}
