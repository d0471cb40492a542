"""IPv4 fragments, which follow the first of their packet (FR-011, FR-012, FR-013, T-28)."""

from scapy.layers.inet import UDP
from scapy.packet import Raw

from case import case
from errors import (
    FRAGMENTATION_NEEDED,
    TTL_EXPIRED,
    answering,
    icmpv4,
)
from fragments import ipv4_piece, ipv4_pieces, ipv6_pieces
from network import (
    DATA,
    FAR,
    FIRST,
    OFFSET,
    SECOND,
    WHOLE,
    aged,
    from_host,
    rewritten,
    to_host,
    upstream,
)
from pieces import down, in_tunnel, pattern, up
from transport import ESP, GRE, echo, every_protocol

ALL_ON = answering()


@case("A set DF bit or reserved bit makes no fragment.", "FR-014")
def df_is_no_fragment(c):
    for flags in ("DF", "evil"):
        c.encap(FIRST, from_host(FIRST, flags=flags) / UDP(sport=53, dport=FIRST.port()))
        c.decap(FIRST, to_host(FIRST, flags=flags) / UDP(sport=FIRST.port(), dport=53))


@case(
    "Fragments from the Internet follow their first, unchanged, to the lwB4 that owns its port.",
    "FR-011",
    "T-28",
)
def ipv4_fragments_down(c):
    for number, softwire in enumerate((FIRST, SECOND, OFFSET, FAR, WHOLE)):
        for piece in ipv4_pieces(down(softwire, number), 8, 480, 800):
            c.encap(softwire, piece)


@case(
    "Fragments of a lwB4 follow their first, which was checked, to the Internet.",
    "FR-013",
    "T-28",
)
def ipv4_fragments_up(c):
    for number, softwire in enumerate((FIRST, SECOND, OFFSET, FAR, WHOLE)):
        for piece in ipv4_pieces(up(softwire, number), 8, 480, 800):
            c.decap(softwire, piece)


@case(
    "Fragments that come before the first wait for it, and follow it in the order they came.",
    "FR-011",
    "T-28",
)
def ipv4_fragments_out_of_order_down(c):
    for number, order in enumerate(((2, 1), (1, 2), (3, 2, 1), (2, 3, 1))):
        pieces = ipv4_pieces(down(number=number), 320, 640, 800)
        c.hold("internet", *(pieces[at] for at in order))
        for at in (0, *order):
            c.encap(FIRST, pieces[at])
        for at in {1, 2, 3} - set(order):
            c.encap(FIRST, pieces[at])


@case(
    "Fragments of a lwB4 that come before the first wait for it, and follow it in their order.",
    "FR-013",
    "T-28",
)
def ipv4_fragments_out_of_order_up(c):
    for number, order in enumerate(((2, 1), (1, 2), (3, 2, 1), (2, 3, 1))):
        pieces = ipv4_pieces(up(number=number), 320, 640, 800)
        c.hold("access", *in_tunnel(FIRST, (pieces[at] for at in order)))
        for at in (0, *order):
            c.decap(FIRST, pieces[at])
        for at in {1, 2, 3} - set(order):
            c.decap(FIRST, pieces[at])


@case(
    "What waited leaves behind the burst in which the first came; what came after the first in "
    "that burst keeps its place.",
    "FR-011",
    "FR-013",
    "T-28",
)
def ipv4_fragments_in_a_burst(c):
    first, middle, last = ipv4_pieces(down(), 320, 640)
    other = from_host(SECOND) / UDP(sport=53, dport=SECOND.port()) / DATA
    c.hold("internet", last)
    with c.at_once():
        c.encap(SECOND, other)
        c.encap(FIRST, first)
        c.encap(FIRST, middle)
        c.encap(SECOND, other)
    c.encap(FIRST, last)
    first, middle, last = ipv4_pieces(up(number=2), 320, 640)
    other = to_host(SECOND) / UDP(sport=SECOND.port(), dport=53) / DATA
    c.hold("access", upstream(FIRST, last))
    with c.at_once():
        c.decap(SECOND, other)
        c.decap(FIRST, first)
        c.decap(FIRST, middle)
        c.decap(SECOND, other)
    c.decap(FIRST, last)


