# Namespaces and the links between them. Sourced, never run.
# shellcheck shell=bash

namespaces() {
    local namespace
    for namespace in "$@"; do
        ip netns add "$namespace"
        ip -n "$namespace" link set lo up
    done
}

# link NAMESPACE DEVICE MAC NAMESPACE DEVICE MAC
link() {
    ip -n "$1" link add "$2" address "$3" type veth peer name "$5" address "$6" netns "$4"
    quiet "$1" "$2"
    quiet "$4" "$5"
    ip -n "$1" link set "$2" up
    ip -n "$4" link set "$5" up
}

# Nothing travels that nobody sent: no link-local addresses, no router solicitations, no offloads.
quiet() {
    ip -n "$1" link set "$2" addrgenmode none
    ip netns exec "$1" sysctl -q -w "net.ipv6.conf.$2.router_solicitations=0"
    ip netns exec "$1" ethtool -K "$2" rx off tx off tso off gso off gro off >/dev/null
}

# remove NAMESPACE…: with all that runs there.
remove() {
    local namespace pid
    for namespace in "$@"; do
        for pid in $(ip netns pids "$namespace" 2>/dev/null); do
            kill "$pid" 2>/dev/null || true
        done
        ip netns delete "$namespace" 2>/dev/null || true
    done
}
