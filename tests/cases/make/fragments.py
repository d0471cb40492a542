"""Fragmentation as RFC 8200 s4.5 and RFC 791 s3.2 describe it."""

import struct

from network import with_checksum

MORE, DONT = 0x2000, 0x4000


def ipv6_piece(whole, start, end=None, more=None, identification=7, behind=40, **fields):
    """A fragment: octets `start` to `end` of what follows the first `behind` octets of `whole`.

    Everything may be made to lie: `data` replaces the octets, `offset` (in octets) their place,
    `tc` the traffic class, `nh` the next header that the Fragment header names.
    """
    raw = bytearray(bytes(whole))
    named_at = 6 if behind == 40 else 40
    following, raw[named_at] = raw[named_at], 44
    if "tc" in fields:
        raw[0:2] = (0x6000 | fields["tc"] << 4).to_bytes(2, "big")
    payload = bytes(raw[behind:])
    end = len(payload) if end is None else end
    more = end < len(payload) if more is None else more
    data = fields.get("data", payload[start:end])
    place = fields.get("offset", start) | more
    header = struct.pack("!BBHI", fields.get("nh", following), 0, place, identification)
    raw[4:6] = (behind - 40 + 8 + len(data)).to_bytes(2, "big")
    return bytes(raw[:behind]) + header + data


def ipv6_pieces(whole, *cuts, **fields):
    """The fragments of `whole`, cut at these octets of its payload."""
    edges = [0, *cuts, None]
    return [ipv6_piece(whole, *edge, **fields) for edge in zip(edges, edges[1:])]


def ipv6_fragmented(whole, mtu, identification):
    """The fragments in which `whole` crosses a link of this MTU: each but the last has as many octets
    as fit in units of eight, and the last may have as many as fit."""
    room, payload = mtu - 40 - 8, len(bytes(whole)) - 40
    cuts = [0]
    while payload - cuts[-1] > room:
        cuts.append(cuts[-1] + room // 8 * 8)
    return ipv6_pieces(whole, *cuts[1:], identification=identification)


def ipv4_piece(packet, start, end=None, more=None):
    """A fragment of a packet without options: octets `start` to `end` of its payload."""
    raw = bytes(packet)
    payload = raw[20:]
    end = len(payload) if end is None else end
    more = end < len(payload) if more is None else more
    return ipv4_fragment(raw[:20], payload[start:end], start, more)


def ipv4_pieces(packet, *cuts):
    """The fragments of a packet without options, cut at these octets of its payload."""
    edges = [0, *cuts, None]
    return [ipv4_piece(packet, *edge) for edge in zip(edges, edges[1:])]


def ipv4_fragmented(packet, mtu):
    """The fragments in which a packet, maybe itself one, crosses a link of this MTU."""
    raw = bytes(packet)
    header = raw[: (raw[0] & 15) * 4]
    flags = int.from_bytes(raw[6:8], "big")
    place, last_has_more = (flags & 0x1FFF) * 8, bool(flags & MORE)
    payload, pieces = raw[len(header) :], []
    while len(header) + len(payload) > mtu:
        room = (mtu - len(header)) // 8 * 8
        pieces.append(ipv4_fragment(header, payload[:room], place, True))
        payload, place = payload[room:], place + room
        header = later_header(header)
    return [*pieces, ipv4_fragment(header, payload, place, last_has_more)]


def ipv4_fragment(header, data, place, more):
    """One fragment with this header; DF stays as it is."""
    raw = bytearray(header)
    flags = int.from_bytes(raw[6:8], "big") & 0xC000 | (MORE if more else 0) | place // 8
    raw[2:4] = (len(raw) + len(data)).to_bytes(2, "big")
    raw[6:8] = flags.to_bytes(2, "big")
    return with_checksum(bytes(raw)) + data


def later_header(header):
    """The header of later fragments: only the options whose copy flag is set (RFC 791 s3.1)."""
    options, kept = header[20:], b""
    while options and options[0] != 0:
        length = 1 if options[0] == 1 else options[1]
        if options[0] & 0x80:
            kept += options[:length]
        options = options[length:]
    kept += bytes(-len(kept) % 4)
    return bytes([0x40 | 5 + len(kept) // 4]) + header[1:20] + kept
