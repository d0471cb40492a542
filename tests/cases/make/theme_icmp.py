"""ICMPv4 errors through the softwire, by the packet they quote (IC-002…006, T-23, T-24)."""

from scapy.layers.inet import IP, TCP, UDP, IPOption_NOP, IPOption_RR
from scapy.packet import Raw

from case import case
from errors import icmpv4, message
from network import (
    DATA,
    FAR,
    FIRST,
    HOST,
    OFFSET,
    SECOND,
    WHOLE,
    arriving,
    from_host,
    to_host,
    tunnelled,
    upstream,
    with_checksum,
)
from transport import ESP, GRE, echo, every_protocol, icmp

ERRORS = [(3, code) for code in range(16)] + [(4, 0), (11, 0), (11, 1), (12, 0), (12, 1)]
UNREACHABLE = (3, 3)
OPTIONS = [IPOption_NOP(), IPOption_RR(routers=["0.0.0.0"] * 3)]


def sent(softwire=FIRST, **fields):
    """A packet that the subscriber has sent, as an error from the Internet quotes it."""
    header = to_host(softwire, **{"ttl": 1, **fields})
    return bytes(header / UDP(sport=softwire.port(), dport=53) / DATA)


def received(softwire=FIRST, **fields):
    """A packet that the subscriber has got, as its own error quotes it."""
    header = from_host(softwire, **{"ttl": 1, **fields})
    return bytes(header / UDP(sport=53, dport=softwire.port()) / DATA)


def error_down(quoted, softwire=FIRST, kind=UNREACHABLE, second=0, **fields):
    """An error of a router on the Internet."""
    header = from_host(softwire, **{"src": "198.51.100.254", **fields})
    return icmpv4(header, kind, quoted, second)


def error_up(quoted, softwire=FIRST, kind=UNREACHABLE, second=0, **fields):
    """An error of the subscriber."""
    return icmpv4(to_host(softwire, **fields), kind, quoted, second)


def headless(packet, protocol, payload=DATA):
    """The IPv4 header of `packet` with another protocol and payload."""
    header = IP(bytes(packet)[:20]).copy()
    header.proto, header.len, header.chksum = protocol, None, None
    return bytes(header / Raw(payload))


@case(
    "Errors of every kind reach the lwB4 whose port the quoted packet came from.",
    "IC-002",
    "IC-015",
    "T-23",
)
def icmp_errors_down(c):
    for kind in ERRORS:
        c.encap(FIRST, error_down(sent(), kind=kind, second=1400))
    for softwire in (SECOND, OFFSET, FAR, WHOLE):
        c.encap(softwire, error_down(sent(softwire), softwire))


@case(
    "Errors of every kind leave the lwB4 to whose port the quoted packet went.",
    "IC-006",
    "T-24",
)
def icmp_errors_up(c):
    for kind in ERRORS:
        c.decap(FIRST, error_up(received(), kind=kind, second=1400))
    for softwire in (SECOND, OFFSET, FAR, WHOLE):
        c.decap(softwire, error_up(received(softwire), softwire))


@case("A redirect goes through no tunnel, either way.", "IC-003", "IC-006")
def redirects(c):
    for code in range(4):
        for softwire in (FIRST, WHOLE):
            c.drop_icmpv4(
                "drop-icmpv4-policy", error_down(sent(softwire), softwire, (5, code), 0xCB007101)
            )
            packet = error_up(received(softwire), softwire, (5, code), 0xCB007101)
            c.drop_ipv6("drop-icmpv4-policy", upstream(softwire, packet))


@case("Other ICMP messages of lwB4s are kept in, of whole addresses too.", "IC-003", "IC-006")
def other_icmp_up(c):
    for kind in (1, 2, 6, 9, 10, 13, 14, 15, 16, 17, 18, 30, 40, 42, 43, 255):
        for softwire in (FIRST, WHOLE):
            packet = icmp(to_host(softwire), kind)
            c.drop_ipv6("drop-icmpv4-policy", upstream(softwire, packet))


@case(
    "The quoted packet may be of any protocol with ports, and may be cut right behind them.",
    "IC-002",
    "IC-006",
)
def quoted_protocols(c):
    for packet in every_protocol(to_host(FIRST, ttl=1), FIRST.port(-1), 443):
        for octets in (24, 28, len(packet)):
            c.encap(FIRST, error_down(bytes(packet)[:octets]))
    for packet in every_protocol(from_host(FIRST, ttl=1), 443, FIRST.port(-1)):
        for octets in (24, 28, len(packet)):
            c.decap(FIRST, error_up(bytes(packet)[:octets]))


