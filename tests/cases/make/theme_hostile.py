"""Input that is meant to harm: lies about lengths, errors about errors, floods of everything."""

import random

from scapy.layers.inet import UDP
from scapy.packet import Raw

from case import case
from errors import (
    FAILED_POLICY,
    HOST_UNREACHABLE,
    NO_ROUTE,
    PACKET_TOO_BIG,
    ROUTER6,
    TTL_EXPIRED,
    about_tunnel,
    answering,
    icmpv4,
    icmpv4_error,
    icmpv6,
    icmpv6_error,
)
from fragments import ipv4_piece, ipv6_piece, ipv6_pieces
from network import (
    DATA,
    FIRST,
    HOST,
    INTERFACE4,
    OFFSET,
    SECOND,
    STRANGER,
    WHOLE,
    aged,
    arriving,
    downstream,
    from_host,
    to_host,
    tunnelled,
    upstream,
    with_checksum,
)
from transport import echo

ALL_ON = answering()


@case(
    "Two boxes that answer each other's answers would never end: ours come back and are dropped.",
    "IC-012",
    "IC-013",
    config=ALL_ON,
)
def errors_about_our_own_errors(c):
    packet = from_host(FIRST) / UDP(sport=53, dport=1)
    c.drop_ipv4("drop-no-softwire", packet)
    c.answer(HOST_UNREACHABLE, packet)
    # Our error as another host might send it to a subscriber, or send an error about it.
    ours = icmpv4_error(HOST_UNREACHABLE, packet)
    about_ours = icmpv4(from_host(FIRST), (3, 1), ours)
    c.drop_ipv4("drop-icmpv4-forged", about_ours)
    about_ours = icmpv4(from_host(FIRST, src=INTERFACE4, ttl=1), (11, 0), packet)
    c.drop_ipv4("drop-ttl-expired", about_ours)


@case(
    "An ICMPv6 error about an ICMPv6 error of ours is no error about a tunnel packet.",
    "IC-012",
    "IC-008",
    config=ALL_ON,
)
def icmpv6_about_our_own_errors(c):
    tunnel = upstream(FIRST, to_host(FIRST) / UDP(sport=1, dport=53))
    c.drop_ipv6("drop-unbound-source", tunnel)
    c.answer_ipv6(FAILED_POLICY, tunnel)
    ours = icmpv6_error(FAILED_POLICY, tunnel)
    for kind, second in ((NO_ROUTE, 0), ((1, 5), 0), (PACKET_TOO_BIG, 1280)):
        error = about_tunnel(kind, ours, second)
        c.drop_frame("access", "drop-icmpv6-forged", arriving("access", error))


@case(
    "An ICMPv6 error that tunnelled itself is judged as the packet that it is.",
    "LW-013",
    "IC-008",
    config=ALL_ON,
)
def icmpv6_within_the_tunnel(c):
    error = icmpv6(FIRST.b4, FIRST.br, NO_ROUTE, downstream(FIRST, aged(from_host(FIRST) / DATA)))
    frame = arriving("access", upstream(FIRST, error, nh=41, tc=0))
    c.drop_frame("access", "drop-ipv6-unknown-next-header", frame)
    tunnel = upstream(FIRST, error, tc=0)
    c.drop_ipv6("drop-ipv4-bad-header", tunnel)


@case(
    "ICMPv6 errors with lying lengths are cut, or longer than their frame.",
    "IC-008",
    "LW-020",
    config=ALL_ON,
)
def icmpv6_length_lies(c):
    error = about_tunnel(NO_ROUTE, downstream(FIRST, aged(from_host(FIRST) / UDP(sport=53) / DATA)))
    for lie in (len(error) - 40 + 1, 1500, 65535):
        raw = error[:4] + lie.to_bytes(2, "big") + error[6:]
        c.drop_frame("access", "drop-ipv6-bad-header", arriving("access", raw))
    for lie in (1, 4, 7, 8, 47, 48, 67, 71, len(error) - 41):
        # The checksum was made for more than this.
        raw = error[:4] + lie.to_bytes(2, "big") + error[6:]
        c.drop_frame("access", "drop-icmpv6-bad", arriving("access", raw))


