#!/bin/sh
# Written by neco-worker; changes are lost.
# Publishes what changes on this boot server as tags of its serf member.
set -eu

# serf carries less than 512 bytes of tags in all; the list of failed units is
# the only one without a bound of its own.
failed=$(systemctl list-units --state=failed --no-legend --plain | cut -d' ' -f1 | paste -sd, - | cut -b-300)

exec /usr/local/bin/serf tags \
    -set uptime="$(uptime -s)" \
    -set version="$(dpkg-query -W -f '${Version}' neco)" \
    -set systemd-units-failed="$failed"
