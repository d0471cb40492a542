"""Tunnel packets that arrive in pieces (FR-006, FR-008, FR-009, FR-010, EC-005, T-27)."""

from scapy.layers.inet import IP, UDP, IPOption_RR
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, PadN
from scapy.packet import Raw

from case import case
from errors import (
    ERRONEOUS_FIELD,
    FAILED_POLICY,
    FRAGMENTATION_NEEDED,
    INCOMPLETE_HEADERS,
    REASSEMBLY_TIME,
    TTL_EXPIRED,
    answering,
)
from fragments import ipv6_piece, ipv6_pieces
from network import (
    FAR,
    FIRST,
    OFFSET,
    SECOND,
    STRANGER,
    WHOLE,
    aged,
    arriving,
    rewritten,
    to_host,
    tunnelled,
    upstream,
)

ALL_ON = answering()
OFFSET_FIELD = 40 + 2  # of the Fragment header, seen from the start of the packet (RFC 4443 s3.4)
PAYLOAD_LENGTH = 4


def sized(octets, softwire=FIRST, **fields):
    """A UDP packet of this many octets to the Internet, each octet telling its place."""
    payload = bytes(number * 7 & 0xFF for number in range(octets - 28))
    header = to_host(softwire, **fields)
    return header / UDP(sport=softwire.port(), dport=53) / Raw(payload)


def whole(packet, softwire=FIRST, **fields):
    """The tunnel packet before it was cut."""
    return upstream(softwire, packet, **fields)


def reassembled(c, packet, *cuts, softwire=FIRST, order=None, **fields):
    """The packet arrives cut like this, maybe in another order, and goes to the Internet."""
    pieces = ipv6_pieces(whole(packet, softwire), *cuts, **fields)
    c.decap(softwire, packet, pieces=[pieces[at] for at in order or range(len(pieces))])


@case(
    "Two pieces become one packet, in either order, and it goes on as if it had arrived so.",
    "FR-001",
    "FR-006",
    "FR-008",
)
def two_pieces(c):
    for number, order in enumerate(((0, 1), (1, 0))):
        for cut in (24, 64, 1448):
            packet = sized(1500, id=number)
            identification = number << 16 | cut
            reassembled(c, packet, cut, order=order, identification=identification)


@case(
    "Pieces are put together in whatever order they come.",
    "FR-008",
)
def pieces_in_every_order(c):
    orders = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    for number, order in enumerate(orders):
        reassembled(c, sized(1000, id=number), 400, 720, order=order, identification=number)
    reassembled(c, sized(1000), 24, 32, 40, 48, 960, order=(5, 3, 1, 4, 2, 0), identification=99)


@case(
    "A packet may come in as many pieces as are allowed, not in one more.",
    "FR-008",
    "FR-010",
    config={"access": {"reassembly": {"max_fragments": 4}}},
)
def as_many_pieces_as_allowed(c):
    reassembled(c, sized(800), 200, 400, 600, identification=1)
    pieces = ipv6_pieces(whole(sized(800)), 160, 320, 480, 640, identification=2)
    c.drop_pieces("drop-ipv6-fragment-too-many", *pieces)
    reassembled(c, sized(800), 200, 400, 600, identification=3)


@case(
    "Pieces of a packet that had too many stay drops until its time is over.",
    "FR-008",
    "FR-010",
    config={"access": {"reassembly": {"max_fragments": 2}}},
)
def too_many_pieces_later_too(c):
    pieces = ipv6_pieces(whole(sized(800)), 160, 320, 480, 640)
    c.hold("access", pieces[0], pieces[2])
    c.drop_pieces("drop-ipv6-fragment-too-many", pieces[0], pieces[2], pieces[4])
    c.later(30)
    c.drop_pieces("drop-ipv6-fragment-too-many", pieces[1], pieces[3])
    c.later(31)
    reassembled(c, sized(800), 400)


@case(
    "Forty pieces are the most by default.",
    "FR-008",
    "FR-010",
)
def forty_pieces(c):
    packet = sized(1500)
    reassembled(c, packet, *range(24, 24 + 39 * 8, 8), identification=1)
    pieces = ipv6_pieces(whole(packet), *range(24, 24 + 40 * 8, 8), identification=2)
    c.drop_pieces("drop-ipv6-fragment-too-many", *pieces)


