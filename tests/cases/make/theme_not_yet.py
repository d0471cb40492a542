"""Fragments, ICMP errors and oversized packets: counted drops until they are handled."""

from scapy.layers.inet import ICMP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6PacketTooBig,
    ICMPv6ParamProblem,
    ICMPv6TimeExceeded,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    PadN,
)
from scapy.packet import Raw

from case import case
from network import (
    DATA,
    FIRST,
    OFFSET,
    STRANGER,
    WHOLE,
    arriving,
    downstream,
    from_host,
    to_host,
    upstream,
)


@case(
    "IPv4 fragments from the Internet are counted drops, first, middle and last.",
    "FR-011",
    "FR-012",
)
def ipv4_fragments_down(c):
    for softwire in (FIRST, WHOLE):
        for flags, offset in (("MF", 0), ("MF", 185), (0, 370), (0, 1), ("MF", 8191)):
            packet = (
                from_host(softwire, flags=flags, frag=offset) / UDP(dport=softwire.port()) / DATA
            )
            c.drop_ipv4_fragment("drop-ipv4-fragment", packet)


@case("Inner IPv4 fragments are counted drops, never read as if they had ports.", "FR-013")
def ipv4_fragments_up(c):
    for softwire in (FIRST, WHOLE):
        for flags, offset in (("MF", 0), ("MF", 185), (0, 370)):
            packet = to_host(softwire, flags=flags, frag=offset) / UDP(sport=softwire.port()) / DATA
            c.drop_ipv6("drop-ipv4-fragment", upstream(softwire, packet))


@case("A set DF bit or reserved bit makes no fragment.", "FR-014")
def df_is_no_fragment(c):
    for flags in ("DF", "evil"):
        c.encap(FIRST, from_host(FIRST, flags=flags) / UDP(sport=53, dport=FIRST.port()))
        c.decap(FIRST, to_host(FIRST, flags=flags) / UDP(sport=FIRST.port(), dport=53))


@case("IPv6 fragments of tunnel packets are counted drops, atomic ones too.", "FR-008", "FR-009")
def ipv6_fragments(c):
    packet = bytes(to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / DATA)
    for offset, more in ((0, 1), (3, 1), (7, 0), (0, 0)):
        header = IPv6ExtHdrFragment(nh=4, offset=offset, m=more, id=77)
        tunnel = upstream(FIRST, bytes(header) + packet, nh=44, tc=0)
        c.drop_frame("access", "drop-ipv6-fragment", arriving("access", tunnel))
    options = IPv6ExtHdrDestOpt(nh=44, options=[PadN(optdata=bytes(4))])
    tunnel = upstream(FIRST, bytes(options) + bytes(header) + packet, nh=60, tc=0)
    c.drop_frame("access", "drop-ipv6-fragment", arriving("access", tunnel))


def about(packet):
    """The packet as an ICMP error quotes it."""
    return Raw(bytes(packet)[:28])


NARROW = {"access": {"mtu": 1500}}


@case(
    "A packet at its link's limit still fits with the padding that follows it.",
    "TN-007",
    "FR-002",
    config=NARROW,
)
def padding_is_not_too_big(c):
    packet = from_host(FIRST) / UDP(sport=53, dport=FIRST.port()) / Raw(bytes(1460 - 28))
    c.encap(FIRST, packet, frame=arriving("internet", packet) + b"\xee" * 40)
