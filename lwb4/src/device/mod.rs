//! The lwB4's devices: a TUN towards the home router's IPv4, raw sockets towards the lwAFTR, and what is set
//! up around them.
//!
//! Everything here blocks nowhere and knows no protocol: octets go in and out, and what they mean is
//! `tunnel`'s. Every device has a file descriptor that becomes readable ([`std::os::fd::AsFd`]), for
//! one loop to wait on. It needs CAP_NET_ADMIN and CAP_NET_RAW, and no other right.
//!
//! | device | carries |
//! |---|---|
//! | [`tun::Tun`] | IPv4 between the kernel and us, in packets of many segments |
//! | [`softwire::Softwire`] | inner packets between the lwAFTR and us; the kernel writes the outer header, fragments and puts together |
//! | [`softwire::Group`] | what the lwAFTR sends to a multicast group |
//! | [`icmpv6::Icmpv6Socket`] | ICMPv6 errors about the tunnel |
//! | [`lan_icmp::LanIcmp`] | our ICMPv4 errors to LAN hosts |
//! | [`netlink::Netlink`] | addresses, links and routes that we set up |
//! | [`netlink::monitor::Monitor`] | what changes of them |

pub mod icmpv6;
pub mod lan;
pub mod lan_icmp;
pub mod netlink;
pub mod options;
pub mod softwire;
pub mod source;
pub mod sysctl;
pub mod tun;
