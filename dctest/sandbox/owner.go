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

// All boot servers have the same proxy in their configuration, as they do in a
// real data centre, and all are on this machine: which of them a connection
// comes from is told by whose process holds its other end.

// owner is the boot server that a connection comes from, the world if it is
// none's.
func (s *Sandbox) owner(conn net.Conn) int {
	inode := peerInode(conn)
	if inode == "" {
		return network.World
	}
	for lrn, srv := range s.all() {
		for _, unit := range []string{WorkerUnit, UpdaterUnit} {
			if holds(srv.MainPID(unit), inode) {
				return lrn
			}
		}
	}
	return network.World
}

// holds reports whether a process has a socket open.
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

// peerInode is the number of the socket at the other end of a connection that
// was made on this machine, as proc(5) has it; empty if there is none.
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

// kernelAddr writes an IPv4 address as the kernel does: in its own byte order.
func kernelAddr(a net.Addr) string {
	t, ok := a.(*net.TCPAddr)
	if !ok || t.IP.To4() == nil {
		return ""
	}
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(t.IP.To4()), t.Port)
}
