//! What a client is known by for ever (RFC 8415 s11).

/// A DUID, without its option.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Duid {
    octets: Vec<u8>,
}

impl Duid {
    /// From an Ethernet address that stays with the machine (DUID-LL, s11.4).
    #[must_use]
    pub fn from_mac(mac: [u8; 6]) -> Self {
        let octets = [&[0, 3, 0, 1][..], &mac].concat();
        Self { octets }
    }

    /// From the machine's UUID (DUID-UUID, s11.5; RFC 6355).
    #[must_use]
    pub fn from_uuid(uuid: [u8; 16]) -> Self {
        let octets = [&[0, 4][..], &uuid].concat();
        Self { octets }
    }

    /// As in a server's option, if it may be one: a type and 1 to 128 octets (s11.1).
    #[must_use]
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        let octets = (3..=130).contains(&octets.len()).then(|| octets.to_vec())?;
        Some(Self { octets })
    }

    /// As in an option.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duid_begins_with_its_type() {
        let mac = Duid::from_mac([2, 0, 0, 0, 0, 7]);
        assert_eq!(mac.octets(), [0, 3, 0, 1, 2, 0, 0, 0, 0, 7]);
        let uuid = Duid::from_uuid([9; 16]);
        assert_eq!(uuid.octets()[..3], [0, 4, 9]);
        assert_eq!(uuid.octets().len(), 18);
        assert_eq!(Duid::from_octets(mac.octets()), Some(mac));
        assert_eq!(Duid::from_octets(&[0, 3]), None);
        assert_eq!(Duid::from_octets(&[0; 131]), None);
    }
}
