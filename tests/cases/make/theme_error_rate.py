"""How many errors are sent: a bucket for each side of the box, and one for each peer (IC-012)."""

from scapy.layers.inet import UDP

from case import case
from errors import (
    FAILED_POLICY,
    HOST_UNREACHABLE,
    NO_ROUTE,
    TTL_EXPIRED,
    about_tunnel,
    answering,
)
from network import (
    FIRST,
    SECOND,
    STRANGER,
    aged,
    arriving,
    downstream,
    from_host,
    to_host,
    tunnelled,
    upstream,
)


def limited_to(second, burst, source):
    """The limits of one side."""
    return {
        "icmp_errors_per_second": second,
        "icmp_error_burst": burst,
        "icmp_errors_per_source": source,
    }


def refused(c, source, number, sent):
    """Packets of one host to nobody, of which only the first `sent` are answered."""
    for index in range(number):
        packet = from_host(FIRST, src=source, id=index) / UDP(sport=53, dport=1)
        c.drop_ipv4("drop-no-softwire", packet)
        if index < sent:
            c.answer(HOST_UNREACHABLE, packet)
        else:
            c.limited()


def refused_up(c, source, number, sent):
    """Packets of one lwB4 from nobody's port, of which only the first `sent` are answered."""
    for index in range(number):
        tunnel = tunnelled(source, FIRST.br, to_host(FIRST, id=index) / UDP(sport=1, dport=53))
        c.drop_ipv6("drop-unbound-source", tunnel)
        if index < sent:
            c.answer_ipv6(FAILED_POLICY, tunnel)
        else:
            c.limited()


def host(number):
    """A host on the Internet."""
    return f"198.51.{100 + number // 200}.{1 + number % 200}"


@case(
    "The burst of the box is spent on many hosts, and no more is sent; the drops count as ever.",
    "IC-012",
    "LW-016",
    config=answering(internet=limited_to(1, 5, 1000)),
)
def box_has_a_burst(c):
    for number in range(12):
        refused(c, host(number), 1, sent=1 if number < 5 else 0)


@case(
    "The bucket of the box fills again with time, never above its burst.",
    "IC-012",
    "LW-016",
    config=answering(internet=limited_to(2, 3, 1000)),
)
def box_refills(c):
    refused(c, host(1), 5, sent=3)
    c.later(0.6)
    refused(c, host(1), 3, sent=1)
    c.later(1.1)
    refused(c, host(1), 4, sent=2)
    c.later(3600)
    refused(c, host(1), 6, sent=3)


@case(
    "One host gets its share at once, no more, and the others theirs.",
    "IC-012",
    config=answering(internet=limited_to(1000, 1000, 10)),
)
def host_has_a_share(c):
    refused(c, host(1), 25, sent=10)
    refused(c, host(2), 12, sent=10)
    refused(c, host(1), 3, sent=0)
    c.later(0.55)
    refused(c, host(1), 8, sent=5)
    c.later(60)
    refused(c, host(1), 15, sent=10)


@case(
    "The share of a host holds for all kinds of errors together.",
    "IC-012",
    config=answering(internet=limited_to(1000, 1000, 2)),
)
def host_share_of_every_kind(c):
    packet = from_host(FIRST, ttl=1) / UDP(sport=53, dport=FIRST.port())
    c.drop_ipv4("drop-ttl-expired", packet)
    c.answer(TTL_EXPIRED, packet)
    refused(c, "198.51.100.10", 1, sent=1)
    c.drop_ipv4("drop-ttl-expired", packet)
    c.limited()


@case(
    "A host beyond its share takes nothing from the box, and a host that the box refuses keeps its "
    "own.",
    "IC-012",
    config=answering(internet=limited_to(1, 3, 1)),
)
def refusals_take_no_token(c):
    refused(c, host(1), 20, sent=1)
    refused(c, host(2), 1, sent=1)
    refused(c, host(3), 1, sent=1)
    refused(c, host(4), 5, sent=0)
    c.later(1.2)
    refused(c, host(4), 2, sent=1)


@case(
    "A flood from spoofed sources gets the burst of the box and no more, and harms no traffic.",
    "IC-012",
    "LW-016",
    config=answering(internet=limited_to(1, 100, 10)),
)
def flood_of_spoofed_hosts(c):
    for number in range(1000):
        refused(c, host(number), 1, sent=1 if number < 100 else 0)
        if number % 10 == 0:
            c.encap(FIRST, from_host(FIRST, id=number) / UDP(sport=53, dport=FIRST.port()))


