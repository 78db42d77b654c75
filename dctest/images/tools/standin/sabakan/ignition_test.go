package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const emptyTemplate = `{"version":"2.3","template":{},"meta":{}}`

// ignitions returns the ids of the role cs, joined.
func (c client) ignitions() string {
	c.t.Helper()
	var ids []string
	if err := json.Unmarshal([]byte(c.call(200, "GET", "/api/v1/ignitions/cs", "")), &ids); err != nil {
		c.t.Fatal(err)
	}
	return strings.Join(ids, " ")
}

func TestIgnitionsAreInTheOrderOfVersions(t *testing.T) {
	c := withMachines(t)
	for i := range 12 {
		c.call(201, "PUT", fmt.Sprintf("/api/v1/ignitions/cs/2026.11.%d", i+1), emptyTemplate)
	}
	c.call(409, "PUT", "/api/v1/ignitions/cs/2026.11.12", emptyTemplate)
	for _, id := range []string{"latest", "1.2.", "1_2"} {
		c.call(400, "PUT", "/api/v1/ignitions/cs/"+id, emptyTemplate)
	}
	var want []string
	for i := 3; i <= 12; i++ {
		want = append(want, fmt.Sprintf("2026.11.%d", i))
	}
	if got := c.ignitions(); got != strings.Join(want, " ") {
		t.Error(got)
	}
	c.call(404, "DELETE", "/api/v1/ignitions/cs/2026.11.2", "")
	for _, id := range want {
		c.call(200, "DELETE", "/api/v1/ignitions/cs/"+id, "")
	}
	c.call(404, "GET", "/api/v1/ignitions/cs", "")
}

func TestAReleaseIsAboveItsCandidates(t *testing.T) {
	c := withMachines(t)
	for _, id := range []string{"2026.11.22-5", "2026.11.22", "2026.11.22-4", "2026.11.22-10", "2026.11.22-4.1"} {
		c.call(201, "PUT", "/api/v1/ignitions/cs/"+id, emptyTemplate)
	}
	if got := c.ignitions(); got != "2026.11.22-4 2026.11.22-4.1 2026.11.22-5 2026.11.22-10 2026.11.22" {
		t.Error(got)
	}
}

// upload returns the body of an upload whose only file has these contents.
func upload(t *testing.T, contents string, meta map[string]any) string {
	t.Helper()
	file := map[string]any{"filesystem": "root", "path": "/etc/x", "mode": 420, "contents": map[string]any{"source": "data:," + contents}}
	data, err := json.Marshal(map[string]any{
		"version": "2.3", "meta": meta,
		"template": map[string]any{"ignition": map[string]any{"version": "2.3.0"}, "storage": map[string]any{"files": []any{file}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestAnUploadedTemplateIsRenderedOnce(t *testing.T) {
	c := newServer(t)
	if got := c.call(400, "PUT", "/api/v1/ignitions/cs/1.0.0", emptyTemplate); !strings.Contains(got, "IPAM") {
		t.Error(got)
	}
	c.call(200, "PUT", "/api/v1/config/ipam", plan)
	for name, body := range map[string]string{
		"no object":        `{"version":"2.3","template":"x"}`,
		"no template":      `{"version":"2.3"}`,
		"no version":       `{"template":{}}`,
		"unknown version":  `{"version":"3.0","template":{}}`,
		"no JSON":          `x`,
		"missing metadata": upload(t, `{{ Metadata "version" }}`, nil),
		"unknown function": upload(t, `{{ Secret }}`, nil),
		"unknown field":    upload(t, `{{ .Spec.Colour }}`, nil),
		"index of a role":  upload(t, `{{ slice .Spec.Role 0 1 }}`, nil),
	} {
		if got := c.call(400, "PUT", "/api/v1/ignitions/cs/1.0.0", body); !strings.Contains(got, "ignition cs/1.0.0") {
			t.Errorf("%s: %s", name, got)
		}
	}
	const dummy = `{{ if ne (printf "%25s %25d %25d [%25s] %25s" .Spec.Serial .Spec.Rack .Spec.IndexInRack .Spec.Role (index .Spec.IPv4 0)) "1234abcd 1 1 [] 10.69.0.193" }}{{ slice "" 1 }}{{ end }}`
	c.call(201, "PUT", "/api/v1/ignitions/cs/1.0.0", upload(t, dummy, nil))
	c.call(413, "PUT", "/api/v1/ignitions/cs/1.0.1", upload(t, strings.Repeat("x", 2<<20), nil))
}

func TestAMachineGetsItsTemplateRendered(t *testing.T) {
	c := withMachines(t)
	body := upload(t, `{{ .Spec.Serial }}%0A{{ Metadata "version" }}%0A{{ MyURL }}`, map[string]any{"version": "1.0.0"})
	c.call(201, "PUT", "/api/v1/ignitions/cs/1.0.0", body)
	if got := c.call(200, "GET", "/api/v1/ignitions/cs/1.0.0", ""); got != body+"\n" {
		t.Error(got)
	}
	c.call(404, "GET", "/api/v1/boot/ignitions/x/1.0.0", "")
	c.call(404, "GET", "/api/v1/boot/ignitions/b/2.0.0", "")
	c.call(404, "GET", "/api/v1/boot/ignitions/a/1.0.0", "")
	const want = `"source":"data:,b%0A1.0.0%0Ahttp:%2F%2F10.69.0.3:10080"`
	if got := c.call(200, "GET", "/api/v1/boot/ignitions/b/1.0.0", "", "From", "10.69.0.4:1"); !strings.Contains(got, want) {
		t.Error(got)
	}
}
