"""Between two lwB4s of the same lwAFTR (LW-019, LW-020a, T-25)."""

from scapy.layers.inet import TCP, UDP
from scapy.packet import Raw

from case import case
from network import (
    DATA,
    FAR,
    FIRST,
    OFFSET,
    SECOND,
    WHOLE,
    aged,
    rewritten,
    to_host,
    upstream,
)
from transport import GRE, echo, every_protocol

OFF = {"softwire": {"hairpinning": False}}


def between(sender, receiver, **fields):
    """The IPv4 header of a packet from one subscriber to another."""
    return to_host(sender, dst=receiver.ipv4, **fields)


@case(
    "Every protocol with ports is hairpinned; the TTL goes down once for the whole way.",
    "LW-019",
    "LW-020a",
    "TN-013",
    "T-25",
)
def hairpin_every_protocol(c):
    for packet in every_protocol(between(FIRST, OFFSET), FIRST.port(), OFFSET.port()):
        c.hairpin(FIRST, OFFSET, packet)


@case("Two lwB4s that share an address reach each other.", "LW-019", "LW-020a")
def hairpin_within_an_address(c):
    packet = between(FIRST, SECOND) / UDP(sport=FIRST.port(), dport=SECOND.port()) / DATA
    c.hairpin(FIRST, SECOND, packet)
    packet = between(SECOND, FIRST) / UDP(sport=SECOND.port(), dport=FIRST.port(-1)) / DATA
    c.hairpin(SECOND, FIRST, packet)


@case("A lwB4 reaches itself by its public address.", "LW-019")
def hairpin_to_itself(c):
    packet = between(FIRST, FIRST) / UDP(sport=FIRST.port(), dport=FIRST.port(1)) / DATA
    c.hairpin(FIRST, FIRST, packet)


@case(
    "Hairpinned packets leave from the BR address of the receiver's softwire.",
    "LW-019",
    "LW-020b",
)
def hairpin_across_brs(c):
    packet = between(FIRST, FAR) / UDP(sport=FIRST.port(), dport=FAR.port()) / DATA
    c.hairpin(FIRST, FAR, packet)
    packet = between(FAR, FIRST) / UDP(sport=FAR.port(), dport=FIRST.port()) / DATA
    c.hairpin(FAR, FIRST, packet)


@case(
    "An echo request is hairpinned by its Identifier where sender and receiver both own it.",
    "LW-019",
    "IC-001",
    "IC-006",
)
def hairpin_echo(c):
    c.hairpin(FIRST, WHOLE, echo(between(FIRST, WHOLE), FIRST.port()))
    c.hairpin(WHOLE, FIRST, echo(between(WHOLE, FIRST), FIRST.port(), "echo-reply"))
    unowned = echo(between(FIRST, OFFSET), FIRST.port(10))
    c.drop_ipv6("drop-no-softwire", upstream(FIRST, unowned))


@case("The sender of a hairpinned packet is checked first.", "LW-013", "LW-019")
def hairpin_spoofed(c):
    packet = between(SECOND, OFFSET) / UDP(sport=SECOND.port(), dport=OFFSET.port()) / DATA
    c.drop_ipv6("drop-wrong-b4", upstream(FIRST, packet))
    packet = between(FIRST, OFFSET) / UDP(sport=1, dport=OFFSET.port()) / DATA
    c.drop_ipv6("drop-unbound-source", upstream(FIRST, packet))


@case(
    "A hairpinned packet to a port that nobody has is dropped, not sent to the Internet.",
    "LW-018",
    "LW-020a",
)
def hairpin_without_softwire(c):
    for port in (1, OFFSET.port() - 1):
        packet = between(FIRST, OFFSET) / UDP(sport=FIRST.port(), dport=port) / DATA
        c.drop_ipv6("drop-no-softwire", upstream(FIRST, packet))


@case("A protocol without ports is hairpinned to whole addresses only.", "AP-004", "LW-020a")
def hairpin_portless(c):
    c.hairpin(WHOLE, WHOLE, between(WHOLE, WHOLE, proto=GRE) / Raw(DATA))
    packet = between(WHOLE, FIRST, proto=GRE) / Raw(DATA)
    c.drop_ipv6("drop-no-ports", upstream(WHOLE, packet))


@case(
    "With hairpinning off such packets are dropped; the Internet is still reached.",
    "LW-019",
    "LW-020a",
    "T-25",
    config=OFF,
)
def hairpin_off(c):
    for receiver in (SECOND, OFFSET, WHOLE, FAR):
        packet = between(FIRST, receiver) / UDP(sport=FIRST.port(), dport=receiver.port())
        c.drop_ipv6("drop-hairpin-disabled", upstream(FIRST, packet))
    c.decap(FIRST, to_host(FIRST) / UDP(sport=FIRST.port(), dport=53))


@case(
    "With hairpinning off a served address stays unreachable on ports that nobody has.",
    "LW-019",
    "LW-020a",
    config=OFF,
)
def hairpin_off_without_softwire(c):
    packet = between(FIRST, OFFSET) / UDP(sport=FIRST.port(), dport=1)
    c.drop_ipv6("drop-hairpin-disabled", upstream(FIRST, packet))


@case("A TTL of 2 is enough for a hairpin, a TTL of 1 is not.", "TN-013", "LW-020a")
def hairpin_ttl(c):
    transport = UDP(sport=FIRST.port(), dport=OFFSET.port()) / DATA
    c.hairpin(FIRST, OFFSET, between(FIRST, OFFSET, ttl=2) / transport)
    for ttl in (0, 1):
        packet = between(FIRST, OFFSET, ttl=ttl) / transport
        c.drop_ipv6("drop-ttl-expired", upstream(FIRST, packet))


@case("Hairpinned and decapsulated packets of one burst keep their order.", "LW-019", "LW-020a")
def hairpin_keeps_order(c):
    receivers = (SECOND, WHOLE, OFFSET, FAR)
    for number in range(150):
        sender = (FIRST, WHOLE)[number // 3 % 2]
        receiver = receivers[number % 4]
        header = UDP(sport=sender.port(number % 5), dport=receiver.port(number % 3))
        if number % 5 == 0:
            c.decap(sender, to_host(sender, id=number) / header)
        elif number % 7 == 0:
            packet = between(sender, OFFSET, id=number) / UDP(sport=sender.port(), dport=1)
            c.drop_ipv6("drop-no-softwire", upstream(sender, packet))
        else:
            c.hairpin(sender, receiver, between(sender, receiver, id=number) / header)


@case(
    "DSCP and ECN cross both tunnels of a hairpin: out by the egress table, in by copy.",
    "EC-001",
    "EC-002",
    "EC-003",
    "LW-020a",
)
def hairpin_traffic_class(c):
    header = UDP(sport=FIRST.port(), dport=OFFSET.port()) / DATA
    packet = between(FIRST, OFFSET, tos=0b000000_10) / header
    tunnel = upstream(FIRST, packet, tc=0b101110_11)
    out = rewritten(aged(packet), tos=0b101110_11)
    c.hairpin(FIRST, OFFSET, packet, tunnel=tunnel, inside=out)
    not_capable = between(FIRST, OFFSET) / header
    c.drop_ipv6("drop-ecn-not-capable", upstream(FIRST, not_capable, tc=0b11))


@case("Padding behind a hairpinned packet stays behind.", "TN-007", "LW-020a")
def hairpin_padding(c):
    packet = between(FIRST, OFFSET) / TCP(sport=FIRST.port(), dport=OFFSET.port())
    c.hairpin(FIRST, OFFSET, packet, tunnel=upstream(FIRST, bytes(packet) + bytes(21)))
