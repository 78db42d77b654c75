package sandbox

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/cybozu-go/neco/dctest/sandbox/network"
)

// All boot servers use the same proxy, as they do in a real data centre, and all run on
// this machine. The boot server of a connection to the proxy is the one whose process
// holds the other end of the connection.

// owner returns the LRN of the boot server on which a connection was opened, or
// network.Internet if it was not opened on a boot server.
func (s *Sandbox) owner(conn net.Conn) int {
	inode := peerInode(conn)
	if inode == "" {
		return network.Internet
	}
	for lrn, srv := range s.all() {
		for _, unit := range []string{WorkerUnit, UpdaterUnit} {
			if holds(srv.MainPID(unit), inode) {
				return lrn
			}
		}
	}
	return network.Internet
}

// holds reports whether the process has the socket with this inode open.
func holds(pid int, inode string) bool {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false // it has ended meanwhile
	}
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && target == "socket:["+inode+"]" {
			return true
		}
	}
	return false
}

// peerInode returns the inode of the socket at the other end of a connection from this
// machine, as in proc(5). It returns "" if there is no such socket.
func peerInode(conn net.Conn) string {
	local, remote := kernelAddr(conn.RemoteAddr()), kernelAddr(conn.LocalAddr())
	table, err := os.Open("/proc/net/tcp")
	if err != nil || local == "" || remote == "" {
		return ""
	}
	defer table.Close()
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		const localField, remoteField, inodeField = 1, 2, 9
		f := strings.Fields(lines.Text())
		if len(f) > inodeField && f[localField] == local && f[remoteField] == remote {
			return f[inodeField]
		}
	}
	return ""
}

// kernelAddr returns an IPv4 address in the format of /proc/net/tcp, which has the
// machine's byte order.
func kernelAddr(a net.Addr) string {
	t, ok := a.(*net.TCPAddr)
	if !ok || t.IP.To4() == nil {
		return ""
	}
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(t.IP.To4()), t.Port)
}
