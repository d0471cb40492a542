//! Mapping Updates: what a client did not ask for, told three times unless it refreshes before
//! (PC-145). Of leases, and of the mappings of a NAT.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::time::Duration;

use hashbrown::HashMap;

use crate::instant::Instant;
use crate::lease::Lease;
use crate::port_set::PortSet;

/// What an update is about.
pub trait Told: Clone {
    /// What tells one mapping from another.
    type Key: Copy + Eq + Hash;

    /// The mapping that it tells of.
    fn key(&self) -> Self::Key;
}

impl Told for Lease {
    type Key = PortSet;

    fn key(&self) -> PortSet {
        self.set
    }
}

/// Updates that are still to be sent; for a lease [`super::Server::mapping_update`] writes each.
#[derive(Clone, Debug)]
pub struct Updates<T: Told = Lease> {
    queue: BTreeMap<(Instant, u64), Update<T>>,
    places: HashMap<T::Key, (Instant, u64)>,
    numbered: u64,
}

#[derive(Clone, Debug)]
struct Update<T> {
    told: T,
    sent: usize,
}

impl<T: Told> Default for Updates<T> {
    fn default() -> Self {
        Self {
            queue: BTreeMap::new(),
            places: HashMap::new(),
            numbered: 0,
        }
    }
}

impl<T: Told> Updates<T> {
    /// Tells the client about its mapping, from now on; what was still to be told about it is dropped.
    pub fn add(&mut self, told: T, now: Instant) {
        self.cancel(told.key());
        self.enqueue(Update { told, sent: 0 }, now);
    }

    /// The client has refreshed, or the mapping is no longer its own.
    pub fn cancel(&mut self, key: T::Key) {
        if let Some(place) = self.places.remove(&key) {
            self.queue.remove(&place);
        }
    }

    /// When the next one is due; `None` when all are sent.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.queue.keys().next().map(|(due, _)| *due)
    }

    /// The next one, if it is due.
    pub fn pop(&mut self, now: Instant) -> Option<T> {
        let entry = self.queue.first_entry()?;
        if entry.key().0 > now {
            return None;
        }
        let update = entry.remove();
        self.places.remove(&update.told.key());
        if let Some(gap) = GAPS.get(update.sent) {
            let again = Update {
                told: update.told.clone(),
                sent: update.sent + 1,
            };
            self.enqueue(again, now + *gap);
        }
        Some(update.told)
    }

    fn enqueue(&mut self, update: Update<T>, due: Instant) {
        self.numbered += 1;
        let place = (due, self.numbered);
        self.places.insert(update.told.key(), place);
        self.queue.insert(place, update);
    }
}

/// Between the three copies (RFC 6887 s14.2).
const GAPS: [Duration; 2] = [Duration::from_millis(250), Duration::from_millis(500)];

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::net::Ipv4Addr;
    use std::net::Ipv6Addr;

    use super::*;
    use crate::lease::Contact;
    use crate::lease::Path;
    use crate::subscriber::Client;
    use crate::wire::Nonce;
    use crate::wire::Parity;

    fn lease(psid: u16) -> Lease {
        let inner = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 2));
        Lease {
            client: Client {
                outer: Ipv6Addr::LOCALHOST,
                inner,
            },
            set: PortSet::new(Ipv4Addr::new(192, 0, 2, 1), 6, psid).unwrap(),
            br: Ipv6Addr::LOCALHOST,
            nonce: Nonce::default(),
            granted: Instant::default(),
            expires: Instant::from_secs(3600),
            moved: None,
            contact: Contact {
                path: Path::Tunnel,
                address: inner,
                port: 40000,
            },
            internal_port: 1,
            parity: Parity::Any,
        }
    }

    #[test]
    fn pc_145_an_update_is_sent_three_times() {
        let start = Instant::from_secs(1);
        let mut updates = Updates::default();
        updates.add(lease(7), start);
        let mut times = Vec::new();
        while let Some(due) = updates.due() {
            assert_eq!(updates.pop(Instant::from_nanos(due.as_nanos() - 1)), None);
            assert_eq!(updates.pop(due), Some(lease(7)));
            times.push(due.since(start).as_millis());
        }
        assert_eq!(times, [0, 250, 750]);
    }

    #[test]
    fn pc_145_a_refresh_ends_it_and_another_update_takes_its_place() {
        let start = Instant::from_secs(1);
        let mut updates = Updates::default();
        updates.add(lease(7), start);
        updates.add(lease(8), start);
        updates.pop(start);
        updates.cancel(lease(7).set);
        updates.add(lease(8), start);
        let sent: Vec<_> = std::iter::from_fn(|| {
            let due = updates.due()?;
            updates.pop(due)
        })
        .collect();
        assert_eq!(sent, [lease(8); 3]);
    }
}
