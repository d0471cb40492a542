"""What pools hand out, to whom, and what they keep back."""

from scapy.packet import Raw

from case import case
from network import DATA, FIRST, OFFSET, SECOND, from_host, to_host, tunnelled
from pcp import (
    FOR_EVER_S,
    NO_RESOURCES,
    NOT_AUTHORIZED,
    TCP_PROTOCOL,
    UDP_PROTOCOL,
    UNSUPP_PROTOCOL,
    Lwb4,
    ask,
    deleted,
    down,
    granted,
    home,
    lease,
    mapped,
    pool,
    refused,
    serving,
    up,
)
from transport import ESP, GRE, echo, every_protocol

WHOLE_ADDRESSES = pool("192.0.2.64/31", 0)


def used_up(c, psid_length, kept_back):
    """All sets of an address are handed out, the lowest first, but for some that nobody gets."""
    psids = [psid for psid in range(1 << psid_length) if psid not in kept_back]
    homes = [home(number) for number in range(1, len(psids) + 2)]
    for b4, psid in zip(homes, psids):
        lease(c, b4, b4.softwire(psid, psid_length=psid_length))
    last = homes[-1]
    for suggest in [("0.0.0.0", 0)] + [
        ("192.0.2.64", psid << (16 - psid_length)) for psid in kept_back
    ]:
        asked = last.map(suggest=suggest)
        ask(c, last, asked, refused(asked, NO_RESOURCES))
    for b4, psid in zip(homes, psids):
        softwire = b4.softwire(psid, psid_length=psid_length)
        c.encap(softwire, down(softwire))
    for psid in kept_back:
        c.drop_ipv4("drop-no-softwire", down(home(99).softwire(psid, psid_length=psid_length)))


@case(
    "Of 32 sets an address has 30 for lwB4s: not those with 0 to 1023 or with 5350 and 5351.",
    "T-39",
    "LW-010",
    "LW-011",
    "PC-040",
    "PS-043",
    "C-04",
    config=serving(pool("192.0.2.64/32", 5)),
)
def pcp_sets_of_2048_ports(c):
    used_up(c, 5, [0, 2])


@case(
    "Of 64 sets an address has 62 for lwB4s: not those with 0 to 1023 or with 5350 and 5351.",
    "T-39",
    "LW-010",
    "PC-040",
    "C-04",
    config=serving(pool("192.0.2.64/32", 6)),
)
def pcp_sets_of_1024_ports(c):
    used_up(c, 6, [0, 5])


@case(
    "System ports and those of PCP are handed out where the operator wants it so, and yet "
    "nobody is told that UDP 5350 or 5351 is mapped.",
    "LW-011",
    "PC-040",
    config=serving(pool("192.0.2.64/32", 8, exclude_ports=[], exclude_pcp_ports=False)),
)
def pcp_sets_with_system_ports(c):
    # The set with port 0 is inside no ports that can be asked for: 65535 from 1 are the most.
    low, high = home(1), home(2)
    system, of_pcp = low.softwire(1, psid_length=8), high.softwire(20, psid_length=8)
    lease(c, low, system)
    lease(c, high, of_pcp, high.map(suggest=("192.0.2.64", 5120)))
    for softwire, port in ((system, 443), (of_pcp, 5350), (of_pcp, 5351)):
        c.encap(softwire, down(softwire, port))
        c.decap(softwire, up(softwire, port))
    for port in (5350, 5351):
        asked = high.map(UDP_PROTOCOL, port, options=b"")
        ask(c, high, asked, refused(asked, NOT_AUTHORIZED))
        asked = high.map(TCP_PROTOCOL, port, options=b"")
        ask(c, high, asked, mapped(asked, of_pcp.ipv4, port, 3600))


@case(
    "A suggestion is honoured where it is exactly a free set, and ignored where it is not.",
    "PS-041",
    "PC-039",
    config=serving(pool("192.0.2.64/31", 6)),
)
def pcp_suggestions(c):
    for number, suggest, psid, ipv4 in (
        (1, ("192.0.2.65", 26624), 26, "192.0.2.65"),
        # Taken, not aligned, kept back, of no pool: as without, on the address that is named.
        (2, ("192.0.2.65", 26624), 1, "192.0.2.65"),
        (3, ("192.0.2.64", 26625), 1, "192.0.2.64"),
        (4, ("192.0.2.64", 0), 2, "192.0.2.64"),
        (5, ("192.0.2.64", 5120), 3, "192.0.2.64"),
        (6, ("192.0.2.99", 8192), 2, "192.0.2.65"),
    ):
        b4 = home(number)
        lease(c, b4, b4.softwire(psid, ipv4), b4.map(suggest=suggest))
        c.encap(b4.softwire(psid, ipv4), down(b4.softwire(psid, ipv4)))


