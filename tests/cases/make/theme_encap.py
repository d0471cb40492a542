"""From the Internet to a lwB4: lookup by destination and port, encapsulation (LW-017, TN-002)."""

from scapy.layers.inet import IP, TCP, UDP, IPOption_RR, IPOption_NOP
from scapy.packet import Raw

from case import case
from network import DATA, FAR, FIRST, HOST, SECOND, WHOLE, arriving, from_host
from transport import echo, every_protocol


@case(
    "A UDP packet is encapsulated to the lwB4 that owns its destination port.",
    "LW-012",
    "LW-017",
    "TN-002",
    "TN-013",
)
def encap_udp(c):
    c.encap(FIRST, from_host(FIRST) / UDP(sport=53, dport=FIRST.port()) / DATA)


@case("Every protocol with ports is encapsulated by its destination port.", "LW-017", "T-21")
def encap_every_protocol(c):
    for packet in every_protocol(from_host(FIRST), 443, FIRST.port(5)):
        c.encap(FIRST, packet)


@case(
    "The owner of a whole address gets every port of every protocol.",
    "LW-008",
    "LW-017",
    "GM-003",
)
def encap_whole_address(c):
    for port in (0, 1, 1023, 1024, 65535):
        for packet in every_protocol(from_host(WHOLE), 443, port):
            c.encap(WHOLE, packet)


@case("Two lwB4s share an address: each gets its own ports, first to last.", "LW-017", "LW-008")
def encap_shared_address(c):
    for softwire in (FIRST, SECOND, FIRST):
        for index in (0, 1, -1):
            c.encap(softwire, from_host(softwire) / UDP(sport=53, dport=softwire.port(index)))


@case("The outer source is the BR address of the softwire's own binding.", "LW-020b")
def encap_from_the_bindings_br(c):
    c.encap(FIRST, from_host(FIRST) / UDP(dport=FIRST.port()) / DATA)
    c.encap(FAR, from_host(FAR) / UDP(dport=FAR.port()) / DATA)


@case("Echo requests and replies go by their Identifier as by a port.", "IC-001", "IC-017", "T-22")
def encap_echo(c):
    for kind in ("echo-request", "echo-reply"):
        for softwire in (FIRST, SECOND):
            c.encap(softwire, echo(from_host(softwire), softwire.port(3), kind))
        c.encap(WHOLE, echo(from_host(WHOLE), 0, kind))


@case("An echo whose Identifier nobody owns is dropped.", "IC-001", "IC-017", "T-22")
def echo_without_softwire(c):
    for kind in ("echo-request", "echo-reply"):
        c.drop_ipv4("drop-no-softwire", echo(from_host(FIRST), 0, kind))
        c.drop_ipv4("drop-no-softwire", echo(from_host(FIRST), 4096, kind))


@case("A destination port in nobody's set is dropped, just outside the set too.", "LW-018", "T-21")
def no_softwire_for_port(c):
    for port in (0, FIRST.port() - 1, SECOND.port(-1) + 1, 65535):
        for packet in every_protocol(from_host(FIRST), 443, port):
            c.drop_ipv4("drop-no-softwire", packet)


@case("A destination address that no softwire has is dropped.", "LW-018")
def no_softwire_for_address(c):
    for address in ("192.0.2.3", "192.0.2.0", "10.0.0.1", "8.8.8.8", "192.0.1.1", "193.0.2.1"):
        c.drop_ipv4("drop-no-softwire", IP(src=HOST, dst=address) / UDP(dport=1024) / DATA)


@case(
    "With an empty table every packet finds nobody.",
    "LW-014",
    "LW-018",
    config={"softwire": {"binding": [], "br": [FIRST.br]}},
)
def empty_table(c):
    c.drop_ipv4("drop-no-softwire", from_host(FIRST) / UDP(dport=FIRST.port()) / DATA)
    c.drop_ipv4("drop-no-softwire", from_host(WHOLE) / TCP(dport=80))


@case("IPv4 options are carried, and the ports are found behind them.", "LW-017", "LW-013")
def options_are_carried(c):
    options = [IPOption_NOP(), IPOption_RR(routers=["0.0.0.0"] * 2)]
    for port in (FIRST.port(), FIRST.port(-1)):
        c.encap(FIRST, from_host(FIRST, options=options) / UDP(sport=53, dport=port) / DATA)
    full = [IPOption_RR(routers=["0.0.0.0"] * 9)]
    c.encap(WHOLE, from_host(WHOLE, options=full) / UDP(sport=53, dport=7) / DATA)
    c.drop_ipv4("drop-no-softwire", from_host(FIRST, options=options) / UDP(dport=1) / DATA)


@case(
    "The padding that Ethernet adds to a short frame does not enter the tunnel.",
    "TN-007",
    "TN-002",
)
def ethernet_padding_is_trimmed(c):
    for payload in (b"", b"x", bytes(17)):
        packet = from_host(FIRST) / UDP(sport=53, dport=FIRST.port()) / Raw(payload)
        frame = arriving("internet", packet).ljust(60, b"\xee")
        c.encap(FIRST, packet, frame=frame)


@case(
    "A full-size packet enters the tunnel when the access link carries 40 octets more.",
    "TN-008",
    "FR-003",
)
def encap_full_size(c):
    header = from_host(FIRST, flags="DF") / UDP(sport=53, dport=FIRST.port())
    c.encap(FIRST, header / Raw(bytes(1500 - 28)))
    c.encap(FIRST, header / Raw(bytes(1499 - 28)))


@case("A burst of 200 packets to many lwB4s leaves in the order it came.", "LW-017")
def encap_keeps_order(c):
    softwires = (FIRST, WHOLE, SECOND, FAR, FIRST)
    for number in range(200):
        softwire = softwires[number % len(softwires)]
        packet = from_host(softwire, id=number) / UDP(sport=53, dport=softwire.port(number % 7))
        c.encap(softwire, packet / Raw(bytes(number % 64)))


@case(
    "Jumbo packets are carried where both links take them.",
    "TN-008",
    config={"internet": {"mtu": 9000}, "access": {"mtu": 9040}},
)
def encap_jumbo(c):
    for size in (2048, 2100, 4000, 8999, 9000):
        payload = bytes(number & 0xFF for number in range(size - 28))
        c.encap(FIRST, from_host(FIRST) / UDP(sport=53, dport=FIRST.port()) / Raw(payload))
