package main

import (
	"context"
	"fmt"
	"net"

	"golang.org/x/net/dns/dnsmessage"
)

// clusterName is the one name that the resolver knows, and clusterAddress its address.
const clusterName = "kubernetes.default.svc.cluster.local."

var clusterAddress = [4]byte{10, 68, 0, 1}

// maxQuery is the largest size in bytes of a DNS query by UDP that the resolver reads.
const maxQuery = 1500

// resolve responds to DNS queries by UDP at address until ctx ends. To a query for another
// name than clusterName it responds as a resolver does whose upstream server is down. It
// ignores packets that are not queries.
func resolve(ctx context.Context, address string) error {
	conn, err := net.ListenPacket("udp", address)
	if err != nil {
		return fmt.Errorf("resolver: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	buf := make([]byte, maxQuery)
	for {
		n, from, err := conn.ReadFrom(buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("resolver: %w", err)
		}
		if response, err := answer(buf[:n]); err == nil {
			// The client repeats its query if this response is lost.
			_, _ = conn.WriteTo(response, from)
		}
	}
}

// answer returns the response to the DNS message query.
func answer(query []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		return nil, err
	}
	if m.Response || len(m.Questions) != 1 {
		return nil, fmt.Errorf("not a query")
	}
	m.Response, m.RecursionAvailable, m.RCode, m.Additionals = true, true, dnsmessage.RCodeServerFailure, nil
	if q := m.Questions[0]; q.Name.String() == clusterName {
		m.RCode = dnsmessage.RCodeSuccess
		if q.Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 5},
				Body:   &dnsmessage.AResource{A: clusterAddress},
			}}
		}
	}
	return m.Pack()
}
