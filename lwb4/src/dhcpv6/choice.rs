//! Which mechanism is used (RFC 8026 s1.4; DH-020, DH-021, DH-040), and, where DHCPv6 gives the IPv4
//! parameters, which address the tunnel leaves from (RFC 7596 s5.1; LW-023).
//!
//! | learned | mechanism |
//! |---|---|
//! | 96 with V4V6BIND | Lightweight 4over6 with the parameters of DHCPv6 |
//! | 96 with a BR alone | Lightweight 4over6 with PCP |
//! | 64 | the same to the AFTR of that name, or DS-Lite, as is configured |
//! | nothing | what is configured |
//!
//! The order is that of the table, or of option 111 where there is one.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::net::Ipv6Addr;

use pcp::instant::Instant;

use super::Lasting;
use super::Learned;
use super::Prefix;
use super::option::LwContainer;
use super::option::V4V6Bind;
use super::option::code;
use crate::dns::DomainName;
use crate::external::ExternalSet;

/// The tunnel's other end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Remote {
    /// This address.
    Address(Ipv6Addr),
    /// The address that this name has.
    Name(DomainName),
}

/// What an AFTR's name in option 64 leads to, without option 96.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnAftrName {
    /// A port set is asked for by PCP (`pcp-on-aftr-name = on`).
    #[default]
    Pcp,
    /// DS-Lite: a tunnel without translation.
    DsLite,
    /// Nothing.
    Nothing,
}

/// What the configuration says to it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ChoiceConfig {
    /// What a name alone leads to.
    pub on_aftr_name: OnAftrName,
    /// The lwAFTR to use when DHCPv6 names no mechanism that we have.
    pub configured: Option<Remote>,
}

/// What is to be set up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Mechanism {
    /// Lightweight 4over6 with what DHCPv6 gave.
    Dhcp {
        /// The public address and its ports.
        set: ExternalSet,
        /// The tunnel's other end.
        br: Ipv6Addr,
        /// The tunnel's own end.
        source: Ipv6Addr,
    },
    /// The same, but none of our prefixes matches the one of the binding, yet.
    AwaitsPrefix {
        /// The binding's prefix.
        prefix: Prefix,
    },
    /// Lightweight 4over6 with what PCP gives.
    Pcp {
        /// The tunnel's other end.
        remote: Remote,
        /// PCP servers of option 86, each with its addresses; none: 192.0.0.1 in the tunnel.
        servers: Vec<Vec<IpAddr>>,
    },
    /// DS-Lite.
    DsLite {
        /// The AFTR's name.
        aftr: DomainName,
    },
    /// Nothing.
    None,
}

/// What is to be set up, and until when.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Choice {
    /// What is to be set up.
    pub mechanism: Mechanism,
    /// When what it comes from ends; `None` if it does not.
    pub until: Option<Instant>,
}

impl Choice {
    /// Chooses. `active` are our own prefixes and their ends: delegated ones, and those of the links that
    /// we have an address on.
    #[must_use]
    pub fn new(config: &ChoiceConfig, learned: &Learned, active: &[Lasting<Prefix>]) -> Self {
        let offered = |code: u16| match code {
            code::S46_CONT_LW => learned
                .lw
                .as_ref()
                .map(|lw| from_container(lw, learned, active)),
            code::AFTR_NAME => from_name(config, learned),
            _ => None,
        };
        let order = match &learned.priority {
            Some(priority) => priority.value.codes(),
            None => &DEFAULT_ORDER,
        };
        let chosen = order.iter().copied().find_map(offered);
        chosen.unwrap_or_else(|| from_configuration(config, learned))
    }
}

fn from_container(
    lw: &Lasting<LwContainer>,
    learned: &Learned,
    active: &[Lasting<Prefix>],
) -> Choice {
    let br = lw.value.br;
    let Some(bind) = lw.value.bind else {
        return Choice {
            mechanism: by_pcp(Remote::Address(br), learned),
            until: Some(lw.until),
        };
    };
    let Some(subnet) = subnet(bind.prefix, active) else {
        return Choice {
            mechanism: Mechanism::AwaitsPrefix {
                prefix: bind.prefix,
            },
            until: Some(lw.until),
        };
    };
    let mechanism = Mechanism::Dhcp {
        set: bind.set,
        br,
        source: source(&bind, subnet.value),
    };
    Choice {
        mechanism,
        until: Some(lw.until.min(subnet.until)),
    }
}

fn from_name(config: &ChoiceConfig, learned: &Learned) -> Option<Choice> {
    let name = learned.aftr_name.as_ref()?;
    let aftr = name.value.clone();
    let mechanism = match config.on_aftr_name {
        OnAftrName::Pcp => by_pcp(Remote::Name(aftr), learned),
        OnAftrName::DsLite => Mechanism::DsLite { aftr },
        OnAftrName::Nothing => return None,
    };
    Some(Choice {
        mechanism,
        until: Some(name.until),
    })
}

