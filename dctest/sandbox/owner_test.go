package sandbox

import (
	"net"
	"os"
	"testing"

	"github.com/cybozu-go/neco/dctest/loopback"
)

func TestTheOtherEndOfAConnectionIsFound(t *testing.T) {
	l, err := loopback.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	inode := peerInode(conn)
	if inode == "" {
		t.Fatal("the socket of the client was not found")
	}
	if !holds(os.Getpid(), inode) {
		t.Error("this process does not hold its own socket")
	}
	if holds(os.Getppid(), inode) {
		t.Error("another process holds our socket")
	}
}
