#!/usr/bin/python3
"""A lwB4's tunnel end as a small program: a TUN device on one side, IPv4 in IPv6 on the other.

It has no NAT: the hosts beside it keep to the port set themselves. It stands in until the lwB4 exists.
"""

import argparse
import fcntl
import os
import selectors
import socket
import struct
import subprocess
import sys

SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33  # Linux: beyond the machine's limits, for root
TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x0001 | 0x1000
QUEUE = 10000  # packets that a burst of the host may leave waiting for us
IPPROTO_IPV4 = 4  # next header of IPv4 in IPv6, RFC 2473 s5


def main():
    """Carries packets until it is stopped."""
    args = arguments()
    tun = open_tun(args)
    tunnel = open_tunnel(args)
    print("ready", flush=True)
    sources = selectors.DefaultSelector()
    sources.register(tun, selectors.EVENT_READ, lambda: encapsulate(tun, tunnel))
    sources.register(tunnel, selectors.EVENT_READ, lambda: decapsulate(tun, tunnel, args.br))
    while True:
        for key, _ in sources.select():
            key.data()


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--b4", required=True, help="our IPv6 address, the tunnel's source")
    parser.add_argument("--br", required=True, help="the lwAFTR's IPv6 address")
    parser.add_argument("--ipv4", required=True, help="the public IPv4 address")
    parser.add_argument("--mtu", type=int, default=1460, help="largest IPv4 packet")
    parser.add_argument("--device", default="softwire")
    return parser.parse_args()


def open_tun(args):
    """The TUN device, up, with the public address and the default route."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", args.device.encode(), IFF_TUN_NO_PI))
    for command in (
        f"link set {args.device} mtu {args.mtu} txqueuelen {QUEUE} addrgenmode none up",
        f"address add {args.ipv4}/32 dev {args.device}",
        f"route add default dev {args.device}",
    ):
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


def encapsulate(tun, tunnel):
    """Sends what the host has for the Internet, with its ToS as traffic class (EC-001, EC-002)."""
    for _ in range(64):
        try:
            packet = os.read(tun, 65536)
        except BlockingIOError:
            return
        if packet[0] >> 4 == 4:
            traffic_class = struct.pack("i", packet[1])
            ancillary = [(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, traffic_class)]
            try:
                tunnel.sendmsg([packet], ancillary)
            except OSError as error:
                print(f"b4: a packet of {len(packet)} octets: {error}", file=sys.stderr)


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
