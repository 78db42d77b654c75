package join

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"github.com/cybozu-go/neco/pkg/pki"
)

// Like names the boot server lrn after the example of another one: the number
// at the end of the host name is the LRN, and the bastion addresses follow each
// other like the LRNs.  The host name is empty if the example's does not end so.
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
