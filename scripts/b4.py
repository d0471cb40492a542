#!/usr/bin/python3
"""A lwB4's tunnel end as a small program: a TUN device on one side, IPv4 in IPv6 on the other.

It has no NAT: the hosts beside it keep to the port set themselves. It stands in until the lwB4 exists.

Without --ipv4 the host is 192.0.0.2 and reaches nobody but the lwAFTR at 192.0.0.1 (RFC 6333 s5.7), which
it can ask for a port set by PCP. Whoever asks gives the device the address that was granted.
"""

import argparse
import fcntl
import functools
import itertools
import os
import selectors
import socket
import struct
import subprocess
import sys

SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33  # Linux: beyond the machine's limits, for root
TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x0001 | 0x1000
SOFTWIRE_END = "192.0.0.2/29"  # RFC 6333 s5.7; 192.0.0.1 is on the same link
QUEUE = 10000  # packets that a burst of the host may leave waiting for us
IPPROTO_IPV4 = 4  # next header of IPv4 in IPv6, RFC 2473 s5
IPPROTO_FRAGMENT, MORE = 44, 1  # RFC 8200 s4.5


def main():
    """Carries packets until it is stopped."""
    args = arguments()
    tun = open_tun(args)
    tunnel = open_tunnel(args)
    outgoing = functools.partial(send, tunnel)
    if args.last_first:
        raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
        outgoing = functools.partial(send_last_first, raw, args, itertools.count(1))
    print("ready", flush=True)
    sources = selectors.DefaultSelector()
    sources.register(tun, selectors.EVENT_READ, lambda: encapsulate(tun, outgoing))
    sources.register(tunnel, selectors.EVENT_READ, lambda: decapsulate(tun, tunnel, args.br))
    while True:
        for key, _ in sources.select():
            key.data()


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--b4", required=True, help="our IPv6 address, the tunnel's source")
    parser.add_argument("--br", required=True, help="the lwAFTR's IPv6 address")
    parser.add_argument("--ipv4", help="the public IPv4 address, if it is known")
    parser.add_argument("--mtu", type=int, default=1460, help="largest IPv4 packet")
    parser.add_argument(
        "--last-first", type=int, metavar="MTU", help="fragment outside to this, and send the last fragment first"
    )
    parser.add_argument("--device", default="softwire")
    return parser.parse_args()


def open_tun(args):
    """The TUN device, up, with the public address and the default route, or the way to the lwAFTR alone."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", args.device.encode(), IFF_TUN_NO_PI))
    commands = [f"link set {args.device} mtu {args.mtu} txqueuelen {QUEUE} addrgenmode none up"]
    if args.ipv4:
        commands += [f"address add {args.ipv4}/32 dev {args.device}", f"route add default dev {args.device}"]
    else:
        commands.append(f"address add {SOFTWIRE_END} dev {args.device}")
    for command in commands:
        subprocess.run(["ip", *command.split()], check=True)
    return tun


def open_tunnel(args):
    """A raw socket between the tunnel's ends."""
    tunnel = socket.socket(socket.AF_INET6, socket.SOCK_RAW, IPPROTO_IPV4)
    for option in (SO_RCVBUFFORCE, SO_SNDBUFFORCE):
        tunnel.setsockopt(socket.SOL_SOCKET, option, 8 << 20)
    tunnel.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 64)
    tunnel.bind((args.b4, 0))
    tunnel.connect((args.br, 0))
    tunnel.setblocking(False)
    return tunnel


def encapsulate(tun, outgoing):
    """Sends what the host has for the Internet."""
    for _ in range(64):
        try:
            packet = os.read(tun, 65536)
        except BlockingIOError:
            return
        if packet[0] >> 4 == 4:
            try:
                outgoing(packet)
            except OSError as error:
                print(f"b4: a packet of {len(packet)} octets: {error}", file=sys.stderr)


def send(tunnel, packet):
    """Sends with the packet's ToS as traffic class (EC-001, EC-002); the kernel fragments (FR-001)."""
    traffic_class = struct.pack("i", packet[1])
    tunnel.sendmsg([packet], [(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, traffic_class)])


def send_last_first(raw, args, identifications, packet):
    """Sends what is too large as fragments, in an order that the kernel never uses."""
    if 40 + len(packet) <= args.last_first:
        raw.sendto(header(args, packet, IPPROTO_IPV4, len(packet)) + packet, (args.br, 0))
        return
    step = (args.last_first - 48) & ~7
    identification = next(identifications)
    for offset in reversed(range(0, len(packet), step)):
        piece = packet[offset : offset + step]
        more = MORE if offset + step < len(packet) else 0
        fragment = struct.pack("!BxHI", IPPROTO_IPV4, offset | more, identification) + piece
        raw.sendto(header(args, packet, IPPROTO_FRAGMENT, len(fragment)) + fragment, (args.br, 0))


def header(args, packet, next_header, length):
    """The tunnel header, with the packet's ToS as traffic class."""
    ends = (socket.inet_pton(socket.AF_INET6, end) for end in (args.b4, args.br))
    return struct.pack("!IHBB", 6 << 28 | packet[1] << 20, length, next_header, 64) + b"".join(ends)


def decapsulate(tun, tunnel, br):
    """Gives the host what comes from the lwAFTR, and only from it (LW-030)."""
    for _ in range(64):
        try:
            packet, source = tunnel.recvfrom(65536)
        except BlockingIOError:
            return
        except OSError as error:
            print(f"b4: {error}", file=sys.stderr)
            return
        if source[0] == br:
            deliver(tun, packet)


def deliver(tun, packet):
    """Hands the host a packet; one that it does not take is lost, as on any link."""
    try:
        os.write(tun, packet)
    except OSError as error:
        print(f"b4: a packet of {len(packet)} octets: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
