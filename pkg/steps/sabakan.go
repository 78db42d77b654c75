package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/worker"
)

// dhcp contains the fields of a DHCP configuration that sabakan evaluates. uploadDHCP
// compares only these fields.
type dhcp struct {
	LeaseMinutes int      `json:"lease-minutes"`
	DNSServers   []string `json:"dns-servers"`
}

// uploadDHCP uploads the package's DHCP configuration to the sabakan of this host,
// unless sabakan has the same one.
func uploadDHCP(ctx context.Context, h *Host, _ component.Component, _ worker.Target) (string, error) {
	data, err := h.FS.Read(neco.SabakanDHCPJSONFile)
	if err != nil {
		return "", worker.Permanent(err)
	}
	var want, has dhcp
	if err := json.Unmarshal(data, &want); err != nil {
		return "", worker.Permanent(fmt.Errorf("%s: %w", neco.SabakanDHCPJSONFile, err))
	}
	c := sabakan.New(h.Sabakan)
	defer c.Close()
	now, err := c.DHCP(ctx)
	if err == nil {
		err = json.Unmarshal(now, &has)
	}
	if err != nil && !errors.Is(err, sabakan.ErrNotFound) {
		return "", final(err)
	}
	if err == nil && has.LeaseMinutes == want.LeaseMinutes && slices.Equal(has.DNSServers, want.DNSServers) {
		return "", nil
	}
	return "", final(c.PutDHCP(ctx, data))
}

// final marks an error of sabakan or CKE as permanent unless a retry may succeed. It
// returns other errors, such as those of a download, unchanged: they are retried.
func final(err error) error {
	if own := (interface{ MayPass() bool })(nil); errors.As(err, &own) && !own.MayPass() {
		return worker.Permanent(err)
	}
	return err
}