@case(
    "Fragments of many packets at once, each waiting for its own first.",
    "FR-011",
    "T-28",
)
def ipv4_fragments_of_many(c):
    softwires = (FIRST, SECOND, WHOLE, OFFSET, FAR)
    packets = [
        (softwires[number % 5], ipv4_pieces(down(softwires[number % 5], number), 480))
        for number in range(60)
    ]
    c.hold("internet", *(last for softwire, (_, last) in packets if softwire is not WHOLE))
    for softwire, (first, last) in reversed(packets):
        c.encap(softwire, first)
        c.encap(softwire, last)


@case(
    "Fragments of every protocol with ports follow their first, those of an echo too.",
    "FR-011",
    "FR-013",
    "IC-001",
    "IC-006",
)
def ipv4_fragments_of_every_protocol(c):
    packets = [
        *every_protocol(from_host(FIRST), 443, FIRST.port(-1)),
        echo(from_host(FIRST), FIRST.port(-1)),
        echo(from_host(FIRST), FIRST.port(-1), "echo-reply"),
    ]
    for number, packet in enumerate(packets):
        packet.id = number
        first, last = ipv4_pieces(bytes(packet), 16)
        c.hold("internet", last)
        c.encap(FIRST, first)
        c.encap(FIRST, last)
    packets = [
        *every_protocol(to_host(FIRST), FIRST.port(-1), 443),
        echo(to_host(FIRST), FIRST.port(-1)),
        echo(to_host(FIRST), FIRST.port(-1), "echo-reply"),
    ]
    for number, packet in enumerate(packets):
        packet.id = number
        first, last = ipv4_pieces(bytes(packet), 16)
        c.hold("access", upstream(FIRST, last))
        c.decap(FIRST, first)
        c.decap(FIRST, last)


@case(
    "Fragments of an ICMP error follow the port of the packet that its first quotes; its checksum "
    "cannot be known.",
    "FR-011",
    "FR-013",
    "IC-002",
    "IC-006",
)
def ipv4_fragments_of_an_error(c):
    quoted = to_host(FIRST, ttl=1) / UDP(sport=FIRST.port(), dport=53) / Raw(pattern(400))
    first, last = ipv4_pieces(bytes(icmpv4(from_host(FIRST, id=1), (11, 0), quoted)), 240)
    c.encap(FIRST, first)
    c.encap(FIRST, last)
    quoted = from_host(FIRST, ttl=1) / UDP(sport=53, dport=FIRST.port()) / Raw(pattern(400))
    first, last = ipv4_pieces(bytes(icmpv4(to_host(FIRST, id=1), (11, 0), quoted)), 240)
    c.hold("access", upstream(FIRST, last))
    c.decap(FIRST, first)
    c.decap(FIRST, last)


@case(
    "The owner of a whole address gets and sends fragments in any order, first or not.",
    "FR-011",
    "FR-013",
    "LW-008",
)
def ipv4_fragments_of_a_whole_address(c):
    for number, order in enumerate(((2, 1, 0), (1,), (2,), (0,))):
        pieces = ipv4_pieces(down(WHOLE, number), 320, 640)
        for at in order:
            c.encap(WHOLE, pieces[at])
        pieces = ipv4_pieces(up(WHOLE, number), 320, 640)
        for at in order:
            c.decap(WHOLE, pieces[at])


@case(
    "Fragments of protocols without ports need no first.",
    "FR-011",
    "FR-013",
    "AP-004",
)
def ipv4_fragments_without_ports(c):
    for protocol in (GRE, ESP, 41):
        for frag, flags in ((0, "MF"), (4, "MF"), (8, 0)):
            fields = {"proto": protocol, "frag": frag, "flags": flags, "id": protocol}
            c.encap(WHOLE, from_host(WHOLE, **fields) / Raw(DATA))
            c.decap(WHOLE, to_host(WHOLE, **fields) / Raw(DATA))
            c.drop_ipv4_fragment("drop-no-ports", from_host(FIRST, **fields) / Raw(DATA))
            packet = to_host(FIRST, **fields) / Raw(DATA)
            c.drop_ipv6("drop-no-ports", upstream(FIRST, packet))


