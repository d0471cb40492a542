"""What is addressed to ourselves goes to the control thread; 192.0.0.0/29 stays in the tunnel."""

import socket

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6ND_RA,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
)
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw
from scapy.utils6 import in6_getnsma, in6_getnsmac

from case import case
from fragments import ipv6_pieces
from network import (
    DATA,
    FAR,
    FIRST,
    HOST,
    INTERFACE4,
    INTERFACE6,
    STRANGER,
    WHOLE,
    arriving,
    downstream,
    from_host,
    mac,
    neighbour,
    to_host,
    tunnelled,
    upstream,
)
from transport import echo, icmp

GATEWAY4 = "203.0.113.254"
GATEWAY6 = "2001:db8:ac::fe"
BROADCAST = "ff:ff:ff:ff:ff:ff"


def arp(kind, destination, **fields):
    """An ARP frame of the gateway, padded as on the wire."""
    fields = {
        "op": kind,
        "hwsrc": neighbour("internet"),
        "psrc": GATEWAY4,
        "pdst": INTERFACE4,
        **fields,
    }
    frame = Ether(dst=destination, src=neighbour("internet"), type=0x0806) / ARP(**fields)
    return bytes(frame).ljust(60, b"\0")


def is_at(frame):
    """The answer to an ARP request for us (RFC 826): not padded, which is the device's business."""
    asked = Ether(frame)[ARP]
    answer = ARP(
        op="is-at",
        hwsrc=mac("internet"),
        psrc=INTERFACE4,
        hwdst=asked.hwsrc,
        pdst=asked.psrc,
    )
    return Ether(dst=asked.hwsrc, src=mac("internet"), type=0x0806) / answer


@case("ARP requests for us are answered by the control thread; replies go to it as well.", "LW-020")
def arp_is_punted(c):
    for destination in (BROADCAST, mac("internet")):
        for asker in (GATEWAY4, "203.0.113.77", "0.0.0.0"):
            request = arp("who-has", destination, psrc=asker)
            c.punt("neighbour", "internet", request)
            c.reply("internet", b"", frame=bytes(is_at(request)))
    c.punt("neighbour", "internet", arp("who-has", BROADCAST, pdst="203.0.113.2"))
    c.punt("neighbour", "internet", arp("is-at", mac("internet"), hwdst=mac("internet")))


def advertised(target, to, solicited=1):
    """The neighbour advertisement for an address of ours (RFC 4861 s4.4)."""
    link_layer = ICMPv6NDOptDstLLAddr(lladdr=mac("access"))
    message = ICMPv6ND_NA(tgt=target, R=1, S=solicited, O=1) / link_layer
    return bytes(IPv6(src=target, dst=to, hlim=255) / message)


@case("Neighbour discovery for us is answered by the control thread, or heard by it.", "LW-020")
def nd_is_punted(c):
    source = ICMPv6NDOptSrcLLAddr(lladdr=neighbour("access"))
    ask = IPv6(src=GATEWAY6, dst="ff02::1:ff00:1", hlim=255) / ICMPv6ND_NS(tgt=INTERFACE6) / source
    c.punt("neighbour", "access", arriving("access", ask, dst="33:33:ff:00:00:01"))
    c.reply("access", advertised(INTERFACE6, GATEWAY6))
    for target in (INTERFACE6, FIRST.br):
        ask = IPv6(src=GATEWAY6, dst=target, hlim=255) / ICMPv6ND_NS(tgt=target) / source
        c.punt("neighbour", "access", arriving("access", ask))
        c.reply("access", advertised(target, GATEWAY6))
    elsewhere = IPv6(src=GATEWAY6, dst=INTERFACE6, hlim=255) / ICMPv6ND_NS(tgt=STRANGER) / source
    c.punt("neighbour", "access", arriving("access", elsewhere))
    forwarded = IPv6(src=GATEWAY6, dst=INTERFACE6, hlim=254) / ICMPv6ND_NS(tgt=INTERFACE6) / source
    c.punt("icmp", "access", arriving("access", forwarded))
    answer = IPv6(src=GATEWAY6, dst=INTERFACE6, hlim=255) / ICMPv6ND_NA(tgt=GATEWAY6, S=1)
    c.punt("neighbour", "access", arriving("access", answer))
    everyone = IPv6(src="fe80::fe", dst="ff02::1", hlim=255) / ICMPv6ND_RA()
    c.punt("neighbour", "access", arriving("access", everyone, dst="33:33:00:00:00:01"))