@case(
    "Packets of many lwB4s come in pieces at the same time, with the same Identification.",
    "FR-008",
)
def pieces_of_many_at_once(c):
    packets = [sized(600, softwire) for softwire in (FIRST, SECOND, WHOLE, FAR, OFFSET)]
    softwires = (FIRST, SECOND, WHOLE, FAR, OFFSET)
    halves = [
        ipv6_pieces(whole(packet, softwire), 304) for packet, softwire in zip(packets, softwires)
    ]
    c.hold("access", *(first for first, _ in halves))
    for packet, softwire, pieces in zip(packets, softwires, halves):
        c.decap(softwire, packet, pieces=pieces)


@case(
    "Source, destination and Identification together make the packet.",
    "FR-008",
    "FR-007",
)
def pieces_of_another_packet(c):
    packet = sized(600)
    first, last = ipv6_pieces(whole(packet), 304)
    others = [
        ipv6_piece(whole(packet), 304, identification=8),
        ipv6_piece(tunnelled(SECOND.b4, FIRST.br, packet), 304),
        ipv6_piece(tunnelled(FIRST.b4, FAR.br, packet), 304),
    ]
    c.hold("access", first, *others)
    c.decap(FIRST, packet, pieces=[first, last])
    c.drop_pieces("drop-ipv6-fragment-timeout", *others)


@case(
    "An Identification may be used again as soon as its packet is whole.",
    "FR-008",
)
def identification_again(c):
    for number in range(20):
        order = ((0, 1), (1, 0))[number % 2]
        reassembled(c, sized(600, id=number), 304, order=order)


@case(
    "A piece that is whole is handled alone, even among pieces with its Identification.",
    "FR-009",
    "T-27",
)
def atomic_fragments(c):
    packet = sized(600)
    first, last = ipv6_pieces(whole(packet), 304)
    c.hold("access", first)
    for softwire in (FIRST, SECOND, WHOLE):
        alone = sized(300, softwire)
        frame = arriving("access", ipv6_piece(whole(alone, softwire), 0))
        c.decap(softwire, alone, frame=frame)
    c.decap(FIRST, packet, pieces=[first, last])
    padded = arriving("access", ipv6_piece(whole(sized(28)), 0)) + b"\xee" * 9
    c.decap(FIRST, sized(28), frame=padded)


@case(
    "A packet in an atomic fragment is judged, and answered, without its Fragment header.",
    "FR-009",
    "LW-013",
    "LW-015",
    config=ALL_ON,
)
def atomic_fragments_are_judged(c):
    packet = to_host(FIRST) / UDP(sport=1, dport=53)
    tunnel = upstream(FIRST, packet)
    c.drop_ipv6("drop-unbound-source", tunnel, frame=arriving("access", ipv6_piece(tunnel, 0)))
    c.answer_ipv6(FAILED_POLICY, tunnel)
    tunnel = upstream(FIRST, sized(100, ttl=1))
    c.drop_ipv6("drop-ttl-expired", tunnel, frame=arriving("access", ipv6_piece(tunnel, 0)))
    c.answer_b4(TTL_EXPIRED, tunnel)


@case(
    "A reassembled packet is judged, and answered, as if it had arrived so.",
    "FR-008",
    "LW-013",
    "LW-015",
    "IC-010",
    config=ALL_ON,
)
def reassembled_packets_are_judged(c):
    for number, (softwire, packet, reason) in enumerate(
        (
            (FIRST, sized(1500, src="192.0.2.3"), "drop-unbound-source"),
            (FIRST, sized(1500, SECOND), "drop-wrong-b4"),
            (FIRST, sized(1100, WHOLE), "drop-wrong-b4"),
        )
    ):
        tunnel = upstream(softwire, packet)
        pieces = ipv6_pieces(tunnel, 704, identification=number)
        c.drop_ipv6(reason, tunnel, pieces=pieces)
        c.answer_ipv6(FAILED_POLICY, tunnel)
    tunnel = upstream(FIRST, sized(1500, ttl=1))
    c.drop_ipv6("drop-ttl-expired", tunnel, pieces=ipv6_pieces(tunnel, 704, identification=9))
    c.answer_b4(TTL_EXPIRED, tunnel)


