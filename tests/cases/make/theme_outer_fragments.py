"""What does not fit the tunnel: ICMPv4 3/4, or pieces of the tunnel packet (FR-001, FR-002)."""

from scapy.layers.inet import TCP, UDP, IPOption_RR
from scapy.packet import Raw

from case import case
from errors import FRAGMENTATION_NEEDED, answering, icmpv4
from network import (
    DATA,
    FAR,
    FIRST,
    OFFSET,
    SECOND,
    WHOLE,
    aged,
    arriving,
    from_host,
    to_host,
    upstream,
)
from transport import GRE, echo

NARROW = {"mtu": 1500}


def sized(octets, softwire=FIRST, **fields):
    """A UDP packet of this many octets from the Internet, each octet telling its place."""
    payload = bytes(number * 7 & 0xFF for number in range(octets - 28))
    header = from_host(softwire, **fields)
    return header / UDP(sport=53, dport=softwire.port()) / Raw(payload)


def sized_up(octets, receiver=OFFSET, **fields):
    """A UDP packet of this many octets from FIRST to another subscriber."""
    header = to_host(FIRST, dst=receiver.ipv4, **fields)
    return header / UDP(sport=FIRST.port(), dport=receiver.port()) / Raw(bytes(octets - 28))


@case(
    "A packet that does not fit the tunnel is answered with 3/4 if it may not be fragmented, and "
    "leaves in two pieces if it may.",
    "FR-001",
    "FR-002",
    "FR-006",
    "T-26",
    config=answering(access=NARROW),
)
def too_big_for_the_tunnel(c):
    c.encap(FIRST, sized(1460, flags="DF"))
    c.encap(FIRST, sized(1460))
    for octets in (1461, 1500):
        packet = sized(octets, flags="DF")
        c.drop_ipv4("drop-dont-fragment", packet)
        c.answer(FRAGMENTATION_NEEDED, packet, mtu=1460)
        c.encap(FIRST, sized(octets), mtu=1500)


def at_every_size(c):
    """One octet more than fits, and what is around the next steps of eight octets."""
    mtu = c.config["access"]["mtu"]
    for octets in (mtu - 40, mtu - 39, mtu - 33, mtu - 32, mtu - 31, 1499, 1500):
        fits = octets <= mtu - 40
        c.encap(FIRST, sized(octets), mtu=None if fits else mtu)
        packet = sized(octets, flags="DF")
        if fits:
            c.encap(FIRST, packet)
        else:
            c.drop_ipv4("drop-dont-fragment", packet)
            c.answer(FRAGMENTATION_NEEDED, packet, mtu=mtu - 40)


@case(
    "Over the smallest IPv6 link 1240 octets are the limit.",
    "FR-001",
    "FR-002",
    config=answering(access={"mtu": 1280}),
)
def tunnel_of_1280(c):
    at_every_size(c)


@case(
    "Over a link of 1460 octets 1420 are the limit.",
    "FR-001",
    "FR-002",
    config=answering(access={"mtu": 1460}),
)
def tunnel_of_1460(c):
    at_every_size(c)


@case(
    "Over PPPoE 1452 octets are the limit.",
    "FR-001",
    "FR-002",
    config=answering(access={"mtu": 1492}),
)
def tunnel_of_1492(c):
    at_every_size(c)


@case(
    "An MTU that is no multiple of eight leaves its last octets unused, but not for a whole "
    "packet.",
    "FR-001",
    "FR-006",
    config=answering(access={"mtu": 1407}),
)
def tunnel_of_an_odd_size(c):
    at_every_size(c)


@case(
    "A jumbo packet crosses an ordinary access link in seven pieces, in their order.",
    "FR-001",
    "FR-006",
    config={"internet": {"mtu": 9000}, "access": NARROW},
)
def jumbo_in_seven_pieces(c):
    for octets in (1461, 2856, 2897, 5000, 9000):
        c.encap(FIRST, sized(octets), mtu=1500)
    c.encap(FIRST, sized(1460))


