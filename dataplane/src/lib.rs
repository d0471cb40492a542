//! The packet path of the lwAFTR (RFC 7596): wire views, binding table, pipeline, workers, counters.
//!
//! Everything here compiles, tests and fuzzes without DPDK; the feature `dpdk` brings the real ports in.

pub mod binding;
pub mod burst;
pub mod counters;
#[cfg(feature = "dpdk")]
pub mod dpdk_ports;
pub mod drop_reason;
#[cfg(feature = "dpdk")]
pub mod exchange;
pub mod forwarding;
pub mod fragmentation;
pub mod heap_packet;
pub mod instant;
mod keyed_hash;
pub mod limiter;
mod lines;
pub mod next_hops;
pub mod packet;
pub mod path_mtu;
pub mod pipeline;
pub mod port_set;
pub mod ports;
mod prefetch;
pub mod punt;
pub mod punt_limits;
pub mod reassembly;
pub mod side;
pub mod softwire_counters;
pub mod subscriber_prefix;
pub mod table;
pub mod virtual_reassembly;
pub mod wire;
pub mod worker;
