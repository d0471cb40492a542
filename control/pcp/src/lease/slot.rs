//! A lease in memory: 72 octets for one like almost all others.
//!
//! A lease names its client three times and has room for every form of address. A slot says once what is the same
//! in a request through a softwire and in one over plain IPv6, and which of few BR addresses it was; what it cannot
//! say is kept whole beside it.
//!
//! Invariant: what comes out is what went in.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use super::Contact;
use super::Lease;
use super::LeaseId;
use super::Path;
use super::Phase;
use crate::instant::Instant;
use crate::port_set::PortSet;
use crate::subscriber::Client;
use crate::wire::Nonce;
use crate::wire::Parity;

/// A lease with what it does, and the next one of its subscriber.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    outer: Ipv6Addr,
    nonce: Nonce,
    set: PortSet,
    granted: Instant,
    expires: Instant,
    /// When its set is free, if it rests.
    until: Instant,
    next: Option<LeaseId>,
    contact_port: u16,
    internal_port: u16,
    br: u8,
    form: Form,
    parity: Parity,
    rests: bool,
}

/// By which way the client asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// Through the softwire, as 192.0.0.2.
    Tunnel,
    /// Over IPv6, as the softwire's end.
    Plain,
}

/// The BR addresses that there have been; pools have few.
#[derive(Clone, Debug, Default)]
pub(super) struct Brs(Vec<Ipv6Addr>);

impl Brs {
    /// The number of an address. When there are no numbers any more, it is that of another.
    fn number(&mut self, br: Ipv6Addr) -> u8 {
        let known = self.0.iter().position(|known| *known == br);
        let number = known.unwrap_or(self.0.len()).min(MOST_BRS);
        if number == self.0.len() {
            self.0.push(br);
        }
        number as u8
    }

    fn address(&self, number: u8) -> Ipv6Addr {
        let address = self.0.get(usize::from(number)).copied();
        address.unwrap_or(Ipv6Addr::UNSPECIFIED)
    }
}

impl Slot {
    /// As much of a lease as a slot can say; all of it if [`Self::lease`] gives the same.
    pub(super) fn new(lease: &Lease, phase: Phase, brs: &mut Brs) -> Self {
        let form = match lease.contact.path {
            Path::Plain => Form::Plain,
            Path::Tunnel | Path::Management(_) => Form::Tunnel,
        };
        Self {
            outer: lease.client.outer,
            nonce: lease.nonce,
            set: lease.set,
            granted: lease.granted,
            expires: lease.expires,
            until: match phase {
                Phase::Active => Instant::default(),
                Phase::Resting(until) => until,
            },
            next: None,
            contact_port: lease.contact.port,
            internal_port: lease.internal_port,
            br: brs.number(lease.br),
            form,
            parity: lease.parity,
            rests: phase != Phase::Active,
        }
    }

    /// The lease that it says.
    #[inline]
    pub(super) fn lease(&self, brs: &Brs) -> Lease {
        let (path, inner) = match self.form {
            Form::Tunnel => (Path::Tunnel, IpAddr::V4(LWB4)),
            Form::Plain => (Path::Plain, IpAddr::V6(self.outer)),
        };
        Lease {
            client: Client {
                outer: self.outer,
                inner,
            },
            set: self.set,
            br: brs.address(self.br),
            nonce: self.nonce,
            granted: self.granted,
            expires: self.expires,
            moved: None,
            contact: Contact {
                path,
                address: inner,
                port: self.contact_port,
            },
            internal_port: self.internal_port,
            parity: self.parity,
        }
    }

    /// What the lease does.
    pub(super) const fn phase(&self) -> Phase {
        if self.rests {
            Phase::Resting(self.until)
        } else {
            Phase::Active
        }
    }

    /// The IPv6 end of the softwire.
    pub(super) const fn outer(&self) -> Ipv6Addr {
        self.outer
    }

    /// The next lease of the same subscriber.
    pub(super) const fn next(&self) -> Option<LeaseId> {
        self.next
    }

    /// Puts another lease behind this one.
    pub(super) const fn set_next(&mut self, next: Option<LeaseId>) {
        self.next = next;
    }
}

/// What a lwB4 is inside its softwire (RFC 6333 s5.7).
const LWB4: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 2);

const MOST_BRS: usize = u8::MAX as usize;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_has_72_octets() {
        assert_eq!(size_of::<Slot>(), 72);
    }

    #[test]
    fn more_br_addresses_than_numbers_are_not_taken_for_each_other() {
        let mut brs = Brs::default();
        let br = |number: u32| Ipv6Addr::from_bits(number.into());
        for number in 0..1000 {
            let at = brs.number(br(number));
            assert_eq!(brs.address(at) == br(number), number <= u8::MAX.into());
        }
    }
}
