"""From a lwB4 to the Internet: the source check, decapsulation (LW-013, LW-014)."""

from scapy.layers.inet import IP, TCP, UDP, IPOption_NOP, IPOption_RR
from scapy.layers.inet6 import (
    HBHOptUnknown,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
)
from scapy.packet import Raw

from case import case
from errors import answering
from network import (
    DATA,
    FAR,
    FIRST,
    HOST,
    INTERFACE6,
    OFFSET,
    SECOND,
    STRANGER,
    WHOLE,
    arriving,
    to_host,
    tunnelled,
    upstream,
)
from transport import echo, every_protocol


@case("A UDP packet of a lwB4 is decapsulated to the Internet.", "LW-013", "TN-013")
def decap_udp(c):
    c.decap(FIRST, to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / DATA)


@case("Every protocol with ports is checked by its source port and decapsulated.", "LW-013", "T-20")
def decap_every_protocol(c):
    for packet in every_protocol(to_host(FIRST), FIRST.port(-1), 443):
        c.decap(FIRST, packet)


@case("The owner of a whole address may send from every port.", "LW-008", "LW-013", "GM-003")
def decap_whole_address(c):
    for port in (0, 1, 1023, 1024, 65535):
        for packet in every_protocol(to_host(WHOLE), port, 443):
            c.decap(WHOLE, packet)


@case("Echo requests and replies of a lwB4 are checked by their Identifier.", "IC-006", "LW-013")
def decap_echo(c):
    for kind in ("echo-request", "echo-reply"):
        c.decap(FIRST, echo(to_host(FIRST), FIRST.port(), kind))
        c.decap(SECOND, echo(to_host(SECOND), SECOND.port(-1), kind))
        c.decap(WHOLE, echo(to_host(WHOLE), 0, kind))


@case(
    "An echo with an Identifier that nobody owns, or another lwB4, is dropped.",
    "IC-006",
    "LW-014",
)
def decap_echo_spoofed(c):
    for kind in ("echo-request", "echo-reply"):
        unowned = echo(to_host(FIRST), 0, kind)
        c.drop_ipv6("drop-unbound-source", upstream(FIRST, unowned))
        neighbours = echo(to_host(FIRST), SECOND.port(), kind)
        c.drop_ipv6("drop-wrong-b4", upstream(FIRST, neighbours))


@case("A source port outside every set of the address is dropped.", "LW-014", "GM-008", "T-20")
def unbound_port(c):
    for port in (0, FIRST.port() - 1, SECOND.port(-1) + 1, 65535):
        for packet in every_protocol(to_host(FIRST), port, 443):
            c.drop_ipv6("drop-unbound-source", upstream(FIRST, packet))


@case("A source address that no softwire has is dropped.", "LW-014", "LW-020c", "T-20")
def unbound_address(c):
    for source in ("192.0.2.3", "10.0.0.1", "8.8.8.8", HOST):
        packet = IP(src=source, dst="198.51.100.20") / UDP(sport=FIRST.port(), dport=53) / DATA
        c.drop_ipv6("drop-unbound-source", upstream(FIRST, packet))


@case(
    "A packet from the port of another lwB4 of the same address is dropped.",
    "LW-013",
    "GM-008",
    "T-20",
)
def wrong_b4_of_the_same_address(c):
    for packet in every_protocol(to_host(SECOND), SECOND.port(), 443):
        c.drop_ipv6("drop-wrong-b4", upstream(FIRST, packet))


@case(
    "A packet from the address of another lwB4 is dropped, from a whole address too.",
    "LW-013",
    "GM-008",
)
def wrong_b4_of_another_address(c):
    for owner in (WHOLE, OFFSET):
        packet = to_host(owner) / UDP(sport=owner.port(), dport=53) / DATA
        c.drop_ipv6("drop-wrong-b4", upstream(FIRST, packet))


@case("An unknown lwB4 may send from nobody's port.", "LW-014", "LW-020d", "T-20")
def unknown_b4(c):
    for owner in (FIRST, WHOLE):
        packet = to_host(owner) / UDP(sport=owner.port(), dport=53) / DATA
        c.drop_ipv6("drop-wrong-b4", tunnelled(STRANGER, owner.br, packet))


