//! The softwires and neighbours of the box that is fuzzed, and who owns a port, found the slow way.
//!
//! ```text
//!  192.0.2.1   PSID 1, 2, 3 of 16                three lwB4s, two BRs
//!  192.0.2.2   PSID 0x34, 0x35 behind 6 bits     one of the lwB4s again
//!  192.0.2.3   the whole address
//! ```

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::port_set::PortSplit;
use lwaftr_dataplane::table::BrSet;
use lwaftr_dataplane::table::Builder;
use lwaftr_dataplane::table::Origin;
use lwaftr_dataplane::table::Publisher;

/// One row of the binding table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Softwire {
    pub(crate) ipv4: [u8; 4],
    psid_offset: u8,
    psid_len: u8,
    psid: u16,
    pub(crate) b4: [u8; 16],
    pub(crate) br: [u8; 16],
}

impl Softwire {
    pub(crate) fn is_whole(&self) -> bool {
        self.psid_len == 0
    }

    /// Whether the port set has `port` (RFC 7597 s5.1).
    pub(crate) fn has(&self, port: u16) -> bool {
        let port = u32::from(port);
        let (a, k) = (u32::from(self.psid_offset), u32::from(self.psid_len));
        let block = port >> (16 - a);
        let psid = port >> (16 - a - k) & ((1 << k) - 1);
        self.is_whole() || ((a == 0 || block > 0) && psid == u32::from(self.psid))
    }

    /// Some port of the set, the same for the same `number`.
    pub(crate) fn port(&self, number: u16) -> u16 {
        let (a, k) = (u32::from(self.psid_offset), u32::from(self.psid_len));
        if k == 0 {
            return number;
        }
        let low = 16 - a - k;
        let number = u32::from(number);
        let block = if a == 0 {
            0
        } else {
            (number >> low) % ((1 << a) - 1) + 1
        };
        (block << (16 - a) | u32::from(self.psid) << low | number & ((1 << low) - 1)) as u16
    }

    fn binding(&self) -> Binding {
        let split = PortSplit::new(self.psid_offset, self.psid_len).expect("16 bits");
        let ports = PortSet::new(split, self.psid).expect("a PSID of that length");
        let (b4, br) = (Ipv6Addr::from(self.b4), Ipv6Addr::from(self.br));
        Binding::new(Ipv4Addr::from(self.ipv4), ports, b4, br).expect("a valid binding")
    }
}

/// Whether somebody has ports of this address.
pub(crate) fn serves(ipv4: [u8; 4]) -> bool {
    SOFTWIRES.iter().any(|softwire| softwire.ipv4 == ipv4)
}

/// Who has this port, or without ports the whole address.
pub(crate) fn owner(ipv4: [u8; 4], port: Option<u16>) -> Option<&'static Softwire> {
    SOFTWIRES.iter().find(|softwire| {
        softwire.ipv4 == ipv4
            && match port {
                Some(port) => softwire.has(port),
                None => softwire.is_whole(),
            }
    })
}

/// A table with these softwires.
pub(crate) fn publisher() -> Publisher {
    let brs = BrSet::new(BRS.map(Ipv6Addr::from)).expect("two BRs");
    let mut builder = Builder::new(brs).expect("memory for a small table");
    for softwire in &SOFTWIRES {
        builder
            .add(&softwire.binding(), Origin(0))
            .expect("no conflict");
    }
    Publisher::new(builder)
}

const fn b4(number: u16) -> [u8; 16] {
    Ipv6Addr::new(0x2001, 0xdb8, 0, number, 0, 0, 0, 1).octets()
}

const fn br(number: u16) -> [u8; 16] {
    Ipv6Addr::new(0x2001, 0xdb8, 0xaf, 0, 0, 0, 0, number).octets()
}

const fn row(
    last: u8,
    (psid_offset, psid_len, psid): (u8, u8, u16),
    b4: [u8; 16],
    br: [u8; 16],
) -> Softwire {
    Softwire {
        ipv4: [192, 0, 2, last],
        psid_offset,
        psid_len,
        psid,
        b4,
        br,
    }
}

pub(crate) const BRS: [[u8; 16]; 2] = [br(1), br(2)];
pub(crate) const SOFTWIRES: [Softwire; 6] = [
    row(1, (0, 4, 1), b4(1), BRS[0]),
    row(1, (0, 4, 2), b4(2), BRS[0]),
    row(1, (0, 4, 3), b4(3), BRS[1]),
    row(2, (6, 8, 0x34), b4(4), BRS[1]),
    row(2, (6, 8, 0x35), b4(1), BRS[0]),
    row(3, (0, 0, 0), b4(5), BRS[0]),
];
/// Hosts and what should be none.
pub(crate) const ADDRESSES: [[u8; 4]; 16] = [
    [198, 51, 100, 7],
    [198, 51, 100, 8],
    [198, 51, 100, 9],
    [10, 0, 0, 1],
    [192, 0, 2, 1],
    [192, 0, 2, 2],
    [192, 0, 2, 3],
    [192, 0, 2, 4],
    INTERNET_ADDRESS,
    AFTR_ADDRESS,
    [192, 0, 0, 2],
    [224, 0, 0, 1],
    [127, 0, 0, 1],
    [0, 0, 0, 0],
    [255, 255, 255, 255],
    [192, 0, 0, 8],
];
pub(crate) const INTERNET_ADDRESS: [u8; 4] = [203, 0, 113, 1];
pub(crate) const AFTR_ADDRESS: [u8; 4] = [192, 0, 0, 1];
pub(crate) const ACCESS_ADDRESS: [u8; 16] =
    Ipv6Addr::new(0x2001, 0xdb8, 0xff, 0, 0, 0, 0, 1).octets();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_a_softwire_are_its_own() {
        for softwire in &SOFTWIRES {
            for number in 0..=u16::MAX {
                let port = softwire.port(number);
                assert!(softwire.has(port) && softwire.binding().ports().contains(port));
                let own = owner(softwire.ipv4, Some(port)).unwrap();
                assert_eq!(own.b4, softwire.b4);
                assert_eq!(
                    softwire.has(number),
                    softwire.binding().ports().contains(number)
                );
            }
        }
    }
}