@case(
    "A flood from spoofed lwB4s gets the burst of the box and no more, and harms no traffic.",
    "IC-012",
    "LW-016",
    config=answering(access=limited_to(1, 100, 10)),
)
def flood_of_spoofed_b4s(c):
    for number in range(1000):
        refused_up(c, f"2001:db8:bad:{number:x}::1", 1, sent=1 if number < 100 else 0)
        if number % 10 == 0:
            c.decap(FIRST, to_host(FIRST, id=number) / UDP(sport=FIRST.port(), dport=53))


@case(
    "One lwB4 gets its share at once, by its IPv6 address, ICMPv4 and ICMPv6 together.",
    "IC-012",
    "TN-045",
    config=answering(access=limited_to(1000, 1000, 4)),
)
def b4_has_a_share(c):
    refused_up(c, FIRST.b4, 3, sent=3)
    tunnel = upstream(FIRST, to_host(FIRST, ttl=1) / UDP(sport=FIRST.port(), dport=53))
    c.drop_ipv6("drop-ttl-expired", tunnel)
    c.answer_b4(TTL_EXPIRED, tunnel)
    c.drop_ipv6("drop-ttl-expired", tunnel)
    c.limited()
    refused_up(c, FIRST.b4, 3, sent=0)
    refused_up(c, SECOND.b4, 5, sent=4)
    refused_up(c, STRANGER, 5, sent=4)
    c.later(0.6)
    refused_up(c, FIRST.b4, 4, sent=2)


@case(
    "A peer may have no more than one error a second, and has that one.",
    "IC-012",
    config=answering(internet=limited_to(1000, 1000, 1), access=limited_to(1000, 1000, 1)),
)
def one_error_a_second(c):
    for _ in range(4):
        refused(c, host(1), 3, sent=1)
        refused_up(c, FIRST.b4, 3, sent=1)
        c.later(1.01)


@case(
    "Each side of the box has its own burst.",
    "IC-012",
    config=answering(internet=limited_to(1, 4, 1000), access=limited_to(1, 2, 1000)),
)
def sides_have_their_own_bursts(c):
    refused(c, host(1), 6, sent=4)
    refused_up(c, FIRST.b4, 5, sent=2)
    refused(c, host(2), 2, sent=0)


@case(
    "A packet that is never answered takes nothing from the buckets.",
    "IC-012",
    "IC-013",
    config=answering(internet=limited_to(1, 1, 1), access=limited_to(1, 1, 1)),
)
def unanswerable_takes_no_token(c):
    for _ in range(5):
        c.drop_ipv4("drop-no-softwire", from_host(FIRST, dst="224.0.0.1") / UDP(dport=1))
        c.drop_ipv4("drop-no-softwire", from_host(FIRST, dst="192.0.2.3", proto=1) / (b"\x08" * 16))
        packet = to_host(FIRST, dst="224.0.0.1") / UDP(sport=FIRST.port(), dport=5353)
        c.drop_ipv6("drop-ipv4-invalid-destination", upstream(FIRST, packet))
    refused(c, "198.51.100.10", 2, sent=1)
    refused_up(c, FIRST.b4, 2, sent=1)


@case(
    "With errors off nothing is limited either.",
    "IC-012",
    config={"internet": limited_to(1, 1, 1), "access": limited_to(1, 1, 1)},
)
def nothing_to_limit(c):
    for number in range(5):
        packet = from_host(FIRST, id=number) / UDP(sport=53, dport=1)
        c.drop_ipv4("drop-no-softwire", packet)
        tunnel = upstream(FIRST, to_host(FIRST, id=number) / UDP(sport=1, dport=53))
        c.drop_ipv6("drop-unbound-source", tunnel)


@case(
    "Relayed errors are limited as those of our own are, and beyond that they are drops.",
    "IC-008",
    "IC-012",
    config=answering(internet=limited_to(1, 3, 1000)),
)
def relays_are_limited(c):
    inner = aged(from_host(FIRST) / UDP(sport=53, dport=FIRST.port()))
    error = about_tunnel(NO_ROUTE, downstream(FIRST, inner))
    for number in range(5):
        if number < 3:
            c.hear(error)
            c.answer(HOST_UNREACHABLE, inner)
        else:
            c.drop_frame("access", "drop-icmpv6-rate", arriving("access", error))
    refused(c, host(1), 1, sent=0)
    c.later(1.5)
    c.hear(error)
    c.answer(HOST_UNREACHABLE, inner)
