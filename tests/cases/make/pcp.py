"""PCP as RFC 6887 s7, s11 and RFC 7753 s4.1 lay it out, and lwB4s that speak it in tunnels."""

import struct
from dataclasses import dataclass, replace

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from errors import AFTR
from network import DATA, FIRST, Softwire, address, from_host, to_host, tunnelled

ANNOUNCE, MAP, PEER = 0, 1, 2
# Result codes and their recommended lifetimes (RFC 6887 s7.4).
UNSUPP_VERSION, NOT_AUTHORIZED, MALFORMED_REQUEST, UNSUPP_OPCODE = 1, 2, 3, 4
UNSUPP_OPTION, MALFORMED_OPTION, NETWORK_FAILURE, NO_RESOURCES = 5, 6, 7, 8
UNSUPP_PROTOCOL, USER_EX_QUOTA, ADDRESS_MISMATCH = 9, 10, 12
SHORT = {NETWORK_FAILURE: 30, NO_RESOURCES: 30, USER_EX_QUOTA: 30}
LONG_S, FOR_EVER_S = 1800, 2**32 - 1
# Wrong before it was understood: such answers keep octets 12 to 23 (RFC 6887 s7.2).
NOT_PARSED = {UNSUPP_VERSION, MALFORMED_REQUEST, MALFORMED_OPTION}
NONCE, OTHER_NONCE = bytes(range(0xA0, 0xAC)), bytes(range(0xB0, 0xBC))
TCP_PROTOCOL, UDP_PROTOCOL = 6, 17
NO_ADDRESS = "0.0.0.0"


def sixteen(text):
    """An address in 128 bits: IPv4 as ::ffff:a.b.c.d (RFC 6887 s5)."""
    octets = address(text)
    return octets if len(octets) == 16 else bytes(10) + b"\xff\xff" + octets


def option(code, data):
    """An option, padded to a multiple of four (RFC 6887 s7.3)."""
    return struct.pack("!BBH", code, 0, len(data)) + data + bytes(-len(data) % 4)


def port_set(size=65535, first=1, parity=0):
    """PORT_SET (RFC 7753 s4.1): five octets and three of padding."""
    return option(130, struct.pack("!HHB", size, first, parity))


def third_party(text):
    """THIRD_PARTY (RFC 6887 s13.1)."""
    return option(1, sixteen(text))


PREFER_FAILURE = option(2, b"")
ALL = port_set()


def request(opcode, lifetime, client, rest=b""):
    """A request's header and what follows (RFC 6887 s7.1)."""
    return struct.pack("!BBHI", 2, opcode, 0, lifetime) + sixteen(client) + rest


def response(opcode, result, lifetime, epoch, rest=b"", reserved=bytes(12)):
    """A response's header and what follows (RFC 6887 s7.2)."""
    header = struct.pack("!BBBBII", 2, 0x80 | opcode, 0, result, lifetime, epoch)
    return header + reserved + rest


def mapping(nonce, protocol, internal, external=0, ipv4=NO_ADDRESS):
    """The 36 octets of MAP, the same both ways (RFC 6887 s11.1)."""
    head = nonce + struct.pack("!BxxxHH", protocol, internal, external)
    return head + sixteen(ipv4)


@dataclass(frozen=True)
class Lwb4:
    """A PCP client at the other end of a tunnel."""

    outer: str
    br: str = FIRST.br
    inner: str = "192.0.0.2"
    port: int = 40000
    nonce: bytes = NONCE

    def map(self, protocol=0, internal=1, lifetime=3600, options=ALL, suggest=(NO_ADDRESS, 0)):
        """A MAP request; as it stands, for all ports, as RFC 7753 s5.2 has it."""
        ipv4, external = suggest
        payload = mapping(self.nonce, protocol, internal, external, ipv4)
        return request(MAP, lifetime, self.inner, payload + options)

    def sends(self, message, **udp):
        """The tunnel packet with a message to the server; one hop was taken already."""
        udp = UDP(**{"sport": self.port, "dport": 5351, **udp})
        inner = IP(src=self.inner, dst=AFTR) / udp / Raw(message)
        return tunnelled(self.outer, self.br, bytes(inner), hlim=63)

    def hears(self, message):
        """The tunnel packet with the server's message: from where it was asked (C-07)."""
        udp = UDP(sport=5351, dport=self.port)
        inner = IP(src=AFTR, dst=self.inner, id=0, flags="DF", ttl=64) / udp / Raw(message)
        return tunnelled(self.br, self.outer, bytes(inner))

    def sends_plainly(self, message):
        """The same over IPv6, without a tunnel (RFC 8585)."""
        udp = UDP(sport=self.port, dport=5351)
        return bytes(IPv6(src=self.outer, dst=self.br, hlim=63) / udp / Raw(message))

    def hears_plainly(self, message):
        """The answer to that."""
        udp = UDP(sport=5351, dport=self.port)
        return bytes(IPv6(src=self.br, dst=self.outer, hlim=64) / udp / Raw(message))

    def softwire(self, psid, ipv4="192.0.2.64", psid_length=6):
        """The binding that it gets."""
        return Softwire(ipv4, 0, psid_length, psid, self.outer, self.br)

    def but(self, **fields):
        """The same lwB4 with some things different."""
        return replace(self, **fields)


