"""Packets that are cut on their way, each octet of them telling its place."""

from scapy.layers.inet import UDP
from scapy.packet import Raw

from fragments import ipv6_pieces
from network import FIRST, from_host, to_host, upstream


def pattern(octets):
    """Octets that each tell their place."""
    return bytes(number * 7 & 0xFF for number in range(octets))


def sized(octets, softwire=FIRST, **fields):
    """A UDP packet of this many octets to the Internet."""
    header = to_host(softwire, **fields)
    return header / UDP(sport=softwire.port(), dport=53) / Raw(pattern(octets - 28))


def down(softwire=FIRST, number=1, octets=1000, port=None, **fields):
    """A packet from the Internet that a router will cut."""
    port = softwire.port() if port is None else port
    header = from_host(softwire, id=number, **fields)
    return header / UDP(sport=53, dport=port) / Raw(pattern(octets - 28))


def up(softwire=FIRST, number=1, octets=1000, port=None, **fields):
    """A packet of a subscriber that its router has cut."""
    port = softwire.port() if port is None else port
    header = to_host(softwire, id=number, **fields)
    return header / UDP(sport=port, dport=53) / Raw(pattern(octets - 28))


def in_tunnel(softwire, pieces):
    """The tunnel packets around these fragments."""
    return [upstream(softwire, piece) for piece in pieces]


def whole(packet, softwire=FIRST, **fields):
    """The tunnel packet before it was cut."""
    return upstream(softwire, packet, **fields)


def reassembled(c, packet, *cuts, softwire=FIRST, order=None, **fields):
    """The packet arrives cut like this, maybe in another order, and goes to the Internet."""
    pieces = ipv6_pieces(whole(packet, softwire), *cuts, **fields)
    c.decap(softwire, packet, pieces=[pieces[at] for at in order or range(len(pieces))])
