package release

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	fileURL = "https://github.com/cybozu-go/neco/releases/download/t/f.deb?signature=s3cret"
	content = "the content of a package, which is not very long"
)

// script is a handler that passes each request to the next of its steps. After the last
// step, that step handles all further requests.
type script struct {
	steps []http.HandlerFunc
	seen  []http.Header
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	step := s.steps[min(len(s.seen), len(s.steps)-1)]
	s.seen = append(s.seen, r.Header.Clone())
	step(w, r)
}

func whole(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"one"`)
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
}

// cut returns a handler that announces the whole file, but ends the response after n
// bytes.
func cut(n int, etag string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", etag)
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		io.WriteString(w, content[:n])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// stall returns a handler that sends n bytes and then nothing more.
func stall(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"one"`)
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		io.WriteString(w, content[:n])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	block := make([]byte, 1<<16)
	for {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

func TestFetch(t *testing.T) {
	const kept = "what was there before"
	limits := Limits{MaxBytes: 1 << 20, SHA256: digest(content)}
	type steps = []http.HandlerFunc
	cases := map[string]struct {
		steps  steps
		want   error
		asked  int
		ranges []string
	}{
		"a file is fetched":                                   {steps{whole}, nil, 1, []string{""}},
		"a broken server is asked again":                      {steps{respond(500, ""), respond(502, ""), whole}, nil, 3, []string{"", "", ""}},
		"a server that stays broken is given up":              {steps{respond(503, "")}, errAny, 5, nil},
		"a file that appears late is asked for again":         {steps{respond(404, ""), whole}, nil, 2, nil},
		"a proxy that wants a login for a moment":             {steps{respond(407, ""), respond(401, ""), whole}, nil, 3, nil},
		"a server that finds a request too early":             {steps{respond(425, ""), whole}, nil, 2, nil},
		"a file that is gone is not asked for again":          {steps{respond(410, "")}, errAny, 1, nil},
		"a second limit in the message is waited for":         {steps{respond(403, `{"message":"You have exceeded a secondary rate limit."}`), whole}, nil, 2, nil},
		"a second limit in the documentation is waited for":   {steps{respond(403, `{"documentation_url":"https://docs.github.com/rest/overview#about-secondary-rate-limits"}`), whole}, nil, 2, nil},
		"a forbidden file is not asked for again":             {steps{respond(403, "")}, errAny, 1, nil},
		"a busy server is asked when it wants":                {steps{respond(429, "", "Retry-After", "20"), whole}, nil, 2, nil},
		"a used up quota is waited for":                       {steps{respond(403, "", headerRemaining, "0"), whole}, nil, 2, nil},
		"a server that wants too long a wait is left":         {steps{respond(503, "", "Retry-After", "3600"), respond(429, "", "Retry-After", "3600"), whole}, errLimited, 2, nil},
		"a cut off file is resumed":                           {steps{cut(10, `"one"`), whole}, nil, 2, []string{"", "bytes=10-"}},
		"a stalled file is resumed":                           {steps{stall(7), whole}, nil, 2, []string{"", "bytes=7-"}},
		"a file without a strong tag begins anew":             {steps{cut(10, `W/"one"`), whole}, nil, 2, []string{"", ""}},
		"a file that has changed begins anew":                 {steps{cut(10, `"two"`), whole}, nil, 2, []string{"", "bytes=10-"}},
		"a server without ranges begins anew":                 {steps{cut(10, `"one"`), respond(200, content)}, nil, 2, nil},
		"a wrong range begins anew":                           {steps{cut(10, `"one"`), respond(206, "xx", "Content-Range", "bytes 11-12/13"), whole}, nil, 3, []string{"", "bytes=10-", ""}},
		"an impossible range begins anew":                     {steps{cut(10, `"one"`), respond(416, ""), whole}, nil, 3, []string{"", "bytes=10-", ""}},
		"a part that was not asked for is refused":            {steps{respond(206, "xx", "Content-Range", "bytes 0-1/9")}, errAny, 5, nil},
		"a file that is always cut off is truncated":          {steps{cut(10, "")}, ErrTruncated, 5, nil},
		"a server that is silent has stalled":                 {steps{stall(0)}, ErrStalled, 5, nil},
		"an endless file is too large":                        {steps{endless}, ErrTooLarge, 1, nil},
		"a file with another digest is refused":               {steps{respond(200, "another content")}, ErrDigestMismatch, 1, nil},
		"a resumed file with another digest is refused":       {steps{cut(10, `"one"`), respond(206, "x", "Content-Range", "bytes 10-10/11")}, ErrDigestMismatch, 2, nil},
		"a file announced as too large is not read":           {steps{respond(200, "", "Content-Length", "1048577")}, ErrTooLarge, 1, nil},
		"a file that becomes too large when resumed is noted": {steps{cut(10, `"one"`), respond(206, "", "Content-Range", "bytes 10-2000000/2000001", "Content-Length", "1999991")}, ErrTooLarge, 2, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				dst := filepath.Join(dir, "f.deb")
				if err := os.WriteFile(dst, []byte(kept), 0o644); err != nil {
					t.Fatal(err)
				}
				s := &script{steps: c.steps}
				got, err := Fetch(t.Context(), serve(t, s), fileURL, dst, limits)
				if len(s.seen) != c.asked {
					t.Errorf("asked %d times, want %d", len(s.seen), c.asked)
				}
				for i, want := range c.ranges {
					if got := s.seen[i].Get("Range"); got != want {
						t.Errorf("request %d is for range %q, want %q", i, got, want)
					}
				}
				checkFailure(t, err, c.want)
				if err != nil {
					checkDir(t, dir, kept)
					return
				}
				checkDir(t, dir, content)
				if diff := cmp.Diff(Fetched{Size: int64(len(content)), SHA256: digest(content)}, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// errAny and errLimited are values in the tables of these tests for errors that cannot be
// compared by errors.Is.
const (
	errAny     Kind = "any error"
	errLimited Kind = "rate limited"
)

func checkFailure(t *testing.T, err, want error) {
	t.Helper()
	var limited *RateLimitedError
	switch {
	case (err == nil) != (want == nil):
		t.Fatalf("got %v, want %v", err, want)
	case err == nil:
		return
	case want == errLimited && !errors.As(err, &limited):
		t.Errorf("got %v, want a rate limit", err)
	case want != errLimited && want != errAny && !errors.Is(err, want):
		t.Errorf("got %v, want %v", err, want)
	}
	if !strings.Contains(err.Error(), "releases/download/t/f.deb") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the error does not name the file, or tells its secret: %v", err)
	}
}

// checkDir checks that want is the only file in the directory.
func checkDir(t *testing.T, dir, want string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 {
		t.Errorf("the directory has %d files", len(files))
	}
	data, err := os.ReadFile(filepath.Join(dir, "f.deb"))
	if err != nil || string(data) != want {
		t.Errorf("the file is %q, %v; want %q", data, err, want)
	}
}

func TestFetchWaitsAsLongAsTheServerWants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: []http.HandlerFunc{respond(429, "", "Retry-After", "20"), whole}}
		start := time.Now()
		if _, err := Fetch(t.Context(), serve(t, s), fileURL, filepath.Join(t.TempDir(), "f"), Limits{}); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited != 20*time.Second {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestFetchEndsWithItsContext(t *testing.T) {
	reason := errors.New("the run was stopped")
	for name, s := range map[string]*script{
		"while receiving": {steps: []http.HandlerFunc{stall(5)}},
		"while waiting":   {steps: []http.HandlerFunc{respond(429, "", "Retry-After", "60")}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(10*time.Second, func() { cancel(reason) })
				start, dir := time.Now(), t.TempDir()
				_, err := Fetch(ctx, serve(t, s), fileURL, filepath.Join(dir, "f"), Limits{})
				if !errors.Is(err, reason) {
					t.Errorf("got %v", err)
				}
				if waited := time.Since(start); waited != 10*time.Second {
					t.Errorf("it took %s", waited)
				}
				if files, _ := os.ReadDir(dir); len(files) != 0 {
					t.Errorf("left behind: %v", files)
				}
			})
		})
	}
}

func TestFetchRefusesAddresses(t *testing.T) {
	client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://example.com/other", http.StatusFound)
	}))
	for name, address := range map[string]string{
		"no URL":               ":",
		"no host":              "https:///f",
		"a file":               "file:///etc/passwd",
		"a redirect to itself": "http://example.com/f",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Fetch(t.Context(), client, address, filepath.Join(t.TempDir(), "f"), Limits{Attempts: 1})
			if err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestFetchIsNotLedAwayFromTLS(t *testing.T) {
	asked := 0
	client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.URL.Path == "/other" {
			whole(w, r)
			return
		}
		http.Redirect(w, r, "http://example.com/other", http.StatusFound)
	}))
	_, err := Fetch(t.Context(), client, fileURL, filepath.Join(t.TempDir(), "f"), Limits{})
	if !errors.Is(err, errRefused) || asked != 2 {
		t.Errorf("got %v after %d requests", err, asked)
	}
}

