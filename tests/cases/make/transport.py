"""Transport headers that scapy does not build."""

import struct

from scapy.layers.inet import ICMP, TCP, UDP, in4_chksum
from scapy.layers.sctp import SCTP, SCTPChunkData
from scapy.packet import Raw
from scapy.utils import checksum

from network import DATA

DCCP, UDP_LITE, GRE, ESP = 33, 136, 47, 50


def ports_of(packet, protocol, segment):
    """`packet` (an IP header) carrying `segment`, a function of the checksum, under `protocol`."""
    packet = packet.copy()
    packet.proto = protocol
    packet.len = 20 + len(segment(0))
    return packet / Raw(segment(in4_chksum(protocol, packet, segment(0)) or 0xFFFF))


def dccp(packet, sport, dport):
    """A DCCP request (RFC 4340 s5.1): generic header with X = 1, service code, data."""

    def segment(check):
        generic = struct.pack("!HHBBH", sport, dport, 5, 0, check)
        return generic + bytes([0x01, 0]) + bytes(6) + struct.pack("!I", 42) + DATA

    return ports_of(packet, DCCP, segment)


def udp_lite(packet, sport, dport):
    """UDP-Lite (RFC 3828) with a checksum that covers everything."""
    return ports_of(
        packet, UDP_LITE, lambda check: struct.pack("!HHHH", sport, dport, 0, check) + DATA
    )


def every_protocol(packet, sport, dport):
    """One packet of each protocol with ports (LW-017, T-21)."""
    return [
        packet / TCP(sport=sport, dport=dport, flags="PA", seq=1, ack=1) / DATA,
        packet / UDP(sport=sport, dport=dport) / DATA,
        packet / SCTP(sport=sport, dport=dport, tag=7) / SCTPChunkData(data=DATA),
        dccp(packet, sport, dport),
        udp_lite(packet, sport, dport),
    ]


def echo(packet, identifier, kind="echo-request"):
    """An ICMP echo with `identifier` in the place of a port (IC-001)."""
    return packet / ICMP(type=kind, id=identifier, seq=1) / DATA


def icmp(packet, kind):
    """An ICMP message of any type, zero but for type and checksum, with data (RFC 792)."""
    message = bytes([kind]) + bytes(7) + DATA
    message = message[:2] + checksum(message).to_bytes(2, "big") + message[4:]
    packet = packet.copy()
    packet.proto = 1
    return packet / Raw(message)
