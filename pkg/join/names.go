package join

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"github.com/cybozu-go/neco/pkg/pki"
)

// Like derives the names and addresses of the boot server with the logical rack number
// (LRN) lrn from those of the boot server example. It replaces the LRN at the end of
// the host name, and adds the difference of the LRNs to the bastion address. If the
// host name of example does not end with "-" and its LRN, the result has no host name.
func Like(example pki.Subject, lrn int) pki.Subject {
	s := pki.NewSubject(lrn, "", netip.Addr{})
	if stem, ok := strings.CutSuffix(example.HostName, fmt.Sprint("-", example.LRN)); ok && stem != "" {
		s.HostName = fmt.Sprintf("%s-%d", stem, lrn)
	}
	if example.Bastion.Is4() {
		a := example.Bastion.As4()
		n := binary.BigEndian.Uint32(a[:]) - uint32(example.LRN) + uint32(lrn)
		binary.BigEndian.PutUint32(a[:], n)
		s.Bastion = netip.AddrFrom4(a)
	}
	return s
}
