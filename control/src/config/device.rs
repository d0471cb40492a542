//! Which device a port is: a PCI address or a DPDK virtual device.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A device that DPDK can drive, named as DPDK names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Device {
    /// A PCI function, with its domain: `0000:3b:00.0`.
    Pci(String),
    /// A virtual device with its arguments: `net_af_packet0,iface=inet0`.
    Virtual(String),
}

impl Device {
    /// The device with its arguments, as DPDK probes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pci(device) | Self::Virtual(device) => device,
        }
    }

    /// The name by which DPDK tells devices apart: without arguments.
    #[must_use]
    pub fn name(&self) -> &str {
        self.as_str().split(',').next().unwrap_or_default()
    }

    /// Whether it is a PCI function.
    #[must_use]
    pub fn is_pci(&self) -> bool {
        matches!(self, Self::Pci(_))
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Device {
    type Err = NoDevice;

    fn from_str(text: &str) -> Result<Self, NoDevice> {
        let (name, arguments) = text.split_once(',').unwrap_or((text, ""));
        if let Some(address) = pci_address(name) {
            return Ok(Self::Pci(address + &text[name.len()..]));
        }
        let clean = |c: char| c.is_ascii_graphic();
        if is_virtual_name(name) && arguments.chars().all(clean) && !text.ends_with(',') {
            return Ok(Self::Virtual(text.to_owned()));
        }
        Err(NoDevice(text.to_owned()))
    }
}

/// A text that names no device.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("'{0}' is neither a PCI address nor a virtual device")]
pub struct NoDevice(String);

/// The address with its domain, which people leave out when it is 0000.
fn pci_address(name: &str) -> Option<String> {
    let parts: Vec<_> = name.split(':').collect();
    let (domain, bus, rest) = match parts[..] {
        [bus, rest] => ("0000", bus, rest),
        [domain, bus, rest] => (domain, bus, rest),
        _ => return None,
    };
    let (slot, function) = rest.split_once('.')?;
    let hex = |text: &str, digits: usize, below: u32| {
        let all_digits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        all_digits && u32::from_str_radix(text, 16).is_ok_and(|value| value < below)
    };
    let valid =
        hex(domain, 4, 1 << 16) && hex(bus, 2, 256) && hex(slot, 2, 32) && hex(function, 1, 8);
    valid.then(|| format!("{domain}:{bus}:{slot}.{function}").to_ascii_lowercase())
}

/// DPDK finds the driver by the front of the name: `net_…`, `eth_…` or `virtio_user…`.
fn is_virtual_name(name: &str) -> bool {
    let known = ["net_", "eth_", "virtio_user"]
        .iter()
        .any(|front| name.starts_with(front));
    known
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pci_address_gets_its_domain() {
        for text in ["0000:3b:00.1", "3b:00.1", "3B:00.1"] {
            assert_eq!(
                text.parse(),
                Ok(Device::Pci("0000:3b:00.1".to_owned())),
                "{text}"
            );
        }
        let with_arguments: Device = "3b:00.1,mprq_en=1".parse().unwrap();
        assert_eq!(with_arguments.as_str(), "0000:3b:00.1,mprq_en=1");
        assert_eq!(with_arguments.name(), "0000:3b:00.1");
    }

    #[test]
    fn a_virtual_device_keeps_its_arguments() {
        let device: Device = "net_af_packet0,iface=inet0".parse().unwrap();
        assert_eq!(device.as_str(), "net_af_packet0,iface=inet0");
        assert_eq!(device.name(), "net_af_packet0");
        assert!(!device.is_pci());
    }

    #[test]
    fn what_dpdk_cannot_probe_is_refused() {
        for text in [
            "",
            "eth0",
            "00:00",
            "3b:20.0",
            "3b:00.8",
            "+b:00.0",
            "net_null0,",
            "net_x 0",
            "net_x,a=b c",
        ] {
            assert_eq!(
                text.parse::<Device>(),
                Err(NoDevice(text.to_owned())),
                "{text}"
            );
        }
    }
}
