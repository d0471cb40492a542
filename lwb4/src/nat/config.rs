//! What an operator may choose about the NAT, and the least that the RFCs allow of each timer.

use std::net::Ipv4Addr;
use std::time::Duration;

use thiserror::Error;

/// How the NAT behaves. The defaults are those that this project recommends; only `router` has none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NatConfig {
    /// Where the ICMP errors that LAN hosts get come from: an address of ours that they can see.
    pub router: Ipv4Addr,
    /// Who may send to a port that a LAN host uses.
    pub filtering: Filterings,
    /// How long an idle session is kept.
    pub timers: Timers,
    /// How much may be kept.
    pub limits: Limits,
    /// Whether even ports become even ones and odd ports odd ones while there are any (NT-005).
    pub keep_parity: bool,
    /// Whether inbound UDP packets keep a session alive as outbound ones do (RFC 4787 REQ-6: MAY). Off by
    /// default, for then a stranger keeps a mapping open for ever.
    pub inbound_refresh: bool,
    /// Whether a LAN host is told (ICMP 3/13) that there is no room for its session (NT-020).
    pub answer_exhaustion: bool,
    /// Whether a SYN that nobody waits for is answered (ICMP 3/3) after six seconds (NT-016).
    pub answer_unsolicited_syn: bool,
    /// How many ICMP messages are made in a second; as many at once after a silence.
    pub answers_per_second: u32,
    /// What becomes of the IPv4 identification of packets that may be fragmented (NT-022, FR-014).
    pub identification: Identification,
    /// How long a freed external port goes to no other host (NT-023).
    pub quarantine: Duration,
}

impl NatConfig {
    /// The defaults; `router` is the source of ICMP errors to LAN hosts.
    #[must_use]
    pub fn new(router: Ipv4Addr) -> Self {
        Self {
            router,
            filtering: Filterings::default(),
            timers: Timers::default(),
            limits: Limits::default(),
            keep_parity: true,
            inbound_refresh: false,
            answer_exhaustion: true,
            answer_unsolicited_syn: true,
            answers_per_second: 50,
            identification: Identification::default(),
            quarantine: Duration::from_secs(120),
        }
    }
}

/// Who may send to a port that a LAN host uses (RFC 4787 s5). Mappings that PCP asked for are open to
/// anybody whom their own filters do not keep out (NT-024).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Filtering {
    /// Anybody: most transparent.
    EndpointIndependent,
    /// Whoever has the address of somebody whom the host has sent to. The default: with few ports an
    /// attacker finds those in use soon (RFC 7597 s10, LW-037).
    #[default]
    AddressDependent,
    /// Whom the host has sent to, and from that port only.
    AddressAndPortDependent,
}

/// Filtering by protocol (RFC 7857 s6).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Filterings {
    /// Of TCP, where it says who may open connections inwards.
    pub tcp: Filtering,
    /// Of UDP, UDP-Lite and all other protocols but ICMP.
    pub udp: Filtering,
    /// Of ICMP queries; they have no remote port, so both dependent kinds are one.
    pub icmp: Filtering,
}

/// What becomes of the IPv4 identification of outbound packets that may be, or are, fragmented (RFC 6864
/// s5.3.1). Packets with DF have no use for one and keep theirs.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Identification {
    /// It stays. Two LAN hosts, or two lwB4s that share the address, may meet in one of 65536; then
    /// the transport's checksum has to notice.
    #[default]
    Keep,
    /// It becomes a number of our own port set (RFC 7596 s5.2.1): no other lwB4 uses it, but our own come
    /// round sooner.
    FromSet,
}

/// A timer of sessions.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Timer {
    /// UDP and everything that is not below (NT-006).
    Udp,
    /// TCP connections that both ends have opened (NT-017); DCCP and SCTP likewise.
    TcpEstablished,
    /// TCP connections that one end has opened.
    TcpOpening,
    /// TCP connections that both ends have closed, or one has reset.
    TcpClosing,
    /// ICMP queries (NT-018).
    IcmpQuery,
}

impl Timer {
    /// The least that is allowed, in seconds.
    #[must_use]
    pub const fn minimum(self) -> u32 {
        match self {
            Self::Udp => 120,
            Self::TcpEstablished => 7440,
            // RFC 7857 s2.1 lets administrators shorten what RFC 5382 REQ-5 had fixed at four minutes.
            Self::TcpOpening | Self::TcpClosing => 1,
            Self::IcmpQuery => 60,
        }
    }
}

/// How long a session is kept without traffic. None is below its [`Timer::minimum`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Timers([u32; 5]);

impl Default for Timers {
    fn default() -> Self {
        Self([300, 7440, 240, 240, 60])
    }
}

impl Timers {
    /// The same with one timer changed.
    ///
    /// # Errors
    /// When that is less than is allowed.
    pub const fn with(mut self, timer: Timer, seconds: u32) -> Result<Self, TimerTooShort> {
        if seconds < timer.minimum() {
            return Err(TimerTooShort { timer, seconds });
        }
        self.0[timer as usize] = seconds;
        Ok(self)
    }

    /// Seconds without traffic.
    #[must_use]
    pub const fn seconds(self, timer: Timer) -> u32 {
        self.0[timer as usize]
    }
}

/// A timer below what an RFC demands.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a {timer:?} timer of {seconds} s is less than {} s", timer.minimum())]
pub struct TimerTooShort {
    /// Which one.
    pub timer: Timer,
    /// What was wanted.
    pub seconds: u32,
}

/// How much may be kept. A mapping with one session takes about 300 octets; what waits as a fragment
/// takes its own length and about 100 octets.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Limits {
    /// Mappings, those at rest included.
    pub mappings: usize,
    /// Mappings of one LAN host, those at rest included.
    pub mappings_per_host: usize,
    /// Sessions in all: remote ends, by address or by address and port.
    pub sessions: usize,
    /// Sessions of one mapping. One more replaces the oldest, but for TCP, where it is refused.
    pub sessions_per_mapping: usize,
    /// Datagrams whose fragments are followed.
    pub datagrams: usize,
    /// Fragments that wait for their first.
    pub fragments: usize,
    /// Octets of those.
    pub fragment_octets: usize,
    /// How long a datagram is followed, and its fragments wait.
    pub fragment_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            mappings: 65_536,
            mappings_per_host: 4096,
            sessions: 131_072,
            sessions_per_mapping: 1024,
            datagrams: 1024,
            fragments: 256,
            fragment_octets: 512 * 1024,
            fragment_timeout: Duration::from_secs(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nt_006_nt_017_nt_018_no_timer_is_shorter_than_the_rfcs_allow() {
        let timers = Timers::default();
        for (timer, least) in [
            (Timer::Udp, 120),
            (Timer::TcpEstablished, 7440),
            (Timer::IcmpQuery, 60),
        ] {
            assert!(timers.seconds(timer) >= least);
            assert!(timers.with(timer, least - 1).is_err());
            assert_eq!(timers.with(timer, least).unwrap().seconds(timer), least);
        }
        assert_eq!(timers.seconds(Timer::TcpOpening), 240);
        assert_eq!(timers.seconds(Timer::TcpClosing), 240);
        assert_eq!(timers.seconds(Timer::Udp), 300);
    }
}
