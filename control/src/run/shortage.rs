//! Noticing that fragments will soon find no room, before they do (FR-010, RFC 6333 s6.3).

use std::fmt;

/// Fragments of one kind that wait at a worker, and how many may.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    kind: Kind,
    /// How many may wait at each worker.
    most: u64,
    is_short: bool,
}

/// Whose fragments.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Of tunnel packets, which are put together.
    Ipv6,
    /// Of packets in softwires, which follow their first.
    Ipv4,
}

/// What has changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    /// So many of so many wait: soon the oldest are dropped for new ones.
    Short { held: u64, most: u64 },
    /// There is room again.
    Relieved,
}

impl Watch {
    pub(super) fn new(kind: Kind, most: usize) -> Self {
        Self {
            kind,
            most: most as u64,
            is_short: false,
        }
    }

    /// Whose fragments are watched.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Looks at how many wait at each worker; the worst counts.
    pub(super) fn look(&mut self, held: impl IntoIterator<Item = u64>) -> Option<Change> {
        if self.most == 0 {
            // Nothing may wait at all, and that does not change.
            return None;
        }
        let held = held.into_iter().max().unwrap_or(0);
        let (percent, most) = (held * 100, self.most);
        if !self.is_short && percent >= most * SHORT_PERCENT {
            self.is_short = true;
            return Some(Change::Short { held, most });
        }
        if self.is_short && percent <= most * RELIEVED_PERCENT {
            self.is_short = false;
            return Some(Change::Relieved);
        }
        None
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv6 => "IPv6",
            Self::Ipv4 => "IPv4",
        })
    }
}

/// Late enough to be true, early enough to act.
const SHORT_PERCENT: u64 = 80;
/// Far enough below that a level which sways says nothing.
const RELIEVED_PERCENT: u64 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fr_010_it_is_said_once_before_room_runs_out_and_once_when_it_is_back() {
        let mut watch = Watch::new(Kind::Ipv6, 1000);
        let mut look = |held| watch.look(held);
        assert_eq!(look([799, 0]), None);
        let short = Change::Short {
            held: 800,
            most: 1000,
        };
        assert_eq!(look([3, 800]), Some(short));
        assert_eq!(look([1000, 1000]), None);
        assert_eq!(look([501, 0]), None);
        assert_eq!(look([500, 499]), Some(Change::Relieved));
        assert_eq!(look([0, 0]), None);
        assert_eq!(Watch::new(Kind::Ipv6, 0).look([0]), None);
    }
}
