#!/bin/sh
# Run sshd on 127.0.0.1 in a mount namespace, in which tests may change /usr, /root, /run
# and /tmp:
#
#     unshare -m namespace.sh DIR PORT
#
# DIR contains the files of the test: neco, login, log (a socket for the journal),
# neco.conf, host_key, authorized_keys and hosts.
set -eu
dir=$1
port=$2
mount --make-rprivate /

mkdir "$dir/usr" "$dir/dev"
mount -t tmpfs tmpfs "$dir/usr"
mkdir "$dir/usr/upper" "$dir/usr/work"
mount -t overlay overlay -o "lowerdir=/usr,upperdir=$dir/usr/upper,workdir=$dir/usr/work" /usr
cp "$dir/neco" /usr/bin/neco
mkdir -p /usr/lib/neco
cp "$dir/login" /usr/lib/neco/login
chmod 755 /usr/lib/neco/login

mount -t tmpfs tmpfs "$dir/dev"
for name in null zero full random urandom tty log; do
    : >"$dir/dev/$name"
done
for name in null zero full random urandom tty; do
    mount --bind "/dev/$name" "$dir/dev/$name"
done
mount --bind "$dir/log" "$dir/dev/log"
mkdir "$dir/dev/pts"
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$dir/dev/pts"
ln -s pts/ptmx "$dir/dev/ptmx"
ln -s /proc/self/fd "$dir/dev/fd"
mount --rbind "$dir/dev" /dev

mount -t tmpfs -o mode=700 tmpfs /root
mkdir -m 700 /root/.ssh
cp "$dir/authorized_keys" /root/.ssh/authorized_keys
mount --bind "$dir/hosts" /etc/hosts
mount -t tmpfs tmpfs /run
mkdir /run/sshd /run/test
cp "$dir/neco.conf" "$dir/host_key" /run/test/
chmod 600 /run/test/host_key
cat >/run/test/sshd_config <<END
ListenAddress 127.0.0.1
Port $port
HostKey /run/test/host_key
PidFile none
UsePAM no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
Include /run/test/neco.conf
END
mount -t tmpfs -o size=64m,mode=1777 tmpfs /tmp
cd /
exec /usr/sbin/sshd -D -e -f /run/test/sshd_config
