"""ICMP errors as RFC 792, RFC 1812 s4.3.2 and RFC 4443 s2, s3 write them down."""

import struct

from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw
from scapy.utils import checksum

from network import INTERFACE4, address

AFTR = "192.0.0.1"
ROUTER6 = "2001:db8:ac:5::1"  # a router on the way to the lwB4s

# Types and codes by name (IC-010, IC-015).
HOST_UNREACHABLE, FRAGMENTATION_NEEDED, TTL_EXPIRED = (3, 1), (3, 4), (11, 0)
NO_ROUTE, FAILED_POLICY = (1, 0), (1, 5)
PACKET_TOO_BIG, HOP_LIMIT, REASSEMBLY_TIME = (2, 0), (3, 0), (3, 1)
ERRONEOUS_FIELD, INCOMPLETE_HEADERS = (4, 0), (4, 3)


def message(kind, quoted, second=0):
    """An ICMPv4 message of type and code `kind`: second word, and what it is about."""
    body = struct.pack("!I", second) + bytes(quoted)
    check = checksum(bytes([*kind, 0, 0]) + body)
    return bytes(kind) + check.to_bytes(2, "big") + body


def icmpv4(header, kind, quoted, second=0):
    """An ICMPv4 message behind an IPv4 header."""
    header = header.copy()
    header.proto = 1
    return header / Raw(message(kind, quoted, second))


def icmpv4_error(kind, about, mtu=0, source=INTERFACE4):
    """The error of the lwAFTR about an IPv4 packet, or about the start of it (IC-013, IC-014)."""
    raw = bytes(about)
    whole = raw[: int.from_bytes(raw[2:4], "big")]
    destination = ".".join(str(octet) for octet in raw[12:16])
    tos = 0xC0 | raw[1] & 0x1C
    header = IP(src=source, dst=destination, tos=tos, id=0, flags="DF", ttl=64)
    return bytes(icmpv4(header, kind, whole[: 576 - 20 - 8], mtu))


def icmpv6(source, destination, kind, quoted, second=0, **fields):
    """An ICMPv6 message, with the checksum over its pseudo-header (RFC 4443 s2.3)."""
    body = struct.pack("!I", second) + bytes(quoted)
    pseudo = address(source) + address(destination) + struct.pack("!II", len(body) + 4, 58)
    check = checksum(pseudo + bytes([*kind, 0, 0]) + body)
    header = IPv6(src=source, dst=destination, nh=58, plen=len(body) + 4, **fields)
    return bytes(header) + bytes(kind) + check.to_bytes(2, "big") + body


def icmpv6_error(kind, about, second=0, hop_limit=64):
    """The error of the lwAFTR about an IPv6 packet (IC-010, IC-011)."""
    raw = bytes(about)
    whole = raw[: 40 + int.from_bytes(raw[4:6], "big")]
    return icmpv6(
        text6(raw[24:40]), text6(raw[8:24]), kind, whole[: 1280 - 40 - 8], second, hlim=hop_limit
    )


def about_tunnel(kind, tunnel, second=0, source=ROUTER6, destination=None, octets=1280 - 40 - 8):
    """The error of a router about a tunnel packet of ours, quoting `octets` of it."""
    raw = bytes(tunnel)
    destination = destination or text6(raw[8:24])
    return icmpv6(source, destination, kind, raw[:octets], second, hlim=61)


def text6(octets):
    """An IPv6 address as text."""
    return ":".join(octets[at : at + 2].hex() for at in range(0, 16, 2))


ON = {
    "generate_icmp_errors": True,
    "icmp_errors_per_second": 1_000_000,
    "icmp_error_burst": 1_000_000,
    "icmp_errors_per_source": 1_000_000,
}


def answering(internet=None, access=None, **tables):
    """A configuration in which both sides send errors, so many that no limit is met."""
    return {"internet": {**ON, **(internet or {})}, "access": {**ON, **(access or {})}, **tables}
