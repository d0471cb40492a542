#!/usr/bin/python3
"""Many lwB4s that ask for port sets by PCP (RFC 6887, RFC 7753), each from an address of its own.

subscribers.py BR COUNT STATE

Runs in the place of the lwB4s until SIGTERM: asks for sets, refreshes them and gives them back, at random,
and keeps account of what was acknowledged. STATE is a JSON file that is read if it is there and written at
the end: a list with, for each lwB4, `b4`, its address; `set`, the [address, first port] that it was last told it
has, or null; and `pending`, the request without an answer, `map` or `delete`, or null. A request is never
repeated: whether one without an answer was served, nobody can know. What contradicts an acknowledgement
ends the program with 1 and a line.
"""

import hashlib
import json
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import time

AFTR, HOST = socket.inet_aton("192.0.0.1"), socket.inet_aton("192.0.0.2")  # RFC 6333 s5.7
LOCAL = "2001:db8:1000::/36"  # where the lwB4s are; a /56 each
PCP_PORT, OUR_PORT = 5351, 40000
MAP, RESPONSE, SUCCESS = 1, 0x80, 0
PORT_SET = 130  # RFC 7753 s4.1
LIFETIME_S = 3600
OUTSTANDING = 64
DRAIN_S = 0.2  # for answers that are on their way at the end
MAPPED = bytes(10) + b"\xff\xff"


def main():
    """Asks until it is stopped."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    br, count, file = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    subprocess.run(["ip", "-6", "route", "replace", "local", LOCAL, "dev", "lo"], check=True)
    lwb4s = [LwB4(number) for number in range(count)]
    if os.path.exists(file):
        with open(file, encoding="utf-8") as state:
            for lwb4, was in zip(lwb4s, json.load(state)):
                lwb4.set, lwb4.pending = was["set"], was["pending"]
    acknowledged = Crowd(br, lwb4s).ask()
    with open(file, "w", encoding="utf-8") as state:
        json.dump([lwb4.state() for lwb4 in lwb4s], state)
    print(f"{acknowledged} acknowledged")


class LwB4:
    """One lwB4 and what it knows."""

    def __init__(self, number):
        b4 = f"2001:db8:{0x1000 + number // 256:x}:{number % 256 << 8:x}::1"
        # As everybody else writes it (RFC 5952).
        self.b4 = socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, b4))
        self.nonce = hashlib.sha256(self.b4.encode()).digest()[:12]
        self.set = None
        self.pending = None
        self.waits = False

    def state(self):
        """What others should know."""
        return {"b4": self.b4, "set": self.set, "pending": self.pending}

    def choose(self):
        """Decides what to ask for."""
        self.pending = "delete" if self.set and random.random() < 0.2 else "map"
        self.waits = True

    def request(self, suggested=("0.0.0.0", 0)):
        """The packet that asks for it."""
        address, port = suggested
        lifetime = LIFETIME_S if self.pending == "map" else 0
        pcp = struct.pack("!BBHI", 2, MAP, 0, lifetime) + MAPPED + HOST
        pcp += self.nonce + struct.pack("!B3xHH", 0, 1, port) + MAPPED + socket.inet_aton(address)
        pcp += struct.pack("!BxHHHB3x", PORT_SET, 5, 0xFFFF, 1, 0)
        # Inside IPv4 a datagram needs no checksum (RFC 768).
        udp = struct.pack("!HHHH", OUR_PORT, PCP_PORT, 8 + len(pcp), 0) + pcp
        ipv4 = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0)
        ipv4 = bytearray(ipv4 + HOST + AFTR)
        struct.pack_into("!H", ipv4, 10, checksum(ipv4))
        return bytes(ipv4) + udp

    def hear(self, result, lifetime, granted):
        """Takes an answer to what is pending."""
        if result != SUCCESS:
            sys.exit(f"subscribers: {self.b4} has {self.set}, asked to {self.pending}, got result {result}")
        if (lifetime == 0) != (self.pending == "delete"):
            sys.exit(f"subscribers: {self.b4} asked to {self.pending}, got a lifetime of {lifetime} s")
        if self.pending == "map" and self.set and self.set != granted:
            sys.exit(f"subscribers: {self.b4} has {self.set}, and is told that it has {granted}")
        self.set = granted if self.pending == "map" else None
        self.pending, self.waits = None, False


class Crowd:
    """All of them behind two sockets."""

    def __init__(self, br, lwb4s):
        self.br, self.lwb4s = br, lwb4s
        self.by_nonce = {lwb4.nonce: lwb4 for lwb4 in lwb4s}
        self.out = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.into = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_IPIP)
        self.into.setblocking(False)
        self.acknowledged = 0
        self.outstanding = 0
        self.stops = False

    def ask(self):
        """Asks until SIGTERM; returns how many answers came."""
        signal.signal(signal.SIGTERM, self.stop)
        print("ready", flush=True)
        while not self.stops:
            while self.outstanding < OUTSTANDING and self.send():
                pass
            self.receive(0.05)
        deadline = time.monotonic() + DRAIN_S
        while time.monotonic() < deadline:
            self.receive(0.02)
        return self.acknowledged

    def stop(self, _signal, _frame):
        """The end has come."""
        self.stops = True

    def send(self):
        """Has one lwB4 ask that does not wait; returns whether there is one."""
        for _ in range(len(self.lwb4s)):
            lwb4 = random.choice(self.lwb4s)
            if not lwb4.waits:
                break
        else:
            return False
        # What was asked of a daemon that is gone is asked again: until it is answered, either may be true.
        if lwb4.pending is None:
            lwb4.choose()
        lwb4.waits = True
        self.out.sendto(tunnelled(lwb4.request(), lwb4.b4, self.br), (self.br, 0))
        self.outstanding += 1
        return True

    def receive(self, patience):
        """Takes the answers that are there."""
        select.select([self.into], [], [], patience)
        while True:
            try:
                packet = self.into.recv(2048)
            except BlockingIOError:
                return
            self.read(packet)

    def read(self, packet):
        """Takes one, if it is an answer."""
        pcp = packet[28:]
        if len(pcp) < 60 or pcp[1] != MAP | RESPONSE:
            return
        lwb4 = self.by_nonce.get(pcp[24:36])
        if lwb4 is None or not lwb4.waits:
            return
        (lifetime,) = struct.unpack("!I", pcp[4:8])
        (port,) = struct.unpack("!H", pcp[42:44])
        lwb4.hear(pcp[3], lifetime, [socket.inet_ntoa(pcp[56:60]), port])
        self.acknowledged += 1
        self.outstanding -= 1


def tunnelled(packet, b4, br):
    """An IPv4 packet in IPv6 (RFC 2473)."""
    header = struct.pack("!IHBB", 6 << 28, len(packet), socket.IPPROTO_IPIP, 64)
    return header + b"".join(socket.inet_pton(socket.AF_INET6, end) for end in (b4, br)) + packet


def checksum(octets):
    """The Internet checksum (RFC 1071) of an even number of octets."""
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


if __name__ == "__main__":
    main()
