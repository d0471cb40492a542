//! The daemon and command line of the lwAFTR: configuration, live bindings, API.

pub mod bindings_file;
pub mod check;
pub mod cli;
pub mod config;
pub mod dispatch;
pub mod softwires;
