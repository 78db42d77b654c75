package release

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/dctest/releaseserver"
)

const (
	stageVersion = "2022.05.25-1"
	stageTag     = "release-" + stageVersion
	stageFile    = "neco_" + stageVersion + "_amd64.deb"
)

func sumLine(data string) string { return digest(data) + "  " + stageFile + "\n" }

// realDeb returns the content of a valid neco package.
func realDeb(t *testing.T, control string) string {
	t.Helper()
	data, err := os.ReadFile(buildDeb(t, control, "xz"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func stager(t *testing.T, handler http.Handler) Stager {
	t.Helper()
	f, _ := finder(t, handler)
	return Stager{Finder: f, Channel: Prod, Client: serve(t, handler), Dir: filepath.Join(t.TempDir(), "packages")}
}

// counting returns a handler that counts in n the requests for the package file, and
// passes all requests on.
func counting(handler http.Handler, n *int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/"+stageFile) {
			*n++
		}
		handler.ServeHTTP(w, r)
	})
}

func TestStageBringsThePackageOnce(t *testing.T) {
	deb := realDeb(t, testControl)
	asked := 0
	s := stager(t, counting(publish(t, releaseserver.Release{Tag: stageTag, Assets: map[string]string{
		stageFile: deb, stageFile + ".sha256": sumLine(deb),
	}}), &asked))
	v := mustParse(t, stageVersion)
	want := Package{Version: v, Path: filepath.Join(s.Dir, stageFile), SHA256: digest(deb)}
	for _, when := range []string{"at first", "again"} {
		got, err := s.Stage(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" || asked != 1 {
			t.Errorf("%s: asked %d times: %s", when, asked, diff)
		}
	}
	if got, err := s.Staged(v); err != nil || got != want {
		t.Errorf("Staged: %+v, %v", got, err)
	}

	if err := os.WriteFile(want.Path, []byte(deb[:100]), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Staged(v); !errors.Is(err, ErrDigestMismatch) {
		t.Errorf("a broken file is staged: %v", err)
	}
	if got, err := s.Stage(t.Context(), v); err != nil || got != want || asked != 2 {
		t.Errorf("a broken file is not replaced: %+v, %v, asked %d times", got, err, asked)
	}
}

func TestStageRefuses(t *testing.T) {
	deb := realDeb(t, testControl)
	other := realDeb(t, strings.Replace(testControl, "Package: neco", "Package: cke", 1))
	older := realDeb(t, strings.Replace(testControl, "Version: "+stageVersion, "Version: 2022.05.24-1", 1))
	foreign := realDeb(t, strings.Replace(testControl, "amd64", "arm64", 1))
	type assets = map[string]string
	cases := map[string]struct {
		assets assets
		want   error
		names  string
	}{
		"a release without the package":       {assets{}, errAny, stageFile},
		"a release without the digest":        {assets{stageFile: deb}, errAny, stageFile + ".sha256"},
		"a package of another digest":         {assets{stageFile: deb + "x", stageFile + ".sha256": sumLine(deb)}, ErrDigestMismatch, stageFile},
		"a cut package that was published so": {assets{stageFile: deb[:len(deb)-100], stageFile + ".sha256": sumLine(deb[:len(deb)-100])}, ErrWrongPackage, stageFile},
		"a digest of another file":            {assets{stageFile: deb, stageFile + ".sha256": digest(deb) + "  other.deb\n"}, ErrBadDigestFile, "other.deb"},
		"a digest of garbage":                 {assets{stageFile: deb, stageFile + ".sha256": "<html>"}, ErrBadDigestFile, stageFile},
		"a digest without end":                {assets{stageFile: deb, stageFile + ".sha256": strings.Repeat("0", 1<<16)}, ErrTooLarge, stageFile + ".sha256"},
		"another package inside":              {assets{stageFile: other, stageFile + ".sha256": sumLine(other)}, ErrWrongPackage, `name is "cke"`},
		"another version inside":              {assets{stageFile: older, stageFile + ".sha256": sumLine(older)}, ErrWrongPackage, `version is "2022.05.24-1"`},
		"another architecture inside":         {assets{stageFile: foreign, stageFile + ".sha256": sumLine(foreign)}, ErrWrongPackage, `architecture is "arm64"`},
		"a page of an error inside":           {assets{stageFile: "<html>", stageFile + ".sha256": sumLine("<html>")}, ErrWrongPackage, stageFile},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := stager(t, publish(t, releaseserver.Release{Tag: stageTag, Assets: c.assets}))
				_, err := s.Stage(t.Context(), mustParse(t, stageVersion))
				if err == nil || (c.want != errAny && !errors.Is(err, c.want)) {
					t.Fatalf("got %v, want %v", err, c.want)
				}
				if !strings.Contains(err.Error(), c.names) {
					t.Errorf("%q does not name %s", err, c.names)
				}
				if Permanent(err) != (c.want != errAny) {
					t.Errorf("Permanent(%v) is %v", err, Permanent(err))
				}
				if _, err := os.Stat(filepath.Join(s.Dir, stageFile)); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("the package is there: %v", err)
				}
			})
		})
	}
}