@case(
    "Reassembled packets are hairpinned, and may leave in pieces again.",
    "FR-008",
    "FR-001",
    "LW-020a",
    "T-25",
    config={"access": {"mtu": 1500}},
)
def reassembled_packets_are_hairpinned(c):
    for number, octets in enumerate((600, 1460, 1461, 1500)):
        packet = to_host(FIRST, dst=OFFSET.ipv4, id=number)
        packet = packet / UDP(sport=FIRST.port(), dport=OFFSET.port()) / Raw(bytes(octets - 28))
        pieces = ipv6_pieces(upstream(FIRST, packet), 320, identification=number)
        c.hairpin(FIRST, OFFSET, packet, pieces=pieces, mtu=1500 if octets > 1460 else None)


@case(
    "A packet larger than either link, once it is whole, leaves in IPv4 fragments or is answered.",
    "FR-008",
    "FR-018",
    "IC-019",
    config=ALL_ON,
)
def reassembled_packets_are_too_big(c):
    for number, octets in enumerate((1500, 1501, 2000, 9000, 20000)):
        packet = sized(octets, id=number)
        cuts = range(1448, octets, 1448)
        pieces = ipv6_pieces(whole(packet), *cuts, identification=number)
        c.decap(FIRST, packet, pieces=pieces, mtu=None if octets <= 1500 else 1500)
    tunnel = whole(sized(2000, flags="DF"))
    c.drop_ipv6("drop-dont-fragment", tunnel, pieces=ipv6_pieces(tunnel, 1448, identification=99))
    c.answer_b4(FRAGMENTATION_NEEDED, tunnel, mtu=1500)


@case(
    "The largest packet there can be is put together, and leaves in 45 fragments.",
    "FR-008",
    "FR-018",
    config={"access": {"reassembly": {"max_fragments": 64}}},
)
def largest_packet(c):
    packet = sized(65535, id=1)
    pieces = ipv6_pieces(whole(packet), *range(1448, 65535, 1448))
    c.decap(FIRST, packet, pieces=pieces, mtu=1500)


@case(
    "The inner packet may be shorter than what the pieces carry; the rest is padding.",
    "TN-007",
    "FR-008",
)
def padding_in_pieces(c):
    packet = sized(600)
    tunnel = upstream(FIRST, bytes(packet) + b"\xee" * 77)
    c.decap(FIRST, packet, tunnel=tunnel, pieces=ipv6_pieces(tunnel, 304, identification=1))
    # Ethernet's own padding behind a piece is not carried at all.
    first, last = ipv6_pieces(whole(packet), 592, identification=2)
    c.decap(FIRST, packet, pieces=[first, last + b"\xee" * 40])


@case(
    "Destination Options may stand before the Fragment header, and behind it.",
    "TN-005",
    "FR-006",
    "FR-008",
)
def pieces_with_destination_options(c):
    options = bytes(IPv6ExtHdrDestOpt(nh=4, options=[PadN(optdata=bytes(4))]))
    packet = sized(600)
    tunnel = upstream(FIRST, options + bytes(packet), nh=60, tc=0)
    before = ipv6_pieces(tunnel, 304, behind=48, identification=1)
    c.decap(FIRST, packet, tunnel=tunnel, pieces=before)
    behind = ipv6_pieces(tunnel, 304, identification=2)
    c.decap(FIRST, packet, tunnel=tunnel, pieces=behind)
    alone = arriving("access", ipv6_piece(tunnel, 0, behind=48))
    c.decap(FIRST, packet, tunnel=tunnel, frame=alone)


@case(
    "The first piece says what the whole looks like: its traffic class counts, not the others'.",
    "FR-008",
    "EC-001",
)
def traffic_class_of_pieces(c):
    packet = sized(600)
    for number, order in enumerate(((0, 1), (1, 0))):
        first = ipv6_piece(whole(packet), 0, 304, tc=0xB8, identification=number)
        last = ipv6_piece(whole(packet), 304, tc=0x28, identification=number)
        pieces = [(first, last)[at] for at in order]
        out = rewritten(aged(packet), tos=0xB8)
        c.decap(FIRST, packet, tunnel=whole(packet, tc=0xB8), outside=out, pieces=pieces)


NOT_ECT, ECT1, ECT0, CE = 0b00, 0b01, 0b10, 0b11


