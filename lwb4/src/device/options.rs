//! Socket options that no crate has.

use nix::setsockopt_impl;
use nix::sockopt_impl;

sockopt_impl!(
    /// Whether a larger packet is fragmented, and whose word on the path MTU counts (`IPV6_MTU_DISCOVER`).
    Ipv6MtuDiscover,
    SetOnly,
    libc::IPPROTO_IPV6,
    libc::IPV6_MTU_DISCOVER,
    libc::c_int
);

sockopt_impl!(
    /// Whether the kernel makes up flow labels (`IPV6_AUTOFLOWLABEL`).
    Ipv6AutoFlowLabel,
    SetOnly,
    libc::IPPROTO_IPV6,
    libc::IPV6_AUTOFLOWLABEL,
    libc::c_int
);

sockopt_impl!(
    /// Which source addresses are preferred (RFC 5014, `IPV6_ADDR_PREFERENCES`).
    Ipv6AddressPreferences,
    SetOnly,
    libc::IPPROTO_IPV6,
    libc::IPV6_ADDR_PREFERENCES,
    libc::c_int
);

sockopt_impl!(
    /// A bit for each ICMPv6 type that is not delivered (RFC 3542 s3.2, `ICMPV6_FILTER`).
    Icmpv6Filter,
    SetOnly,
    libc::IPPROTO_ICMPV6,
    ICMPV6_FILTER,
    [u32; 8]
);

/// `linux/icmpv6.h`.
const ICMPV6_FILTER: libc::c_int = 1;
/// Fragments to the interface's MTU, and hears no packet-too-big by itself (`linux/in6.h`).
pub(crate) const PMTUDISC_OMIT: libc::c_int = 5;
/// No temporary address (RFC 5014 s5, `linux/in6.h`).
pub(crate) const PREFER_PUBLIC: libc::c_int = 0x0002;
