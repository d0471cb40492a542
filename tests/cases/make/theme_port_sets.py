"""Port sets of every shape: the Generalized Modulus Algorithm (GM-001…005, T-38)."""

from scapy.layers.inet import IP, UDP

from case import case
from network import DATA, FIRST, HOST, OFFSET, OFFSET_ZERO, Softwire, from_host, to_host, upstream


def inside(c, softwire, port):
    """`port` is the softwire's, both ways."""
    c.encap(softwire, from_host(softwire) / UDP(sport=53, dport=port) / DATA)
    c.decap(softwire, to_host(softwire) / UDP(sport=port, dport=53) / DATA)


def outside(c, softwire, port):
    """`port` is nobody's, both ways."""
    c.drop_ipv4("drop-no-softwire", from_host(softwire) / UDP(sport=53, dport=port) / DATA)
    packet = to_host(softwire) / UDP(sport=port, dport=53) / DATA
    c.drop_ipv6("drop-unbound-source", upstream(softwire, packet))


@case(
    "a = 6, k = 8, PSID 0x34: 63 ranges of four ports, first and last of each.",
    "GM-001",
    "GM-004",
    "T-38",
)
def offset_vector(c):
    ports = OFFSET.ports()
    assert (len(ports), ports[:4], ports[-1]) == (252, [1232, 1233, 1234, 1235], 64723)
    for first, last in zip(ports[::4], ports[3::4]):
        inside(c, OFFSET, first)
        inside(c, OFFSET, last)


@case(
    "a = 6, k = 8, PSID 0x34: the ports beside each range are nobody's.",
    "GM-001",
    "GM-004",
    "T-38",
)
def offset_vector_outside(c):
    ports = OFFSET.ports()
    for first, last in zip(ports[::4], ports[3::4]):
        outside(c, OFFSET, first - 1)
        outside(c, OFFSET, last + 1)


@case("a = 6, k = 8, PSID 0 begins at port 1024, not at port 0.", "GM-001", "GM-004", "T-38")
def offset_vector_of_psid_zero(c):
    ports = OFFSET_ZERO.ports()
    assert (ports[0], ports[3], ports[-4], ports[-1]) == (1024, 1027, 64512, 64515)
    for port in (1024, 1027, 2048, 64512, 64515):
        inside(c, OFFSET_ZERO, port)
    for port in (0, 1, 3, 63, 64, 1023, 1028, 64511, 64516):
        outside(c, OFFSET_ZERO, port)


@case("The ports below 2^(16-a) belong to nobody, whatever PSID they would have.", "GM-001")
def ports_below_the_first_block(c):
    for port in (*range(0, 1024, 61), 1 * 4, 0x34 * 4, 0x34 * 4 + 3, 64, 1023):
        outside(c, OFFSET, port)


def row(ipv4, offset, length, psid):
    """A binding of its own address."""
    b4 = f"2001:db8:b4::{ipv4.rpartition('.')[2]}"
    return Softwire(ipv4, offset, length, psid, b4, FIRST.br)


ONE_RANGE = [
    (row("192.0.2.20", 0, 6, 0), 0, 1023),
    (row("192.0.2.21", 0, 5, 13), 26624, 28671),
    (row("192.0.2.22", 0, 6, 26), 26624, 27647),
    (row("192.0.2.23", 0, 10, 16), 1024, 1087),
    (row("192.0.2.24", 0, 1, 0), 0, 32767),
    (row("192.0.2.25", 0, 1, 1), 32768, 65535),
    (row("192.0.2.26", 0, 4, 15), 61440, 65535),
    (row("192.0.2.27", 0, 15, 9), 18, 19),
    (row("192.0.2.28", 0, 16, 4242), 4242, 4242),
    (row("192.0.2.29", 0, 12, 4095), 65520, 65535),
]