@case(
    "A congestion mark on any piece is a mark on the whole.",
    "EC-005",
    "EC-003",
)
def congestion_mark_on_a_piece(c):
    marks = [(CE, ECT0), (ECT0, CE), (CE, CE), (CE, ECT1), (ECT1, CE), (ECT0, ECT0), (ECT1, ECT1)]
    for number, ecns in enumerate(marks):
        packet = sized(600, tos=ECT0)
        edges = ((0, 304), (304, None))
        pieces = [
            ipv6_piece(whole(packet), *edge, tc=ecn, identification=number)
            for edge, ecn in zip(edges, ecns)
        ]
        ecn = CE if CE in ecns else ecns[0]
        out = rewritten(aged(packet), tos=ecn)
        c.decap(FIRST, packet, tunnel=whole(packet, tc=ecn), outside=out, pieces=pieces)


@case(
    "A congestion mark is a drop of all pieces if one of them cannot hear of it.",
    "EC-005",
)
def congestion_mark_beside_not_capable(c):
    packet = sized(900, tos=ECT0)
    for number, ecns in enumerate(((CE, NOT_ECT, ECT0), (NOT_ECT, ECT0, CE), (ECT0, CE, NOT_ECT))):
        edges = ((0, 304), (304, 608), (608, None))
        pieces = [
            ipv6_piece(whole(packet), *edge, tc=ecn, identification=number)
            for edge, ecn in zip(edges, ecns)
        ]
        c.drop_pieces("drop-ipv6-fragment-ecn", *pieces)
    reassembled(c, packet, 304, identification=9, tc=ECT0)


@case(
    "All marked, but the packet inside cannot hear of it: a drop as without pieces.",
    "EC-003",
    "EC-005",
)
def congestion_mark_on_all_pieces(c):
    tunnel = whole(sized(600), tc=CE)
    c.drop_ipv6("drop-ecn-not-capable", tunnel, pieces=ipv6_pieces(tunnel, 304))


@case(
    "A piece that comes twice is ignored the second time.",
    "FR-008",
    "T-27",
)
def pieces_twice(c):
    packet = sized(900)
    first, middle, last = ipv6_pieces(whole(packet), 304, 608)
    c.hold("access", first)
    c.drop_again(first)
    c.drop_again(first)
    c.hold("access", last)
    c.drop_again(last)
    c.drop_again(first)
    c.decap(FIRST, packet, pieces=[first, last, middle])


@case(
    "Pieces that overlap are all dropped, without an answer, and so are those that come later.",
    "FR-008",
    "T-27",
    config=ALL_ON,
)
def overlapping_pieces(c):
    packet = whole(sized(900))
    for number, (start, end) in enumerate(
        ((0, 312), (296, 608), (8, 16), (0, 64), (304, 312), (0, 600), (240, 304), (600, 900))
    ):
        identified = {"identification": number}
        first, middle, last = ipv6_pieces(packet, 304, 608, **identified)
        overlapping = ipv6_piece(packet, start, end, more=True, **identified)
        if end == 900:
            overlapping = ipv6_piece(packet, start, None, **identified)
        c.hold("access", first, middle)
        c.drop_pieces("drop-ipv6-fragment-overlap", first, middle, overlapping)
        c.drop_pieces("drop-ipv6-fragment-overlap", last)
        c.drop_pieces("drop-ipv6-fragment-overlap", first)


@case(
    "The same place with other octets is an overlap, not a duplicate.",
    "FR-008",
    "T-27",
)
def same_place_other_octets(c):
    packet = whole(sized(900))
    first, middle, last = ipv6_pieces(packet, 304, 608)
    other = ipv6_piece(packet, 304, 608, data=bytes(304))
    c.hold("access", first, middle)
    c.drop_pieces("drop-ipv6-fragment-overlap", first, middle, other)
    c.drop_pieces("drop-ipv6-fragment-overlap", last)


@case(
    "Sixty seconds after its first piece an overlapped packet is forgotten.",
    "FR-008",
    "T-27",
)
def overlap_is_forgotten(c):
    packet = sized(900)
    first, middle, last = ipv6_pieces(whole(packet), 304, 608)
    other = ipv6_piece(whole(packet), 296, 400)
    c.hold("access", first)
    c.later(1)
    c.drop_pieces("drop-ipv6-fragment-overlap", first, other)
    c.later(58)
    c.drop_pieces("drop-ipv6-fragment-overlap", middle, last)
    c.later(2)
    c.decap(FIRST, packet, pieces=[first, middle, last])


