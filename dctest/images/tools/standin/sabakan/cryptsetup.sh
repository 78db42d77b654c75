#!/bin/sh
# Imitates sabakan-cryptsetup: the directory of the node's disk counts as open if sabakan has the key
# that was made for it. Otherwise the disk is emptied, and gets a new key.
set -eu

: "${SABAKAN_URL:?}"
disk=${DISK:-/var/lib/docker}
serial=$(cat "${SERIAL_FILE:-/run/product_serial}")
name=$disk/.crypt-id

call() {
    curl --silent --show-error --noproxy '*' --max-time 60 --output /dev/null --write-out '%{http_code}' "$@"
}

if [ -s "$name" ]; then
    status=$(call "$SABAKAN_URL/api/v1/crypts/$serial/$(cat "$name")")
    case $status in
    200) exit 0 ;;
    404) ;;
    *)
        echo "sabakan-cryptsetup: GET crypts: $status" >&2
        exit 1
        ;;
    esac
fi
id=$(tr -d - </proc/sys/kernel/random/uuid)
status=$(head -c 64 /dev/urandom | call --request PUT --data-binary @- "$SABAKAN_URL/api/v1/crypts/$serial/$id")
if [ "$status" != 201 ]; then
    echo "sabakan-cryptsetup: PUT crypts: $status" >&2
    exit 1
fi
find "$disk" -mindepth 1 -delete
echo "$id" >"$name"
