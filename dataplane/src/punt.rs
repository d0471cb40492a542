//! What goes up to the control thread, and in which class.
//!
//! Each class has a ring of its own, so that a flood of one leaves the others as they are: a next hop
//! does not age because all the world asks for port sets.

use crate::counters::Counter;

/// What a packet for this box itself is about. The order is that in which control takes them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum PuntClass {
    /// ARP, and neighbour discovery from the link (RFC 826, RFC 4861): without it nothing is sent.
    Neighbour,
    /// Echo and other ICMP to our addresses, inside tunnels too.
    Icmp,
    /// PCP requests where they may come from (PC-001): in a tunnel, to the address that we have there.
    Pcp,
    /// Whatever else is addressed to us.
    Other,
}

impl PuntClass {
    /// Every class, in order.
    pub const ALL: [Self; Self::COUNT] = [Self::Neighbour, Self::Icmp, Self::Pcp, Self::Other];
    /// Number of classes.
    pub const COUNT: usize = 4;

    /// The counter of packets that were handed to the control thread.
    #[must_use]
    pub const fn counter(self) -> Counter {
        match self {
            Self::Neighbour => Counter::PuntedNeighbour,
            Self::Icmp => Counter::PuntedIcmp,
            Self::Pcp => Counter::PuntedPcp,
            Self::Other => Counter::PuntedOther,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_numbered_in_their_order_and_counted_apart() {
        for (number, class) in PuntClass::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, number);
            assert_eq!(
                class.counter() as usize,
                Counter::PuntedNeighbour as usize + number
            );
        }
    }
}