@case(
    "After sixty seconds a packet that is not whole is dropped and its sender told, if the first "
    "piece was there.",
    "FR-008",
    "T-27",
    config=ALL_ON,
)
def pieces_time_out(c):
    packet = sized(900)
    first, middle, last = ipv6_pieces(whole(packet), 304, 608)
    c.hold("access", first)
    c.later(61)
    c.drop_pieces("drop-ipv6-fragment-timeout", first)
    c.answer_ipv6(REASSEMBLY_TIME, first)
    c.hold("access", middle, last)
    c.later(61)
    c.drop_pieces("drop-ipv6-fragment-timeout", middle, last)
    c.hold("access", last)
    c.later(30)
    c.hold("access", first)
    c.later(31)
    c.drop_pieces("drop-ipv6-fragment-timeout", last, first)
    c.answer_ipv6(REASSEMBLY_TIME, first)
    c.decap(FIRST, packet, pieces=[first, middle, last])


@case(
    "The time of a packet runs from the piece that arrived first, and a piece in time completes it.",
    "FR-008",
)
def pieces_just_in_time(c):
    packet = sized(900)
    first, middle, last = ipv6_pieces(whole(packet), 304, 608)
    c.hold("access", last)
    c.later(30)
    c.hold("access", middle)
    c.later(29)
    c.decap(FIRST, packet, pieces=[last, middle, first])


@case(
    "The time may be another.",
    "FR-008",
    config=answering(access={"reassembly": {"timeout_s": 5}}),
)
def pieces_time_out_earlier(c):
    packet = sized(600)
    first, last = ipv6_pieces(whole(packet), 304)
    c.hold("access", first)
    c.later(4.5)
    c.decap(FIRST, packet, pieces=[first, last])
    c.hold("access", first)
    c.later(5.5)
    c.drop_pieces("drop-ipv6-fragment-timeout", first)
    c.answer_ipv6(REASSEMBLY_TIME, first)
    c.hold("access", last)
    c.later(5.5)
    c.drop_pieces("drop-ipv6-fragment-timeout", last)
    c.decap(FIRST, packet)


@case(
    "What still waits at the end times out in the order in which it came, and is answered.",
    "FR-008",
    config=ALL_ON,
)
def pieces_left_at_the_end(c):
    waiting = []
    for number, softwire in enumerate((FIRST, SECOND, WHOLE, FAR)):
        first, last = ipv6_pieces(whole(sized(1400, softwire), softwire), 1304)
        waiting.append(last if number == 2 else first)
        c.hold("access", waiting[-1])
        c.later(0.5)
    c.decap(FIRST, sized(100))
    for number, piece in enumerate(waiting):
        c.drop_pieces("drop-ipv6-fragment-timeout", piece)
        if number != 2:
            c.answer_ipv6(REASSEMBLY_TIME, piece)


@case(
    "That a first piece timed out is not told to whom nothing is told.",
    "IC-012",
    "FR-008",
    config=ALL_ON,
)
def no_answer_to_no_node(c):
    for source in ("::", "::1", "ff02::1"):
        piece = ipv6_piece(tunnelled(source, FIRST.br, sized(600)), 0, 304)
        c.drop_pieces("drop-ipv6-fragment-timeout", piece)
        tunnel = tunnelled(source, FIRST.br, sized(600))
        piece = ipv6_piece(tunnel, 0, 303, identification=8)
        c.drop_pieces("drop-ipv6-fragment-bad-length", piece)


@case(
    "A piece that is not the last and no multiple of eight octets is dropped, and its sender told; "
    "the others still make their packet.",
    "FR-008",
    config=ALL_ON,
)
def pieces_of_bad_length(c):
    packet = sized(900)
    for number, octets in enumerate((1, 7, 9, 303, 305, 311)):
        identified = {"identification": number}
        first, middle, last = ipv6_pieces(whole(packet), 304, 608, **identified)
        c.hold("access", first)
        data = bytes(whole(packet))[40 + 304 : 40 + 304 + octets]
        bad = ipv6_piece(whole(packet), 304, 608, data=data, **identified)
        c.drop_pieces("drop-ipv6-fragment-bad-length", bad)
        c.answer_ipv6(ERRONEOUS_FIELD, bad, PAYLOAD_LENGTH)
        c.decap(FIRST, packet, pieces=[first, middle, last])
    large = ipv6_piece(whole(sized(1500)), 0, 1399, more=True, identification=99)
    c.drop_pieces("drop-ipv6-fragment-bad-length", large)
    c.answer_ipv6(ERRONEOUS_FIELD, large, PAYLOAD_LENGTH)


