package sandbox

import (
	"net"

	"github.com/cybozu-go/neco/pkg/sandbox/network"
)

// owner is the boot server that a connection to the internet comes from.
func (s *Sandbox) owner(net.Conn) int { return network.World }
