"""By which way requests come and answers go: BR addresses, tunnels, fragments, other addresses."""

from scapy.layers.inet import UDP

from case import case
from errors import FAILED_POLICY, answering
from fragments import ipv6_pieces
from network import DATA, FAR, FIRST, arriving, to_host, tunnelled, upstream
from pcp import (
    NOT_AUTHORIZED,
    OTHER_NONCE,
    USER_EX_QUOTA,
    ask,
    deleted,
    down,
    granted,
    home,
    lease,
    pool,
    refused,
    serving,
    up,
)

FAR_POOL = pool("192.0.2.80/31", name="far", br=FAR.br)


@case(
    "Answers leave from the BR address that was asked, whose pool serves; the softwire ends there.",
    "C-07",
    "LW-020b",
    config=answering(**serving(pool(), FAR_POOL)),
)
def pcp_two_brs(c):
    near, far = home(1), home(2, br=FAR.br)
    for b4, softwire in ((near, near.softwire(1)), (far, far.softwire(1, "192.0.2.80"))):
        lease(c, b4, softwire)
        c.encap(softwire, down(softwire))
        c.decap(softwire, up(softwire))
        other = FAR.br if b4.br == FIRST.br else FIRST.br
        tunnel = tunnelled(b4.outer, other, up(softwire))
        c.drop_ipv6("drop-wrong-br", tunnel)
        c.answer_ipv6(FAILED_POLICY, tunnel)


@case(
    "A lease is refreshed at its own BR address only: at another its packets would be lost.",
    "C-07",
    "LW-020b",
    config=serving(pool(), FAR_POOL),
)
def pcp_refresh_at_another_br(c):
    b4 = home(1)
    away = b4.but(br=FAR.br)
    softwire = b4.softwire(1)
    lease(c, b4, softwire, b4.map(lifetime=600))
    c.later(99.5)
    asked = away.map()
    ask(c, away, asked, refused(asked, NOT_AUTHORIZED, 501))
    asked = away.map(6, softwire.port(), options=b"")
    ask(c, away, asked, refused(asked, NOT_AUTHORIZED))
    c.encap(softwire, down(softwire))
    c.decap(softwire, up(softwire))
    # It may give the set back from there, and then has one there.
    asked = away.map(lifetime=0)
    ask(c, away, asked, deleted(asked))
    c.softwires(-1)
    lease(c, away, away.softwire(1, "192.0.2.80"))
    c.decap(away.softwire(1, "192.0.2.80"), up(away.softwire(1, "192.0.2.80")))


@case(
    "At a BR address without a pool nobody gets a set, nor hears of a binding that is served "
    "elsewhere.",
    "LW-020b",
    "PC-035",
    config=serving(),
)
def pcp_br_without_a_pool(c):
    b4 = home(1, br=FAR.br)
    asked = b4.map()
    ask(c, b4, asked, refused(asked, NOT_AUTHORIZED))
    bound = b4.but(outer=FIRST.b4)
    asked = bound.map()
    ask(c, bound, asked, refused(asked, NOT_AUTHORIZED))
    c.drop_ipv4("drop-no-softwire", down(b4.softwire(1)))


@case(
    "A lease follows its nonce to another address of the home: the next packets go there.",
    "FO-003",
    "FO-002",
    config=serving(),
)
def pcp_migration(c):
    old, new = home(1), home(1, host=2)
    softwire, moved = old.softwire(1), new.softwire(1)
    lease(c, old, softwire)
    c.encap(softwire, down(softwire))
    # Packets alone move nothing, nor does another nonce.
    c.drop_ipv6("drop-wrong-b4", upstream(moved, up(moved)))
    asked = new.but(nonce=OTHER_NONCE).map()
    ask(c, new, asked, refused(asked, USER_EX_QUOTA))
    c.encap(softwire, down(softwire))
    asked = new.map()
    ask(c, new, asked, granted(asked, moved))
    c.encap(moved, down(moved))
    c.decap(moved, up(moved))
    c.drop_ipv6("drop-wrong-b4", upstream(softwire, up(softwire)))
    # Not twice in half an hour.
    asked = old.map()
    ask(c, old, asked, refused(asked, USER_EX_QUOTA))
    c.encap(moved, down(moved))
    c.later(1800)
    ask(c, old, asked, granted(asked, softwire))
    c.encap(softwire, down(softwire))


@case(
    "A lease moves to no address that its pool does not serve.",
    "FO-003",
    "LW-020d",
    config=serving(pool(clients=["2001:db8:b4:100::/64"])),
)
def pcp_migration_out_of_the_pool(c):
    old = home(1)
    new = old.but(outer="2001:db8:b4:101::1")
    lease(c, old, old.softwire(1))
    asked = new.map()
    ask(c, new, asked, refused(asked, USER_EX_QUOTA))
    c.encap(old.softwire(1), down(old.softwire(1)))