@case(
    "A piece that carries nothing is dropped in silence; the others still make their packet.",
    "FR-008",
    config=ALL_ON,
)
def empty_pieces(c):
    packet = sized(900)
    first, middle, last = ipv6_pieces(whole(packet), 304, 608)
    c.hold("access", first, last)
    for offset, more in ((0, True), (304, True), (304, False), (880, False), (65528, True)):
        empty = ipv6_piece(whole(packet), 0, offset=offset, more=more, data=b"")
        c.drop_pieces("drop-ipv6-fragment-bad-length", empty)
    c.decap(FIRST, packet, pieces=[first, last, middle])


@case(
    "A piece that ends beyond 65535 octets is dropped, and its sender told where.",
    "FR-008",
    config=ALL_ON,
)
def pieces_beyond_65535(c):
    packet = whole(sized(1500))
    for number, (offset, octets, more) in enumerate(
        ((65528, 8, False), (65528, 8, True), (65520, 16, True), (65000, 600, False))
    ):
        data = bytes(octets)
        fields = {"offset": offset, "more": more, "identification": number}
        piece = ipv6_piece(packet, 0, data=data, **fields)
        c.drop_pieces("drop-ipv6-fragment-too-long", piece)
        c.answer_ipv6(ERRONEOUS_FIELD, piece, OFFSET_FIELD)
    piece = ipv6_piece(packet, 0, data=bytes(7), offset=65528, more=False, identification=77)
    c.drop_pieces("drop-ipv6-fragment-timeout", piece)


@case(
    "Behind Destination Options the pointer is at the Fragment header all the same.",
    "FR-008",
    "TN-005",
    config=ALL_ON,
)
def pieces_beyond_65535_behind_options(c):
    options = bytes(IPv6ExtHdrDestOpt(nh=4, options=[PadN(optdata=bytes(4))]))
    tunnel = upstream(FIRST, options + bytes(sized(600)), nh=60, tc=0)
    piece = ipv6_piece(tunnel, 0, behind=48, data=bytes(8), offset=65528, more=False)
    c.drop_pieces("drop-ipv6-fragment-too-long", piece)
    c.answer_ipv6(ERRONEOUS_FIELD, piece, OFFSET_FIELD + 8)
    piece = ipv6_piece(tunnel, 0, 25, behind=48)
    c.drop_pieces("drop-ipv6-fragment-bad-length", piece)
    c.answer_ipv6(ERRONEOUS_FIELD, piece, PAYLOAD_LENGTH)


@case(
    "A piece beyond the packet's end, or another end, makes all of its pieces drops.",
    "FR-008",
    config=ALL_ON,
)
def pieces_beyond_the_end(c):
    packet = whole(sized(900))
    for number, lie in enumerate(
        (
            {"start": 896, "data": bytes(8), "more": True},
            {"start": 1200, "data": bytes(80), "more": True},
            {"start": 1200, "data": bytes(9), "more": False},
            {"start": 304, "data": bytes(64), "more": False},
        )
    ):
        first, _, last = ipv6_pieces(packet, 304, 608, identification=number)
        start = lie.pop("start")
        lie = ipv6_piece(packet, 0, offset=start, identification=number, **lie)
        c.hold("access", first, last)
        c.drop_pieces("drop-ipv6-fragment-too-long", first, last, lie)


@case(
    "An end before what has arrived makes all of the packet's pieces drops.",
    "FR-008",
    config=ALL_ON,
)
def end_before_a_piece(c):
    packet = whole(sized(900))
    first = ipv6_piece(packet, 0, 304)
    early = ipv6_piece(packet, 304, 400, more=False, data=bytes(96))
    c.hold("access", first, ipv6_piece(packet, 608, 704))
    c.drop_pieces("drop-ipv6-fragment-too-long", first, ipv6_piece(packet, 608, 704), early)


