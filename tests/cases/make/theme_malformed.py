"""Packets that do not parse: each its drop reason, never more (issue "what bad input gets")."""

from scapy.layers.inet import IP, TCP, UDP, IPOption_RR
from scapy.packet import Raw

from case import case
from network import (
    DATA,
    FIRST,
    HOST,
    arriving,
    from_host,
    mac,
    neighbour,
    to_host,
    upstream,
    with_checksum,
)

DOWN = from_host(FIRST) / UDP(sport=53, dport=FIRST.port()) / DATA
UP = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / DATA
OPTIONS = [IPOption_RR(routers=["0.0.0.0"] * 2)]


@case("A packet from the Internet, cut after every octet but the last.", "LW-020")
def truncated_from_the_internet(c):
    frame = arriving("internet", DOWN)
    for octets in range(1, 14):
        c.drop_frame("internet", "drop-frame-truncated", frame[:octets])
    for octets in range(14, len(frame)):
        reason = "drop-ipv4-bad-header" if octets < 14 + 20 else "drop-ipv4-bad-length"
        c.drop_ipv4(reason, frame[14:octets], frame=frame[:octets])


@case("A packet with IPv4 options from the Internet, cut after every octet.", "LW-020")
def truncated_options(c):
    packet = bytes(from_host(FIRST, options=OPTIONS) / UDP(sport=53, dport=FIRST.port()))
    for octets in range(20, len(packet)):
        reason = "drop-ipv4-bad-header" if octets < 32 else "drop-ipv4-bad-length"
        c.drop_ipv4(reason, packet[:octets])


@case("A tunnel packet, cut after every octet but the last.", "LW-020")
def truncated_tunnel(c):
    frame = arriving("access", upstream(FIRST, UP))
    for octets in range(1, 14):
        c.drop_frame("access", "drop-frame-truncated", frame[:octets])
    for octets in range(14, len(frame)):
        c.drop_frame("access", "drop-ipv6-bad-header", frame[:octets])


@case(
    "A good tunnel header around an inner packet that is cut after every octet.",
    "LW-020",
    "TN-007",
)
def truncated_inner(c):
    inner = bytes(UP)
    for octets in range(len(inner)):
        reason = "drop-ipv4-bad-header" if octets < 20 else "drop-ipv4-bad-length"
        c.drop_ipv6(reason, upstream(FIRST, UP, plen=octets)[: 40 + octets])


@case("What the tunnel header leaves out is not read, although it arrived.", "LW-020", "TN-007")
def inner_beyond_the_outer_payload(c):
    for octets in (0, 1, 19, 20, len(UP) - 1):
        tunnel = upstream(FIRST, UP, plen=octets)
        reason = "drop-ipv4-bad-header" if octets < 20 else "drop-ipv4-bad-length"
        c.drop_ipv6(reason, tunnel, octets=40 + octets)


@case("An IPv6 payload length beyond the frame is a lie.", "LW-020")
def ipv6_length_lies(c):
    for lie in (len(UP) + 1, 1500, 65535):
        c.drop_frame(
            "access", "drop-ipv6-bad-header", arriving("access", upstream(FIRST, UP, plen=lie))
        )


@case("An IPv4 total length beyond what arrived, or below the header, is a lie.", "LW-020")
def ipv4_length_lies(c):
    for lie in (0, 19, len(DOWN) + 1, 65535):
        c.drop_ipv4("drop-ipv4-bad-length", lying(DOWN, lie))
        c.drop_ipv6("drop-ipv4-bad-length", upstream(FIRST, lying(UP, lie)))
    options = from_host(FIRST, options=OPTIONS) / UDP(sport=53, dport=FIRST.port())
    c.drop_ipv4("drop-ipv4-bad-length", lying(options, 31))


