//! What known clients put into the environment of their scripts.
//!
//! | client | when | options | lifetime and prefixes |
//! |---|---|---|---|
//! | odhcp6c | its script's second argument | `AFTR`, `LW4O6`, `RDNSS`, and `OPTION_n` for what it does not know | `PREFIXES`, `ADDRESSES` |
//! | dhclient | `reason` | `new_dhcp6_option_n`, `new_dhcp6_name_servers` | `new_max_life`, `new_ip6_prefix` |
//! | dhcpcd | `reason` | `new_dhcp6_option_n`, `new_dhcp6_name_servers` | none |
//!
//! dhclient and dhcpcd have to be told of the options (see the samples in `dist/`). odhcp6c tells nothing
//! of a container with a BR alone: name the AFTR in the configuration then.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use super::Event;
use super::HookError;
use super::HookMessage;
use super::HookPrefix;
use super::hex;
use crate::dhcpv6::Prefix;
use crate::dhcpv6::option::code;
use crate::dhcpv6::option::put;
use crate::dns::DomainName;

/// The message that a client's environment makes. `state` is what odhcp6c's script gets as its second
/// argument.
///
/// # Errors
/// When it is of no client that is known, or a variable says nothing.
pub fn from_environment(
    state: Option<&str>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<HookMessage, HookError> {
    let variables = Variables(variables.into_iter().collect());
    match (state, variables.value("reason")) {
        (Some("bound" | "informed" | "updated" | "rebound" | "ra-updated"), _) => {
            odhcp6c(&variables)
        }
        (Some("started" | "stopped" | "unbound"), _) => Ok(HookMessage::new(Event::Lost)),
        (None, Some("BOUND6" | "RENEW6" | "REBIND6" | "INFORM6")) => dhclient(&variables),
        (None, Some("EXPIRE6" | "RELEASE6" | "STOP6" | "FAIL6")) => {
            Ok(HookMessage::new(Event::Lost))
        }
        _ => Err(HookError::Environment),
    }
}

fn odhcp6c(variables: &Variables) -> Result<HookMessage, HookError> {
    let mut message = HookMessage::new(Event::Provided);
    variables.raw("OPTION_", &mut message)?;
    variables.addresses("RDNSS", &mut message)?;
    if let Some(name) = variables.value("AFTR") {
        let first = name.split_whitespace().next().unwrap_or_default();
        let name: DomainName = first.parse().map_err(|_| refused("AFTR", name))?;
        message = message.with(code::AFTR_NAME, name.octets());
    }
    if let Some(text) = variables.value("LW4O6") {
        let container = container(text).ok_or_else(|| refused("LW4O6", text))?;
        message = message.with(code::S46_CONT_LW, &container);
    }
    let prefixes = variables.leases("PREFIXES")?;
    let addresses = variables.leases("ADDRESSES")?;
    message.lifetime_s = prefixes
        .iter()
        .chain(&addresses)
        .map(|(_, valid_s)| *valid_s)
        .max();
    message.prefixes = prefixes
        .into_iter()
        .map(|(prefix, lifetime_s)| HookPrefix { prefix, lifetime_s })
        .collect();
    Ok(message)
}

/// dhcpcd has the same names, where it has them.
fn dhclient(variables: &Variables) -> Result<HookMessage, HookError> {
    let mut message = HookMessage::new(Event::Provided);
    variables.raw("new_dhcp6_option_", &mut message)?;
    variables.addresses("new_dhcp6_name_servers", &mut message)?;
    if let Some(text) = variables.value("new_max_life") {
        message.lifetime_s = Some(text.parse().map_err(|_| refused("new_max_life", text))?);
    }
    if let (Some(prefix), Some(lifetime_s)) =
        (variables.value("new_ip6_prefix"), message.lifetime_s)
    {
        let prefix = prefix.to_owned();
        message.prefixes.push(HookPrefix { prefix, lifetime_s });
    }
    Ok(message)
}

/// The container that odhcp6c wrote as `type=lw4o6,…,ipv4prefix=192.0.2.5,…,br=2001:db8::1,`. Its `psid`
/// is the option's field as it was, aligned left.
fn container(text: &str) -> Option<Vec<u8>> {
    let fields: HashMap<_, _> = text
        .split([',', ' '])
        .filter_map(|field| field.split_once('='))
        .collect();
    let number = |name: &str| fields.get(name).and_then(|text| text.parse::<u16>().ok());
    let br: Ipv6Addr = fields.get("br")?.parse().ok()?;
    let address: Ipv4Addr = fields.get("ipv4prefix")?.parse().ok()?;
    let prefix: Ipv6Addr = fields.get("ipv6prefix")?.parse().ok()?;
    let length = u8::try_from(number("prefix6len")?).ok()?;
    let prefix = Prefix::new(prefix, length).ok()?;
    let mut octets = Vec::new();
    put(&mut octets, code::S46_BR, |octets| {
        octets.extend(br.octets())
    });
    put(&mut octets, code::S46_V4V6BIND, |octets| {
        octets.extend(address.octets());
        octets.push(length);
        octets.extend(&prefix.address().octets()[..usize::from(length.div_ceil(8))]);
        if let (Some(offset), Some(bits), Some(psid)) =
            (number("offset"), number("psidlen"), number("psid"))
        {
            put(octets, code::S46_PORTPARAMS, |octets| {
                octets.extend([offset as u8, bits as u8]);
                octets.extend(psid.to_be_bytes());
            });
        }
    });
    Some(octets)
}

struct Variables(HashMap<String, String>);

impl Variables {
    /// Clients leave variables empty for what they do not have.
    fn value(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Variables with an option's code in their name, and its value in hexadecimal.
    fn raw(&self, prefix: &str, message: &mut HookMessage) -> Result<(), HookError> {
        for wanted in WANTED {
            let name = format!("{prefix}{wanted}");
            let Some(text) = self.value(&name) else {
                continue;
            };
            let octets = hex::octets(text).ok_or_else(|| HookError::Hex {
                name,
                value: text.to_owned(),
            })?;
            *message = message.clone().with(wanted, &octets);
        }
        Ok(())
    }

    /// Resolvers, with spaces between them.
    fn addresses(&self, name: &str, message: &mut HookMessage) -> Result<(), HookError> {
        let Some(text) = self.value(name) else {
            return Ok(());
        };
        let mut octets = Vec::new();
        for word in text.split_whitespace() {
            let address: Ipv6Addr = word.parse().map_err(|_| refused(name, text))?;
            octets.extend(address.octets());
        }
        *message = message.clone().with(code::DNS_SERVERS, &octets);
        Ok(())
    }

    /// `2001:db8::/56,preferred,valid,…` with spaces between them; gives prefixes and valid seconds.
    fn leases(&self, name: &str) -> Result<Vec<(String, u32)>, HookError> {
        let text = self.value(name).unwrap_or_default();
        let lease = |word: &str| {
            let mut fields = word.split(',');
            let prefix = fields.next()?.to_owned();
            Some((prefix, fields.nth(1)?.parse().ok()?))
        };
        let leases = text.split_whitespace().map(lease);
        let leases: Option<Vec<_>> = leases.collect();
        leases.ok_or_else(|| refused(name, text))
    }
}

fn refused(name: &str, value: &str) -> HookError {
    HookError::Word {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

/// Options that are taken as they are.
const WANTED: [u16; 4] = [
    code::AFTR_NAME,
    code::V6_PCP_SERVER,
    code::S46_CONT_LW,
    code::S46_PRIORITY,
];

#[cfg(test)]
mod tests {
    use pcp::instant::Instant;

    use super::*;
    use crate::dhcpv6::Learned;

    fn read(state: Option<&str>, variables: &[(&str, &str)]) -> Result<HookMessage, HookError> {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        from_environment(state, variables.iter().map(owned))
    }

    fn learned(message: &HookMessage) -> Learned {
        let mut learned = Learned::default();
        let applied = message.apply(&mut learned, Instant::from_secs(0)).unwrap();
        assert_eq!(applied.dropped, []);
        learned
    }

    /// The forms are those of odhcp6c's `script.c`.
    #[test]
    fn lw_021_odhcp6c_tells_of_a_container_and_a_name() {
        let variables = [
            (
                "LW4O6",
                "type=lw4o6,prefix4len=32,prefix6len=56,ipv4prefix=192.0.2.5,\
                ipv6prefix=2001:db8:b4::,offset=0,psidlen=5,psid=26624,br=2001:db8:af::1, ",
            ),
            ("AFTR", "aftr.example.com"),
            ("RDNSS", "2001:db8::53 2001:db8::54"),
            (
                "PREFIXES",
                "2001:db8:b4::/56,100,200,50,80 2001:db8:b5::/56,100,300,50,80,class=2",
            ),
            ("ADDRESSES", "2001:db8::7/128,100,250,50,80"),
            ("OPTION_111", "00600040"),
            ("MAPE", ""),
        ];
        let message = read(Some("bound"), &variables).unwrap();
        assert_eq!(message.lifetime_s, Some(300));
        assert_eq!(message.prefixes[1].prefix, "2001:db8:b5::/56");
        let learned = learned(&message);
        let lw = learned.lw.unwrap().value;
        assert_eq!(lw.br.to_string(), "2001:db8:af::1");
        let bind = lw.bind.unwrap();
        assert_eq!((bind.psid, bind.set.nth(0)), (13, Some(26624)));
        assert_eq!(bind.prefix.to_string(), "2001:db8:b4::/56");
        assert_eq!(
            learned.aftr_name.unwrap().value.to_string(),
            "aftr.example.com"
        );
        assert_eq!(learned.priority.unwrap().value.codes(), [96, 64]);
        assert_eq!(learned.dns_servers.unwrap().value.len(), 2);
    }

    #[test]
    fn dh_001_dhclient_tells_of_options_as_octets() {
        let variables = [
            ("reason", "BOUND6"),
            ("new_dhcp6_option_64", "4:61:66:74:72:0"),
            ("new_dhcp6_name_servers", "2001:db8::53"),
            ("new_max_life", "200"),
            ("new_ip6_prefix", "2001:db8:b4::/56"),
        ];
        let message = read(None, &variables).unwrap();
        assert_eq!((message.lifetime_s, message.prefixes.len()), (Some(200), 1));
        assert_eq!(
            learned(&message).aftr_name.unwrap().value.to_string(),
            "aftr"
        );
    }

    #[test]
    fn what_has_ended_is_lost() {
        for state in ["started", "stopped", "unbound"] {
            assert_eq!(read(Some(state), &[]).unwrap().event, Event::Lost);
        }
        assert_eq!(
            read(None, &[("reason", "EXPIRE6")]).unwrap().event,
            Event::Lost
        );
    }

    #[test]
    fn other_environments_and_values_are_refused() {
        assert!(matches!(read(None, &[]), Err(HookError::Environment)));
        assert!(matches!(
            read(None, &[("reason", "PREINIT6")]),
            Err(HookError::Environment)
        ));
        for (name, value) in [
            ("AFTR", "a b..c ."),
            ("AFTR", "..."),
            ("RDNSS", "192.0.2.1"),
            ("PREFIXES", "2001:db8::/56"),
            ("LW4O6", "type=lw4o6,br=x"),
            ("OPTION_96", "xyz"),
        ] {
            let read = read(Some("bound"), &[(name, value)]);
            assert_eq!(
                read.is_ok(),
                value == "a b..c .",
                "{name} {value}: only the first name counts"
            );
        }
    }
}
