//! Arguments of `replay`.

use std::path::PathBuf;

use clap::Args;

use crate::replay::Capture;
use crate::replay::Files;

/// Packets from and to files in pcap format.
#[derive(Args, Clone, Debug)]
pub struct ReplayArgs {
    /// The configuration; it needs no devices.
    #[arg(short, long, value_name = "FILE")]
    pub config: PathBuf,
    /// Frames that arrive from the Internet.
    #[arg(long, value_name = "PCAP")]
    pub internet_in: Option<PathBuf>,
    /// Frames that arrive from the lwB4s.
    #[arg(long, value_name = "PCAP")]
    pub access_in: Option<PathBuf>,
    /// Where frames towards the Internet go.
    #[arg(long, value_name = "PCAP")]
    pub internet_out: Option<PathBuf>,
    /// Where frames towards the lwB4s go.
    #[arg(long, value_name = "PCAP")]
    pub access_out: Option<PathBuf>,
    /// Frames that arrive on a port that both sides share.
    #[arg(long, value_name = "PCAP", conflicts_with_all = TWO_PORTS)]
    pub stick_in: Option<PathBuf>,
    /// Where all frames go when both sides share a port.
    #[arg(long, value_name = "PCAP", conflicts_with_all = TWO_PORTS)]
    pub stick_out: Option<PathBuf>,
    /// A roster: leases were lost, and these lwB4s are told.
    #[arg(long, value_name = "FILE")]
    pub roster: Option<PathBuf>,
    /// Where the counters go, as one flat JSON object.
    #[arg(long, value_name = "JSON")]
    pub counters: Option<PathBuf>,
    /// Where random numbers begin: the same seed gives the same packets.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

impl ReplayArgs {
    /// The files, port by port.
    #[must_use]
    pub fn files(&self) -> Files {
        let capture = |input: &Option<PathBuf>, output: &Option<PathBuf>| Capture {
            input: input.clone(),
            output: output.clone(),
        };
        if self.stick_in.is_some() || self.stick_out.is_some() {
            return Files::OnAStick(capture(&self.stick_in, &self.stick_out));
        }
        Files::TwoPorts {
            internet: capture(&self.internet_in, &self.internet_out),
            access: capture(&self.access_in, &self.access_out),
        }
    }
}

const TWO_PORTS: [&str; 4] = ["internet_in", "access_in", "internet_out", "access_out"];
pub(super) const EXAMPLES: &str = "Examples:
  lwaftr replay -c lwaftr.toml --internet-in in.pcap --access-out out.pcap --counters counters.json
  lwaftr replay -c lwaftr.toml --stick-in in.pcap --stick-out out.pcap";
