//! Option 96, the container of Lightweight 4over6 (RFC 7598 s5.3; DH-010, DH-015, DH-016): at least one
//! BR, at most one V4V6BIND with at most one PORTPARAMS in it.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use super::OptionError;
use super::RawOptions;
use super::addresses::is_host;
use super::code;
use super::port_params::PortParams;
use crate::dhcpv6::Prefix;
use crate::external::ExternalSet;

/// What option 96 says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LwContainer {
    /// The lwAFTR: the first BR, as one tunnel is all there is (LW-025).
    pub br: Ipv6Addr,
    /// The IPv4 parameters; without them they come by PCP (DH-016).
    pub bind: Option<V4V6Bind>,
}

/// What option 92 says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct V4V6Bind {
    /// The public address and its ports.
    pub set: ExternalSet,
    /// The PSID, right-aligned; 0 if there is none.
    pub psid: u16,
    /// Tells which of our prefixes the tunnel's source is made of (LW-023).
    pub prefix: Prefix,
}

impl LwContainer {
    pub(super) fn read(value: &[u8]) -> Result<Self, OptionError> {
        let mut brs = Vec::new();
        let mut binds = Vec::new();
        for option in RawOptions::new(value) {
            let option = option?;
            match option.code {
                code::S46_BR => brs.push(br(option.value)?),
                code::S46_V4V6BIND => binds.push(V4V6Bind::read(option.value)?),
                code => not_of_another_mechanism(code::S46_CONT_LW, code)?,
            }
        }
        let &br = brs.first().ok_or(OptionError::Missing {
            container: code::S46_CONT_LW,
            code: code::S46_BR,
        })?;
        let bind = at_most_one(code::S46_V4V6BIND, &binds)?;
        Ok(Self { br, bind })
    }
}

impl V4V6Bind {
    fn read(value: &[u8]) -> Result<Self, OptionError> {
        let length = value.len();
        let code = code::S46_V4V6BIND;
        let too_short = OptionError::Length { code, length };
        let (&[a, b, c, d, bits], rest) = value.split_first_chunk().ok_or(too_short)?;
        let address = host(Ipv4Addr::new(a, b, c, d))?;
        let octets = usize::from(bits.div_ceil(8));
        let (prefix, options) = rest.split_at_checked(octets).ok_or(too_short)?;
        let prefix = read_prefix(prefix, bits)?;
        let mut psids = Vec::new();
        for option in RawOptions::new(options) {
            let option = option?;
            match option.code {
                code::S46_PORTPARAMS => psids.push(PortParams::read(option.value)?),
                other => not_of_another_mechanism(code, other)?,
            }
        }
        let ports = at_most_one(code::S46_PORTPARAMS, &psids)?.unwrap_or_default();
        Ok(Self {
            set: ports.of(address)?,
            psid: ports.psid(),
            prefix,
        })
    }
}

fn br(value: &[u8]) -> Result<Ipv6Addr, OptionError> {
    let code = code::S46_BR;
    let length = value.len();
    let octets: [u8; 16] = value
        .try_into()
        .map_err(|_| OptionError::Length { code, length })?;
    let br = Ipv6Addr::from(octets);
    let address = IpAddr::V6(br);
    if is_host(address) && br.to_ipv4_mapped().is_none() {
        Ok(br)
    } else {
        Err(OptionError::Address { code, address })
    }
}

/// A PSID needs a complete address to be of use (DH-012).
fn host(address: Ipv4Addr) -> Result<Ipv4Addr, OptionError> {
    let code = code::S46_V4V6BIND;
    if is_host(IpAddr::V4(address)) {
        return Ok(address);
    }
    let address = IpAddr::V4(address);
    Err(OptionError::Address { code, address })
}

fn read_prefix(octets: &[u8], length: u8) -> Result<Prefix, OptionError> {
    let mut padded = [0; 16];
    let Some(head) = padded.get_mut(..octets.len()) else {
        return Err(OptionError::PrefixLength { length });
    };
    head.copy_from_slice(octets);
    Prefix::new(padded.into(), length).map_err(|_| OptionError::PrefixLength { length })
}

fn at_most_one<T: Copy>(code: u16, found: &[T]) -> Result<Option<T>, OptionError> {
    match found {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        _ => Err(OptionError::Repeated { code }),
    }
}

