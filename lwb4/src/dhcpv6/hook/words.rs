//! The neutral form, for any client: words of the command line.
//!
//! ```text
//! lwb4 dhcp6-hook lifetime=3600 96=005c0014… 64=04616674… prefix=2001:db8:b4::/56,3600
//! lwb4 dhcp6-hook lost
//! ```

use super::Event;
use super::HookError;
use super::HookMessage;
use super::HookOption;
use super::HookPrefix;
use super::hex;

/// The message that words make.
///
/// # Errors
/// When a word is none of them.
pub fn from_words<S: AsRef<str>>(words: &[S]) -> Result<HookMessage, HookError> {
    if let [word] = words
        && word.as_ref() == "lost"
    {
        return Ok(HookMessage::new(Event::Lost));
    }
    let mut message = HookMessage::new(Event::Provided);
    for word in words {
        let (name, value) = word.as_ref().split_once('=').unwrap_or((word.as_ref(), ""));
        add(&mut message, name, value)?;
    }
    Ok(message)
}

fn add(message: &mut HookMessage, name: &str, value: &str) -> Result<(), HookError> {
    let unknown = || HookError::Word {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    match name {
        "lifetime" => message.lifetime_s = Some(value.parse().map_err(|_| unknown())?),
        "prefix" => {
            let (prefix, seconds) = value.split_once(',').ok_or_else(unknown)?;
            message.prefixes.push(HookPrefix {
                prefix: prefix.to_owned(),
                lifetime_s: seconds.parse().map_err(|_| unknown())?,
            });
        }
        code => {
            let code = code.parse().map_err(|_| unknown())?;
            let octets = hex::octets(value).ok_or_else(unknown)?;
            message.options.push(HookOption {
                code,
                value: hex::text(&octets),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_options_prefixes_and_their_lifetimes() {
        let words = [
            "lifetime=60",
            "64=04:61:66:74:72:00",
            "prefix=2001:db8:b4::/56,90",
        ];
        let message = from_words(&words).unwrap();
        let mut expected = HookMessage::new(Event::Provided).with(64, b"\x04aftr\x00");
        expected.lifetime_s = Some(60);
        expected.prefixes.push(HookPrefix {
            prefix: "2001:db8:b4::/56".to_owned(),
            lifetime_s: 90,
        });
        assert_eq!(message, expected);
        assert_eq!(from_words(&["lost"]).unwrap().event, Event::Lost);
    }

    #[test]
    fn other_words_are_refused() {
        for word in [
            "found",
            "lifetime=x",
            "prefix=2001:db8::/56",
            "64=xy",
            "70000=00",
            "lost=1",
        ] {
            assert!(from_words(&[word]).is_err(), "{word}");
        }
    }
}
