//! The two sides of the box.

/// A side: what a packet comes from or leaves by.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Side {
    /// Towards the IPv4 Internet.
    Internet,
    /// Towards the lwB4s.
    Access,
}
