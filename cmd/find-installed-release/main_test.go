package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/artifactstest"
	"github.com/cybozu-go/neco/dctest/releaseserver"
)

// find runs the command with args.
func find(t *testing.T, w *artifactstest.World, args ...string) (stdout string, err error) {
	t.Helper()
	cmd := newCommand(w, func(string) string { return "" })
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&bytes.Buffer{})
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func publish(t *testing.T, w *artifactstest.World, tag string, prerelease bool) {
	t.Helper()
	w.Publish(t, neco.GitHubRepoOwner, neco.GitHubRepoName, releaseserver.Release{Tag: tag, Prerelease: prerelease})
}

func TestEachDataCentreFollowsItsReleases(t *testing.T) {
	w := artifactstest.New(t)
	for tag, prerelease := range map[string]bool{
		"release-2022.05.25-9": false, "release-2022.05.25-10": false, "release-2022.05.24-99": false,
		"release-2022.05.26-1": true, "test-2022.05.27-1": true, "v1.0.0": false,
	} {
		publish(t, w, tag, prerelease)
	}
	for dataCentre, want := range map[string]string{"production": "2022.05.25-10\n", "staging": "2022.05.26-1\n"} {
		if got, err := find(t, w, dataCentre); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", dataCentre, got, err, want)
		}
	}
}

func TestAFailurePrintsNothing(t *testing.T) {
	empty := func(t *testing.T, w *artifactstest.World) { publish(t, w, "test-2022.05.27-1", true) }
	for title, c := range map[string]struct {
		prepare func(*testing.T, *artifactstest.World)
		args    []string
		want    string
	}{
		"no release":          {empty, []string{"production"}, "no release"},
		"another data centre": {empty, []string{"prod"}, `"prod"`},
		"no data centre":      {empty, nil, "staging or production"},
		"two data centres":    {empty, []string{"staging", "production"}, "one data centre"},
		"no repository": {func(_ *testing.T, w *artifactstest.World) {
			w.Replace("api.github.com", http.NotFoundHandler())
		}, []string{"staging"}, "404"},
		"a page": {func(_ *testing.T, w *artifactstest.World) {
			w.Replace("api.github.com", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }))
		}, []string{"staging"}, "GitHub's API"},
	} {
		t.Run(title, func(t *testing.T) {
			w := artifactstest.New(t)
			c.prepare(t, w)
			synctest.Test(t, func(t *testing.T) {
				got, err := find(t, w, c.args...)
				if got != "" || err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %q, %v; want %q", got, err, c.want)
				}
			})
		})
	}
}
