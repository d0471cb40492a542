"""Every form of a MAP request and what becomes of it: the rows of the server's table."""

from case import case
from errors import answering
from network import FIRST
from pcp import (
    ALL,
    LONG_S,
    MALFORMED_OPTION,
    MALFORMED_REQUEST,
    NETWORK_FAILURE,
    NO_RESOURCES,
    NOT_AUTHORIZED,
    TCP_PROTOCOL,
    UDP_PROTOCOL,
    UNSUPP_PROTOCOL,
    USER_EX_QUOTA,
    ask,
    deleted,
    down,
    give_back,
    granted,
    home,
    lease,
    mapped,
    pool,
    port_set,
    refused,
    serving,
    up,
)

SCTP_PROTOCOL, GRE_PROTOCOL = 132, 47


@case(
    "Port 0 spells all ports as port 1 does, and is copied (row 2).",
    "PC-032",
    "PC-033",
    "PS-042",
    config=serving(),
)
def pcp_row_02_port_0(c):
    for number, options in ((1, port_set(65535, 0)), (2, port_set(65535, 9))):
        b4 = home(number)
        place = "192.0.2.64" if number == 1 else "192.0.2.65"
        lease(c, b4, b4.softwire(1, place), b4.map(internal=0, options=options))
        c.encap(b4.softwire(1, place), down(b4.softwire(1, place)))


@case(
    "A set lies inside the ports that are asked for, and is a second one beside the first (row 3).",
    "PS-015",
    "PS-023",
    "PS-050",
    "PS-002",
    config=serving(pcp={"max_sets_per_subscriber": 2}),
)
def pcp_row_03_inside(c):
    b4 = home(1)
    first, second = b4.softwire(1), b4.softwire(3)
    lease(c, b4, first)
    # 3000 to 6143 are none of the first set; 3072 to 4095 are the first that lie inside.
    lease(c, b4, second, b4.map(internal=3000, options=port_set(3144, 3000)))
    for softwire in (first, second):
        c.decap(softwire, up(softwire))
        c.encap(softwire, down(softwire, softwire.port(-1)))
    third = b4.map(internal=9000, options=port_set(9000, 9000))
    ask(c, b4, third, refused(third, USER_EX_QUOTA))
    narrow = home(2)
    asked = narrow.map(internal=3000, options=port_set(1000, 3000))
    ask(c, narrow, asked, refused(asked, NOT_AUTHORIZED))


@case(
    "One request that meets two sets refreshes both: its sender hears of the first, and of the "
    "second by Mapping Updates.",
    "PS-021",
    "PS-051",
    "PC-145",
    "PS-025",
    "C-09",
    config=serving(pcp={"max_sets_per_subscriber": 2}),
)
def pcp_row_12_two_sets(c):
    b4 = home(1)
    first, second = b4.softwire(1), b4.softwire(3)
    lease(c, b4, first)
    again = b4.map(internal=3072, options=port_set(1024, 3072))
    lease(c, b4, second, again)
    both = b4.map(lifetime=1800)
    ask(c, b4, both, granted(both, first))
    for later in (0, 0.25, 0.5):
        c.later(later)
        # It is the answer to the request that the set came from.
        update = granted(again, second, 1800)
        c.reply("access", b4.hears(update(c.age_s())))
        c.encap(second, down(second))


@case(
    "All of an address is granted where addresses are whole, and nothing less is (row 4).",
    "PC-031",
    "T-07",
    config=serving(),
)
def pcp_row_04_everything(c):
    b4 = home(1)
    asked = b4.map(internal=0, options=b"")
    ask(c, b4, asked, refused(asked, UNSUPP_PROTOCOL))
    lease(c, b4, b4.softwire(1))
    ask(c, b4, asked, refused(asked, UNSUPP_PROTOCOL))
    c.encap(b4.softwire(1), down(b4.softwire(1)))


@case(
    "One port of all protocols without PORT_SET is malformed (row 5).",
    "T-06",
    "PS-017",
    "PC-031",
    "C-01",
    config=serving(),
)
def pcp_row_05_one_port_of_all(c):
    b4 = home(1)
    for internal in (1, 1500, 65535):
        # A set of one port is read as if it were none (PS-017).
        for options in (b"", port_set(1, internal)):
            asked = b4.map(internal=internal, options=options)
            ask(c, b4, asked, refused(asked, MALFORMED_REQUEST))
    lease(c, b4, b4.softwire(1))
    for lifetime in (0, 3600):
        asked = b4.map(internal=1500, options=b"", lifetime=lifetime)
        ask(c, b4, asked, refused(asked, MALFORMED_REQUEST))
    c.encap(b4.softwire(1), down(b4.softwire(1)))


@case(
    "First Internal Port is the Internal Port, unless that is 0 (row 6).",
    "PS-001",
    config=serving(),
)
def pcp_row_06_first_internal_port(c):
    b4 = home(1)
    for internal, first in ((1, 2), (1, 0), (1024, 1)):
        asked = b4.map(internal=internal, options=port_set(65535, first))
        ask(c, b4, asked, refused(asked, MALFORMED_OPTION))
    c.drop_ipv4("drop-no-softwire", down(b4.softwire(1)))


@case(
    "No set is for one protocol, nor all of a protocol on a shared address (row 7).",
    "PC-041",
    "PC-031",
    config=serving(),
)
def pcp_row_07_one_protocol(c):
    b4 = home(1)
    lease(c, b4, b4.softwire(1))
    for protocol in (TCP_PROTOCOL, UDP_PROTOCOL, SCTP_PROTOCOL):
        for internal, options in ((1, ALL), (0, port_set(65535, 0)), (0, b"")):
            asked = b4.map(protocol, internal, options=options)
            ask(c, b4, asked, refused(asked, UNSUPP_PROTOCOL))


