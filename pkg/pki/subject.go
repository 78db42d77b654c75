package pki

import (
	"fmt"
	"net/netip"
	"regexp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/lrn"
)

// Subject has the names and addresses of a boot server that its certificates contain.
type Subject struct {
	LRN int
	// HostName is the server's host name.
	HostName string
	// Node0 is the address at which other servers reach the server.
	Node0 netip.Addr
	// Bastion is the server's address in the operators' network, or the zero Addr if
	// it has none.
	Bastion netip.Addr
}

// NewSubject returns the Subject of the boot server with the logical rack number (LRN)
// lrn. It derives Node0 from lrn.
func NewSubject(lrn int, hostName string, bastion netip.Addr) Subject {
	node0, _ := netip.AddrFromSlice(neco.BootNode0IP(lrn).To4())
	return Subject{LRN: lrn, HostName: hostName, Node0: node0, Bastion: bastion}
}

// hostName matches host names of RFC 1123 in lower case.
var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// maxHostName is the maximum length of a common name in a certificate.
const maxHostName = 64

// Check returns an error if a name or an address of the subject is malformed.
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

// CommonName returns the common name in the certificate of the server s: <user>-<LRN>
// for a user of etcd, or else the host name.
func (p Profile) CommonName(s Subject) string {
	if p.user == "" {
		return s.HostName
	}
	return fmt.Sprintf("%s-%d", p.user, s.LRN)
}

// DNSNames returns the DNS names in a certificate with the profile p. They are the same
// on every boot server.
func (p Profile) DNSNames(Subject) []string {
	if p.Authority == ServerCA {
		return []string{"localhost"}
	}
	return nil
}

// IPs returns the IP addresses in the certificate of the server s, in the order in
// which the certificate contains them.
func (p Profile) IPs(s Subject) []netip.Addr {
	if !p.Server {
		return nil
	}
	var ips []netip.Addr
	if p.Authority == ServerCA {
		ips = append(ips, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	ips = append(ips, s.Node0)
	if s.Bastion.IsValid() {
		// Until BGP has converged, other members see this source address.
		ips = append(ips, s.Bastion)
	}
	return ips
}
