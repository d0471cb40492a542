//! What is between a daemon and its operator on one machine: a Unix socket that only the daemon's user may
//! open, and JSON values as tables that fit a terminal.

pub mod socket;
pub mod table;
