"""TTL inside, hop limit outside (TN-002, TN-003, TN-013)."""

from scapy.layers.inet import UDP, IPOption_RR

from case import case
from network import DATA, FIRST, WHOLE, from_host, to_host, upstream


@case(
    "Every TTL above one goes down by one towards the lwB4, with a right checksum.",
    "TN-003",
    "TN-013",
)
def ttl_encap(c):
    for ttl in range(2, 256):
        c.encap(FIRST, from_host(FIRST, ttl=ttl) / UDP(sport=53, dport=FIRST.port()))


@case("Every TTL above one goes down by one towards the Internet, with a right checksum.", "TN-013")
def ttl_decap(c):
    for ttl in range(2, 256):
        c.decap(FIRST, to_host(FIRST, ttl=ttl) / UDP(sport=FIRST.port(), dport=53))


@case("A TTL of 1 or 0 from the Internet goes no further.", "TN-013")
def ttl_expired_encap(c):
    for ttl in (0, 1):
        for softwire in (FIRST, WHOLE):
            header = from_host(softwire, ttl=ttl)
            c.drop_ipv4("drop-ttl-expired", header / UDP(sport=53, dport=softwire.port()) / DATA)


@case("A TTL of 1 or 0 from a lwB4 goes no further.", "TN-013")
def ttl_expired_decap(c):
    for ttl in (0, 1):
        for softwire in (FIRST, WHOLE):
            packet = to_host(softwire, ttl=ttl) / UDP(sport=softwire.port(), dport=53) / DATA
            c.drop_ipv6("drop-ttl-expired", upstream(softwire, packet))


@case("The checksum is mended right over every carry, with options too.", "TN-013")
def ttl_checksum_carries(c):
    for number in range(0, 65536, 509):
        header = from_host(FIRST, id=number, ttl=1 + number % 254 + 1)
        c.encap(FIRST, header / UDP(sport=53, dport=FIRST.port()))
        options = [IPOption_RR(routers=["0.0.0.0"])]
        header = to_host(FIRST, id=number, ttl=2 + number % 253, options=options)
        c.decap(FIRST, header / UDP(sport=FIRST.port(), dport=53))


@case("The hop limit of the tunnel is 64, not the inner TTL.", "TN-002", "TN-004")
def hop_limit_default(c):
    for ttl in (2, 64, 255):
        header = from_host(FIRST, ttl=ttl)
        c.encap(FIRST, header / UDP(sport=53, dport=FIRST.port()), hlim=64)


@case(
    "The hop limit of the tunnel is the configured one.",
    "TN-002",
    config={"softwire": {"hop_limit": 255}},
)
def hop_limit_configured(c):
    for ttl in (2, 64):
        header = from_host(FIRST, ttl=ttl)
        c.encap(FIRST, header / UDP(sport=53, dport=FIRST.port()), hlim=255)


@case(
    "The hop limit with which a tunnel packet arrives does not matter: the tunnel is one hop.",
    "TN-004",
)
def hop_limit_received(c):
    packet = to_host(FIRST, ttl=9) / UDP(sport=FIRST.port(), dport=53) / DATA
    for hop_limit in (0, 1, 2, 255):
        c.decap(FIRST, packet, tunnel=upstream(FIRST, packet, hlim=hop_limit))


@case("The flow label of a received tunnel packet does not matter; ours is zero.", "TN-014")
def flow_label(c):
    packet = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / DATA
    c.decap(FIRST, packet, tunnel=upstream(FIRST, packet, fl=0xFFFFF))
    c.encap(FIRST, from_host(FIRST) / UDP(sport=53, dport=FIRST.port()), fl=0)
