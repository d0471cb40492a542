//! Examples, which stand at the end of what `--help` prints.

pub(super) const EXAMPLES: &str = "\
Exit code: 0 done, 1 refused or no answer, 2 the command line is wrong.
With --json, what the server answers is one object a line, a refusal too: server, result, result_code,
lifetime_s, epoch_s, external_address, first_port, last_port, size, first_internal_port, nonce and
round_trip_ms; null where nothing is mapped.

Examples:
  pcp map --nonce-file /var/lib/lwb4.nonce    a port set from the lwAFTR at 192.0.0.1
  pcp delete --nonce-file /var/lib/lwb4.nonce
  pcp announce --json

192.0.0.1 is reached through a softwire. An lwB4 in a network namespace, by hand:
  ip netns exec b4 ip link add name lw type ip6tnl mode ipip6 encaplimit none \\
      local 2001:db8:b4::1 remote 2001:db8:af::1
  ip netns exec b4 ip address add 192.0.0.2/29 dev lw
  ip netns exec b4 ip link set lw up
  ip netns exec b4 pcp map --nonce-file b4.nonce";

pub(super) const MAP_EXAMPLES: &str = "\
Examples:
  pcp map --nonce-file b4.nonce
      As many ports as the lwAFTR gives, for an hour. Run it again to refresh.
  pcp map --nonce-file b4.nonce --suggest 192.0.2.5:26624
      The same set as before, if the lwAFTR still has it.
  pcp map --nonce-file b4.nonce --port-set 32768-65535
      A set within these ports.
  pcp map --nonce-file b4.nonce --internal-port 2048 --size 1024 --lifetime 600
  pcp map --server 192.168.1.1 --protocol udp --internal-port 4500
      One port, from the server of a NAT.

In a hook of a DHCP server, which picks the set itself and tells the lwAFTR before the client
(the lwAFTR must have a [[third_party]] listener for it):
  pcp map --server 2001:db8::53 --third-party 192.0.0.2 --third-party-softwire 2001:db8:b4::1 \\
      --suggest 192.0.2.5:26624 --port-set 26624-28671 --exact \\
      --lifetime 3600 --nonce-file leases/b4-1.nonce --json

Without a nonce a random one is taken and printed: it is needed to refresh and to delete.";

pub(super) const DELETE_EXAMPLES: &str = "\
Examples:
  pcp delete --nonce-file b4.nonce
      The set that `pcp map --nonce-file b4.nonce` got.
  pcp delete --nonce-file b4.nonce --protocol udp --internal-port 4500
  pcp delete --nonce a0a1a2a3a4a5a6a7a8a9aaab --port-set 26624-28671

Name the ports as in `map`. Sets go as a whole. What is not there is deleted with success.";

pub(super) const ANNOUNCE_EXAMPLES: &str = "\
Examples:
  pcp announce
      The epoch of the lwAFTR: the seconds since it last lost its bindings.
  pcp announce --listen && pcp map --nonce-file b4.nonce
      Ask again as soon as the lwAFTR says that it has lost them.
  pcp announce --listen --server fe80::1 --interface eth0 --count 10 --json";
