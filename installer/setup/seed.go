package setup

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/cybozu-go/neco/internal/weburl"
)

// Seed contains the properties of one boot server.
type Seed struct {
	// Name is the host name.
	Name string `json:"name"`
	// Cluster is the identifier of the data centre, Rack the logical rack number.
	Cluster string `json:"cluster"`
	Rack    int    `json:"rack"`
	// Serial is the serial number of the machine if its firmware reports none, or else
	// "".
	Serial string `json:"serial,omitempty"`
	// ASN is the number of the rack's autonomous system.
	ASN uint32 `json:"asn"`
	// Node0 and Bastion are the addresses that BIRD announces, both /32.
	Node0   netip.Prefix `json:"node0"`
	Bastion netip.Prefix `json:"bastion"`
	// Eth0 and Eth1 are the addresses of the interfaces eth0 and eth1, which lead to
	// the switches ToR1 and ToR2.
	Eth0 netip.Prefix `json:"eth0"`
	Eth1 netip.Prefix `json:"eth1"`
	ToR1 netip.Addr   `json:"tor1"`
	ToR2 netip.Addr   `json:"tor2"`
	// BMC is the address of the management controller. This package does not use it.
	BMC netip.Addr `json:"bmc,omitzero"`
	// Proxy is the URL of the HTTP proxy to the internet, or "" if there is none.
	Proxy string `json:"proxy,omitempty"`
	// NTP are the addresses of the time servers.
	NTP []netip.Addr `json:"ntp,omitempty"`
}

// ParseSeed parses a seed in YAML and checks its values. An unknown field is an error.
func ParseSeed(data []byte) (Seed, error) {
	var s Seed
	if err := yaml.UnmarshalStrict(data, &s); err != nil {
		return s, fmt.Errorf("read seed: %w", err)
	}
	if err := s.check(); err != nil {
		return s, fmt.Errorf("read seed: %w", err)
	}
	return s, nil
}

func (s Seed) check() error {
	switch {
	case strings.ContainsAny(s.Name+s.Cluster+s.Serial+s.Proxy, " \t\r\n\"\\"):
		return errors.New("name, cluster, serial and proxy are single words")
	case s.Proxy != "" && !plainProxy(s.Proxy):
		return errors.New("proxy is not an http or https URL without user and password; every user may read Docker's unit, which contains it")
	case s.Name == "":
		return errors.New("name is empty")
	case s.Cluster == "":
		return errors.New("cluster is empty")
	case s.Rack < 0:
		return fmt.Errorf("rack %d is negative", s.Rack)
	case s.ASN == 0:
		return errors.New("asn is missing")
	case !s.Node0.IsValid() || !s.Node0.IsSingleIP():
		return fmt.Errorf("node0 %s is not one address with /32", s.Node0)
	case !s.Bastion.IsValid() || !s.Bastion.IsSingleIP():
		return fmt.Errorf("bastion %s is not one address with /32", s.Bastion)
	case !s.Eth0.Contains(s.ToR1):
		return fmt.Errorf("tor1 %s is not in the network of eth0, %s", s.ToR1, s.Eth0)
	case !s.Eth1.Contains(s.ToR2):
		return fmt.Errorf("tor2 %s is not in the network of eth1, %s", s.ToR2, s.Eth1)
	}
	return nil
}

// plainProxy reports whether text is the URL of a proxy without credentials.
func plainProxy(text string) bool {
	u, err := weburl.ParseProxy(text)
	return err == nil && u.User == nil
}
