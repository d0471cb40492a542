//! What can be asked of the writing thread.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use crossbeam_channel::Sender;
use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::path_mtu::News;
use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::softwire_counters::Carried;
use lwaftr_dataplane::table;
use lwaftr_dataplane::table::Builder;
use lwaftr_dataplane::table::Origin;
use lwaftr_dataplane::table::Refusal;
use lwaftr_dataplane::table::Row;
use serde::Serialize;

use super::ChangeError;

/// A change to one softwire.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// Add a binding.
    Add {
        /// The binding.
        binding: Binding,
        /// How long it shall last.
        keep: Keep,
    },
    /// Remove the binding of exactly these ports.
    Remove {
        /// The address.
        ipv4: Ipv4Addr,
        /// The ports.
        ports: PortSet,
        /// How long it shall stay away.
        keep: Keep,
    },
}

impl Change {
    pub(super) fn keep(&self) -> Keep {
        match self {
            Self::Add { keep, .. } | Self::Remove { keep, .. } => *keep,
        }
    }
}

/// How long a change lasts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keep {
    /// Until the daemon restarts.
    UntilRestart,
    /// Over restarts: it is written to the file of saved bindings before it is answered.
    Saved,
}

/// Which softwires are asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Query {
    /// All of an address.
    Address(Ipv4Addr),
    /// The one that owns a port.
    Port(Ipv4Addr, u16),
    /// The one with this PSID.
    Psid(Ipv4Addr, u16),
    /// All of an lwB4.
    B4(Ipv6Addr),
}

/// A softwire that was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// Its binding.
    pub binding: Binding,
    /// Where it came from: `live` or a file.
    pub origin: String,
    /// What it has carried, when that is counted.
    pub carried: Option<Carried>,
}

/// What there is in all.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Summary {
    /// Number of softwires.
    pub softwires: usize,
    /// Octets of the table in use.
    pub table_bytes: u64,
    /// Octets of memory that the table has touched.
    pub table_touched_bytes: u64,
    /// Octets that wait until all workers have seen a change.
    pub retired_bytes: usize,
    /// Changes carried out since start.
    pub changes: u64,
    /// Changes refused since start.
    pub refused: u64,
}

/// A binding of the operator's that has come or gone, for those who hand out what is left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reserved {
    /// It is there.
    Since(Binding),
    /// It is no longer there.
    NoLonger(Binding),
}

/// A question or change with the way back.
#[derive(Debug)]
pub(super) enum Job {
    Change {
        changes: Vec<Change>,
        answer: Sender<Vec<Result<(), ChangeError>>>,
    },
    Get {
        query: Query,
        answer: Sender<Vec<(Row, Option<Carried>)>>,
    },
    Dump {
        answer: Sender<Vec<Binding>>,
    },
    Summary {
        answer: Sender<Summary>,
    },
    /// What becomes of leases; the answer names those that were refused.
    Leases {
        changes: Vec<table::Change>,
        answer: Sender<Vec<usize>>,
    },
    /// Packets that softwires have carried, where that is counted and they are there.
    Carried {
        sets: Vec<(Ipv4Addr, PortSet)>,
        answer: Sender<Vec<Option<u64>>>,
    },
    /// Workers have heard of paths; nobody waits for an answer.
    Paths {
        news: Vec<News>,
    },
    Load {
        builder: Box<Builder>,
        origin: Origin,
        answer: Sender<Result<(), Refusal>>,
    },
}