@case(
    "A port of the own set is mapped to itself, for as long as the lease lasts (row 8).",
    "PC-037",
    "T-08",
    "PS-017",
    "PS-005",
    config=serving(),
)
def pcp_row_08_own_port(c):
    b4 = home(1)
    softwire = b4.softwire(1)
    lease(c, b4, softwire, b4.map(lifetime=600))
    c.later(99)
    for protocol in (TCP_PROTOCOL, UDP_PROTOCOL):
        for options in (b"", port_set(1, 1500)):
            asked = b4.map(protocol, 1500, options=options, suggest=("192.0.2.99", 7))
            ask(c, b4, asked, mapped(asked, softwire.ipv4, 1500, 501))
    # It was no refresh.
    c.later(502)
    c.drop_ipv4("drop-no-softwire", down(softwire))
    c.softwires(-1)


@case(
    "A port of another or of nobody is not authorized; to give it back is no matter (row 9).",
    "PC-046",
    "PC-160",
    config=serving(),
)
def pcp_row_09_other_port(c):
    b4, other = home(1), home(2)
    asked = b4.map(TCP_PROTOCOL, 1500, options=b"")
    ask(c, b4, asked, refused(asked, NOT_AUTHORIZED))
    lease(c, b4, b4.softwire(1))
    for one, internal in ((b4, 2048), (b4, 1023), (other, 1500)):
        asked = one.map(UDP_PROTOCOL, internal, options=b"")
        ask(c, one, asked, refused(asked, NOT_AUTHORIZED))
        asked = one.map(UDP_PROTOCOL, internal, options=b"", lifetime=0)
        ask(c, one, asked, deleted(asked))
    asked = b4.map(GRE_PROTOCOL, 1500, options=b"")
    ask(c, b4, asked, refused(asked, UNSUPP_PROTOCOL))


@case(
    "A delete of one port without PORT_SET takes no set away (row 10).",
    "T-10",
    "C-26",
    "PC-046",
    config=serving(),
)
def pcp_row_10_delete_of_one_port(c):
    b4 = home(1)
    softwire = b4.softwire(1)
    lease(c, b4, softwire)
    asked = b4.map(internal=1500, options=b"", lifetime=0)
    ask(c, b4, asked, refused(asked, MALFORMED_REQUEST))
    for protocol, internal in ((0, 0), (UDP_PROTOCOL, 1500), (TCP_PROTOCOL, 0)):
        asked = b4.map(protocol, internal, options=b"", lifetime=0)
        ask(c, b4, asked, deleted(asked))
        c.encap(softwire, down(softwire, 1500))
        c.decap(softwire, up(softwire, 1500))


@case(
    "Never more than asked: the pool with the largest sets that fit serves, and no set below "
    "the floor (row 13).",
    "PS-015",
    "PS-016",
    config=serving(
        pool(psid_length=5),
        pool("192.0.2.80/31", 8, name="small"),
    ),
)
def pcp_row_13_smaller(c):
    large, small, none = home(1), home(2), home(3)
    lease(c, large, large.softwire(1, psid_length=5))
    lease(c, small, small.softwire(4, "192.0.2.80", 8), small.map(options=port_set(1500, 1)))
    for size in (2, 63, 255, 1023):
        asked = none.map(options=port_set(size, 1))
        ask(c, none, asked, refused(asked, NOT_AUTHORIZED))


@case(
    "A pool that is used up has no resources for the next, until somebody gives back and two "
    "minutes have passed (row 14).",
    "PC-045",
    "PS-043",
    config=serving(pool("192.0.2.64/32", 2)),
)
def pcp_row_14_exhausted(c):
    homes = [home(number) for number in (1, 2, 3)]
    # 0 to 16383 have the system ports and those of PCP.
    for psid, b4 in enumerate(homes, 1):
        lease(c, b4, b4.softwire(psid, psid_length=2))
    late = home(4)
    asked = late.map()
    ask(c, late, asked, refused(asked, NO_RESOURCES))
    give_back(c, homes[1])
    ask(c, late, asked, refused(asked, NO_RESOURCES))
    c.later(121)
    lease(c, late, late.softwire(2, psid_length=2))
    c.encap(late.softwire(2, psid_length=2), down(late.softwire(2, psid_length=2)))


@case(
    "Two lwB4s of one home have one set; the second hears of its quota (row 14).",
    "PC-042",
    "PS-050",
    "PS-052",
    config=serving(),
)
def pcp_row_14_quota(c):
    b4, beside = home(1), home(1, host=2, nonce=bytes(12))
    lease(c, b4, b4.softwire(1))
    asked = beside.map()
    ask(c, beside, asked, refused(asked, USER_EX_QUOTA))
    asked = b4.map(internal=8192, options=port_set(8192, 8192))
    ask(c, b4, asked, refused(asked, USER_EX_QUOTA))
    neighbour = home(2)
    lease(c, neighbour, neighbour.softwire(1, "192.0.2.65"))


@case(
    "Without any pool there is no network to give ports of (row 14).",
    "PC-015",
    config={"pcp": {}},
)
def pcp_row_14_no_pool(c):
    b4 = home(1)
    asked = b4.map()
    ask(c, b4, asked, refused(asked, NETWORK_FAILURE))


@case(
    "Who is in no list of clients is not authorized.",
    "LW-020d",
    "PC-160",
    config=answering(**serving()),
)
def pcp_no_pool_for_the_client(c):
    stranger = home(1).but(outer="2001:db8:bad::1")
    asked = stranger.map()
    ask(c, stranger, asked, refused(asked, NOT_AUTHORIZED, LONG_S))
    c.encap(FIRST, down(FIRST))
