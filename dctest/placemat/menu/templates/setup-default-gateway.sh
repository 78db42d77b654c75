#!/bin/sh
# Runs in a network namespace that is linked to the core, its only gateway.
set -e
ip route replace default via {{.Gateway}}
