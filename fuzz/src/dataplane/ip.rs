//! IPv4 packets, read once more and without the code that is judged.

/// Octets that begin with a whole IPv4 header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ipv4<'a> {
    octets: &'a [u8],
}

/// Which end of a packet is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Source,
    Destination,
}

/// What tells subscribers of one address apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Port {
    Of(u16),
    /// The protocol has none.
    Without,
    /// Another fragment has it.
    Elsewhere,
    /// It should be here and is not.
    Missing,
}

impl<'a> Ipv4<'a> {
    pub(crate) fn new(octets: &'a [u8]) -> Option<Self> {
        let first = *octets.first()?;
        let header_len = usize::from(first & 15) * 4;
        (first >> 4 == 4 && header_len >= 20 && octets.len() >= header_len)
            .then_some(Self { octets })
    }

    pub(crate) fn header(&self) -> &'a [u8] {
        &self.octets[..usize::from(self.octets[0] & 15) * 4]
    }

    pub(crate) fn tos(&self) -> u8 {
        self.octets[1]
    }

    pub(crate) fn total_len(&self) -> usize {
        usize::from(self.word(2))
    }

    pub(crate) fn id(&self) -> u16 {
        self.word(4)
    }

    pub(crate) fn more_follow(&self) -> bool {
        self.octets[6] & 0x20 != 0
    }

    /// Where its payload belongs in the datagram's.
    pub(crate) fn offset(&self) -> usize {
        usize::from(self.word(6) & 0x1fff) * 8
    }

    pub(crate) fn ttl(&self) -> u8 {
        self.octets[8]
    }

    pub(crate) fn protocol(&self) -> u8 {
        self.octets[9]
    }

    pub(crate) fn source(&self) -> [u8; 4] {
        [12, 13, 14, 15].map(|at| self.octets[at])
    }

    pub(crate) fn destination(&self) -> [u8; 4] {
        [16, 17, 18, 19].map(|at| self.octets[at])
    }

    /// What is there of the payload.
    pub(crate) fn payload(&self) -> &'a [u8] {
        let end = self.octets.len().min(self.total_len());
        self.octets
            .get(self.header().len()..end)
            .unwrap_or_default()
    }

    /// Whether it is an ICMP error, by its type.
    pub(crate) fn is_icmp_error(&self) -> bool {
        self.protocol() == ICMP
            && self.offset() == 0
            && self.payload().first().is_some_and(|kind| is_error(*kind))
    }

    /// The port of a sent packet at this end.
    pub(crate) fn port(&self, end: End) -> Port {
        if self.offset() > 0 {
            return Port::Elsewhere;
        }
        let payload = self.payload();
        match self.protocol() {
            ICMP => match payload {
                [0 | 8, _, _, _, high, low, _, _, ..] => {
                    Port::Of(u16::from_be_bytes([*high, *low]))
                }
                [3 | 4 | 11 | 12, _, _, _, _, _, _, _, quote @ ..] => self.quoted_port(quote, end),
                _ => Port::Missing,
            },
            _ => self.port_in_front(end),
        }
    }

    /// The port of an ICMP error, of whose receiver the quoted packet was.
    fn quoted_port(&self, quote: &[u8], end: End) -> Port {
        // Only the first piece of an error that was split may have too little of the quote.
        let missing = if self.more_follow() {
            Port::Elsewhere
        } else {
            Port::Missing
        };
        let Some(quote) = Ipv4::new(quote) else {
            return missing;
        };
        let (belongs, end) = match end {
            End::Source => (quote.destination() == self.source(), End::Destination),
            End::Destination => (quote.source() == self.destination(), End::Source),
        };
        assert!(belongs, "an ICMP error about another's packet: {self:02x?}");
        match quote.quote_port(end) {
            Port::Missing => missing,
            port => port,
        }
    }

    /// The port of a packet that is quoted, perhaps not all of it.
    pub(crate) fn quote_port(&self, end: End) -> Port {
        match (self.protocol(), self.offset(), self.payload()) {
            (ICMP, 0, [0 | 8, _, _, _, high, low, ..]) => {
                Port::Of(u16::from_be_bytes([*high, *low]))
            }
            (ICMP, 0, _) => Port::Missing,
            (_, 0, _) => self.port_in_front(end),
            _ => Port::Without,
        }
    }

    fn port_in_front(&self, end: End) -> Port {
        match (self.protocol(), self.payload()) {
            (6 | 17 | 33 | 132 | 136, [a, b, c, d, ..]) => Port::Of(match end {
                End::Source => u16::from_be_bytes([*a, *b]),
                End::Destination => u16::from_be_bytes([*c, *d]),
            }),
            (6 | 17 | 33 | 132 | 136, _) => Port::Missing,
            _ => Port::Without,
        }
    }

    fn word(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.octets[at], self.octets[at + 1]])
    }
}

/// Whether an ICMP message of this type is about a packet (RFC 792).
pub(crate) fn is_error(kind: u8) -> bool {
    matches!(kind, 3 | 4 | 5 | 11 | 12)
}

/// Whether an address is of 192.0.0.0/29 (RFC 7335).
pub(crate) fn is_softwire_internal(address: [u8; 4]) -> bool {
    matches!(address, [192, 0, 0, 0..=7])
}

/// Whether one host could have this address.
pub(crate) fn is_a_hosts(address: [u8; 4]) -> bool {
    !matches!(address[0], 0 | 127 | 224..)
}

pub(crate) const ICMP: u8 = 1;
