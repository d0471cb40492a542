"""Clamping the MSS that a SYN offers, both ways (FR-016)."""

from scapy.layers.inet import TCP, UDP

from case import case
from network import DATA, FIRST, OFFSET, aged, from_host, to_host

LIMIT = 1300
CLAMP = {"softwire": {"mss_clamp": LIMIT}}


def syn(mss, flags="S", before=(), after=()):
    """Options of a SYN with the MSS among others."""
    return {"flags": flags, "options": [*before, ("MSS", mss), *after]}


def down(**fields):
    """A segment from the Internet."""
    return from_host(FIRST) / TCP(sport=80, dport=FIRST.port(), **fields)


def up(**fields):
    """A segment of the lwB4."""
    return to_host(FIRST) / TCP(sport=FIRST.port(), dport=80, **fields)


def clamped(c, offered, left, **options):
    """`offered` becomes `left` both ways."""
    c.encap(FIRST, down(**syn(offered, **options)), inside=aged(down(**syn(left, **options))))
    c.decap(FIRST, up(**syn(offered, **options)), outside=aged(up(**syn(left, **options))))


def untouched(c, **fields):
    """The segment passes as it is both ways."""
    c.encap(FIRST, down(**fields))
    c.decap(FIRST, up(**fields))


@case(
    "A SYN that offers more than the limit offers the limit, both ways, SYN+ACK too.",
    "FR-016",
    config=CLAMP,
)
def mss_lowered(c):
    for offered in (LIMIT + 1, 1460, 8960, 65535):
        for flags in ("S", "SA", "SEC"):
            clamped(c, offered, LIMIT, flags=flags)


@case("A SYN that offers no more than the limit passes untouched.", "FR-016", config=CLAMP)
def mss_small(c):
    for offered in (0, 1, 536, LIMIT - 1, LIMIT):
        untouched(c, **syn(offered))


@case(
    "The MSS is found among other options, at odd offsets too, with a right checksum.",
    "FR-016",
    config=CLAMP,
)
def mss_among_options(c):
    nop, sack, scale = ("NOP", None), ("SAckOK", b""), ("WScale", 7)
    for before in (
        [nop],
        [nop, nop],
        [sack],
        [scale],
        [nop, scale, nop, nop],
        [("Timestamp", (1, 2))],
    ):
        clamped(c, 1460, LIMIT, before=before, after=[nop, sack])


@case(
    "Segments without SYN are never touched, an MSS option in them neither.",
    "FR-016",
    config=CLAMP,
)
def mss_not_syn(c):
    for flags in ("A", "PA", "FA", "R", ""):
        untouched(c, **syn(1460, flags=flags))


@case(
    "SYNs without an MSS option, or with broken options, pass as they are.",
    "FR-016",
    config=CLAMP,
)
def mss_absent(c):
    untouched(c, flags="S")
    untouched(c, flags="S", options=[("NOP", None), ("SAckOK", b"")])
    for raw in (
        b"\x00\x00\x02\x04\x05\xb4\x00\x00",
        b"\x02\x00\x05\xb4",
        b"\x02\x09\x05\xb4",
        b"\x01\x01\x01\x02",
        b"\x02\x03\x05\x01",
    ):
        for packet, forward in ((down(flags="S"), c.encap), (up(flags="S"), c.decap)):
            forward(FIRST, with_options(packet, raw))


@case(
    "A SYN whose data offset lies passes as it is: the receiver will judge it.",
    "FR-016",
    config=CLAMP,
)
def mss_lying_offset(c):
    for data_offset in (0, 4, 7, 15):
        segment = {**syn(1460), "dataofs": data_offset}
        untouched(c, **segment)


@case("What is no TCP is never touched, although it looks alike.", "FR-016", config=CLAMP)
def mss_not_tcp(c):
    lookalike = bytes(TCP(sport=80, dport=FIRST.port(), chksum=0, **syn(1460)))
    c.encap(FIRST, from_host(FIRST) / UDP(sport=53, dport=FIRST.port()) / lookalike[8:])
    c.decap(FIRST, to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / lookalike[8:])


@case("Data behind the options of a SYN is kept.", "FR-016", config=CLAMP)
def mss_with_data(c):
    offered, left = (down(**syn(mss)) / DATA for mss in (1460, LIMIT))
    c.encap(FIRST, offered, inside=aged(left))


@case("A hairpinned SYN is clamped once.", "FR-016", "LW-020a", config=CLAMP)
def mss_hairpin(c):
    offered, left = (
        to_host(FIRST, dst=OFFSET.ipv4) / TCP(sport=FIRST.port(), dport=OFFSET.port(), **syn(mss))
        for mss in (1460, LIMIT)
    )
    c.hairpin(FIRST, OFFSET, offered, inside=aged(left))


@case(
    'With "auto" the limit is what the tunnel carries: access MTU less 40 less 40.',
    "FR-016",
    config={"access": {"mtu": 1500}, "softwire": {"mss_clamp": "auto"}},
)
def mss_auto(c):
    clamped(c, 1460, 1420)
    clamped(c, 1421, 1420)
    untouched(c, **syn(1420))


@case("With clamping off every offer passes.", "FR-016")
def mss_off(c):
    for offered in (536, 1460, 65535):
        untouched(c, **syn(offered))


def with_options(packet, raw):
    """The segment with these octets as its options, and a right checksum."""
    packet = packet.copy()
    packet[TCP].dataofs = 5 + len(raw) // 4
    packet = packet / raw
    return packet