func TestADigestFileIsReadBeforeARunAsInIt(t *testing.T) {
	deb := realDeb(t, testControl)
	line := digest(deb) + "  " + stageFile
	for name, c := range map[string]struct {
		sum  string
		want error
	}{
		"one line":                       {line + "\n", nil},
		"a line that ends as on Windows": {line + "\r\n", nil},
		"a carriage return alone":        {line + "\r", nil},
		"a carriage return inside":       {digest(deb) + "\r  " + stageFile + "\n", ErrBadDigestFile},
		"garbage":                        {"<html>", ErrBadDigestFile},
		"nothing":                        {"", ErrBadDigestFile},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := stager(t, publish(t, releaseserver.Release{Tag: stageTag, Assets: map[string]string{stageFile: deb, stageFile + ".sha256": c.sum}}))
				v := mustParse(t, stageVersion)
				asset, err := s.Finder.FindAsset(t.Context(), Prod, v)
				if err != nil {
					t.Fatal(err)
				}
				if err := CheckSum(t.Context(), s.Client, asset); !errors.Is(err, c.want) {
					t.Errorf("before a run: %v, want %v", err, c.want)
				}
				if _, err := s.Stage(t.Context(), v); !errors.Is(err, c.want) || Permanent(err) != (c.want != nil) {
					t.Errorf("in a run: %v, want %v", err, c.want)
				}
			})
		})
	}
}

func TestStageNeedsTheReleaseTag(t *testing.T) {
	for name, published := range map[string]releaseserver.Release{
		"a candidate":     {Tag: "test-" + stageVersion, Prerelease: true},
		"another version": {Tag: "release-2022.05.25-2"},
		"a draft":         {Tag: stageTag, Draft: true},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := stager(t, publish(t, published)).Stage(t.Context(), mustParse(t, stageVersion))
			if err == nil || !strings.Contains(err.Error(), stageTag) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestFindAssetDoubtsTheServer(t *testing.T) {
	for name, body := range map[string]string{
		"another release": `{"tag_name":"release-2022.05.25-2"}`,
		"a draft":         `{"tag_name":"` + stageTag + `","draft":true}`,
		"null":            `null`,
		"nothing":         ``,
		"half an upload":  `{"tag_name":"` + stageTag + `","assets":[null,{"name":"` + stageFile + `","state":"starter"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := finder(t, respond(200, body))
			if got, err := f.FindAsset(t.Context(), Prod, mustParse(t, stageVersion)); err == nil {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestStageSurvivesABadServer(t *testing.T) {
	deb := realDeb(t, testControl)
	synctest.Test(t, func(t *testing.T) {
		good := publish(t, releaseserver.Release{Tag: stageTag, Assets: map[string]string{stageFile: deb, stageFile + ".sha256": sumLine(deb)}})
		asked := 0
		s := stager(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, "/download/") {
				good.ServeHTTP(w, r)
				return
			}
			switch asked++; asked {
			case 1:
				respond(503, "")(w, r)
			case 3:
				respond(429, "", "Retry-After", "5")(w, r)
			case 4:
				w.Header().Set("Content-Length", fmt.Sprint(len(deb)))
				w.Write([]byte(deb[:50]))
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			default:
				good.ServeHTTP(w, r)
			}
		}))
		start := time.Now()
		got, err := s.Stage(t.Context(), mustParse(t, stageVersion))
		if err != nil || got.SHA256 != digest(deb) || asked != 5 {
			t.Errorf("got %+v, %v after %d requests", got, err, asked)
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

func TestParseSum(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	cases := map[string]struct {
		text string
		ok   bool
	}{
		"as sha256sum prints it":   {sum + "  f.deb\n", true},
		"in binary mode":           {sum + " *f.deb\n", true},
		"without the last newline": {sum + "  f.deb", true},
		"of another file":          {sum + "  g.deb\n", false},
		"of a file elsewhere":      {sum + "  dir/f.deb\n", false},
		"without a name":           {sum + "\n", false},
		"with one space":           {sum + " f.deb\n", false},
		"in upper case":            {strings.ToUpper(sum) + "  f.deb\n", false},
		"too short":                {sum[2:] + "  f.deb\n", false},
		"with two lines":           {sum + "  f.deb\n" + sum + "  g.deb\n", false},
		"as on Windows":            {sum + "  f.deb\r\n", true},
		"with an escaped name":     {"\\" + sum + "  f.deb\n", false},
		"nothing":                  {"", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := ParseSum(c.text, "f.deb")
			if (err == nil) != c.ok || (c.ok && got != sum) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func FuzzParseSum(f *testing.F) {
	f.Add(strings.Repeat("0a", 32)+"  f.deb\n", "f.deb")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, text, name string) {
		sum, err := ParseSum(text, name)
		if err == nil && (!isDigest(sum) || !strings.HasSuffix(strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), name)) {
			t.Errorf("ParseSum(%q, %q) = %q", text, name, sum)
		}
	})
}

func TestStageMakesRoom(t *testing.T) {
	deb := realDeb(t, testControl)
	s := stager(t, publish(t, releaseserver.Release{Tag: stageTag, Assets: map[string]string{
		stageFile: deb, stageFile + ".sha256": sumLine(deb),
	}}))
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	kept := []string{"neco_2022.05.10-9_amd64.deb", "neco_2022.05.10-10_amd64.deb", "neco_2022.01.01-1_arm64.deb", "notes.txt"}
	gone := []string{"neco_2022.05.10-8_amd64.deb", "neco_2022.05.10-8_amd64.deb.sha256", "neco_2022.04.30-12_amd64.deb", ".fetch-123.partial"}
	for _, name := range append(slices.Clone(kept), gone...) {
		if err := os.WriteFile(filepath.Join(s.Dir, name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Stage(t.Context(), mustParse(t, stageVersion)); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, e := range entries {
		have = append(have, e.Name())
	}
	want := append(kept, stageFile, stageFile+".sha256")
	slices.Sort(want)
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}
