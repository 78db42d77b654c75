#!/bin/sh
# Written by neco-worker; changes are lost.
# Publishes what changes on this boot server as tags of its serf member.
set -eu
LC_ALL=C
export LC_ALL

# names joins the first words of lines with commas, as many as fit into the room
# that serf has beside the other tags; no name is cut.
names() {
    list=
    while read -r name _; do
        longer="${list:+$list,}$name"
        if [ ${#longer} -le {{.Room}} ]; then
            list=$longer
        fi
    done
    printf %s "$list"
}

failed=$(systemctl list-units --state=failed --no-legend --plain | names)

exec /usr/local/bin/serf tags \
    -set uptime="$(uptime -s)" \
    -set version="$(dpkg-query -W -f '${Version}\n' neco | head -n 1 | cut -b-{{.Version}})" \
    -set systemd-units-failed="$failed"
