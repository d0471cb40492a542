//! The states of the conformance list, s10.1.

use std::fmt;

/// Where the lwB4 is on its way to a port set. With several sets it is the way of the first one.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum State {
    /// No tunnel, or nothing is wanted.
    #[default]
    Idle,
    /// The tunnel's two ends are known, and nothing was asked yet.
    TunnelUp,
    /// Asked, and no answer yet.
    Requesting,
    /// A set is in use.
    Bound,
    /// A set is in use, and it was asked for again.
    Renewing,
    /// Another set takes the place of the one in use. It lasts no time.
    Rebind,
    /// The set's lifetime is over, or the server took it back.
    Expired,
    /// The server refused; it is asked again later.
    Backoff,
    /// The set is being given back.
    Release,
}

impl State {
    /// The name in status, logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::TunnelUp => "tunnel-up",
            Self::Requesting => "requesting",
            Self::Bound => "bound",
            Self::Renewing => "renewing",
            Self::Rebind => "rebind",
            Self::Expired => "expired",
            Self::Backoff => "backoff",
            Self::Release => "release",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
