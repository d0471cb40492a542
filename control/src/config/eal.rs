//! The arguments that start DPDK's environment (EAL).
//!
//! The daemon builds them all from the configuration, so an operator's extra argument that says the
//! same thing another way is refused by name. Virtual devices are not among them: they are plugged in
//! afterwards, so that a failure names the device.

use super::Config;
use super::Memory;

impl Config {
    /// The arguments for EAL, without the program's name.
    #[must_use]
    pub fn eal_arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--no-telemetry".to_owned()];
        arguments.extend(["-l".to_owned(), self.dataplane.control_core.to_string()]);
        match self.dataplane.memory {
            Memory::Huge => arguments.push("--in-memory".to_owned()),
            // Without shared configuration files several processes can run side by side, as they can
            // with --in-memory, which EAL refuses together with --no-huge.
            Memory::NoHuge => {
                let megabytes = self.buffers().megabytes_without_huge_pages();
                arguments.extend(["--no-huge", "--no-shconf", "-m"].map(str::to_owned));
                arguments.push(megabytes.to_string());
            }
        }
        let pci: Vec<_> = self
            .wiring
            .devices()
            .into_iter()
            .filter(|device| device.is_pci())
            .collect();
        if pci.is_empty() {
            arguments.push("--no-pci".to_owned());
        }
        for device in pci {
            arguments.extend(["-a".to_owned(), device.to_string()]);
        }
        // Applies to every component: what is not at least a warning would only hide what is.
        arguments.push("--log-level=error".to_owned());
        arguments.extend(self.dataplane.eal_args.iter().cloned());
        arguments
    }
}

/// The key that `argument` is built from, if the daemon builds it.
pub(super) fn built_from(argument: &str) -> Option<&'static str> {
    let name = argument.split('=').next().unwrap_or_default();
    if let Some((_, key)) = BUILT.iter().find(|(built, _)| *built == name) {
        return Some(key);
    }
    // A short option may have its value glued on: -l1, -m512.
    let short = name.starts_with('-') && !name.starts_with("--");
    let glued = |built: &str| short && built.len() == 2 && name.starts_with(built);
    BUILT
        .iter()
        .find(|(built, _)| glued(built))
        .map(|&(_, key)| key)
}

const CORES: &str = "dataplane.workers and dataplane.control_core";
const DEVICES: &str = "internet.device and access.device";
const MEMORY: &str = "dataplane.memory";
/// EAL's options (DPDK 22.11, "EAL parameters") that the configuration decides.
const BUILT: &[(&str, &str)] = &[
    ("-l", CORES),
    ("--lcores", CORES),
    ("-c", CORES),
    ("-s", CORES),
    ("-S", CORES),
    ("--main-lcore", CORES),
    ("-a", DEVICES),
    ("--allow", DEVICES),
    ("-b", DEVICES),
    ("--block", DEVICES),
    ("--vdev", DEVICES),
    ("--no-pci", DEVICES),
    ("-m", MEMORY),
    ("--socket-mem", MEMORY),
    ("--no-huge", MEMORY),
    ("--in-memory", MEMORY),
    ("--huge-dir", MEMORY),
    ("--huge-unlink", MEMORY),
    ("--no-shconf", MEMORY),
    ("--file-prefix", MEMORY),
    ("--proc-type", "the daemon, which is a primary process"),
    ("-h", "lwaftr --help"),
    ("--help", "lwaftr --help"),
    ("-v", "lwaftr --version"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_daemon_builds_is_known_in_every_spelling() {
        for argument in [
            "-l",
            "-l1",
            "-l=1",
            "--lcores=0@1",
            "--vdev=net_null0",
            "-m512",
            "--no-huge",
            "-a",
        ] {
            assert!(built_from(argument).is_some(), "{argument}");
        }
        for argument in [
            "--log-level=lib.eal:debug",
            "-d",
            "--iova-mode=va",
            "--single-file-segments",
            "pmd.so",
        ] {
            assert_eq!(built_from(argument), None, "{argument}");
        }
    }
}
