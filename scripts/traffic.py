#!/usr/bin/python3
"""Ordinary kernel sockets with something to say, to prove that a path carries it unharmed.

traffic.py tcp-serve ADDRESS PORT            takes a stream, answers with its SHA-256, then sends as much
traffic.py tcp-send ADDRESS PORT MEGABYTES   sends a stream and takes one, compares both digests
traffic.py udp-echo ADDRESS PORT             answers every datagram
traffic.py udp-send ADDRESS PORT SECONDS RATE  numbered datagrams; every one must come back once
traffic.py udp-whole ADDRESS PORT SIZE COUNT   large datagrams at once, fragmented by the kernel (DF=0);
                                             every one must come back whole
traffic.py udp-shuffled ADDRESS PORT SIZE COUNT  the same, in fragments that come late, early and mixed
traffic.py udp-sum ADDRESS PORT              answers every datagram with its SHA-256
traffic.py udp-summed ADDRESS PORT SIZE COUNT  as udp-whole, to udp-sum
traffic.py udp-refused ADDRESS PORT SIZE     a datagram with DF=1 that gets no answer but an ICMP error
traffic.py tunnel-refused IPV4 PORT B4 BR    a tunnel packet of B4, as if IPV4 and PORT were its own, that
                                             gets no answer but an ICMPv6 error
traffic.py tunnel-pieces BR 0 FIRST COUNT    first pieces of tunnel packets, whose others never come
"""

import errno
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
REFUSED_S = 5  # for an ICMP error
SO_RCVBUFFORCE = 33  # Linux: beyond net.core.rmem_max, for root
IP_MTU_DISCOVER, IP_PMTUDISC_PROBE, IP_PMTUDISC_OMIT = 10, 3, 5
IP_RECVERR, IPV6_RECVERR = 11, 25
LINK_MTU = 1500  # of the Internet host
MORE = 0x2000  # more fragments, RFC 791 s3.1
IPPROTO_FRAGMENT = 44


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


def udp_sum(address, port):
    """Answers every datagram with its digest, which needs no fragments, until it is stopped."""
    server = udp_socket()
    server.bind((address, int(port)))
    print("ready", flush=True)
    while True:
        datagram, source = server.recvfrom(65536)
        server.sendto(hashlib.sha256(datagram).digest(), source)


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
    # DF=0, and fragments as large as the link takes, whatever is known of the path.
    udp.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT)
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


def udp_whole(address, port, size, count):
    """Sends large datagrams, all at once; fails unless each comes back whole."""
    peer = udp_socket()
    peer.connect((address, int(port)))
    datagrams = large(int(size), int(count))
    for datagram in datagrams:
        peer.send(datagram)
    return_whole(peer, datagrams)


def udp_summed(address, port, size, count):
    """Sends large datagrams, all at once; fails unless the digest of each comes back."""
    peer = udp_socket()
    peer.connect((address, int(port)))
    datagrams = large(int(size), int(count))
    for datagram in datagrams:
        peer.send(datagram)
    return_whole(peer, [hashlib.sha256(datagram).digest() for datagram in datagrams])


def udp_shuffled(address, port, size, count):
    """Sends large datagrams as fragments in an order that no network owes anybody."""
    peer = udp_socket()
    peer.connect((address, int(port)))
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    datagrams = large(int(size), int(count))
    trains = [fragments(peer, number + 1, datagram) for number, datagram in enumerate(datagrams)]
    for number, train in enumerate(trains):
        if number % 2 == 0:
            train.reverse()
    # One fragment of each datagram in turn, so that as many as there are datagrams are under way.
    for turn in zip(*trains):
        for fragment in turn:
            raw.sendto(fragment, (address, 0))
    return_whole(peer, datagrams)


def large(size, count):
    """Datagrams that differ in every octet, more or less."""
    source = random.Random(size)
    return [source.randbytes(size) for _ in range(count)]


def return_whole(peer, datagrams):
    """Takes the answers, in any order."""
    peer.settimeout(LATE_S)
    missing = set(datagrams)
    while missing:
        try:
            answer = peer.recv(65536)
        except TimeoutError:
            sys.exit(f"traffic: {len(missing)} of {len(datagrams)} datagrams did not come back")
        if answer not in missing:
            sys.exit(f"traffic: a datagram of {len(answer)} octets came back twice or changed")
        missing.remove(answer)
    print(f"{len(datagrams)} datagrams of {len(datagrams[0])} octets there and back, whole")


