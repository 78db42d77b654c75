# shellcheck shell=sh
# The functions of debian/build and debian/bundles, which source this file.

# The user's flags and processor level of Go do not change the packages. GOFLAGS is not empty,
# because go would take it from the file of go env -w then.
export GOFLAGS=-buildvcs=false GOAMD64=v1 GOWORK=off

fail() {
    echo "debian/${0##*/}: $*" >&2
    exit 1
}

# check_version VERSION fails unless it is a day, a hyphen and a number.
check_version() {
    case $1 in
    *[!0-9.-]*) good= ;;
    *) good=$(printf '%s\n' "$1" | grep -Ex '[0-9]{4}\.[0-9]{2}\.[0-9]{2}-(0|[1-9][0-9]{0,17})') || good= ;;
    esac
    [ -n "$good" ] || fail "version '$1' is not of the form YYYY.MM.DD-SERIAL, like 2026.11.21-1"
    day=$(echo "${1%%-*}" | tr . -)
    date -u -d "$day" >/dev/null 2>&1 || fail "version '$1' begins with a day that does not exist"
}

# check_tools TOOL... fails if one is not installed.
check_tools() {
    for tool in "$@"; do
        command -v "$tool" >/dev/null || fail "$tool is not installed here, and the package needs it"
    done
}

# epoch VERSION prints the time of all files of a package, in seconds.
epoch() {
    date -u -d "$(echo "${1%%-*}" | tr . -)" +%s
}

# pack CONFIG VERSION STAGE FILE builds the package FILE from the tree STAGE/root, by the
# description CONFIG of nfpm, and writes its digest to FILE.sha256.
pack() {
    SOURCE_DATE_EPOCH=$(epoch "$2")
    export SOURCE_DATE_EPOCH VERSION="$2" STAGE="$3"
    chmod -R u=rwX,go=rX "$STAGE/root"
    find "$STAGE" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    go tool -modfile=tools/go.mod nfpm package -f "$1" -p deb -t "$4" >"$STAGE/log" ||
        { cat "$STAGE/log" >&2; fail "nfpm failed"; }
    digest "$4"
}

# digest FILE writes the digest of FILE to FILE.sha256.
digest() {
    (cd "$(dirname "$1")" && sha256sum "$(basename "$1")" >"$(basename "$1").sha256")
}
