package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// graphQL serves the two operations that Neco uses. Their arguments must be GraphQL
// variables. The response always has all fields.
func (s *server) graphQL(r *http.Request) (int, any, error) {
	data, err := body(r)
	if err != nil {
		return 0, nil, err
	}
	var req struct {
		Query     string                     `json:"query"`
		Variables map[string]json.RawMessage `json:"variables"`
	}
	if err := json.Unmarshal(data, &req); err != nil {
		return 0, nil, fail(http.StatusBadRequest, "graphql: %v", err)
	}
	var value any
	name := "searchMachines"
	switch {
	case strings.Contains(req.Query, "setMachineState"):
		name = "setMachineState"
		value, err = s.graphSetState(r, req.Variables)
	case strings.Contains(req.Query, "searchMachines"):
		value, err = s.graphSearch(r, req.Variables)
	default:
		err = fail(http.StatusBadRequest, "unknown operation")
	}
	if err != nil {
		return ok(map[string]any{"data": nil, "errors": []any{map[string]any{"message": err.Error(), "path": []string{name}}}})
	}
	return ok(map[string]any{"data": map[string]any{name: value}})
}

func (s *server) graphSetState(r *http.Request, vars map[string]json.RawMessage) (any, error) {
	var serial, state string
	if err := json.Unmarshal(vars["serial"], &serial); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(vars["state"], &state); err != nil {
		return nil, err
	}
	m, err := s.setState(r.Context(), serial, strings.ToLower(state))
	return map[string]string{"state": strings.ToUpper(m.Status.State)}, err
}

func (s *server) graphSearch(r *http.Request, vars map[string]json.RawMessage) (any, error) {
	values := url.Values{}
	for name, prefix := range map[string]string{"having": "", "notHaving": "without-"} {
		if err := graphParams(values, prefix, vars[name]); err != nil {
			return nil, err
		}
	}
	q, err := parseQuery(values)
	if err != nil {
		return nil, err
	}
	all, err := s.machines(r.Context())
	if err != nil {
		return nil, err
	}
	found := []any{}
	for _, m := range slices.DeleteFunc(all, func(m machine) bool { return !q.matches(m) }) {
		found = append(found, m.graph())
	}
	return found, nil
}

// graphParams adds the fields of a MachineParams to values as keys of a query.
func graphParams(values url.Values, prefix string, raw json.RawMessage) error {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var p struct {
		Labels []struct{ Name, Value string } `json:"labels"`
		Racks  []uint                         `json:"racks"`
		Roles  []string                       `json:"roles"`
		States []string                       `json:"states"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return err
	}
	for _, l := range p.Labels {
		values.Add(prefix+"labels", l.Name+"="+l.Value)
	}
	for _, rack := range p.Racks {
		values.Add(prefix+"rack", strconv.FormatUint(uint64(rack), 10))
	}
	for _, role := range p.Roles {
		values.Add(prefix+"role", role)
	}
	for _, state := range p.States {
		values.Add(prefix+"state", strings.ToLower(state))
	}
	return nil
}

func (m machine) graph() any {
	labels := []any{}
	for k, v := range m.Spec.Labels {
		labels = append(labels, map[string]string{"name": k, "value": v})
	}
	return map[string]any{
		"spec": map[string]any{
			"serial": m.Spec.Serial, "labels": labels, "rack": m.Spec.Rack, "indexInRack": m.Spec.IndexInRack, "role": m.Spec.Role,
			"ipv4": m.Spec.IPv4, "registerDate": m.Spec.Registered, "retireDate": m.Spec.Retires,
			"bmc": map[string]string{"bmcType": m.Spec.BMC.Type, "ipv4": m.Spec.BMC.IPv4},
		},
		"status": map[string]any{"state": strings.ToUpper(m.Status.State), "timestamp": m.Status.Timestamp, "duration": m.Status.Duration},
	}
}