@case(
    "The header that an ICMPv6 error quotes may lie; what it quotes of the packet is then no "
    "packet of ours.",
    "IC-008",
    config=ALL_ON,
)
def icmpv6_quote_lies(c):
    inner = aged(from_host(FIRST) / UDP(sport=53, dport=FIRST.port()) / DATA)
    tunnel = downstream(FIRST, inner)
    for version in (0x00, 0x40, 0x50, 0x70, 0xF0):
        quoted = bytes([version]) + tunnel[1:]
        error = about_tunnel(NO_ROUTE, quoted)
        c.drop_frame("access", "drop-icmpv6-forged", arriving("access", error))
    for first in (0x65, 0x05, 0x44, 0x40):
        quoted = tunnel[:40] + bytes([first]) + inner[1:]
        error = about_tunnel(NO_ROUTE, quoted)
        c.drop_frame("access", "drop-icmpv6-bad", arriving("access", error))


@case(
    "A quoted payload length that lies makes every MTU too large to be true.",
    "IC-008",
    "FR-005",
    config=ALL_ON,
)
def icmpv6_quoted_length_lies(c):
    inner = aged(
        from_host(FIRST, flags="DF") / UDP(sport=53, dport=FIRST.port()) / Raw(bytes(1472))
    )
    for lie in (28, 1239, 1240):
        tunnel = downstream(FIRST, inner, plen=lie)
        error = about_tunnel(PACKET_TOO_BIG, tunnel, 1280)
        c.drop_frame("access", "drop-icmpv6-forged", arriving("access", error))


@case(
    "Spoofed sources from the whole world are dropped, answered up to the rate, and harm nobody.",
    "LW-014",
    "IC-012",
    "LW-016",
    config=answering(
        internet={"icmp_errors_per_second": 1, "icmp_error_burst": 20, "icmp_errors_per_source": 9},
        access={"icmp_errors_per_second": 1, "icmp_error_burst": 10, "icmp_errors_per_source": 9},
    ),
)
def flood_from_both_sides(c):
    for number in range(300):
        host = f"198.{18 + number // 250}.{number % 250}.7"
        packet = from_host(FIRST, src=host, id=number) / UDP(sport=53, dport=1)
        c.drop_ipv4("drop-no-softwire", packet)
        if number < 20:
            c.answer(HOST_UNREACHABLE, packet)
        else:
            c.limited()
        source = f"2001:db8:bad:{number:x}::1"
        tunnel = tunnelled(source, FIRST.br, to_host(WHOLE, id=number) / UDP(sport=1, dport=53))
        c.drop_ipv6("drop-wrong-b4", tunnel)
        if number < 10:
            c.answer_ipv6(FAILED_POLICY, tunnel)
        else:
            c.limited()
        if number % 10 == 0:
            c.encap(SECOND, from_host(SECOND, id=number) / UDP(sport=53, dport=SECOND.port()))
            c.decap(SECOND, to_host(SECOND, id=number) / UDP(sport=SECOND.port(), dport=53))


@case(
    "Traceroutes in a loop get their share of answers, and packets pass between them.",
    "IC-012",
    "TN-013",
    config=answering(access={"icmp_errors_per_source": 3}),
)
def flood_of_expired_packets(c):
    for number in range(50):
        packet = to_host(FIRST, ttl=1, id=number) / UDP(sport=FIRST.port(), dport=33434 + number)
        tunnel = upstream(FIRST, packet)
        c.drop_ipv6("drop-ttl-expired", tunnel)
        if number < 3:
            c.answer_b4(TTL_EXPIRED, tunnel)
        else:
            c.limited()
        c.decap(FIRST, to_host(FIRST, id=number) / UDP(sport=FIRST.port(), dport=33434))


