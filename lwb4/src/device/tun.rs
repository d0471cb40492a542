//! The TUN device between the kernel's IPv4 and us.
//!
//! The kernel hands over TCP and UDP in packets of many segments, and takes them so (`IFF_VNET_HDR`):
//! what a system call costs is spread over up to 64 KiB. The device lives as long as this value.

use std::io;
use std::io::IoSliceMut;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;

use tun_rs::DeviceBuilder;
use tun_rs::SyncDevice;

use crate::tunnel::DropReason;
use crate::tunnel::Offload;
use crate::tunnel::coalesce::Bundle;
use crate::tunnel::virtio;

/// A TUN device.
pub struct Tun {
    device: SyncDevice,
    name: String,
    index: u32,
}

/// What one read brought.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packet {
    /// Octets of the packet at the start of the buffer.
    pub len: usize,
    /// What the kernel left to do.
    pub offload: Offload,
}

impl Tun {
    /// Creates the device, down and without addresses ([`super::netlink::Netlink::bring_up`]).
    ///
    /// # Errors
    /// When the system refuses, as without CAP_NET_ADMIN, or has a device of this name.
    pub fn create(name: &str) -> io::Result<Self> {
        let device = DeviceBuilder::new()
            .name(name)
            .offload(true)
            .inherit_enable_state()
            .build_sync()?;
        device.set_nonblocking(true)?;
        let (name, index) = (device.name()?, device.if_index()?);
        Ok(Self {
            device,
            name,
            index,
        })
    }

    /// Its name, which the system may have completed.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its interface index.
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// Reads a packet into `buffer`, which has [`BUFFER`] octets; `None` when there is none.
    ///
    /// # Errors
    /// When the device is gone, or a packet is marked in a way that was not asked for; the latter is no
    /// failure of the device.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<Option<Result<Packet, DropReason>>> {
        let mut header = [0; virtio::HEADER];
        let mut slices = [IoSliceMut::new(&mut header), IoSliceMut::new(buffer)];
        let read = match self.device.recv_vectored(&mut slices) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        };
        let len = read.saturating_sub(virtio::HEADER);
        Ok(Some(
            Offload::read(&header).map(|offload| Packet { len, offload }),
        ))
    }

    /// Writes a packet. Says whether the kernel took it: it drops what its queue has no room for.
    ///
    /// # Errors
    /// When the device is gone or down, or the kernel finds the packet malformed.
    pub fn write(&self, bundle: &Bundle<'_>) -> io::Result<bool> {
        match self.device.send_vectored(bundle.slices()) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl AsFd for Tun {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}

/// Octets that the largest packet has.
pub const BUFFER: usize = 65536;