@case("A wrong IPv4 header checksum is a drop on both sides, whichever bit is wrong.", "LW-020")
def bad_checksum(c):
    for bit in range(16):
        for packet, drop in ((DOWN, down(c)), (UP, up(c))):
            raw = bytearray(bytes(packet))
            raw[10 + bit // 8] ^= 0x80 >> bit % 8
            drop("drop-ipv4-bad-checksum", bytes(raw))


@case("A header of which any field was changed under way does not sum up.", "LW-020")
def bit_errors(c):
    for octet in (1, 4, 5, 6, 7, 8, 9, *range(12, 20)):
        for packet, drop in ((DOWN, down(c)), (UP, up(c))):
            raw = bytearray(bytes(packet))
            raw[octet] ^= 0x10
            drop("drop-ipv4-bad-checksum", bytes(raw))


@case("Options are part of the checksum.", "LW-020")
def bad_checksum_in_options(c):
    for packet, drop in (
        (from_host(FIRST, options=OPTIONS) / UDP(sport=53, dport=FIRST.port()), down(c)),
        (to_host(FIRST, options=OPTIONS) / UDP(sport=FIRST.port(), dport=53), up(c)),
    ):
        raw = bytearray(bytes(packet))
        raw[30] ^= 1
        drop("drop-ipv4-bad-checksum", bytes(raw))


@case("A transport checksum is the receiver's business.", "LW-013", "LW-017")
def transport_checksum_is_not_ours(c):
    header = UDP(sport=53, dport=FIRST.port(), chksum=0xBAD)
    c.encap(FIRST, from_host(FIRST) / header / DATA)
    c.encap(FIRST, from_host(FIRST) / UDP(sport=53, dport=FIRST.port(), chksum=0) / DATA)
    c.decap(FIRST, to_host(FIRST) / TCP(sport=FIRST.port(), dport=80, chksum=0xBAD) / DATA)


@case("A version other than 4 is no IPv4, on both sides.", "LW-020")
def wrong_ipv4_version(c):
    for version in (0, 3, 5, 6, 15):
        c.drop_ipv4("drop-ipv4-bad-header", first_octet(DOWN, version << 4 | 5))
        tunnel = upstream(FIRST, first_octet(UP, version << 4 | 5))
        c.drop_ipv6("drop-ipv4-bad-header", tunnel)


@case("An IHL below five, or beyond the packet, is no header.", "LW-020")
def wrong_ihl(c):
    for ihl in range(5):
        c.drop_ipv4("drop-ipv4-bad-header", first_octet(DOWN, 0x40 | ihl))
        c.drop_ipv6("drop-ipv4-bad-header", upstream(FIRST, first_octet(UP, 0x40 | ihl)))
    short = bytes(from_host(FIRST, ihl=15, len=28, proto=17) / Raw(bytes(8)))
    c.drop_ipv4("drop-ipv4-bad-header", short)
    short = bytes(to_host(FIRST, ihl=15, len=28, proto=17) / Raw(bytes(8)))
    c.drop_ipv6("drop-ipv4-bad-header", upstream(FIRST, short))


@case("A version other than 6 is no IPv6.", "LW-020")
def wrong_ipv6_version(c):
    for version in (0, 4, 5, 7, 15):
        frame = arriving("access", first_octet(upstream(FIRST, UP), version << 4), type=0x86DD)
        c.drop_frame("access", "drop-ipv6-bad-header", frame)


@case("Frames to another MAC address, to broadcast and to groups are not forwarded.", "IC-013")
def wrong_mac(c):
    others = ("02:00:00:00:01:02", "03:00:00:00:01:01", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01")
    for destination in (*others, mac("access"), neighbour("internet")):
        frame = arriving("internet", DOWN, dst=destination)
        c.drop_frame("internet", "drop-wrong-mac", frame)
    for destination in ("02:00:00:00:02:02", mac("internet"), neighbour("access")):
        c.drop_frame(
            "access", "drop-wrong-mac", arriving("access", upstream(FIRST, UP), dst=destination)
        )


ETHERTYPES = (0x0026, 0x05DC, 0x0842, 0x8847, 0x88CC, 0xFFFF)
WRONG_SIDE = {"stick": "without tags the EtherType tells the sides apart"}


@case("EtherTypes that the Internet side does not speak are dropped.", "LW-020")
def unknown_ethertype_from_the_internet(c):
    for number in ETHERTYPES:
        frame = arriving("internet", DOWN, type=number)
        c.drop_frame("internet", "drop-unknown-ethertype", frame)


@case("EtherTypes that the access side does not speak are dropped.", "LW-020", not_in=WRONG_SIDE)
def unknown_ethertype_from_the_access_side(c):
    for number in ETHERTYPES:
        frame = arriving("access", upstream(FIRST, UP), type=number)
        c.drop_frame("access", "drop-unknown-ethertype", frame)


@case(
    "IPv6 from the Internet side and IPv4 from the access side are not spoken.",
    "LW-020",
    not_in=WRONG_SIDE,
)
def wrong_side(c):
    tunnel = upstream(FIRST, UP)
    c.drop_frame("internet", "drop-unknown-ethertype", arriving("internet", tunnel))
    c.drop_frame("access", "drop-unknown-ethertype", arriving("access", DOWN))


INVALID = (
    "0.0.0.0",
    "0.1.2.3",
    "127.0.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
)


@case("Sources that cannot be senders are dropped on both sides.", "LW-020", "IC-012")
def invalid_source(c):
    for source in INVALID:
        packet = from_host(FIRST, src=source) / UDP(sport=53, dport=FIRST.port()) / DATA
        c.drop_ipv4("drop-ipv4-invalid-source", packet)
        packet = IP(src=source, dst=HOST) / UDP(sport=FIRST.port(), dport=53) / DATA
        c.drop_ipv6("drop-ipv4-invalid-source", upstream(FIRST, packet))


@case("Destinations that nobody can have are not sent to the Internet.", "LW-020")
def invalid_destination(c):
    for destination in INVALID:
        packet = to_host(FIRST, dst=destination) / UDP(sport=FIRST.port(), dport=53) / DATA
        c.drop_ipv6("drop-ipv4-invalid-destination", upstream(FIRST, packet))


@case("Bad packets between good ones harm none of these.", "LW-020")
def bad_between_good(c):
    for number in range(60):
        c.encap(FIRST, from_host(FIRST, id=number) / UDP(sport=53, dport=FIRST.port()))
        c.drop_ipv4("drop-ipv4-bad-header", bytes(DOWN)[: number % 20])
        c.decap(FIRST, to_host(FIRST, id=number) / UDP(sport=FIRST.port(), dport=53))
        c.drop_ipv6(
            "drop-ipv4-bad-header", upstream(FIRST, bytes(UP)[: number % 20].ljust(2, b"E"))
        )


def down(c):
    """Drops a packet from the Internet."""
    return c.drop_ipv4


def up(c):
    """Drops an inner packet of FIRST."""
    return lambda reason, inner: c.drop_ipv6(reason, upstream(FIRST, inner))


def lying(packet, total_length):
    """The packet with another total length and the checksum that goes with it."""
    raw = bytearray(bytes(packet))
    raw[2:4] = total_length.to_bytes(2, "big")
    return with_checksum(raw)


def first_octet(packet, octet):
    """The packet with another version or IHL."""
    return bytes([octet]) + bytes(packet)[1:]
