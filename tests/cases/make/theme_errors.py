"""Errors that the lwAFTR itself sends: 3/1, 11/0, ICMPv6 1/5, and about what it sends none."""

from scapy.layers.inet import TCP, UDP, IPOption_NOP, IPOption_RR
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, PadN
from scapy.packet import Raw

from case import case
from errors import FAILED_POLICY, HOST_UNREACHABLE, TTL_EXPIRED, answering
from network import (
    DATA,
    FAR,
    FIRST,
    OFFSET,
    SECOND,
    STRANGER,
    WHOLE,
    arriving,
    from_host,
    to_host,
    tunnelled,
    upstream,
)
from transport import GRE, echo, every_protocol

ALL_ON = answering()
ERRORS = ((3, 0), (3, 1), (3, 3), (3, 4), (4, 0), (5, 1), (11, 0), (11, 1), (12, 0))
GROUPS = ("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255")


def refused(c, reason, packet):
    """A packet from the Internet is dropped and answered with 3/1."""
    c.drop_ipv4(reason, packet)
    c.answer(HOST_UNREACHABLE, packet)


def refused_up(c, reason, tunnel):
    """A tunnel packet is dropped and answered with 1/5."""
    c.drop_ipv6(reason, tunnel)
    c.answer_ipv6(FAILED_POLICY, tunnel)


@case(
    "A packet to a port or an address that nobody has is answered with host unreachable.",
    "LW-018",
    "IC-013",
    "T-21",
    config=ALL_ON,
)
def no_softwire_is_answered(c):
    for packet in every_protocol(from_host(FIRST), 443, SECOND.port(-1) + 1):
        refused(c, "drop-no-softwire", packet)
    for address in ("192.0.2.3", "10.0.0.1", "8.8.8.8"):
        refused(c, "drop-no-softwire", from_host(FIRST, dst=address) / TCP(dport=1024))
    refused(c, "drop-no-softwire", from_host(FIRST, dst="192.0.2.3", proto=GRE) / Raw(DATA))
    c.encap(FIRST, from_host(FIRST) / UDP(sport=53, dport=FIRST.port()))


@case(
    "A protocol without ports to a shared address is answered with host unreachable.",
    "AP-004",
    "LW-018",
    config=ALL_ON,
)
def no_ports_is_answered(c):
    for protocol in (2, 41, GRE, 50, 103, 255):
        refused(c, "drop-no-ports", from_host(FIRST, proto=protocol) / Raw(DATA))


@case(
    "A TTL of 1 or 0 from the Internet is answered with time exceeded, whoever it was for.",
    "TN-013",
    "IC-013",
    config=ALL_ON,
)
def ttl_expired_is_answered(c):
    for ttl in (0, 1):
        for packet in (
            from_host(FIRST, ttl=ttl) / UDP(sport=53, dport=FIRST.port()) / DATA,
            from_host(WHOLE, ttl=ttl, proto=GRE) / Raw(DATA),
            from_host(FIRST, ttl=ttl) / UDP(sport=53, dport=1),
            from_host(FIRST, ttl=ttl, dst="192.0.2.3") / TCP(dport=80),
            echo(from_host(FIRST, ttl=ttl), FIRST.port()),
            echo(from_host(FIRST, ttl=ttl), 1, "echo-reply"),
            from_host(FIRST, ttl=ttl, flags="MF", proto=17) / Raw(b"\0\x35\x04\0" + bytes(20)),
        ):
            if packet.flags.MF:
                c.drop_ipv4_fragment("drop-ttl-expired", packet)
            else:
                c.drop_ipv4("drop-ttl-expired", packet)
            c.answer(TTL_EXPIRED, packet)


@case(
    "A TTL of 1 or 0 from a lwB4 is answered through its own tunnel: traceroute sees us.",
    "TN-013",
    "TN-041",
    "IC-019",
    config=ALL_ON,
)
def ttl_expired_up_is_answered(c):
    for ttl in (0, 1):
        for softwire, packet in (
            (FIRST, to_host(FIRST, ttl=ttl) / UDP(sport=FIRST.port(), dport=33434) / DATA),
            (SECOND, to_host(SECOND, ttl=ttl) / TCP(sport=SECOND.port(), dport=80)),
            (FAR, echo(to_host(FAR, ttl=ttl), FAR.port())),
            (WHOLE, to_host(WHOLE, ttl=ttl, proto=GRE) / Raw(DATA)),
            (FIRST, to_host(FIRST, dst=OFFSET.ipv4, ttl=ttl) / UDP(sport=FIRST.port(), dport=1)),
        ):
            tunnel = upstream(softwire, packet)
            c.drop_ipv6("drop-ttl-expired", tunnel)
            c.answer_b4(TTL_EXPIRED, tunnel)


@case(
    "Who may not send at all learns that, not that its TTL has expired.",
    "LW-013",
    "LW-015",
    "IC-011",
    config=ALL_ON,
)
def spoofed_and_expired(c):
    packet = to_host(FIRST, ttl=1) / UDP(sport=1, dport=53)
    refused_up(c, "drop-unbound-source", upstream(FIRST, packet))


