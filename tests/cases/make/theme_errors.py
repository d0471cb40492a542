"""Errors that the lwAFTR itself sends: 3/1, 11/0, ICMPv6 1/5, and about what it sends none."""

from scapy.layers.inet import IP, TCP, UDP, IPOption_NOP, IPOption_RR
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, PadN
from scapy.packet import Raw

from case import case
from errors import FAILED_POLICY, HOST_UNREACHABLE, TTL_EXPIRED, answering, icmpv4
from network import (
    DATA,
    FAR,
    FIRST,
    HOST,
    INTERFACE6,
    OFFSET,
    SECOND,
    STRANGER,
    WHOLE,
    arriving,
    from_host,
    to_host,
    tunnelled,
    upstream,
    with_checksum,
)
from transport import GRE, echo, every_protocol, icmp

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
    "ICMP of any kind that finds nobody is discarded without an answer.",
    "IC-001",
    "IC-002",
    "IC-003",
    "IC-012",
    "T-22",
    config=ALL_ON,
)
def icmp_without_softwire_is_not_answered(c):
    for kind in ("echo-request", "echo-reply"):
        c.drop_ipv4("drop-no-softwire", echo(from_host(FIRST), 4096, kind))
        c.drop_ipv4("drop-no-softwire", echo(from_host(FIRST, dst="192.0.2.3"), 4096, kind))
    c.drop_icmpv4("drop-icmpv4-policy", icmp(from_host(FIRST), 13))
    quoted = to_host(FIRST) / UDP(sport=4096, dport=53)
    c.drop_ipv4("drop-no-softwire", icmpv4(from_host(FIRST), (3, 3), quoted))
    quoted = to_host(FIRST, proto=GRE) / Raw(DATA)
    c.drop_ipv4("drop-no-ports", icmpv4(from_host(FIRST), (3, 2), quoted))


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
    "192.0.0.2 that sends to the Internet is not answered, nor is who sends to 192.0.0.1.",
    "TN-043",
    "T-31",
    config=ALL_ON,
)
def softwire_range_is_never_answered(c):
    for number in range(8):
        packet = IP(src=f"192.0.0.{number}", dst="8.8.8.8", ttl=number % 3)
        c.drop_ipv6("drop-softwire-range", upstream(FIRST, packet / UDP(sport=FIRST.port())))
        packet = IP(src="203.0.113.1", dst=f"192.0.0.{number}") / UDP(dport=5351)
        c.drop_ipv6("drop-softwire-range", upstream(FIRST, packet))
        packet = IP(src=HOST, dst=f"192.0.0.{number}") / UDP(dport=5351)
        c.drop_ipv4("drop-softwire-range", packet)
    c.drop_ipv4("drop-softwire-range", from_host(FIRST, src="192.0.0.2") / UDP(dport=1))


@case(
    "IPv6 sources that are no single node are never answered.",
    "IC-012",
    config=ALL_ON,
)
def no_single_node_is_never_answered(c):
    packet = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53)
    for source in ("::", "::1", "ff02::1", "ff0e::1:2"):
        c.drop_ipv6("drop-wrong-b4", tunnelled(source, FIRST.br, packet))
    unbound = to_host(FIRST) / UDP(sport=1, dport=53)
    for source in ("::", "::1", "ff05::2"):
        c.drop_ipv6("drop-unbound-source", tunnelled(source, FIRST.br, unbound))


@case(
    "Groups and broadcast addresses are never answered about, from either side.",
    "IC-012",
    "IC-013",
    config=ALL_ON,
)
def groups_are_never_answered(c):
    for group in GROUPS:
        c.drop_ipv4("drop-no-softwire", from_host(FIRST, dst=group) / UDP(sport=53, dport=1024))
        c.drop_ipv4("drop-ttl-expired", from_host(FIRST, dst=group, ttl=1) / UDP(dport=1024))
        c.drop_ipv4("drop-ipv4-invalid-source", from_host(FIRST, src=group) / UDP(dport=1))
        packet = to_host(FIRST, dst=group) / UDP(sport=FIRST.port(), dport=5353)
        c.drop_ipv6("drop-ipv4-invalid-destination", upstream(FIRST, packet))
        packet = to_host(FIRST, dst=group, ttl=1) / UDP(sport=FIRST.port(), dport=5353)
        c.drop_ipv6("drop-ttl-expired", upstream(FIRST, packet))
        packet = to_host(FIRST, src=group) / UDP(sport=FIRST.port(), dport=53)
        c.drop_ipv6("drop-ipv4-invalid-source", upstream(FIRST, packet))