def fragments(peer, identification, payload):
    """The IPv4 fragments of a datagram from `peer` to its peer; the kernel sums up their headers."""
    (source, source_port), (target, target_port) = peer.getsockname(), peer.getpeername()
    addresses = socket.inet_aton(source) + socket.inet_aton(target)
    length = 8 + len(payload)
    pseudo = addresses + struct.pack("!HHHHHH", 17, length, source_port, target_port, length, 0)
    ports = struct.pack("!HHHH", source_port, target_port, length, checksum(pseudo + payload))
    datagram, step = ports + payload, (LINK_MTU - 20) & ~7
    pieces = []
    for offset in range(0, length, step):
        piece = datagram[offset : offset + step]
        place = offset // 8 | (MORE if offset + step < length else 0)
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(piece), identification, place, 64, 17, 0)
        pieces.append(header + addresses + piece)
    return pieces


def checksum(octets):
    """The Internet checksum (RFC 1071), never zero (RFC 768)."""
    total = sum(struct.unpack(f"!{(len(octets) + 1) // 2}H", octets + bytes(len(octets) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF) or 0xFFFF


def udp_refused(address, port, size):
    """Sends one datagram with DF=1 that fits the link; says which ICMP error comes back."""
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
    peer.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    peer.connect((address, int(port)))
    peer.send(bytes(int(size)))
    told(peer, socket.AF_INET)


def tunnel_refused(ipv4, port, b4, br):
    """Sends one tunnel packet that no binding allows; says which ICMPv6 error comes back."""
    tunnel = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_IPIP)
    tunnel.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    tunnel.bind((b4, 0))
    tunnel.connect((br, 0))
    addresses = socket.inet_aton(ipv4) + socket.inet_aton("203.0.113.10")
    header = struct.pack("!BBHHHBB", 0x45, 0, 32, 1, 0, 64, 17)
    header += struct.pack("!H", checksum(header + addresses)) + addresses
    tunnel.send(header + struct.pack("!HHHHI", int(port), 53, 12, 0, 0))
    told(tunnel, socket.AF_INET6)


def tunnel_pieces(br, _port, first, count):
    """Sends first fragments of so many tunnel packets, with Identifications of their own."""
    tunnel = socket.socket(socket.AF_INET6, socket.SOCK_RAW, IPPROTO_FRAGMENT)
    tunnel.connect((br, 0))
    for identification in range(int(first), int(first) + int(count)):
        header = struct.pack("!BBHI", socket.IPPROTO_IPIP, 0, 1, identification)  # more to come
        tunnel.send(header + bytes(64))


def told(peer, family):
    """Waits for an ICMP error, whose checksum the kernel has verified, and says what it is."""
    poll = select.poll()
    poll.register(peer, 0)  # POLLERR needs no asking
    if not poll.poll(REFUSED_S * 1000):
        sys.exit("traffic: no ICMP error came")
    try:
        peer.recv(65536)
        sys.exit("traffic: an answer came")
    except OSError as error:
        said = errno.errorcode[error.errno]
    _, ancillary, _, _ = peer.recvmsg(65536, 1024, socket.MSG_ERRQUEUE)
    # struct sock_extended_err, and behind it the address of whoever complains.
    ((_, _, extended),) = ancillary
    _, _, kind, code, _, information, _ = struct.unpack("=IBBBBII", extended[:16])
    start, length = (16 + 4, 4) if family == socket.AF_INET else (16 + 8, 16)
    offender = socket.inet_ntop(family, extended[start : start + length])
    print(f"{said}: {kind}/{code} from {offender}, {information}")


COMMANDS = {
    "tcp-serve": (tcp_serve, 2),
    "tcp-send": (tcp_send, 3),
    "udp-echo": (udp_echo, 2),
    "udp-send": (udp_send, 4),
    "udp-whole": (udp_whole, 4),
    "udp-shuffled": (udp_shuffled, 4),
    "udp-sum": (udp_sum, 2),
    "udp-summed": (udp_summed, 4),
    "udp-refused": (udp_refused, 3),
    "tunnel-refused": (tunnel_refused, 4),
    "tunnel-pieces": (tunnel_pieces, 4),
}

if __name__ == "__main__":
    command, count = COMMANDS.get(sys.argv[1] if len(sys.argv) > 1 else "", (None, 0))
    if command is None or len(sys.argv) - 2 != count:
        sys.exit(__doc__)
    try:
        command(*sys.argv[2:])
    except OSError as problem:
        sys.exit(f"traffic: {problem}")
