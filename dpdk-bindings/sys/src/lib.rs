//! Raw bindings of DPDK 22.11, generated over an allow-list, and the C shim for its inline functions.
//!
//! Nothing here is safe to call as it stands; the crate `dpdk` is the only intended user.

#![allow(
    missing_docs,
    reason = "generated; the DPDK headers document these items"
)]
#![allow(
    clippy::all,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    unnecessary_transmutes,
    reason = "generated after the C names"
)]
#![allow(
    unsafe_code,
    unsafe_op_in_unsafe_fn,
    clippy::missing_safety_doc,
    clippy::multiple_unsafe_ops_per_block,
    clippy::undocumented_unsafe_blocks,
    reason = "generated: bit-field accessors and layout checks"
)]

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
