//! Arguments of `bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::bench::Direction;
use crate::bench::FrameMix;
use crate::bench::Options;
use crate::bench::storm::StormOptions;

/// What to measure.
#[derive(Args, Clone, Debug)]
pub struct BenchArgs {
    /// Numbers of softwires, one run each: 1k, 1m, 10m or plain numbers.
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1k,1m", value_parser = count)]
    pub softwires: Vec<u32>,
    /// Sizes of frames, one run each: 64 to 1518 octets with FCS, or imix.
    #[arg(long, value_name = "SIZE", value_delimiter = ',', default_value = "64", value_parser = frame)]
    pub frame: Vec<FrameArg>,
    /// What is sent, one run each: plain traffic, what needs more than a look-up, or what an attacker
    /// would send (flood-…), alone or beside as much plain traffic (beside-…). Of every run it is
    /// checked that the packets were forwarded or dropped as they should be.
    #[arg(
        long,
        value_name = "WAY",
        value_delimiter = ',',
        default_value = "encap,decap,both"
    )]
    pub direction: Vec<Direction>,
    /// PSID length of all addresses in bits; 0 gives whole addresses.
    #[arg(long, value_name = "BITS", default_value_t = 6, value_parser = clap::value_parser!(u8).range(0..=12))]
    pub psid_length: u8,
    /// Packets a worker takes at once.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub burst: u8,
    /// The core that is measured.
    #[arg(long, value_name = "CORE", default_value_t = 1)]
    pub core: u32,
    /// The core of everything else.
    #[arg(long, value_name = "CORE", default_value_t = 0)]
    pub control_core: u32,
    /// Packets in each trial.
    #[arg(long, value_name = "N", default_value = "4m", value_parser = count)]
    pub packets: u32,
    /// Measure live updates of the table as well.
    #[arg(long)]
    pub updates: bool,
    /// Instead of forwarding, measure a storm of PCP requests: how many port sets a second are granted
    /// and renewed durably, how fast, and what that costs the packets of others.
    #[arg(long)]
    pub storm: bool,
    /// Home routers that take part in the storm, up to 16m.
    #[arg(long, value_name = "N", default_value = "1m", value_parser = count, requires = "storm")]
    pub leases: u32,
    /// The folder of the storm's lease store; when there is one already, the storm goes on with it. A
    /// temporary one when absent.
    #[arg(long, value_name = "FOLDER", requires = "storm")]
    pub store: Option<PathBuf>,
    /// Only start with the leases of an earlier storm, and tell how long it took until book and table had them.
    #[arg(long, requires = "store")]
    pub restart: bool,
    /// Milliseconds that every sync takes longer than the disk does; several may be under way at once.
    #[arg(long, value_name = "MS", default_value_t = 0, requires = "storm")]
    pub sync_delay: u16,
    /// Seconds of each phase of the storm.
    #[arg(long, value_name = "S", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..), requires = "storm")]
    pub seconds: u8,
    /// Take packet memory from ordinary pages: slower, but needs no huge pages.
    #[arg(long)]
    pub no_huge: bool,
}

/// A frame size.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FrameArg {
    /// All frames have this many octets, FCS included.
    Octets(u16),
    /// The simple Internet mix: 7 of 64, 4 of 594 and 1 of 1518 octets.
    Imix,
}

impl BenchArgs {
    /// What the storm takes, with its store in `store`.
    #[must_use]
    pub fn storm_options(&self, store: PathBuf, json: bool) -> StormOptions {
        StormOptions {
            leases: self.leases.min(MAX_LEASES),
            store,
            restart: self.restart,
            sync_delay: Duration::from_millis(self.sync_delay.into()),
            phase: Duration::from_secs(self.seconds.into()),
            core: self.core,
            control_core: self.control_core,
            huge: !self.no_huge,
            json,
        }
    }

    /// What the benchmark takes.
    #[must_use]
    pub fn options(&self, json: bool) -> Options {
        let frame = |frame: &FrameArg| match *frame {
            FrameArg::Octets(octets) => FrameMix::Fixed(octets),
            FrameArg::Imix => FrameMix::Imix,
        };
        Options {
            softwires: self.softwires.clone(),
            psid_length: self.psid_length,
            frames: self.frame.iter().map(frame).collect(),
            directions: self.direction.clone(),
            burst: usize::from(self.burst),
            core: self.core,
            control_core: self.control_core,
            huge: !self.no_huge,
            packets: u64::from(self.packets),
            updates: self.updates,
            json,
        }
    }
}

/// A number of things, with k and m for thousands and millions.
fn count(text: &str) -> Result<u32, CountError> {
    let lower = text.to_ascii_lowercase();
    let (digits, factor) = match lower.as_bytes().last() {
        Some(b'k') => (&lower[..lower.len() - 1], 1_000),
        Some(b'm') => (&lower[..lower.len() - 1], 1_000_000),
        _ => (&lower[..], 1),
    };
    let number = digits
        .parse::<u32>()
        .ok()
        .and_then(|number| number.checked_mul(factor));
    number
        .filter(|number| *number > 0)
        .ok_or_else(|| CountError(text.to_owned()))
}

fn frame(text: &str) -> Result<FrameArg, FrameError> {
    if text == "imix" {
        return Ok(FrameArg::Imix);
    }
    let octets = text
        .parse()
        .ok()
        .filter(|octets| (64..=1518).contains(octets));
    octets
        .map(FrameArg::Octets)
        .ok_or_else(|| FrameError(text.to_owned()))
}

/// A text that is no number of things.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("'{0}' is not a number from 1 to 4294967295, or one like 100k or 1m")]
struct CountError(String);

/// A text that is no frame size.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("'{0}' is neither a number of octets from 64 to 1518 nor imix")]
struct FrameError(String);

/// Each is a subscriber of its own, told by 24 bits.
const MAX_LEASES: u32 = 16_000_000;

pub(super) const EXAMPLES: &str = "Examples:
  lwaftr bench
  lwaftr bench --softwires 1k,100k,1m,10m --frame 64,550,imix --json
  lwaftr bench --softwires 1m --direction decap --psid-length 0
  lwaftr bench --direction encap,flood-unbound,beside-flood-unbound
  lwaftr bench --storm --leases 1m --sync-delay 5
  lwaftr bench --storm --leases 10m --store FOLDER --restart";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_be_written_short() {
        assert_eq!(
            (count("7"), count("100k"), count("10M")),
            (Ok(7), Ok(100_000), Ok(10_000_000))
        );
        for text in ["", "k", "0", "-1", "1g", "5000m", "1.5m"] {
            assert_eq!(count(text), Err(CountError(text.to_owned())));
        }
    }

    #[test]
    fn a_frame_is_a_size_or_a_mix() {
        assert_eq!(
            (frame("64"), frame("imix")),
            (Ok(FrameArg::Octets(64)), Ok(FrameArg::Imix))
        );
        for text in ["", "63", "1519", "IMIX"] {
            assert_eq!(frame(text), Err(FrameError(text.to_owned())));
        }
    }
}
