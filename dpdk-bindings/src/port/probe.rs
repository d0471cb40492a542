//! From a device's name to its port number, and a helpful answer when there is none.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::ffi::CString;
use std::fs;
use std::path::Path;

use super::error::PortError;
use crate::eal::Eal;
use crate::errno::Errno;

/// Who brought the device into being, and so who removes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Origin {
    /// The EAL, by its arguments.
    EalArguments,
    /// `Port::open`.
    OpenedHere,
}

/// The port of the device, brought up if the EAL has not yet done so.
pub(super) fn probe(eal: &Eal, device: &str, c_device: &CStr) -> Result<(u16, Origin), PortError> {
    let name = device.split(',').next().unwrap_or(device);
    if let Some(id) = port_by_name(name) {
        return Ok((id, Origin::EalArguments));
    }
    let failed = |cause| PortError::Open {
        device: device.to_owned(),
        cause,
        hint: match cause.code() {
            libc::EPERM | libc::EACCES if !is_root() => PRIVILEGES.to_owned(),
            _ => hint(eal, name),
        },
    };
    // SAFETY: the EAL runs; the text is terminated and only read.
    let returned = unsafe { dpdk_sys::rte_dev_probe(c_device.as_ptr()) };
    let origin = match Errno::check(returned) {
        Ok(_) => Origin::OpenedHere,
        Err(cause) if cause.code() == libc::EEXIST => Origin::EalArguments,
        Err(cause) => return Err(failed(cause)),
    };
    port_by_name(name)
        .or_else(|| first_port_of(c_device))
        .map(|id| (id, origin))
        .ok_or_else(|| failed(Errno::new(libc::ENODEV)))
}

fn port_by_name(name: &str) -> Option<u16> {
    let name = CString::new(name).ok()?;
    let mut id = 0;
    // SAFETY: the text is terminated and only read; the number is written on success.
    let returned = unsafe { dpdk_sys::rte_eth_dev_get_port_by_name(name.as_ptr(), &mut id) };
    (returned == 0).then_some(id)
}

/// For drivers that name ports otherwise than their devices.
fn first_port_of(device: &CStr) -> Option<u16> {
    let mut iterator = dpdk_sys::rte_dev_iterator::default();
    // SAFETY: initialises the iterator, which is ours; the text is terminated and only read.
    let returned = unsafe { dpdk_sys::rte_eth_iterator_init(&mut iterator, device.as_ptr()) };
    if returned != 0 {
        return None;
    }
    // SAFETY: initialised above.
    let id = unsafe { dpdk_sys::rte_eth_iterator_next(&mut iterator) };
    // SAFETY: initialised above; may be called after the last port too.
    unsafe { dpdk_sys::rte_eth_iterator_cleanup(&mut iterator) };
    (u32::from(id) < dpdk_sys::RTE_MAX_ETHPORTS).then_some(id)
}

/// Some drivers say EPERM for whatever fails, so root is not told that it is no root.
fn is_root() -> bool {
    // SAFETY: reads a number of this process, and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

fn hint(eal: &Eal, name: &str) -> String {
    if is_pci_address(name) {
        pci_hint(eal, name)
    } else {
        let drivers = drivers().join(" ");
        format!("is the driver one of these, and does it take these arguments: {drivers}")
    }
}

fn pci_hint(eal: &Eal, address: &str) -> String {
    if !eal.has_pci() {
        return "the EAL was started without PCI".to_owned();
    }
    let devices = Path::new("/sys/bus/pci/devices");
    let full = if address.matches(':').count() == 1 {
        format!("0000:{address}")
    } else {
        address.to_owned()
    };
    if devices.join(&full).exists() {
        let driver = kernel_driver(&devices.join(&full));
        return format!("it is bound to {driver}; most devices must be bound to vfio-pci");
    }
    let known: Vec<String> = network_devices(devices)
        .map(|(address, driver)| format!("{address} ({driver})"))
        .collect();
    if known.is_empty() {
        "this machine has no PCI network devices".to_owned()
    } else {
        format!("the PCI network devices here are {}", known.join(", "))
    }
}

/// `[domain:]bus:device.function`, in hexadecimal digits.
fn is_pci_address(name: &str) -> bool {
    let parts: Vec<&str> = name.split([':', '.']).collect();
    (3..=4).contains(&parts.len())
        && name.matches('.').count() == 1
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The network devices on the bus and the kernel drivers they are bound to.
fn network_devices(devices: &Path) -> impl Iterator<Item = (String, String)> {
    fs::read_dir(devices)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            fs::read_to_string(entry.path().join("class"))
                .is_ok_and(|class| class.starts_with(PCI_CLASS_NETWORK))
        })
        .map(|entry| {
            let address = entry.file_name().to_string_lossy().into_owned();
            (address, kernel_driver(&entry.path()))
        })
}

fn kernel_driver(device: &Path) -> String {
    fs::read_link(device.join("driver"))
        .ok()
        .and_then(|link| Some(link.file_name()?.to_string_lossy().into_owned()))
        .unwrap_or_else(|| "no driver".to_owned())
}

/// The network drivers that the distribution's DPDK brings.
fn drivers() -> Vec<String> {
    let folder = String::from_utf8_lossy(dpdk_sys::RTE_EAL_PMD_PATH);
    let files = fs::read_dir(folder.trim_end_matches('\0'));
    let names: BTreeSet<String> = files
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let file = entry.file_name().into_string().ok()?;
            let name = file.strip_prefix("librte_")?.split('.').next()?;
            name.starts_with("net_").then(|| name.to_owned())
        })
        .collect();
    names.into_iter().collect()
}

const PRIVILEGES: &str = "run as root, or grant CAP_NET_RAW and CAP_NET_ADMIN";
/// PCI base class 02h, as sysfs writes it.
const PCI_CLASS_NETWORK: &str = "0x02";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pci_addresses_are_told_from_virtual_devices() {
        for name in ["0000:3b:00.0", "3b:00.1", "10000:e1:00.0"] {
            assert!(is_pci_address(name), "{name}");
        }
        for name in [
            "net_pcap0",
            "net_memif0",
            "eth0",
            "3b:00",
            "0000:3b:00.",
            "",
            "a:b:c",
        ] {
            assert!(!is_pci_address(name), "{name}");
        }
    }

    #[test]
    fn the_distributions_drivers_are_listed() {
        let drivers = drivers();
        assert!(drivers.contains(&"net_pcap".to_owned()), "{drivers:?}");
        assert!(drivers.contains(&"net_ring".to_owned()), "{drivers:?}");
    }
}
