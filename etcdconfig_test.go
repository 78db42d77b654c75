package neco

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoadEtcdConfigReadsEveryField(t *testing.T) {
	got, err := LoadEtcdConfig(tempFile(t, `
endpoints: ["https://10.69.0.3:2379", "https://10.69.0.195:2379"]
prefix: /cke/
timeout: 5s
username: cke
password: pass
tls-ca-file: /ca.crt
tls-cert-file: /etcd.crt
tls-key-file: /etcd.key
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &EtcdConfig{
		Endpoints:   []string{"https://10.69.0.3:2379", "https://10.69.0.195:2379"},
		Prefix:      "/cke/",
		Timeout:     "5s",
		Username:    "cke",
		Password:    "pass",
		TLSCAFile:   "/ca.crt",
		TLSCertFile: "/etcd.crt",
		TLSKeyFile:  "/etcd.key",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadEtcdConfigHasDefaults(t *testing.T) {
	got, err := LoadEtcdConfig(tempFile(t, `endpoints: ["http://127.0.0.1:2379"]`))
	if err != nil {
		t.Fatal(err)
	}
	want := &EtcdConfig{Endpoints: []string{"http://127.0.0.1:2379"}, Prefix: "/neco/", Timeout: "2s"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadEtcdConfigNamesFileAndField(t *testing.T) {
	const endpoints = "endpoints: [\"http://127.0.0.1:2379\"]\n"
	cases := map[string]struct{ yaml, want string }{
		"an unknown field":        {endpoints + "endpoint: x", `unknown field "endpoint"`},
		"a field of another type": {endpoints + "timeout: 2", "timeout"},
		"a string for a list":     {"endpoints: http://127.0.0.1:2379", "file: endpoints: it is a string, and has to be a list"},
		"a list for a string":     {endpoints + "prefix: [/neco/]", "file: prefix: it is a list, and has to be a string"},
		"a bare word":             {"neco", "file: it is a string; it has to be a mapping, such as endpoints"},
		"a list":                  {"- neco", "file: it is a list; it has to be a mapping"},
		"no YAML":                 {"{", "line 1"},
		"no endpoint":             {"prefix: /neco/", "endpoints"},
		"a malformed endpoint":    {"endpoints: [10.69.0.3]", "endpoints"},
		"a prefix without slash":  {endpoints + "prefix: /neco", "prefix"},
		"a negative timeout":      {endpoints + "timeout: -1s", "timeout"},
		"no duration":             {endpoints + "timeout: soon", "timeout"},
		"a long timeout":          {endpoints + "timeout: 1d", "longer than 1h"},
		"no port":                 {"endpoints: [http://localhost]\n", "it has no port"},
		"a path":                  {"endpoints: [http://localhost:2379/v3]\n", "continues after the port"},
		"a file and its contents": {endpoints + "tls-ca: x\ntls-ca-file: y", "tls-ca"},
		"half a certificate":      {endpoints + "tls-cert-file: y", "tls-key-file"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			file := tempFile(t, c.yaml)
			_, err := LoadEtcdConfig(file)
			if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("LoadEtcdConfig: %v, want %s and %s in it", err, file, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "JSON") || strings.Contains(err.Error(), "Go ")) {
				t.Errorf("the error speaks of JSON or Go to someone who wrote YAML: %v", err)
			}
		})
	}
	for _, endpoint := range []string{"http://u:hunter2@10.0.0.9:2379", "http://u:9/hunter2@10.0.0.9:2379", "u:hunter2@10.0.0.9"} {
		t.Run("a password in an endpoint is not shown", func(t *testing.T) {
			_, err := LoadEtcdConfig(tempFile(t, "endpoints: [\"http://127.0.0.1:2379\", \""+endpoint+"\"]"))
			if err == nil || !strings.Contains(err.Error(), "endpoints: number 2") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v", endpoint, err)
			}
		})
	}
	t.Run("no such file", func(t *testing.T) {
		if _, err := LoadEtcdConfig("/nonexistent/config.yml"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("LoadEtcdConfig: %v", err)
		}
	})
}
