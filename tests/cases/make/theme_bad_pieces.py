"""Pieces of tunnel packets that never become one: time, room, overlaps (FR-008, FR-010)."""

from scapy.layers.inet import UDP, IPOption_RR
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, PadN
from scapy.packet import Raw

from case import case
from errors import (
    ERRONEOUS_FIELD,
    INCOMPLETE_HEADERS,
    REASSEMBLY_TIME,
    answering,
)
from fragments import ipv6_piece, ipv6_pieces
from network import (
    FAR,
    FIRST,
    SECOND,
    WHOLE,
    arriving,
    to_host,
    tunnelled,
    upstream,
)
from pieces import reassembled, sized, whole

ALL_ON = answering()
OFFSET_FIELD = 40 + 2  # of the Fragment header, seen from the start of the packet (RFC 4443 s3.4)
PAYLOAD_LENGTH = 4


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
    "The time of a packet runs from the piece that arrived first, and a piece in time completes "
    "it.",
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
            {"start": 904, "data": bytes(8), "more": True},
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