func TestFetchNeedsItsDirectory(t *testing.T) {
	_, err := Fetch(t.Context(), serve(t, http.HandlerFunc(whole)), fileURL, filepath.Join(t.TempDir(), "no", "f"), Limits{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestAFullDiskIsNamed(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	p := &partial{file: full, hash: sha256.New()}
	d := &download{limits: Limits{}.withDefaults(), partial: p}
	resp := &http.Response{Body: io.NopCloser(strings.NewReader(content)), ContentLength: -1}
	err = d.receive(resp, func() {})
	if !errors.Is(err, ErrDiskFull) || !permanent(err) {
		t.Errorf("got %v", err)
	}
}

func TestSpaceIsCheckedFirst(t *testing.T) {
	dir := t.TempDir()
	s := &script{steps: []http.HandlerFunc{respond(200, "", "Content-Length", fmt.Sprint(int64(math.MaxInt64/2)))}}
	_, err := Fetch(t.Context(), serve(t, s), fileURL, filepath.Join(dir, "f"), Limits{MaxBytes: math.MaxInt64 - 1})
	if !errors.Is(err, ErrDiskFull) || len(s.seen) != 1 {
		t.Errorf("got %v after %d requests", err, len(s.seen))
	}
}

// BenchmarkFetch shows that the memory of a download does not grow with the size of the
// file.
func BenchmarkFetch(b *testing.B) {
	const size = 1 << 30
	block := bytes.Repeat([]byte("x"), 1<<20)
	client := serve(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range size / len(block) {
			w.Write(block)
		}
	}))
	dst := filepath.Join(b.TempDir(), "f")
	b.SetBytes(size)
	for b.Loop() {
		if _, err := Fetch(b.Context(), client, fileURL, dst, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(peakMemory(b), "peak-MiB")
}

// peakMemory returns the peak memory of this process, in MiB.
func peakMemory(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib float64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		b.Fatal(err)
	}
	return kib / 1024
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
