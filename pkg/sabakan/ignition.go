package sabakan

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
)

// Template is an ignition template of a role of machines. sabakan renders it for each
// machine that boots.
type Template struct {
	// Version is the version of the Ignition format, such as 2.3.
	Version  string          `json:"version"`
	Template json.RawMessage `json:"template"`
	// Meta is what the template function Metadata returns, by key.
	Meta map[string]any `json:"meta,omitempty"`
}

// Ignitions returns the ids of the templates of a role in the order of their versions;
// machines boot with the last one. For a role without templates it returns no ids and
// no error. sabakan keeps ten templates.
func (c *Client) Ignitions(ctx context.Context, role string) ([]string, error) {
	var ids []string
	err := c.get(ctx, "/api/v1/ignitions/"+url.PathEscape(role), &ids)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return ids, err
}

// Ignition returns the template of a role with the given id, or ErrNotFound if there is
// no such template.
func (c *Client) Ignition(ctx context.Context, role, id string) (Template, error) {
	var t Template
	err := c.get(ctx, ignitionPath(role, id), &t)
	return t, err
}

// PutIgnition uploads a template. It returns ErrConflict if the id is already used.
// It returns ErrRefused if sabakan cannot render the template, for example without an IPAM
// configuration.
func (c *Client) PutIgnition(ctx context.Context, role, id string, t Template) error {
	return c.send(ctx, http.MethodPut, ignitionPath(role, id), t, nil)
}

func ignitionPath(role, id string) string {
	return "/api/v1/ignitions/" + url.PathEscape(role) + "/" + url.PathEscape(id)
}
