package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recorder is a server that responds with {"a":1} and remembers the last request.
type recorder struct {
	status int
	method string
	uri    string
	body   string
	header http.Header
}

func (s *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, _ := io.ReadAll(r.Body)
	s.method, s.uri, s.body, s.header = r.Method, r.RequestURI, string(data), r.Header
	w.WriteHeader(s.status)
	fmt.Fprint(w, `{"a":1,"error":"the reason"}`)
}

func start(t *testing.T, status int) (*recorder, string) {
	t.Helper()
	s := &recorder{status: status}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return s, srv.URL
}

// files writes files and returns their directory.
func files(t *testing.T, contents map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range contents {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCommandsBecomeRequests(t *testing.T) {
	dir := files(t, map[string]string{"f": `{"x":1}`, "ignition": `{"version":"2.3","template":{}}`, "meta": `{"version":"1"}`})
	s, url := start(t, 200)
	for line, want := range map[string]string{
		"machines get": "GET /machines?",
		"machines get --role boot --without-rack 1,2": "GET /machines?role=boot&without-rack=1%2C2",
		"machines get -o json --state=healthy":        "GET /machines?state=healthy",
		"machines create -f DIR/f":                    `POST /machines {"x":1}`,
		"machines get-state a":                        "GET /state/a",
		"machines set-state a healthy":                "PUT /state/a healthy",
		"machines set-label a one 1":                  `PUT /labels/a {"one":"1"}`,
		"machines remove-label a one":                 "DELETE /labels/a/one",
		"machines set-retire-date a 2030-01-02":       "PUT /retire-date/a 2030-01-02T00:00:00Z",
		"machines remove a":                           "DELETE /machines/a",
		"ipam get":                                    "GET /config/ipam",
		"ipam set -f DIR/f":                           `PUT /config/ipam {"x":1}`,
		"dhcp set --file DIR/f":                       `PUT /config/dhcp {"x":1}`,
		"images index":                                "GET /images/coreos",
		"images delete 1 --os coreos":                 "DELETE /images/coreos/1",
		"assets index":                                "GET /assets",
		"assets info x":                               "GET /assets/x/meta",
		"assets upload x DIR/f":                       `PUT /assets/x {"x":1}`,
		"assets delete x":                             "DELETE /assets/x",
		"ignitions get cs":                            "GET /ignitions/cs",
		"ignitions get cs 1.0.0":                      "GET /ignitions/cs/1.0.0",
		"ignitions set -f DIR/ignition --json --meta DIR/meta cs 1.0.0": `PUT /ignitions/cs/1.0.0 {"version":"2.3","template":{},"meta":{"version":"1"}}`,
		"ignitions delete cs 1.0.0":                                     "DELETE /ignitions/cs/1.0.0",
		"kernel-params get":                                             "GET /kernel_params/coreos",
		"kernel-params set a=b":                                         "PUT /kernel_params/coreos a=b",
		"crypts delete --force a":                                       "DELETE /crypts/a",
	} {
		var out bytes.Buffer
		args := append([]string{"--server", url}, strings.Fields(strings.ReplaceAll(line, "DIR", dir))...)
		if err := run(t.Context(), args, &out); err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		got := strings.TrimSpace(s.method + " " + strings.TrimPrefix(s.uri, "/api/v1") + " " + s.body)
		if got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
		if !strings.HasPrefix(out.String(), "{\n  \"a\": 1,\n") {
			t.Errorf("%s prints %s", line, out.String())
		}
	}
}

func TestUploadsHaveWhatSabakanNeeds(t *testing.T) {
	dir := files(t, map[string]string{"kernel": "k", "initrd": "i", "x.json": "{}"})
	s, url := start(t, 201)
	if err := run(t.Context(), []string{"--server", url, "images", "upload", "1.0", dir + "/kernel", dir + "/initrd"}, io.Discard); err != nil {
		t.Fatal(err)
	}
	if s.uri != "/api/v1/images/coreos/1.0" || !strings.HasPrefix(s.body, "kernel\x00") || !strings.Contains(s.body, "initrd.gz\x00") {
		t.Error(s.uri, s.body)
	}
	if err := run(t.Context(), []string{"assets", "upload", "--meta", "version=1", "x", dir + "/x.json", "--server", url}, io.Discard); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"Content-Type": "application/json", "Content-Length": "2", "X-Sabakan-Asset-Options-Version": "1",
		"X-Sabakan-Asset-SHA256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
	} {
		if got := s.header.Get(key); got != want {
			t.Errorf("%s: %s", key, got)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for status, want := range map[int]int{400: 4, 403: 4, 404: 14, 409: 19, 500: 5, 503: 5} {
		_, url := start(t, status)
		err := run(t.Context(), []string{"--server", url, "machines", "get"}, io.Discard)
		if err == nil || exitCode(err) != want || !strings.Contains(err.Error(), "the reason") {
			t.Errorf("%d: %v", status, err)
		}
	}
	for _, line := range []string{
		"", "foo", "machines", "machines foo", "machines get x", "machines get --colour red", "machines get -o simple", "machines create",
		"machines set-state a", "machines set-retire-date a soon", "ignitions get", "ignitions set cs 1", "crypts delete a",
	} {
		if err := run(t.Context(), strings.Fields(line), io.Discard); err == nil || exitCode(err) != 2 {
			t.Errorf("%q: %v", line, err)
		}
	}
	if err := run(t.Context(), []string{"ipam", "set", "-f", "/nonexistent"}, io.Discard); err == nil || exitCode(err) != 1 {
		t.Error(err)
	}
}

func TestCompletionIsForBash(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"completion"}, &out); err != nil || !strings.Contains(out.String(), "complete ") {
		t.Errorf("%v: %s", err, out.String())
	}
}
