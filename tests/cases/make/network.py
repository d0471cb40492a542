"""The network of base.toml as scapy sees it: who is where, and how a packet travels between them.

Everything here follows from the RFCs and from base.toml alone; nothing is taken from what the
lwAFTR sends.
"""

import ipaddress
import pathlib
import tomllib
from dataclasses import asdict, dataclass

from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import checksum

BASE = tomllib.loads((pathlib.Path(__file__).parent.parent / "base.toml").read_text())


@dataclass(frozen=True)
class Softwire:
    """One binding: RFC 7596 s4."""

    ipv4: str
    psid_offset: int
    psid_length: int
    psid: int
    b4: str
    br: str

    def ports(self):
        """The ports in rising order: P = (A << 16-a) | (PSID << m) | j, RFC 7597 App. B."""
        if self.psid_length == 0:
            return list(range(65536))
        m = 16 - self.psid_offset - self.psid_length
        blocks = range(1 if self.psid_offset else 0, 1 << self.psid_offset)
        return [
            (block << (16 - self.psid_offset)) | (self.psid << m) | j
            for block in blocks
            for j in range(1 << m)
        ]

    def port(self, index=0):
        """The port number `index` of the set; -1 is the last."""
        return self.ports()[index]

    def row(self):
        """The binding as the configuration writes it."""
        return asdict(self)


FIRST, SECOND, OFFSET, OFFSET_ZERO, WHOLE, FAR = (
    Softwire(**row) for row in BASE["softwire"]["binding"]
)

HOST = "198.51.100.10"  # a host on the Internet
STRANGER = "2001:db8:bad::1"  # a lwB4 that nobody knows
INTERFACE4 = BASE["internet"]["ipv4"].split("/")[0]
INTERFACE6 = BASE["access"]["ipv6"].split("/")[0]
DATA = bytes(range(32))


def mac(side):
    """Our MAC address on a side."""
    return BASE[side]["mac"]


def neighbour(side):
    """The MAC address of the next hop on a side."""
    return BASE[side]["next_hop_mac"]


def arriving(side, packet, **fields):
    """The frame in which the neighbour sends us `packet`."""
    fields = {"dst": mac(side), "src": neighbour(side), "type": ethertype(packet), **fields}
    return bytes(Ether(**fields) / Raw(bytes(packet)))


def leaving(side, packet):
    """The frame in which we send `packet` to the neighbour."""
    return bytes(
        Ether(dst=neighbour(side), src=mac(side), type=ethertype(packet)) / Raw(bytes(packet))
    )


def tagged(frame, tag):
    """The frame with an 802.1Q tag; `None` leaves it as it is."""
    frame = bytes(frame)
    return frame if tag is None else frame[:12] + b"\x81\x00" + tag.to_bytes(2, "big") + frame[12:]


def ethertype(packet):
    """The EtherType that goes with the packet's version."""
    return 0x86DD if b"\x60" <= bytes(packet)[:1] < b"\x70" else 0x0800


def tunnelled(source, destination, inner, **fields):
    """`inner` in the IPv6 header of RFC 2473 s5: ToS copied, next header 4, flow label 0."""
    inner = bytes(inner)
    fields = {"nh": 4, "hlim": 64, "tc": inner[1], "plen": len(inner), **fields}
    return bytes(IPv6(src=source, dst=destination, **fields)) + inner


def upstream(softwire, inner, **fields):
    """The tunnel packet that the lwB4 of `softwire` sends; one hop was taken already."""
    return tunnelled(softwire.b4, softwire.br, inner, **{"hlim": 63, **fields})


def downstream(softwire, inner, **fields):
    """The tunnel packet that the lwAFTR sends to the lwB4 of `softwire`."""
    return tunnelled(softwire.br, softwire.b4, inner, **fields)


def aged(packet):
    """The packet one hop later: TTL one lower, header checksum made anew (TN-013)."""
    raw = bytes(packet)
    return rewritten(raw, ttl=raw[8] - 1)


def rewritten(packet, ttl=None, tos=None):
    """The packet with header fields replaced and a right checksum, every other octet kept."""
    raw = bytearray(bytes(packet))
    raw[8] = raw[8] if ttl is None else ttl
    raw[1] = raw[1] if tos is None else tos
    return with_checksum(raw)


def with_checksum(packet):
    """The packet with the header checksum that belongs to it."""
    raw = bytearray(bytes(packet))
    header = slice(0, (raw[0] & 0xF) * 4)
    raw[10:12] = b"\0\0"
    raw[10:12] = checksum(bytes(raw[header])).to_bytes(2, "big")
    return bytes(raw)


def to_host(softwire, **fields):
    """The IPv4 header of a packet from the subscriber to the Internet."""
    return IP(**{"src": softwire.ipv4, "dst": HOST, **fields})


def from_host(softwire, **fields):
    """The IPv4 header of a packet from the Internet to the subscriber."""
    return IP(**{"src": HOST, "dst": softwire.ipv4, **fields})


def address(text):
    """The octets of an address."""
    return ipaddress.ip_address(text).packed