@case(
    "A first piece without the whole IPv4 header is dropped, and its sender told.",
    "FR-008",
    "FR-006",
    config=ALL_ON,
)
def first_piece_without_headers(c):
    for number, octets in enumerate((8, 16)):
        piece = ipv6_piece(whole(sized(600)), 0, octets, identification=number)
        c.drop_pieces("drop-ipv6-fragment-headers", piece)
        c.answer_ipv6(INCOMPLETE_HEADERS, piece)
    options = [IPOption_RR(routers=["0.0.0.0"] * 9)]
    packet = to_host(FIRST, options=options) / UDP(sport=FIRST.port(), dport=53) / Raw(bytes(400))
    for number, octets in enumerate((24, 32, 56), 10):
        piece = ipv6_piece(whole(packet), 0, octets, identification=number)
        c.drop_pieces("drop-ipv6-fragment-headers", piece)
        c.answer_ipv6(INCOMPLETE_HEADERS, piece)
    reassembled(c, packet, 64, identification=20)
    reassembled(c, sized(600), 24, identification=21)


@case(
    "The ports of the inner packet may be in another piece than its header.",
    "FR-008",
    "LW-013",
)
def ports_in_the_second_piece(c):
    options = [IPOption_RR(routers=["0.0.0.0"] * 2)]
    packet = to_host(FIRST, options=options) / UDP(sport=FIRST.port(), dport=53) / Raw(bytes(100))
    reassembled(c, packet, 32, identification=1)
    spoofed = to_host(FIRST, options=options) / UDP(sport=SECOND.port(), dport=53) / Raw(bytes(100))
    tunnel = whole(spoofed)
    c.drop_ipv6("drop-wrong-b4", tunnel, pieces=ipv6_pieces(tunnel, 32, identification=2))


@case(
    "With errors off bad pieces are dropped in silence.",
    "FR-008",
    "IC-012",
)
def bad_pieces_without_answers(c):
    packet = whole(sized(1500))
    c.drop_pieces(
        "drop-ipv6-fragment-bad-length", ipv6_piece(packet, 0, 303, more=True, identification=1)
    )
    c.drop_pieces(
        "drop-ipv6-fragment-too-long",
        ipv6_piece(packet, 0, data=bytes(8), offset=65528, more=True, identification=2),
    )
    c.drop_pieces("drop-ipv6-fragment-headers", ipv6_piece(packet, 0, 16, identification=3))
    c.drop_pieces("drop-ipv6-fragment-timeout", ipv6_piece(packet, 0, 304, identification=4))


@case(
    "A fragment within fragments is no packet of a softwire, nor is one within an atomic one.",
    "FR-008",
    "FR-009",
    "LW-020",
    config=ALL_ON,
)
def fragments_within_fragments(c):
    inner = ipv6_piece(whole(sized(600)), 0, 304)
    nested = ipv6_pieces(inner, 160, identification=8)
    c.drop_reassembled("drop-ipv6-unknown-next-header", nested)
    alone = arriving("access", ipv6_piece(inner, 0, identification=9))
    c.drop_frame("access", "drop-ipv6-unknown-next-header", alone)


@case(
    "Pieces of what is no IPv4 are put together, and then dropped.",
    "FR-008",
    "LW-020",
)
def pieces_of_another_next_header(c):
    for number, header in enumerate((41, 47, 132)):
        tunnel = upstream(FIRST, sized(600), nh=header)
        pieces = ipv6_pieces(tunnel, 304, identification=number)
        c.drop_reassembled("drop-ipv6-unknown-next-header", pieces)


@case(
    "What pieces make may be as bad as any packet.",
    "FR-008",
    "LW-020",
)
def bad_packets_in_pieces(c):
    raw = bytes(sized(600))
    for number, (reason, inner) in enumerate(
        (
            ("drop-ipv4-bad-checksum", raw[:8] + b"\x07" + raw[9:]),
            ("drop-ipv4-bad-length", raw[:-1]),
            ("drop-ipv4-invalid-source", bytes(sized(600, src="127.0.0.1"))),
            ("drop-softwire-range", bytes(sized(600, src="192.0.0.2"))),
        )
    ):
        tunnel = upstream(FIRST, inner)
        c.drop_ipv6(reason, tunnel, pieces=ipv6_pieces(tunnel, 304, identification=number))


@case(
    "PCP in pieces is for the control thread like PCP in one.",
    "FR-008",
    "C-05",
)
def pcp_in_pieces(c):
    packet = IP(src="192.0.0.2", dst="192.0.0.1") / UDP(sport=5351, dport=5351) / Raw(bytes(1000))
    tunnel = upstream(FIRST, packet)
    c.punt_reassembled(ipv6_pieces(tunnel, 304))


