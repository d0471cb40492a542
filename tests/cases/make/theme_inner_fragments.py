"""What does not fit the Internet's link: ICMPv4 3/4 into the tunnel, or IPv4 fragments (FR-018)."""

from scapy.layers.inet import UDP, IPOption, IPOption_NOP, IPOption_Router_Alert, IPOption_RR
from scapy.packet import Raw

from case import case
from errors import FRAGMENTATION_NEEDED, answering
from network import DATA, FAR, FIRST, WHOLE, aged, rewritten, to_host, upstream
from pieces import sized
from transport import GRE, echo

NARROW = {"mtu": 1400}


@case(
    "A packet that does not fit the Internet's link is answered with 3/4 into its tunnel if it may "
    "not be fragmented, and leaves in IPv4 fragments if it may.",
    "FR-018",
    "IC-019",
    config=answering(internet=NARROW),
)
def too_big_for_the_internet(c):
    c.decap(FIRST, sized(1400, id=1))
    c.decap(FIRST, sized(1400, flags="DF"))
    for octets in (1401, 1500):
        c.decap(FIRST, sized(octets, id=octets), mtu=1400)
        tunnel = upstream(FIRST, sized(octets, flags="DF"))
        c.drop_ipv6("drop-dont-fragment", tunnel)
        c.answer_b4(FRAGMENTATION_NEEDED, tunnel, mtu=1400)


@case(
    "With errors off a packet that may not be fragmented vanishes, counted.",
    "FR-018",
    "FR-014",
    config={"internet": NARROW},
)
def dont_fragment_without_answer_up(c):
    for octets in (1401, 1500):
        c.drop_ipv6("drop-dont-fragment", upstream(FIRST, sized(octets, flags="DF")))


@case(
    "Over the smallest IPv4 link a packet leaves in as many fragments as it takes.",
    "FR-018",
    config={"internet": {"mtu": 68}},
)
def fragments_of_68_octets(c):
    for octets in (68, 69, 116, 117, 164, 500, 1500):
        c.decap(FIRST, sized(octets, id=octets), mtu=68)


@case(
    "An MTU whose room is no multiple of eight leaves its last octets unused, but not for the last "
    "fragment.",
    "FR-018",
    config={"internet": {"mtu": 577}},
)
def fragments_over_an_odd_mtu(c):
    for octets in (577, 578, 572 + 557, 572 + 558, 1500):
        c.decap(FIRST, sized(octets, id=octets), mtu=577)


@case(
    "The sender's Identification, ToS and reserved flag stay, and the TTL goes down once.",
    "FR-018",
    "FR-014",
    "TN-013",
    config={"internet": NARROW},
)
def fragments_look_like_the_whole(c):
    for number, tos in ((0, 0), (0xBEEF, 0b101110_10), (65535, 0b000000_11)):
        packet = sized(1500, id=number, tos=tos, ttl=2 + number % 200)
        c.decap(FIRST, packet, mtu=1400)
    c.decap(FIRST, sized(1500, flags="evil", id=7), mtu=1400)


@case(
    "A congestion mark of the tunnel is in every fragment.",
    "EC-003",
    "FR-018",
    config={"internet": NARROW},
)
def fragments_with_a_congestion_mark(c):
    packet = sized(1500, tos=0b10, id=9)
    out = rewritten(aged(packet), tos=0b11)
    c.decap(FIRST, packet, tunnel=upstream(FIRST, packet, tc=0b11), outside=out, mtu=1400)


ROUTER_ALERT, RECORD_ROUTE = IPOption_Router_Alert(), IPOption_RR(routers=["0.0.0.0"] * 3)
SECURITY = IPOption(copy_flag=1, optclass=0, option=2, length=11, value=bytes(9))


@case(
    "Options are in the first fragment all, in later ones only where their copy flag says so.",
    "FR-018",
    config={"internet": NARROW},
)
def fragments_with_options(c):
    for number, options in enumerate(
        (
            [ROUTER_ALERT],
            [RECORD_ROUTE],
            [RECORD_ROUTE, ROUTER_ALERT],
            [ROUTER_ALERT, RECORD_ROUTE],
            [IPOption_NOP(), SECURITY, IPOption_NOP(), ROUTER_ALERT],
        )
    ):
        header = to_host(FIRST, options=options, id=number) / UDP(sport=FIRST.port(), dport=53)
        c.decap(FIRST, header / Raw(bytes(1400)), mtu=1400)


@case(
    "A fragment is fragmented further: its offset and its more-fragments flag are kept.",
    "FR-018",
    "FR-013",
    config={"internet": {"mtu": 600}},
)
def fragments_of_fragments(c):
    c.decap(FIRST, sized(1500, id=5, flags="MF"), mtu=600)
    c.decap(FIRST, to_host(FIRST, id=5, proto=17, flags="MF", frag=185) / Raw(bytes(1480)), mtu=600)
    c.decap(FIRST, to_host(FIRST, id=5, proto=17, frag=370) / Raw(bytes(901)), mtu=600)


@case(
    "Echo and GRE are fragmented and answered like everything else.",
    "FR-018",
    "IC-019",
    config=answering(internet=NARROW),
)
def too_big_for_the_internet_of_every_protocol(c):
    for softwire, flags in ((FIRST, 0), (FIRST, "DF"), (WHOLE, 0), (WHOLE, "DF")):
        header = to_host(softwire, flags=flags, id=3)
        packet = echo(header, softwire.port()) / Raw(bytes(1400))
        if softwire is WHOLE:
            packet = to_host(WHOLE, flags=flags, id=3, proto=GRE) / Raw(bytes(1400))
        if flags:
            tunnel = upstream(softwire, packet)
            c.drop_ipv6("drop-dont-fragment", tunnel)
            c.answer_b4(FRAGMENTATION_NEEDED, tunnel, mtu=1400)
        else:
            c.decap(softwire, packet, mtu=1400)


@case(
    "The error about a packet to another BR address comes from there.",
    "IC-019",
    "LW-020b",
    "FR-018",
    config=answering(internet=NARROW),
)
def too_big_for_the_internet_at_another_br(c):
    tunnel = upstream(FAR, sized(1500, FAR, flags="DF"))
    c.drop_ipv6("drop-dont-fragment", tunnel)
    c.answer_b4(FRAGMENTATION_NEEDED, tunnel, mtu=1400)


@case(
    "A spoofed packet is not too big, and padding makes none too big.",
    "LW-013",
    "TN-007",
    config={"internet": NARROW},
)
def too_big_but_spoofed(c):
    c.drop_ipv6("drop-unbound-source", upstream(FIRST, sized(1500, flags="DF", src="192.0.2.3")))
    packet = sized(1400, flags="DF")
    c.decap(FIRST, packet, tunnel=upstream(FIRST, bytes(packet) + DATA))


@case(
    "Fragments and whole packets leave in the order in which the packets came.",
    "FR-018",
    "LW-013",
    config={"internet": NARROW},
)
def fragments_keep_order(c):
    with c.at_once():
        for number in range(30):
            octets = (100, 1500, 1400, 1401)[number % 4]
            mtu = 1400 if octets > 1400 else None
            c.decap(FIRST, sized(octets, id=number), mtu=mtu)