@case(
    "Frames to groups and to other stations are never answered, whatever is in them.",
    "IC-012",
    "IC-013",
    config=ALL_ON,
)
def other_frames_are_never_answered(c):
    down = from_host(FIRST, ttl=1) / UDP(sport=53, dport=1)
    up = upstream(FIRST, to_host(FIRST) / UDP(sport=1, dport=53))
    for mac in ("ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "02:00:00:00:01:02"):
        c.drop_frame("internet", "drop-wrong-mac", arriving("internet", down, dst=mac))
    c.drop_frame("access", "drop-wrong-mac", arriving("access", up, dst="02:00:00:00:02:02"))
    for destination in ("2001:db8:af::3", INTERFACE6):
        stray = tunnelled(FIRST.b4, destination, to_host(FIRST) / UDP(sport=1))
        c.drop_frame("access", "drop-ipv6-not-for-us", arriving("access", stray))
    unknown = arriving("access", upstream(FIRST, DATA, nh=47, tc=0))
    c.drop_frame("access", "drop-ipv6-unknown-next-header", unknown)


@case(
    "What cannot be read, what policy forbids, and what congestion hit is never answered.",
    "IC-013",
    "EC-003",
    "IC-003",
    config=ALL_ON,
)
def bad_packets_are_never_answered(c):
    down = bytes(from_host(FIRST) / UDP(sport=53, dport=1) / DATA)
    up = bytes(to_host(FIRST) / UDP(sport=1, dport=53) / DATA)
    for reason, spoil in (
        ("drop-ipv4-bad-header", lambda raw: b"\x55" + raw[1:]),
        ("drop-ipv4-bad-header", lambda raw: raw[:19]),
        ("drop-ipv4-bad-length", lambda raw: raw[:-1]),
        ("drop-ipv4-bad-checksum", lambda raw: raw[:8] + b"\x01" + raw[9:]),
        ("drop-transport-truncated", lambda raw: with_checksum(raw[:2] + b"\0\x16" + raw[4:22])),
    ):
        c.drop_ipv4(reason, spoil(down))
        c.drop_ipv6(reason, upstream(FIRST, spoil(up)))
    for kind in (5, 9, 13, 17):
        c.drop_icmpv4("drop-icmpv4-policy", icmp(from_host(FIRST), kind))
        c.drop_ipv6("drop-icmpv4-policy", upstream(FIRST, icmp(to_host(FIRST), kind)))
    packet = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53)
    c.drop_ipv6("drop-ecn-not-capable", upstream(FIRST, packet, tc=0b11))


@case(
    "No error is ever sent about an ICMPv4 error, from either side.",
    "IC-012",
    "IC-013",
    config=ALL_ON,
)
def errors_are_never_answered(c):
    sent, received = (
        to_host(FIRST) / UDP(sport=FIRST.port(), dport=53),
        from_host(FIRST) / UDP(sport=53, dport=FIRST.port()),
    )
    for kind in ERRORS:
        c.drop_ipv4("drop-ttl-expired", icmpv4(from_host(FIRST, ttl=1), kind, sent))
        if kind[0] == 5:
            continue
        c.drop_ipv6(
            "drop-ttl-expired", upstream(FIRST, icmpv4(to_host(FIRST, ttl=1), kind, received))
        )
        other = from_host(FIRST) / UDP(sport=53, dport=1)
        c.drop_ipv6("drop-unbound-source", upstream(FIRST, icmpv4(to_host(FIRST), kind, other)))
        other = from_host(SECOND) / UDP(sport=53, dport=SECOND.port())
        c.drop_ipv6("drop-wrong-b4", upstream(FIRST, icmpv4(to_host(FIRST), kind, other)))


