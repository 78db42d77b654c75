package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/inventory"
)

func (s *server) graphMachine(ctx context.Context, args map[string]any) (any, error) {
	m, _, err := s.machine(ctx, fmt.Sprint(args["serial"]))
	return graphMachine(m), err
}

func (s *server) graphSetState(ctx context.Context, args map[string]any) (any, error) {
	serial, state := fmt.Sprint(args["serial"]), fmt.Sprint(args["state"])
	m, err := s.setState(ctx, serial, strings.ToLower(state))
	if err != nil {
		kind := "INTERNAL_SERVER_ERROR"
		var f failure
		if errors.As(err, &f) && f.kind != "" {
			kind = f.kind
		}
		return nil, &gqlerror.Error{Message: err.Error(), Extensions: map[string]any{"serial": serial, "type": kind}}
	}
	return graphStatus(m), nil
}

func (s *server) graphSearch(ctx context.Context, args map[string]any) (any, error) {
	having, err := parseParams(args["having"])
	if err != nil {
		return nil, err
	}
	notHaving, err := parseParams(args["notHaving"])
	if err != nil {
		return nil, err
	}
	all, err := s.machines(ctx)
	if err != nil {
		return nil, err
	}
	include, exclude, now := having.query(""), notHaving.query(without), time.Now()
	found := []object{}
	for _, m := range all {
		days := m.Spec.RetireDate.Sub(now).Hours() / 24
		if include.matches(m) && exclude.matches(m) && having.allows(days) && !notHaving.excludes(days) {
			found = append(found, graphMachine(m))
		}
	}
	return found, nil
}

// params holds the fields of the GraphQL type MachineParams.
type params struct {
	Labels  list[struct{ Name, Value string }] `json:"labels"`
	Racks   list[int]                          `json:"racks"`
	Roles   list[string]                       `json:"roles"`
	States  list[string]                       `json:"states"`
	MinDays *int                               `json:"minDaysBeforeRetire"`
}

// allows reports whether p, if it says which machines to select, allows a machine that
// retires in the given number of days.
func (p params) allows(days float64) bool { return p.MinDays == nil || days >= float64(*p.MinDays) }

// excludes reports whether p, if it says which machines to leave out, excludes a
// machine that retires in the given number of days.
func (p params) excludes(days float64) bool { return p.MinDays != nil && days >= float64(*p.MinDays) }

// list is a list in the variables of a GraphQL request. A single value is accepted as a
// list of one element.
type list[T any] []T

func (l *list[T]) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte("[")) || string(data) == "null" {
		return json.Unmarshal(data, (*[]T)(l))
	}
	*l = make([]T, 1)
	return json.Unmarshal(data, &(*l)[0])
}

func parseParams(arg any) (params, error) {
	var p params
	data, err := json.Marshal(arg)
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	return p, err
}

// query returns p as a [query] whose keys begin with prefix: "without-" for the
// machines to leave out, and "" otherwise.
func (p params) query(prefix string) query {
	q := query{}
	add := func(key, value string) { q[prefix+key] = append(q[prefix+key], value) }
	for _, l := range p.Labels {
		add("labels", l.Name+"="+l.Value)
	}
	for _, rack := range p.Racks {
		add("rack", strconv.Itoa(rack))
	}
	for _, role := range p.Roles {
		add("role", role)
	}
	for _, state := range p.States {
		add("state", strings.ToLower(state))
	}
	return q
}

func graphMachine(m machine) object {
	var labels []object
	for _, name := range slices.Sorted(maps.Keys(m.Spec.Labels)) {
		labels = append(labels, object{"name": name, "value": m.Spec.Labels[name]})
	}
	nics := []object{}
	for _, n := range m.Info.Network.IPv4 {
		nics = append(nics, graphNIC(n))
	}
	return object{
		"spec": object{
			"serial": m.Spec.Serial, "labels": labels, "rack": m.Spec.Rack, "indexInRack": m.Spec.IndexInRack, "role": m.Spec.Role,
			"ipv4": m.Spec.IPv4, "registerDate": m.Spec.RegisterDate, "retireDate": m.Spec.RetireDate,
			"bmc": object{"bmcType": m.Spec.BMC.Type, "ipv4": m.Spec.BMC.IPv4},
		},
		"status": graphStatus(m),
		"info":   object{"network": object{"ipv4": nics}, "bmc": object{"ipv4": graphNIC(m.Info.BMC.IPv4)}},
	}
}

func graphStatus(m machine) object {
	return object{"state": strings.ToUpper(m.Status.State), "timestamp": m.Status.Timestamp, "duration": m.Status.Duration}
}

func graphNIC(n inventory.NIC) object {
	return object{"address": n.Address, "netmask": n.Netmask, "maskbits": n.MaskBits, "gateway": n.Gateway}
}
