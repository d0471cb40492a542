#!/usr/bin/python3
"""lwB4s that ask for a port set each, and come back when they hear that leases were lost.

returning.py BR COUNT [GROUP]

Runs in the place of the lwB4s. Each asks until it has a set; then "ready" is printed. From then on all wait for
an ANNOUNCE (RFC 6887 s14.1): one that comes from BR in its own tunnel and from the server's address and port, to
where it asked from, with an epoch that has gone back. Each that has heard one asks for the set that it had,
a little later and again until it is answered, and must get that and no other. With GROUP, an IPv6 multicast
group, one must come there too, to 224.0.0.1 port 5350. Ends with 0 and a line when all are back; what is wrong
ends it with 1 and a line. An epoch that has not gone back is counted as a word for nothing, on the last line.
"""

import random
import select
import socket
import struct
import subprocess
import sys
import time

from subscribers import AFTR, HOST, LOCAL, MAP, OUR_PORT, PCP_PORT, RESPONSE, SUCCESS, LwB4, tunnelled

ANNOUNCE, CLIENT_PORT, ALL_SYSTEMS = 0, 5350, socket.inet_aton("224.0.0.1")
INTERFACE = "access"
AGAIN_S = 3  # RFC 6887 s8.1.1
# RFC 6887 s14.1.3 says up to 5 seconds; fewer lwB4s need less.
SPREAD_S = 1
IPV6_RECVPKTINFO = 49


def main():
    """Asks, waits and comes back."""
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    subprocess.run(["ip", "-6", "route", "replace", "local", LOCAL, "dev", "lo"], check=True)
    crowd = Crowd(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
    crowd.until(lambda one: one.set is not None)
    print("ready", flush=True)
    crowd.until(lambda one: one.is_back and not one.waits)
    print(f"{len(crowd.lwb4s)} are back; {crowd.needless} announcements were needless")


class Returning(LwB4):
    """One lwB4, its epoch and what it does next."""

    def __init__(self, number):
        super().__init__(number)
        self.pending, self.waits = "map", True
        self.ask_at = 0
        self.epoch = None
        self.is_back = False

    def observe(self, epoch):
        """Takes an epoch; returns whether state was lost (RFC 6887 s8.5, its first rule)."""
        is_lost = self.epoch is not None and epoch < self.epoch - 1
        self.epoch = epoch
        return is_lost


class Crowd:
    """All of them behind two sockets."""

    def __init__(self, br, count, group=None):
        self.br, self.group = br, group
        self.lwb4s = [Returning(number) for number in range(count)]
        self.by_address = {one.b4: one for one in self.lwb4s}
        self.out = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.into = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_IPIP)
        self.into.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
        self.into.setblocking(False)
        self.needless = 0
        self.group_was_told = group is None
        if group is not None:
            member = socket.inet_pton(socket.AF_INET6, group)
            member += struct.pack("@I", socket.if_nametoindex(INTERFACE))
            self.into.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)

    def until(self, is_done):
        """Goes on until it is so for everybody."""
        while not (all(map(is_done, self.lwb4s)) and (self.group_was_told or not self.had_sets())):
            now = time.monotonic()
            for one in self.lwb4s:
                if one.waits and now >= one.ask_at:
                    one.ask_at = now + AGAIN_S
                    packet = one.request(tuple(one.set or ("0.0.0.0", 0)))
                    self.out.sendto(tunnelled(packet, one.b4, self.br), (self.br, 0))
            select.select([self.into], [], [], 0.05)
            self.receive()

    def had_sets(self):
        """Whether all had a set before, so that a loss is what they wait for."""
        return any(one.is_back for one in self.lwb4s)

    def receive(self):
        """Takes the packets that are there."""
        while True:
            try:
                packet, extra, _, sender = self.into.recvmsg(2048, 64)
            except BlockingIOError:
                return
            # struct in6_pktinfo begins with the address that it was sent to.
            to = socket.inet_ntop(socket.AF_INET6, extra[0][2][:16])
            self.read(packet, sender[0], to)

    def read(self, packet, sender, to):
        """Takes a packet of the server's."""
        if to != self.group and to not in self.by_address:
            return  # another program's here
        source, destination = packet[12:16], packet[16:20]
        ports, pcp = struct.unpack("!HH", packet[20:24]), packet[28:]
        if len(pcp) < 24 or source != AFTR or ports[0] != PCP_PORT or sender != self.br:
            sys.exit(f"returning: what came from {sender} to {to} is not the server's: {packet.hex()}")
        if pcp[1] == ANNOUNCE | RESPONSE and to == self.group:
            if (destination, ports[1], packet[8]) != (ALL_SYSTEMS, CLIENT_PORT, 1):
                sys.exit(f"returning: the group heard {packet.hex()}")
            self.group_was_told = True
            return
        if (destination, ports[1]) != (HOST, OUR_PORT):
            sys.exit(f"returning: {to} did not ask for {packet.hex()}")
        one = self.by_address[to]
        (epoch,) = struct.unpack("!I", pcp[8:12])
        if pcp[1] == ANNOUNCE | RESPONSE:
            self.hear_announcement(one, pcp, epoch)
        elif pcp[1] == MAP | RESPONSE and pcp[24:36] == one.nonce:
            self.hear_answer(one, pcp, epoch)

    def hear_announcement(self, one, pcp, epoch):
        """State was lost, or not."""
        if pcp != struct.pack("!BBxBII12x", 2, ANNOUNCE | RESPONSE, SUCCESS, 0, epoch):
            sys.exit(f"returning: {one.b4} heard a strange announcement: {pcp.hex()}")
        if not one.observe(epoch):
            self.needless += 1
            return
        one.pending, one.waits, one.is_back = "map", True, True
        one.ask_at = time.monotonic() + random.uniform(0, SPREAD_S)

    def hear_answer(self, one, pcp, epoch):
        """Its set, the one that it had if it had one."""
        if not one.waits:
            return
        if one.observe(epoch):
            sys.exit(f"returning: {one.b4} was answered with epoch {epoch} and heard no announcement before")
        (lifetime,) = struct.unpack("!I", pcp[4:8])
        (port,) = struct.unpack("!H", pcp[42:44])
        one.hear(pcp[3], lifetime, [socket.inet_ntoa(pcp[56:60]), port])


if __name__ == "__main__":
    main()
