#!/usr/bin/python3
"""An lwB4 without a set that sends all the same, and asks the PCP server: which answer comes first?

first.py BR

Runs in the place of the lwB4. Every millisecond it sends BR a packet from a port that it does not have, which an
ICMPv6 1/5 answers (RFC 7596 s5.1), and an ANNOUNCE request (RFC 6887 s14.1), which needs no set. "ready" is
printed before the first. Ends when both have been answered, with "PCP, then 1/5" or "1/5, then PCP".
"""

import socket
import struct
import subprocess
import sys
import time

from subscribers import AFTR, HOST, LOCAL, MAPPED, OUR_PORT, PCP_PORT, RESPONSE, checksum

B4, INTERFACE = "2001:db8:1fff:ff00::1", "access"
UNBOUND, REMOTE = socket.inet_aton("192.0.2.1"), socket.inet_aton("203.0.113.10")
EVERY_S, PATIENCE_S = 0.001, 30
ETH_P_IPV6, IPPROTO_IPV4 = 0x86DD, 4


def main():
    """Sends until both answers are there."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    subprocess.run(["ip", "-6", "route", "replace", "local", LOCAL, "dev", "lo"], check=True)
    out = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
    # What arrives in the order of its arrival, whatever it is.
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IPV6))
    wire.bind((INTERFACE, ETH_P_IPV6))
    wire.settimeout(EVERY_S)
    announce = struct.pack("!BBHI", 2, 0, 0, 0) + MAPPED + HOST
    packets = [outer(sys.argv[1], inner(UNBOUND, REMOTE, 7, b"")), outer(sys.argv[1], inner(HOST, AFTR, PCP_PORT, announce))]
    print("ready", flush=True)
    heard, until = [], time.monotonic() + PATIENCE_S
    while len(heard) < 2 and time.monotonic() < until:
        for packet in packets:
            try:
                out.sendto(packet, (sys.argv[1], 0))
            except OSError:
                pass  # The link comes up with the lwAFTR.
        try:
            answer = kind(wire.recv(2048))
        except TimeoutError:
            continue
        if answer is not None and answer not in heard:
            heard.append(answer)
    print(", then ".join(heard) or "nothing")


def inner(source, destination, port, payload):
    """A datagram; inside IPv4 it needs no checksum (RFC 768)."""
    udp = struct.pack("!HHHH", OUR_PORT, port, 8 + len(payload), 0) + payload
    ipv4 = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0)
    ipv4 = bytearray(ipv4 + source + destination)
    struct.pack_into("!H", ipv4, 10, checksum(ipv4))
    return bytes(ipv4) + udp


def outer(br, packet):
    """The packet inside IPv6."""
    ends = socket.inet_pton(socket.AF_INET6, B4) + socket.inet_pton(socket.AF_INET6, br)
    return struct.pack("!IHBB", 6 << 28, len(packet), IPPROTO_IPV4, 64) + ends + packet


def kind(packet):
    """Which answer this is, if it is one to us."""
    if packet[24:40] != socket.inet_pton(socket.AF_INET6, B4):
        return None
    if packet[6] == socket.IPPROTO_ICMPV6 and packet[40:42] == b"\x01\x05":
        return "1/5"
    if packet[6] == IPPROTO_IPV4 and packet[68:70] == bytes([2, RESPONSE]):
        return "PCP"
    return None


main()