@case(
    "Options of the quoted packet are stepped over.",
    "IC-004",
    "T-23",
)
def quoted_options(c):
    full = [IPOption_RR(routers=["0.0.0.0"] * 9)]
    for options in (OPTIONS, full):
        c.encap(FIRST, error_down(sent(options=options)))
        c.decap(FIRST, error_up(received(options=options)))
        header = len(sent(options=options)) - 8 - len(DATA)
        c.encap(FIRST, error_down(sent(options=options)[: header + 4]))
        c.decap(FIRST, error_up(received(options=options)[: header + 4]))
        c.encap(FIRST, error_down(sent(), options=options))
        c.decap(FIRST, error_up(received(), options=options))


@case(
    "A quoted echo is found by its Identifier, request or reply.",
    "IC-005",
    "IC-006",
    "T-23",
)
def quoted_echo(c):
    for kind in ("echo-request", "echo-reply"):
        for softwire in (FIRST, SECOND, WHOLE):
            port = softwire.port(-1)
            quoted = bytes(echo(to_host(softwire, ttl=1), port, kind))[:28]
            c.encap(softwire, error_down(quoted, softwire, (11, 0)))
            quoted = bytes(echo(from_host(softwire, ttl=1), port, kind))[:28]
            c.decap(softwire, error_up(quoted, softwire, (11, 0)))
        unowned = bytes(echo(to_host(FIRST), 1, kind))[:28]
        c.drop_ipv4("drop-no-softwire", error_down(unowned))
        unowned = bytes(echo(from_host(FIRST), 1, kind))[:28]
        c.drop_ipv6("drop-unbound-source", upstream(FIRST, error_up(unowned)))


@case(
    "An error about an error is never forwarded; about other ICMP neither.",
    "IC-005",
    "IC-012",
)
def quoted_icmp(c):
    for kind in ERRORS + [(5, 1)]:
        for softwire in (FIRST, WHOLE):
            quoted = bytes(error_up(received(softwire), softwire, kind))
            c.drop_ipv4("drop-icmpv4-forged", error_down(quoted, softwire))
            quoted = bytes(error_down(sent(softwire), softwire, kind))
            c.drop_ipv6("drop-icmpv4-forged", upstream(softwire, error_up(quoted, softwire)))
    for kind in (9, 13, 17, 42):
        for softwire in (FIRST, WHOLE):
            quoted = bytes(icmp(to_host(softwire), kind))
            c.drop_icmpv4("drop-icmpv4-policy", error_down(quoted, softwire))
            quoted = bytes(icmp(from_host(softwire), kind))
            c.drop_ipv6("drop-icmpv4-policy", upstream(softwire, error_up(quoted, softwire)))


@case(
    "A quoted fragment that is not the first has no port: whole addresses alone get the error.",
    "IC-005",
    "FR-011",
    "FR-013",
    "T-23",
)
def quoted_fragments(c):
    for frag, flags in ((1, 0), (185, "MF"), (370, 0)):
        later = {"frag": frag, "flags": flags}
        c.encap(WHOLE, error_down(sent(WHOLE, **later), WHOLE))
        c.drop_ipv4("drop-no-ports", error_down(sent(**later)))
        nobody = {"src": "192.0.2.3", **later}
        c.drop_ipv4("drop-no-softwire", error_down(sent(**nobody), dst="192.0.2.3"))
        c.decap(WHOLE, error_up(received(WHOLE, **later), WHOLE))
        c.drop_ipv6("drop-no-ports", upstream(FIRST, error_up(received(**later))))
        packet = error_up(received(WHOLE, **later), WHOLE)
        c.drop_ipv6("drop-wrong-b4", upstream(FIRST, packet))
    c.encap(FIRST, error_down(sent(flags="MF")))
    c.decap(FIRST, error_up(received(flags="MF")))


@case(
    "A quoted protocol without ports belongs to whole addresses only.",
    "IC-002",
    "AP-004",
)
def quoted_portless(c):
    for protocol in (GRE, ESP, 41, 255):
        c.encap(WHOLE, error_down(headless(sent(WHOLE), protocol), WHOLE))
        c.drop_ipv4("drop-no-ports", error_down(headless(sent(), protocol)))
        c.decap(WHOLE, error_up(headless(received(WHOLE), protocol), WHOLE))
        packet = error_up(headless(received(), protocol))
        c.drop_ipv6("drop-no-ports", upstream(FIRST, packet))
    c.encap(WHOLE, error_down(headless(sent(WHOLE), GRE, b""), WHOLE))
    c.decap(WHOLE, error_up(headless(received(WHOLE), GRE, b""), WHOLE))


