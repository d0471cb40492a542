"""What other open implementations are known to get wrong, one plain statement each."""

from scapy.layers.inet import ICMP, UDP, IPOption_RR
from scapy.packet import Raw

from case import case
from errors import (
    FAILED_POLICY,
    FRAGMENTATION_NEEDED,
    HOST_UNREACHABLE,
    NO_ROUTE,
    PACKET_TOO_BIG,
    REASSEMBLY_TIME,
    TTL_EXPIRED,
    about_tunnel,
    answering,
    icmpv4,
)
from fragments import ipv6_piece
from network import (
    DATA,
    FAR,
    FIRST,
    OFFSET,
    SECOND,
    WHOLE,
    aged,
    arriving,
    downstream,
    from_host,
    rewritten,
    to_host,
    tunnelled,
    upstream,
)
from transport import GRE, echo

ALL_ON = answering()
ZERO = {**FIRST.row(), "psid": 0}


@case(
    "A ping of a shared address goes by its Identifier, not to the owner of port 0; GRE to nobody.",
    "IC-001",
    "AP-004",
    config=answering(softwire={"binding": [ZERO, SECOND.row()]}),
)
def peers_look_up_port_0(c):
    c.encap(SECOND, echo(from_host(SECOND), SECOND.port()))
    c.drop_ipv4("drop-no-softwire", echo(from_host(SECOND), SECOND.port(-1) + 1))
    packet = from_host(SECOND, proto=GRE) / Raw(bytes(32))
    c.drop_ipv4("drop-no-ports", packet)
    c.answer(HOST_UNREACHABLE, packet)


@case(
    "An error of a lwB4 is checked by the port that the quoted packet went to.",
    "IC-006",
    "T-24",
    config=ALL_ON,
)
def peers_check_the_quoted_source_port(c):
    quoted = from_host(FIRST) / UDP(sport=SECOND.port(), dport=FIRST.port()) / DATA
    c.decap(FIRST, icmpv4(to_host(FIRST), (3, 3), quoted))
    quoted = from_host(FIRST) / UDP(sport=FIRST.port(), dport=SECOND.port()) / DATA
    c.drop_ipv6("drop-wrong-b4", upstream(FIRST, icmpv4(to_host(FIRST), (3, 3), quoted)))


@case(
    "With an offset of 6 the ports 64 to 1023 are excluded, as all below 1024 are.",
    "GM-001",
    "LW-018",
    config=ALL_ON,
)
def peers_forward_excluded_ports(c):
    for port in (63, 64, 208, 211, 1023):
        packet = from_host(OFFSET) / UDP(sport=53, dport=port)
        c.drop_ipv4("drop-no-softwire", packet)
        c.answer(HOST_UNREACHABLE, packet)
        tunnel = upstream(OFFSET, to_host(OFFSET) / UDP(sport=port, dport=53))
        c.drop_ipv6("drop-unbound-source", tunnel)
        c.answer_ipv6(FAILED_POLICY, tunnel)
    c.encap(OFFSET, from_host(OFFSET) / UDP(sport=53, dport=OFFSET.port()))


@case(
    "A later fragment is neither read as if it had ports, nor answered, nor let by from a wrong "
    "source.",
    "FR-013",
    "LW-013",
    "IC-013",
    config=ALL_ON,
)
def peers_read_ports_of_later_fragments(c):
    later = {"frag": 100, "proto": 17}
    c.drop_ipv6("drop-ipv4-fragment-timeout", upstream(FIRST, to_host(FIRST, **later) / Raw(DATA)))
    c.drop_ipv6("drop-wrong-b4", upstream(FIRST, to_host(WHOLE, **later) / Raw(DATA)))


@case(
    "TTL 0 and 1 are answered in both directions, and every other loses one.",
    "TN-013",
    "IC-013",
    config=ALL_ON,
)
def peers_forward_ttl_0(c):
    for ttl in (0, 1):
        packet = from_host(FIRST, ttl=ttl) / UDP(sport=53, dport=FIRST.port())
        c.drop_ipv4("drop-ttl-expired", packet)
        c.answer(TTL_EXPIRED, packet)
        tunnel = upstream(FIRST, to_host(FIRST, ttl=ttl) / UDP(sport=FIRST.port(), dport=53))
        c.drop_ipv6("drop-ttl-expired", tunnel)
        c.answer_b4(TTL_EXPIRED, tunnel)
    c.encap(FIRST, from_host(FIRST, ttl=2) / UDP(sport=53, dport=FIRST.port()))
    c.decap(FIRST, to_host(FIRST, ttl=2) / UDP(sport=FIRST.port(), dport=53))


@case(
    "A congestion mark of the tunnel reaches the packet inside.",
    "EC-003",
)
def peers_lose_congestion_marks(c):
    packet = to_host(FIRST, tos=0b10) / UDP(sport=FIRST.port(), dport=53) / DATA
    marked = rewritten(aged(packet), tos=0b11)
    c.decap(FIRST, packet, tunnel=upstream(FIRST, packet, tc=0b11), outside=marked)