def home(number, host=1, **fields):
    """The lwB4 of a home: each has a /56 of its own (RFC 7785)."""
    return Lwb4(f"2001:db8:b4:{number:x}00::{host:x}", **fields)


def granted(asked, softwire, lifetime=None, described=True):
    """The success response to a MAP request, as a function of the epoch: internal port,
    protocol and nonce copied, PORT_SET with the set that is mapped to itself (PC-033, PS-019)."""
    first, count = softwire.port(), 1 << (16 - softwire.psid_length)
    if softwire.psid_length == 0:
        # All that PORT_SET can spell (PS-040); without it there is no port to name.
        first, count = (1, 65535) if described else (0, 65536)
    if lifetime is None:
        lifetime = int.from_bytes(asked[4:8], "big")
    payload = asked[24:42] + struct.pack("!H", first) + sixteen(softwire.ipv4)
    options = port_set(count, first, asked[68] & 1) if described else b""
    return lambda epoch: response(MAP, 0, lifetime, epoch, payload + options)


def mapped(asked, ipv4, port, lifetime):
    """The success response about one port, which needs no PORT_SET (PS-017, PC-037)."""
    payload = asked[24:42] + struct.pack("!H", port) + sixteen(ipv4)
    return lambda epoch: response(MAP, 0, lifetime, epoch, payload)


def deleted(asked):
    """The success response to a delete: all as it was asked, for a lifetime of 0 (PC-046)."""
    return lambda epoch: response(MAP, 0, 0, epoch, asked[24:])


def refused(asked, result, lifetime=None):
    """An error response: the request, with a header that says no (PC-012, PC-013)."""
    if lifetime is None:
        lifetime = SHORT.get(result, LONG_S)
    copied = (asked + bytes(-len(asked) % 4))[:1100].ljust(24, b"\0")
    reserved = copied[12:24] if result in NOT_PARSED else bytes(12)
    opcode = copied[1] & 0x7F
    return lambda epoch: response(opcode, result, lifetime, epoch, copied[24:], reserved)


def ask(c, b4, asked, answer=None):
    """A request comes through the tunnel, and is answered or met with silence. They come a
    tenth of a second apart, because nobody may ask as often as he likes."""
    c.later(0.1)
    epoch = c.age_s()
    c.punt_tunnel("pcp", b4.sends(asked))
    if answer is not None:
        c.reply("access", b4.hears(answer(epoch)))


def lease(c, b4, softwire, asked=None, lifetime=None):
    """A lwB4 is granted a set, which is forwarded from then on."""
    asked = asked or b4.map()
    ask(c, b4, asked, granted(asked, softwire, lifetime))
    c.softwires(1)


def give_back(c, b4):
    """A lwB4 gives its set back."""
    asked = b4.map(lifetime=0)
    ask(c, b4, asked, deleted(asked))
    c.softwires(-1)


def up(softwire, port=None):
    """A packet of a subscriber to the Internet."""
    port = softwire.port() if port is None else port
    return to_host(softwire) / UDP(sport=port, dport=53) / DATA


def down(softwire, port=None):
    """A packet from the Internet to a subscriber."""
    port = softwire.port() if port is None else port
    return from_host(softwire) / UDP(sport=53, dport=port) / DATA


def pool(prefix="192.0.2.64/31", psid_length=6, **fields):
    """A pool for the lwB4s of `home`."""
    row = {"name": "homes", "prefix": prefix, "psid_length": psid_length}
    return {**row, "br": FIRST.br, "clients": ["2001:db8:b4::/48"], **fields}


def serving(*pools, pcp=None, **tables):
    """A configuration with pools and a PCP server; by default one pool of two shared addresses."""
    return {"pool": list(pools) or [pool()], "pcp": pcp or {}, **tables}
