"""802.1Q tags: the sides' own, wrong ones, priority tags (design section 3)."""

from scapy.layers.inet import UDP
from scapy.packet import Raw

from case import case
from network import DATA, FIRST, arriving, from_host, tagged, to_host, upstream

OWN_TAGS = "the case sets its own tags"
NOT_IN = {"vlan": OWN_TAGS, "stick": OWN_TAGS, "stick_vlan": OWN_TAGS}
TAGS = {"internet": {"vlan": 10}, "access": {"vlan": 20}}


def from_internet(tag=None):
    """A frame with a good packet from the Internet."""
    packet = from_host(FIRST) / UDP(sport=53, dport=FIRST.port()) / DATA
    return tagged(arriving("internet", packet), tag)


def from_b4(tag=None):
    """A frame with a good tunnel packet."""
    packet = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / DATA
    return tagged(arriving("access", upstream(FIRST, packet)), tag)


@case(
    "Tags of both sides are taken off and the other side's put on.",
    "LW-017",
    "LW-013",
    not_in=NOT_IN,
    config=TAGS,
)
def vlan_both_sides(c):
    c.encap(FIRST, from_host(FIRST) / UDP(sport=53, dport=FIRST.port()) / DATA)
    c.decap(FIRST, to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / DATA)


@case(
    "One side may have a tag and the other none.",
    "LW-017",
    "LW-013",
    not_in=NOT_IN,
    config={"access": {"vlan": 4094}},
)
def vlan_on_one_side(c):
    for payload in (b"", DATA, bytes(1400)):
        c.encap(FIRST, from_host(FIRST) / UDP(sport=53, dport=FIRST.port()) / Raw(payload))
        c.decap(FIRST, to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / Raw(payload))


@case("The tag does not count against the MTU.", "TN-008", not_in=NOT_IN, config=TAGS)
def vlan_full_size(c):
    payload = Raw(bytes(1500 - 28))
    c.encap(FIRST, from_host(FIRST) / UDP(sport=53, dport=FIRST.port()) / payload)
    c.decap(FIRST, to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / payload)


@case(
    "Frames of other VLANs, of the other side's VLAN, or without a tag are dropped.",
    "LW-020",
    not_in=NOT_IN,
    config=TAGS,
)
def vlan_wrong(c):
    for tag in (None, 0, 1, 11, 20, 4095):
        c.drop_frame("internet", "drop-wrong-vlan", from_internet(tag))
    for tag in (None, 0, 1, 10, 21, 4095):
        c.drop_frame("access", "drop-wrong-vlan", from_b4(tag))


@case("A tag is unexpected where none is configured.", "LW-020", not_in=NOT_IN)
def vlan_unexpected(c):
    for tag in (1, 1092, 4095):
        c.drop_frame("internet", "drop-wrong-vlan", from_internet(tag))
        c.drop_frame("access", "drop-wrong-vlan", from_b4(tag))


@case(
    "Priority and drop-eligible bits of the right tag do not matter and are not kept.",
    "LW-017",
    not_in=NOT_IN,
    config=TAGS,
)
def vlan_priority_bits(c):
    for bits in (0x1000, 0xE000, 0xF000):
        packet = from_host(FIRST) / UDP(sport=53, dport=FIRST.port()) / DATA
        c.encap(FIRST, packet, frame=tagged(arriving("internet", packet), bits | 10))
        packet = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / DATA
        frame = tagged(arriving("access", upstream(FIRST, packet)), bits | 20)
        c.decap(FIRST, packet, frame=frame)


@case("A priority tag (VID 0) counts as no tag where none is configured.", "LW-017", not_in=NOT_IN)
def vlan_priority_tag(c):
    for tag in (0x0000, 0xE000):
        packet = from_host(FIRST) / UDP(sport=53, dport=FIRST.port()) / DATA
        c.encap(FIRST, packet, frame=tagged(arriving("internet", packet), tag))
        packet = to_host(FIRST) / UDP(sport=FIRST.port(), dport=53) / DATA
        c.decap(FIRST, packet, frame=tagged(arriving("access", upstream(FIRST, packet)), tag))


@case(
    "Two tags in a row carry nothing that this side speaks.",
    "LW-020",
    not_in=NOT_IN,
    config=TAGS,
)
def vlan_double(c):
    double = tagged(from_internet(10), 10)
    c.drop_frame("internet", "drop-unknown-ethertype", double)
    c.drop_frame("access", "drop-unknown-ethertype", tagged(from_b4(20), 20))


@case("A frame that ends within its tag is truncated.", "LW-020", not_in=NOT_IN, config=TAGS)
def vlan_truncated(c):
    for octets in range(14, 18):
        c.drop_frame("internet", "drop-frame-truncated", from_internet(10)[:octets])
        c.drop_frame("access", "drop-frame-truncated", from_b4(20)[:octets])
