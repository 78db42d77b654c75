package sabakan

import (
	"context"
	"encoding/json"
	"net/http"
)

// DHCP returns the DHCP configuration as JSON, or ErrNotFound if none is stored.
func (c *Client) DHCP(ctx context.Context) (json.RawMessage, error) { return c.config(ctx, "dhcp") }

// PutDHCP replaces the DHCP configuration.
func (c *Client) PutDHCP(ctx context.Context, conf json.RawMessage) error {
	return c.send(ctx, http.MethodPut, "/api/v1/config/dhcp", conf, nil)
}

// IPAM returns the configuration of addresses as JSON, or ErrNotFound if none is
// stored.
func (c *Client) IPAM(ctx context.Context) (json.RawMessage, error) { return c.config(ctx, "ipam") }

// PutIPAM replaces the configuration of addresses. sabakan refuses the change once it
// has machines.
func (c *Client) PutIPAM(ctx context.Context, conf json.RawMessage) error {
	return c.send(ctx, http.MethodPut, "/api/v1/config/ipam", conf, nil)
}

func (c *Client) config(ctx context.Context, name string) (json.RawMessage, error) {
	var conf json.RawMessage
	err := c.get(ctx, "/api/v1/config/"+name, &conf)
	return conf, err
}
