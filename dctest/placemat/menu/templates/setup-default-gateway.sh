#!/bin/sh
# Runs in a network namespace beside the core: everything else is behind it.
set -e
ip route replace default via {{.Gateway}}