/// Options of softwires that the container cannot have make it unusable; others are passed over (DH-010).
fn not_of_another_mechanism(container: u16, code: u16) -> Result<(), OptionError> {
    match code {
        code::S46_RULE..=code::S46_CONT_LW => Err(OptionError::Misplaced { container, code }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dhcpv6::option::put;

    /// The vector of DH-015, without the container's header.
    const VECTOR: &[u8] = b"\x00\x5c\x00\x14\xc0\x00\x02\x05\x38\x20\x01\x0d\xb8\x00\xb4\x00\
        \x00\x5d\x00\x04\x00\x05\x68\x00\
        \x00\x5a\x00\x10\x20\x01\x0d\xb8\x00\xaf\0\0\0\0\0\0\0\0\0\x01";
    const BIND: &[u8] = b"\xc0\x00\x02\x05\x38\x20\x01\x0d\xb8\x00\xb4\x00";
    const PSID: &[u8] = b"\x00\x05\x68\x00";
    const BR: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0xaf, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

    fn options(options: &[(u16, &[u8])]) -> Vec<u8> {
        let mut octets = Vec::new();
        for (code, value) in options {
            put(&mut octets, *code, |octets| octets.extend(*value));
        }
        octets
    }

    fn with_psids(psids: &[&[u8]]) -> Vec<u8> {
        let psids: Vec<_> = psids.iter().map(|psid| (93, *psid)).collect();
        [BIND, &options(&psids)].concat()
    }

    /// T-37: 192.0.2.5, 2001:db8:b4::/56, PSID 13 of 5 bits, BR 2001:db8:af::1.
    #[test]
    fn dh_015_lw_021_the_vector_is_read() {
        let container = LwContainer::read(VECTOR).unwrap();
        assert_eq!(container.br.to_string(), "2001:db8:af::1");
        let bind = container.bind.unwrap();
        let set = ExternalSet::psid(Ipv4Addr::new(192, 0, 2, 5), 0, 5, 13);
        assert_eq!(Ok(bind.set), set);
        assert_eq!(bind.psid, 13);
        assert_eq!(bind.prefix.to_string(), "2001:db8:b4::/56");
        assert_eq!(VECTOR.len(), 0x2c);
    }

    #[test]
    fn dh_016_a_br_alone_is_legal() {
        let container = LwContainer::read(&options(&[(90, &BR)])).unwrap();
        assert_eq!(container.bind, None);
    }

    #[test]
    fn gm_003_a_binding_without_a_psid_is_a_whole_address() {
        let value = options(&[(90, &BR), (92, BIND)]);
        let bind = LwContainer::read(&value).unwrap().bind.unwrap();
        assert!(bind.set.is_whole());
        assert_eq!(bind.psid, 0);
    }

    #[test]
    fn dh_010_of_two_brs_the_first_is_taken_and_unknown_options_are_passed_over() {
        let mut other = BR;
        other[15] = 2;
        let value = options(&[(60000, b"x"), (90, &other), (90, &BR)]);
        let container = LwContainer::read(&value).unwrap();
        assert_eq!(container.br.to_string(), "2001:db8:af::2");
    }

    /// T-37: the second half.
    #[test]
    fn dh_010_broken_cardinalities_discard_the_container() {
        let (one, two) = (with_psids(&[PSID]), with_psids(&[PSID, PSID]));
        let missing = OptionError::Missing {
            container: 96,
            code: 90,
        };
        let misplaced = |container, code| OptionError::Misplaced { container, code };
        type Options<'a> = &'a [(u16, &'a [u8])];
        let cases: [(Options<'_>, OptionError); 7] = [
            (&[], missing),
            (&[(92, &one)], missing),
            (
                &[(90, &BR), (92, &one), (92, &one)],
                OptionError::Repeated { code: 92 },
            ),
            (&[(90, &BR), (92, &two)], OptionError::Repeated { code: 93 }),
            (&[(90, &BR), (93, PSID)], misplaced(96, 93)),
            (&[(90, &BR), (89, b"")], misplaced(96, 89)),
            (
                &[(90, &BR), (92, &[BIND, &options(&[(90, &BR)])].concat())],
                misplaced(92, 90),
            ),
        ];
        for (parts, error) in cases {
            assert_eq!(LwContainer::read(&options(parts)), Err(error), "{parts:?}");
        }
    }

    #[test]
    fn dh_010_invalid_values_discard_the_container() {
        let with_bind = |bind: &[u8]| LwContainer::read(&options(&[(90, &BR), (92, bind)]));
        let short = |length| Err(OptionError::Length { code: 92, length });
        assert_eq!(with_bind(&BIND[..11]), short(11));
        assert_eq!(with_bind(&BIND[..4]), short(4));
        assert_eq!(
            with_bind(&[BIND, &[0]].concat()),
            Err(OptionError::Truncated { octets: 1 })
        );
        let prefix = [&[192, 0, 2, 5, 136][..], &[0x20; 17]].concat();
        assert_eq!(
            with_bind(&prefix),
            Err(OptionError::PrefixLength { length: 136 })
        );
        let prefix = [&[192, 0, 2, 5, 129][..], &[0x20; 17]].concat();
        assert_eq!(
            with_bind(&prefix),
            Err(OptionError::PrefixLength { length: 129 })
        );
        for br in [[0; 16], [0xff; 16]] {
            let read = LwContainer::read(&options(&[(90, &br)]));
            assert!(matches!(read, Err(OptionError::Address { code: 90, .. })));
        }
        let length = OptionError::Length {
            code: 90,
            length: 15,
        };
        assert_eq!(LwContainer::read(&options(&[(90, &BR[1..])])), Err(length));
    }

    #[test]
    fn dh_012_a_psid_needs_a_complete_address() {
        let bind = [&[0; 4], &with_psids(&[PSID])[4..]].concat();
        let read = LwContainer::read(&options(&[(90, &BR), (92, &bind)]));
        assert!(matches!(read, Err(OptionError::Address { code: 92, .. })));
    }
}
