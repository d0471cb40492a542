"""A set of ports from the first request to the last: granted, forwarded, refreshed, given back."""

from case import case
from errors import FAILED_POLICY, HOST_UNREACHABLE, answering
from network import FIRST, Softwire, from_host, to_host, tunnelled, upstream
from pcp import (
    NO_ADDRESS,
    NOT_AUTHORIZED,
    OTHER_NONCE,
    Lwb4,
    ask,
    deleted,
    down,
    give_back,
    granted,
    home,
    lease,
    pool,
    port_set,
    refused,
    serving,
    up,
)
from transport import echo, every_protocol

# A request in its tunnel and the answer to it, octet by octet; independent dissectors decode them.
REQUEST = bytes.fromhex(
    "6000000000640440"
    "20010db800b400000000000000000001"
    "20010db800af00000000000000000001"
    "45000064000000004011fa85c0000002c0000001"
    "9c4014e700509a1f"
    "0201000000000e1000000000000000000000ffffc0000002a0a1a2a3a4a5a6a7a8a9aaab"
    "000000000001000000000000000000000000ffff0000000082000005ffff000100000000"
)
RESPONSE = bytes.fromhex(
    "0281000000000e100000002a000000000000000000000000a0a1a2a3a4a5a6a7a8a9aaab"
    "000000000001680000000000000000000000ffffc0000205820000050800680000000000"
)
VECTOR = Lwb4("2001:db8:b4::1")


@case(
    "The canonical request in its tunnel gets the answer that others decode, after 42 seconds.",
    "T-01",
    "PS-019",
    "PC-033",
    "PC-014",
    "PC-080",
    "TN-044",
    "C-05",
    config=serving(pool("192.0.2.5/32", 5, exclude_ports=["0-26623"])),
)
def pcp_grant_by_the_vector(c):
    c.encap(FIRST, down(FIRST))
    c.later(42)
    c.punt_tunnel("pcp", REQUEST)
    c.reply("access", VECTOR.hears(RESPONSE))
    c.softwires(1)
    softwire = Softwire("192.0.2.5", 0, 5, 13, VECTOR.outer, VECTOR.br)
    c.encap(softwire, down(softwire, 26624))
    c.decap(softwire, up(softwire, 28671))


@case(
    "What is granted is forwarded both ways with the very next packet, and nothing beside it.",
    "T-01",
    "T-20",
    "T-21",
    "LW-003",
    "LW-001",
    "LW-005",
    "LW-013",
    "LW-017",
    config=answering(**serving()),
)
def pcp_grant_is_forwarded_at_once(c):
    b4 = home(1)
    softwire = b4.softwire(1)
    early = upstream(softwire, up(softwire))
    c.drop_ipv6("drop-unbound-source", early)
    c.answer_ipv6(FAILED_POLICY, early)
    c.drop_ipv4("drop-no-softwire", down(softwire))
    c.answer(HOST_UNREACHABLE, down(softwire))
    lease(c, b4, softwire)
    c.decap(softwire, up(softwire))
    c.encap(softwire, down(softwire))
    for packet in every_protocol(from_host(softwire), 53, softwire.port(-1)):
        c.encap(softwire, packet)
    for packet in every_protocol(to_host(softwire), softwire.port(-1), 53):
        c.decap(softwire, packet)
    c.encap(softwire, echo(from_host(softwire), softwire.port(7)))
    for port in (softwire.port() - 1, softwire.port(-1) + 1):
        tunnel = upstream(softwire, up(softwire, port))
        c.drop_ipv6("drop-unbound-source", tunnel)
        c.answer_ipv6(FAILED_POLICY, tunnel)
        c.drop_ipv4("drop-no-softwire", down(softwire, port))
        c.answer(HOST_UNREACHABLE, down(softwire, port))
    elsewhere = tunnelled(home(2).outer, softwire.br, up(softwire))
    c.drop_ipv6("drop-wrong-b4", elsewhere)
    c.answer_ipv6(FAILED_POLICY, elsewhere)


@case(
    "The same request again gets the same set for another lifetime, and no second one.",
    "T-02",
    "PS-021",
    "PC-017",
    "PC-038",
    config=serving(),
)
def pcp_refresh(c):
    b4 = home(1)
    softwire = b4.softwire(1)
    c.later(0.9)
    lease(c, b4, softwire, b4.map(lifetime=120))
    for _ in range(3):
        c.later(99.9)
        asked = b4.map(lifetime=120)
        ask(c, b4, asked, granted(asked, softwire))
        c.encap(softwire, down(softwire))
        c.decap(softwire, up(softwire))
    # The last refresh was at 300 s; a started second counts whole.
    c.later(119)
    c.encap(softwire, down(softwire))
    c.later(2)
    c.drop_ipv4("drop-no-softwire", down(softwire))
    c.softwires(-1)


