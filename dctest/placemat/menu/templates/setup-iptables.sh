#!/bin/sh
# Runs in the core's network namespace. Packets to the simulated internet are
# masqueraded, unless their source has a route from there.
set -e
rule='POSTROUTING -o {{.Uplink}} ! -s {{.Global}} -j MASQUERADE'
# $rule is several arguments
# shellcheck disable=SC2086
iptables -w -t nat -C $rule 2>/dev/null || iptables -w -t nat -A $rule
