"""IPv4 fragments that go nowhere: refused with the first, out of time or room (FR-012, FR-013)."""

from scapy.layers.inet import IP, UDP
from scapy.packet import Raw

from case import case
from errors import (
    FAILED_POLICY,
    HOST_UNREACHABLE,
    answering,
)
from fragments import ipv4_piece, ipv4_pieces
from network import (
    DATA,
    FAR,
    FIRST,
    OFFSET,
    SECOND,
    from_host,
    to_host,
    tunnelled,
    upstream,
)
from pieces import down, in_tunnel, pattern, up

ALL_ON = answering()


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
    "Where the first finds nobody, what waited for it and what follows find nobody; the first "
    "alone is answered.",
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
    "Fragments of the control exception are for the control thread, those of the block for nobody.",
    "TN-043",
    "C-05",
    "T-31",
)
def ipv4_fragments_of_the_softwire_range(c):
    inside = {"src": "192.0.0.2", "dst": "8.8.8.8", "proto": 17}
    for frag, flags in ((0, "MF"), (60, 0)):
        packet = IP(src="192.0.0.2", dst="192.0.0.1", frag=frag, flags=flags, proto=17)
        c.punt_tunnel("other", upstream(FIRST, packet / Raw(pattern(480))))
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