@case(
    "Fragments other than the first are never answered about.",
    "IC-013",
    "FR-011",
    "FR-013",
    config=ALL_ON,
)
def later_fragments_are_never_answered(c):
    nobody = {"dst": "192.0.2.3", "proto": 17, "id": 5}
    for frag, flags in ((1, 0), (185, "MF"), (370, 0)):
        c.drop_ipv4_fragment(
            "drop-no-softwire", from_host(FIRST, frag=frag, flags=flags, **nobody) / Raw(DATA)
        )
        expired = from_host(FIRST, frag=frag, flags=flags, ttl=1, proto=17) / Raw(DATA)
        c.drop_ipv4_fragment("drop-ttl-expired", expired)
        packet = to_host(FIRST, src="192.0.2.3", frag=frag, flags=flags, proto=17) / Raw(DATA)
        c.drop_ipv6("drop-unbound-source", upstream(FIRST, packet))
        packet = to_host(WHOLE, frag=frag, flags=flags, proto=17) / Raw(DATA)
        c.drop_ipv6("drop-wrong-b4", upstream(FIRST, packet))
        packet = to_host(WHOLE, frag=frag, flags=flags, proto=17, ttl=1) / Raw(DATA)
        c.drop_ipv6("drop-ttl-expired", upstream(WHOLE, packet))


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
    "That hairpinning is off is a policy: it is not answered.",
    "LW-019",
    "LW-020a",
    config=answering(softwire={"hairpinning": False}),
)
def hairpin_off_is_not_answered(c):
    for port in (OFFSET.port(), 1):
        packet = to_host(FIRST, dst=OFFSET.ipv4) / UDP(sport=FIRST.port(), dport=port)
        c.drop_ipv6("drop-hairpin-disabled", upstream(FIRST, packet))


def one_of_each(c, internet, access):
    """Each error that either side may send."""
    packet = from_host(FIRST) / UDP(sport=53, dport=1)
    c.drop_ipv4("drop-no-softwire", packet)
    if internet:
        c.answer(HOST_UNREACHABLE, packet)
    packet = from_host(FIRST, ttl=1) / UDP(sport=53, dport=FIRST.port())
    c.drop_ipv4("drop-ttl-expired", packet)
    if internet:
        c.answer(TTL_EXPIRED, packet)
    tunnel = upstream(FIRST, to_host(FIRST) / UDP(sport=1, dport=53))
    c.drop_ipv6("drop-unbound-source", tunnel)
    if access:
        c.answer_ipv6(FAILED_POLICY, tunnel)
    tunnel = upstream(FIRST, to_host(FIRST, ttl=1) / UDP(sport=FIRST.port(), dport=53))
    c.drop_ipv6("drop-ttl-expired", tunnel)
    if access:
        c.answer_b4(TTL_EXPIRED, tunnel)
    tunnel = upstream(FIRST, to_host(FIRST, dst=OFFSET.ipv4) / UDP(sport=FIRST.port(), dport=1))
    c.drop_ipv6("drop-no-softwire", tunnel)
    if access:
        c.answer_b4(HOST_UNREACHABLE, tunnel)


@case(
    "Errors may be sent to the Internet alone.",
    "LW-015",
    "LW-018",
    config=answering(access={"generate_icmp_errors": False}),
)
def errors_to_the_internet_alone(c):
    one_of_each(c, internet=True, access=False)


@case(
    "Errors may be sent to the lwB4s alone.",
    "LW-015",
    "LW-018",
    config=answering(internet={"generate_icmp_errors": False}),
)
def errors_to_b4s_alone(c):
    one_of_each(c, internet=False, access=True)


@case(
    "Errors may all be off.",
    "LW-015",
    "LW-018",
    config={"internet": {"generate_icmp_errors": False}, "access": {"generate_icmp_errors": False}},
)
def errors_all_off(c):
    one_of_each(c, internet=False, access=False)


@case(
    "In a burst every answer is there, and nothing else is late for it.",
    "LW-017",
    "LW-018",
    config=ALL_ON,
)
def answers_between_traffic(c):
    for number in range(40):
        c.encap(FIRST, from_host(FIRST, id=number) / UDP(sport=53, dport=FIRST.port()))
        if number % 3 == 0:
            refused(c, "drop-no-softwire", from_host(FIRST, id=number) / UDP(dport=1))
        c.decap(FIRST, to_host(FIRST, id=number) / UDP(sport=FIRST.port(), dport=53))
        if number % 4 == 0:
            packet = to_host(FIRST, id=number) / UDP(sport=1, dport=53)
            refused_up(c, "drop-unbound-source", upstream(FIRST, packet))
