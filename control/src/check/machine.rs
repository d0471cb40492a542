//! What this machine has, as far as a configuration can ask for it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The machine that a plan is for.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// Cores that run; empty when that cannot be told.
    pub cores: BTreeSet<u32>,
    /// Free huge pages, in octets; absent when that cannot be told.
    pub free_huge_bytes: Option<u64>,
}

impl Machine {
    /// This machine.
    #[must_use]
    pub fn probe() -> Self {
        let cores = fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        Self {
            cores: core_list(&cores),
            free_huge_bytes: free_huge_bytes(&memory),
        }
    }

    /// Whether a PCI function is there.
    #[must_use]
    pub fn has_pci(&self, address: &str) -> bool {
        Path::new("/sys/bus/pci/devices").join(address).exists()
    }
}

/// A list such as `0-3,8`.
fn core_list(text: &str) -> BTreeSet<u32> {
    let ranges = text.trim().split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse::<u32>().ok()?..=last.parse().ok()?)
    });
    ranges.flatten().collect()
}

fn free_huge_bytes(meminfo: &str) -> Option<u64> {
    let value = |name: &str| {
        let line = meminfo.lines().find(|line| line.starts_with(name))?;
        line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()
    };
    Some(value("HugePages_Free:")? * value("Hugepagesize:")? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_cores_has_ranges() {
        let cores: Vec<_> = core_list("0-2,5,8-9\n").into_iter().collect();
        assert_eq!(cores, [0, 1, 2, 5, 8, 9]);
        assert!(core_list("").is_empty());
    }

    #[test]
    fn huge_pages_are_counted_in_octets() {
        let text = "MemFree: 1 kB\nHugePages_Total:    8\nHugePages_Free:     5\nHugepagesize:    2048 kB\n";
        assert_eq!(free_huge_bytes(text), Some(5 << 21));
        assert_eq!(free_huge_bytes("MemFree: 1 kB\n"), None);
    }
}