@case("Who tries an address of ours hears, with all others, that it is taken.", "LW-020")
def nd_probe_is_answered(c):
    for target in (INTERFACE6, FIRST.br):
        group = in6_getnsma(socket.inet_pton(socket.AF_INET6, target))
        group = socket.inet_ntop(socket.AF_INET6, group)
        probe = IPv6(src="::", dst=group, hlim=255) / ICMPv6ND_NS(tgt=target)
        to = in6_getnsmac(socket.inet_pton(socket.AF_INET6, group))
        c.punt("neighbour", "access", arriving("access", probe, dst=to))
        taken = advertised(target, "ff02::1", solicited=0)
        frame = Ether(dst="33:33:00:00:00:01", src=mac("access"), type=0x86DD) / Raw(taken)
        c.reply("access", taken, frame=bytes(frame))


def pong(ping):
    """The answer to an IPv4 ping: from the address it was sent to, with a TTL of our own."""
    ping = IP(bytes(ping))
    answer = IP(
        src=ping.dst, dst=ping.src, id=ping.id, tos=ping.tos, flags=ping.flags, ttl=64
    ) / ICMP(type=0, id=ping[ICMP].id, seq=ping[ICMP].seq)
    return bytes(answer / Raw(bytes(ping[ICMP].payload)))


@case(
    "Pings of our interface addresses and BR addresses are answered by the control thread.",
    "LW-020",
    "TN-046",
)
def echo_to_us_is_punted(c):
    for tos, octets in ((0, DATA), (0xB8, b"odd"), (0, bytes(1400))):
        ping = IP(src=HOST, dst=INTERFACE4, tos=tos, id=7) / ICMP(id=1, seq=3) / Raw(octets)
        c.punt("icmp", "internet", arriving("internet", ping))
        c.reply("internet", pong(ping))
    for target in (INTERFACE6, FIRST.br):
        for octets in (DATA, b"odd"):
            ping = IPv6(src=STRANGER, dst=target) / ICMPv6EchoRequest(id=1, seq=2, data=octets)
            c.punt("icmp", "access", arriving("access", ping))
            answer = ICMPv6EchoReply(id=1, seq=2, data=octets)
            c.reply("access", bytes(IPv6(src=target, dst=STRANGER, hlim=64) / answer))
        answer = IPv6(src=STRANGER, dst=target) / ICMPv6EchoReply(data=DATA)
        c.punt("icmp", "access", arriving("access", answer))


@case("Pings that do not sum up, and pings of many, are not answered.", "LW-020", "IC-012")
def bad_pings_of_ours(c):
    good = bytearray(bytes(IP(src=HOST, dst=INTERFACE4) / ICMP(id=1) / DATA))
    good[40] ^= 1
    c.punt("icmp", "internet", arriving("internet", bytes(good)))
    ping = bytearray(bytes(IPv6(src=STRANGER, dst=FIRST.br) / ICMPv6EchoRequest(data=DATA)))
    ping[50] ^= 1
    c.punt("icmp", "access", arriving("access", bytes(ping)))
    for source in ("::", "ff02::1"):
        ping = IPv6(src=source, dst=FIRST.br) / ICMPv6EchoRequest(data=DATA)
        c.punt("icmp", "access", arriving("access", ping))


@case(
    "Anything else for our IPv4 interface address goes to the control thread, not to a softwire.",
    "LW-020",
)
def ipv4_to_us_is_punted(c):
    ours = {"src": GATEWAY4, "dst": INTERFACE4}
    for packet in (IP(**ours) / TCP(dport=179), IP(**ours) / UDP(), IP(**ours, ttl=1) / TCP()):
        c.punt("other", "internet", arriving("internet", packet))
    for kind in (0, 3, 13):
        c.punt("icmp", "internet", arriving("internet", icmp(IP(**ours), kind)))


@case("Who asks for ports from the Internet hears nothing.", "PC-001", "T-16")
def pcp_from_the_internet(c):
    request = UDP(sport=5351, dport=5351) / Raw(bytes(60))
    for source in (HOST, GATEWAY4):
        packet = IP(src=source, dst=INTERFACE4) / request
        c.punt("other", "internet", arriving("internet", packet))
    c.drop_ipv4("drop-softwire-range", IP(src=HOST, dst="192.0.0.1") / request)


@case("TCP and UDP for our IPv6 interface address go to the control thread.", "LW-020")
def ipv6_to_us_is_punted(c):
    for packet in (TCP(dport=179), UDP(dport=5351)):
        c.punt("other", "access", arriving("access", IPv6(src=GATEWAY6, dst=INTERFACE6) / packet))


