//! Options that are lists of addresses: resolvers (23; RFC 3646 s3) and PCP servers (86; RFC 7291 s4).

use std::net::IpAddr;
use std::net::Ipv6Addr;

use super::OptionError;
use super::code;

/// The addresses of one PCP server; IPv4 where the option has one inside IPv6 (DO-001).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PcpServer {
    addresses: Vec<IpAddr>,
}

impl PcpServer {
    /// Its addresses, in the order of the option; never none.
    #[must_use]
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }
}

/// Option 86: what no server can have is passed over (DO-003).
pub(super) fn pcp_server(value: &[u8]) -> Result<PcpServer, OptionError> {
    let code = code::V6_PCP_SERVER;
    let addresses = list(code, value)?.map(|address| address.to_canonical());
    let (usable, useless): (Vec<_>, Vec<_>) = addresses.partition(|address| is_host(*address));
    match useless.first() {
        Some(&address) if usable.is_empty() => Err(OptionError::Address { code, address }),
        _ => Ok(PcpServer { addresses: usable }),
    }
}

/// Option 23.
pub(super) fn dns_servers(value: &[u8]) -> Result<Vec<Ipv6Addr>, OptionError> {
    let usable = |address: &Ipv6Addr| is_host(IpAddr::V6(*address));
    Ok(list(code::DNS_SERVERS, value)?.filter(usable).collect())
}

fn list(code: u16, value: &[u8]) -> Result<impl Iterator<Item = Ipv6Addr>, OptionError> {
    let length = value.len();
    match value.as_chunks() {
        (addresses @ [_, ..], []) => Ok(addresses.iter().copied().map(Ipv6Addr::from_octets)),
        _ => Err(OptionError::Length { code, length }),
    }
}

/// Whether a host elsewhere can have this address.
pub(super) fn is_host(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !(address.is_unspecified() || address.is_multicast() || address.is_loopback() || broadcast)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(addresses: &[&str]) -> Vec<u8> {
        let parsed = addresses
            .iter()
            .map(|text| text.parse::<Ipv6Addr>().unwrap());
        parsed.flat_map(|address| address.octets()).collect()
    }

    #[test]
    fn do_001_a_pcp_server_may_have_ipv4_inside_ipv6() {
        let server = pcp_server(&octets(&["::ffff:192.0.0.1", "2001:db8::1"])).unwrap();
        let expected: [IpAddr; 2] = ["192.0.0.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        assert_eq!(server.addresses(), expected);
    }

    #[test]
    fn do_003_multicast_and_loopback_are_passed_over() {
        let server = pcp_server(&octets(&[
            "ff02::1",
            "::1",
            "::ffff:127.0.0.1",
            "2001:db8::1",
        ]));
        assert_eq!(server.unwrap().addresses().len(), 1);
        assert!(pcp_server(&octets(&["ff02::1"])).is_err());
        assert_eq!(dns_servers(&octets(&["ff02::1"])), Ok(vec![]));
    }

    #[test]
    fn a_list_is_whole_addresses_and_at_least_one() {
        let length = |code, length| Err(OptionError::Length { code, length });
        assert_eq!(dns_servers(&[0; 15]), length(23, 15));
        assert_eq!(dns_servers(&[]), length(23, 0));
        let error = OptionError::Length {
            code: 86,
            length: 17,
        };
        assert_eq!(pcp_server(&[0; 17]), Err(error));
    }
}
