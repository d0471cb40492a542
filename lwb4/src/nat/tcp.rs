//! The state of a TCP connection as a NAT sees it (RFC 7857 s2.2, figure 1; NT-016, NT-017).
//!
//! ```text
//!   SYN ─► Opening ── SYN of the other end ─► Established ─── FIN ─► Closing ── FIN of the other ─► Closed
//!                                              ▲      │ reset in the window
//!   no SYN ─► Joined ── the other end ─────────┘      ▼
//!                                              └── Reset ── goes on after all
//! ```
//!
//! `Joined` is not in the figure: a connection that began before we did, or before our ports changed, is
//! translated, but counts as established only when both ends were heard.

use crate::nat::packet::read16;

/// An end of a connection: the LAN host, or the other one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    Inside,
    Outside,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// One end sent a SYN (INIT).
    Opening(Side),
    /// One end sent something, and we have seen no SYN.
    Joined(Side),
    Established,
    /// One end sent a FIN (C FIN RCV, S FIN RCV).
    Closing(Side),
    /// Both did (C FIN + S FIN RCV).
    Closed,
    /// One end reset it (TRANS).
    Reset,
}

/// What the NAT reads of a TCP header.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Segment {
    flags: u8,
    sequence: u32,
    acknowledgement: u32,
    window: u16,
    /// The shift of the window, in a SYN that has one (RFC 7323 s2.2).
    scale: Option<u8>,
}

impl Segment {
    /// Reads a TCP header, of which 20 octets must be there.
    pub(super) fn read(tcp: &[u8]) -> Self {
        let long = |at| u32::from(read16(tcp, at)) << 16 | u32::from(read16(tcp, at + 2));
        let flags = tcp[13];
        let header = usize::from(tcp[12] >> 4) * 4;
        let options = tcp.get(20..header).unwrap_or_default();
        Self {
            flags,
            sequence: long(4),
            acknowledgement: long(8),
            window: read16(tcp, 14),
            scale: if flags & SYN == 0 {
                None
            } else {
                scale(options)
            },
        }
    }

    /// Whether it opens a connection.
    pub(super) const fn opens(self) -> bool {
        self.flags & (SYN | ACK | RST) == SYN
    }

    /// Whether it resets one.
    pub(super) const fn resets(self) -> bool {
        self.flags & RST != 0
    }
}

/// The window scale among the options of a SYN.
fn scale(mut options: &[u8]) -> Option<u8> {
    loop {
        match *options {
            [1, ref rest @ ..] => options = rest,
            [3, 3, shift, ..] => return Some(shift.min(MOST_SCALE)),
            [kind, length, ..] if kind != 0 && length >= 2 => {
                options = options.get(usize::from(length)..)?;
            }
            _ => return None,
        }
    }
}

/// What one end has said that it takes.
#[derive(Clone, Copy, Debug, Default)]
struct Receiver {
    /// Sequence numbers from here on; none before its first ACK.
    from: Option<u32>,
    window: u16,
    /// Unknown is the widest, so that no genuine reset is taken for a forged one.
    scale: Option<u8>,
}

impl Receiver {
    fn hear(&mut self, segment: Segment) {
        if segment.flags & SYN != 0 {
            // Without the option the window is not scaled; with an ACK both are known.
            self.scale = Some(segment.scale.unwrap_or(0));
        }
        if segment.flags & ACK != 0 {
            self.from = Some(segment.acknowledgement);
            self.window = segment.window;
        }
    }

    /// Whether it can mean a segment with this sequence number.
    fn takes(&self, sequence: u32) -> bool {
        let window = u32::from(self.window) << self.scale.unwrap_or(MOST_SCALE);
        // One more on both sides: a FIN counts, and a keep-alive is one behind.
        self.from
            .is_none_or(|from| sequence.wrapping_sub(from).wrapping_add(1) <= window + 2)
    }
}

/// A connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connection {
    pub(super) state: State,
    inside: Receiver,
    outside: Receiver,
}

/// Whether a packet starts the session's timer anew.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refresh {
    Yes,
    No,
}

impl Connection {
    /// A connection whose first segment comes from `side`.
    pub(super) fn begun(side: Side, segment: Segment) -> Self {
        let state = if segment.opens() {
            State::Opening(side)
        } else {
            State::Joined(side)
        };
        let mut connection = Self::expected(side);
        connection.state = state;
        connection.end(side).hear(segment);
        connection
    }

    /// A connection that nobody has opened yet, but `side` is going to.
    pub(super) fn expected(side: Side) -> Self {
        Self {
            state: State::Opening(side),
            inside: Receiver::default(),
            outside: Receiver::default(),
        }
    }

    /// A segment from `side` passes.
    pub(super) fn hear(&mut self, side: Side, segment: Segment) -> Refresh {
        let before = self.state;
        self.state = self.after(side, segment);
        if !segment.resets() {
            if segment.opens() {
                *self.end(side) = Receiver::default();
            }
            self.end(side).hear(segment);
        }
        match (before, self.state) {
            // A host that refuses a stranger does not thereby prolong anything (RFC 7857 s7.1).
            (State::Opening(Side::Outside), State::Reset) => Refresh::No,
            (before, after) if before != after => Refresh::Yes,
            (_, State::Established | State::Closing(_)) => Refresh::Yes,
            (_, State::Opening(_) | State::Joined(_)) if side == Side::Inside => Refresh::Yes,
            _ => Refresh::No,
        }
    }