@case(
    "An ICMPv4 error has 576 octets at most and quotes as much as fits.",
    "IC-013",
    config=ALL_ON,
)
def icmpv4_errors_of_576_octets(c):
    for octets in (28, 29, 547, 548, 549, 576, 1500):
        header = from_host(FIRST, ttl=1) / UDP(sport=53, dport=FIRST.port())
        packet = header / Raw(bytes(number & 0xFF for number in range(octets - 28)))
        c.drop_ipv4("drop-ttl-expired", packet)
        c.answer(TTL_EXPIRED, packet)
        header = to_host(FIRST, ttl=1) / UDP(sport=FIRST.port(), dport=53)
        tunnel = upstream(FIRST, header / Raw(bytes(octets - 28)))
        c.drop_ipv6("drop-ttl-expired", tunnel)
        c.answer_b4(TTL_EXPIRED, tunnel)


@case(
    "An error quotes what arrived, with its options, TTL and Identification, but no padding.",
    "IC-013",
    "TN-007",
    config=ALL_ON,
)
def errors_quote_what_arrived(c):
    options = [IPOption_NOP(), IPOption_RR(routers=["0.0.0.0"] * 4)]
    for fields in ({"options": options}, {"id": 0xBEEF}, {"ttl": 200}, {"flags": "DF"}):
        refused(c, "drop-no-softwire", from_host(FIRST, **fields) / UDP(sport=53, dport=1))
    packet = from_host(FIRST) / UDP(sport=53, dport=1)
    c.drop_ipv4("drop-no-softwire", packet, frame=arriving("internet", packet).ljust(60, b"\xee"))
    c.answer(HOST_UNREACHABLE, packet)
    packet = to_host(FIRST, ttl=1, options=options) / UDP(sport=FIRST.port(), dport=53)
    tunnel = upstream(FIRST, bytes(packet) + b"\xee" * 20)
    c.drop_ipv6("drop-ttl-expired", tunnel)
    c.answer_b4(TTL_EXPIRED, tunnel)


@case(
    "The ToS of an ICMPv4 error is the packet's with precedence 6, without ECN.",
    "IC-013",
    config=ALL_ON,
)
def errors_of_precedence_6(c):
    for tos in (0x00, 0x10, 0x1C, 0x1F, 0x03, 0xA0, 0xB8, 0xC0, 0xFF):
        refused(c, "drop-no-softwire", from_host(FIRST, tos=tos) / UDP(sport=53, dport=1))
        packet = to_host(FIRST, ttl=1, tos=tos) / UDP(sport=FIRST.port(), dport=53)
        c.drop_ipv6("drop-ttl-expired", upstream(FIRST, packet))
        c.answer_b4(TTL_EXPIRED, upstream(FIRST, packet))


@case(
    "With a fixed DSCP, and another hop limit, the tunnel header of an error has these.",
    "EC-001",
    "TN-002",
    "IC-019",
    config=answering(softwire={"dscp": 10, "hop_limit": 33}),
)
def errors_with_a_fixed_dscp(c):
    for tos in (0x00, 0xB8):
        packet = to_host(FIRST, ttl=1, tos=tos) / UDP(sport=FIRST.port(), dport=53)
        tunnel = upstream(FIRST, packet)
        c.drop_ipv6("drop-ttl-expired", tunnel)
        c.answer_b4(TTL_EXPIRED, tunnel)
    refused_up(c, "drop-unbound-source", upstream(FIRST, to_host(FIRST) / UDP(sport=1)))


@case(
    "Errors into the tunnel come from the address by which lwB4s know us.",
    "TN-041",
    "IC-019",
    config=answering(softwire={"aftr_ipv4": "192.0.0.4"}),
)
def errors_of_another_aftr_address(c):
    packet = to_host(FIRST, ttl=1) / UDP(sport=FIRST.port(), dport=53)
    c.drop_ipv6("drop-ttl-expired", upstream(FIRST, packet))
    c.answer_b4(TTL_EXPIRED, upstream(FIRST, packet))


@case(
    "The congestion mark of the tunnel is not in what the error quotes.",
    "IC-013",
    "EC-003",
    config=ALL_ON,
)
def errors_do_not_quote_the_mark(c):
    packet = to_host(FIRST, ttl=1, tos=0b10) / UDP(sport=FIRST.port(), dport=53)
    tunnel = upstream(FIRST, packet, tc=0b11)
    c.drop_ipv6("drop-ttl-expired", tunnel)
    c.answer_b4(TTL_EXPIRED, tunnel)


