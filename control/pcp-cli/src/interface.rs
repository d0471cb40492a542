//! Interfaces by their names.

use std::fs;
use std::num::NonZeroU32;

use crate::error::Error;

/// The number of an interface.
pub(crate) fn index(name: &str) -> Result<NonZeroU32, Error> {
    let missing = || Error::NoInterface {
        name: name.to_owned(),
    };
    if name.contains('/') || name.starts_with('.') {
        return Err(missing());
    }
    fs::read_to_string(format!("/sys/class/net/{name}/ifindex"))
        .ok()
        .and_then(|index| index.trim().parse().ok())
        .ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_has_a_number_and_no_path_is_an_interface() {
        assert!(index("lo").is_ok());
        for name in ["no-such-one", "", "../net/lo", ".."] {
            assert!(index(name).is_err(), "{name:?}");
        }
    }
}