@case(
    "Two lwB4s with leased sets reach each other.",
    "LW-019",
    "LW-020a",
    "T-25",
    config=serving(),
)
def pcp_hairpin(c):
    one, other = home(1), home(2)
    first, second = one.softwire(1), other.softwire(1, "192.0.2.65")
    lease(c, one, first)
    packet = to_host(first, dst=second.ipv4) / UDP(sport=first.port(), dport=second.port()) / DATA
    # Nobody has that address yet: it is as good as any on the Internet.
    c.decap(first, packet)
    lease(c, other, second)
    c.hairpin(first, second, packet)
    back = to_host(second, dst=first.ipv4) / UDP(sport=second.port(), dport=first.port()) / DATA
    c.hairpin(second, first, back)


@case(
    "A request in pieces is put together and answered.",
    "FR-001",
    "FR-008",
    "T-01",
    config=serving(),
)
def pcp_request_in_pieces(c):
    for number, cuts in ((1, (64,)), (2, (24, 48))):
        b4 = home(number)
        softwire = b4.softwire(1, f"192.0.2.{63 + number}")
        asked = b4.map()
        c.later(0.1)
        epoch = c.age_s()
        pieces = ipv6_pieces(b4.sends(asked), *cuts, identification=number)
        c.punt_reassembled("pcp", pieces)
        c.reply("access", b4.hears(granted(asked, softwire)(epoch)))
        c.softwires(1)
        c.encap(softwire, down(softwire))


@case(
    "A request with a wrong checksum is met with silence; one without a UDP checksum is answered.",
    "LW-020",
    "TN-044",
    config=serving(),
)
def pcp_bad_checksums(c):
    b4 = home(1)
    good = bytes(b4.sends(b4.map()))
    udp, header = bytearray(good), bytearray(good)
    udp[-1] ^= 1
    header[50] ^= 1
    c.later(0.1)
    c.punt_tunnel("pcp", bytes(udp))
    c.later(0.1)
    c.drop_ipv6("drop-ipv4-bad-checksum", bytes(header))
    c.drop_ipv4("drop-no-softwire", down(b4.softwire(1)))
    without = bytearray(good)
    without[66:68] = b"\0\0"
    c.later(0.1)
    c.punt_tunnel("pcp", bytes(without))
    c.reply("access", b4.hears(granted(b4.map(), b4.softwire(1))(c.age_s())))
    c.softwires(1)
    c.encap(b4.softwire(1), down(b4.softwire(1)))


@case(
    "A request over plain IPv6 is answered where the operator wants it, with the same sets.",
    "DH-041",
    "C-07",
    "PC-001",
    config=serving(pcp={"plain_ipv6": True}),
)
def pcp_plain_ipv6(c):
    b4 = home(1)
    plain = b4.but(inner=b4.outer)
    asked = plain.map()
    c.punt("pcp", "access", arriving("access", plain.sends_plainly(asked)))
    c.reply("access", plain.hears_plainly(granted(asked, b4.softwire(1))(0)))
    c.softwires(1)
    c.encap(b4.softwire(1), down(b4.softwire(1)))
    c.decap(b4.softwire(1), up(b4.softwire(1)))
    c.later(0.5)
    # The softwire's other end has a set already.
    asked = b4.map()
    ask(c, b4, asked, refused(asked, USER_EX_QUOTA))


@case(
    "Where it is not wanted, plain IPv6 is met with silence.",
    "DH-041",
    "PC-001",
    config=serving(),
)
def pcp_no_plain_ipv6(c):
    b4 = home(1)
    asked = b4.but(inner=b4.outer).map()
    c.punt("other", "access", arriving("access", b4.sends_plainly(asked)))
    c.drop_ipv4("drop-no-softwire", down(b4.softwire(1)))


@case(
    "Answers go to the port and the inner address that was asked from, with or without a lease.",
    "C-07",
    "PC-146",
    config=serving(),
)
def pcp_other_elements(c):
    for number, inner in enumerate(("192.0.0.2", "192.0.0.3", "192.0.0.6"), 1):
        b4 = home(number, inner=inner, port=1024 + number)
        place = ((1, "192.0.2.64"), (1, "192.0.2.65"), (2, "192.0.2.64"))[number - 1]
        lease(c, b4, b4.softwire(*place))
        moved = b4.but(port=50000)
        asked = moved.map()
        ask(c, moved, asked, granted(asked, b4.softwire(*place)))