@case(
    "Who sends from what it does not have is told so: out of its set, another's, nobody's, at the "
    "wrong BR address, or without ports.",
    "LW-014",
    "LW-015",
    "LW-020b",
    "IC-010",
    "T-20",
    config=ALL_ON,
)
def unbound_sources_are_answered(c):
    for packet in every_protocol(to_host(FIRST), SECOND.port(-1) + 1, 443):
        refused_up(c, "drop-unbound-source", upstream(FIRST, packet))
    packet = to_host(FIRST, src="192.0.2.3") / UDP(sport=1024, dport=53)
    refused_up(c, "drop-unbound-source", upstream(FIRST, packet))
    packet = to_host(SECOND) / UDP(sport=SECOND.port(), dport=53)
    refused_up(c, "drop-wrong-b4", upstream(FIRST, packet))
    refused_up(c, "drop-wrong-b4", tunnelled(STRANGER, FIRST.br, packet))
    packet = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53)
    refused_up(c, "drop-wrong-br", tunnelled(FIRST.b4, FAR.br, packet))
    packet = to_host(FIRST, proto=GRE) / Raw(DATA)
    refused_up(c, "drop-no-ports", upstream(FIRST, packet))
    for kind in ("echo-request", "echo-reply"):
        refused_up(c, "drop-unbound-source", upstream(FIRST, echo(to_host(FIRST), 1, kind)))


@case(
    "An ICMPv6 error has 1280 octets at most and quotes as much as fits.",
    "IC-010",
    config=ALL_ON,
)
def icmpv6_errors_of_1280_octets(c):
    for octets in (28, 1191, 1192, 1193, 1280, 1500):
        packet = to_host(FIRST) / UDP(sport=1, dport=53)
        packet = packet / Raw(bytes(number & 0xFF for number in range(octets - 28)))
        refused_up(c, "drop-unbound-source", upstream(FIRST, packet))


@case(
    "An ICMPv6 error quotes the tunnel packet as it arrived, with options, without padding.",
    "IC-010",
    "TN-005",
    "TN-007",
    config=ALL_ON,
)
def icmpv6_errors_quote_what_arrived(c):
    packet = to_host(FIRST) / UDP(sport=1, dport=53)
    refused_up(c, "drop-unbound-source", upstream(FIRST, packet, tc=0xB8, fl=0xABCDE, hlim=1))
    tunnel = upstream(FIRST, packet)
    frame = arriving("access", tunnel).ljust(140, b"\xee")
    c.drop_ipv6("drop-unbound-source", tunnel, frame=frame)
    c.answer_ipv6(FAILED_POLICY, tunnel)
    options = IPv6ExtHdrDestOpt(nh=4, options=[PadN(optdata=bytes(4))])
    extended = upstream(FIRST, bytes(options) + bytes(packet), nh=60, tc=0)
    refused_up(c, "drop-unbound-source", extended)
    refused_up(c, "drop-unbound-source", upstream(FIRST, bytes(packet) + b"\xee" * 9))


@case(
    "A hairpinned packet to a port that nobody has is answered into the sender's tunnel.",
    "LW-018",
    "LW-020a",
    "IC-019",
    config=ALL_ON,
)
def hairpin_without_softwire_is_answered(c):
    for packet in every_protocol(to_host(FIRST, dst=OFFSET.ipv4), FIRST.port(), 1):
        c.drop_ipv6("drop-no-softwire", upstream(FIRST, packet))
        c.answer_b4(HOST_UNREACHABLE, upstream(FIRST, packet))
    tunnel = upstream(FAR, to_host(FAR, dst=OFFSET.ipv4) / UDP(sport=FAR.port(), dport=1))
    c.drop_ipv6("drop-no-softwire", tunnel)
    c.answer_b4(HOST_UNREACHABLE, tunnel)
    tunnel = upstream(WHOLE, to_host(WHOLE, dst=FIRST.ipv4, proto=GRE) / Raw(DATA))
    c.drop_ipv6("drop-no-ports", tunnel)
    c.answer_b4(HOST_UNREACHABLE, tunnel)
    unowned = echo(to_host(FIRST, dst=OFFSET.ipv4), FIRST.port(10))
    c.drop_ipv6("drop-no-softwire", upstream(FIRST, unowned))


@case(
    "In a burst every answer is there, and nothing else is late for it.",
    "LW-017",
    "LW-018",
    config=ALL_ON,
)
def answers_between_traffic(c):
    with c.at_once():
        for number in range(30):
            if number % 3 == 0:
                refused(c, "drop-no-softwire", from_host(FIRST, id=number) / UDP(dport=1))
            else:
                c.encap(FIRST, from_host(FIRST, id=number) / UDP(dport=FIRST.port()))
    with c.at_once():
        for number in range(30):
            if number % 4 == 0:
                packet = to_host(FIRST, id=number) / UDP(sport=1, dport=53)
                refused_up(c, "drop-unbound-source", upstream(FIRST, packet))
            else:
                c.decap(FIRST, to_host(FIRST, id=number) / UDP(sport=FIRST.port(), dport=53))


@case(
    "An error about a packet behind Destination Options quotes the packet alone.",
    "TN-005",
    "IC-019",
    config=ALL_ON,
)
def errors_behind_destination_options(c):
    packet = to_host(FIRST, ttl=1) / UDP(sport=FIRST.port(), dport=53)
    options = IPv6ExtHdrDestOpt(nh=4, options=[PadN(optdata=bytes(4))])
    tunnel = upstream(FIRST, bytes(options) + bytes(packet), nh=60, tc=0)
    c.drop_ipv6("drop-ttl-expired", tunnel)
    c.answer_b4(TTL_EXPIRED, tunnel, inner=bytes(packet))
