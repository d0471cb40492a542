"""Tunnel packets that arrive in pieces (FR-006, FR-008, FR-009, FR-010, EC-005, T-27)."""

from scapy.layers.inet import IP, UDP, IPOption_NOP, IPOption_RR
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, PadN
from scapy.packet import Raw

from case import case
from errors import (
    FAILED_POLICY,
    FRAGMENTATION_NEEDED,
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
from pieces import reassembled, sized, whole

ALL_ON = answering()
OFFSET_FIELD = 40 + 2  # of the Fragment header, seen from the start of the packet (RFC 4443 s3.4)
PAYLOAD_LENGTH = 4


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
    c.punt_reassembled("pcp", ipv6_pieces(tunnel, 304))
    first, last = ipv6_pieces(tunnel, 304, identification=2)
    c.punt_reassembled("pcp", [last, first])


@case(
    "PCP is known as such even if its ports came in the second piece.",
    "FR-008",
    "C-05",
)
def pcp_with_its_ports_in_the_second_piece(c):
    header = IP(src="192.0.0.2", dst="192.0.0.1", options=[IPOption_NOP()] * 4)
    packet = header / UDP(sport=5351, dport=5351) / Raw(bytes(60))
    c.punt_reassembled("pcp", ipv6_pieces(upstream(FIRST, packet), 24))


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