@case(
    "An error to who has not sent the quoted packet is forged.",
    "IC-005",
    "IC-006",
)
def quoted_from_another(c):
    for other in ("192.0.2.128", "192.0.2.3", HOST, "192.0.2.0", "0.0.0.0"):
        c.drop_ipv4("drop-icmpv4-forged", error_down(sent(src=other)))
        packet = error_up(received(dst=other))
        c.drop_ipv6("drop-icmpv4-forged", upstream(FIRST, packet))
    for softwire in (FIRST, WHOLE):
        # What it got quoted as if it had sent it, and the other way round.
        c.drop_ipv4("drop-icmpv4-forged", error_down(received(softwire), softwire))
        c.drop_ipv6("drop-icmpv4-forged", upstream(softwire, error_up(sent(softwire), softwire)))


@case(
    "An error about a port that nobody has finds nobody.",
    "IC-002",
    "IC-006",
    "LW-014",
)
def quoted_unowned_port(c):
    for port in (0, FIRST.port() - 1, SECOND.port(-1) + 1, 65535):
        quoted = to_host(FIRST) / UDP(sport=port, dport=FIRST.port())
        c.drop_ipv4("drop-no-softwire", error_down(quoted))
        quoted = from_host(FIRST) / UDP(sport=FIRST.port(), dport=port)
        c.drop_ipv6("drop-unbound-source", upstream(FIRST, error_up(quoted)))
    quoted = sent(src="192.0.2.3")
    c.drop_ipv4("drop-no-softwire", error_down(quoted, dst="192.0.2.3"))
    packet = error_up(received(dst="192.0.2.3"), src="192.0.2.3")
    c.drop_ipv6("drop-unbound-source", upstream(FIRST, packet))


@case(
    "An error of a lwB4 about another's packet is dropped, and one to the wrong BR address.",
    "IC-006",
    "LW-013",
    "LW-020b",
)
def icmp_errors_up_spoofed(c):
    for other in (SECOND, WHOLE, OFFSET):
        packet = error_up(received(other), other)
        c.drop_ipv6("drop-wrong-b4", upstream(FIRST, packet))
    c.drop_ipv6("drop-wrong-br", tunnelled(FIRST.b4, FAR.br, error_up(received())))


