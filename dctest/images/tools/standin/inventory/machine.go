// Package inventory holds the machines of sabakan as its REST API and its
// ignition templates present them, and the IPAM configuration that gives
// machines their addresses.
//
// It must not know how machines are stored or served. Other modules may import
// it.
package inventory

import (
	"fmt"
	"regexp"
	"time"
)

// Machine is a registered machine.
type Machine struct {
	Spec   Spec   `json:"spec"`
	Status Status `json:"status"`
	Info   Info   `json:"info"`
}

// Spec is how a machine was registered, with the addresses that were assigned to it.
type Spec struct {
	Serial       string            `json:"serial"`
	Labels       map[string]string `json:"labels,omitempty"`
	Rack         uint              `json:"rack"`
	IndexInRack  uint              `json:"index-in-rack"`
	Role         string            `json:"role"`
	IPv4         []string          `json:"ipv4"`
	IPv6         []string          `json:"ipv6"`
	RegisterDate time.Time         `json:"register-date"`
	RetireDate   time.Time         `json:"retire-date"`
	BMC          BMC               `json:"bmc"`
}

// BMC is the baseboard management controller of a machine.
type BMC struct {
	Type string `json:"type"`
	IPv4 string `json:"ipv4"`
	IPv6 string `json:"ipv6"`
}

// Status is the state of a machine.
type Status struct {
	State     string    `json:"state"`
	Timestamp time.Time `json:"timestamp"`
	// Duration is how many seconds have passed since Timestamp.
	Duration float64 `json:"duration"`
}

// Info is the network configuration of a machine and of its BMC, derived from the
// machine's addresses and the IPAM configuration.
type Info struct {
	Network NetworkInfo `json:"network"`
	BMC     BMCInfo     `json:"bmc"`
}

// NetworkInfo has one element for each address in Spec.IPv4.
type NetworkInfo struct {
	IPv4 []NIC `json:"ipv4"`
}

// BMCInfo is the network configuration of the BMC.
type BMCInfo struct {
	IPv4 NIC `json:"ipv4"`
}

// NIC is the configuration of one network interface.
type NIC struct {
	Address  string `json:"address"`
	Netmask  string `json:"netmask"`
	MaskBits int    `json:"maskbits"`
	Gateway  string `json:"gateway"`
}

var (
	labelName = regexp.MustCompile(`^[a-z0-9A-Z]([a-z0-9A-Z_.-]{0,61}[a-z0-9A-Z])?$`)
	bmcType   = regexp.MustCompile(`^[a-z0-9A-Z\-_/.]+$`)
)

// Check returns an error if a machine with this Spec cannot be registered.
func (s Spec) Check() error {
	if s.Serial == "" || s.Role == "" {
		return fmt.Errorf("machine %q: serial and role are required", s.Serial)
	}
	if !bmcType.MatchString(s.BMC.Type) {
		return fmt.Errorf("machine %s: invalid BMC type %q", s.Serial, s.BMC.Type)
	}
	return CheckLabels(s.Labels)
}

// CheckLabels returns an error if the name of a label is invalid.
func CheckLabels(labels map[string]string) error {
	for name := range labels {
		if !labelName.MatchString(name) {
			return fmt.Errorf("invalid label name %q", name)
		}
	}
	return nil
}