@case(
    "Rose: first and last fragments without a middle are held, forwarded once, and time out.",
    "FR-008",
    "FR-012",
    "FR-010",
    config={
        "access": {"reassembly": {"max_packets": 4}},
        "internet": {"fragment_cache": {"max_packets": 4}},
    },
)
def first_and_last_without_a_middle(c):
    packet = upstream(FIRST, to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / Raw(bytes(872)))
    kept = []
    for number in range(20):
        first, _, last = ipv6_pieces(packet, 304, 608, identification=number)
        kept.append((first, last))
        c.hold("access", first, last)
        header = from_host(FIRST, id=number)
        whole = header / UDP(sport=53, dport=FIRST.port()) / Raw(bytes(872))
        c.encap(FIRST, ipv4_piece(whole, 0, 304))
        c.encap(FIRST, ipv4_piece(whole, 608))
    for number, pieces in enumerate(kept):
        reason = "drop-ipv6-fragment-no-room" if number < 16 else "drop-ipv6-fragment-timeout"
        c.drop_pieces(reason, *pieces)


@case(
    "Teardrop: pieces within pieces, at every distance, make no packet.",
    "FR-008",
    "T-27",
)
def teardrop(c):
    packet = upstream(FIRST, to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / Raw(bytes(372)))
    number = 0
    for start in (24, 40, 64, 200):
        for octets in (8, 24, 96):
            identified = {"identification": number}
            first = ipv6_piece(packet, 0, 208, **identified)
            within = ipv6_piece(packet, start, start + octets, **identified)
            c.hold("access", first)
            c.drop_pieces("drop-ipv6-fragment-overlap", first, within)
            number += 1


@case(
    "Ping of death: an echo in pieces that would be larger than a packet can be.",
    "FR-008",
    config=ALL_ON,
)
def ping_of_death(c):
    packet = upstream(FIRST, echo(to_host(FIRST), FIRST.port()))
    first = ipv6_piece(packet, 0, 48, more=True)
    c.hold("access", first)
    beyond = ipv6_piece(packet, 0, data=bytes(800), offset=65000, more=False)
    c.drop_pieces("drop-ipv6-fragment-too-long", beyond)
    c.answer_ipv6((4, 0), beyond, 42)
    c.drop_pieces("drop-ipv6-fragment-timeout", first)
    c.answer_ipv6((3, 1), first)


@case(
    "The port of a later fragment is no port, whatever its octets look like.",
    "FR-011",
    "FR-013",
    "LW-013",
)
def later_fragments_that_look_like_firsts(c):
    for number, port in enumerate((FIRST.port(), SECOND.port(), 1)):
        udp = bytes(UDP(sport=port, dport=port) / DATA)
        fields = {"id": number, "proto": 17, "frag": 3}
        packet = from_host(FIRST, **fields) / Raw(udp)
        c.drop_ipv4_fragment("drop-ipv4-fragment-timeout", packet)
        packet = to_host(FIRST, **fields) / Raw(udp)
        c.drop_ipv6("drop-ipv4-fragment-timeout", upstream(FIRST, packet))


@case(
    "A fragment whose offset and length go beyond 65535 is forwarded like any: its receiver "
    "judges.",
    "FR-011",
    "FR-013",
)
def ipv4_fragments_beyond_65535(c):
    fields = {"id": 1, "proto": 17}
    udp = UDP(sport=FIRST.port(), dport=FIRST.port(), len=65535, chksum=0) / Raw(bytes(16))
    c.encap(FIRST, from_host(FIRST, flags="MF", **fields) / Raw(bytes(udp)))
    c.encap(FIRST, from_host(FIRST, frag=8191, **fields) / Raw(bytes(600)))
    c.decap(FIRST, to_host(FIRST, flags="MF", **fields) / Raw(bytes(udp)))
    c.decap(FIRST, to_host(FIRST, frag=8191, **fields) / Raw(bytes(600)))