@case("B4 addresses that differ in one bit from the right one are wrong.", "LW-013")
def b4_of_one_wrong_bit(c):
    packet = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / DATA
    right = upstream(FIRST, packet)
    for bit in range(0, 128, 5):
        wrong = bytearray(right)
        wrong[8 + bit // 8] ^= 0x80 >> bit % 8
        c.drop_ipv6("drop-wrong-b4", bytes(wrong))


@case("A packet to a BR address that does not serve the softwire is dropped.", "LW-020b")
def wrong_br(c):
    packet = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / DATA
    c.drop_ipv6("drop-wrong-br", tunnelled(FIRST.b4, FAR.br, packet))
    packet = to_host(FAR) / UDP(sport=FAR.port(), dport=53) / DATA
    c.drop_ipv6("drop-wrong-br", tunnelled(FAR.b4, FIRST.br, packet))
    c.decap(FAR, packet)


@case("An IPv6 packet to an address that is no BR of ours is dropped.", "LW-020")
def not_for_us(c):
    packet = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / DATA
    for destination in ("2001:db8:af::3", "2001:db8:ac::2", INTERFACE6, "2001:db9::1"):
        frame = arriving("access", tunnelled(FIRST.b4, destination, packet))
        c.drop_frame("access", "drop-ipv6-not-for-us", frame)


BRS = [
    {**FIRST.row(), "ipv4": f"192.0.2.{10 + number}", "br": f"2001:db8:af:{number:x}::1"}
    for number in range(64)
]


@case(
    "64 softwires on 64 BR addresses: each answers only on its own.",
    "LW-020b",
    config={"softwire": {"binding": BRS}},
)
def many_brs(c):
    for number in range(64):
        mine, other = (type(FIRST)(**BRS[index]) for index in (number, (number + 1) % 64))
        packet = to_host(mine) / UDP(sport=mine.port(), dport=53) / DATA
        c.decap(mine, packet)
        c.drop_ipv6("drop-wrong-br", tunnelled(mine.b4, other.br, packet))
    stray = tunnelled(FIRST.b4, "2001:db8:af:40::1", packet)
    c.drop_frame("access", "drop-ipv6-not-for-us", arriving("access", stray))


@case("Options of the inner header are carried.", "LW-013")
def decap_options(c):
    options = [IPOption_NOP(), IPOption_RR(routers=["0.0.0.0"] * 3)]
    c.decap(FIRST, to_host(FIRST, options=options) / UDP(sport=FIRST.port(), dport=53) / DATA)
    spoofed = to_host(FIRST, options=options) / UDP(sport=SECOND.port(), dport=53) / DATA
    c.drop_ipv6("drop-wrong-b4", upstream(FIRST, spoofed))


@case("The inner length comes from the inner header, not from the padded outer payload.", "TN-007")
def outer_padding_is_trimmed(c):
    packet = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / DATA
    for padding in (1, 7, 100):
        padded = upstream(FIRST, bytes(packet) + b"\xee" * padding)
        c.decap(FIRST, packet, tunnel=padded)


@case("The padding of a short frame behind the tunnel packet is not sent on.", "TN-007")
def decap_ethernet_padding(c):
    packet = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53)
    frame = arriving("access", upstream(FIRST, packet)).ljust(128, b"\xee")
    c.decap(FIRST, packet, frame=frame)


@case("A Destination Options header before the inner packet is accepted.", "TN-005")
def destination_options(c):
    packet = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / DATA
    for options in (TUNNEL_LIMIT, PADDING):
        c.decap(
            FIRST, packet, tunnel=extended(packet, 60, IPv6ExtHdrDestOpt(nh=4, options=options))
        )


@case(
    "Several Destination Options headers in a row are gone through from left to right, up to 128 "
    "octets of them, and the softwire is checked behind the last.",
    "TN-005",
    "TN-006",
    "LW-013",
)
def destination_options_in_a_row(c):
    packet = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / DATA
    for headers in ((TUNNEL_LIMIT, PADDING), (PADDING, TUNNEL_LIMIT), (TUNNEL_LIMIT,) * 16):
        c.decap(FIRST, packet, tunnel=extended(packet, 60, in_a_row(*headers)))
    frame = arriving("access", extended(packet, 60, in_a_row(*(TUNNEL_LIMIT,) * 17)))
    c.drop_frame("access", "drop-ipv6-bad-header", frame)
    spoofed = to_host(SECOND) / UDP(sport=SECOND.port(), dport=53) / DATA
    c.drop_ipv6("drop-wrong-b4", extended(spoofed, 60, in_a_row(TUNNEL_LIMIT, PADDING)))
    for number in (0, 43, 47):
        headers = in_a_row(TUNNEL_LIMIT, PADDING, last=number)
        frame = arriving("access", extended(packet, 60, headers))
        c.drop_frame("access", "drop-ipv6-unknown-next-header", frame)


