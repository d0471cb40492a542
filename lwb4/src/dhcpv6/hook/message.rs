//! What a hook tells the daemon, and what it does there.

use pcp::instant::Instant;
use serde::Deserialize;
use serde::Serialize;
use thiserror::Error;

use super::hex;
use crate::dhcpv6::Lasting;
use crate::dhcpv6::Learned;
use crate::dhcpv6::Prefix;
use crate::dhcpv6::PrefixError;
use crate::dhcpv6::client::after;
use crate::dhcpv6::option::OptionError;
use crate::dhcpv6::option::RawOptions;
use crate::dhcpv6::option::Reading;
use crate::dhcpv6::option::put;

/// One message of a hook.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HookMessage {
    /// [`HookMessage::VERSION`].
    pub version: u32,
    /// What happened.
    pub event: Event,
    /// Seconds that options are good for; absent for what came without a lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime_s: Option<u32>,
    /// The options that the client has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<HookOption>,
    /// The prefixes that are delegated to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<HookPrefix>,
}

/// What happened.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// The client has what follows.
    Provided,
    /// The client has nothing.
    Lost,
}

/// An option as the server sent it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HookOption {
    /// Its code.
    pub code: u16,
    /// Its value, in hexadecimal.
    pub value: String,
}

/// A delegated prefix.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HookPrefix {
    /// `2001:db8::/56`.
    pub prefix: String,
    /// Seconds that it is ours.
    pub lifetime_s: u32,
}

/// What a message says, as values.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Applied {
    /// The prefixes that are delegated, instead of those before.
    pub prefixes: Vec<Lasting<Prefix>>,
    /// Options that were dropped, to be counted and logged.
    pub dropped: Vec<OptionError>,
}

impl HookMessage {
    /// The version of this form.
    pub const VERSION: u32 = 1;

    /// A message without options yet.
    #[must_use]
    pub const fn new(event: Event) -> Self {
        Self {
            version: Self::VERSION,
            event,
            lifetime_s: None,
            options: Vec::new(),
            prefixes: Vec::new(),
        }
    }

    /// The same with an option.
    #[must_use]
    pub fn with(mut self, code: u16, value: &[u8]) -> Self {
        let value = hex::text(value);
        self.options.push(HookOption { code, value });
        self
    }

    /// As a line of JSON, without its end.
    ///
    /// # Errors
    /// When it cannot be written so, which no field of it causes.
    pub fn to_line(&self) -> Result<String, HookError> {
        serde_json::to_string(self).map_err(HookError::Json)
    }

    /// From a line of JSON.
    ///
    /// # Errors
    /// When it is none, or of another version.
    pub fn from_line(line: &str) -> Result<Self, HookError> {
        let message: Self = serde_json::from_str(line).map_err(HookError::Json)?;
        match message.version {
            Self::VERSION => Ok(message),
            version => Err(HookError::Version { version }),
        }
    }

    /// Changes `learned` to what the message says; nothing if there is an error.
    ///
    /// # Errors
    /// When an option is not hexadecimal, or a prefix none.
    pub fn apply(&self, learned: &mut Learned, now: Instant) -> Result<Applied, HookError> {
        if self.event == Event::Lost {
            *learned = Learned::default();
            return Ok(Applied::default());
        }
        let octets = self.octets()?;
        let prefixes = self.prefixes.iter().map(|prefix| prefix.read(now));
        let prefixes = prefixes.collect::<Result<_, _>>()?;
        let mut reading = Reading::new(RawOptions::new(&octets));
        let dropped = std::mem::take(&mut reading.discarded);
        learned.apply(reading, after(now, self.lifetime_s.unwrap_or(u32::MAX)));
        Ok(Applied { prefixes, dropped })
    }

    fn octets(&self) -> Result<Vec<u8>, HookError> {
        let mut octets = Vec::new();
        for HookOption { code, value } in &self.options {
            let value = hex::octets(value).ok_or_else(|| HookError::Hex {
                name: code.to_string(),
                value: value.clone(),
            })?;
            put(&mut octets, *code, |octets| octets.extend(value));
        }
        Ok(octets)
    }
}

