//! RFC 7951 JSON of ietf-softwire-br (RFC 8676): the binding entries of all its instances.
//!
//! ```text
//! { "ietf-softwire-br:br-instances": { "binding": { "bind-instance": [ { "binding-table": {
//!     "binding-entry": [ { "binding-ipv6info": …, "binding-ipv4-addr": …, "port-set": {
//!         "psid-offset": 0, "psid-len": …, "psid": … }, "br-ipv6-addr": … }, … ] } } ] } } }
//! ```
//!
//! Entries are turned into bindings one by one while the text is walked, so memory is the text's and the
//! bindings'. Other leaves of the module, and members of other modules, are passed over; an unknown
//! member of an entry is a fault, because it is most likely a misspelt one. Several entries may name one
//! lwB4, although the module's list is keyed by it: the product allows that, the module does not.

use std::cell::RefCell;
use std::fmt;
use std::io::Read;
use std::net::Ipv6Addr;

use serde::de::DeserializeSeed;
use serde::de::Deserializer;
use serde::de::Error;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;

use super::Row;
use super::Step;
use super::entry::Entry;
use super::error::ReadError;
use super::error::RowFault;
use super::field::Repeating;
use super::scalar::Scalar;
use super::scalar::Text;

/// Reads entries to the end of `input`; `step` gets each with the octets read so far.
pub(super) fn read(mut input: impl Read, step: &mut Step<'_>) -> Result<(), ReadError> {
    let mut text = Vec::new();
    input
        .read_to_end(&mut text)
        .map_err(ReadError::Unreadable)?;
    let walk = Walk {
        text: &text,
        state: RefCell::new(State {
            at: 0,
            line: 1,
            fault: None,
            step,
            br: Repeating::ipv6("br-ipv6-addr"),
        }),
    };
    // One check for the whole text is much quicker than one for each string in it.
    let valid = std::str::from_utf8(&text).map_err(|error| not_utf8(&text, error.valid_up_to()))?;
    let mut json = serde_json::Deserializer::from_str(valid);
    let walked = Level {
        walk: &walk,
        depth: 0,
    }
    .deserialize(&mut json)
    .and_then(|()| json.end());
    let fault = walk.state.into_inner().fault;
    match (walked, fault) {
        (Ok(()), _) => Ok(()),
        (Err(_), Some((line, fault))) => Err(ReadError::Row { line, fault }),
        (Err(error), None) => {
            let line = error.line().max(1) as u64;
            Err(ReadError::Row {
                line,
                fault: RowFault::Syntax(without_place(&error)),
            })
        }
    }
}

/// The text being walked and how far the walk is.
pub(super) struct Walk<'w, 's> {
    text: &'w [u8],
    state: RefCell<State<'w, 's>>,
}

struct State<'w, 's> {
    /// Octets whose line ends are counted in `line`.
    at: usize,
    line: u32,
    /// The fault that stopped the walk: serde's own error cannot carry it.
    fault: Option<(u64, RowFault)>,
    step: &'w mut Step<'s>,
    /// All softwires of a box may name one BR address.
    br: Repeating<Ipv6Addr>,
}

impl Walk<'_, '_> {
    /// Moves on to where `part`, borrowed from the text, stands. A string with escapes is no part of the
    /// text; then the place stays that of the part before.
    pub(super) fn reach(&self, part: &Text<'_>) {
        let Text::Borrowed(part) = part else { return };
        let offset = (part.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        let mut state = self.state.borrow_mut();
        if let Some(passed) = self.text.get(state.at..offset) {
            state.line += passed.iter().filter(|&&byte| byte == b'\n').count() as u32;
            state.at = offset;
        }
    }

    /// Stops the walk with a fault at the place reached.
    pub(super) fn stop<E: Error>(&self, fault: RowFault) -> E {
        let mut state = self.state.borrow_mut();
        state.fault = Some((state.line.into(), fault));
        E::custom("stopped at a fault")
    }

    /// The BR address of a leaf.
    pub(super) fn br(&self, leaf: &Scalar<'_>) -> Option<Ipv6Addr> {
        let Scalar::Text(text) = leaf else {
            return None;
        };
        self.state
            .borrow_mut()
            .br
            .read(text.as_str().as_bytes())
            .ok()
    }

    /// The line of the place reached.
    pub(super) fn line(&self) -> u32 {
        self.state.borrow().line
    }

    fn step(&self, row: Row) {
        let mut state = self.state.borrow_mut();
        let at = state.at as u64;
        (state.step)(row, at);
    }
}

/// A table on the way down to the entries: one member leads on, the others are passed over.
#[derive(Clone, Copy)]
struct Level<'l, 'w, 's> {
    walk: &'l Walk<'w, 's>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Level<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Level<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the member {:?}", PATH[self.depth])
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut found = false;
        while let Some(key) = map.next_key::<Text<'de>>()? {
            if key.as_str() != PATH[self.depth] {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            found = true;
            let below = Level {
                walk: self.walk,
                depth: self.depth + 1,
            };
            match PATH[self.depth] {
                INSTANCES => map.next_value_seed(List {
                    walk: self.walk,
                    instances: Some(below),
                })?,
                ENTRIES => map.next_value_seed(List {
                    walk: self.walk,
                    instances: None,
                })?,
                _ => map.next_value_seed(below)?,
            }
        }
        if self.depth == 0 && !found {
            let column = PATH[0].to_owned();
            return Err(self.walk.stop(RowFault::Missing { column }));
        }
        Ok(())
    }
}

/// The list of instances, or of one instance's entries.
struct List<'l, 'w, 's> {
    walk: &'l Walk<'w, 's>,
    /// What an element is; absent: it is an entry.
    instances: Option<Level<'l, 'w, 's>>,
}

impl<'de> DeserializeSeed<'de> for List<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if let Some(instance) = self.instances {
            while list.next_element_seed(instance)?.is_some() {}
            return Ok(());
        }
        let mut position = 0;
        while let Some(row) = list.next_element_seed(Entry {
            walk: self.walk,
            position,
        })? {
            self.walk.step(row);
            position += 1;
        }
        Ok(())
    }
}

fn not_utf8(text: &[u8], valid_up_to: usize) -> ReadError {
    let valid = text.get(..valid_up_to).unwrap_or_default();
    let line = 1 + valid.iter().filter(|&&byte| byte == b'\n').count() as u64;
    ReadError::Row {
        line,
        fault: RowFault::Syntax("not UTF-8".to_owned()),
    }
}

/// serde_json's message without its own line and column, which our messages put in front.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ")
        .map_or(text.as_str(), |(message, _)| message)
        .to_owned()
}

const INSTANCES: &str = "bind-instance";
const ENTRIES: &str = "binding-entry";
/// The members that lead to the entries; instances and entries are lists.
const PATH: [&str; 5] = [
    "ietf-softwire-br:br-instances",
    "binding",
    INSTANCES,
    "binding-table",
    ENTRIES,
];
