"""What a packet too big teaches about one softwire (IC-007, FR-004, FR-005)."""

from scapy.layers.inet import UDP
from scapy.packet import Raw

from case import case
from errors import FRAGMENTATION_NEEDED, PACKET_TOO_BIG, about_tunnel, answering
from network import FAR, FIRST, OFFSET, SECOND, WHOLE, Softwire, aged, arriving, downstream
from network import from_host, to_host, upstream


def sized(octets, softwire=FIRST, **fields):
    """A UDP packet of this many octets from the Internet."""
    header = from_host(softwire, **fields) / UDP(sport=53, dport=softwire.port())
    return header / Raw(bytes(number & 0xFF for number in range(octets - 28)))


def learn(c, mtu, softwire=FIRST):
    """A router on the way to `softwire` says that its next link takes `mtu` octets."""
    inner = aged(sized(1500, softwire, flags="DF"))
    c.hear(about_tunnel(PACKET_TOO_BIG, downstream(softwire, inner), mtu))
    c.answer(FRAGMENTATION_NEEDED, inner, mtu=mtu - 40)


def limited_to(c, mtu, softwire=FIRST):
    """Packets to `softwire` now fit `mtu`, or leave in pieces, or are answered."""
    c.encap(softwire, sized(mtu - 40, softwire, flags="DF"))
    c.encap(softwire, sized(mtu - 40, softwire))
    for octets in (mtu - 39, 1500):
        c.encap(softwire, sized(octets, softwire), mtu=mtu)
        packet = sized(octets, softwire, flags="DF")
        c.drop_ipv4("drop-dont-fragment", packet)
        c.answer(FRAGMENTATION_NEEDED, packet, mtu=mtu - 40)


def unlimited(c, softwire=FIRST):
    """Packets of full size fit the tunnel of `softwire`."""
    c.encap(softwire, sized(1500, softwire))
    c.encap(softwire, sized(1500, softwire, flags="DF"))


@case(
    "A packet too big limits the softwire from then on, and no other.",
    "IC-007",
    "FR-002",
    "FR-004",
    "T-30",
    config=answering(),
)
def path_mtu_is_learned(c):
    unlimited(c)
    learn(c, 1400)
    limited_to(c, 1400)
    for softwire in (SECOND, OFFSET, WHOLE, FAR):
        unlimited(c, softwire)


@case(
    "The smallest path MTU is 1280; 1279 teaches nothing.",
    "FR-005",
    "IC-007",
    config=answering(),
)
def path_mtu_of_1280(c):
    error = about_tunnel(PACKET_TOO_BIG, downstream(FIRST, aged(sized(1500, flags="DF"))), 1279)
    c.drop_frame("access", "drop-icmpv6-forged", arriving("access", error))
    unlimited(c)
    learn(c, 1280)
    limited_to(c, 1280)


@case(
    "A path MTU only goes down; what says more is heard, and relayed, but not learned.",
    "FR-005",
    "IC-007",
    config=answering(),
)
def path_mtu_never_goes_up(c):
    learn(c, 1400)
    learn(c, 1492)
    limited_to(c, 1400)
    learn(c, 1300)
    limited_to(c, 1300)
    learn(c, 1400)
    limited_to(c, 1300)


@case(
    "Ten minutes later the softwire is tried at full size again.",
    "FR-005",
    "IC-007",
    config=answering(),
)
def path_mtu_lapses(c):
    learn(c, 1400)
    limited_to(c, 1400)
    c.later(599)
    limited_to(c, 1400)
    c.later(2)
    unlimited(c)
    learn(c, 1300)
    limited_to(c, 1300)


@case(
    "With path_mtu_discovery off errors are heard and relayed, but teach nothing.",
    "FR-004",
    config=answering(softwire={"path_mtu_discovery": False}),
)
def path_mtu_discovery_off(c):
    unlimited(c)
    learn(c, 1400)
    unlimited(c)


