//! What the control thread sends: an IP or ARP packet and the neighbour it goes to.

use lwaftr_dataplane::side::Side;
use lwaftr_dataplane::wire::ethernet::Mac;

/// A packet to a neighbour; whoever sends it knows our own address and the VLAN.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    /// The side it leaves by.
    pub side: Side,
    /// The neighbour.
    pub destination: Mac,
    /// What the payload is.
    pub ether_type: u16,
    /// From the first octet behind the Ethernet header on.
    pub payload: Vec<u8>,
}
