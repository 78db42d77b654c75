package sabakan

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// State is the state of a machine.
type State string

// The states in the spelling of the REST API; GraphQL spells them in upper case.
const (
	Uninitialized State = "uninitialized"
	Healthy       State = "healthy"
	Unhealthy     State = "unhealthy"
	Unreachable   State = "unreachable"
	Updating      State = "updating"
	Retiring      State = "retiring"
	Retired       State = "retired"
)

// Machine is a machine of the inventory.
type Machine struct {
	Spec   Spec   `json:"spec"`
	Status Status `json:"status"`
}

// Spec describes a machine.
type Spec struct {
	Serial string            `json:"serial"`
	Labels map[string]string `json:"labels,omitempty"`
	// Rack is the logical rack number.
	Rack        int          `json:"rack"`
	IndexInRack int          `json:"index-in-rack,omitempty"`
	Role        string       `json:"role"`
	IPv4        []netip.Addr `json:"ipv4,omitempty"`
	Registered  *time.Time   `json:"register-date,omitempty"`
	Retires     time.Time    `json:"retire-date"`
	BMC         BMC          `json:"bmc"`
}

// BMC is the management controller of a machine.
type BMC struct {
	Type string `json:"type"`
	IPv4 string `json:"ipv4,omitempty"`
}

// Status is the state of a machine.
type Status struct {
	State State     `json:"state"`
	Since time.Time `json:"timestamp"`
	// Seconds is how long it has been in the state.
	Seconds float64 `json:"duration"`
}

// Machines returns the machines for which all parameters of query hold, such as
// role=boot. If there is no such machine, it returns no machines and no error.
func (c *Client) Machines(ctx context.Context, query url.Values) ([]Machine, error) {
	path := "/api/v1/machines"
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	var all []Machine
	err := c.get(ctx, path, &all)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return all, err
}

// DeleteKeys deletes the keys of the disks of a retiring machine, and returns their paths. It
// returns ErrNotFound for an unknown machine. sabakan answers status 500 unless the machine is
// retiring.
func (c *Client) DeleteKeys(ctx context.Context, serial string) ([]string, error) {
	var paths []string
	return paths, c.send(ctx, http.MethodDelete, "/api/v1/crypts/"+url.PathEscape(serial), nil, &paths)
}

// CreateMachines registers machines: all of them, or none if sabakan refuses one. It
// returns ErrConflict if a serial number or the boot server of a rack exists already.
func (c *Client) CreateMachines(ctx context.Context, specs []Spec) error {
	return c.send(ctx, http.MethodPost, "/api/v1/machines", specs, nil)
}
