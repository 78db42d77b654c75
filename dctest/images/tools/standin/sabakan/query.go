package main

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// query selects machines. A machine must have one of the values of each key, but all
// values of the key labels, and none of the values of keys that begin with "without-".
type query map[string][]string

const without = "without-"

// facts returns the values of the machine m that a [query] is compared with, by the
// keys of the query.
func facts(m machine) map[string][]string {
	var labels []string
	for k, v := range m.Spec.Labels {
		labels = append(labels, k+"="+v)
	}
	return map[string][]string{
		"serial": {m.Spec.Serial}, "rack": {strconv.FormatUint(uint64(m.Spec.Rack), 10)}, "role": {m.Spec.Role},
		"ipv4": m.Spec.IPv4, "ipv6": m.Spec.IPv6, "bmc-type": {m.Spec.BMC.Type}, "state": {m.Status.State}, "labels": labels,
	}
}

func parseQuery(values url.Values) (query, error) {
	q := query{}
	known := facts(machine{})
	for key, texts := range values {
		name, excludes := strings.CutPrefix(key, without)
		if _, found := known[name]; !found {
			return nil, fail(http.StatusBadRequest, "unknown key %q in the query", key)
		}
		if excludes && values.Has(name) {
			return nil, fail(http.StatusBadRequest, "%s and %s exclude each other", name, key)
		}
		for _, text := range texts {
			q[key] = append(q[key], strings.Split(text, ",")...)
		}
	}
	return q, nil
}

func (q query) matches(m machine) bool {
	have := facts(m)
	for key, wanted := range q {
		name, excludes := strings.CutPrefix(key, without)
		has := slices.ContainsFunc(wanted, func(w string) bool { return slices.Contains(have[name], w) })
		if name == "labels" && !excludes { // all of them
			has = !slices.ContainsFunc(wanted, func(w string) bool { return !slices.Contains(have[name], w) })
		}
		if has == excludes {
			return false
		}
	}
	return true
}
