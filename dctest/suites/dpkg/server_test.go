//go:build dctest

package dpkg

// bareServer makes a boot server run the programs that Neco manages, without the package:
// etcd in its container, and stand-ins of the others.
const bareServer = `
set -e
docker load --quiet --input /root/etcd.tar
image=$(docker image ls --format '{{.Repository}}:{{.Tag}}' | head -n 1)
# service NAME COMMAND writes a unit.
service() {
    printf '[Service]\nExecStart=%s\n[Install]\nWantedBy=multi-user.target\n' "$2" >"/etc/systemd/system/$1.service"
    units="$units $1"
}
client=http://127.0.0.1:2379 peer=http://127.0.0.1:2380
service etcd-container "/usr/bin/docker run --pull=never --rm --name=etcd --network=host --uts=host --read-only \
--user=10000:10000 --log-driver=journald --tmpfs=/data:uid=10000 $image --name=boot-0 --data-dir=/data/etcd \
--listen-client-urls=$client --advertise-client-urls=$client --listen-peer-urls=$peer \
--initial-advertise-peer-urls=$peer --initial-cluster=boot-0=$peer"
for name in vault vault-unseal serf sabakan setup-hw promtail ep-agent; do
    service $name "/bin/sleep infinity"
done
systemctl daemon-reload
systemctl enable --now $units
timeout 60 sh -c "until curl -sS --fail $client/health; do sleep 0.2; done"`

// member makes a boot server with the package a member of a data centre, as neco setup and
// neco init-local do: configuration, keys and data exist, and all units of the package run.
const member = `
set -e
umask 077
# secret FILE... writes files, each with another content.
secret() {
    for file; do
        mkdir -p "${file%/*}"
        head -c 32 /dev/urandom | base64 >"$file"
    done
}
secret /etc/neco/etcd.key /etc/etcd/server.key /etc/vault/etcd.key /etc/cke/etcd.key /etc/cke/etcd.crt \
    /var/lib/neco/host-key /var/lib/etcd-backup/snapshot.age /var/lib/etcd-container/member/snap/db /etc/teleport/teleport.yaml
echo 'endpoints: ["http://127.0.0.1:2379"]' | tee /etc/neco/config.yml >/etc/cke/config.yml
mkdir -p /var/lib/neco/cke
cp -R /usr/lib/neco/cke/* /var/lib/neco/cke/
ln -s "$(ls /var/lib/neco/cke)" /var/lib/neco/cke/current
systemctl enable --now etcd-backup.timer cke cke-localproxy teleport-node sabakan-state-setter
systemctl start neco-updater neco-worker`

// prelude has the functions of the scripts of ways.
const prelude = `
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
rm -rf /run/fault

# fault SCRIPT TEXT makes the faulty package's script run TEXT at its beginning, or, with the
# suffix -end, at its end. A script may kill dpkg, its parent.
fault() {
    mkdir -p /run/fault
    echo "$2" >"/run/fault/$1"
}
kill_dpkg='kill -KILL $PPID; exit 1'

# killed BYTES ARG... runs dpkg with the arguments, and kills it when it has got so many bytes
# of the files in a package.
killed() {
    mkdir -p /root/killer
    cat >/root/killer/dpkg-deb <<'KILLER'
#!/bin/sh
[ "$1" = --fsys-tarfile ] || exec /usr/bin/dpkg-deb "$@"
/usr/bin/dpkg-deb "$@" | head -c "$BYTES"
kill -KILL $PPID
KILLER
    chmod 755 /root/killer/dpkg-deb
    export BYTES="$1"
    shift
    PATH=/root/killer:$PATH dpkg "$@"
}

# small DIR KIB moves a directory to a file system on which only so much is free.
small() {
    mkdir -p /run/small
    mount -t tmpfs -o size=$(($(du -sk "$1" | cut -f 1) * 2 + 4096))k small /run/small
    cp -a "$1/." /run/small/
    mount --bind /run/small "$1"
    fallocate -l $(($(df -k --output=avail "$1" | tail -n 1) - $2))K "$1/filler"
}

# release DIR moves the directory back. Neco's worker may be using dpkg's directory: it applies
# the journal that dpkg has left.
release() {
    rm -f /run/small/filler
    timeout 60 sh -c "until umount '$1' 2>/run/busy; do sleep 0.1; done" || {
        cat /run/busy
        return 1
    }
    cp -a /run/small/. "$1/"
    umount /run/small
}
`

// mend brings the server back to the first version with all units running, after a failure.
const mend = `
for dir in /var/lib/dpkg /usr/share/neco; do
    ! mountpoint -q $dir || release $dir
done
systemctl unmask docker-prune.timer
dpkg --configure -a
dpkg --force-confmiss --force-confnew -i /root/first.deb
rm -f /etc/logrotate.d/neco.*
systemctl enable --now etcd-backup.timer
systemctl start neco-updater neco-worker docker-prune.timer export-unit-status.timer`

// look prints the running and the enabled units, the state of the package, and the files of
// operators and of Neco, as lines for [Parse]. It does not print the services that timers start,
// because they end by themselves.
const look = `
export LC_ALL=C
systemctl show --all '*' -p Id -p ActiveState -p MainPID -p ExecMainStartTimestampMonotonic -p InvocationID |
    awk -v RS= -F '\n' '{
        for (k in p) delete p[k]
        for (i = 1; i <= NF; i++) p[substr($i, 1, index($i, "=") - 1)] = substr($i, index($i, "=") + 1)
        if (p["ActiveState"] == "active" && (p["Id"] ~ /\.(service|socket|timer|path)$/ || p["Id"] ~ /^docker-.*\.scope$/))
            print "unit " p["Id"] "\tprocess " p["MainPID"] ", started at " p["ExecMainStartTimestampMonotonic"] ", invocation " p["InvocationID"]
    }'
docker ps -q | xargs -r docker inspect -f 'container {{.Name}}{{"\t"}}process {{.State.Pid}}, started at {{.State.StartedAt}}'
dpkg-query -W -f 'package ${Package}\t${Status} ${Version}\n' neco 2>/dev/null
dpkg --audit | awk '/^ / { print "audit " $1 "\tnot well" }'
dpkg --verify neco 2>/dev/null | awk '$2 != "c" { print "damaged " $NF "\t" $1 }'
left=$(find /etc /usr -name '*.dpkg-new' -o -name '*.dpkg-tmp' | wc -l)
[ "$left" = 0 ] || printf 'left files\t%d\n' "$left"
data=$(ls -d /etc/neco /etc/etcd /etc/vault /var/lib/neco /var/lib/etcd-container /var/lib/etcd-backup 2>/dev/null)
find $data -type f -printf 'mode %p\t%m %U:%G\n'
find /etc $data -type f ! -name '*.dpkg-new' ! -name '*.dpkg-tmp' -exec sha256sum {} + |
    sed 's/^\([0-9a-f]*\)  \(.*\)/file \2\t\1/'
find /etc $data -type l -printf 'link %p\t%l\n'`