@case(
    "PCP of a lwB4 to 192.0.0.1 goes to the control thread, with or without a binding.",
    "LW-020",
    "TN-041",
    "TN-045",
    "C-05",
)
def pcp_is_punted(c):
    request = UDP(sport=5351, dport=5351) / Raw(bytes(60))
    for source in ("192.0.0.2", "192.0.0.3", "192.0.0.6"):
        packet = IP(src=source, dst="192.0.0.1") / request
        c.punt_tunnel("pcp", upstream(FIRST, packet))
        c.punt_tunnel("pcp", tunnelled(STRANGER, FIRST.br, packet))


def request_of(number, host):
    """A request from a lwB4 of subscriber `number`, whose /56 has more than one."""
    packet = IP(src="192.0.0.2", dst="192.0.0.1") / UDP(sport=5351, dport=5351) / Raw(bytes(60))
    return tunnelled(f"2001:db8:100:{number:02x}{host:02x}::{host:x}", FIRST.br, packet)


@case(
    "A subscriber is heard twenty times a second, whatever address it asks from, and others are too.",
    "PC-006",
    "PC-042",
)
def subscriber_has_a_share(c):
    for host in range(30):
        if host < 20:
            c.punt_tunnel("pcp", request_of(1, host))
        else:
            c.drop_frame("access", "drop-punt-rate", arriving("access", request_of(1, host)))
    c.punt_tunnel("pcp", request_of(2, 1))
    c.later(0.06)
    c.punt_tunnel("pcp", request_of(1, 3))
    c.drop_frame("access", "drop-punt-rate", arriving("access", request_of(1, 3)))


@case(
    "A request that came in pieces counts once.",
    "PC-042",
    "FR-008",
)
def pieces_are_one_request(c):
    for number in range(21):
        packet = IP(src="192.0.0.2", dst="192.0.0.1") / UDP(dport=5351) / Raw(bytes(1000))
        tunnel = upstream(FIRST, packet)
        pieces = ipv6_pieces(tunnel, 304, 608, identification=number + 1)
        if number < 20:
            c.punt_reassembled("pcp", pieces)
        else:
            c.drop_reassembled("drop-punt-rate", pieces)


@case(
    "Neither requests nor pings without end are in the way of neighbours or of traffic.",
    "PC-006",
    "LW-013",
)
def neighbours_pass_a_flood(c):
    for number in range(100):
        ping = IP(src=HOST, dst=INTERFACE4, id=number) / ICMP(id=1)
        c.punt("icmp", "internet", arriving("internet", ping))
        c.reply("internet", pong(ping))
    for number in range(200):
        c.punt_tunnel("pcp", request_of(number, 0))
        ping = arriving("internet", IP(src=HOST, dst=INTERFACE4, id=number) / ICMP(id=1))
        c.drop_frame("internet", "drop-punt-rate", ping)
    c.decap(FIRST, echo(to_host(FIRST), FIRST.port()))
    request = arp("who-has", BROADCAST)
    c.punt("neighbour", "internet", request)
    c.reply("internet", b"", frame=bytes(is_at(request)))


@case("What is no request to the PCP port is not taken for one.", "PC-001", "TN-041")
def no_pcp_in_the_tunnel(c):
    for packet in (UDP(sport=5351, dport=5350), UDP(dport=5352), TCP(dport=5351)):
        c.punt_tunnel("other", upstream(FIRST, IP(src="192.0.0.2", dst="192.0.0.1") / packet))
    for frag, flags in ((0, "MF"), (1, 0)):
        packet = IP(src="192.0.0.2", dst="192.0.0.1", frag=frag, flags=flags, proto=17)
        pieces = packet / Raw(bytes(UDP(sport=5351, dport=5351)) + bytes(56))
        c.punt_tunnel("other", upstream(FIRST, pieces))
    request = to_host(FIRST, dst=INTERFACE4) / UDP(sport=FIRST.port(), dport=5351)
    c.punt_tunnel("other", upstream(FIRST, request))


@case("Without a tunnel nobody asks for ports, unless that is wanted.", "PC-001", "C-05")
def pcp_without_a_tunnel(c):
    for target in (INTERFACE6, FIRST.br):
        request = IPv6(src=STRANGER, dst=target) / UDP(sport=5351, dport=5351) / Raw(bytes(60))
        c.punt("other", "access", arriving("access", request))


