//! How the server of an execution is set up, out of the first octets of its input.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::time::Duration;

use pcp::pool::Ipv4Prefix;
use pcp::pool::Ipv6Prefix;
use pcp::pool::Owner;
use pcp::pool::PcpPorts;
use pcp::pool::PoolConfig;
use pcp::port_set::PortRange;
use pcp::server::LifetimeLimits;
use pcp::server::NonceTakeover;
use pcp::server::ServerConfig;

use crate::input::Input;

/// An operator's numbers.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) server: ServerConfig,
    pub(crate) pools: Vec<PoolConfig>,
    pub(crate) subscriber_prefix_length: u8,
    pub(crate) quarantine: Duration,
}

impl Settings {
    pub(crate) fn read(input: &mut Input<'_>) -> Self {
        let (min_s, max_s) = input.pick(&[(120, 3600), (0, 60), (600, 300)]);
        let server = ServerConfig {
            lifetime: LifetimeLimits { min_s, max_s },
            max_sets_per_subscriber: input.pick(&[1, 2, 5]),
            nonce_takeover: input.pick(&[
                NonceTakeover::Never,
                NonceTakeover::Always,
                NonceTakeover::AfterIdle(Duration::from_secs(60)),
            ]),
            smallest_set: input.pick(&[64, 1, 5000]),
            migration_interval: Duration::from_secs(input.pick(&[1800, 0])),
        };
        let which = input.octet();
        let pools = [
            pool("large", [192, 0, 2, 4], 3, Owner::Pcp),
            pool("dhcp", [198, 51, 100, 0], 5, Owner::ThirdParty(0)),
            pool("small", [192, 0, 2, 8], 7, Owner::Pcp),
            pool("whole", [192, 0, 2, 16], 0, Owner::Pcp),
        ];
        // The first two are usual, the others are not.
        let is_there = |number: usize| (which ^ 0b0011) >> number & 1 == 1;
        Self {
            server,
            pools: pools
                .into_iter()
                .enumerate()
                .filter(|(number, _)| is_there(*number))
                .map(|(_, pool)| pool)
                .collect(),
            subscriber_prefix_length: input.pick(&[56, 64, 128, 48]),
            quarantine: Duration::from_secs(input.pick(&[120, 0, 3600])),
        }
    }
}

/// A pool of two addresses, of which the ports below 1024 stay back, and in `small` the second address.
fn pool(name: &str, address: [u8; 4], psid_length: u8, owner: Owner) -> PoolConfig {
    let second = Ipv4Addr::from_bits(u32::from_be_bytes(address) + 1);
    PoolConfig {
        name: name.to_owned(),
        prefix: Ipv4Prefix::new(address.into(), 31).expect("an even address"),
        psid_length,
        br: BR,
        owner,
        clients: vec![Ipv6Prefix::new(CLIENTS, 32).expect("a prefix")],
        reserved: if name == "small" {
            vec![second]
        } else {
            Vec::new()
        },
        exclude_ports: vec![PortRange::sized(0, 1024)],
        pcp_ports: if name == "large" {
            PcpPorts::Included
        } else {
            PcpPorts::Excluded
        },
    }
}

/// The lwAFTR's end of all softwires.
pub(crate) const BR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xaf, 0, 0, 0, 0, 1);

/// The first address of those that are served.
const CLIENTS: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0);
