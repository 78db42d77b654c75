// Package inventory has addresses and machines for the sabakan of a test data centre.
package inventory

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/cybozu-go/neco/pkg/sabakan"
)

// IPAM is a configuration of addresses for [sabakan.Client.PutIPAM].
const IPAM = `{
  "max-nodes-in-rack": 28,
  "node-ipv4-pool": "10.69.0.0/20", "node-ipv4-offset": "", "node-ipv4-range-size": 6, "node-ipv4-range-mask": 26,
  "node-ip-per-node": 3, "node-index-offset": 3, "node-gateway-offset": 1,
  "bmc-ipv4-pool": "10.72.16.0/20", "bmc-ipv4-offset": "0.0.1.0", "bmc-ipv4-range-size": 5, "bmc-ipv4-range-mask": 20,
  "bmc-ipv4-gateway-offset": 1
}`

// JSON returns machines as the file that sabactl registers.
func JSON(machines ...sabakan.Spec) (string, error) {
	data, err := json.Marshal(machines)
	return string(data), err
}

// Boot returns the boot server of a rack.
func Boot(rack int) sabakan.Spec { return machine(fmt.Sprintf("boot-%d", rack), rack, "boot") }

// Node returns a node for computing in a rack. A rack has one.
func Node(rack int) sabakan.Spec { return machine(fmt.Sprintf("cs-%d", rack), rack, "cs") }

func machine(serial string, rack int, role string) sabakan.Spec {
	return sabakan.Spec{
		Serial: serial, Rack: rack, Role: role, Labels: map[string]string{"machine-type": "qemu"},
		Retires: time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC), BMC: sabakan.BMC{Type: "IPMI-2.0"},
	}
}
