"""IPv4 fragments, which follow the first of their packet (FR-011, FR-012, FR-013, T-28)."""

from scapy.layers.inet import IP, UDP
from scapy.packet import Raw

from case import case
from errors import (
    FAILED_POLICY,
    FRAGMENTATION_NEEDED,
    HOST_UNREACHABLE,
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
    tunnelled,
    upstream,
)
from transport import ESP, GRE, echo, every_protocol

ALL_ON = answering()


def down(softwire=FIRST, number=1, octets=1000, port=None, **fields):
    """A packet from the Internet that a router will cut."""
    port = softwire.port() if port is None else port
    header = from_host(softwire, id=number, **fields)
    return header / UDP(sport=53, dport=port) / Raw(pattern(octets - 28))


def up(softwire=FIRST, number=1, octets=1000, port=None, **fields):
    """A packet of a subscriber that its router has cut."""
    port = softwire.port() if port is None else port
    header = to_host(softwire, id=number, **fields)
    return header / UDP(sport=port, dport=53) / Raw(pattern(octets - 28))


def pattern(octets):
    """Octets that each tell their place."""
    return bytes(number * 7 & 0xFF for number in range(octets))


def in_tunnel(softwire, pieces):
    """The tunnel packets around these fragments."""
    return [upstream(softwire, piece) for piece in pieces]


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
    "What waited leaves behind the burst in which the first came; what came after the first in that "
    "burst keeps its place.",
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
    "Fragments to and from an address that nobody has do not wait.",
    "FR-012",
    "LW-014",
    "LW-018",
)
def ipv4_fragments_of_nobody(c):
    for piece in reversed(ipv4_pieces(down(dst="192.0.2.3"), 320, 640)):
        c.drop_ipv4_fragment("drop-no-softwire", piece)
    for piece in reversed(ipv4_pieces(up(src="192.0.2.3"), 320, 640)):
        c.drop_ipv6("drop-unbound-source", upstream(FIRST, piece))


@case(
    "Where the first finds nobody, what waited for it and what follows find nobody; the first alone "
    "is answered.",
    "FR-011",
    "LW-018",
    "IC-013",
    config=ALL_ON,
)
def ipv4_fragments_to_an_unowned_port(c):
    first, middle, last = ipv4_pieces(down(port=1), 320, 640)
    c.hold("internet", last)
    c.drop_ipv4_fragment("drop-no-softwire", first)
    c.answer(HOST_UNREACHABLE, first)
    c.drop_ipv4_fragment("drop-no-softwire", last)
    c.drop_ipv4_fragment("drop-no-softwire", middle)


@case(
    "Where the first was spoofed, what waited for it and what follows are dropped for the same "
    "reason; the first alone is answered.",
    "FR-013",
    "LW-013",
    "IC-013",
    config=ALL_ON,
)
def ipv4_fragments_spoofed(c):
    for number, (reason, packet) in enumerate(
        (
            ("drop-unbound-source", up(number=1, port=1)),
            ("drop-wrong-b4", up(SECOND, 2)),
        )
    ):
        first, middle, last = in_tunnel(FIRST, ipv4_pieces(packet, 320, 640))
        c.hold("access", last)
        c.drop_ipv6(reason, first)
        c.answer_ipv6(FAILED_POLICY, first)
        c.drop_ipv6(reason, last)
        c.drop_ipv6(reason, middle)
    pieces = ipv4_pieces(up(number=3), 320, 640)
    first, middle, last = (tunnelled(FIRST.b4, FAR.br, piece) for piece in pieces)
    c.hold("access", last)
    c.drop_ipv6("drop-wrong-br", first)
    c.answer_ipv6(FAILED_POLICY, first)
    c.drop_ipv6("drop-wrong-br", last)
    c.drop_ipv6("drop-wrong-br", middle)


@case(
    "A fragment of another lwB4 does not pass for one of this, nor wait for this one's first.",
    "FR-013",
    "LW-013",
    "T-28",
)
def ipv4_fragments_of_another_b4(c):
    first, middle, last = ipv4_pieces(up(), 320, 640)
    c.decap(FIRST, first)
    c.hold("access", upstream(SECOND, middle))
    c.decap(FIRST, last)
    c.drop_ipv6("drop-ipv4-fragment-timeout", upstream(SECOND, middle))


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
    "Source, destination, protocol and Identification together make the packet.",
    "FR-011",
)
def ipv4_fragments_of_another_packet(c):
    first, last = ipv4_pieces(down(), 480)
    others = [
        ipv4_piece(down(number=2), 480),
        ipv4_piece(down(src="198.51.100.11"), 480),
        ipv4_piece(down(dst=OFFSET.ipv4), 480),
        bytes(from_host(FIRST, id=1, proto=6, frag=60) / Raw(pattern(500))),
    ]
    c.encap(FIRST, first)
    c.hold("internet", *others)
    c.encap(FIRST, last)
    for other in others:
        c.drop_ipv4_fragment("drop-ipv4-fragment-timeout", other)


