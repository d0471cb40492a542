//! The nonce of a server's mappings: the same after every restart, another for every server, and nothing that
//! somebody who does not know the device can guess (RFC 6887 s11.2; PC-102, C-03).
//!
//! It is derived, so that a file that is lost locks nobody out of its port set until the lease ends. All
//! sets at one server have the same one: a request for all ports is about every set that is held, and one with
//! another nonce would refuse it (PS-021, PC-034). It is used for nothing else (C-26).
//!
//! What it protects: whoever knows it and can send from the lwB4's own IPv6 address could take its set away.
//! The access network keeps others from doing the second (PC-162), so the first is a second lock. Derived from
//! the machine's identity it is as secret as that: 122 random bits that every process of the device can read.
//! Where the identity is cloned with an image, lwB4s share nonces, which the lwAFTR does not mind, because
//! it tells them apart by their IPv6 addresses.

use std::fmt;
use std::net::IpAddr;
use std::net::Ipv6Addr;

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use pcp::wire::Nonce;
use sha2::Sha256;

/// 256 bits that this device has to itself.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct DeviceSecret([u8; 32]);

impl DeviceSecret {
    /// The secret of these octets.
    #[must_use]
    pub const fn new(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// The secret of a device that is known by `identity`, such as the text of /etc/machine-id. It does not
    /// tell the identity, nor does another program that derives from it come upon the same.
    #[must_use]
    pub fn of_identity(identity: &[u8]) -> Self {
        Self(mac(LABEL, &[identity]))
    }

    /// The octets, for the file that keeps them.
    #[must_use]
    pub const fn octets(&self) -> &[u8; 32] {
        &self.0
    }

    /// The nonce for the mappings at `server`, asked through the lwAFTR at `remote`: inside their tunnels
    /// all of them are 192.0.0.1.
    #[must_use]
    pub fn nonce(&self, remote: Ipv6Addr, server: IpAddr) -> Nonce {
        let server = match server {
            IpAddr::V4(server) => server.to_ipv6_mapped(),
            IpAddr::V6(server) => server,
        };
        let code = mac(&self.0, &[&remote.octets(), &server.octets()]);
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&code[..12]);
        Nonce::new(nonce)
    }
}

impl fmt::Debug for DeviceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceSecret(…)")
    }
}

/// HMAC-SHA256 (RFC 2104), which takes keys of any length.
fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        unreachable!("every length is a length of a key for HMAC");
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Keeps what is derived here apart from what others derive of the same identity.
const LABEL: &[u8] = b"lwb4 PCP mapping nonce";

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 0, 1));

    fn octets<const N: usize>(digits: &str) -> [u8; N] {
        let octet = |place: usize| u8::from_str_radix(&digits[2 * place..2 * place + 2], 16);
        std::array::from_fn(|place| octet(place).unwrap())
    }

    /// Expected values from Python's hmac.
    #[test]
    fn pc_102_a_nonce_is_the_head_of_a_code_over_lwaftr_and_server() {
        let secret = DeviceSecret::new([7; 32]);
        let remote: Ipv6Addr = "2001:db8:af::1".parse().unwrap();
        let expected = octets("ffbb9be3cd88ba95ae24d232");
        assert_eq!(secret.nonce(remote, SERVER).octets(), expected);
        let derived = DeviceSecret::of_identity(b"0123456789abcdef0123456789abcdef");
        assert_eq!(
            derived.octets(),
            &octets::<32>("e3c0333032faba5f58bfb62f880f025eabdc9a527a50929e37db4dc039f31fad")
        );
    }

    #[test]
    fn pc_102_c_03_every_server_and_device_has_its_own_and_always_the_same() {
        let remotes: [Ipv6Addr; 2] = [Ipv6Addr::LOCALHOST, "2001:db8:af::1".parse().unwrap()];
        let servers = [SERVER, "2001:db8::1".parse().unwrap()];
        let mut seen = Vec::new();
        for identity in ["one", "two"] {
            let secret = DeviceSecret::of_identity(identity.as_bytes());
            for remote in remotes {
                for server in servers {
                    let nonce = secret.nonce(remote, server);
                    assert_eq!(nonce, secret.nonce(remote, server));
                    assert!(!seen.contains(&nonce));
                    seen.push(nonce);
                }
            }
        }
    }

    #[test]
    fn a_secret_does_not_get_into_a_log() {
        let secret = DeviceSecret::new([7; 32]);
        assert_eq!(format!("{secret:?}"), "DeviceSecret(…)");
    }
}
