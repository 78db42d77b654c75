package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/lrn"
)

// checkPool reads the address pool in neco.SabakanIPAMFile, and returns an error if it
// does not contain the rack of each of the boot servers lrns. If the file does not
// exist, checkPool only checks the range of the numbers.
func checkPool(env *Env, lrns ...int) error {
	for _, n := range lrns {
		if err := lrn.Check(n); err != nil {
			return hint(err, "give the number in %s of the server", neco.RackFile)
		}
	}
	data, err := env.FS.Read(neco.SabakanIPAMFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return err
	}
	var ipam struct {
		Pool netip.Prefix `json:"node-ipv4-pool"`
	}
	if err == nil {
		err = json.Unmarshal(data, &ipam)
	}
	if err != nil || !ipam.Pool.IsValid() {
		return hint(fmt.Errorf("%s: it has no node-ipv4-pool: %w", neco.SabakanIPAMFile, err), "correct the file; sabakan reads it, too")
	}
	for _, n := range lrns {
		first, _ := netip.AddrFromSlice(neco.BootNode0IP(n))
		last := rackEnd(n)
		if !ipam.Pool.Contains(first) || !ipam.Pool.Contains(last) {
			return hint(fmt.Errorf("boot server %d would have the address %s, in a rack outside of the pool %s", n, first, ipam.Pool),
				"node-ipv4-pool in %s bounds the logical rack numbers", neco.SabakanIPAMFile)
		}
	}
	return nil
}

// rackEnd returns the last address of the rack n, which consists of three consecutive
// networks.
func rackEnd(n int) netip.Addr {
	next, _ := netip.AddrFromSlice(neco.BootNode0IP(n + 1))
	for range 1 + bootIndex {
		next = next.Prev()
	}
	return next
}

// bootIndex is the position of the boot server's address in the first network of its
// rack.
const bootIndex = 3