@case(
    "An Identification that is used again gets the port of the new first.",
    "FR-011",
)
def ipv4_identification_again(c):
    for softwire in (FIRST, SECOND, FIRST):
        for piece in ipv4_pieces(down(softwire, number=7), 480):
            c.encap(softwire, piece)


@case(
    "After two seconds without the first a fragment is dropped.",
    "FR-012",
    "T-28",
)
def ipv4_fragments_time_out(c):
    first, middle, last = ipv4_pieces(down(), 320, 640)
    c.hold("internet", last)
    c.later(1.9)
    c.hold("internet", middle)
    c.later(0.2)
    c.encap(FIRST, first)
    c.drop_ipv4_fragment("drop-ipv4-fragment-timeout", last)
    c.drop_ipv4_fragment("drop-ipv4-fragment-timeout", middle)
    first, middle, last = in_tunnel(FIRST, ipv4_pieces(up(), 320, 640))
    c.hold("access", last)
    c.later(2.1)
    c.drop_ipv6("drop-ipv4-fragment-timeout", last)
    c.decap(FIRST, ipv4_piece(up(), 0, 320))


@case(
    "Until two seconds are over the first still comes in time.",
    "FR-012",
    "T-28",
)
def ipv4_fragments_just_in_time(c):
    first, last = ipv4_pieces(down(), 480)
    c.hold("internet", last)
    c.later(1.9)
    c.encap(FIRST, first)
    c.encap(FIRST, last)
    first, last = ipv4_pieces(up(), 480)
    c.hold("access", upstream(FIRST, last))
    c.later(1.9)
    c.decap(FIRST, first)
    c.decap(FIRST, last)


@case(
    "A first is forgotten in time: what comes much later waits, and is dropped.",
    "FR-012",
)
def ipv4_first_is_forgotten(c):
    first, middle, last = ipv4_pieces(down(), 320, 640)
    c.encap(FIRST, first)
    c.encap(FIRST, middle)
    c.later(5)
    c.hold("internet", last)
    c.later(5)
    c.drop_ipv4_fragment("drop-ipv4-fragment-timeout", last)
    c.encap(FIRST, from_host(FIRST) / UDP(sport=53, dport=FIRST.port()))


@case(
    "The time may be another.",
    "FR-012",
    config={"internet": {"fragment_cache": {"timeout_s": 10}}},
)
def ipv4_fragments_time_out_later(c):
    first, last = ipv4_pieces(down(), 480)
    c.hold("internet", last)
    c.later(9.5)
    c.encap(FIRST, first)
    c.encap(FIRST, last)
    first, last = ipv4_pieces(up(number=2), 480)
    c.hold("access", upstream(FIRST, last))
    c.later(10.5)
    c.drop_ipv6("drop-ipv4-fragment-timeout", upstream(FIRST, last))
    c.decap(FIRST, first)


@case(
    "No fragment that has timed out is answered.",
    "FR-012",
    "IC-013",
    config=ALL_ON,
)
def ipv4_timeout_is_not_answered(c):
    last = ipv4_piece(down(), 480)
    c.drop_ipv4_fragment("drop-ipv4-fragment-timeout", last)
    last = ipv4_piece(up(), 480)
    c.drop_ipv6("drop-ipv4-fragment-timeout", upstream(FIRST, last))


@case(
    "A first that ends before its ports is dropped, and with it all that belongs to it.",
    "FR-012",
    "T-28",
    config=ALL_ON,
)
def ipv4_first_without_ports(c):
    for number, octets in enumerate((0, 1, 2, 3)):
        fields = {"id": number, "proto": 17}
        tiny = pattern(octets)
        header = from_host(FIRST, flags="MF", **fields)
        first = header / Raw(tiny) if tiny else header
        middle = from_host(FIRST, flags="MF", frag=1, **fields) / Raw(pattern(8))
        last = from_host(FIRST, frag=2, **fields) / Raw(DATA)
        c.hold("internet", middle)
        c.drop_ipv4_fragment("drop-transport-truncated", first)
        c.drop_ipv4_fragment("drop-transport-truncated", middle)
        c.drop_ipv4_fragment("drop-transport-truncated", last)
        header = to_host(FIRST, flags="MF", **fields)
        first = header / Raw(tiny) if tiny else header
        middle = to_host(FIRST, flags="MF", frag=1, **fields) / Raw(pattern(8))
        last = to_host(FIRST, frag=2, **fields) / Raw(DATA)
        c.hold("access", upstream(FIRST, middle))
        for packet in (first, middle, last):
            c.drop_ipv6("drop-transport-truncated", upstream(FIRST, packet))


