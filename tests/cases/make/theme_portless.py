"""Protocols without ports belong to whole addresses only (AP-004)."""

from scapy.layers.inet import UDP
from scapy.packet import Raw

from case import case
from network import DATA, FIRST, WHOLE, from_host, to_host, upstream
from transport import ESP, GRE, echo, icmp

PORTLESS = (2, 41, GRE, ESP, 51, 89, 103, 255)


@case(
    "GRE, ESP and other protocols without ports reach the owner of a whole address.",
    "AP-004",
    "GM-003",
)
def portless_encap(c):
    for protocol in PORTLESS:
        c.encap(WHOLE, from_host(WHOLE, proto=protocol) / Raw(DATA))
    c.encap(WHOLE, from_host(WHOLE, proto=ESP))


@case(
    "The owner of a whole address may send GRE, ESP and other protocols without ports.",
    "AP-004",
    "LW-013",
)
def portless_decap(c):
    for protocol in PORTLESS:
        c.decap(WHOLE, to_host(WHOLE, proto=protocol) / Raw(DATA))


@case(
    "A protocol without ports is dropped on a shared address, never given to PSID 0.",
    "AP-004",
    "LW-018",
)
def portless_shared(c):
    for protocol in PORTLESS:
        c.drop_ipv4("drop-no-ports", from_host(FIRST, proto=protocol) / Raw(DATA))
        packet = to_host(FIRST, proto=protocol) / Raw(DATA)
        c.drop_ipv6("drop-no-ports", upstream(FIRST, packet))


PSID_ZERO = {**FIRST.row(), "psid": 0}


@case(
    "The softwire of PSID 0 gets nothing that has no ports.",
    "AP-004",
    config={"softwire": {"binding": [PSID_ZERO]}},
)
def portless_psid_zero(c):
    for data in (DATA, bytes(8)):
        c.drop_ipv4("drop-no-ports", from_host(FIRST, proto=GRE) / Raw(data))
        c.drop_ipv6("drop-no-ports", upstream(FIRST, to_host(FIRST, proto=GRE) / Raw(data)))


@case(
    "A protocol without ports from or to an address that nobody has finds nobody.",
    "AP-004",
    "LW-014",
    "LW-018",
)
def portless_unbound(c):
    c.drop_ipv4("drop-no-softwire", from_host(FIRST, dst="192.0.2.3", proto=GRE) / Raw(DATA))
    packet = to_host(FIRST, src="192.0.2.3", proto=GRE) / Raw(DATA)
    c.drop_ipv6("drop-unbound-source", upstream(FIRST, packet))


@case(
    "A whole address is checked for its lwB4 in protocols without ports too.",
    "LW-013",
    "LW-020b",
)
def portless_spoofed(c):
    packet = to_host(WHOLE, proto=ESP) / Raw(DATA)
    c.drop_ipv6("drop-wrong-b4", upstream(FIRST, packet))


@case("A packet that ends before its ports or its Identifier is dropped.", "FR-012", "LW-014")
def transport_truncated(c):
    for protocol, needed in ((6, 4), (17, 4), (33, 4), (132, 4), (136, 4), (1, 8)):
        for octets in range(needed):
            data = bytes([8, 0, 0, 0][:octets]).ljust(octets, b"\0")
            c.drop_ipv4("drop-transport-truncated", from_host(FIRST, proto=protocol) / Raw(data))
            packet = to_host(FIRST, proto=protocol) / Raw(data)
            c.drop_ipv6("drop-transport-truncated", upstream(FIRST, packet))


@case("Padding is not read as ports: the ports end where the packet ends.", "FR-012", "TN-007")
def ports_in_the_padding(c):
    packet = from_host(FIRST, proto=17) / Raw(b"\x00\x35")
    padding = FIRST.port().to_bytes(2, "big") * 20
    c.drop_ipv4("drop-transport-truncated", bytes(packet) + padding, octets=22)
    packet = to_host(FIRST, proto=17) / Raw(b"\x04")
    tunnel = upstream(FIRST, bytes(packet) + b"\x00" + padding)
    c.drop_ipv6("drop-transport-truncated", tunnel)


@case("Other ICMP messages from the Internet are kept out, for whole addresses too.", "IC-003")
def other_icmp(c):
    for kind in (1, 6, 9, 10, 13, 14, 15, 17, 30, 40, 255):
        for softwire in (FIRST, WHOLE):
            c.drop_icmpv4("drop-icmpv4-policy", icmp(from_host(softwire), kind))


@case(
    "With allow_incoming_icmp off no ICMPv4 is let in, and nothing else changes.",
    "IC-003",
    config={"internet": {"allow_incoming_icmp": False}},
)
def icmp_not_allowed(c):
    for kind in ("echo-reply", "echo-request"):
        c.drop_icmpv4("drop-icmpv4-policy", echo(from_host(FIRST), FIRST.port(), kind))
    c.drop_icmpv4("drop-icmpv4-policy", icmp(from_host(FIRST), 13))
    c.encap(FIRST, from_host(FIRST) / UDP(dport=FIRST.port()))
    c.decap(FIRST, echo(to_host(FIRST), FIRST.port()))
