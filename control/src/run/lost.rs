//! A start after leases were lost: who is told, and what becomes of leases that may be out of date
//! (PC-142, FO-011, s10.2 of the conformance list).

use std::path::Path;
use std::time::Duration;

use leases::file_store::FileStore;
use leases::moment::Moment;
use leases::row::Row;
use leases::store::LeaseStore;
use pcp::book::Book;
use tracing::info;
use tracing::warn;

use crate::config::Recovery;
use crate::roster;
use crate::roster::Glance;
use crate::roster::Loaded;
use crate::roster::Loss;
use crate::roster::Peers;

/// Those who have to hear of it.
#[derive(Debug)]
pub(crate) struct Lost {
    /// Those who are known.
    pub(crate) peers: Peers,
    /// Whether these are all who had leases.
    pub(crate) is_whole: bool,
}

/// Looks at the roster; whatever is wrong with it is said, and keeps nothing from starting.
pub(super) fn look(path: &Path) -> Glance {
    let glance = roster::glance(path);
    if let Some(trouble) = &glance.trouble {
        let name = path.display();
        warn!("the roster {name}: {trouble}; what can be read of it counts, and it is made anew");
    }
    glance
}

impl Lost {
    /// Whom to tell after `loss`. Without one, a store that is new is a matter for those only whom a group
    /// reaches: who had leases before is not known.
    pub(super) fn find(
        loss: Option<Loss>,
        is_store_new: bool,
        settings: &Recovery,
    ) -> Option<Self> {
        let Some(loss) = loss else {
            let is_told = is_store_new && settings.multicast.is_some();
            return is_told.then(|| Self {
                peers: Peers::default(),
                is_whole: true,
            });
        };
        let Loaded {
            mut peers,
            damaged,
            trouble,
        } = roster::load(&settings.roster);
        peers.settle(&mut fastrand::Rng::new());
        if damaged > 0 {
            warn!("{damaged} records of the roster are damaged");
        }
        warn!(
            lwb4s = peers.len(),
            announce_per_second = settings.pace.per_second,
            "leases were lost: {loss}; all lwB4s that are known are told to ask again"
        );
        Some(Self {
            peers,
            is_whole: damaged == 0 && trouble.is_none(),
        })
    }
}

/// A lease of an older copy: who had its set last may have it back, and nobody else before it would have
/// ended and rested.
pub(super) fn at_rest(row: Row, quarantine: Duration) -> Row {
    match row {
        Row::Held(lease) => Row::Resting {
            until: lease.expires + quarantine,
            lease,
        },
        Row::Resting { .. } => row,
    }
}

/// Has the store know what rests now, so that the next start does not take it for held.
pub(super) fn store_resting(store: &mut FileStore, book: &Book, moment: &Moment) {
    let resting = book.resting_leases();
    let rows: Vec<_> = resting
        .map(|(lease, until)| Row::Resting { lease, until })
        .collect();
    for some in rows.chunks(ROWS) {
        if let Err(error) = store.commit(some, moment) {
            warn!("sets that rest cannot be made durable: {error}");
            return;
        }
    }
    info!(sets = rows.len(), "the leases of an older copy rest");
}

/// Rows of a commit.
const ROWS: usize = 4096;