fn from_configuration(config: &ChoiceConfig, learned: &Learned) -> Choice {
    let mechanism = match config.configured.clone() {
        Some(remote) => by_pcp(remote, learned),
        None => Mechanism::None,
    };
    Choice {
        mechanism,
        until: None,
    }
}

fn by_pcp(remote: Remote, learned: &Learned) -> Mechanism {
    let servers = learned.pcp_servers.iter().flat_map(|known| &known.value);
    Mechanism::Pcp {
        remote,
        servers: servers.map(|server| server.addresses().to_vec()).collect(),
    }
}

/// The subnet of the tunnel's source: the binding's prefix where it is inside one of ours; else one of ours
/// that is inside the binding's, the shortest, which is a delegated one rather than a link of it.
fn subnet(binding: Prefix, active: &[Lasting<Prefix>]) -> Option<Lasting<Prefix>> {
    let overlap = |own: &Lasting<Prefix>| {
        let value = binding.overlap(own.value)?;
        let until = own.until;
        Some(Lasting { value, until })
    };
    let overlaps = active.iter().filter_map(overlap);
    // Several of ours around the binding are the same subnet; the longest-lived one keeps it.
    overlaps.min_by_key(|found| {
        let subnet = found.value;
        (subnet.length(), subnet.address(), Reverse(found.until))
    })
}

/// `prefix : 0000 : IPv4 address : PSID`; a prefix longer than 64 bits goes over the interface identifier.
fn source(bind: &V4V6Bind, subnet: Prefix) -> Ipv6Addr {
    let address = u128::from(bind.set.address().to_bits());
    let identifier = address << 16 | u128::from(bind.psid);
    subnet.over(Ipv6Addr::from_bits(identifier))
}

