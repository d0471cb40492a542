//! One softwire as the packet path reads it: half a cache line, immutable while any reader may see it, but for two atomic words.
//!
//! The port set's number is stored with a mark in `tag`; the reader compares it with the one it computed
//! from the packet, so a place that holds another set, or none, is a miss without a second load.

use std::fmt;

use super::br::BrIndex;
use super::sync::AtomicU16;
use super::sync::AtomicU32;
use super::sync::Frozen;
use super::sync::Ordering;

/// An entry of the binding table (RFC 7596 s3: lwB4 address, IPv4 address, port set).
#[derive(Debug)]
#[repr(C, align(32))]
pub struct Softwire {
    fields: Frozen<Fields>,
    path_mtu: AtomicU16,
    id: AtomicU32,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Softwire>() == 32);

/// The part of an entry that never changes once readers can see it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(C)]
pub(super) struct Fields {
    pub(super) b4: [u8; 16],
    pub(super) tag: Tag,
    pub(super) br: BrIndex,
    pub(super) origin: Origin,
}

impl Softwire {
    pub(super) fn new(fields: Fields, id: SoftwireId, path_mtu: PathMtu) -> Self {
        Self {
            fields: Frozen::new(fields),
            path_mtu: AtomicU16::new(path_mtu.0),
            id: AtomicU32::new(id.0),
        }
    }

    /// A place of a block that no port set has taken.
    pub(super) fn vacant() -> Self {
        let fields = Fields {
            b4: [0; 16],
            tag: Tag::VACANT,
            br: BrIndex::FIRST,
            origin: Origin(0),
        };
        Self::new(fields, SoftwireId(0), PathMtu::default())
    }

    /// The lwB4's IPv6 address.
    #[must_use]
    #[inline(always)]
    pub fn b4(&self) -> [u8; 16] {
        self.fields.read().b4
    }

    /// The number of the softwire's BR address, for [`Table::br`](super::Table::br).
    #[must_use]
    #[inline(always)]
    pub fn br(&self) -> BrIndex {
        self.fields.read().br
    }

    /// The number of this softwire's port set, a plain value (GM-005).
    #[must_use]
    #[inline(always)]
    pub fn psid(&self) -> u16 {
        self.fields.read().tag.psid()
    }

    /// The dense number of this softwire, below [`Table::ids`](super::Table::ids), for counters.
    #[must_use]
    #[inline(always)]
    pub fn id(&self) -> SoftwireId {
        SoftwireId(self.id.load(Ordering::Relaxed))
    }

    /// What the path to the lwB4 takes (IC-007).
    #[must_use]
    #[inline(always)]
    pub fn path_mtu(&self) -> PathMtu {
        PathMtu(self.path_mtu.load(Ordering::Relaxed))
    }

    /// Where the binding came from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.fields.read().origin
    }

    #[inline(always)]
    pub(super) fn tag(&self) -> Tag {
        self.fields.read().tag
    }

    pub(super) fn fields(&self) -> Fields {
        self.fields.read()
    }

    pub(super) fn mark_path_mtu(&self, mtu: PathMtu) {
        self.path_mtu.store(mtu.0, Ordering::Relaxed);
    }

    /// Gives another number, in a table that is not published.
    pub(super) fn renumber(&self, id: SoftwireId) {
        self.id.store(id.0, Ordering::Relaxed);
    }

    /// A second entry with the same content, for a block that is copied to be changed.
    pub(super) fn duplicate(&self) -> Self {
        Self::new(self.fields(), self.id(), self.path_mtu())
    }

    /// Overwrites an entry that no reader can see, where loom can watch.
    #[cfg(loom)]
    pub(super) fn overwrite(&self, with: &Self) {
        self.fields.write(with.fields());
        self.mark_path_mtu(with.path_mtu());
        self.renumber(with.id());
    }
}

/// The PSID of a bound place, with a mark that a vacant place lacks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(transparent)]
pub(super) struct Tag(u32);

impl Tag {
    /// What a place holds that nobody has taken: all zero, as fresh memory is.
    pub(super) const VACANT: Self = Self(0);
    /// What a packet computes that belongs to no port set; no place holds it.
    pub(super) const NOBODY: Self = Self(u32::MAX);
    const BOUND: u32 = 1 << 16;

    #[inline(always)]
    pub(super) const fn bound(psid: u32) -> Self {
        Self(Self::BOUND | psid)
    }

    #[inline(always)]
    pub(super) const fn is_bound(self) -> bool {
        self.0 != Self::VACANT.0
    }

    pub(super) const fn psid(self) -> u16 {
        self.0 as u16
    }
}

/// The dense number of a softwire; reused, after every reader has let go, for another one.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SoftwireId(pub(super) u32);

impl SoftwireId {
    /// The number itself.
    #[must_use]
    #[inline(always)]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for SoftwireId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which file or source a binding came from, as numbered by whoever publishes.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Origin(pub u16);

/// Octets of IPv6 that the path to a lwB4 takes, as far as is known (IC-007).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PathMtu(pub u16);

impl PathMtu {
    /// Nothing is known: the path takes what the port takes.
    pub const UNKNOWN: Self = Self(0);

    /// Whether the path takes a tunnel packet of so many octets, at most 64 KiB, for all that is known.
    #[must_use]
    #[inline(always)]
    pub const fn takes(self, ipv6_len: usize) -> bool {
        // One compare for both: what is unknown becomes the largest number there is.
        ipv6_len <= self.0.wrapping_sub(1) as usize + 1
    }

    /// The smaller of this and what the port takes.
    #[must_use]
    pub fn within(self, port_mtu: usize) -> usize {
        match self {
            Self::UNKNOWN => port_mtu,
            Self(octets) => port_mtu.min(usize::from(octets)),
        }
    }
}
