"""After a loss of leases: who hears of it, and who gets what (T-17)."""

import struct
import zlib

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from case import case
from errors import AFTR
from network import FIRST, address, ethertype, mac, tunnelled
from pcp import ANNOUNCE, NO_RESOURCES, ask, down, home, lease, refused, response, serving

ALL_SYSTEMS, CLIENT_PORT = "224.0.0.1", 5350
ONCE = {"rounds": 1, "jitter_ms": 0}


def record(octets):
    """28 octets and their CRC-32, as control/src/roster/record.rs lays them out."""
    octets = octets.ljust(28, b"\0")
    return octets + struct.pack("!I", zlib.crc32(octets))


def roster(*peers):
    """A roster of lwB4s, each with its port, or 0, and the IPv4 address of its lease."""
    header = record(b"lwaftr roster".ljust(24, b"\0") + struct.pack("!I", 1))
    br = record(bytes([2, 0, 0, 0, 0, 0]) + address(FIRST.br))
    records = [
        record(
            struct.pack("!BBHH", 1, 2 if port else 0, 0, port) + address(b4.outer) + address(ipv4)
        )
        for b4, port, ipv4 in peers
    ]
    return header + bytes(64) + br + b"".join(records)


def announcement(outer, port=CLIENT_PORT, client=ALL_SYSTEMS, ttl=1, epoch=0, **fields):
    """ANNOUNCE in a tunnel (RFC 6887 s14.1.3), by default to whoever listens."""
    udp = UDP(sport=5351, dport=port)
    inner = IP(src=AFTR, dst=client, id=0, flags="DF", ttl=ttl) / udp
    inner /= Raw(response(ANNOUNCE, 0, 0, epoch))
    return tunnelled(FIRST.br, outer, bytes(inner), **fields)


@case(
    "After a loss everybody who is known is told, those who suggest what they had get it back, and "
    "newcomers wait for two minutes.",
    "T-17",
    "PC-142",
    "FO-011",
    "FO-015",
    config=serving(pcp={"recovery": ONCE}),
)
def pcp_after_a_loss(c):
    first, second, newcomer = home(1), home(2), home(3)
    c.roster = roster((first, 40000, "192.0.2.64"), (second, 0, "192.0.2.65"))
    c.reply("access", announcement(first.outer, 40000, "192.0.0.2", 64))
    asked = newcomer.map()
    ask(c, newcomer, asked, refused(asked, NO_RESOURCES))
    # A millisecond after the first; by then the next packet has come.
    c.reply("access", announcement(second.outer))
    softwire = first.softwire(7)
    lease(c, first, softwire, first.map(suggest=("192.0.2.64", softwire.port())))
    c.encap(softwire, down(softwire))
    c.later(118)
    asked = newcomer.map(suggest=("0.0.0.0", 0))
    ask(c, newcomer, asked, refused(asked, NO_RESOURCES))
    other = second.softwire(9, "192.0.2.65")
    lease(c, second, other, second.map(suggest=("192.0.2.65", other.port())))
    c.later(2)
    lease(c, newcomer, newcomer.softwire(1))


@case(
    "A multicast group of the access network is told too; nobody is known, so nobody waits.",
    "T-17",
    "FO-015",
    config=serving(pcp={"recovery": {**ONCE, "multicast_group": "ff05::4f6:1"}}),
)
def pcp_group_is_told(c):
    c.roster = roster()
    packet = announcement("ff05::4f6:1")
    frame = Ether(dst="33:33:04:f6:00:01", src=mac("access"), type=ethertype(packet))
    c.reply("access", packet, bytes(frame / Raw(packet)))
    b4 = home(1)
    lease(c, b4, b4.softwire(1))
