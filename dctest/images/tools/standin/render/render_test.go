package render_test

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/inventory"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/render"
)

const url = "http://10.69.0.3:10080"

func plan() inventory.IPAM {
	return inventory.IPAM{
		MaxNodes: 28, NodePool: netip.MustParsePrefix("10.69.0.0/20"), NodeSize: 6, NodeMask: 26, PerNode: 3, Index: 3, NodeGateway: 1,
		BMCPool: netip.MustParsePrefix("10.72.16.0/20"), BMCOffset: "0.0.1.0", BMCSize: 5, BMCMask: 20, BMCGateway: 1,
	}
}

// text renders the contents of a unit.
func text(t *testing.T, s string) (string, error) {
	t.Helper()
	template, err := json.Marshal(map[string]any{"systemd": map[string]any{"units": []any{map[string]any{"contents": s}}}})
	if err != nil {
		t.Fatal(err)
	}
	u := render.Upload{Version: "2.3", Template: template, Meta: map[string]any{"version": "1.2.3", "list": []any{"a", "b"}, "number": 1.5}}
	out, err := u.Render(url, plan().Dummy())
	if err != nil {
		return "", err
	}
	var got struct {
		Systemd struct{ Units []struct{ Contents string } }
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	return got.Systemd.Units[0].Contents, nil
}

func TestFunctions(t *testing.T) {
	for s, want := range map[string]string{
		``:                         "",
		`{{ MyURL }}/x`:            url + "/x",
		`{{ Metadata "version" }}`: "1.2.3",
		`{{ range Metadata "list" }}{{ . }} {{ end }}`: "a b ",
		`{{ json .Info.BMC }}`:                         `{"ipv4":{"address":"10.72.17.33","netmask":"255.255.240.0","maskbits":20,"gateway":"10.72.16.1"}}`,
		`{{ with index .Info.Network.IPv4 1 }}{{ .Address }}/{{ .MaskBits }} {{ .Gateway }}{{ end }}`: "10.69.1.1/26 10.69.1.1",
		`{{ add .Spec.Rack 64600 }}`:                                                                "64601",
		`{{ sub 1 3 }} {{ mul 2 3 }} {{ div 7 2 }}`:                                                 "-2 6 3",
		`{{ add 1 (Metadata "number") }} {{ div 7.0 2 }}`:                                           "2.5 3.5",
		`rack{{ .Spec.Rack }}-{{ .Spec.Role }}{{ .Spec.IndexInRack }} {{ index .Spec.Labels "x" }}`: "rack1-1 ",
	} {
		if got, err := text(t, s); err != nil || got != want {
			t.Errorf("%s: %q %v, want %q", s, got, err, want)
		}
	}
	for _, s := range []string{`{{ Metadata "x" }}`, `{{ add 1 "a" }}`, `{{ div 1 0 }}`, `{{ .Spec.Name }}`, `{{ if }}`} {
		if got, err := text(t, s); err == nil {
			t.Errorf("%s: %q", s, got)
		}
	}
}

func TestAllTextsOfATemplateAreRendered(t *testing.T) {
	u, err := render.Parse([]byte(`{"version": "2.2", "template": {
		"storage": {"files": [
			{"filesystem": "root", "path": "/{{ 1 }}", "mode": 420, "contents": {"source": "data:,%7B%7B%201%20%7D%7D%0A100%25%20%23?"}},
			{"path": "/b", "contents": {"source": "data:text/plain;charset=utf-8;base64,e3sgMSB9fQ=="}},
			{"path": "/c", "contents": {"source": "{{ MyURL }}/api/v1/assets/c"}}]},
		"networkd": {"units": [{"name": "{{ 1 }}", "contents": "{{ 1 }}"}]},
		"systemd": {"units": [{"name": "a", "enabled": true, "contents": "{{ 1 }}"}, {"name": "b", "mask": true}]},
		"passwd": {"users": [{"name": "{{ 1 }}", "passwordHash": "{{ 1 }}", "sshAuthorizedKeys": ["{{ 1 }}"], "gecos": "{{ 1 }}",
			"homeDir": "{{ 1 }}", "primaryGroup": "{{ 1 }}", "groups": ["{{ 1 }}", "x"], "shell": "{{ 1 }}"}], "groups": [{"name": "{{ 1 }}"}]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"ignition": {"version": "2.2.0"},
		"storage": {"files": [
			{"filesystem": "root", "path": "/{{ 1 }}", "mode": 420, "contents": {"source": "data:,1%0A100%25%20%23%3F"}},
			{"path": "/b", "contents": {"source": "data:,1"}},
			{"path": "/c", "contents": {"source": "http://10.69.0.3:10080/api/v1/assets/c"}}]},
		"networkd": {"units": [{"name": "{{ 1 }}", "contents": "1"}]},
		"systemd": {"units": [{"name": "a", "enabled": true, "contents": "1"}, {"name": "b", "mask": true}]},
		"passwd": {"users": [{"name": "1", "passwordHash": "1", "sshAuthorizedKeys": ["1"], "gecos": "1",
			"homeDir": "1", "primaryGroup": "1", "groups": ["1", "x"], "shell": "1"}], "groups": [{"name": "1"}]}}`
	for range 2 { // a template can be rendered again
		out, err := u.Render(url, plan().Dummy())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(object(t, out), object(t, []byte(want))) {
			t.Errorf("%s", out)
		}
	}
}

func object(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestABodyIsChecked(t *testing.T) {
	for body, want := range map[string]string{
		`x`:                                    "invalid character",
		`{"template": {}}`:                     "version",
		`{"version": "2.4", "template": {}}`:   "version",
		`{"version": "2.3"}`:                   "missing",
		`{"version": "2.3", "template": null}`: "not an object",
		`{"version": "2.3", "template": []}`:   "cannot unmarshal",
	} {
		if _, err := render.Parse([]byte(body)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
	}
}