@case(
    "The outer destination is part of the check, and a whole address has one too.",
    "LW-013",
    "LW-020b",
    config=ALL_ON,
)
def peers_do_not_check_all_of_the_source(c):
    tunnel = tunnelled(FIRST.b4, FAR.br, to_host(FIRST) / UDP(sport=FIRST.port(), dport=53))
    c.drop_ipv6("drop-wrong-br", tunnel)
    c.answer_ipv6(FAILED_POLICY, tunnel)
    tunnel = upstream(FIRST, to_host(WHOLE) / UDP(sport=80, dport=53))
    c.drop_ipv6("drop-wrong-b4", tunnel)
    c.answer_ipv6(FAILED_POLICY, tunnel)


@case(
    "An error about a tunnel packet is relayed, of a packet with IPv4 options too.",
    "IC-007",
    "LW-017",
    config=ALL_ON,
)
def peers_drop_valid_relays(c):
    options = [IPOption_RR(routers=["0.0.0.0"] * 2)]
    for fields in ({}, {"options": options}):
        packet = from_host(FIRST, **fields) / UDP(sport=53, dport=FIRST.port()) / DATA
        c.encap(FIRST, packet)
        c.hear(about_tunnel(NO_ROUTE, downstream(FIRST, aged(packet))))
        c.answer(HOST_UNREACHABLE, aged(packet))


@case(
    "Nothing is answered to 0.0.0.0 or a group; no packet too big of 60, with a forged quote or a "
    "wrong checksum is believed.",
    "IC-012",
    "IC-008",
    "FR-005",
    config=ALL_ON,
)
def peers_believe_and_answer_everybody(c):
    for source in ("0.0.0.0", "224.0.0.1", "255.255.255.255"):
        packet = from_host(FIRST, src=source) / UDP(sport=53, dport=1)
        c.drop_ipv4("drop-ipv4-invalid-source", packet)
    big = aged(from_host(FIRST, flags="DF") / UDP(sport=53, dport=FIRST.port()) / Raw(bytes(1472)))
    error = about_tunnel(PACKET_TOO_BIG, downstream(FIRST, big), 60)
    c.drop_frame("access", "drop-icmpv6-forged", arriving("access", error))
    error = about_tunnel(PACKET_TOO_BIG, downstream(SECOND, big), 1400)
    c.drop_frame("access", "drop-icmpv6-forged", arriving("access", error))
    error = bytearray(about_tunnel(PACKET_TOO_BIG, downstream(FIRST, big), 1400))
    error[-1] ^= 1
    c.drop_frame("access", "drop-icmpv6-bad", arriving("access", bytes(error)))
    frame = arriving("internet", from_host(FIRST) / UDP(dport=1), dst="02:00:00:00:01:02")
    c.drop_frame("internet", "drop-wrong-mac", frame)
    c.encap(FIRST, from_host(FIRST, flags="DF") / UDP(dport=FIRST.port()) / Raw(bytes(1472)))


@case(
    "A packet with DF above the Internet's MTU is answered, not counted as sent; fragments are "
    "counted.",
    "FR-018",
    "FR-001",
    config=answering(internet={"mtu": 1280}, access={"mtu": 1300}),
)
def peers_lose_large_packets(c):
    header = to_host(FIRST, flags="DF") / UDP(sport=FIRST.port(), dport=53)
    tunnel = upstream(FIRST, header / Raw(bytes(1300)))
    c.drop_ipv6("drop-dont-fragment", tunnel)
    c.answer_b4(FRAGMENTATION_NEEDED, tunnel, mtu=1280)
    header = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53)
    c.decap(FIRST, header / Raw(bytes(1300)), mtu=1280)
    header = from_host(FIRST) / UDP(sport=53, dport=FIRST.port())
    c.encap(FIRST, header / Raw(bytes(1300)), mtu=1300)


@case(
    "A tag does not eat the MTU of pieces either.",
    "TN-008",
    "FR-001",
    "FR-018",
    not_in={name: "the case sets its own tags" for name in ("vlan", "stick", "stick_vlan")},
    config={"internet": {"vlan": 10, "mtu": 1400}, "access": {"vlan": 20, "mtu": 1500}},
)
def peers_let_tags_eat_the_mtu(c):
    for octets in (1460, 1461):
        header = from_host(FIRST) / UDP(sport=53, dport=FIRST.port())
        packet = header / Raw(bytes(octets - 28))
        c.encap(FIRST, packet, mtu=None if octets == 1460 else 1500)
    for octets in (1400, 1401):
        header = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53)
        packet = header / Raw(bytes(octets - 28))
        c.decap(FIRST, packet, mtu=None if octets == 1400 else 1400)


@case(
    "Reassembly ends: after a minute at the latest the pieces are gone and their sender knows.",
    "FR-008",
    config=ALL_ON,
)
def peers_reassemble_forever(c):
    packet = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / Raw(bytes(500))
    piece = ipv6_piece(upstream(FIRST, packet), 0, 304)
    c.hold("access", piece)
    c.later(60.5)
    c.drop_pieces("drop-ipv6-fragment-timeout", piece)
    c.answer_ipv6(REASSEMBLY_TIME, piece)
    c.decap(FIRST, packet)


@case(
    "An error to a subscriber passes without hairpinning having to be told about ICMP.",
    "IC-002",
    "IC-006",
    "LW-019",
)
def peers_have_no_hairpin(c):
    quoted = to_host(OFFSET, dst=FIRST.ipv4) / UDP(sport=OFFSET.port(), dport=FIRST.port())
    error = to_host(FIRST, dst=OFFSET.ipv4) / ICMP(type=3, code=3) / Raw(bytes(quoted))
    c.hairpin(FIRST, OFFSET, error)
