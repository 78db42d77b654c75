// Package loopback finds free ports of 127.0.0.1 for programs that tests and the sandbox
// start. It must not know these programs.
package loopback

import (
	"fmt"
	"net"
)

// Listen opens a TCP listener on a free port of 127.0.0.1.
func Listen() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }

// FreeAddresses returns n different addresses 127.0.0.1:PORT at which no program listens now.
// It is for programs that open their port themselves; another program may take the port
// first.
func FreeAddresses(n int) ([]string, error) {
	var all []string
	for range n {
		l, err := Listen()
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close() // in the end, so that all ports differ
		all = append(all, l.Addr().String())
	}
	return all, nil
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
