#!/usr/bin/python3
"""Ordinary kernel sockets with something to say, to prove that a path carries it unharmed.

traffic.py tcp-serve ADDRESS PORT            takes a stream, answers with its SHA-256, then sends as much
traffic.py tcp-send ADDRESS PORT MEGABYTES   sends a stream and takes one, compares both digests
traffic.py udp-echo ADDRESS PORT             answers every datagram
traffic.py udp-send ADDRESS PORT SECONDS RATE  numbered datagrams; every one must come back once
"""

import hashlib
import random
import select
import socket
import struct
import sys
import time

CHUNK = 1 << 16
PATIENCE_S = 60
LATE_S = 20  # for the last datagram: a busy machine delays, and delay is not loss
SO_RCVBUFFORCE = 33  # Linux: beyond net.core.rmem_max, for root


def tcp_serve(address, port):
    """Serves clients one by one, until it is stopped."""
    listener = socket.create_server((address, int(port)))
    print("ready", flush=True)
    while True:
        client, _ = listener.accept()
        with client:
            try:
                serve(client)
            except OSError as error:
                print(f"traffic: {error}", file=sys.stderr)


def serve(client):
    """Takes a stream of announced length, answers with its digest and a stream back."""
    client.settimeout(PATIENCE_S)
    (length,) = struct.unpack("!Q", receive(client, 8))
    client.sendall(digest_of_arriving(client, length))
    client.sendall(send(client, length, seed=2))


def tcp_send(address, port, megabytes):
    """One client: a stream there, a stream back, both digests compared."""
    length = int(megabytes) << 20
    started = time.monotonic()
    with socket.create_connection((address, int(port)), timeout=PATIENCE_S) as server:
        server.sendall(struct.pack("!Q", length))
        sent = send(server, length, seed=1)
        if receive(server, 32) != sent:
            sys.exit("traffic: what arrived there is not what was sent")
        arrived = digest_of_arriving(server, length)
        if receive(server, 32) != arrived:
            sys.exit("traffic: what arrived here is not what was sent")
    seconds = time.monotonic() - started
    print(f"{megabytes} MiB each way in {seconds:.1f} s, SHA-256 equal at both ends")


def send(peer, length, seed):
    """Sends `length` octets that no pattern repeats; returns their digest."""
    source, digest = random.Random(seed), hashlib.sha256()
    while length:
        chunk = source.randbytes(min(CHUNK, length))
        digest.update(chunk)
        peer.sendall(chunk)
        length -= len(chunk)
    return digest.digest()


def digest_of_arriving(peer, length):
    """The digest of the next `length` octets."""
    digest = hashlib.sha256()
    while length:
        chunk = peer.recv(min(CHUNK, length))
        if not chunk:
            raise ConnectionError(f"the stream ended {length} octets early")
        digest.update(chunk)
        length -= len(chunk)
    return digest.digest()


def receive(peer, length):
    """Exactly `length` octets."""
    octets = b""
    while len(octets) < length:
        chunk = peer.recv(length - len(octets))
        if not chunk:
            raise ConnectionError(f"the stream ended {length - len(octets)} octets early")
        octets += chunk
    return octets


def udp_echo(address, port):
    """Answers every datagram, until it is stopped."""
    echo = udp_socket()
    echo.bind((address, int(port)))
    print("ready", flush=True)
    while True:
        datagram, source = echo.recvfrom(65536)
        echo.sendto(datagram, source)


def udp_send(address, port, seconds, rate):
    """Sends numbered datagrams at an even rate; fails unless each comes back once, whole, in order."""
    peer = udp_socket()
    peer.connect((address, int(port)))
    count, interval = int(float(seconds) * int(rate)), 1 / int(rate)
    answers, start = [], time.monotonic()
    for number in range(count):
        wait_until(peer, start + number * interval, answers)
        peer.send(numbered(number))
    deadline = time.monotonic() + LATE_S
    while len(answers) < count and time.monotonic() < deadline:
        wait_until(peer, time.monotonic() + 0.05, answers)
    judge(count, answers)


def udp_socket():
    """A socket with room for what a busy machine delivers late."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    return udp


def wait_until(peer, moment, answers):
    """Collects answers until `moment`."""
    while True:
        left = moment - time.monotonic()
        if not select.select([peer], [], [], max(0, left))[0]:
            return
        answers.append(peer.recv(65536))
        if left < -1:
            return


def numbered(number):
    """A datagram whose content and size follow from its number."""
    return struct.pack("!I", number) + bytes([number & 0xFF]) * (number % 1400)


def judge(count, answers):
    """Compares what came back with what went out."""
    numbers = [struct.unpack("!I", answer[:4])[0] for answer in answers]
    lost = set(range(count)) - set(numbers)
    if lost:
        first, last = min(lost), max(lost)
        sys.exit(f"traffic: {len(lost)} of {count} datagrams lost, numbers {first} to {last}")
    if len(numbers) > count:
        sys.exit(f"traffic: {len(numbers) - count} of {count} datagrams came back twice")
    late = [number for before, number in zip(numbers, numbers[1:]) if number < before]
    if late:
        sys.exit(f"traffic: of {count} datagrams {len(late)} came back out of order: {late[:5]}")
    if any(answer != numbered(number) for number, answer in zip(numbers, answers)):
        sys.exit("traffic: a datagram came back changed")
    print(f"{count} datagrams there and back, none lost")


COMMANDS = {
    "tcp-serve": (tcp_serve, 2),
    "tcp-send": (tcp_send, 3),
    "udp-echo": (udp_echo, 2),
    "udp-send": (udp_send, 4),
}

if __name__ == "__main__":
    command, count = COMMANDS.get(sys.argv[1] if len(sys.argv) > 1 else "", (None, 0))
    if command is None or len(sys.argv) - 2 != count:
        sys.exit(__doc__)
    try:
        command(*sys.argv[2:])
    except OSError as problem:
        sys.exit(f"traffic: {problem}")
