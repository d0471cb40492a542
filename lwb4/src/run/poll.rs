//! Waiting for whichever device has something.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::Timespec;
use rustix::event::epoll;
use rustix::event::epoll::Event;
use rustix::event::epoll::EventData;
use rustix::event::epoll::EventFlags;

/// What can have something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Source {
    /// The kernel has an IPv4 packet for the softwire.
    Tun,
    /// The lwAFTR has sent a packet.
    Softwire,
    /// It has sent one to the group of announcements.
    Group,
    /// Somebody complains about the tunnel.
    Icmpv6,
    /// Links, addresses or routes have changed.
    Monitor,
    /// A LAN host speaks PCP.
    Lan,
    /// A DHCPv6 server answers.
    Dhcpv6,
    /// A name server answers.
    Dns,
    /// The API has a request.
    Api,
    /// A signal.
    Signal,
}

/// The set of devices that are waited for.
pub(super) struct Poll {
    epoll: OwnedFd,
    events: Vec<Event>,
}

impl Poll {
    /// Waits for nothing yet.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(ALL.len()),
        })
    }

    /// Waits for `device` too, until it is closed.
    pub(super) fn add(&self, device: impl AsFd, source: Source) -> io::Result<()> {
        let data = EventData::new_u64(source as u64);
        Ok(epoll::add(&self.epoll, device, data, EventFlags::IN)?)
    }

    /// Sleeps until some device has something, or for that long. Says which have.
    pub(super) fn wait(&mut self, patience: Option<Duration>) -> io::Result<Vec<Source>> {
        // The clock is finer than the timer: never wakes early, to find nothing due and sleep again.
        let patience = patience.map(|patience| Timespec {
            tv_sec: patience.as_secs().min(MAX_WAIT_S) as i64,
            tv_nsec: patience.subsec_nanos().into(),
        });
        self.events.clear();
        let spare = rustix::buffer::spare_capacity(&mut self.events);
        match epoll::wait(&self.epoll, spare, patience.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready = self.events.iter().filter_map(|event| {
            let data = event.data.u64();
            ALL.into_iter().find(|source| *source as u64 == data)
        });
        Ok(ready.collect())
    }
}

const ALL: [Source; 10] = [
    Source::Tun,
    Source::Softwire,
    Source::Group,
    Source::Icmpv6,
    Source::Monitor,
    Source::Lan,
    Source::Dhcpv6,
    Source::Dns,
    Source::Api,
    Source::Signal,
];
/// A day: what is later is asked for again.
const MAX_WAIT_S: u64 = 86_400;