@case(
    "Every packet has an Identification of its own, whoever it goes to.",
    "FR-007",
    "FR-001",
    config={"access": NARROW},
)
def identifications_of_many(c):
    for number in range(40):
        softwire = (FIRST, SECOND, FAR, FIRST, WHOLE)[number % 5]
        c.encap(softwire, sized(1461 + number, softwire, id=number), mtu=1500)


@case(
    "Whole packets and pieces leave in the order in which the packets came, within a burst too.",
    "FR-001",
    "LW-017",
    config={"access": NARROW},
)
def pieces_keep_order(c):
    with c.at_once():
        for number in range(30):
            octets = (100, 1500, 1460, 1461)[number % 4]
            mtu = 1500 if octets > 1460 else None
            c.encap(FIRST, sized(octets, id=number), mtu=mtu)


@case(
    "Every piece bears the traffic class and the hop limit of the whole.",
    "FR-006",
    "EC-001",
    "EC-002",
    "TN-002",
    config={"access": NARROW, "softwire": {"hop_limit": 255}},
)
def pieces_look_like_the_whole(c):
    for tos in (0, 0b101110_10, 0b000000_11, 255):
        c.encap(FIRST, sized(1500, tos=tos), mtu=1500, hlim=255)
    c.encap(FAR, sized(1500, FAR), mtu=1500, hlim=255)


@case(
    "With errors off a packet that may not be fragmented vanishes, counted.",
    "FR-002",
    "FR-014",
    config={"access": NARROW},
)
def dont_fragment_without_answer(c):
    for octets in (1461, 1500):
        c.drop_ipv4("drop-dont-fragment", sized(octets, flags="DF"))
        tunnel = upstream(FIRST, sized_up(octets, flags="DF"))
        c.drop_ipv6("drop-dont-fragment", tunnel)


@case(
    "What has no binding is not too big.",
    "LW-018",
    "FR-002",
    config={"access": NARROW},
)
def too_big_for_nobody(c):
    c.drop_ipv4("drop-no-softwire", sized(1500, flags="DF", dst="192.0.2.3"))
    packet = to_host(FIRST, dst=OFFSET.ipv4, flags="DF") / UDP(sport=FIRST.port(), dport=1)
    c.drop_ipv6("drop-no-softwire", upstream(FIRST, packet / Raw(bytes(1472))))


@case(
    "A hairpinned packet must fit the receiver's tunnel, or leaves in pieces, or is answered into "
    "the sender's tunnel.",
    "FR-002",
    "LW-020a",
    "IC-019",
    config=answering(access=NARROW),
)
def too_big_for_a_hairpin(c):
    c.hairpin(FIRST, OFFSET, sized_up(1460))
    c.hairpin(FIRST, OFFSET, sized_up(1460, flags="DF"))
    for octets in (1461, 1500):
        c.hairpin(FIRST, OFFSET, sized_up(octets), mtu=1500)
        tunnel = upstream(FIRST, sized_up(octets, flags="DF"))
        c.drop_ipv6("drop-dont-fragment", tunnel)
        c.answer_b4(FRAGMENTATION_NEEDED, tunnel, mtu=1460)
    c.hairpin(FIRST, FAR, sized_up(1500, FAR), mtu=1500)


@case(
    "Every protocol is told that it is too big: TCP, echo, GRE.",
    "FR-002",
    "IC-013",
    "IC-014",
    config=answering(access=NARROW),
)
def too_big_of_every_protocol(c):
    for packet in (
        from_host(FIRST, flags="DF") / TCP(sport=80, dport=FIRST.port()) / Raw(bytes(1460)),
        echo(from_host(FIRST, flags="DF"), FIRST.port()) / Raw(bytes(1440)),
        from_host(WHOLE, flags="DF", proto=GRE) / Raw(bytes(1480)),
    ):
        c.drop_ipv4("drop-dont-fragment", packet)
        c.answer(FRAGMENTATION_NEEDED, packet, mtu=1460)


