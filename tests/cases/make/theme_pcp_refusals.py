"""Requests that are wrong: each is told how, or met with silence, and none changes anything."""

from scapy.layers.inet import IP, UDP
from scapy.packet import Raw

from case import case
from errors import answering
from network import HOST, INTERFACE4, STRANGER, arriving, tunnelled
from pcp import (
    ADDRESS_MISMATCH,
    ALL,
    ANNOUNCE,
    LONG_S,
    MALFORMED_OPTION,
    MALFORMED_REQUEST,
    PEER,
    PREFER_FAILURE,
    UNSUPP_OPCODE,
    UNSUPP_OPTION,
    UNSUPP_VERSION,
    ask,
    down,
    granted,
    home,
    lease,
    option,
    port_set,
    refused,
    request,
    response,
    serving,
    third_party,
)

FILTER = option(3, bytes([0, 96]) + bytes(18))


def nothing_changed(c, b4):
    """The lwB4 holds nothing, and the next request is granted as if nothing had been."""
    c.drop_ipv4("drop-no-softwire", down(b4.softwire(1)))
    lease(c, b4, b4.softwire(1))
    c.encap(b4.softwire(1), down(b4.softwire(1)))


@case(
    "PORT_SETs that make no sense are malformed, and the table stays as it is.",
    "T-05",
    "PS-012",
    "PS-013",
    "PS-014",
    "PS-026",
    "PS-006",
    "PC-012",
    "C-15",
    config=serving(),
)
def pcp_malformed_port_sets(c):
    b4 = home(1)
    for options in (
        ALL + ALL,
        port_set(0, 1),
        ALL + PREFER_FAILURE,
        option(130, bytes([255, 255, 0, 1])),
        option(130, bytes([255, 255, 0, 1, 0, 0, 0, 0])),
        # Longer than the message.
        ALL[:3] + b"\x09" + ALL[4:],
    ):
        asked = b4.map(options=options)
        ask(c, b4, asked, refused(asked, MALFORMED_OPTION))
    nothing_changed(c, b4)


@case(
    "Two octets of NAT-PMP hear which version is spoken.",
    "T-11",
    "NP-001",
    "PC-004",
    "PC-018",
    config=serving(),
)
def pcp_nat_pmp(c):
    b4 = home(1)
    # NAT-PMP's request for the external address, and one for a mapping (RFC 6886 s3.2, s3.3).
    ask(c, b4, b"\0\0", lambda epoch: response(0, UNSUPP_VERSION, LONG_S, epoch))
    for asked in (bytes([0, 1]) + bytes(10), bytes([1]) + b4.map()[1:], bytes([3]) + b4.map()[1:]):
        ask(c, b4, asked, refused(asked, UNSUPP_VERSION))
    nothing_changed(c, b4)


@case(
    "Too long, of an odd length or too short is malformed; less than a header, and what is no "
    "request, is met with silence.",
    "T-12",
    "PC-002",
    "PC-003",
    "PC-005",
    "PC-007",
    "PC-013",
    "C-16",
    config=serving(),
)
def pcp_lengths(c):
    b4 = home(1)
    whole = b4.map()
    for asked in (
        whole + bytes(1104 - len(whole)),
        whole[:25],
        whole[:24],
        whole[:56],
        whole + b"\0",
    ):
        ask(c, b4, asked, refused(asked, MALFORMED_REQUEST))
    for silent in (whole[:20], whole[:2], whole[:1], b"", bytes([2, 0x81]) + whole[2:], b"\0\x80"):
        ask(c, b4, silent)
    nothing_changed(c, b4)


@case(
    "A request whose client is not its sender came through a NAT.",
    "T-13",
    "PC-008",
    config=serving(),
)
def pcp_address_mismatch(c):
    b4 = home(1)
    for client in ("192.0.0.3", "198.51.100.1", b4.outer):
        asked = b4.but(inner=client).map()
        ask(c, b4, asked, refused(asked, ADDRESS_MISMATCH))
    nothing_changed(c, b4)


@case(
    "Nobody speaks for others through a tunnel.",
    "T-14",
    "DH-053",
    "PC-060",
    config=serving(),
)
def pcp_third_party(c):
    b4 = home(1)
    for host in ("192.0.0.3", "10.0.0.1", home(2).outer):
        asked = b4.map(options=third_party(host) + ALL)
        ask(c, b4, asked, refused(asked, UNSUPP_OPTION))
    asked = b4.map(options=third_party("192.0.0.3"), lifetime=0, internal=0)
    ask(c, b4, asked, refused(asked, UNSUPP_OPTION))
    nothing_changed(c, b4)


