package artifacts_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/artifactstest"
)

// faulty are answers of a server or of a proxy in between.
func faulty() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"HTML": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>Please log in</html>")
		},
		"429": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"message":"slow down"}`)
		},
		"half a body": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/" {
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `[{"tag_name":"v1`)
		},
		"nothing": func(http.ResponseWriter, *http.Request) {},
		"a list":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `["1.2.3"]`) },
	}
}

// TestAFaultyServerIsAnError runs in bubbles of synctest, because the pauses between the
// attempts last seconds.
func TestAFaultyServerIsAnError(t *testing.T) {
	for host, server := range map[string]string{
		"ghcr.io":              "tags of ghcr.io/cybozu-go/coil: ",
		"api.github.com":       "releases of cybozu-go/etcdpasswd: ",
		artifactstest.FeedHost: "https://www.flatcar.org/releases-json/releases-stable.json: ",
	} {
		for title, handler := range faulty() {
			t.Run(host+" sends "+title, func(t *testing.T) {
				w := artifactstest.New(t)
				w.Replace(host, handler)
				synctest.Test(t, func(t *testing.T) {
					f, _ := finder(w)
					set, err := f.Newest(t.Context(), neco.CurrentArtifacts)
					if err == nil || !strings.Contains(err.Error(), server) {
						t.Fatalf("got %v, %v; want an error with %q", set, err, server)
					}
					if strings.Contains(err.Error(), "quay.io") {
						t.Errorf("%v: blames another server", err)
					}
					if want := map[string]string{
						"HTML": "the answer is not ", "a list": "the answer is not ", "429": "429 Too Many Requests", "half a body": "truncated",
					}[title]; !strings.Contains(err.Error(), want) {
						t.Errorf("%v: does not say %q", err, want)
					}
				})
			})
		}
	}
}

func TestTheErrorsOfAllServersAreReportedInOrder(t *testing.T) {
	w := artifactstest.New(t)
	for _, host := range []string{"ghcr.io", "quay.io", "api.github.com", artifactstest.FeedHost} {
		w.Replace(host, http.NotFoundHandler())
	}
	synctest.Test(t, func(t *testing.T) {
		f, _ := finder(w)
		_, err := f.Newest(t.Context(), neco.CurrentArtifacts)
		if err == nil {
			t.Fatal("no error")
		}
		lines := strings.Split(err.Error(), "\n")
		if want := len(neco.CurrentArtifacts.Images) + 2; len(lines) != want {
			t.Fatalf("%d errors, want %d:\n%v", len(lines), want, err)
		}
		for i, img := range neco.CurrentArtifacts.Images {
			if !strings.Contains(lines[i], img.Repository+":") {
				t.Errorf("error %d is %q, want that of %s", i, lines[i], img.Repository)
			}
		}
	})
}