@case(
    "An ICMP error that does not fit the tunnel is not answered; without DF it leaves in pieces.",
    "IC-012",
    "IC-013",
    "FR-002",
    config=answering(access=NARROW),
)
def too_big_icmp_error(c):
    quoted = bytes(to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / Raw(bytes(1444)))
    error = icmpv4(from_host(FIRST, flags="DF"), (3, 3), quoted)
    c.drop_ipv4("drop-dont-fragment", error)
    c.encap(FIRST, icmpv4(from_host(FIRST), (3, 3), quoted), mtu=1500)


@case(
    "Options of a packet stay in the first piece with the rest of its header.",
    "FR-001",
    "FR-006",
    config={"access": NARROW},
)
def pieces_with_options(c):
    options = [IPOption_RR(routers=["0.0.0.0"] * 9)]
    header = from_host(FIRST, options=options) / UDP(sport=53, dport=FIRST.port())
    c.encap(FIRST, header / Raw(bytes(1500 - 68)), mtu=1500)


@case(
    "A packet at its link's limit still fits with the padding that follows it.",
    "TN-007",
    "FR-002",
    config=answering(access=NARROW),
)
def padding_is_not_too_big(c):
    packet = sized(1460, flags="DF")
    c.encap(FIRST, packet, frame=arriving("internet", packet) + b"\xee" * 40)
    tunnel = upstream(FIRST, bytes(sized_up(1440, flags="DF")) + bytes(20))
    c.hairpin(FIRST, OFFSET, sized_up(1440, flags="DF"), tunnel=tunnel)
    packet = sized(1461)
    frame = arriving("internet", packet) + b"\xee" * 30
    c.encap(FIRST, packet, frame=frame, mtu=1500)


@case(
    "The reserved flag changes nothing: such a packet leaves in pieces.",
    "FR-014",
    "FR-001",
    config={"access": NARROW},
)
def reserved_flag_is_not_df(c):
    c.encap(FIRST, sized(1500, flags="evil"), mtu=1500)
    c.drop_ipv4("drop-dont-fragment", sized(1500, flags="evil+DF"))
    c.encap(FIRST, from_host(FIRST, flags="evil+DF") / UDP(dport=FIRST.port()) / DATA)


@case(
    "An error about a SYN quotes it as it arrived; pieces of one carry the clamped MSS.",
    "FR-016",
    "FR-002",
    "IC-013",
    config=answering(access=NARROW, internet={"mtu": 1450}, softwire={"mss_clamp": 1300}),
)
def too_big_and_clamped(c):
    def syn(header, mss, **ports):
        return header / TCP(flags="S", options=[("MSS", mss)], **ports) / Raw(bytes(1430))

    down, up = {"sport": 80, "dport": FIRST.port()}, {"sport": FIRST.port(), "dport": 80}
    packet = syn(from_host(FIRST, flags="DF"), 1460, **down)
    c.drop_ipv4("drop-dont-fragment", packet)
    c.answer(FRAGMENTATION_NEEDED, packet, mtu=1460)
    clamped = aged(syn(from_host(FIRST), 1300, **down))
    c.encap(FIRST, syn(from_host(FIRST), 1460, **down), inside=clamped, mtu=1500)
    tunnel = upstream(FIRST, syn(to_host(FIRST, flags="DF"), 1460, **up))
    c.drop_ipv6("drop-dont-fragment", tunnel)
    c.answer_b4(FRAGMENTATION_NEEDED, tunnel, mtu=1450)
    clamped = aged(syn(to_host(FIRST), 1300, **up))
    c.decap(FIRST, syn(to_host(FIRST), 1460, **up), outside=clamped, mtu=1450)
