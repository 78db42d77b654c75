package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// graph sends an operation, expects the status, and returns the answer.
func (c client) graph(want int, query string, variables map[string]any) string {
	c.t.Helper()
	data, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(c.call(want, "POST", "/graphql", string(data)))
}

func TestGraphQLAnswersTheFieldsThatAreSelected(t *testing.T) {
	c := withMachines(t)
	for query, want := range map[string]string{
		`{ searchMachines { spec { serial } } }`:                                                                                                              `{"data":{"searchMachines":[{"spec":{"serial":"a"}},{"spec":{"serial":"b"}}]}}`,
		`{ searchMachines(having: {roles: ["cs"]}) { spec { serial role } } }`:                                                                                `{"data":{"searchMachines":[{"spec":{"role":"cs","serial":"b"}}]}}`,
		`{ searchMachines(having: {racks: 1}, notHaving: {roles: ["cs"]}) { spec { serial } } }`:                                                              `{"data":{"searchMachines":[{"spec":{"serial":"a"}}]}}`,
		`{ searchMachines(having: {states: [HEALTHY, RETIRED]}) { spec { serial } } }`:                                                                        `{"data":{"searchMachines":[]}}`,
		`{ searchMachines(notHaving: {states: [UNINITIALIZED]}) { spec { serial } } }`:                                                                        `{"data":{"searchMachines":[]}}`,
		`{ searchMachines(having: {labels: [{name: "product", value: "vm"}]}) { spec { serial } } }`:                                                          `{"data":{"searchMachines":[{"spec":{"serial":"b"}}]}}`,
		`{ searchMachines(notHaving: {labels: {name: "product", value: "vm"}}) { spec { serial } } }`:                                                         `{"data":{"searchMachines":[{"spec":{"serial":"a"}}]}}`,
		`query Q { one: machine(serial: "b") { ...M } } fragment M on Machine { spec { labels { name value } bmc { bmcType } } status { state } }`:            `{"data":{"one":{"spec":{"bmc":{"bmcType":"IPMI-2.0"},"labels":[{"name":"product","value":"vm"}]},"status":{"state":"UNINITIALIZED"}}}}`,
		`{ machine(serial: "a") { __typename spec { labels { name } ipv4 @skip(if: true) } ... on Machine { info { bmc { ipv4 { gateway maskbits } } } } } }`: `{"data":{"machine":{"__typename":"Machine","info":{"bmc":{"ipv4":{"gateway":"10.72.16.1","maskbits":20}}},"spec":{"labels":null}}}}`,
	} {
		if got := c.graph(200, query, nil); got != want {
			t.Errorf("%s\n got %s\nwant %s", query, got, want)
		}
	}
}

func TestGraphQLTakesVariables(t *testing.T) {
	c := withMachines(t)
	const search = `query($having: MachineParams) { searchMachines(having: $having) { spec { serial } } }`
	const b = `{"data":{"searchMachines":[{"spec":{"serial":"b"}}]}}`
	if got := c.graph(200, search, map[string]any{"having": map[string]any{"roles": []string{"cs"}, "racks": []int{1}}}); got != b {
		t.Error(got)
	}
	const roles = `query($roles: [String!]) { searchMachines(having: {roles: $roles}) { spec { serial } } }`
	if got := c.graph(200, roles, map[string]any{"roles": []string{"cs"}}); got != b {
		t.Error(got)
	}
	c.graph(422, search, map[string]any{"having": map[string]any{"states": []string{"FINE"}}})
	const set = `mutation($serial: ID!, $state: MachineState!) { setMachineState(serial: $serial, state: $state) { state } }`
	if got := c.graph(200, set, map[string]any{"serial": "b", "state": "HEALTHY"}); got != `{"data":{"setMachineState":{"state":"HEALTHY"}}}` {
		t.Error(got)
	}
	c.graph(422, set, map[string]any{"serial": "b"})
}

func TestGraphQLSelectsByTheRetireDate(t *testing.T) {
	c := withMachines(t)
	c.call(200, "PUT", "/api/v1/retire-date/a", "9999-01-01T00:00:00Z")
	c.call(200, "PUT", "/api/v1/retire-date/b", "2020-01-01T00:00:00Z")
	if got := c.graph(200, `{ searchMachines(having: {minDaysBeforeRetire: 30}) { spec { serial } } }`, nil); !strings.Contains(got, `[{"spec":{"serial":"a"}}]`) {
		t.Error(got)
	}
	if got := c.graph(200, `{ searchMachines(notHaving: {minDaysBeforeRetire: 30}) { spec { serial } } }`, nil); !strings.Contains(got, `[{"spec":{"serial":"b"}}]`) {
		t.Error(got)
	}
}

func TestGraphQLNamesTheErrorOfAState(t *testing.T) {
	c := withMachines(t)
	set := func(status int, serial, state string) string {
		t.Helper()
		return c.graph(status, `mutation { setMachineState(serial: "`+serial+`", state: `+state+`) { state timestamp } }`, nil)
	}
	expect := func(got, serial, kind string, texts ...string) {
		t.Helper()
		var answer struct {
			Errors []struct {
				Message    string
				Path       []string
				Extensions map[string]string
			}
			Data any
		}
		if err := json.Unmarshal([]byte(got), &answer); err != nil || len(answer.Errors) != 1 || answer.Data != nil || !strings.Contains(got, `"data":null`) {
			t.Fatal(got)
		}
		e := answer.Errors[0]
		if e.Extensions["serial"] != serial || e.Extensions["type"] != kind || len(e.Path) != 1 || e.Path[0] != "setMachineState" {
			t.Error(got)
		}
		for _, text := range texts {
			if !strings.Contains(e.Message, text) {
				t.Errorf("no %s in %s", text, e.Message)
			}
		}
	}
	expect(set(200, "a", "UPDATING"), "a", "INVALID_STATE_TRANSITION", "[uninitialized]", "[updating]")
	expect(set(200, "x", "HEALTHY"), "x", "MACHINE_NOT_FOUND", "not found")
	set(422, "a", "FINE")
	first := set(200, "a", "HEALTHY")
	if again := set(200, "a", "HEALTHY"); again != first {
		t.Error(first, again)
	}
	c.call(201, "PUT", "/api/v1/crypts/a/disk", "key")
	set(200, "a", "RETIRING")
	expect(set(200, "a", "RETIRED"), "a", "ENCRYPTION_KEY_EXISTS")
}

func TestGraphQLRefusesWhatIsNotValid(t *testing.T) {
	c := withMachines(t)
	c.call(400, "POST", "/graphql", "{")
	for _, query := range []string{
		``, `{`, `{ machines { serial } }`, `{ searchMachines }`, `{ searchMachines(having: {colour: 1}) { spec { serial } } }`,
		`{ searchMachines(having: {states: ["HEALTHY"]}) { spec { serial } } }`,
		`{ searchMachines(having: {states: [FINE]}) { spec { serial } } }`,
		`mutation { setMachineState(serial: $serial, state: $state) { state } }`,
		`query A { searchMachines { spec { serial } } } query B { searchMachines { spec { role } } }`,
	} {
		if got := c.graph(422, query, nil); !strings.Contains(got, `"errors":[{"message":`) || !strings.Contains(got, `"data":null`) {
			t.Errorf("%s: %s", query, got)
		}
	}
	got := c.graph(200, `{ machine(serial: "x") { spec { serial } } }`, nil)
	if !strings.Contains(got, `"message":"not found"`) || strings.Contains(got, "extensions") || !strings.Contains(got, `"data":null`) {
		t.Error(got)
	}
}
