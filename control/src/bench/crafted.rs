//! Packets that are not plain traffic, as octets and what to put into them.
//!
//! They are written more slowly than a plain [template](crate::bench::traffic::Template) is; the floor,
//! which writes them too, pays the same for it.

use std::ops::Range;

use lwaftr_dataplane::wire::checksum;

use crate::bench::traffic::Key;

/// A packet of which few octets depend on whose it is.
#[derive(Clone, Debug)]
pub struct Crafted {
    /// The frame's begin; what follows may be anything.
    octets: Vec<u8>,
    /// The frame's length as it arrives, without FCS.
    len: usize,
    fields: Vec<(usize, Field)>,
    sums: Vec<Sum>,
    belongs: Belongs,
}

/// What is put into a packet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    /// The subscriber's address.
    Address,
    /// An address that nobody has, another for each subscriber's.
    UnboundAddress,
    /// A port of the subscriber's.
    Port,
    /// The end of the lwB4's address.
    Softwire,
    /// The address of another subscriber.
    PeerAddress,
    /// A port of that other one's.
    PeerPort,
    /// The low half of a number that no other packet had lately.
    ShortSerial,
    /// That number.
    Serial,
    /// The address of a host of the Internet, another one each time.
    AnyHost,
    /// The second half of a lwB4's prefix, another one each time.
    AnyPrefix,
}

/// An Internet checksum.
#[derive(Clone, Debug)]
struct Sum {
    at: usize,
    over: Range<usize>,
    /// Bits that are wrong in it.
    wrong: u16,
}

/// Whose a packet is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Belongs {
    /// The next subscriber's.
    ToNext,
    /// That of the packet before: it is a part of the same.
    ToLast,
}

/// Whom a packet is written for.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'k> {
    /// The subscriber.
    pub key: &'k Key,
    /// Another one.
    pub peer: &'k Key,
    /// How many were written for before, less what a number of this size cannot hold.
    pub serial: u32,
}

impl Crafted {
    /// A frame of `len` octets that begins with these.
    pub(super) fn new(octets: Vec<u8>, len: usize) -> Self {
        Self {
            octets,
            len,
            fields: Vec::new(),
            sums: Vec::new(),
            belongs: Belongs::ToNext,
        }
    }

    /// The same with `field` at `at`.
    pub(super) fn with(mut self, field: Field, at: usize) -> Self {
        self.fields.push((at, field));
        self
    }

    /// The same with the checksum of `over` at `at`, within it.
    pub(super) fn with_sum(mut self, over: Range<usize>, at: usize) -> Self {
        self.sums.push(Sum { at, over, wrong: 0 });
        self
    }

    /// The same with checksums that are wrong.
    pub(super) fn malformed(mut self) -> Self {
        for sum in &mut self.sums {
            sum.wrong = 0x0100;
        }
        self
    }

    /// The same as a further part of the packet before.
    pub(super) fn of_the_same(mut self) -> Self {
        self.belongs = Belongs::ToLast;
        self
    }

    /// Octets of the frame, without FCS.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the frame has no octets.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn belongs(&self) -> Belongs {
        self.belongs
    }

    /// Writes the packet of `visit` to the front of `frame`.
    ///
    /// # Panics
    /// When the frame is shorter than the octets.
    #[inline]
    pub fn write(&self, frame: &mut [u8], visit: &Visit<'_>) {
        let Visit { key, peer, serial } = *visit;
        frame[..self.octets.len()].copy_from_slice(&self.octets);
        for (at, field) in &self.fields {
            let frame = &mut frame[*at..];
            match field {
                Field::Address => frame[..4].copy_from_slice(&key.ipv4),
                Field::UnboundAddress => {
                    frame[..4].copy_from_slice(&key.ipv4);
                    frame[0] += UNBOUND;
                }
                Field::Port => frame[..2].copy_from_slice(&key.port),
                Field::Softwire => frame[..4].copy_from_slice(&key.softwire),
                Field::PeerAddress => frame[..4].copy_from_slice(&peer.ipv4),
                Field::PeerPort => frame[..2].copy_from_slice(&peer.port),
                Field::ShortSerial => frame[..2].copy_from_slice(&(serial as u16).to_be_bytes()),
                Field::Serial => frame[..4].copy_from_slice(&serial.to_be_bytes()),
                Field::AnyHost => {
                    frame[..4].copy_from_slice(&scattered(serial).to_be_bytes());
                    frame[0] = frame[0] % HOST_NETWORKS + FIRST_HOST_NETWORK;
                }
                Field::AnyPrefix => {
                    frame[..4].copy_from_slice(&scattered(serial).to_be_bytes());
                }
            }
        }
        for Sum { at, over, wrong } in &self.sums {
            let sum = !checksum::sum(&frame[over.clone()]) ^ wrong;
            frame[*at..at + 2].copy_from_slice(&sum.to_be_bytes());
        }
    }
}

/// A number far from that of the one before; all come before one comes again.
const fn scattered(serial: u32) -> u32 {
    serial.wrapping_mul(0x9e37_79b9)
}

/// Hosts are in 96.0.0.0/4, where no subscriber is.
const FIRST_HOST_NETWORK: u8 = 96;
const HOST_NETWORKS: u8 = 16;
/// From the first octet of a subscriber's address, 20 to 22, to that of one which nobody has.
const UNBOUND: u8 = 40;
