//! One binding entry of ietf-softwire-br: its members, their types and what they amount to.

use std::fmt;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::binding::BindingError;
use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::port_set::PortSetError;
use lwaftr_dataplane::port_set::PortSplit;
use serde::de::DeserializeSeed;
use serde::de::Deserializer;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::Visitor;

use super::Row;
use super::error::RowFault;
use super::json::Walk;
use super::scalar::Scalar;
use super::scalar::Text;

/// The entry at a position of the list.
#[derive(Clone, Copy)]
pub(super) struct Entry<'l, 'w, 's> {
    pub(super) walk: &'l Walk<'w, 's>,
    pub(super) position: usize,
}

impl Entry<'_, '_, '_> {
    fn path(&self, member: &str) -> String {
        format!("binding-entry[{}].{member}", self.position)
    }

    fn stop<E: serde::de::Error>(&self, fault: impl FnOnce(String) -> RowFault, member: &str) -> E {
        self.walk.stop(fault(self.path(member)))
    }

    /// The value of a member, if `read` can make it one.
    fn value<'de, A: MapAccess<'de>, T>(
        &self,
        map: &mut A,
        member: &str,
        expected: &'static str,
        read: impl FnOnce(&Scalar<'de>) -> Option<T>,
    ) -> Result<T, A::Error> {
        let scalar = map.next_value::<Scalar<'de>>()?;
        read(&scalar).ok_or_else(|| {
            let found = scalar.to_string();
            self.stop(
                |column| RowFault::Value {
                    column,
                    found,
                    expected,
                },
                member,
            )
        })
    }

    fn binding<E: serde::de::Error>(&self, members: Members) -> Result<Binding, E> {
        let missing = |member| move || self.stop(|column| RowFault::Missing { column }, member);
        let b4 = members.b4.ok_or_else(missing(B4))?;
        let ipv4 = members.ipv4.ok_or_else(missing(IPV4))?;
        let br = members.br.ok_or_else(missing(BR))?;
        let PortSetMembers {
            offset,
            length,
            psid,
        } = members.port_set;
        let length = length.ok_or_else(missing(PSID_LENGTH_PATH))?;
        let psid = psid.ok_or_else(missing(PSID_PATH))?;
        let split = PortSplit::new(offset.unwrap_or(0), length);
        let ports = split
            .and_then(|split| PortSet::new(split, psid))
            .map_err(|error| {
                let member = match error {
                    PortSetError::Psid { .. } => PSID_PATH,
                    PortSetError::Split { .. } => PSID_LENGTH_PATH,
                };
                self.stop(|column| RowFault::PortSet { column, error }, member)
            })?;
        Binding::new(ipv4, ports, b4, br).map_err(|error| {
            let member = match error {
                BindingError::Ipv4(_) => IPV4,
                BindingError::B4(_) | BindingError::SameEnds(_) => B4,
                BindingError::Br(_) => BR,
            };
            self.stop(|column| RowFault::Binding { column, error }, member)
        })
    }
}

/// What has been read of an entry.
#[derive(Default)]
struct Members {
    b4: Option<Ipv6Addr>,
    ipv4: Option<Ipv4Addr>,
    br: Option<Ipv6Addr>,
    port_set: PortSetMembers,
}

#[derive(Default)]
struct PortSetMembers {
    offset: Option<u8>,
    length: Option<u8>,
    psid: Option<u16>,
}

