//! The client's side: does the server's epoch go on as its own clock does? (PC-081)

use crate::instant::Instant;

/// What a client remembers of one server's epoch.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ClientEpoch {
    previous: Option<Previous>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Previous {
    client_s: i64,
    server_s: i64,
}

/// What an epoch says about the server's state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EpochVerdict {
    /// It may be trusted to be what it was.
    Valid,
    /// It is lost; mappings must be renewed.
    Invalid,
}

impl ClientEpoch {
    /// Of a server that has not been heard.
    #[must_use]
    pub const fn new() -> Self {
        Self { previous: None }
    }

    /// The epoch that was heard last, in seconds.
    #[must_use]
    pub const fn last_s(&self) -> Option<u32> {
        match self.previous {
            Some(previous) => Some(previous.server_s as u32),
            None => None,
        }
    }

    /// Holds an epoch that arrived at `now` against the one before, and remembers it.
    pub fn observe(&mut self, now: Instant, server_s: u32) -> EpochVerdict {
        let current = Previous {
            client_s: now.as_secs() as i64,
            server_s: i64::from(server_s),
        };
        match self.previous.replace(current) {
            None => EpochVerdict::Valid,
            Some(previous) => previous.verdict(current),
        }
    }
}

impl Previous {
    /// Signed, because an epoch may be one second behind the one before (C-17).
    fn verdict(self, current: Self) -> EpochVerdict {
        let client_delta = current.client_s - self.client_s;
        let server_delta = current.server_s - self.server_s;
        let went_back = server_delta < -1;
        let client_slow = client_delta + 2 < server_delta - server_delta / 16;
        let server_slow = server_delta + 2 < client_delta - client_delta / 16;
        if went_back || client_slow || server_slow {
            return EpochVerdict::Invalid;
        }
        EpochVerdict::Valid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(client: (u32, u32), server: (u32, u32)) -> EpochVerdict {
        let mut epoch = ClientEpoch::default();
        let first = epoch.observe(Instant::from_secs(client.0), server.0);
        assert_eq!(first, EpochVerdict::Valid);
        epoch.observe(Instant::from_secs(client.1), server.1)
    }

    /// T-36.
    #[test]
    fn pc_081_vectors() {
        for (client, server, expected) in [
            ((0, 1000), (50, 990), EpochVerdict::Valid),
            ((0, 1000), (50, 985), EpochVerdict::Invalid),
            ((0, 100), (50, 150), EpochVerdict::Valid),
            ((0, 100), (50, 160), EpochVerdict::Invalid),
            ((0, 100), (50, 0), EpochVerdict::Invalid),
        ] {
            assert_eq!(verdict(client, server), expected, "{client:?} {server:?}");
        }
    }

    #[test]
    fn pc_081_one_second_back_is_still_valid_and_two_are_not() {
        assert_eq!(verdict((10, 10), (50, 49)), EpochVerdict::Valid);
        assert_eq!(verdict((10, 10), (1, 0)), EpochVerdict::Valid);
        assert_eq!(verdict((10, 10), (50, 48)), EpochVerdict::Invalid);
        assert_eq!(verdict((0, 0), (0, u32::MAX)), EpochVerdict::Invalid);
    }

    #[test]
    fn pc_081_every_response_is_remembered_the_invalid_ones_too() {
        let mut epoch = ClientEpoch::default();
        epoch.observe(Instant::from_secs(0), 5000);
        let lost = epoch.observe(Instant::from_secs(10), 0);
        assert_eq!(lost, EpochVerdict::Invalid);
        let again = epoch.observe(Instant::from_secs(11), 1);
        assert_eq!(again, EpochVerdict::Valid);
    }
}