    fn after(&mut self, side: Side, segment: Segment) -> State {
        let fin = segment.flags & FIN != 0;
        let syn = segment.flags & SYN != 0;
        if segment.resets() {
            return self.after_reset(side, segment);
        }
        match self.state {
            State::Closed | State::Reset if segment.opens() => State::Opening(side),
            State::Opening(first) if syn && first != side => State::Established,
            State::Joined(first) if first != side => State::Established,
            State::Established if fin => State::Closing(side),
            State::Closing(first) if fin && first != side => State::Closed,
            State::Reset => State::Established,
            state => state,
        }
    }

    fn after_reset(&mut self, side: Side, segment: Segment) -> State {
        let receiver = match side {
            Side::Inside => self.outside,
            Side::Outside => self.inside,
        };
        if self.state == State::Closed || !receiver.takes(segment.sequence) {
            return self.state;
        }
        State::Reset
    }

    fn end(&mut self, side: Side) -> &mut Receiver {
        match side {
            Side::Inside => &mut self.inside,
            Side::Outside => &mut self.outside,
        }
    }
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// RFC 7323 s2.3.
const MOST_SCALE: u8 = 14;

#[cfg(test)]
mod tests {
    use super::*;

    use Side::Inside;
    use Side::Outside;

    fn segment(flags: u8, sequence: u32, acknowledgement: u32) -> Segment {
        Segment {
            flags,
            sequence,
            acknowledgement,
            window: 1000,
            scale: None,
        }
    }

    fn established() -> Connection {
        let mut connection = Connection::begun(Inside, segment(SYN, 99, 0));
        connection.hear(Outside, segment(SYN | ACK, 499, 100));
        connection.hear(Inside, segment(ACK, 100, 500));
        assert_eq!(connection.state, State::Established);
        connection
    }

    #[test]
    fn nt_017_a_handshake_establishes_and_two_fins_close() {
        let mut connection = established();
        connection.hear(Outside, segment(FIN | ACK, 500, 100));
        assert_eq!(connection.state, State::Closing(Outside));
        connection.hear(Outside, segment(FIN | ACK, 500, 100));
        assert_eq!(connection.state, State::Closing(Outside), "a repeated FIN");
        assert_eq!(
            connection.hear(Inside, segment(FIN | ACK, 100, 501)),
            Refresh::Yes
        );
        assert_eq!(connection.state, State::Closed);
        assert_eq!(
            connection.hear(Outside, segment(ACK, 501, 101)),
            Refresh::No
        );
        connection.hear(Outside, segment(RST, 501, 101));
        assert_eq!(connection.state, State::Closed);
    }

    #[test]
    fn nt_016_a_simultaneous_open_establishes() {
        let mut connection = Connection::begun(Inside, segment(SYN, 1, 0));
        connection.hear(Outside, segment(SYN, 9, 0));
        assert_eq!(connection.state, State::Established);
    }

    #[test]
    fn nt_017_a_reset_counts_only_inside_the_window() {
        for (sequence, state) in [
            (498, State::Established),
            (499, State::Reset),
            (500, State::Reset),
            (1501, State::Reset),
            (1502, State::Established),
            (0x8000_0000, State::Established),
        ] {
            let mut connection = established();
            connection.hear(Outside, segment(RST, sequence, 0));
            assert_eq!(connection.state, state, "sequence {sequence}");
        }
    }

    #[test]
    fn nt_017_a_connection_that_goes_on_after_a_reset_is_established() {
        let mut connection = established();
        connection.hear(Outside, segment(RST, 500, 0));
        assert_eq!(connection.hear(Outside, segment(RST, 500, 0)), Refresh::No);
        connection.hear(Inside, segment(ACK, 100, 500));
        assert_eq!(connection.state, State::Established);
    }

    #[test]
    fn nt_007_a_refused_stranger_prolongs_nothing() {
        let mut connection = Connection::begun(Outside, segment(SYN, 9, 0));
        assert_eq!(connection.hear(Outside, segment(SYN, 9, 0)), Refresh::No);
        assert_eq!(
            connection.hear(Inside, segment(RST | ACK, 0, 10)),
            Refresh::No
        );
        assert_eq!(connection.state, State::Reset);
    }

    #[test]
    fn nt_017_a_connection_joined_late_needs_both_ends() {
        let mut connection = Connection::begun(Inside, segment(ACK, 100, 500));
        connection.hear(Inside, segment(ACK, 100, 500));
        assert_eq!(connection.state, State::Joined(Inside));
        connection.hear(Outside, segment(ACK, 500, 100));
        assert_eq!(connection.state, State::Established);
    }

    #[test]
    fn nt_017_the_window_is_scaled_as_the_syn_says() {
        let mut tcp = [0; 24];
        tcp[12] = 6 << 4;
        tcp[13] = SYN;
        tcp[20..].copy_from_slice(&[1, 3, 3, 7]);
        assert_eq!(Segment::read(&tcp).scale, Some(7));
        tcp[20..].copy_from_slice(&[3, 3, 200, 0]);
        assert_eq!(Segment::read(&tcp).scale, Some(14));
        tcp[20..].copy_from_slice(&[2, 4, 5, 0xb4]);
        assert_eq!(Segment::read(&tcp).scale, None);
        tcp[20..].copy_from_slice(&[2, 0, 3, 3]);
        assert_eq!(Segment::read(&tcp).scale, None);
        tcp[13] = ACK;
        assert_eq!(Segment::read(&tcp).scale, None);
    }
}
