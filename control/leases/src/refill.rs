//! Filling a book with what was stored.
//!
//! A book of millions of leases is far larger than any cache, and every row touches places all over it. Rows
//! are looked up some at a time before they are entered: look-ups do not wait for each other as entries do,
//! and leave in the cache what these need. With 10 million rows that takes a sixth off the start.

use std::hint::black_box;

use pcp::book::Book;
use pcp::book::BookError;
use pcp::server::Bindings;

use crate::row::Row;

/// A book that is being filled, and who hears of rows that it does not take.
pub struct Refill<'a, R> {
    book: &'a mut Book,
    waiting: Vec<Row>,
    refused: R,
}

impl<'a, R: FnMut(Row, BookError)> Refill<'a, R> {
    /// Begins to fill `book` with about `expected` rows; `refused` gets those of sets that it does not hand out, or
    /// has already.
    pub fn new(book: &'a mut Book, expected: usize, refused: R) -> Self {
        book.reserve(expected);
        Self {
            book,
            waiting: Vec::with_capacity(TOGETHER),
            refused,
        }
    }

    /// Takes in a row, now or soon.
    pub fn add(&mut self, row: Row) {
        self.waiting.push(row);
        if self.waiting.len() == TOGETHER {
            self.enter();
        }
    }

    /// Takes in what waits.
    pub fn finish(mut self) {
        self.enter();
    }

    fn enter(&mut self) {
        for row in &self.waiting {
            let subscriber = self.book.subscriber(row.lease().client.outer);
            black_box(self.book.held(subscriber).next().is_some());
            black_box(self.book.pools().place(row.set()));
        }
        for row in self.waiting.drain(..) {
            let entered = match row {
                Row::Held(lease) => self.book.restore(lease),
                Row::Resting { lease, until } => self.book.restore_resting(lease, until),
            };
            if let Err(error) = entered {
                (self.refused)(row, error);
            }
        }
    }
}

/// Rows that are looked up together: more than a CPU has in flight, and few enough to stay in its cache.
const TOGETHER: usize = 64;

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
        for number in 0..130 {
            let lease = lease(number);
            refill.add(if number % 2 == 0 {
                Row::Held(lease)
            } else {
                Row::Resting { lease, until }
            });
        }
        refill.finish();
        assert_eq!(book.counts(), (64, 64));
        assert!(book.leases().any(|held| held == lease(126)));
        assert!(
            book.resting_leases()
                .any(|resting| resting == (lease(127), until))
        );
        assert_eq!(refused, [lease(128).set, lease(129).set]);
    }
}
