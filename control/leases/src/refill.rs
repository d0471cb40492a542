//! Filling a book with what was stored.

use pcp::book::Book;
use pcp::book::BookError;
use pcp::book::Filling;
use pcp::lease::Phase;

use crate::row::Row;

/// A book that is being filled, and who hears of rows that it does not take.
pub struct Refill<'a, R> {
    filling: Filling<'a>,
    refused: R,
}

impl<'a, R: FnMut(Row, BookError)> Refill<'a, R> {
    /// Begins to fill `book` with about `expected` rows; `refused` gets those of sets that it does not hand out, or
    /// has already.
    pub fn new(book: &'a mut Book, expected: usize, refused: R) -> Self {
        Self {
            filling: book.fill(expected),
            refused,
        }
    }

    /// Takes in a row.
    pub fn add(&mut self, row: Row) {
        let phase = match row {
            Row::Held(_) => Phase::Active,
            Row::Resting { until, .. } => Phase::Resting(until),
        };
        if let Err(error) = self.filling.add(row.lease(), phase) {
            (self.refused)(row, error);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use pcp::pool::Ipv4Prefix;
    use pcp::pool::Owner;
    use pcp::pool::PcpPorts;
    use pcp::pool::PoolConfig;
    use pcp::pool::Pools;

    use super::*;
    use crate::samples::later;
    use crate::samples::lease;

    /// A book with one address of 64 sets fewer than the rows need.
    fn book() -> Book {
        let pools = Pools::new(vec![PoolConfig {
            name: "pool".to_owned(),
            prefix: Ipv4Prefix::new(Ipv4Addr::new(10, 0, 0, 0), 31).unwrap(),
            psid_length: 6,
            br: lease(0).br,
            owner: Owner::Pcp,
            clients: Vec::new(),
            reserved: Vec::new(),
            exclude_ports: Vec::new(),
            pcp_ports: PcpPorts::Included,
        }]);
        let quarantine = Duration::from_secs(120);
        Book::new(pools.unwrap(), 56, quarantine, later(0).monotonic)
    }

    #[test]
    fn every_row_is_entered_or_told_of() {
        let mut book = book();
        let mut refused = Vec::new();
        let until = later(9000).monotonic;
        let mut refill = Refill::new(&mut book, 130, |row: Row, _| refused.push(row.set()));
        // Those that are refused come first: they have all before them chained.
        for number in (0..130).rev() {
            let lease = lease(number);
            refill.add(if number % 2 == 0 {
                Row::Held(lease)
            } else {
                Row::Resting { lease, until }
            });
        }
        drop(refill);
        assert_eq!(book.counts(), (64, 64));
        assert!(book.leases().any(|held| held == lease(126)));
        assert!(
            book.resting_leases()
                .any(|resting| resting == (lease(127), until))
        );
        assert_eq!(refused, [lease(129).set, lease(128).set]);
        assert_eq!(book.of_subscriber(lease(0).client.outer).count(), 128);
        // Of 10.0.0.0 and 10.0.0.1, of each those with even PSIDs.
        let by_address: Vec<_> = book.leases_by_address().collect();
        let expected: Vec<_> = (0..128).step_by(2).map(lease).collect();
        assert_eq!(by_address, expected);
    }
}
