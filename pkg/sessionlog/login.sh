#!/bin/sh
# sshd runs this program (/usr/lib/neco/login) for every session; see docs/etcdpasswd.md.
# A session never depends on its recording: if neco cannot run, the user gets the shell
# that sshd would have started, and a line goes to the journal.
set -e
shell=${SHELL:-/bin/sh}

# A command is not recorded, and needs no neco.
case ${SSH_ORIGINAL_COMMAND:-} in
"") ;;
internal-sftp*)
    exec /bin/sh -c "exec /usr/lib/openssh/sftp-server${SSH_ORIGINAL_COMMAND#internal-sftp}"
    ;;
"scp -t "* | sftp-server* | /*/sftp-server*)
    exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"
    ;;
*)
    [ ! -x /bin/bash ] || shell=/bin/bash
    exec "$shell" -c "$SSH_ORIGINAL_COMMAND"
    ;;
esac

if [ -x /usr/bin/neco ]; then
    # neco writes "began" to descriptor 3 before the shell of the user starts, and "failed"
    # if it does not start.
    exec 4>&1
    trap : INT QUIT
    status=0
    began=$(/usr/bin/neco session-log start --notify-fd 3 3>&1 >&4 4>&-) || status=$?
    case $began in
    *failed) ;;
    began*) exit "$status" ;;
    esac
    trap - INT QUIT
    exec 4>&-
    why="neco session-log start has failed with exit code $status"
else
    why="/usr/bin/neco is missing"
fi
logger -t neco-login -p auth.warning "the session of ${USER:-$(id -un)} is not recorded: $why" 2>/dev/null || :
case $shell in
*/bash | */zsh | */fish) exec "$shell" -l ;;
esac
exec "$shell"