@case(
    "A whole address has every port and every protocol, also those without ports.",
    "PS-040",
    "PC-031",
    "LW-008",
    "AP-004",
    "T-07",
    config=serving(WHOLE_ADDRESSES),
)
def pcp_whole_address(c):
    spelled, clean = home(1), home(2)
    first = spelled.softwire(0, "192.0.2.64", 0)
    second = clean.softwire(0, "192.0.2.65", 0)
    lease(c, spelled, first)
    asked = clean.map(internal=0, options=b"")
    ask(c, clean, asked, granted(asked, second, described=False))
    c.softwires(1)
    for softwire in (first, second):
        for port in (0, 80, 5351, 65535):
            c.encap(softwire, down(softwire, port))
            c.decap(softwire, up(softwire, port))
        for packet in every_protocol(from_host(softwire), 53, 22):
            c.encap(softwire, packet)
        for protocol in (GRE, ESP, 41):
            c.encap(softwire, from_host(softwire, proto=protocol) / Raw(DATA))
            c.decap(softwire, to_host(softwire, proto=protocol) / Raw(DATA))
        c.encap(softwire, echo(from_host(softwire), 7))
    asked = clean.map(TCP_PROTOCOL, 0, options=b"")
    ask(c, clean, asked, mapped(asked, second.ipv4, 0, 3600))
    late = home(3)
    asked = late.map()
    ask(c, late, asked, refused(asked, NO_RESOURCES))
    asked = late.map(internal=0, options=b"")
    ask(c, late, asked, refused(asked, UNSUPP_PROTOCOL))
    asked = clean.map(internal=0, options=b"", lifetime=0)
    ask(c, clean, asked, deleted(asked))
    c.softwires(-1)
    c.drop_ipv4("drop-no-softwire", down(second, 80))


@case(
    "The operator's bindings are not handed out, and their lwB4s hear what they have for ever.",
    "PC-035",
    "PC-047",
    "LW-009",
    "GM-001",
    config=serving(
        pool("192.0.2.0/29", 6),
        softwire={"binding": [FIRST.row(), SECOND.row(), OFFSET.row()]},
    ),
)
def pcp_static_bindings(c):
    bound = Lwb4(FIRST.b4)
    for asked in (bound.map(), bound.map(lifetime=120), bound.but(nonce=bytes(12)).map()):
        ask(c, bound, asked, granted(asked, FIRST, FOR_EVER_S))
    asked = bound.map(TCP_PROTOCOL, FIRST.port(3), options=b"")
    ask(c, bound, asked, mapped(asked, FIRST.ipv4, FIRST.port(3), FOR_EVER_S))
    asked = bound.map(lifetime=0)
    ask(c, bound, asked, refused(asked, NOT_AUTHORIZED))
    c.encap(FIRST, down(FIRST))
    # The sets of 192.0.2.1 that are bound are skipped, and all of 192.0.2.6, split otherwise.
    hosts = [(0, 1), (2, 1), (3, 1), (4, 1), (5, 1), (7, 1), (0, 2), (2, 2)]
    for number, (host, psid) in enumerate(hosts, 1):
        b4 = home(number)
        lease(c, b4, b4.softwire(psid, f"192.0.2.{host}"))


@case(
    "Addresses that are reserved, and our own, are nobody's.",
    "LW-011",
    config=serving(pool("203.0.113.0/30", 6, reserved=["203.0.113.0"])),
)
def pcp_reserved_addresses(c):
    # 203.0.113.1 is our own.
    for number, (host, psid) in enumerate([(2, 1), (3, 1), (2, 2)], 1):
        b4 = home(number)
        lease(c, b4, b4.softwire(psid, f"203.0.113.{host}"))
    for number, (host, psid) in enumerate([(3, 2), (2, 3)], 4):
        b4 = home(number)
        asked = b4.map(suggest=(f"203.0.113.{number - 4}", 8192))
        lease(c, b4, b4.softwire(psid, f"203.0.113.{host}"), asked)


@case(
    "Subscribers are prefixes as long as the operator says.",
    "PS-052",
    "PC-042",
    config=serving(pcp={"subscriber_prefix_length": 128}),
)
def pcp_subscribers_of_one_address(c):
    one, beside = home(1), home(1, host=2)
    lease(c, one, one.softwire(1))
    lease(c, beside, beside.softwire(1, "192.0.2.65"))
    c.drop_ipv6("drop-wrong-b4", tunnelled(one.outer, one.br, up(beside.softwire(1, "192.0.2.65"))))


@case(
    "Lifetimes are within the operator's bounds.",
    "PC-043",
    "PS-044",
    config=serving(pcp={"lifetime": {"min_s": 300, "max_s": 900}}),
)
def pcp_lifetimes(c):
    for number, (lifetime, given) in enumerate([(1, 300), (600, 600), (2**32 - 1, 900)], 1):
        b4 = home(number)
        place = ((1, "192.0.2.64"), (1, "192.0.2.65"), (2, "192.0.2.64"))[number - 1]
        lease(c, b4, b4.softwire(*place), b4.map(lifetime=lifetime), given)
