"""DSCP and ECN across the tunnel (EC-001…006, T-29)."""

from scapy.layers.inet import UDP

from case import case
from network import DATA, FIRST, aged, from_host, rewritten, to_host, upstream

NOT_ECT, ECT1, ECT0, CE = 0b00, 0b01, 0b10, 0b11
CODE_POINTS = (NOT_ECT, ECT1, ECT0, CE)

# RFC 6040 s4.2, figure 4: rows inner, columns outer; None is a drop.
EGRESS = {
    NOT_ECT: {NOT_ECT: NOT_ECT, ECT0: NOT_ECT, ECT1: NOT_ECT, CE: None},
    ECT0: {NOT_ECT: ECT0, ECT0: ECT0, ECT1: ECT1, CE: CE},
    ECT1: {NOT_ECT: ECT1, ECT0: ECT1, ECT1: ECT1, CE: CE},
    CE: {NOT_ECT: CE, ECT0: CE, ECT1: CE, CE: CE},
}
EF, AF11 = 46, 10


def all_ecn(c, inner_dscp, outer_dscp, sent_dscp):
    """All sixteen combinations upstream, with these DSCPs."""
    for inner in CODE_POINTS:
        for outer in CODE_POINTS:
            header = to_host(FIRST, tos=inner_dscp << 2 | inner)
            packet = header / UDP(sport=FIRST.port(), dport=53) / DATA
            tunnel = upstream(FIRST, packet, tc=outer_dscp << 2 | outer)
            ecn = EGRESS[inner][outer]
            if ecn is None:
                c.drop_ipv6("drop-ecn-not-capable", tunnel)
            else:
                out = rewritten(aged(packet), tos=sent_dscp << 2 | ecn)
                c.decap(FIRST, packet, tunnel=tunnel, outside=out)


@case(
    "All sixteen combinations of inner and outer ECN leave the tunnel by the table.",
    "EC-003",
    "EC-006",
    "T-29",
)
def ecn_egress(c):
    all_ecn(c, inner_dscp=0, outer_dscp=0, sent_dscp=0)


@case(
    "The ECN table holds beside any DSCP, and the outer DSCP is copied back in.",
    "EC-001",
    "EC-003",
    "EC-006",
)
def ecn_egress_with_dscp(c):
    all_ecn(c, inner_dscp=EF, outer_dscp=EF, sent_dscp=EF)
    all_ecn(c, inner_dscp=0, outer_dscp=EF, sent_dscp=EF)
    all_ecn(c, inner_dscp=EF, outer_dscp=0, sent_dscp=0)


@case("ECN is copied into the tunnel header, whatever it is.", "EC-002", "T-29")
def ecn_ingress(c):
    for ecn in CODE_POINTS:
        packet = from_host(FIRST, tos=ecn) / UDP(sport=53, dport=FIRST.port()) / DATA
        c.encap(FIRST, packet, tc=ecn)


@case("Every DSCP is carried into the tunnel, 46 too.", "TN-001", "EC-001", "T-29")
def dscp_ingress(c):
    for dscp in range(64):
        tos = dscp << 2 | ECT0
        packet = from_host(FIRST, tos=tos) / UDP(sport=53, dport=FIRST.port()) / DATA
        c.encap(FIRST, packet, tc=tos)


@case("Every DSCP is carried back out of the tunnel, 46 too.", "TN-001", "EC-001", "T-29")
def dscp_egress(c):
    packet = to_host(FIRST, tos=AF11 << 2) / UDP(sport=FIRST.port(), dport=53) / DATA
    for dscp in range(64):
        out = rewritten(aged(packet), tos=dscp << 2)
        c.decap(FIRST, packet, tunnel=upstream(FIRST, packet, tc=dscp << 2), outside=out)


PIPE = {"softwire": {"dscp": AF11}}


@case(
    "A fixed DSCP stands outside, the packet keeps its own, ECN is copied still.",
    "EC-001",
    "EC-002",
    config=PIPE,
)
def dscp_fixed_ingress(c):
    for dscp in (0, EF, 63):
        for ecn in CODE_POINTS:
            header = from_host(FIRST, tos=dscp << 2 | ecn)
            packet = header / UDP(sport=53, dport=FIRST.port()) / DATA
            c.encap(FIRST, packet, tc=AF11 << 2 | ecn)


@case(
    "With a fixed DSCP the outer one is ignored on the way out; the ECN table holds.",
    "EC-001",
    "EC-003",
    config=PIPE,
)
def dscp_fixed_egress(c):
    all_ecn(c, inner_dscp=EF, outer_dscp=AF11, sent_dscp=EF)
    all_ecn(c, inner_dscp=0, outer_dscp=63, sent_dscp=0)
