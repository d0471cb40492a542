"""ICMPv6 errors about the tunnel, believed and relayed or not (IC-007, IC-008, T-30)."""

from scapy.layers.inet import UDP, IPOption_NOP, IPOption_RR
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, IPv6
from scapy.packet import Raw

from case import case
from errors import (
    FRAGMENTATION_NEEDED,
    HOP_LIMIT,
    HOST_UNREACHABLE,
    NO_ROUTE,
    PACKET_TOO_BIG,
    about_tunnel,
    answering,
    icmpv4,
)
from fragments import ipv6_piece, ipv6_pieces
from network import (
    DATA,
    FAR,
    FIRST,
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
)
from transport import GRE, echo, every_protocol

ALL_ON = answering()
UNREACHABLE = [(1, code) for code in (0, 1, 2, 3, 4, 5, 6, 7, 255)]


def small(softwire=FIRST, **fields):
    """A packet as it was in the tunnel."""
    return aged(from_host(softwire, **fields) / UDP(sport=53, dport=softwire.port()) / DATA)


def large(softwire=FIRST, octets=1500, **fields):
    """A packet as it was in the tunnel, of this size, that may not be fragmented."""
    header = from_host(softwire, **{"flags": "DF", **fields})
    udp = UDP(sport=53, dport=softwire.port())
    return aged(header / udp / Raw(bytes(number & 0xFF for number in range(octets - 28))))


def unreachable(c, inner, softwire=FIRST, kind=NO_ROUTE, **fields):
    """An error about `inner` in the tunnel of `softwire` is relayed as host unreachable."""
    c.hear(about_tunnel(kind, downstream(softwire, inner), **fields))
    c.answer(HOST_UNREACHABLE, inner)


def ignored(c, reason, error):
    """An ICMPv6 error is a drop of its own kind."""
    c.drop_frame("access", reason, arriving("access", error))


def forged(c, tunnel, kind=NO_ROUTE, **fields):
    """An error that quotes `tunnel` is not believed."""
    ignored(c, "drop-icmpv6-forged", about_tunnel(kind, tunnel, **fields))


@case(
    "Unreachable of every code and a hop limit exceeded are relayed to the sender as host "
    "unreachable.",
    "IC-007",
    "IC-009",
    "IC-013",
    config=ALL_ON,
)
def icmpv6_unreachable(c):
    for kind in (*UNREACHABLE, HOP_LIMIT):
        unreachable(c, small(), kind=kind)
    for softwire in (SECOND, OFFSET, WHOLE, FAR):
        unreachable(c, small(softwire), softwire)


@case(
    "The error may come from any router, from the lwB4 itself, from any address at all.",
    "IC-007",
    config=ALL_ON,
)
def icmpv6_from_anybody(c):
    for source in (FIRST.b4, STRANGER, "2001:db8:ac::fe", "fe80::1", SECOND.b4):
        unreachable(c, small(), source=source)


@case(
    "A packet too big is relayed as fragmentation needed, 40 octets less, if the packet had DF.",
    "IC-007",
    "IC-014",
    "T-30",
    config=answering(softwire={"path_mtu_discovery": False}),
)
def icmpv6_packet_too_big(c):
    for mtu in (1280, 1281, 1400, 1500, 1539):
        c.hear(about_tunnel(PACKET_TOO_BIG, downstream(FIRST, large()), mtu))
        c.answer(FRAGMENTATION_NEEDED, large(), mtu=mtu - 40)


@case(
    "A packet too big is heard but not relayed if the packet may be fragmented.",
    "IC-007",
    "FR-002",
    config=ALL_ON,
)
def icmpv6_packet_too_big_without_df(c):
    for flags in (0, "evil"):
        c.hear(about_tunnel(PACKET_TOO_BIG, downstream(FIRST, large(flags=flags)), 1400))