@case(
    "A refresh may ask for less or more, and suggest what it likes: the set stays as it is.",
    "PS-021",
    "PC-038",
    "PC-039",
    "C-25",
    config=serving(),
)
def pcp_refresh_keeps_the_set(c):
    b4 = home(1)
    softwire = b4.softwire(1)
    lease(c, b4, softwire)
    for asked in (
        b4.map(suggest=("192.0.2.65", 8192)),
        b4.map(internal=1500, options=port_set(100, 1500)),
        b4.map(internal=2047, options=port_set(4096, 2047)),
    ):
        ask(c, b4, asked, granted(asked, softwire))
    c.encap(softwire, down(softwire))
    c.drop_ipv4("drop-no-softwire", down(softwire, 2048))


@case(
    "Another nonce is refused for as long as the lease lasts, to refresh and to delete.",
    "T-03",
    "PC-034",
    "PC-012",
    "C-03",
    config=serving(),
)
def pcp_other_nonce(c):
    b4 = home(1)
    softwire = b4.softwire(1)
    lease(c, b4, softwire, b4.map(lifetime=600))
    thief = b4.but(nonce=OTHER_NONCE)
    # A started second counts whole.
    for remaining in (501, 401):
        c.later(99.5)
        for asked in (
            thief.map(),
            thief.map(internal=1500, options=port_set(2, 1500)),
            thief.map(lifetime=0),
        ):
            ask(c, thief, asked, refused(asked, NOT_AUTHORIZED, remaining))
    c.encap(softwire, down(softwire))
    c.decap(softwire, up(softwire))


@case(
    "Where the operator wants it, another nonce takes the lease over, and the old one is "
    "locked out.",
    "C-03",
    "PC-034",
    config=serving(pcp={"nonce_takeover": "always"}),
)
def pcp_nonce_takeover(c):
    b4 = home(1)
    softwire = b4.softwire(1)
    lease(c, b4, softwire, b4.map(lifetime=600))
    anew = b4.but(nonce=OTHER_NONCE)
    asked = anew.map(lifetime=900)
    ask(c, anew, asked, granted(asked, softwire))
    c.encap(softwire, down(softwire))
    c.later(700)
    c.encap(softwire, down(softwire))


@case(
    "Two lwB4s that are both 192.0.0.2, of one port and one nonce, have a set each.",
    "T-04",
    "TN-045",
    "C-06",
    "PS-052",
    "LW-007",
    config=serving(),
)
def pcp_two_lwb4s(c):
    homes = [home(number) for number in (1, 2, 3)]
    # PSID by PSID over all addresses.
    places = ((1, "192.0.2.64"), (1, "192.0.2.65"), (2, "192.0.2.64"))
    softwires = [b4.softwire(*place) for b4, place in zip(homes, places)]
    for b4, softwire in zip(homes, softwires):
        lease(c, b4, softwire)
    for b4, softwire in zip(homes, softwires):
        c.encap(softwire, down(softwire))
        c.decap(softwire, up(softwire))
        asked = b4.map()
        ask(c, b4, asked, granted(asked, softwire))
    for one, other in ((0, 1), (0, 2), (2, 0)):
        c.drop_ipv6("drop-wrong-b4", tunnelled(homes[one].outer, FIRST.br, up(softwires[other])))
    give_back(c, homes[0])
    c.drop_ipv4("drop-no-softwire", down(softwires[0]))
    c.encap(softwires[2], down(softwires[2]))


@case(
    "A delete succeeds, and again; the next packet is dropped, and its sender hears 1/5.",
    "T-09",
    "PC-046",
    "PS-020",
    "C-18",
    config=answering(**serving()),
)
def pcp_delete_twice(c):
    b4 = home(1)
    softwire = b4.softwire(1)
    lease(c, b4, softwire)
    c.decap(softwire, up(softwire))
    give_back(c, b4)
    tunnel = upstream(softwire, up(softwire))
    c.drop_ipv6("drop-unbound-source", tunnel)
    c.answer_ipv6(FAILED_POLICY, tunnel)
    c.drop_ipv4("drop-no-softwire", down(softwire))
    c.answer(HOST_UNREACHABLE, down(softwire))
    asked = b4.map(lifetime=0)
    ask(c, b4, asked, deleted(asked))
    never = home(2)
    asked = never.map(lifetime=0)
    ask(c, never, asked, deleted(asked))


@case(
    "A delete of some ports of the set takes all of it, whatever it says of size and place.",
    "PS-020",
    "PC-046",
    config=serving(),
)
def pcp_delete_of_a_part(c):
    b4 = home(1)
    softwire = b4.softwire(1)
    parts = ((1, port_set(0, 1)), (1100, port_set(7, 1100)), (0, port_set(65535, 0)))
    for internal, option in parts:
        lease(c, b4, softwire)
        # A size of 0 or 1 names one port: port 1 is none of the set.
        meets = internal != 1
        asked = b4.map(lifetime=0, internal=internal, options=option, suggest=(NO_ADDRESS, 0))
        ask(c, b4, asked, deleted(asked))
        if meets:
            c.softwires(-1)
            c.drop_ipv4("drop-no-softwire", down(softwire))
        else:
            c.encap(softwire, down(softwire))
            give_back(c, b4)