@case(
    "An ICMPv4 error that quotes itself, or lies about lengths, is read within its bounds.",
    "IC-004",
    "IC-018",
)
def icmpv4_quote_lies(c):
    quoted = bytes(to_host(FIRST, ttl=1) / UDP(sport=FIRST.port(), dport=53))
    # The message ends within the quoted header by IPv4 total length, though octets follow.
    error = bytearray(bytes(icmpv4(from_host(FIRST), (3, 3), quoted)))
    for length in (20 + 8, 20 + 8 + 19, 20 + 8 + 23):
        error[2:4] = length.to_bytes(2, "big")
        cut = with_checksum(bytes(error))
        c.drop_ipv4("drop-icmpv4-bad", cut, octets=length)
    for words in (1, 2, 3, 4, 5):
        c.drop_ipv4("drop-icmpv4-bad", icmpv4(from_host(FIRST), (11, 0), quoted, words << 16))


@case(
    "Noise behind a good tunnel header, or in place of everything, is dropped and nothing else.",
    "LW-020",
    "IC-013",
    config=ALL_ON,
)
def noise(c):
    dice = random.Random(7596)
    for _ in range(100):
        octets = bytearray(dice.randbytes(dice.randrange(20, 200)))
        octets[0] = dice.choice((0x00, 0x15, 0x35, 0x55, 0x65, 0xF5))
        c.drop_ipv4("drop-ipv4-bad-header", bytes(octets))
        c.drop_ipv6("drop-ipv4-bad-header", upstream(FIRST, bytes(octets), tc=0))
    for _ in range(100):
        octets = dice.randbytes(dice.randrange(8, 200))
        error = bytearray(icmpv6(ROUTER6, FIRST.br, NO_ROUTE, octets))
        error[42:44] = (int.from_bytes(error[42:44], "big") ^ dice.randrange(1, 0xFFFF)).to_bytes(
            2, "big"
        )
        c.drop_frame("access", "drop-icmpv6-bad", arriving("access", bytes(error)))


@case(
    "Errors that are forged for every port of an address find only the one that is true.",
    "IC-005",
    "IC-008",
    config=ALL_ON,
)
def forged_for_every_port(c):
    for port in range(FIRST.port() - 40, FIRST.port()):
        quoted = to_host(FIRST, dst=HOST) / UDP(sport=port, dport=53)
        c.drop_ipv4("drop-no-softwire", icmpv4(from_host(FIRST, src="203.0.113.9"), (3, 3), quoted))
        inner = aged(from_host(FIRST) / UDP(sport=53, dport=port))
        error = about_tunnel(NO_ROUTE, downstream(FIRST, inner), source=STRANGER)
        c.drop_frame("access", "drop-icmpv6-forged", arriving("access", error))
    quoted = to_host(FIRST, dst=HOST) / UDP(sport=FIRST.port(), dport=53)
    c.encap(FIRST, icmpv4(from_host(FIRST, src="203.0.113.9"), (3, 3), quoted))


@case(
    "The receiver of an answer is who sent, never who is named in the packet.",
    "IC-019",
    "TN-045",
    config=ALL_ON,
)
def answers_go_where_packets_came_from(c):
    tunnel = tunnelled(STRANGER, FIRST.br, to_host(OFFSET) / UDP(sport=OFFSET.port(), dport=53))
    c.drop_ipv6("drop-wrong-b4", tunnel)
    c.answer_ipv6(FAILED_POLICY, tunnel)
    tunnel = tunnelled(STRANGER, FIRST.br, to_host(OFFSET) / UDP(sport=1, dport=53))
    c.drop_ipv6("drop-unbound-source", tunnel)
    c.answer_ipv6(FAILED_POLICY, tunnel)
