#!/bin/sh
# Set the addresses of the server: node0 and bastion, which BIRD announces, and those
# of the links to both ToR switches. Also set a default route, which is used until BIRD
# has learnt one. The script is idempotent; its service limits its duration.
set -eu

# carrier NAME ADDRESS makes an interface without a link. A kernel without dummy
# interfaces may have bridges.
carrier() {
    [ -e "/sys/class/net/$1" ] ||
        ip link add name "$1" type dummy 2>/dev/null ||
        ip link add name "$1" type bridge
    ip address replace "$2" dev "$1"
    ip link set "$1" up
}

# port NAME ADDRESS sets the address of a link. With scope link, the address is not a
# source of traffic to other networks.
port() {
    until [ -e "/sys/class/net/$1" ]; do sleep 0.1; done
    ip address replace "$2" dev "$1" scope link
    ip link set "$1" up
}

ip link set lo up
carrier node0 "$NODE0"
carrier bastion "$BASTION"
port eth0 "$ETH0"
port eth1 "$ETH1"
ip route replace default src "${BASTION%/*}" metric 1024 nexthop via "$TOR1" nexthop via "$TOR2"