@case(
    "The oldest packet whose first has not come makes room for the newest.",
    "FR-012",
    "T-28",
    config={"internet": {"fragment_cache": {"max_packets": 2}}},
)
def no_room_for_ipv4_fragments(c):
    pieces = [ipv4_pieces(down(number=number), 320, 640) for number in range(3)]
    c.hold("internet", pieces[0][2], pieces[0][1], pieces[1][2], pieces[2][2])
    c.drop_ipv4_fragment("drop-ipv4-fragment-no-room", pieces[0][2])
    c.drop_ipv4_fragment("drop-ipv4-fragment-no-room", pieces[0][1])
    for number in (2, 1):
        for at in (0, 2, 1):
            c.encap(FIRST, pieces[number][at])


@case(
    "A storm of fragments without a first holds no more than it may, and harms no packet.",
    "FR-012",
    config={"internet": {"fragment_cache": {"max_packets": 8}}},
)
def storm_of_ipv4_fragments(c):
    storm = []
    for number in range(300):
        source = f"198.51.{number // 200}.{1 + number % 200}"
        storm.append(ipv4_piece(down(number=number, octets=100, src=source), 40))
        c.hold("internet", storm[-1])
        if number % 10 == 0:
            c.encap(FIRST, from_host(FIRST, id=number) / UDP(sport=53, dport=FIRST.port()))
    for number, piece in enumerate(storm):
        no_room = number < 300 - 8
        reason = "drop-ipv4-fragment-no-room" if no_room else "drop-ipv4-fragment-timeout"
        c.drop_ipv4_fragment(reason, piece)


@case(
    "Each fragment loses a hop; one that has none left is dropped, and the first alone is answered.",
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
        if sender is WHOLE:
            continue
        c.hold("access", upstream(sender, last))
        for piece in (first, last, middle):
            c.hairpin(sender, receiver, piece)


@case(
    "Hairpinned fragments whose first finds nobody find nobody; the first alone is answered.",
    "LW-020a",
    "IC-013",
    "FR-013",
    config=ALL_ON,
)
def hairpin_fragments_to_an_unowned_port(c):
    header = to_host(FIRST, dst=OFFSET.ipv4, id=5)
    packet = header / UDP(sport=FIRST.port(1), dport=1) / Raw(pattern(900))
    first, middle, last = in_tunnel(FIRST, ipv4_pieces(packet, 320, 640))
    c.hold("access", last)
    c.drop_ipv6("drop-no-softwire", first)
    c.answer_b4(HOST_UNREACHABLE, first)
    c.drop_ipv6("drop-no-softwire", last)
    c.drop_ipv6("drop-no-softwire", middle)


@case(
    "A fragment that does not fit the tunnel leaves in pieces; with DF it is dropped, and the first "
    "alone is answered.",
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
    "A fragment that does not fit the Internet's link is cut further; with DF it is dropped, and the "
    "first alone is answered.",
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


@case(
    "Fragments of the control exception are for the control thread, those of the block for nobody.",
    "TN-043",
    "C-05",
    "T-31",
)
def ipv4_fragments_of_the_softwire_range(c):
    inside = {"src": "192.0.0.2", "dst": "8.8.8.8", "proto": 17}
    for frag, flags in ((0, "MF"), (60, 0)):
        packet = IP(src="192.0.0.2", dst="192.0.0.1", frag=frag, flags=flags, proto=17)
        c.punt_tunnel(upstream(FIRST, packet / Raw(pattern(480))))
        packet = to_host(FIRST, frag=frag, flags=flags, **inside) / Raw(pattern(480))
        c.drop_ipv6("drop-softwire-range", upstream(FIRST, packet))
        packet = from_host(FIRST, frag=frag, flags=flags, proto=17, src="192.0.0.2")
        c.drop_ipv4_fragment("drop-softwire-range", packet / Raw(pattern(480)))


@case(
    "Bad fragments are counted among the fragments, and good ones follow their first past them.",
    "FR-012",
    "LW-020",
)
def bad_ipv4_fragments(c):
    first, middle, last = ipv4_pieces(down(), 320, 640)
    c.encap(FIRST, first)
    invalid = ipv4_piece(down(src="127.0.0.1"), 320, 640)
    c.drop_ipv4_fragment("drop-ipv4-invalid-source", invalid)
    c.encap(FIRST, middle)
    invalid = ipv4_piece(down(src="224.0.0.1"), 320, 640)
    c.drop_ipv4_fragment("drop-ipv4-invalid-source", invalid)
    c.encap(FIRST, last)