@case("The softwire of a packet with Destination Options is checked as always.", "TN-005", "LW-013")
def destination_options_spoofed(c):
    packet = to_host(SECOND) / UDP(sport=SECOND.port(), dport=53) / DATA
    options = IPv6ExtHdrDestOpt(nh=4, options=TUNNEL_LIMIT)
    c.drop_ipv6("drop-wrong-b4", extended(packet, 60, options))


@case(
    "Every other extension header and next header is dropped without an answer.",
    "LW-020",
    "TN-006",
)
def other_next_headers(c):
    packet = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / DATA
    for header, number in ((IPv6ExtHdrHopByHop(nh=4), 0), (IPv6ExtHdrRouting(nh=4), 43)):
        frame = arriving("access", extended(packet, number, header))
        c.drop_frame("access", "drop-ipv6-unknown-next-header", frame)
    for number in (6, 41, 47, 59, 132, 254):
        frame = arriving("access", upstream(FIRST, packet, nh=number))
        c.drop_frame("access", "drop-ipv6-unknown-next-header", frame)


@case(
    "Nor is there an answer to them where errors are sent.",
    "LW-020",
    "TN-006",
    "IC-012",
    config=answering(),
)
def other_next_headers_are_never_answered(c):
    other_next_headers(c)


@case("A full-size packet is decapsulated.", "TN-008")
def decap_full_size(c):
    header = to_host(FIRST, flags="DF") / UDP(sport=FIRST.port(), dport=53)
    c.decap(FIRST, header / Raw(bytes(1500 - 28)))


@case(
    "Jumbo packets are decapsulated where both links take them.",
    "TN-008",
    config={"internet": {"mtu": 9000}, "access": {"mtu": 9040}},
)
def decap_jumbo(c):
    for size in (2048, 2100, 4000, 9000):
        payload = bytes(number & 0xFF for number in range(size - 28))
        c.decap(FIRST, to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / Raw(payload))


@case("A burst of 200 packets of many lwB4s leaves in the order it came.", "LW-013")
def decap_keeps_order(c):
    softwires = (FIRST, WHOLE, SECOND, FAR, FIRST)
    for number in range(200):
        softwire = softwires[number % len(softwires)]
        packet = to_host(softwire, id=number) / TCP(sport=softwire.port(number % 7), dport=80)
        c.decap(softwire, packet / Raw(bytes(number % 64)))


@case("Traffic of both directions at once keeps its order each way.", "LW-013", "LW-017")
def both_directions(c):
    for number in range(100):
        softwire = (FIRST, SECOND, WHOLE)[number % 3]
        port = softwire.port(number % 11)
        c.decap(softwire, to_host(softwire, id=number) / UDP(sport=port, dport=53) / DATA)
        incoming = IP(src=HOST, dst=softwire.ipv4, id=number)
        c.encap(softwire, incoming / UDP(sport=53, dport=port) / DATA)


def extended(packet, number, header):
    """The tunnel packet of FIRST with an extension header."""
    return upstream(FIRST, bytes(header) + bytes(packet), nh=number, tc=0)


def in_a_row(*headers, last=4):
    """Destination Options headers, each naming the next, and `last` what follows them."""
    following = [60] * (len(headers) - 1) + [last]
    return b"".join(
        bytes(IPv6ExtHdrDestOpt(nh=number, options=options))
        for number, options in zip(following, headers)
    )


# RFC 2473 s4.1.1: type 4, length 1, limit 4; padded to eight octets.
TUNNEL_LIMIT = [HBHOptUnknown(otype=4, optdata=b"\x04"), PadN(optdata=b"\0")]
PADDING = [PadN(optdata=bytes(12))]