@case("A ping of 192.0.0.1 from within the tunnel goes to the control thread.", "TN-044", "TN-046")
def ping_of_the_aftr_is_punted(c):
    ping = IP(src="192.0.0.2", dst="192.0.0.1") / ICMP(id=1) / DATA
    for source, br in ((FIRST.b4, FIRST.br), (STRANGER, FAR.br)):
        c.punt_tunnel("icmp", tunnelled(source, br, ping))
        c.reply("access", tunnelled(br, source, pong(ping)))
    traceroute = IP(src="192.0.0.2", dst="192.0.0.1", ttl=1) / UDP(dport=33434)
    c.punt_tunnel("other", upstream(FIRST, traceroute))


@case(
    "The address by which lwB4s reach us may be another of the block.",
    "TN-041",
    config={"softwire": {"aftr_ipv4": "192.0.0.4"}},
)
def other_aftr_address(c):
    ping = IP(src="192.0.0.2", dst="192.0.0.4") / ICMP(id=1) / DATA
    c.punt_tunnel("icmp", upstream(FIRST, ping))
    c.reply("access", downstream(FIRST, pong(ping)))
    packet = IP(src="192.0.0.2", dst="192.0.0.1") / ICMP(id=1) / DATA
    c.drop_ipv6("drop-softwire-range", upstream(FIRST, packet))


@case("192.0.0.2 cannot send to the Internet.", "TN-043", "T-31")
def softwire_range_to_the_internet(c):
    for number in range(8):
        packet = IP(src=f"192.0.0.{number}", dst="8.8.8.8") / UDP(sport=FIRST.port(), dport=53)
        c.drop_ipv6("drop-softwire-range", upstream(FIRST, packet))


@case("A public source cannot reach 192.0.0.1 or its block through the tunnel.", "TN-043", "T-31")
def public_to_softwire_range(c):
    for number in range(8):
        packet = to_host(FIRST, dst=f"192.0.0.{number}") / UDP(sport=FIRST.port(), dport=5351)
        c.drop_ipv6("drop-softwire-range", upstream(FIRST, packet))
    for source in ("203.0.113.77", INTERFACE4):
        stranger = IP(src=source, dst="192.0.0.1") / UDP(sport=5351, dport=5351)
        c.drop_ipv6("drop-softwire-range", upstream(FIRST, stranger))


@case("lwB4s do not reach other lwB4s by addresses of the block.", "TN-043")
def softwire_range_between_b4s(c):
    for target in ("192.0.0.0", "192.0.0.2", "192.0.0.3", "192.0.0.7"):
        packet = IP(src="192.0.0.2", dst=target) / UDP(sport=5351, dport=5351)
        c.drop_ipv6("drop-softwire-range", upstream(FIRST, packet))


@case(
    "The block is not reached from the Internet, nor does anything arrive from it.",
    "TN-042",
    "TN-043",
    "PC-001",
    "T-16",
)
def softwire_range_from_the_internet(c):
    for number in range(8):
        packet = IP(src=HOST, dst=f"192.0.0.{number}") / UDP(sport=5351, dport=5351)
        c.drop_ipv4("drop-softwire-range", packet)
    packet = from_host(FIRST, src="192.0.0.2") / UDP(sport=53, dport=FIRST.port())
    c.drop_ipv4("drop-softwire-range", packet)


@case("The addresses next to the block are ordinary ones.", "TN-040")
def next_to_the_softwire_range(c):
    packet = to_host(FIRST, dst="192.0.0.8") / UDP(sport=FIRST.port(), dport=53)
    c.decap(FIRST, packet)
    c.decap(FIRST, to_host(FIRST, dst="191.255.255.255") / UDP(sport=FIRST.port(), dport=53))
    c.encap(WHOLE, from_host(WHOLE, src="192.0.0.8") / UDP(sport=53, dport=53))


@case("The whole of one side's frames for us and for subscribers mixed keep apart.", "LW-020")
def punts_between_traffic(c):
    for number in range(40):
        if number % 4 == 0:
            packet = IP(src=HOST, dst=INTERFACE4, id=number) / ICMP(id=1)
            c.punt("icmp", "internet", arriving("internet", packet))
            c.reply("internet", pong(packet))
        c.encap(FIRST, from_host(FIRST, id=number) / UDP(sport=53, dport=FIRST.port()))
        if number % 3 == 0:
            packet = IP(src="192.0.0.2", dst="192.0.0.1", id=number) / UDP(dport=5351)
            c.punt_tunnel("pcp", upstream(FIRST, packet))
        c.decap(FIRST, echo(to_host(FIRST, id=number), FIRST.port()))
