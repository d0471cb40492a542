"""A case: packets in, packets out, and the counters that follow from what happens to each packet.

A generator says what becomes of a packet (`encap`, `decap`, `hairpin`, `drop_…`, `punt`); the
counters are summed up from that by the definitions of RFC 8676, so they are as independent of the
program as the packets are.
"""

import json
import struct
from collections import Counter

from network import BASE, aged, arriving, downstream, leaving, tagged, upstream

CASES = {}
FILES = ("internet-in", "access-in", "internet-out", "access-out")


def case(sentence, *rules, not_in=None, config=None):
    """Declares a function `name(case)` as the generator of the case `name`."""

    def declare(make):
        if make.__name__ in CASES:
            raise ValueError(f"two cases are called {make.__name__}")
        CASES[make.__name__] = (Case(sentence, rules, not_in or {}, config or {}), make)
        return make

    return declare


class Case:
    """One folder in the making."""

    def __init__(self, sentence, rules, not_in, config):
        self.sentence = sentence
        self.rules = list(rules)
        self.not_in = not_in
        self.config = config
        self.files = {name: [] for name in FILES}
        bindings = {**BASE["softwire"], **config.get("softwire", {})}["binding"]
        self.counters = Counter({"active-softwire-num": len(bindings)})
        self.now_us = 1_000_000

    def encap(self, softwire, packet, inside=None, frame=None, **outer):
        """A packet from the Internet leaves in the tunnel of `softwire` (LW-017)."""
        self._receive("internet", frame or self._arriving("internet", packet))
        self._count("rcvd-ipv4", packet)
        self._into_tunnel(softwire, inside or aged(packet), **outer)

    def decap(self, softwire, packet, outside=None, tunnel=None, frame=None):
        """A packet of the lwB4 of `softwire` leaves towards the Internet (LW-013)."""
        outside = outside or aged(packet)
        self._from_tunnel(tunnel or upstream(softwire, packet), frame)
        self._count("sent-ipv4", outside)
        self._transmit("internet", outside)

    def hairpin(self, sender, receiver, packet, inside=None, tunnel=None, **outer):
        """A packet of one lwB4 leaves in the tunnel of another (LW-019)."""
        inside = inside or aged(packet)
        self._from_tunnel(tunnel or upstream(sender, packet))
        self._count("hairpin-ipv4", inside)
        self._into_tunnel(receiver, inside, **outer)

    def drop_ipv4(self, reason, packet, frame=None, octets=None):
        """An IPv4 packet from the Internet is dropped."""
        self._receive("internet", frame or self._arriving("internet", packet))
        self._count("rcvd-ipv4", packet, octets)
        self._count("dropped-ipv4", packet, octets)
        self.counters[reason] += 1

    def drop_ipv4_fragment(self, reason, packet):
        """A fragment from the Internet is dropped."""
        self.drop_ipv4(reason, packet)
        self.counters["dropped-ipv4-fragments"] += 1
        self.counters["dropped-ipv4-fragment-bytes"] += len(bytes(packet))

    def drop_icmpv4(self, reason, packet):
        """ICMPv4 from the Internet is kept out (IC-003)."""
        self.drop_ipv4(reason, packet)
        self._count("dropped-icmpv4", packet)

    def drop_ipv6(self, reason, tunnel, octets=None):
        """A tunnel packet is dropped."""
        self._from_tunnel(tunnel, octets=octets)
        self._count("dropped-ipv6", tunnel, octets)
        self.counters[reason] += 1

    def drop_frame(self, side, reason, frame):
        """A frame that is no packet of a softwire is dropped: only the reason counts it."""
        self._receive(side, frame)
        self.counters[reason] += 1

    def punt(self, side, frame):
        """A frame goes to the control thread."""
        self._receive(side, frame)
        self.counters["punted-packets"] += 1

    def punt_tunnel(self, tunnel):
        """A tunnel packet goes to the control thread; it is no traffic of a softwire (TN-041)."""
        self.punt("access", self._arriving("access", tunnel))

    def _from_tunnel(self, tunnel, frame=None, octets=None):
        self._receive("access", frame or self._arriving("access", tunnel))
        self._count("rcvd-ipv6", tunnel, octets)

    def _into_tunnel(self, softwire, inner, **outer):
        tunnel = downstream(softwire, inner, **outer)
        self._count("sent-ipv6", tunnel)
        self._transmit("access", tunnel)

    def _receive(self, side, frame):
        self.files[f"{side}-in"].append((self.now_us, bytes(frame)))
        self._count_frame(f"rx-{side}", frame)
        self.now_us += 1

    def _transmit(self, side, packet):
        frame = tagged(leaving(side, packet), self._vlan(side))
        self.files[f"{side}-out"].append((self.now_us, bytes(frame)))
        self._count_frame(f"tx-{side}", frame)

    def _arriving(self, side, packet):
        ethertype = {"internet": 0x0800, "access": 0x86DD}[side]
        return tagged(arriving(side, packet, type=ethertype), self._vlan(side))

    def _vlan(self, side):
        return self.config.get(side, {}).get("vlan")

    def _count_frame(self, name, frame):
        self.counters[f"{name}-packets"] += 1
        self.counters[f"{name}-bytes"] += len(bytes(frame))

    def _count(self, name, packet, octets=None):
        self.counters[f"{name}-packets"] += 1
        self.counters[f"{name}-bytes"] += len(bytes(packet)) if octets is None else octets

    def write(self, folder):
        """Writes the folder."""
        folder.mkdir(parents=True)
        (folder / "case.toml").write_text(self.toml())
        for name, packets in self.files.items():
            (folder / f"{name}.pcap").write_bytes(pcap(packets))

    def toml(self):
        """The case's sentence, rules, differences and counters."""
        lines = [f"sentence = {text(self.sentence)}", f"rules = {text(self.rules)}"]
        if self.not_in:
            lines += ["", "[not_in]"] + settings(self.not_in)
        for table, values in self.config.items():
            lines += ["", f"[config.{table}]"] + settings(values)
        lines += ["", "[counters]"]
        lines += [f"{name} = {value}" for name, value in sorted(self.counters.items()) if value]
        return "\n".join(lines) + "\n"


def settings(values):
    """The lines of a TOML table."""
    return [f"{key} = {rows(value)}" for key, value in values.items()]


def rows(value):
    """A TOML value; a list of tables has one row a line."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        tables = ["{ " + ", ".join(settings(row)) + " }" for row in value]
        return "[\n" + "".join(f"  {table},\n" for table in tables) + "]"
    return text(value)


def text(value):
    """A string, number, boolean or list of these: JSON writes them as TOML does."""
    return json.dumps(value, ensure_ascii=False)


def pcap(packets):
    """A classic capture file with microsecond times."""
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    records = [
        struct.pack("<IIII", *divmod(now_us, 1_000_000), len(frame), len(frame)) + frame
        for now_us, frame in packets
    ]
    return header + b"".join(records)