impl<'de> DeserializeSeed<'de> for Entry<'_, '_, '_> {
    type Value = Row;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Row, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Entry<'_, '_, '_> {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a binding entry")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
        let mut members = Members::default();
        let mut line = None;
        while let Some(key) = map.next_key::<Text<'de>>()? {
            self.walk.reach(&key);
            line = line.or(Some(self.walk.line()));
            match key.as_str() {
                B4 => members.b4 = Some(self.value(&mut map, B4, EXPECTED_B4, host_address)?),
                IPV4 => {
                    members.ipv4 =
                        Some(self.value(&mut map, IPV4, EXPECTED_IPV4, Scalar::parsed)?)
                }
                BR => {
                    let read = |leaf: &Scalar<'de>| self.walk.br(leaf);
                    members.br = Some(self.value(&mut map, BR, EXPECTED_BR, read)?);
                }
                PORT_SET => members.port_set = map.next_value_seed(PortSetOf(self))?,
                other => pass_over(&self, &mut map, other, MEMBERS)?,
            }
        }
        let binding = self.binding(members)?;
        Ok(Row {
            binding,
            line: line.unwrap_or_else(|| self.walk.line()),
        })
    }
}

/// The container `port-set` of an entry.
struct PortSetOf<'l, 'w, 's>(Entry<'l, 'w, 's>);

impl<'de> DeserializeSeed<'de> for PortSetOf<'_, '_, '_> {
    type Value = PortSetMembers;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<PortSetMembers, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PortSetOf<'_, '_, '_> {
    type Value = PortSetMembers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a port set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PortSetMembers, A::Error> {
        let entry = self.0;
        let mut set = PortSetMembers::default();
        while let Some(key) = map.next_key::<Text<'de>>()? {
            entry.walk.reach(&key);
            match key.as_str() {
                "psid-offset" => {
                    let expected = "a number from 0 to 16";
                    let path = "port-set.psid-offset";
                    set.offset = Some(entry.value(&mut map, path, expected, |v| v.number(16))?);
                }
                "psid-len" => {
                    let expected = "a number from 0 to 15";
                    let read = |scalar: &Scalar<'_>| scalar.number(MAX_PSID_LEN);
                    set.length = Some(entry.value(&mut map, PSID_LENGTH_PATH, expected, read)?);
                }
                "psid" => {
                    let expected = "a number from 0 to 65535";
                    set.psid =
                        Some(entry.value(&mut map, PSID_PATH, expected, |v| v.number(u16::MAX))?);
                }
                other => {
                    let path = format!("{PORT_SET}.{other}");
                    pass_over(&entry, &mut map, &path, PORT_SET_MEMBERS)?;
                }
            }
        }
        Ok(set)
    }
}

/// Passes over a member of another module, whose name bears that module's (RFC 7951 s4); any other
/// unknown name is a fault.
fn pass_over<'de, A: MapAccess<'de>>(
    entry: &Entry<'_, '_, '_>,
    map: &mut A,
    member: &str,
    expected: &'static str,
) -> Result<(), A::Error> {
    if member.contains(':') {
        return map.next_value::<IgnoredAny>().map(|_| ());
    }
    Err(entry.stop(|column| RowFault::Unknown { column, expected }, member))
}

/// The leaf `binding-ipv6info` is an address or a prefix; only a prefix of one address binds a lwB4.
fn host_address(scalar: &Scalar<'_>) -> Option<Ipv6Addr> {
    let Scalar::Text(text) = scalar else {
        return None;
    };
    let text = text.as_str();
    text.strip_suffix("/128").unwrap_or(text).parse().ok()
}

const B4: &str = "binding-ipv6info";
const IPV4: &str = "binding-ipv4-addr";
const BR: &str = "br-ipv6-addr";
const PORT_SET: &str = "port-set";
const PSID_LENGTH_PATH: &str = "port-set.psid-len";
const PSID_PATH: &str = "port-set.psid";
const MEMBERS: &str = "binding-ipv6info, binding-ipv4-addr, port-set, br-ipv6-addr";
const PORT_SET_MEMBERS: &str = "psid-offset, psid-len, psid";
const EXPECTED_B4: &str = "an IPv6 address, or a prefix of length 128";
const EXPECTED_IPV4: &str = "an IPv4 address";
const EXPECTED_BR: &str = "an IPv6 address";
/// The range of the leaf `psid-len`.
pub(super) const MAX_PSID_LEN: u8 = 15;
