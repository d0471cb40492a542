//! From the configuration to an empty book.

use std::net::Ipv4Addr;

use pcp::book::Book;
use pcp::instant::Instant;
use pcp::pool::PoolConfig;
use pcp::pool::PoolError;
use pcp::pool::Pools;

use crate::config::Config;
use crate::config::Pcp;

/// The pools of a configuration without a lease.
///
/// # Errors
/// When pools contradict each other, which a configuration that was read does not.
pub fn book(config: &Config, pcp: &Pcp, now: Instant) -> Result<Book, PoolError> {
    let pools = Pools::new(pools(config))?;
    Ok(Book::new(
        pools,
        pcp.subscriber_prefix_length,
        pcp.quarantine,
        now,
    ))
}

/// The pools with our own address kept out of them: packets to it never reach a subscriber.
fn pools(config: &Config) -> Vec<PoolConfig> {
    let own: Ipv4Addr = config.internet.link.address.address();
    let mut pools = config.pools.clone();
    for pool in &mut pools {
        pool.reserved.push(own);
    }
    pools
}
