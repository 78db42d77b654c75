#!/bin/sh
# Runs in the core's network namespace: what leaves for the world outside has
# the core's address, unless its own is known there.
set -e
rule='POSTROUTING -o {{.Uplink}} ! -s {{.Global}} -j MASQUERADE'
# the rule is several words
# shellcheck disable=SC2086
iptables -w -t nat -C $rule 2>/dev/null || iptables -w -t nat -A $rule