@case(
    "A packet too big below 1280, or for a packet that would have fitted, is forged.",
    "FR-005",
    "IC-008",
    "T-30",
    config=ALL_ON,
)
def icmpv6_impossible_mtu(c):
    for mtu in (0, 1, 40, 60, 68, 576, 1279):
        forged(c, downstream(FIRST, large()), PACKET_TOO_BIG, second=mtu)
    for mtu in (1540, 1541, 9000, 65535, 65536, 0xFFFFFFFF):
        forged(c, downstream(FIRST, large()), PACKET_TOO_BIG, second=mtu)
    forged(c, downstream(FIRST, small()), PACKET_TOO_BIG, second=1280)
    forged(c, downstream(FIRST, large(octets=1240)), PACKET_TOO_BIG, second=1280)
    c.hear(about_tunnel(PACKET_TOO_BIG, downstream(FIRST, large(octets=1241)), 1280))
    c.answer(FRAGMENTATION_NEEDED, large(octets=1241), mtu=1240)


@case(
    "Every other ICMPv6 error says nothing to the sender.",
    "IC-007",
    "IC-008",
    config=ALL_ON,
)
def icmpv6_not_relayed(c):
    others = [(3, 1), (3, 2), (4, 0), (4, 1), (4, 2), (4, 3), (2, 1), (0, 0), (5, 0)]
    for kind in (*others, (99, 0), (100, 0), (101, 0), (127, 0)):
        ignored(c, "drop-icmpv6-not-relayed", about_tunnel(kind, downstream(FIRST, large()), 1400))


@case(
    "An error that quotes no packet of a softwire of ours is forged.",
    "IC-008",
    "T-30",
    config=ALL_ON,
)
def icmpv6_forged(c):
    for kind, second in ((NO_ROUTE, 0), (HOP_LIMIT, 0), (PACKET_TOO_BIG, 1400)):
        inner = large()
        for quoted in (
            tunnelled(FIRST.br, STRANGER, inner),
            tunnelled(FIRST.br, SECOND.b4, inner),
            downstream(FIRST, large(SECOND)),
            downstream(FIRST, large(WHOLE)),
            downstream(FIRST, large(dst="192.0.2.3")),
            downstream(FIRST, aged(from_host(FIRST, flags="DF") / UDP(dport=1) / bytes(1472))),
            downstream(FIRST, inner, nh=41),
            downstream(FIRST, inner, nh=17),
            downstream(FIRST, inner, nh=0),
        ):
            forged(c, quoted, kind, second=second)


@case(
    "The quoted packet must have left from the BR address that the error came to, and from the "
    "softwire's own.",
    "IC-008",
    "LW-020b",
    config=ALL_ON,
)
def icmpv6_of_another_br(c):
    for kind, second in ((NO_ROUTE, 0), (PACKET_TOO_BIG, 1400)):
        forged(c, downstream(FIRST, large()), kind, second=second, destination=FAR.br)
        forged(c, downstream(FAR, large(FAR)), kind, second=second, destination=FIRST.br)
        forged(c, tunnelled(FAR.br, FIRST.b4, large()), kind, second=second)
        upside_down = tunnelled(FIRST.b4, FIRST.br, large())
        forged(c, upside_down, kind, second=second, destination=FIRST.br)
    unreachable(c, small(FAR), FAR)


