//! Packets that are received and processed together.

use arrayvec::ArrayVec;

/// Most packets in a burst.
pub const BURST_MAX: usize = 64;

/// Packets that are processed together.
pub type Burst<P> = ArrayVec<P, BURST_MAX>;
