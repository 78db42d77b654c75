#!/bin/sh
# Give the server its addresses: node0 and bastion, which BIRD announces, those
# of the links to both ToR switches, and a default route until BIRD knows
# better. It may run again; its service bounds the time it takes.
set -eu

# carrier NAME ADDRESS: an interface that leads nowhere. A kernel without dummy
# interfaces may have bridges.
carrier() {
    [ -e "/sys/class/net/$1" ] ||
        ip link add name "$1" type dummy 2>/dev/null ||
        ip link add name "$1" type bridge
    ip address replace "$2" dev "$1"
    ip link set "$1" up
}

# port NAME ADDRESS: nobody is to use the address of a link as a source.
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