@case(
    "Two lwB4s with the same address use the same Identification towards the same host.",
    "FR-013",
    "FR-014",
    "T-28",
)
def ipv4_fragments_of_two_b4s_alike(c):
    one, other = ipv4_pieces(up(FIRST), 320, 640), ipv4_pieces(up(SECOND), 320, 640)
    c.hold("access", upstream(FIRST, one[2]), upstream(SECOND, other[2]))
    c.decap(SECOND, other[0])
    c.decap(SECOND, other[2])
    c.decap(FIRST, one[0])
    c.decap(FIRST, one[2])
    c.decap(SECOND, other[1])
    c.decap(FIRST, one[1])


@case(
    "An Identification that is used again gets the port of the new first.",
    "FR-011",
)
def ipv4_identification_again(c):
    for softwire in (FIRST, SECOND, FIRST):
        for piece in ipv4_pieces(down(softwire, number=7), 480):
            c.encap(softwire, piece)


@case(
    "Each fragment loses a hop; one that has none left is dropped, and the first alone is "
    "answered.",
    "TN-013",
    "IC-013",
    config=ALL_ON,
)
def ipv4_fragments_have_a_ttl(c):
    first, middle, last = ipv4_pieces(down(), 320, 640)
    c.encap(FIRST, rewritten(first, ttl=2))
    expired = rewritten(middle, ttl=1)
    c.drop_ipv4_fragment("drop-ttl-expired", expired)
    c.encap(FIRST, last)
    expired = rewritten(ipv4_piece(down(number=2), 0, 320), ttl=1)
    c.drop_ipv4_fragment("drop-ttl-expired", expired)
    c.answer(TTL_EXPIRED, expired)
    first, middle, last = ipv4_pieces(up(), 320, 640)
    c.decap(FIRST, rewritten(first, ttl=2))
    c.drop_ipv6("drop-ttl-expired", upstream(FIRST, rewritten(middle, ttl=1)))
    c.decap(FIRST, last)
    expired = upstream(FIRST, rewritten(ipv4_piece(up(number=2), 0, 320), ttl=1))
    c.drop_ipv6("drop-ttl-expired", expired)
    c.answer_b4(TTL_EXPIRED, expired)


@case(
    "Fragments keep their DSCP and ECN through the tunnel, each by itself.",
    "EC-001",
    "EC-002",
    "EC-003",
    "FR-011",
)
def ipv4_fragments_have_a_traffic_class(c):
    first, last = ipv4_pieces(down(), 480)
    c.encap(FIRST, rewritten(first, tos=0xB8))
    c.encap(FIRST, rewritten(last, tos=0b11))
    first, last = (rewritten(piece, tos=0b10) for piece in ipv4_pieces(up(), 480))
    c.decap(FIRST, first)
    marked = rewritten(aged(last), tos=0b11)
    c.decap(FIRST, last, tunnel=upstream(FIRST, last, tc=0b11), outside=marked)


@case(
    "Fragments are hairpinned to the lwB4 of the first's destination port, in any order.",
    "LW-020a",
    "FR-011",
    "FR-013",
    "T-25",
    "T-28",
)
def hairpin_fragments(c):
    for number, (sender, receiver) in enumerate(
        ((FIRST, OFFSET), (SECOND, FIRST), (WHOLE, FIRST), (FIRST, WHOLE), (FIRST, FAR))
    ):
        header = to_host(sender, dst=receiver.ipv4, id=number)
        packet = header / UDP(sport=sender.port(1), dport=receiver.port(2)) / Raw(pattern(900))
        first, middle, last = ipv4_pieces(packet, 320, 640)
        for piece in (first, middle, last):
            c.hairpin(sender, receiver, piece)
        packet.id = 100 + number
        first, middle, last = ipv4_pieces(packet, 320, 640)
        c.hold("access", upstream(sender, last))
        for piece in (first, last, middle):
            c.hairpin(sender, receiver, piece)


