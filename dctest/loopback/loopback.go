// Package loopback finds free ports of 127.0.0.1 for programs that tests and the sandbox
// start. It must not know these programs.
package loopback

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// Listen opens a TCP listener on a free port of 127.0.0.1.
func Listen() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }

// FreeAddresses returns n different addresses 127.0.0.1:PORT at which no program listens. It is
// for programs that open their port themselves. Until this process ends, the kernel gives the
// ports to no listener without a port of its own and to no connection, at any address of the
// machine; a program that asks for one of the ports with SO_REUSEADDR, as every listener of Go
// does, gets it.
func FreeAddresses(n int) ([]string, error) {
	var all []string
	for range n {
		port, err := reserve()
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		all = append(all, fmt.Sprintf("127.0.0.1:%d", port))
	}
	return all, nil
}

// reserve binds a socket that never listens to a free port of all addresses. The socket stays
// open, because the port is free for everyone once it is closed.
func reserve() (port int, err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return 0, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{}); err != nil {
		return 0, err
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	return name.(*unix.SockaddrInet4).Port, nil
}

// FreeUDPAddress returns an address 127.0.0.1:PORT at which no program receives UDP packets
// now. It is for a program that opens the port itself; another program may take it first.
func FreeUDPAddress() (string, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free UDP port: %w", err)
	}
	defer conn.Close()
	return conn.LocalAddr().String(), nil
}
