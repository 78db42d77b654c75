package join

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"github.com/cybozu-go/neco/pkg/pki"
)

// Like derives the names of the boot server lrn from those of another one.  It
// replaces the LRN at the end of the host name, and shifts the bastion address by the
// difference of the LRNs.  The host name is empty if that of example does not end
// with its LRN.
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