@case(
    "An error whose checksum is wrong is a drop, whichever bit is wrong.", "IC-008", config=ALL_ON
)
def icmpv6_checksum(c):
    error = about_tunnel(NO_ROUTE, downstream(FIRST, small()))
    for bit in range(8, 8 * (len(error) - 40), 11):
        raw = bytearray(error)
        raw[40 + bit // 8] ^= 0x80 >> bit % 8
        ignored(c, "drop-icmpv6-bad", bytes(raw))
    for octet in (8, 23):
        raw = bytearray(error)
        raw[octet] ^= 1
        ignored(c, "drop-icmpv6-bad", bytes(raw))


@case(
    "An ICMPv6 error, its message cut after every octet.",
    "IC-008",
    config=answering(softwire={"path_mtu_discovery": False}),
)
def truncated_icmpv6_error(c):
    for octets in range(1, 8):
        whole = about_tunnel(NO_ROUTE, b"", source=STRANGER, destination=FIRST.br)
        raw = bytearray(whole[: 40 + octets])
        raw[4:6] = octets.to_bytes(2, "big")
        ignored(c, "drop-icmpv6-bad", bytes(raw))
    tunnel = downstream(FIRST, small())
    for octets in range(len(tunnel) + 1):
        error = about_tunnel(NO_ROUTE, tunnel, octets=octets, destination=FIRST.br)
        if octets < 40 + 20 + 4:
            ignored(c, "drop-icmpv6-bad", error)
        else:
            c.hear(error)
            c.answer(HOST_UNREACHABLE, tunnel[40:octets])


@case(
    "An error about a packet with options or about an echo, cut before its port or Identifier.",
    "IC-008",
    "IC-005",
    config=ALL_ON,
)
def truncated_icmpv6_quotes(c):
    options = [IPOption_NOP(), IPOption_RR(routers=["0.0.0.0"] * 3)]
    inner = small(options=options)
    for octets in (20, 35, 36, 39):
        tunnel = downstream(FIRST, inner)
        ignored(c, "drop-icmpv6-bad", about_tunnel(NO_ROUTE, tunnel, octets=40 + octets))
    c.hear(about_tunnel(NO_ROUTE, downstream(FIRST, inner), octets=40 + 40))
    c.answer(HOST_UNREACHABLE, inner[:40])
    inner = aged(echo(from_host(FIRST), FIRST.port()))
    for octets in (20, 21, 23, 25):
        tunnel = downstream(FIRST, inner)
        ignored(c, "drop-icmpv6-bad", about_tunnel(NO_ROUTE, tunnel, octets=40 + octets))
    c.hear(about_tunnel(NO_ROUTE, downstream(FIRST, inner), octets=40 + 28))
    c.answer(HOST_UNREACHABLE, inner[:28])


@case(
    "Errors about packets of every protocol are relayed, of protocols without ports to whole "
    "addresses too.",
    "IC-007",
    "AP-004",
    config=ALL_ON,
)
def icmpv6_about_every_protocol(c):
    for packet in every_protocol(from_host(FIRST), 443, FIRST.port(-1)):
        unreachable(c, aged(packet))
    for kind in ("echo-request", "echo-reply"):
        unreachable(c, aged(echo(from_host(FIRST), FIRST.port(), kind)))
        forged(c, downstream(FIRST, aged(echo(from_host(FIRST), 1, kind))))
    unreachable(c, aged(from_host(WHOLE, proto=GRE) / Raw(DATA)), WHOLE)
    forged(c, downstream(FIRST, aged(from_host(FIRST, proto=GRE) / Raw(DATA))))


@case(
    "A relayed error quotes what the ICMPv6 error carried of the packet, at most 576 octets in "
    "all, with its options, its ToS in the error's own.",
    "IC-007",
    "IC-013",
    config=ALL_ON,
)
def icmpv6_relay_quotes(c):
    for octets in (28, 547, 548, 549, 1200, 1500):
        unreachable(c, large(octets=octets))
    for octets in (24, 100, 600):
        c.hear(about_tunnel(NO_ROUTE, downstream(FIRST, large()), octets=40 + octets))
        c.answer(HOST_UNREACHABLE, large()[:octets])
    for fields in ({"tos": 0xB8}, {"tos": 0x1F}, {"id": 0xBEEF}, {"ttl": 2}):
        unreachable(c, small(**fields))
    unreachable(c, small(options=[IPOption_RR(routers=["0.0.0.0"] * 9)]))


@case(
    "Padding behind the error, and within it behind the quoted packet, is not relayed.",
    "TN-007",
    "IC-007",
    config=ALL_ON,
)
def icmpv6_padding(c):
    error = about_tunnel(NO_ROUTE, downstream(FIRST, small()), octets=40 + 28)
    c.hear(error, frame=arriving("access", error) + b"\xee" * 12)
    c.answer(HOST_UNREACHABLE, small()[:28])
    padded = downstream(FIRST, small()) + b"\xee" * 20
    c.hear(about_tunnel(NO_ROUTE, padded))
    c.answer(HOST_UNREACHABLE, small())


@case(
    "An error about the first piece of a fragmented tunnel packet is relayed, about a later one "
    "not.",
    "IC-008",
    "FR-001",
    config=answering(softwire={"path_mtu_discovery": False}),
)
def icmpv6_about_pieces(c):
    inner = large(flags=0)
    pieces = ipv6_pieces(downstream(FIRST, inner), 1400)
    carried = inner[: 1280 - 40 - 8 - 48]
    for kind in (NO_ROUTE, HOP_LIMIT):
        c.hear(about_tunnel(kind, pieces[0]))
        c.answer(HOST_UNREACHABLE, carried)
        ignored(c, "drop-icmpv6-not-relayed", about_tunnel(kind, pieces[1]))
    c.hear(about_tunnel(PACKET_TOO_BIG, pieces[0], 1400))
    ignored(c, "drop-icmpv6-not-relayed", about_tunnel(PACKET_TOO_BIG, pieces[1], 1400))
    # 1400 octets and the Fragment header are what this piece has: 1448 is no less.
    forged(c, pieces[0], PACKET_TOO_BIG, second=1448)
    forged(c, ipv6_piece(downstream(FIRST, inner), 0, 1400, nh=17))


@case(
    "An error about an IPv4 fragment without a port is believed for whole addresses only, and "
    "never answered.",
    "IC-008",
    "IC-013",
    "FR-011",
    config=answering(softwire={"path_mtu_discovery": False}),
)
def icmpv6_about_ipv4_fragments(c):
    for frag, flags in ((1, 0), (185, "MF"), (370, 0)):
        later = {"frag": frag, "flags": flags}
        c.hear(about_tunnel(PACKET_TOO_BIG, downstream(WHOLE, large(WHOLE, **later)), 1400))
        quoted = downstream(WHOLE, large(WHOLE, **later))
        ignored(c, "drop-icmpv6-not-relayed", about_tunnel(NO_ROUTE, quoted))
        forged(c, downstream(FIRST, large(**later)))
        forged(c, downstream(FIRST, large(**later)), PACKET_TOO_BIG, second=1400)
    unreachable(c, small(flags="MF"))


@case(
    "An error about an ICMPv4 error is not relayed: no errors about errors.",
    "IC-012",
    "IC-008",
    config=answering(softwire={"path_mtu_discovery": False}),
)
def icmpv6_about_icmp_errors(c):
    for kind in ((3, 1), (3, 4), (4, 0), (11, 0), (12, 0)):
        quoted = to_host(FIRST, ttl=1) / UDP(sport=FIRST.port(), dport=53) / Raw(bytes(1300))
        inner = aged(icmpv4(from_host(FIRST, flags="DF"), kind, quoted))
        ignored(c, "drop-icmpv6-not-relayed", about_tunnel(NO_ROUTE, downstream(FIRST, inner)))
        c.hear(about_tunnel(PACKET_TOO_BIG, downstream(FIRST, inner), 1300))
    other = to_host(FIRST) / UDP(sport=1, dport=53)
    forged(c, downstream(FIRST, aged(icmpv4(from_host(FIRST), (3, 1), other))))


@case(
    "An error about a packet whose source is no host is not relayed.",
    "IC-012",
    "IC-013",
    config=ALL_ON,
)
def icmpv6_about_no_host(c):
    for source in ("0.0.0.0", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"):
        quoted = downstream(FIRST, small(src=source))
        ignored(c, "drop-icmpv6-not-relayed", about_tunnel(NO_ROUTE, quoted))


@case(
    "An error about a hairpinned packet goes into the tunnel of the lwB4 that sent it.",
    "IC-007",
    "LW-020a",
    "IC-019",
    config=answering(softwire={"path_mtu_discovery": False}),
)
def icmpv6_about_a_hairpin(c):
    for sender, receiver in ((FIRST, OFFSET), (WHOLE, SECOND), (FAR, FIRST), (SECOND, FIRST)):
        header = to_host(sender, dst=receiver.ipv4, flags="DF")
        udp = UDP(sport=sender.port(1), dport=receiver.port(2))
        inner = aged(header / udp / Raw(bytes(1400)))
        c.hear(about_tunnel(NO_ROUTE, downstream(receiver, inner)))
        c.answer_softwire(sender, HOST_UNREACHABLE, inner)
        c.hear(about_tunnel(PACKET_TOO_BIG, downstream(receiver, inner), 1300))
        c.answer_softwire(sender, FRAGMENTATION_NEEDED, inner, mtu=1260)


@case(
    "Relaying is off where errors are: those to the Internet on that side, those to lwB4s on the "
    "other.",
    "IC-007",
    "IC-003",
    config=answering(internet={"generate_icmp_errors": False}),
)
def icmpv6_relay_to_b4s_alone(c):
    c.hear(about_tunnel(NO_ROUTE, downstream(FIRST, small())))
    inner = aged(to_host(OFFSET, dst=FIRST.ipv4) / UDP(sport=OFFSET.port(), dport=FIRST.port()))
    c.hear(about_tunnel(NO_ROUTE, downstream(FIRST, inner)))
    c.answer_softwire(OFFSET, HOST_UNREACHABLE, inner)


@case(
    "With errors towards lwB4s off those to the Internet are relayed still.",
    "IC-007",
    "IC-003",
    config=answering(access={"generate_icmp_errors": False}),
)
def icmpv6_relay_to_the_internet_alone(c):
    unreachable(c, small())
    inner = aged(to_host(OFFSET, dst=FIRST.ipv4) / UDP(sport=OFFSET.port(), dport=FIRST.port()))
    c.hear(about_tunnel(NO_ROUTE, downstream(FIRST, inner)))


@case(
    "With all errors off an ICMPv6 error is heard, and that is all.",
    "IC-007",
)
def icmpv6_heard_without_relay(c):
    for kind in (*UNREACHABLE, HOP_LIMIT):
        c.hear(about_tunnel(kind, downstream(FIRST, small())))
    c.hear(about_tunnel(PACKET_TOO_BIG, downstream(FIRST, large()), 1400))


@case(
    "With allow_incoming_icmp off no ICMPv6 error is believed; pings are still for the control "
    "thread.",
    "IC-003",
    "IC-007",
    config=answering(access={"allow_incoming_icmp": False}),
)
def icmpv6_not_allowed(c):
    for kind in (*UNREACHABLE, HOP_LIMIT, PACKET_TOO_BIG, (4, 1), (127, 0)):
        ignored(c, "drop-icmpv6-policy", about_tunnel(kind, downstream(FIRST, large()), 1400))
    ping = IPv6(src=STRANGER, dst=FIRST.br) / ICMPv6EchoRequest(data=DATA)
    c.punt("icmp", "access", arriving("access", ping))
    pong = IPv6(src=FIRST.br, dst=STRANGER, hlim=64) / ICMPv6EchoReply(data=DATA)
    c.reply("access", bytes(pong))


@case(
    "A packet too big beyond the rate is heard, but not relayed.",
    "IC-008",
    "IC-012",
    config=answering(
        internet={"icmp_errors_per_second": 1, "icmp_error_burst": 2},
        softwire={"path_mtu_discovery": False},
    ),
)
def icmpv6_packet_too_big_beyond_the_rate(c):
    for number in range(4):
        c.hear(about_tunnel(PACKET_TOO_BIG, downstream(FIRST, large()), 1400))
        if number < 2:
            c.answer(FRAGMENTATION_NEEDED, large(), mtu=1360)
        else:
            c.limited()


@case(
    "A flood of forged errors neither is relayed nor takes from those that are.",
    "IC-008",
    "IC-012",
    config=answering(internet={"icmp_errors_per_second": 1, "icmp_error_burst": 1}),
)
def icmpv6_flood_of_forgeries(c):
    for number in range(100):
        inner = from_host(FIRST, src=f"198.51.{number}.1", id=number) / UDP(sport=53, dport=number)
        forged(c, downstream(FIRST, inner))
        forged(c, tunnelled(FIRST.br, f"2001:db8:bad:{number}::1", small()))
    unreachable(c, small())


@case(
    "An error in an atomic fragment is an error like any other.",
    "FR-009",
    "IC-007",
    config=ALL_ON,
)
def icmpv6_in_an_atomic_fragment(c):
    error = about_tunnel(NO_ROUTE, downstream(FIRST, small()))
    c.hear(error, frame=arriving("access", ipv6_piece(error, 0)))
    c.answer(HOST_UNREACHABLE, small())
