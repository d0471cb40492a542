"""Errors that the lwAFTR does not send: about what must not be answered, or where they are off."""

from scapy.layers.inet import IP, UDP
from scapy.packet import Raw

from case import case
from errors import FAILED_POLICY, HOST_UNREACHABLE, TTL_EXPIRED, answering, icmpv4
from network import (
    DATA,
    FIRST,
    HOST,
    INTERFACE6,
    OFFSET,
    SECOND,
    WHOLE,
    arriving,
    from_host,
    to_host,
    tunnelled,
    upstream,
    with_checksum,
)
from transport import GRE, echo, icmp

ALL_ON = answering()
ERRORS = ((3, 0), (3, 1), (3, 3), (3, 4), (4, 0), (5, 1), (11, 0), (11, 1), (12, 0))
GROUPS = ("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255")


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
