# shellcheck shell=sh disable=SC2034
# Functions and values of the scripts in /opt/sbin, which source this file.

# The sabakan that this node has booted from.
SABAKAN_URL='{{ MyURL }}'

# The names that the kernel gives to the first and to the second network port.
PORT0='eth0 eno1 eno12399'
PORT1='eth1 eno2 eno12409'

# The socket of the containerd of Kubernetes.
CONTAINERD=/var/run/k8s-containerd.sock

# The images in Docker that the node was told to load, one on a line.
DOCKER_IMAGES=/run/neco/docker-images

# Metrics for node_exporter.
METRICS=/var/lib/textfile-collector

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

is_vm() {
    systemd-detect-virt --quiet --vm
}

# wait_for SECONDS WHAT COMMAND... runs the command once a second until it succeeds, and
# fails after that time. With 0 seconds it waits without limit. It logs what it waits for
# once a minute.
wait_for() {
    limit=$1 what=$2 waited=0
    shift 2
    until "$@" >/dev/null 2>&1; do
        if [ "$limit" -gt 0 ] && [ "$waited" -ge "$limit" ]; then
            fail "$what: timed out after $limit seconds"
        fi
        if [ $((waited % 60)) -eq 0 ]; then
            echo "waiting for $what"
        fi
        waited=$((waited + 1))
        sleep 1
    done
}

# replace FILE [MODE] replaces a file by the standard input, atomically.
replace() {
    mkdir -p "$(dirname "$1")"
    cat >"$1.part"
    chmod "${2:-0644}" "$1.part"
    mv -f "$1.part" "$1"
}

# download PATH FILE [MODE] downloads a file from sabakan in up to 20 attempts. A connection
# that stalls for a minute is a failed attempt. The file gets its name when it is complete.
download() {
    attempt=1
    mkdir -p "$(dirname "$2")"
    until (umask 077 && curl --fail --silent --show-error --location --noproxy '*' --connect-timeout 10 \
        --speed-limit 1 --speed-time 60 --output "$2.part" "$SABAKAN_URL$1") && [ -s "$2.part" ]; do
        rm -f "$2.part"
        if [ "$attempt" -ge 20 ]; then
            fail "download $SABAKAN_URL$1: all $attempt attempts failed"
        fi
        attempt=$((attempt + 1))
        sleep 5
    done
    chmod "${3:-0644}" "$2.part"
    mv -f "$2.part" "$2"
}

# asset NAME FILE [MODE] downloads an asset.
asset() {
    name=$1
    shift
    download "/api/v1/assets/$name" "$@"
}

has_address() {
    [ -n "$(ip -4 -oneline address show to "$1")" ]
}

container_runs() {
    [ "$(docker container inspect --format '{{ "{{" }}.State.Running{{ "}}" }}' "$1")" = true ]
}