impl HookPrefix {
    fn read(&self, now: Instant) -> Result<Lasting<Prefix>, HookError> {
        Ok(Lasting {
            value: self.prefix.parse().map_err(HookError::Prefix)?,
            until: after(now, self.lifetime_s),
        })
    }
}

/// Why a hook's words, or its message, cannot be used.
#[derive(Debug, Error)]
pub enum HookError {
    /// Not the JSON of a message.
    #[error("no message of a DHCPv6 hook: {0}")]
    Json(serde_json::Error),
    /// Of another version.
    #[error(
        "a message of version {version}, where {} is known",
        HookMessage::VERSION
    )]
    Version {
        /// Its version.
        version: u32,
    },
    /// An option's value is not hexadecimal.
    #[error("option {name}: '{value}' is not hexadecimal")]
    Hex {
        /// The option's code, or the variable it was in.
        name: String,
        /// The value.
        value: String,
    },
    /// A prefix is none.
    #[error(transparent)]
    Prefix(PrefixError),
    /// A word or a variable says nothing that is known.
    #[error("'{name}' cannot be '{value}'")]
    Word {
        /// The word, or the variable's name.
        name: String,
        /// Its value.
        value: String,
    },
    /// The environment is of no client that is known.
    #[error("the environment is of no DHCPv6 client that is known: name options, as 96=005c…")]
    Environment,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Instant = Instant::from_secs(100);

    fn provided() -> HookMessage {
        let mut message = HookMessage::new(Event::Provided).with(64, b"\x04aftr\x00");
        message.lifetime_s = Some(60);
        message.prefixes.push(HookPrefix {
            prefix: "2001:db8:b4::/56".to_owned(),
            lifetime_s: 90,
        });
        message
    }

    #[test]
    fn a_message_is_a_line_and_back() {
        let line = provided().to_line().unwrap();
        let expected = r#"{"version":1,"event":"provided","lifetime_s":60,"options":[{"code":64,"value":"046166747200"}],"prefixes":[{"prefix":"2001:db8:b4::/56","lifetime_s":90}]}"#;
        assert_eq!(line, expected);
        assert_eq!(HookMessage::from_line(&line).unwrap(), provided());
        let lost = HookMessage::new(Event::Lost);
        assert_eq!(lost.to_line().unwrap(), r#"{"version":1,"event":"lost"}"#);
    }

    #[test]
    fn dh_013_what_it_says_ends_with_its_lifetime() {
        let mut learned = Learned::default();
        let applied = provided().apply(&mut learned, NOW).unwrap();
        assert_eq!(learned.next_end(), Some(NOW + Duration::from_secs(60)));
        assert_eq!(applied.prefixes[0].until, NOW + Duration::from_secs(90));
        HookMessage::new(Event::Lost)
            .apply(&mut learned, NOW)
            .unwrap();
        assert_eq!(learned, Learned::default());
    }

    #[test]
    fn dh_010_a_broken_option_is_dropped_and_changes_nothing() {
        let mut learned = Learned::default();
        provided().apply(&mut learned, NOW).unwrap();
        let before = learned.clone();
        let broken = HookMessage::new(Event::Provided).with(64, b"\x09aftr\x00");
        assert_eq!(broken.apply(&mut learned, NOW).unwrap().dropped.len(), 1);
        assert_eq!(learned, before);
    }

    #[test]
    fn what_is_no_message_is_refused_and_changes_nothing() {
        assert!(HookMessage::from_line("{}").is_err());
        assert!(HookMessage::from_line(r#"{"version":1,"event":"lost","x":1}"#).is_err());
        let other = HookMessage::from_line(r#"{"version":2,"event":"lost"}"#);
        assert!(matches!(other, Err(HookError::Version { version: 2 })));
        let mut learned = Learned::default();
        let mut message = provided();
        message.options[0].value = "xy".to_owned();
        assert!(message.apply(&mut learned, NOW).is_err());
        let mut message = provided();
        message.prefixes[0].prefix = "2001:db8::".to_owned();
        assert!(message.apply(&mut learned, NOW).is_err());
        assert_eq!(learned, Learned::default());
    }
}
