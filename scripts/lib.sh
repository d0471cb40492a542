# What the scripts share. Sourced, never run.
# shellcheck shell=bash

name=$(basename "$0")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { echo "$name: $*"; }

# One line that says what is missing, and the end.
fail() {
    echo "$name: $*" >&2
    exit 1
}

is_root() { [[ $(id -u) -eq 0 ]]; }

has() { command -v "$1" >/dev/null; }

# Value of a line of /proc/meminfo, in its own unit.
meminfo() { awk -v key="$1:" '$1 == key { print $2 }' /proc/meminfo; }

# Whether huge pages of 2 MiB for this many MiB are free.
huge_pages_for() { (($(meminfo HugePages_Free) * 2 >= $1)); }

# Namespaces need root; some containers forbid them even so.
need_namespaces() {
    is_root || fail "must run as root: it makes network namespaces"
    local probe=lw-probe-$$
    ip netns add "$probe" 2>/dev/null || fail "this machine lets nobody make network namespaces (ip netns add fails)"
    ip netns delete "$probe"
    [[ -c /dev/net/tun ]] || fail "/dev/net/tun is missing: the B4 needs a TUN device (modprobe tun)"
}

need_memory_mib() {
    local have=$(($(meminfo MemAvailable) / 1024))
    ((have >= $1)) || fail "needs $1 MiB of memory, $have MiB are free"
}

# Where cargo puts binaries: CARGO_TARGET_DIR and configuration files have a say.
target_directory() {
    cargo metadata --no-deps --format-version 1 --manifest-path "$root/Cargo.toml" |
        /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])'
}

# wait_for SECONDS COMMAND…: until the command succeeds.
wait_for() {
    local tenths=$(($1 * 10))
    shift
    until "$@" >/dev/null 2>&1; do
        ((tenths-- > 0)) || return 1
        sleep 0.1
    done
}
