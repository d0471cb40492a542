"""Time and leases: epochs, expiry to the second, and sets that rest."""

from case import case
from errors import FAILED_POLICY, HOST_UNREACHABLE, answering
from network import upstream
from pcp import (
    ANNOUNCE,
    NO_RESOURCES,
    ask,
    deleted,
    down,
    give_back,
    granted,
    home,
    lease,
    pool,
    refused,
    request,
    response,
    serving,
    up,
)

# One address of four sets, of which the first has the ports of the system and of PCP.
FEW = pool("192.0.2.64/32", 2)


def few(b4, psid):
    """A binding of that pool."""
    return b4.softwire(psid, psid_length=2)


@case(
    "The epoch counts seconds from the first packet on, in answers to all.",
    "T-36",
    "PC-080",
    "PC-141",
    config=serving(),
)
def pcp_epoch(c):
    one, other = home(1), home(2)
    for later in (0, 0.8, 0.2, 41, 3600, 86400):
        c.later(later)
        for b4 in (one, other):
            asked = request(ANNOUNCE, 0, b4.inner)
            ask(c, b4, asked, lambda epoch: response(ANNOUNCE, 0, 0, epoch))
    lease(c, one, one.softwire(1))


@case(
    "A lease ends to the second: until then its packets are forwarded, then they are dropped.",
    "T-19",
    "LW-004",
    "PC-043",
    config=answering(**serving()),
)
def pcp_expiry(c):
    b4 = home(1)
    softwire = b4.softwire(1)
    c.later(0.9)
    # Less than the least lifetime is the least, more than the most is the most.
    lease(c, b4, softwire, b4.map(lifetime=1), lifetime=120)
    c.later(119.9)
    c.decap(softwire, up(softwire))
    c.encap(softwire, down(softwire))
    c.later(0.1)
    tunnel = upstream(softwire, up(softwire))
    c.drop_ipv6("drop-unbound-source", tunnel)
    c.answer_ipv6(FAILED_POLICY, tunnel)
    c.drop_ipv4("drop-no-softwire", down(softwire))
    c.answer(HOST_UNREACHABLE, down(softwire))
    c.softwires(-1)
    c.later(10)
    lease(c, b4, softwire, b4.map(lifetime=86400), lifetime=3600)
    c.later(3599)
    c.encap(softwire, down(softwire))
    c.later(2)
    c.drop_ipv4("drop-no-softwire", down(softwire))
    c.answer(HOST_UNREACHABLE, down(softwire))
    c.softwires(-1)


@case(
    "A set that ran out rests for two minutes: nobody else gets it, not even by suggestion; "
    "its last holder does.",
    "T-19",
    "PC-045",
    "PS-043",
    config=serving(FEW),
)
def pcp_rest_after_expiry(c):
    first, second, third, late = (home(number) for number in (1, 2, 3, 4))
    lease(c, first, few(first, 1), first.map(lifetime=120))
    lease(c, second, few(second, 2))
    lease(c, third, few(third, 3))
    c.later(121)
    c.drop_ipv4("drop-no-softwire", down(few(first, 1)))
    c.softwires(-1)
    for suggest in (("0.0.0.0", 0), ("192.0.2.64", 16384)):
        asked = late.map(suggest=suggest)
        ask(c, late, asked, refused(asked, NO_RESOURCES))
    c.later(60)
    lease(c, first, few(first, 1), first.map(lifetime=120))
    c.encap(few(first, 1), down(few(first, 1)))
    c.later(121)
    c.drop_ipv4("drop-no-softwire", down(few(first, 1)))
    c.softwires(-1)
    c.later(118)
    asked = late.map()
    ask(c, late, asked, refused(asked, NO_RESOURCES))
    c.later(4)
    lease(c, late, few(late, 1))
    c.encap(few(late, 1), down(few(late, 1)))


@case(
    "What was given back rests too, and its last holder gets it back at once, with another "
    "nonce too.",
    "PC-045",
    "PS-043",
    config=serving(),
)
def pcp_rest_after_delete(c):
    b4, late = home(1), home(2)
    lease(c, b4, b4.softwire(1))
    give_back(c, b4)
    lease(c, late, late.softwire(1, "192.0.2.65"))
    anew = b4.but(nonce=bytes(12))
    lease(c, anew, b4.softwire(1))
    c.encap(b4.softwire(1), down(b4.softwire(1)))
    asked = b4.map(lifetime=0).replace(b4.nonce, anew.nonce)
    ask(c, b4, asked, deleted(asked))
    c.softwires(-1)


@case(
    "Without quarantine a set is anybody's at once.",
    "PC-045",
    config=serving(FEW, pcp={"quarantine_s": 0}),
)
def pcp_no_rest(c):
    b4, late = home(1), home(2)
    lease(c, b4, few(b4, 1))
    give_back(c, b4)
    lease(c, late, few(late, 1))
    c.encap(few(late, 1), down(few(late, 1)))


@case(
    "A refresh in the last second keeps the set without a gap.",
    "T-02",
    "PC-038",
    "LW-004",
    config=serving(),
)
def pcp_refresh_at_the_end(c):
    b4 = home(1)
    softwire = b4.softwire(1)
    lease(c, b4, softwire, b4.map(lifetime=120))
    c.later(119.8)
    asked = b4.map(lifetime=120)
    ask(c, b4, asked, granted(asked, softwire))
    c.later(5)
    c.encap(softwire, down(softwire))
    c.decap(softwire, up(softwire))
