package pki

import (
	"fmt"
	"net/netip"
	"regexp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/lrn"
)

// Subject is a boot server, as its certificates name it.
type Subject struct {
	LRN int
	// HostName is what the server calls itself.
	HostName string
	// Node0 is the address that other servers reach it at.
	Node0 netip.Addr
	// Bastion is its address in the network of the cluster's operators.  The
	// zero value is none.
	Bastion netip.Addr
}

// NewSubject is the boot server lrn with its address in the numbering of the
// data centre.
func NewSubject(lrn int, hostName string, bastion netip.Addr) Subject {
	node0, _ := netip.AddrFromSlice(neco.BootNode0IP(lrn).To4())
	return Subject{LRN: lrn, HostName: hostName, Node0: node0, Bastion: bastion}
}

// hostName is what RFC 1123 lets a host be called, in lower case.
var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// maxHostName is the longest common name that a certificate can have.
const maxHostName = 64

// Check says what is wrong with the subject.
func (s Subject) Check() error {
	if !hostName.MatchString(s.HostName) || len(s.HostName) > maxHostName {
		return fmt.Errorf("%q is not a host name in lower case of at most %d characters", s.HostName, maxHostName)
	}
	if err := lrn.Check(s.LRN); err != nil {
		return err
	}
	if !s.Node0.Is4() {
		return fmt.Errorf("boot server %d: its node0 has no IPv4 address", s.LRN)
	}
	if s.Bastion.IsValid() && !s.Bastion.Is4() {
		return fmt.Errorf("boot server %d: its bastion address %s is not of IPv4", s.LRN, s.Bastion)
	}
	return nil
}

// CommonName is the name in the certificate: of etcd's user, <user>-<LRN>, or
// of the host.
func (p Purpose) CommonName(s Subject) string {
	if p.user == "" {
		return s.HostName
	}
	return fmt.Sprintf("%s-%d", p.user, s.LRN)
}

// DNSNames are the names that the certificate vouches for besides.
func (p Purpose) DNSNames(Subject) []string {
	if p.Authority == ServerCA {
		return []string{"localhost"}
	}
	return nil
}

// IPs are the addresses that the certificate vouches for, in order.
func (p Purpose) IPs(s Subject) []netip.Addr {
	if !p.Server {
		return nil
	}
	var ips []netip.Addr
	if p.Authority == ServerCA {
		ips = append(ips, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	ips = append(ips, s.Node0)
	if s.Bastion.IsValid() {
		// Before BGP has converged other members see this source address.
		ips = append(ips, s.Bastion)
	}
	return ips
}