@case(
    "With hairpinning off fragments to another lwB4 are dropped, in any order, and none reaches the "
    "Internet.",
    "LW-019",
    "LW-020a",
    "FR-013",
    "T-25",
    "T-28",
    config={"softwire": {"hairpinning": False}},
)
def hairpin_fragments_off(c):
    for number, (sender, receiver) in enumerate(
        ((FIRST, OFFSET), (SECOND, FIRST), (WHOLE, FIRST), (FIRST, WHOLE), (FIRST, FAR))
    ):
        header = to_host(sender, dst=receiver.ipv4, id=number)
        packet = header / UDP(sport=sender.port(1), dport=receiver.port(2)) / Raw(pattern(900))
        for piece in ipv4_pieces(packet, 320, 640):
            c.drop_ipv6("drop-hairpin-disabled", upstream(sender, piece))
        packet.id = 100 + number
        first, middle, last = ipv4_pieces(packet, 320, 640)
        c.hold("access", upstream(sender, last))
        for piece in (first, last, middle):
            c.drop_ipv6("drop-hairpin-disabled", upstream(sender, piece))
    for piece in ipv4_pieces(up(number=200), 320, 640):
        c.decap(FIRST, piece)


@case(
    "A fragment that does not fit the tunnel leaves in pieces; with DF it is dropped, and the "
    "first alone is answered.",
    "FR-001",
    "FR-002",
    "FR-011",
    "IC-013",
    config=answering(access={"mtu": 1400}),
)
def ipv4_fragments_too_big_for_the_tunnel(c):
    for piece in ipv4_pieces(down(octets=3500), 1480, 2960):
        octets = len(piece)
        c.encap(FIRST, piece, mtu=1400 if octets > 1360 else None)
    first, middle, last = ipv4_pieces(down(number=2, octets=3500, flags="DF"), 1480, 2960)
    c.drop_ipv4_fragment("drop-dont-fragment", first)
    c.answer(FRAGMENTATION_NEEDED, first, mtu=1360)
    c.drop_ipv4_fragment("drop-dont-fragment", middle)
    c.encap(FIRST, last)


@case(
    "A fragment that does not fit the Internet's link is cut further; with DF it is dropped, and "
    "the first alone is answered.",
    "FR-018",
    "FR-013",
    "IC-013",
    "IC-019",
    config=answering(internet={"mtu": 1000}),
)
def ipv4_fragments_too_big_for_the_internet(c):
    for piece in ipv4_pieces(up(octets=3500), 1480, 2960):
        c.decap(FIRST, piece, mtu=1000 if len(piece) > 1000 else None)
    pieces = ipv4_pieces(up(number=2, octets=3500, flags="DF"), 1480, 2960)
    first, middle, last = in_tunnel(FIRST, pieces)
    c.drop_ipv6("drop-dont-fragment", first)
    c.answer_b4(FRAGMENTATION_NEEDED, first, mtu=1000)
    c.drop_ipv6("drop-dont-fragment", middle)
    c.decap(FIRST, pieces[2])


@case(
    "IPv4 fragments come in pieces of tunnel packets too.",
    "FR-008",
    "FR-013",
)
def ipv4_fragments_in_ipv6_pieces(c):
    for number, piece in enumerate(ipv4_pieces(up(octets=3500), 1480, 2960)):
        pieces = ipv6_pieces(upstream(FIRST, piece), 304, identification=number)
        c.decap(FIRST, piece, pieces=pieces)


@case(
    "Fragments that overlap are the receiver's business.",
    "FR-011",
    "FR-013",
)
def ipv4_fragments_overlap(c):
    packet = down()
    for start, end in ((0, 320), (160, 480), (320, 640), (0, 320), (640, None), (640, None)):
        c.encap(FIRST, ipv4_piece(packet, start, end))
    packet = up()
    for start, end in ((0, 320), (160, 480), (320, 640), (0, 320), (640, None), (640, None)):
        c.decap(FIRST, ipv4_piece(packet, start, end))
