//! The daemon and command line of the lwAFTR: configuration, live bindings, API.

pub mod api;
pub mod bench;
pub mod bindings_file;
pub mod check;
pub mod cli;
pub mod client;
pub mod config;
pub mod daemon;
pub mod dispatch;
pub mod exception;
pub mod forwarding;
pub mod lease_store;
pub mod placement;
pub mod provisioning;
pub mod publisher;
pub mod replay;
pub mod roster;
pub mod run;
pub mod softwires;
