//! Our own addresses, which no subscriber may have: packets to them would never reach the subscriber.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use lwaftr_dataplane::binding::Binding;
use thiserror::Error;

use crate::config::Config;

/// The addresses of this lwAFTR.
#[derive(Clone, Debug)]
pub struct OwnAddresses {
    internet: Ipv4Addr,
    access: Ipv6Addr,
    /// In order, for a binary search.
    br: Vec<Ipv6Addr>,
}

impl OwnAddresses {
    /// Those of `config`, and these BR addresses.
    #[must_use]
    pub fn new(config: &Config, br: &[Ipv6Addr]) -> Self {
        let mut br = br.to_vec();
        br.sort_unstable();
        let (internet, access) = (config.internet.link.address, config.access.link.address);
        Self {
            internet: internet.address(),
            access: access.address(),
            br,
        }
    }

    /// Whether `binding` gives a subscriber only addresses that are not ours.
    ///
    /// # Errors
    /// The address that is.
    pub fn admit(&self, binding: &Binding) -> Result<(), OwnAddress> {
        if binding.ipv4() == self.internet {
            return Err(OwnAddress {
                role: "IPv4",
                address: self.internet.into(),
            });
        }
        let b4 = binding.b4();
        if b4 == self.access || self.br.binary_search(&b4).is_ok() {
            return Err(OwnAddress {
                role: "B4",
                address: b4.into(),
            });
        }
        Ok(())
    }
}

/// A binding with an address of this lwAFTR in a subscriber's place.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("{role} address {address} is this lwAFTR's own")]
pub struct OwnAddress {
    role: &'static str,
    address: IpAddr,
}