@case("A wrong ICMP checksum of an error is a drop, whichever bit is wrong.", "IC-004", "T-23")
def icmp_checksum(c):
    for bit in range(0, 8 * (8 + len(sent())), 7):
        for packet, drop in (
            (error_down(sent()), lambda raw: c.drop_ipv4("drop-icmpv4-bad", raw)),
            (
                error_up(received()),
                lambda raw: c.drop_ipv6("drop-icmpv4-bad", upstream(FIRST, raw)),
            ),
        ):
            if bit >= 8:
                raw = bytearray(bytes(packet))
                raw[20 + bit // 8] ^= 0x80 >> bit % 8
                drop(bytes(raw))


@case(
    "A quoted header that does not sum up, is no IPv4 or has an impossible IHL is a drop.",
    "IC-004",
    "T-23",
)
def quoted_header(c):
    for spoil in (
        lambda raw: raw[:8] + b"\x02" + raw[9:],
        lambda raw: raw[:10] + b"\0\0" + raw[12:],
        lambda raw: with_checksum(b"\x65" + raw[1:]),
        lambda raw: with_checksum(b"\x05" + raw[1:]),
        lambda raw: b"\x44" + raw[1:],
        lambda raw: b"\x40" + raw[1:],
        lambda raw: (b"\x4f" + raw[1:])[:60],
        lambda raw: with_checksum((b"\x4f" + raw[1:] + bytes(60))[:60])[:59],
    ):
        c.drop_ipv4("drop-icmpv4-bad", error_down(spoil(sent())))
        c.drop_ipv6("drop-icmpv4-bad", upstream(FIRST, error_up(spoil(received()))))


@case(
    "The checksum of a quoted transport header is never looked at.",
    "IC-004",
)
def quoted_transport_checksum(c):
    for check in (0, 1, 0xBAD, 0xFFFF):
        udp = UDP(sport=FIRST.port(), dport=53, chksum=check) / DATA
        c.encap(FIRST, error_down(to_host(FIRST) / udp))
        tcp = TCP(sport=80, dport=FIRST.port(), chksum=check) / DATA
        c.decap(FIRST, error_up(from_host(FIRST) / tcp))


@case(
    "The quoted total length may be more than is quoted, and is not compared with it.",
    "IC-002",
    "IC-004",
)
def quoted_length(c):
    for length in (28, 61, 1500, 65535):
        c.encap(FIRST, error_down(sent(len=length)))
        c.decap(FIRST, error_up(received(len=length)))


@case("An error from the Internet, its message cut after every octet.", "IC-004", "IC-002")
def truncated_icmp_error_down(c):
    whole = message(UNREACHABLE, sent())
    for octets in range(1, len(whole) + 1):
        cut(c, octets, from_host(FIRST), sent(), c.encap, c.drop_ipv4)


@case("An error of a lwB4, its message cut after every octet.", "IC-004", "IC-006")
def truncated_icmp_error_up(c):
    def drop(reason, packet):
        c.drop_ipv6(reason, upstream(FIRST, packet))

    whole = message(UNREACHABLE, received())
    for octets in range(1, len(whole) + 1):
        cut(c, octets, to_host(FIRST), received(), c.decap, drop)


def cut(c, octets, header, quoted, forward, drop):
    """An error of so many octets, with the checksum that goes with what is left."""
    header.proto = 1
    if octets < 8:
        packet = header / Raw(message(UNREACHABLE, b"")[:octets])
    else:
        packet = icmpv4(header, UNREACHABLE, quoted[: octets - 8])
    if octets < 8 + 20 + 4:
        drop("drop-icmpv4-bad", packet)
    else:
        forward(FIRST, packet)


@case(
    "A quoted packet with options, or a quoted echo, cut before its port or Identifier.",
    "IC-004",
    "IC-005",
)
def truncated_quotes(c):
    for quoted, needed, enough in (
        (sent(options=OPTIONS), 20 + 16 + 4, 20 + 16 + 4),
        (bytes(echo(to_host(FIRST), FIRST.port())), 20 + 6, 20 + 8),
    ):
        for octets in (20, 21, needed - 5, needed - 2, needed - 1):
            c.drop_ipv4("drop-icmpv4-bad", error_down(quoted[:octets]))
        c.encap(FIRST, error_down(quoted[:enough]))


@case(
    "The quoted packet ends where the length of RFC 4884 says; what follows passes untouched.",
    "IC-004",
    "IC-018",
)
def quoted_with_extensions(c):
    # RFC 4884 s7: version 2, an object of eight octets; its checksum is nobody's business here.
    extension = bytes.fromhex("20000000000801010001f0f1")
    for kind in ((3, 1), (11, 0), (12, 0)):
        for words in (0, 6, 7, 32):
            quoted = (sent() + bytes(128))[: max(4 * words, 128)] + extension
            c.encap(FIRST, error_down(quoted, kind=kind, second=words << 16))
            quoted = (received() + bytes(128))[: max(4 * words, 128)] + extension
            c.decap(FIRST, error_up(quoted, kind=kind, second=words << 16))
        for words in (1, 4, 5):
            c.drop_ipv4("drop-icmpv4-bad", error_down(sent(), kind=kind, second=words << 16))
            packet = error_up(received(), kind=kind, second=words << 16)
            c.drop_ipv6("drop-icmpv4-bad", upstream(FIRST, packet))
    # Source quench has no such length.
    c.encap(FIRST, error_down(sent(), kind=(4, 0), second=1 << 16))


@case(
    "The length of RFC 4884 may be beyond the message: it then ends nothing.",
    "IC-018",
)
def quoted_beyond_the_message(c):
    for words in (30, 128, 255):
        c.encap(FIRST, error_down(sent(), second=words << 16))
        c.decap(FIRST, error_up(received(), second=words << 16))


@case("The padding of Ethernet and of the tunnel is no part of an error.", "TN-007", "IC-004")
def padded_icmp_errors(c):
    packet = error_down(sent()[:24])
    c.encap(FIRST, packet, frame=arriving("internet", packet) + b"\xee" * 30)
    short = error_down(sent()[:23])
    frame = arriving("internet", short) + sent()[23:] + bytes(9)
    c.drop_ipv4("drop-icmpv4-bad", short, frame=frame)
    packet = error_up(received()[:24])
    c.decap(FIRST, packet, tunnel=upstream(FIRST, bytes(packet) + b"\xee" * 7))
    short = error_up(received()[:23])
    c.drop_ipv6("drop-icmpv4-bad", upstream(FIRST, bytes(short) + received()[23:]))


@case(
    "TTL, ToS and size of an error are those of any packet.",
    "TN-013",
    "EC-001",
    "IC-002",
)
def icmp_errors_are_packets(c):
    c.encap(FIRST, error_down(sent(), ttl=2, tos=0xC0))
    c.drop_ipv4("drop-ttl-expired", error_down(sent(), ttl=1))
    c.decap(FIRST, error_up(received(), ttl=2, tos=0xC0))
    c.drop_ipv6("drop-ttl-expired", upstream(FIRST, error_up(received(), ttl=1)))
    big = bytes(to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / Raw(bytes(1444)))
    c.encap(FIRST, error_down(big, flags="DF"))
    big = bytes(from_host(FIRST) / UDP(sport=53, dport=FIRST.port()) / Raw(bytes(1444)))
    c.decap(FIRST, error_up(big, flags="DF"))


def between(sender, receiver):
    """A packet that `sender` has sent to `receiver`."""
    header = IP(src=sender.ipv4, dst=receiver.ipv4, ttl=1)
    return bytes(header / UDP(sport=sender.port(2), dport=receiver.port(3)) / DATA)


@case(
    "An error of one lwB4 about another's packet is hairpinned to the one who sent that.",
    "LW-019",
    "LW-020a",
    "IC-006",
    "IC-002",
    "T-25",
)
def hairpin_icmp_error(c):
    for sender, receiver in (
        (FIRST, OFFSET),
        (OFFSET, FIRST),
        (FIRST, SECOND),
        (SECOND, FIRST),
        (FIRST, FAR),
        (WHOLE, FIRST),
        (FIRST, FIRST),
    ):
        for kind in ((3, 3), (3, 4), (11, 1)):
            packet = error_up(between(receiver, sender), sender, kind, dst=receiver.ipv4)
            c.hairpin(sender, receiver, packet)
    for kind in ("echo-request", "echo-reply"):
        header = IP(src=WHOLE.ipv4, dst=FIRST.ipv4)
        quoted = bytes(echo(header, FIRST.port(), kind))
        packet = error_up(quoted, FIRST, (11, 0), dst=WHOLE.ipv4)
        c.hairpin(FIRST, WHOLE, packet)


@case(
    "A hairpinned error is checked at both ends: its sender's port, its receiver's packet.",
    "IC-005",
    "IC-006",
    "LW-020a",
)
def hairpin_icmp_error_spoofed(c):
    quoted = between(OFFSET, SECOND)
    packet = error_up(quoted, FIRST, dst=OFFSET.ipv4)
    c.drop_ipv6("drop-wrong-b4", upstream(FIRST, packet))
    packet = error_up(between(WHOLE, FIRST), FIRST, dst=OFFSET.ipv4)
    c.drop_ipv6("drop-icmpv4-forged", upstream(FIRST, packet))
    header = IP(src=OFFSET.ipv4, dst=FIRST.ipv4) / UDP(sport=1, dport=FIRST.port())
    c.drop_ipv6("drop-no-softwire", upstream(FIRST, error_up(header, FIRST, dst=OFFSET.ipv4)))
    header = IP(src=OFFSET.ipv4, dst=WHOLE.ipv4, proto=GRE) / Raw(DATA)
    packet = error_up(header, WHOLE, dst=OFFSET.ipv4)
    c.drop_ipv6("drop-no-ports", upstream(WHOLE, packet))


@case(
    "With hairpinning off an error to another subscriber is dropped.",
    "LW-019",
    "IC-006",
    config={"softwire": {"hairpinning": False}},
)
def hairpin_icmp_error_off(c):
    packet = error_up(between(OFFSET, FIRST), FIRST, dst=OFFSET.ipv4)
    c.drop_ipv6("drop-hairpin-disabled", upstream(FIRST, packet))
    c.decap(FIRST, error_up(received()))


@case(
    "With allow_incoming_icmp off no error comes in, but the lwB4s' own go out.",
    "IC-003",
    config={"internet": {"allow_incoming_icmp": False}},
)
def icmp_errors_not_allowed(c):
    for kind in ERRORS:
        c.drop_icmpv4("drop-icmpv4-policy", error_down(sent(), kind=kind))
        c.decap(FIRST, error_up(received(), kind=kind))
    c.hairpin(FIRST, OFFSET, error_up(between(OFFSET, FIRST), FIRST, dst=OFFSET.ipv4))
