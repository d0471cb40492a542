"""A case: packets in, packets out, and the counters that follow from what happens to each packet.

A generator says what becomes of a packet (`encap`, `decap`, `hairpin`, `drop_…`, `hear`, `punt`),
and which error answers it (`answer…`); the counters are summed up from that by the definitions of
RFC 8676, so they are as independent of the program as the packets are.
"""

import json
import struct
from collections import Counter
from contextlib import contextmanager

from errors import AFTR, icmpv4_error, icmpv6_error, text6
from fragments import ipv4_fragmented, ipv6_fragmented
from network import BASE, aged, arriving, downstream, leaving, tagged, tunnelled, upstream

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
        self.counters = Counter({"active-softwire-num": len(self._setting("softwire", "binding"))})
        self.now_us = 1_000_000
        self.step_us = 1
        self.waiting = Counter()
        self.identification = 0
        # The file of lwB4s that had leases before the case began, if they are lost.
        self.roster = None

    # When packets arrive.

    def later(self, seconds):
        """Nothing arrives for a while."""
        self.now_us += round(seconds * 1_000_000)

    @contextmanager
    def at_once(self):
        """What arrives meanwhile arrives in one burst."""
        self.step_us = 0
        yield
        self.step_us = 1
        self.now_us += 1

    def age_s(self):
        """Whole seconds since the first packet arrived, as of now."""
        first = [packets[0][0] for packets in self.files.values() if packets]
        return (self.now_us - min(first, default=self.now_us)) // 1_000_000

    def softwires(self, change):
        """There are so many softwires more from now on, or fewer."""
        self.counters["active-softwire-num"] += change

    def hold(self, side, *packets):
        """Packets arrive and wait; what becomes of each is told later, with the same packet."""
        for packet in packets:
            frame = self._arriving(side, packet)
            self._arrive(side, frame)
            self.waiting[side, frame] += 1

    # What is forwarded.

    def encap(self, softwire, packet, inside=None, frame=None, **outer):
        """A packet from the Internet leaves in the tunnel of `softwire` (LW-017)."""
        self._receive("internet", frame or self._arriving("internet", packet))
        self._count("rcvd-ipv4", packet)
        self._into_tunnel(softwire, inside or aged(packet), **outer)

    def decap(self, softwire, packet, outside=None, tunnel=None, frame=None, pieces=(), mtu=None):
        """A packet of the lwB4 of `softwire` leaves towards the Internet (LW-013).

        It may have come in IPv6 `pieces` (FR-008); with `mtu` it leaves in IPv4 fragments (FR-018).
        """
        outside = outside or aged(packet)
        self._from_tunnel(tunnel or upstream(softwire, packet), frame, pieces=pieces)
        self._count("sent-ipv4", outside)
        if mtu is None:
            self._transmit("internet", outside)
        else:
            self._transmit_pieces("internet", "ipv4", ipv4_fragmented(outside, mtu))

    def hairpin(self, sender, receiver, packet, inside=None, tunnel=None, pieces=(), **outer):
        """A packet of one lwB4 leaves in the tunnel of another (LW-019)."""
        inside = inside or aged(packet)
        self._from_tunnel(tunnel or upstream(sender, packet), pieces=pieces)
        self._count("hairpin-ipv4", inside)
        self._into_tunnel(receiver, inside, **outer)

    # What is dropped.

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

    def drop_ipv6(self, reason, tunnel, octets=None, frame=None, pieces=()):
        """A tunnel packet is dropped."""
        self._from_tunnel(tunnel, frame, octets, pieces)
        self._count("dropped-ipv6", tunnel, octets)
        self.counters[reason] += 1

    def drop_frame(self, side, reason, frame):
        """A frame that is no packet of a softwire is dropped: only the reason counts it."""
        self._receive(side, frame)
        self.counters[reason] += 1

    def drop_pieces(self, reason, *pieces):
        """IPv6 fragments are dropped before they were a packet (FR-008)."""
        for piece in pieces:
            self.drop_frame("access", reason, self._arriving("access", piece))

    def drop_again(self, piece):
        """An IPv6 fragment that waits arrives once more, and this one is dropped."""
        self._arrive("access", self._arriving("access", piece))
        self.counters["drop-ipv6-fragment-duplicate"] += 1

    def drop_reassembled(self, reason, pieces):
        """IPv6 fragments make a packet that is none of a softwire: only the reason counts it."""
        self._reassemble(pieces)
        self.counters[reason] += 1

    # What answers it.

    def answer(self, kind, packet, mtu=0):
        """An ICMPv4 error about `packet` goes to its source on the Internet (IC-013)."""
        self._send_icmpv4("internet", icmpv4_error(kind, packet, mtu))

    def answer_b4(self, kind, tunnel, mtu=0, inner=None):
        """An ICMPv4 error about the packet in `tunnel` goes back the way it came (IC-019)."""
        raw = bytes(tunnel)
        error = self._from_aftr(kind, inner or raw[40:], mtu)
        self._send_icmpv4("access", self._outer(text6(raw[24:40]), text6(raw[8:24]), error), error)

    def answer_softwire(self, softwire, kind, packet, mtu=0):
        """An ICMPv4 error about `packet` goes to the subscriber who sent it (IC-007)."""
        error = self._from_aftr(kind, packet, mtu)
        self._send_icmpv4("access", self._outer(softwire.br, softwire.b4, error), error)

    def answer_ipv6(self, kind, packet, second=0):
        """An ICMPv6 error about an IPv6 packet goes to its source (IC-010, IC-011)."""
        error = icmpv6_error(kind, packet, second, self._setting("softwire", "hop_limit"))
        self._count("out-icmpv6-error", error)
        self._transmit("access", error)

    def limited(self, errors=1):
        """Errors are not sent, because too many were (IC-012)."""
        self.counters["icmp-errors-limited"] += errors

    # What ends here.

    def hear(self, error, frame=None):
        """An ICMPv6 error about a tunnel packet is believed (IC-008)."""
        self._receive("access", frame or self._arriving("access", error))
        self.counters["heard-icmpv6-errors"] += 1

    def punt(self, kind, side, frame):
        """A frame goes to the control thread: `neighbour`, `icmp`, `pcp` or `other`."""
        self._receive(side, frame)
        self.counters[f"punted-{kind}"] += 1

    def punt_tunnel(self, kind, tunnel):
        """A tunnel packet goes to the control thread; it is no traffic of a softwire (TN-041)."""
        self.punt(kind, "access", self._arriving("access", tunnel))

    def reply(self, side, packet, frame=None):
        """The control thread answers what went to it just before."""
        self.counters["injected-packets"] += 1
        if len(bytes(packet)) > self._setting(side, "mtu"):
            raise ValueError(f"{self.sentence} {len(bytes(packet))} octets do not fit {side}")
        self._transmit_frame(side, frame or leaving(side, packet))

    def punt_reassembled(self, kind, pieces):
        """Pieces make a tunnel packet that goes to the control thread."""
        self._reassemble(pieces)
        self.counters[f"punted-{kind}"] += 1

    def _from_tunnel(self, tunnel, frame=None, octets=None, pieces=()):
        if pieces:
            self._reassemble(pieces)
        else:
            self._receive("access", frame or self._arriving("access", tunnel))
        self._count("rcvd-ipv6", tunnel, octets)

    def _reassemble(self, pieces):
        for piece in pieces:
            self._receive("access", self._arriving("access", piece))
        self.counters["ipv6-fragments-reassembled"] += len(pieces)
        # Ethernet's padding behind a piece is none of its octets.
        lengths = [40 + int.from_bytes(bytes(piece)[4:6], "big") for piece in pieces]
        self.counters["ipv6-fragments-bytes-reassembled"] += sum(lengths)
        self.counters["reassembled-ipv6-packets"] += 1

    def _into_tunnel(self, softwire, inner, mtu=None, **outer):
        tunnel = downstream(softwire, inner, **outer)
        self._count("sent-ipv6", tunnel)
        if mtu is None:
            self._transmit("access", tunnel)
        else:
            self.identification += 1
            pieces = ipv6_fragmented(tunnel, mtu, self.identification)
            self._transmit_pieces("access", "ipv6", pieces)

    def _from_aftr(self, kind, packet, mtu):
        source = self._setting("softwire", "aftr_ipv4", AFTR)
        return icmpv4_error(kind, packet, mtu, source)

    def _outer(self, source, destination, error):
        dscp = self._setting("softwire", "dscp")
        tc = error[1] if dscp == "copy" else dscp << 2 | error[1] & 3
        hop_limit = self._setting("softwire", "hop_limit")
        return tunnelled(source, destination, error, tc=tc, hlim=hop_limit)

    def _send_icmpv4(self, side, packet, error=None):
        self._count("out-icmpv4-error", error or packet)
        self._transmit(side, packet)

    def _receive(self, side, frame):
        frame = bytes(frame)
        if self.waiting[side, frame]:
            self.waiting[side, frame] -= 1
        else:
            self._arrive(side, frame)

    def _arrive(self, side, frame):
        self.files[f"{side}-in"].append((self.now_us, bytes(frame)))
        self._count_frame(f"rx-{side}", frame)
        self.now_us += self.step_us

    def _transmit_pieces(self, side, family, pieces):
        if len(pieces) == 1:
            return self._transmit(side, pieces[0])
        self.counters[f"fragmented-{family}-packets"] += 1
        self.counters[f"sent-{family}-fragments"] += len(pieces)
        for piece in pieces:
            self._transmit(side, piece)

    def _transmit(self, side, packet):
        if len(bytes(packet)) > self._setting(side, "mtu"):
            raise ValueError(f"{self.sentence} {len(bytes(packet))} octets do not fit {side}")
        self._transmit_frame(side, leaving(side, packet))

    def _transmit_frame(self, side, frame):
        frame = tagged(frame, self._vlan(side))
        self.files[f"{side}-out"].append((self.now_us, bytes(frame)))
        self._count_frame(f"tx-{side}", frame)

    def _arriving(self, side, packet):
        ethertype = {"internet": 0x0800, "access": 0x86DD}[side]
        return tagged(arriving(side, packet, type=ethertype), self._vlan(side))

    def _vlan(self, side):
        return self._setting(side, "vlan")

    def _setting(self, table, key, default=None):
        return {**BASE[table], **self.config.get(table, {})}.get(key, default)

    def _count_frame(self, name, frame):
        self.counters[f"{name}-packets"] += 1
        self.counters[f"{name}-bytes"] += len(bytes(frame))

    def _count(self, name, packet, octets=None):
        self.counters[f"{name}-packets"] += 1
        self.counters[f"{name}-bytes"] += len(bytes(packet)) if octets is None else octets

    def check(self):
        """Everything that arrived has an end, and everything that came into being (design s8)."""
        left = sum(self.waiting.values())
        if left:
            raise ValueError(f"{self.sentence} Nobody says what becomes of {left} packets.")
        drops = [name for name in self.counters if name.startswith("drop-")]
        came, went = (sum(self.counters[name] for name in names) for names in (CAME, WENT + drops))
        if came != went:
            raise ValueError(f"{self.sentence} {came} packets came into being, {went} ended.")

    def write(self, folder):
        """Writes the folder."""
        folder.mkdir(parents=True)
        (folder / "case.toml").write_text(self.toml())
        for name, packets in self.files.items():
            (folder / f"{name}.pcap").write_bytes(pcap(packets))
        if self.roster is not None:
            (folder / "roster").write_bytes(self.roster)

    def toml(self):
        """The case's sentence, rules, differences and counters."""
        lines = [f"sentence = {text(self.sentence)}", f"rules = {text(self.rules)}"]
        if self.not_in:
            lines += ["", "[not_in]"] + settings(self.not_in)
        arrays = {name: values for name, values in self.config.items() if isinstance(values, list)}
        if arrays:
            lines += ["", "[config]"] + settings(arrays)
        for table, values in self.config.items():
            if table not in arrays:
                lines += ["", f"[config.{table}]"] + settings(values)
        lines += ["", "[counters]"]
        lines += [f"{name} = {value}" for name, value in sorted(self.counters.items()) if value]
        return "\n".join(lines) + "\n"


CAME = [
    "rx-internet-packets",
    "rx-access-packets",
    "injected-packets",
    "out-icmpv4-error-packets",
    "out-icmpv6-error-packets",
    "sent-ipv6-fragments",
    "sent-ipv4-fragments",
    "reassembled-ipv6-packets",
]
WENT = [
    "tx-internet-packets",
    "tx-access-packets",
    "punted-neighbour",
    "punted-icmp",
    "punted-pcp",
    "punted-other",
    "heard-icmpv6-errors",
    "fragmented-ipv6-packets",
    "fragmented-ipv4-packets",
    "ipv6-fragments-reassembled",
]


def settings(values):
    """The lines of a TOML table."""
    return [f"{key} = {rows(value)}" for key, value in values.items()]


def rows(value):
    """A TOML value; a list of tables has one row a line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(settings(value)) + " }"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + "".join(f"  {rows(row)},\n" for row in value) + "]"
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