@case(
    "With a = 0 a set is one range, of every size from one port to half of them.",
    "GM-002",
    "GM-004",
    "GM-005",
    "LW-022",
    "T-38",
    config={"softwire": {"binding": [softwire.row() for softwire, _, _ in ONE_RANGE]}},
)
def contiguous_sets(c):
    for softwire, first, last in ONE_RANGE:
        assert (softwire.port(0), softwire.port(-1)) == (first, last)
        for port in {first, (first + last) // 2, last}:
            inside(c, softwire, port)
        for port in {first - 1, last + 1} & set(range(65536)):
            outside(c, softwire, port)


SPLIT = [
    row("192.0.2.30", 1, 4, 3),
    row("192.0.2.31", 4, 4, 0),
    row("192.0.2.32", 4, 12, 77),
    row("192.0.2.33", 6, 10, 1023),
    row("192.0.2.34", 10, 6, 5),
    row("192.0.2.35", 15, 1, 1),
    row("192.0.2.36", 8, 5, 31),
]


@case(
    "With a > 0 sets of many lengths spread over all blocks but the first.",
    "GM-001",
    "LW-022",
    config={"softwire": {"binding": [softwire.row() for softwire in SPLIT]}},
)
def spread_sets(c):
    for softwire in SPLIT:
        ports = set(softwire.ports())
        run = 1 << (16 - softwire.psid_offset - softwire.psid_length)
        edges = sorted({first for port in ports for first in (port - 1, port, port + 1)})
        for port in [edge for edge in edges if edge in ports][:: max(1, run)][:6]:
            inside(c, softwire, port)
        for port in [edge for edge in edges if 0 <= edge <= 65535 and edge not in ports][:6]:
            outside(c, softwire, port)
        outside(c, softwire, (1 << (16 - softwire.psid_offset)) - 1)


WHOLE_WITH_OFFSET = row("192.0.2.40", 6, 0, 0)


@case(
    "With k = 0 the whole address belongs to one lwB4, whatever the offset says.",
    "GM-003",
    "LW-008",
    config={"softwire": {"binding": [WHOLE_WITH_OFFSET.row()]}},
)
def whole_address_with_offset(c):
    for port in (0, 1, 1023, 1024, 65535):
        inside(c, WHOLE_WITH_OFFSET, port)


EVERY_SET = [
    Softwire("192.0.2.50", 0, 4, psid, f"2001:db8:b4:{psid:x}::50", FIRST.br) for psid in range(16)
]


@case(
    "All sixteen sets of an address: each port belongs to exactly its owner.",
    "LW-007",
    "LW-017",
    "LW-013",
    config={"softwire": {"binding": [softwire.row() for softwire in EVERY_SET]}},
)
def every_set_of_an_address(c):
    for softwire in EVERY_SET:
        for port in (softwire.port(0), softwire.port(-1)):
            inside(c, softwire, port)
            neighbour = EVERY_SET[(softwire.psid + 1) % 16]
            packet = to_host(softwire) / UDP(sport=port, dport=53) / DATA
            c.drop_ipv6("drop-wrong-b4", upstream(neighbour, packet))


ONE_B4 = [
    Softwire("192.0.2.60", 0, 6, 1, FIRST.b4, FIRST.br),
    Softwire("192.0.2.60", 0, 6, 9, FIRST.b4, FIRST.br),
    Softwire("192.0.2.61", 0, 0, 0, FIRST.b4, "2001:db8:af::2"),
]


@case(
    "A lwB4 with several softwires may use each, on the BR of each.",
    "LW-009",
    "LW-013",
    config={"softwire": {"binding": [softwire.row() for softwire in ONE_B4]}},
)
def several_softwires_of_one_b4(c):
    for softwire in ONE_B4:
        inside(c, softwire, softwire.port(17))
    packet = to_host(ONE_B4[2]) / UDP(sport=9, dport=53) / DATA
    c.drop_ipv6("drop-wrong-br", upstream(ONE_B4[0], packet))


NEIGHBOURS = [
    Softwire(address, 0, 0, 0, f"2001:db8:b4::{number}", FIRST.br)
    for number, address in enumerate(
        ("1.0.0.0", "1.0.0.1", "1.0.0.255", "1.0.1.0", "1.1.0.0", "192.0.0.8", "223.255.255.255"), 1
    )
]


@case(
    "Addresses at the edges of each octet, and at both ends of the unicast range, are told apart.",
    "LW-017",
    "LW-013",
    config={"softwire": {"binding": [softwire.row() for softwire in NEIGHBOURS]}},
)
def addresses_at_the_edges(c):
    for softwire in NEIGHBOURS:
        inside(c, softwire, 7)
    for address in (
        "1.0.0.2",
        "1.0.0.254",
        "1.0.1.1",
        "1.1.0.1",
        "1.255.0.0",
        "192.0.0.9",
        "223.255.255.254",
    ):
        c.drop_ipv4("drop-no-softwire", IP(src=HOST, dst=address) / UDP(sport=53, dport=7))