@case(
    "An unknown option is refused where it is mandatory, and ignored and not echoed where it "
    "is not.",
    "T-15",
    "PC-011",
    "PC-014",
    "PC-010",
    config=serving(),
)
def pcp_unknown_options(c):
    b4 = home(1)
    for code in (64, 127, 4):
        asked = b4.map(options=option(code, b"abc") + ALL)
        ask(c, b4, asked, refused(asked, UNSUPP_OPTION))
    c.drop_ipv4("drop-no-softwire", down(b4.softwire(1)))
    for code, data in ((192, b""), (128, b"a home"), (255, bytes(16))):
        plain = b4.map()
        asked = b4.map(options=option(code, data) + ALL)
        ask(c, b4, asked, granted(plain, b4.softwire(1)))
    c.softwires(1)
    c.encap(b4.softwire(1), down(b4.softwire(1)))


@case(
    "PREFER_FAILURE and FILTER are not served here; without a suggested port, or with a "
    "delete, the first is malformed.",
    "PC-062",
    "PC-063",
    "PC-036",
    "C-10",
    config=serving(),
)
def pcp_options_without_service(c):
    b4 = home(1)
    for asked, result in (
        (b4.map(6, 1500, options=PREFER_FAILURE, suggest=("192.0.2.64", 1500)), UNSUPP_OPTION),
        (b4.map(6, 1500, options=PREFER_FAILURE), MALFORMED_OPTION),
        (b4.map(lifetime=0, options=ALL + PREFER_FAILURE), MALFORMED_OPTION),
        (b4.map(options=FILTER + ALL), UNSUPP_OPTION),
    ):
        ask(c, b4, asked, refused(asked, result))
    nothing_changed(c, b4)


@case(
    "PEER, AUTHENTICATION and opcodes of the future are not served.",
    "PC-009",
    "PC-030",
    config=serving(),
)
def pcp_unknown_opcodes(c):
    b4 = home(1)
    for opcode, rest in ((PEER, b4.map()[24:60] + bytes(20)), (3, b""), (96, bytes(8)), (127, b"")):
        asked = request(opcode, 3600, b4.inner, rest)
        ask(c, b4, asked, refused(asked, UNSUPP_OPCODE))
    nothing_changed(c, b4)


@case(
    "A request from the Internet, or by a public source in the tunnel, is met with silence.",
    "T-16",
    "T-31",
    "PC-001",
    "TN-043",
    config=answering(**serving()),
)
def pcp_from_outside(c):
    b4 = home(1)
    lease(c, b4, b4.softwire(1))
    udp = UDP(sport=40000, dport=5351) / Raw(b4.map(lifetime=0))
    c.punt("other", "internet", arriving("internet", IP(src=HOST, dst=INTERFACE4) / udp))
    c.drop_ipv4("drop-softwire-range", IP(src=HOST, dst="192.0.0.1") / udp)
    for source in (STRANGER, b4.outer):
        packet = IP(src="203.0.113.77", dst="192.0.0.1") / udp
        c.drop_ipv6("drop-softwire-range", tunnelled(source, b4.br, bytes(packet)))
        packet = IP(src="192.0.0.2", dst="8.8.8.8") / udp
        c.drop_ipv6("drop-softwire-range", tunnelled(source, b4.br, bytes(packet)))
    c.encap(b4.softwire(1), down(b4.softwire(1)))


@case(
    "ANNOUNCE is answered with the epoch, whatever lifetime it says.",
    "PC-141",
    "PS-027",
    "PC-008",
    config=serving(),
)
def pcp_announce(c):
    b4 = home(1)
    for lifetime in (0, 3600):
        asked = request(ANNOUNCE, lifetime, b4.inner)
        ask(c, b4, asked, lambda epoch: response(ANNOUNCE, 0, 0, epoch))
    asked = request(ANNOUNCE, 0, b4.inner, ALL)
    ask(c, b4, asked, lambda epoch: response(ANNOUNCE, 0, 0, epoch))
    asked = request(ANNOUNCE, 0, "192.0.0.3")
    ask(c, b4, asked, refused(asked, ADDRESS_MISMATCH))
    nothing_changed(c, b4)