@case(
    "The Fragment header, cut after every octet, and a payload length that lies.",
    "LW-020",
    "FR-006",
)
def truncated_fragment_header(c):
    piece = ipv6_piece(whole(sized(600)), 0, 304)
    for octets in range(8):
        raw = bytearray(piece[: 40 + octets])
        raw[4:6] = octets.to_bytes(2, "big")
        c.drop_frame("access", "drop-ipv6-bad-header", arriving("access", bytes(raw)))
    for octets in range(40, 48):
        frame = arriving("access", piece[:octets])
        c.drop_frame("access", "drop-ipv6-bad-header", frame)
    c.drop_frame("access", "drop-ipv6-bad-header", arriving("access", piece[:-1]))


@case(
    "Reserved bits of the Fragment header do not matter.",
    "FR-006",
)
def reserved_fragment_bits(c):
    packet = sized(600)
    pieces = [bytearray(piece) for piece in ipv6_pieces(whole(packet), 304)]
    for piece in pieces:
        piece[41] = 0xFF
        piece[43] |= 0b110
    c.decap(FIRST, packet, pieces=[bytes(piece) for piece in pieces])


@case(
    "The oldest packet that is not whole makes room for the newest.",
    "FR-010",
    "FR-008",
    config=answering(access={"reassembly": {"max_packets": 2}}),
)
def no_room_for_pieces(c):
    packets = [sized(600, id=number) for number in range(3)]
    halves = [
        ipv6_pieces(whole(packet), 304, identification=number)
        for number, packet in enumerate(packets)
    ]
    c.hold("access", halves[0][0])
    c.hold("access", halves[1][0])
    c.hold("access", halves[2][0])
    c.drop_pieces("drop-ipv6-fragment-no-room", halves[0][0])
    c.decap(FIRST, packets[1], pieces=halves[1])
    c.decap(FIRST, packets[2], pieces=halves[2])
    c.drop_pieces("drop-ipv6-fragment-timeout", halves[0][1])


@case(
    "A storm of first pieces holds no more than it may, and harms no whole packet.",
    "FR-010",
    "FR-008",
    config={"access": {"reassembly": {"max_packets": 8}}},
)
def storm_of_first_pieces(c):
    storm = []
    for number in range(300):
        source = f"2001:db8:bad:{number:x}::1"
        piece = ipv6_piece(tunnelled(source, FIRST.br, sized(600)), 0, 304, identification=number)
        storm.append(piece)
        c.hold("access", piece)
        if number % 10 == 0:
            c.decap(FIRST, sized(100, id=number))
    reassembled(c, sized(600), 304)
    c.drop_pieces("drop-ipv6-fragment-no-room", *storm[:-7])
    c.drop_pieces("drop-ipv6-fragment-timeout", *storm[-7:])


@case(
    "Pieces to an address that is no BR of ours are not kept.",
    "LW-020",
    "FR-008",
)
def pieces_not_for_us(c):
    for destination in ("2001:db8:af::3", "2001:db8:ac::2"):
        for piece in ipv6_pieces(tunnelled(FIRST.b4, destination, sized(600)), 304):
            frame = arriving("access", piece)
            c.drop_frame("access", "drop-ipv6-not-for-us", frame)


@case(
    "Pieces from who has no softwire are put together before that is known.",
    "FR-008",
    "LW-014",
)
def pieces_of_a_stranger(c):
    tunnel = tunnelled(STRANGER, FIRST.br, sized(600))
    c.drop_ipv6("drop-wrong-b4", tunnel, pieces=ipv6_pieces(tunnel, 304))
    tunnel = tunnelled(FIRST.b4, FAR.br, sized(600))
    c.drop_ipv6("drop-wrong-br", tunnel, pieces=ipv6_pieces(tunnel, 304))


@case(
    "Whole packets and pieces leave in the order in which they became packets.",
    "FR-008",
    "LW-013",
)
def pieces_between_packets(c):
    split = sized(600, id=1000)
    first, last = ipv6_pieces(whole(split), 304)
    for number in range(10):
        c.decap(FIRST, sized(100, id=number))
        if number == 3:
            c.hold("access", first)
        if number == 7:
            c.decap(FIRST, split, pieces=[first, last])
