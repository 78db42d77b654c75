package main

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// query selects machines. For each key, a machine must have one of the values, or all of
// them if the key is "labels"; for a key with the prefix "without-", it must have none of
// them.
type query map[string][]string

// facts returns the values of a machine by the keys of a query.
func (m machine) facts() map[string][]string {
	var labels []string
	for k, v := range m.Spec.Labels {
		labels = append(labels, k+"="+v)
	}
	return map[string][]string{
		"serial": {m.Spec.Serial}, "rack": {strconv.FormatUint(uint64(m.Spec.Rack), 10)}, "role": {m.Spec.Role},
		"ipv4": m.Spec.IPv4, "ipv6": nil, "bmc-type": {m.Spec.BMC.Type}, "state": {m.Status.State}, "labels": labels,
	}
}

func parseQuery(values url.Values) (query, error) {
	q := query{}
	known := machine{}.facts()
	for key, texts := range values {
		if _, found := known[strings.TrimPrefix(key, "without-")]; !found {
			return nil, fail(http.StatusBadRequest, "unknown key %q in the query", key)
		}
		for _, text := range texts {
			q[key] = append(q[key], strings.Split(text, ",")...)
		}
	}
	return q, nil
}

func (q query) matches(m machine) bool {
	facts := m.facts()
	for key, wanted := range q {
		name, without := strings.CutPrefix(key, "without-")
		has := slices.ContainsFunc(wanted, func(w string) bool { return slices.Contains(facts[name], w) })
		if name == "labels" && !without { // a machine must have all labels
			has = !slices.ContainsFunc(wanted, func(w string) bool { return !slices.Contains(facts[name], w) })
		}
		if has == without {
			return false
		}
	}
	return true
}