/// The order without option 111 (DH-040).
const DEFAULT_ORDER: [u16; 2] = [code::S46_CONT_LW, code::AFTR_NAME];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dhcpv6::option::RawOptions;
    use crate::dhcpv6::option::Reading;
    use crate::dhcpv6::option::put;

    const AFTR: (u16, &[u8]) = (64, b"\x04aftr\x07example\x03com\x00");
    const PCP_SERVER: (u16, &[u8]) = (86, b"\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\0\x01");
    const BR: &[u8] = b"\x00\x5a\x00\x10\x20\x01\x0d\xb8\x00\xaf\0\0\0\0\0\0\0\0\0\x01";
    /// DH-015: 192.0.2.5, PSID 13 of 5 bits, 2001:db8:b4::/56.
    const BIND: &[u8] = b"\x00\x5c\x00\x14\xc0\x00\x02\x05\x38\x20\x01\x0d\xb8\x00\xb4\x00\
        \x00\x5d\x00\x04\x00\x05\x68\x00";
    const END: Instant = Instant::from_secs(3600);

    fn learned(options: &[(u16, &[u8])]) -> Learned {
        let mut octets = Vec::new();
        for (code, value) in options {
            put(&mut octets, *code, |octets| octets.extend(*value));
        }
        let reading = Reading::new(RawOptions::new(&octets));
        assert_eq!(reading.discarded, []);
        let mut learned = Learned::default();
        learned.apply(reading, END);
        learned
    }

    fn own(prefixes: &[&str]) -> Vec<Lasting<Prefix>> {
        let until = Instant::from_secs(9000);
        let lasting = |text: &&str| Lasting {
            value: text.parse().unwrap(),
            until,
        };
        prefixes.iter().map(lasting).collect()
    }

    fn choose(config: &ChoiceConfig, options: &[(u16, &[u8])]) -> Mechanism {
        let active = own(&["2001:db8:b4::/56"]);
        Choice::new(config, &learned(options), &active).mechanism
    }

    fn of(on_aftr_name: OnAftrName) -> ChoiceConfig {
        ChoiceConfig {
            on_aftr_name,
            configured: None,
        }
    }

    fn by_pcp(remote: &str) -> Mechanism {
        let remote = match remote.parse() {
            Ok(address) => Remote::Address(address),
            Err(_) => Remote::Name(remote.parse().unwrap()),
        };
        Mechanism::Pcp {
            remote,
            servers: vec![],
        }
    }

    /// The /128 is the example of LW-023.
    #[test]
    fn dh_040_lw_023_a_binding_is_used_from_the_address_it_makes() {
        let container = [BIND, BR].concat();
        let expected = Mechanism::Dhcp {
            set: ExternalSet::psid([192, 0, 2, 5].into(), 0, 5, 13).unwrap(),
            br: "2001:db8:af::1".parse().unwrap(),
            source: "2001:db8:b4::c000:205:d".parse().unwrap(),
        };
        let chosen = choose(&ChoiceConfig::default(), &[(96, &container), AFTR]);
        assert_eq!(chosen, expected);
    }

    #[test]
    fn dh_040_dh_016_a_br_alone_means_pcp() {
        let chosen = choose(&ChoiceConfig::default(), &[(96, BR), AFTR]);
        assert_eq!(chosen, by_pcp("2001:db8:af::1"));
        let with_server = choose(&ChoiceConfig::default(), &[(96, BR), PCP_SERVER]);
        let Mechanism::Pcp { servers, .. } = with_server else {
            panic!("{with_server:?}");
        };
        assert_eq!(servers, [[IpAddr::from([192, 0, 0, 1])]]);
    }

    #[test]
    fn dh_040_a_name_alone_means_what_is_configured() {
        let choose = |on| choose(&of(on), &[AFTR]);
        assert_eq!(choose(OnAftrName::Pcp), by_pcp("aftr.example.com"));
        assert!(matches!(
            choose(OnAftrName::DsLite),
            Mechanism::DsLite { .. }
        ));
        assert_eq!(choose(OnAftrName::Nothing), Mechanism::None);
    }

    #[test]
    fn dh_040_what_is_configured_comes_last() {
        let config = ChoiceConfig {
            on_aftr_name: OnAftrName::Nothing,
            configured: Some(Remote::Address("2001:db8::1".parse().unwrap())),
        };
        assert_eq!(choose(&config, &[AFTR]), by_pcp("2001:db8::1"));
        assert_eq!(choose(&config, &[(96, BR)]), by_pcp("2001:db8:af::1"));
    }

    #[test]
    fn dh_020_dh_021_the_first_that_is_offered_and_known_is_used() {
        let config = of(OnAftrName::Pcp);
        let choose = |order: &[u16]| {
            let order: Vec<_> = order.iter().flat_map(|code| code.to_be_bytes()).collect();
            choose(&config, &[(96, BR), AFTR, (111, &order)])
        };
        assert_eq!(choose(&[64, 96]), by_pcp("aftr.example.com"));
        assert_eq!(choose(&[94, 60000, 96, 64]), by_pcp("2001:db8:af::1"));
        assert_eq!(
            choose(&[88, 94, 95]),
            Mechanism::None,
            "no match keeps all disabled"
        );
    }

    fn source_of(binding: &str, active: &[&str]) -> Option<String> {
        let subnet = subnet(binding.parse().unwrap(), &own(active))?;
        let bind = V4V6Bind {
            set: ExternalSet::psid([192, 0, 2, 5].into(), 0, 5, 13).unwrap(),
            psid: 13,
            prefix: binding.parse().unwrap(),
        };
        Some(source(&bind, subnet.value).to_string())
    }

    #[test]
    fn lw_023_the_prefix_of_the_binding_is_matched_with_our_own() {
        let source = |binding, active: &[&str]| source_of(binding, active).unwrap_or_default();
        let example = "2001:db8:b4::c000:205:d";
        let others = ["2001:db8:1::/64", "2001:db8:b4::/56", "2001:db8:b4:1::/64"];
        assert_eq!(source("2001:db8:b4::/56", &others), example);
        assert_eq!(
            source("2001:db8:b4::/48", &["2001:db8:b4:100::/56"]),
            "2001:db8:b4:100:0:c000:205:d"
        );
        assert_eq!(
            source("::/0", &["2001:db8:b4:1::/64", "2001:db8:b4::/56"]),
            example
        );
        assert_eq!(source("2001:db8:b4::/56", &["2001:db8:b4::/48"]), example);
        assert_eq!(source("2001:db8:b5::/56", &others), "", "none of ours");
    }

    #[test]
    fn lw_023_a_long_prefix_goes_over_the_identifier() {
        let active = &["2001:db8:b4::/64"];
        let source = |binding| source_of(binding, active).unwrap();
        assert_eq!(
            source("2001:db8:b4:0:1200::/72"),
            "2001:db8:b4:0:1200:c000:205:d"
        );
        assert_eq!(source("2001:db8:b4::99/128"), "2001:db8:b4::99");
    }

    #[test]
    fn dh_013_a_choice_ends_with_the_lease_or_our_prefix() {
        let container = [BIND, BR].concat();
        let learned = learned(&[(96, &container)]);
        let until = |active: &[_]| Choice::new(&ChoiceConfig::default(), &learned, active).until;
        let mut active = own(&["2001:db8:b4::/56"]);
        assert_eq!(until(&active), Some(END));
        active[0].until = Instant::from_secs(60);
        assert_eq!(until(&active), Some(Instant::from_secs(60)));
        assert_eq!(until(&[]), Some(END));
    }

    #[test]
    fn lw_023_a_binding_for_none_of_our_prefixes_waits_for_one() {
        let container = [BIND, BR].concat();
        let learned = learned(&[(96, &container), AFTR]);
        let chosen = Choice::new(
            &ChoiceConfig::default(),
            &learned,
            &own(&["2001:db8:1::/64"]),
        );
        let prefix = "2001:db8:b4::/56".parse().unwrap();
        assert_eq!(chosen.mechanism, Mechanism::AwaitsPrefix { prefix });
    }
}
