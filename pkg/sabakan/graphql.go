package sabakan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Params select machines. The zero value selects all.
type Params struct {
	Labels []Label  `json:"labels,omitempty"`
	Racks  []int    `json:"racks,omitempty"`
	Roles  []string `json:"roles,omitempty"`
	States []State  `json:"states,omitempty"`
	// MinDaysBeforeRetire selects machines that retire that many days from now or later.
	MinDaysBeforeRetire int `json:"minDaysBeforeRetire,omitempty"`
}

// Label is a label of a machine.
type Label struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

const searchQuery = `query search($having: MachineParams, $notHaving: MachineParams) {
  searchMachines(having: $having, notHaving: $notHaving) {
    spec { serial labels { name value } rack indexInRack role ipv4 registerDate retireDate bmc { bmcType ipv4 } }
    status { state timestamp duration }
  }
}`

const stateMutation = `mutation set($serial: ID!, $state: MachineState!) {
  setMachineState(serial: $serial, state: $state) { state }
}`

// graphMachine is a machine as GraphQL encodes it.
type graphMachine struct {
	Spec struct {
		Serial       string       `json:"serial"`
		Labels       []Label      `json:"labels"`
		Rack         int          `json:"rack"`
		IndexInRack  int          `json:"indexInRack"`
		Role         string       `json:"role"`
		IPv4         []netip.Addr `json:"ipv4"`
		RegisterDate *time.Time   `json:"registerDate"`
		RetireDate   time.Time    `json:"retireDate"`
		BMC          struct {
			BMCType string `json:"bmcType"`
			IPv4    string `json:"ipv4"`
		} `json:"bmc"`
	} `json:"spec"`
	Status Status `json:"status"`
}

func (g graphMachine) machine() Machine {
	s := g.Spec
	m := Machine{
		Spec: Spec{
			Serial: s.Serial, Rack: s.Rack, IndexInRack: s.IndexInRack, Role: s.Role, IPv4: s.IPv4,
			Registered: s.RegisterDate, Retires: s.RetireDate, BMC: BMC{Type: s.BMC.BMCType, IPv4: s.BMC.IPv4},
		},
		Status: g.Status,
	}
	m.Status.State = State(strings.ToLower(string(g.Status.State)))
	for _, l := range s.Labels {
		if m.Spec.Labels == nil {
			m.Spec.Labels = map[string]string{}
		}
		m.Spec.Labels[l.Name] = l.Value
	}
	return m
}

// Search returns the machines that the parameters in having select, except those that
// the parameters in notHaving select. If notHaving is nil, it excludes no machine.
func (c *Client) Search(ctx context.Context, having Params, notHaving *Params) ([]Machine, error) {
	variables := map[string]any{"having": upper(&having), "notHaving": upper(notHaving)}
	var data struct {
		SearchMachines []graphMachine `json:"searchMachines"`
	}
	if err := c.graphQL(ctx, "searchMachines", searchQuery, variables, &data); err != nil {
		return nil, err
	}
	var all []Machine
	for _, g := range data.SearchMachines {
		all = append(all, g.machine())
	}
	return all, nil
}

func upper(p *Params) *Params {
	if p == nil {
		return nil
	}
	q := *p
	q.States = nil
	for _, s := range p.States {
		q.States = append(q.States, State(strings.ToUpper(string(s))))
	}
	return &q
}

// SetState changes the state of a machine. It changes nothing if the machine is already
// in that state. It returns ErrNotFound for an unknown serial number and
// ErrBadTransition if the machine cannot change to the state.
func (c *Client) SetState(ctx context.Context, serial string, s State) error {
	variables := map[string]any{"serial": serial, "state": strings.ToUpper(string(s))}
	var data struct {
		SetMachineState *struct {
			State State `json:"state"`
		} `json:"setMachineState"`
	}
	if err := c.graphQL(ctx, "setMachineState", stateMutation, variables, &data); err != nil {
		return fmt.Errorf("set the state of machine %s to %s: %w", serial, s, err)
	}
	if data.SetMachineState == nil {
		return fmt.Errorf("set the state of machine %s to %s: sabakan: setMachineState: no result", serial, s)
	}
	return nil
}

// graphQL sends an operation and decodes its data into v.
func (c *Client) graphQL(ctx context.Context, op, query string, variables map[string]any, v any) error {
	var res struct {
		Data   json.RawMessage `json:"data"`
		Errors []struct {
			Message    string `json:"message"`
			Extensions struct {
				Type string `json:"type"`
			} `json:"extensions"`
		} `json:"errors"`
	}
	body := map[string]any{"query": query, "variables": variables}
	if err := c.send(ctx, http.MethodPost, "/graphql", body, &res); err != nil {
		return err
	}
	if len(res.Errors) > 0 {
		e := res.Errors[0]
		return &Error{Op: op, Status: http.StatusOK, Type: e.Extensions.Type, Text: e.Message}
	}
	if len(res.Data) == 0 || string(res.Data) == "null" {
		return fmt.Errorf("sabakan: %s: %w", op, errNoData)
	}
	if err := json.Unmarshal(res.Data, v); err != nil {
		return fmt.Errorf("sabakan: %s: the response is not what sabakan sends: %w", op, err)
	}
	return nil
}

var errNoData = errors.New("the response has neither data nor errors")