@case(
    "What is not believed teaches nothing.",
    "IC-008",
    "FR-005",
    "T-30",
    config=answering(),
)
def path_mtu_forged(c):
    inner = aged(sized(1500, flags="DF"))
    error = bytearray(about_tunnel(PACKET_TOO_BIG, downstream(FIRST, inner), 1300))
    error[42] ^= 1
    c.drop_frame("access", "drop-icmpv6-bad", arriving("access", bytes(error)))
    for quoted in (downstream(FIRST, aged(sized(1500, SECOND))), downstream(SECOND, inner)):
        error = about_tunnel(PACKET_TOO_BIG, quoted, 1300)
        c.drop_frame("access", "drop-icmpv6-forged", arriving("access", error))
    for mtu in (60, 1540):
        error = about_tunnel(PACKET_TOO_BIG, downstream(FIRST, inner), mtu)
        c.drop_frame("access", "drop-icmpv6-forged", arriving("access", error))
    unlimited(c)
    unlimited(c, SECOND)


@case(
    "What is not relayed may teach still: without DF, about a later fragment, with errors off.",
    "IC-007",
    "FR-004",
)
def path_mtu_learned_in_silence(c):
    inner = aged(sized(1500))
    c.hear(about_tunnel(PACKET_TOO_BIG, downstream(FIRST, inner), 1400))
    c.encap(FIRST, sized(1361), mtu=1400)
    c.drop_ipv4("drop-dont-fragment", sized(1361, flags="DF"))
    later = aged(from_host(WHOLE, frag=9, proto=17) / Raw(bytes(1400)))
    c.hear(about_tunnel(PACKET_TOO_BIG, downstream(WHOLE, later), 1300))
    c.encap(WHOLE, sized(1261, WHOLE), mtu=1300)
    c.encap(SECOND, sized(1500, SECOND, flags="DF"))


@case(
    "The path MTU of the receiver's softwire holds for hairpinned packets too.",
    "IC-007",
    "LW-020a",
    "FR-002",
    config=answering(),
)
def path_mtu_of_a_hairpin(c):
    def between(octets, flags=0):
        header = to_host(OFFSET, dst=FIRST.ipv4, flags=flags)
        return header / UDP(sport=OFFSET.port(), dport=FIRST.port()) / Raw(bytes(octets - 28))

    inner = aged(between(1500, "DF"))
    c.hear(about_tunnel(PACKET_TOO_BIG, downstream(FIRST, inner), 1400))
    c.answer_softwire(OFFSET, FRAGMENTATION_NEEDED, inner, mtu=1360)
    c.hairpin(OFFSET, FIRST, between(1360, "DF"))
    c.hairpin(OFFSET, FIRST, between(1361), mtu=1400)
    tunnel = upstream(OFFSET, between(1361, "DF"))
    c.drop_ipv6("drop-dont-fragment", tunnel)
    c.answer_b4(FRAGMENTATION_NEEDED, tunnel, mtu=1360)
    limited_to(c, 1400)


@case(
    "A path MTU says nothing about the way up.",
    "FR-004",
    "FR-018",
    config=answering(),
)
def path_mtu_is_one_way(c):
    learn(c, 1280)
    header = to_host(FIRST, flags="DF") / UDP(sport=FIRST.port(), dport=53)
    c.decap(FIRST, header / Raw(bytes(1472)))


@case(
    "A path MTU above the link's own changes nothing.",
    "FR-004",
    "FR-005",
    config=answering(access={"mtu": 1400}),
)
def path_mtu_above_the_link(c):
    inner = aged(sized(1500, flags="DF"))
    c.hear(about_tunnel(PACKET_TOO_BIG, downstream(FIRST, inner), 1480))
    c.answer(FRAGMENTATION_NEEDED, inner, mtu=1440)
    limited_to(c, 1400)


TWO = [FIRST.row(), {**FIRST.row(), "psid": 9}]


@case(
    "Of two softwires of one lwB4 the one whose packet was too big is limited.",
    "IC-007",
    "FR-004",
    config=answering(softwire={"binding": TWO}),
)
def path_mtu_of_one_softwire(c):
    one, other = (Softwire(**row) for row in TWO)
    learn(c, 1400, one)
    limited_to(c, 1400, one)
    unlimited(c, other)
    learn(c, 1300, other)
    limited_to(c, 1300, other)
    limited_to(c, 1400, one)
