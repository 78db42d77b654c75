package contents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// dhcp contains the fields of a DHCP configuration that sabakan evaluates. Only these
// fields are compared.
type dhcp struct {
	LeaseMinutes int      `json:"lease-minutes"`
	DNSServers   []string `json:"dns-servers"`
}

// dhcpName is the name of the DHCP configuration in events.
const dhcpName = "dhcp.json"

// DHCP uploads the package's DHCP configuration, unless sabakan has the same one.
func (u Uploader) DHCP(ctx context.Context) error {
	data, err := u.FS.Read(neco.SabakanDHCPJSONFile)
	if err != nil {
		return ofFile(err)
	}
	var want, has dhcp
	if err := json.Unmarshal(data, &want); err != nil {
		return ofFile(fmt.Errorf("%s: %w", neco.SabakanDHCPJSONFile, err))
	}
	now, err := u.Sabakan.DHCP(ctx)
	if err == nil {
		err = json.Unmarshal(now, &has)
	}
	if err != nil && !errors.Is(err, sabakan.ErrNotFound) {
		return err
	}
	if err == nil && has.LeaseMinutes == want.LeaseMinutes && slices.Equal(has.DNSServers, want.DNSServers) {
		u.observe(Event{Name: dhcpName, State: Present})
		return nil
	}
	if err := u.Sabakan.PutDHCP(ctx, data); err != nil {
		return ofUpload(err)
	}
	u.observe(Event{Name: dhcpName, State: Uploaded, Total: int64(len(data))})
	return nil
}
