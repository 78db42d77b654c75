package release

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/dctest/releaseserver"
)

func TestNewestFollowsItsChannel(t *testing.T) {
	releases := []releaseserver.Release{
		{Tag: "release-2022.05.25-9"},
		{Tag: "release-2022.05.26-1"},
		{Tag: "release-2022.05.24-30"},
		{Tag: "release-2022.05.27-1", Prerelease: true},
		{Tag: "release-2022.05.29-1", Draft: true},
		{Tag: "v9.9.9"},
		{Tag: "release-tomorrow"},
		{Tag: "nightly-2099.01.01-1"},
	}
	cases := map[string]struct {
		channel Channel
		more    []releaseserver.Release
		want    string
	}{
		"prod follows the newest release":                        {Prod, nil, "2022.05.26-1"},
		"staging follows the newest of both":                     {Staging, nil, "2022.05.27-1"},
		"a candidate does not count for staging":                 {Staging, []releaseserver.Release{{Tag: "test-2022.05.28-1", Prerelease: true}}, "2022.05.27-1"},
		"a candidate without the flag does not count for prod":   {Prod, []releaseserver.Release{{Tag: "test-2022.05.28-1"}}, "2022.05.26-1"},
		"dev follows candidates":                                 {Dev, []releaseserver.Release{{Tag: "test-2022.05.24-1", Prerelease: true}}, "2022.05.24-1"},
		"dev follows candidates without the flag":                {Dev, []releaseserver.Release{{Tag: "test-2022.05.24-1"}}, "2022.05.24-1"},
		"a release newer than all pre-releases counts for both":  {Staging, []releaseserver.Release{{Tag: "release-2022.05.28-1"}}, "2022.05.28-1"},
		"a later publication of an older version is not newer":   {Prod, []releaseserver.Release{{Tag: "release-2021.01.01-99999"}}, "2022.05.26-1"},
		"the version of the environment test is reserved":        {Prod, []releaseserver.Release{{Tag: "release-" + TestVersion}}, "2022.05.26-1"},
		"serials are numbers":                                    {Prod, []releaseserver.Release{{Tag: "release-2022.05.26-10"}, {Tag: "release-2022.05.26-9"}}, "2022.05.26-10"},
		"a smaller serial on a later day is newer than a bigger": {Prod, []releaseserver.Release{{Tag: "release-2022.06.01-0"}}, "2022.06.01-0"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f, log := finder(t, publish(t, append(c.more, releases...)...))
			got, err := newest(t, f, c.channel)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			for _, tag := range []string{"v9.9.9", "release-tomorrow", "nightly-2099.01.01-1"} {
				if !strings.Contains(log.String(), tag) {
					t.Errorf("the log does not name %s", tag)
				}
			}
		})
	}
}

func TestWhatASearchChoosesIsFoundByTheDownload(t *testing.T) {
	releases := []releaseserver.Release{
		{Tag: "release-2025.02.25-34906"},
		{Tag: "release-2025.03.04-34975", Prerelease: true},
		{Tag: "test-2025.03.10-35170", Prerelease: true},
		{Tag: "test-2025.03.11-35180"},
	}
	for i := range releases {
		v, err := ParseTag(releases[i].Tag)
		if err != nil {
			t.Fatal(err)
		}
		name := PackageFile(v)
		releases[i].Assets = map[string]string{name: "package", name + sumSuffix: "digest"}
	}
	f, _ := finder(t, publish(t, releases...))
	for channel, want := range map[Channel]string{
		Prod: "2025.02.25-34906", Staging: "2025.03.04-34975", Dev: "2025.03.11-35180",
	} {
		got, err := newest(t, f, channel)
		if err != nil || got.String() != want {
			t.Errorf("%s: got %s, %v; want %s", channel, got, err, want)
			continue
		}
		for _, later := range []Channel{channel, None} {
			if asset, err := f.FindAsset(t.Context(), later, got); err != nil || asset.Version != got {
				t.Errorf("%s of %s in %s: %+v, %v", got, channel, later, asset, err)
			}
		}
	}
}

func TestProdAndStagingNeverLookUpATestTag(t *testing.T) {
	v := mustParse(t, "2025.03.10-35170")
	name := PackageFile(v)
	f, _ := finder(t, publish(t, releaseserver.Release{Tag: "test-" + v.String(), Assets: map[string]string{name: "", name + sumSuffix: ""}}))
	for _, channel := range []Channel{Prod, Staging} {
		if got, err := f.FindAsset(t.Context(), channel, v); !isNotFound(err) {
			t.Errorf("%s: %+v, %v", channel, got, err)
		}
	}
}

func TestAReleaseDatedLaterThanTomorrowIsSkippedAndNamed(t *testing.T) {
	for name, ahead := range map[string]time.Duration{
		"by a server whose clock is right":          0,
		"by a server whose clock is 40 days behind": -40 * 24 * time.Hour,
		"by a server whose clock is a year ahead":   365 * 24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now().Add(ahead)
				tag := func(days int) string { return "release-" + now.UTC().AddDate(0, 0, days).Format(dateLayout) + "-1" }
				s := publish(t, releaseserver.Release{Tag: tag(0)}, releaseserver.Release{Tag: tag(1)}, releaseserver.Release{Tag: tag(2)},
					releaseserver.Release{Tag: "release-2062.11.22-1"}, releaseserver.Release{Tag: "release-" + TestVersion})
				f, log := finder(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Date", httpTime(now))
					s.ServeHTTP(w, r)
				}))
				got, err := f.Newest(t.Context(), Prod, nil)
				if err != nil || tagPrefixRelease+got.Newest.String() != tag(1) {
					t.Errorf("got %+v, %v; want %s", got, err, tag(1))
				}
				slices.Sort(got.Future)
				if diff := cmp.Diff([]string{tag(2), "release-2062.11.22-1", "release-" + TestVersion}, got.Future); diff != "" {
					t.Error(diff)
				}
				if !strings.Contains(log.String(), "release-2062.11.22-1") {
					t.Error("the log does not name it")
				}
			})
		})
	}
}

func newest(t *testing.T, f *Finder, channel Channel) (Version, error) {
	t.Helper()
	found, err := f.Newest(t.Context(), channel, nil)
	return found.Newest, err
}

func TestVersionsToSkipDoNotCount(t *testing.T) {
	f, _ := finder(t, publish(t, releaseserver.Release{Tag: "release-2022.05.25-1"}, releaseserver.Release{Tag: "release-2022.05.26-1"}))
	got, err := f.Newest(t.Context(), Prod, func(v Version) bool { return v.String() == "2022.05.26-1" })
	if err != nil || got.Newest.String() != "2022.05.25-1" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestNewestReadsEveryPage(t *testing.T) {
	var releases []releaseserver.Release
	for i := range 2*pageSize + 1 {
		releases = append(releases, releaseserver.Release{Tag: fmt.Sprintf("release-2022.05.25-%d", 1000-i)})
	}
	f, _ := finder(t, publish(t, releases...))
	got, err := newest(t, f, Prod)
	if err != nil || got.Serial != 1000 {
		t.Errorf("got %s, %v; want the one on the last page", got, err)
	}
}

func TestNoReleaseIsToldFromFailure(t *testing.T) {
	cases := map[string]struct {
		handler http.Handler
		want    error
	}{
		"no release":                   {publish(t), ErrNoRelease},
		"only a draft":                 {publish(t, releaseserver.Release{Tag: "release-2022.05.25-1", Draft: true}), ErrNoRelease},
		"only a pre-release":           {publish(t, releaseserver.Release{Tag: "release-2022.05.25-1", Prerelease: true}), ErrNoRelease},
		"an empty answer":              {respond(200, ""), ErrTruncated},
		"null":                         {respond(200, "null"), ErrTruncated},
		"half an answer":               {respond(200, "[]", "Content-Length", "5"), ErrTruncated},
		"an endless answer":            {respond(200, strings.Repeat("[", maxAnswer+1)), ErrTooLarge},
		"garbage":                      {respond(200, "<html>"), nil},
		"an object":                    {respond(200, "{}"), nil},
		"a broken server":              {respond(500, ""), nil},
		"a repository that is unknown": {respond(404, `{"message":"Not Found"}`), nil},
		"a forbidden request":          {respond(403, ""), nil},
		"a page that leads to itself":  {respond(200, "[]", "Link", `<https://api.github.com/x?page=1>; rel="next"`), nil},
		"too many pages":               {endlessPages(), ErrTooLarge},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f, _ := finder(t, c.handler)
			_, err := newest(t, f, Prod)
			if err == nil {
				t.Fatal("no error")
			}
			if c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if errors.Is(err, ErrNoRelease) != (c.want == ErrNoRelease) {
				t.Errorf("read as no release: %v", err)
			}
			if !strings.HasPrefix(err.Error(), "find prod release of cybozu-go/neco: ") {
				t.Errorf("the error does not say what was done: %v", err)
			}
		})
	}
}

func endlessPages() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		w.Header().Set("Link", fmt.Sprintf(`<https://api.github.com/x?page=%d>; rel="next"`, max(page, 1)+1))
		w.Write([]byte("[]"))
	})
}

func TestAnUnknownChannelIsRefused(t *testing.T) {
	f, _ := finder(t, publish(t))
	if _, err := newest(t, f, None); err == nil || !strings.Contains(err.Error(), `"none"`) {
		t.Errorf("got %v", err)
	}
}

func TestNewestSaysWhenToAskAgain(t *testing.T) {
	at := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 10) }
	cases := map[string]struct {
		handler func() http.Handler
		want    time.Duration
	}{
		"the requests are used up": {func() http.Handler {
			return respond(403, `{}`, headerRemaining, "0", headerReset, at(10*time.Minute))
		}, 10 * time.Minute},
		"used up, by a clock that is an hour ahead": {func() http.Handler {
			return respond(429, `{}`, headerRemaining, "0", headerReset, at(70*time.Minute), "Date", httpTime(time.Now().Add(time.Hour)))
		}, 10 * time.Minute},
		"too many at once, in seconds": {func() http.Handler {
			return respond(429, `{}`, "Retry-After", "17")
		}, 17 * time.Second},
		"too many at once, as a date": {func() http.Handler {
			return respond(429, `{}`, "Retry-After", httpTime(time.Now().Add(20*time.Second)))
		}, 20 * time.Second},
		"too many at once, without a time": {func() http.Handler {
			return respond(429, ``)
		}, defaultRetryAfter},
		"forbidden for a while": {func() http.Handler {
			return respond(403, `{"documentation_url":"https://docs.github.com/#secondary-rate-limits"}`, "Retry-After", "30")
		}, 30 * time.Second},
		"forbidden by the second limit, without a time": {func() http.Handler {
			return respond(403, `{"documentation_url":"https://docs.github.com/#secondary-rate-limits"}`)
		}, defaultRetryAfter},
		"forbidden by the second limit, as its message says": {func() http.Handler {
			return respond(403, `{"message":"You have exceeded a secondary rate limit. Please wait."}`)
		}, defaultRetryAfter},
		"forbidden by the second limit, under a later address": {func() http.Handler {
			return respond(403, `{"documentation_url":"https://docs.github.com/rest/x#about-secondary-rate-limits"}`)
		}, defaultRetryAfter},
		"a wait of years is cut": {func() http.Handler {
			return respond(429, ``, "Retry-After", "999999999")
		}, maxRetryAfter},
		"a wait of a day is cut": {func() http.Handler {
			return respond(403, ``, "Retry-After", "86400")
		}, maxRetryAfter},
		"a wait beyond 32 bits is cut": {func() http.Handler {
			return respond(403, ``, "Retry-After", "9999999999")
		}, maxRetryAfter},
		"a wait beyond 64 bits is cut": {func() http.Handler {
			return respond(429, ``, "Retry-After", "99999999999999999999")
		}, maxRetryAfter},
		"used up, until a time in the past": {func() http.Handler {
			return respond(403, `{}`, headerRemaining, "0", headerReset, at(-time.Hour))
		}, 0},
		"used up, until a time in milliseconds": {func() http.Handler {
			return respond(403, `{}`, headerRemaining, "0", headerReset, strconv.FormatInt(time.Now().Add(5*time.Minute).UnixMilli(), 10))
		}, 5 * time.Minute},
		"used up, until a time that is absurd": {func() http.Handler {
			return respond(403, `{}`, headerRemaining, "0", headerReset, "9223372036854775807")
		}, maxRetryAfter},
		"used up, by a clock that is a day ahead": {func() http.Handler {
			return respond(403, `{}`, headerRemaining, "0", headerReset, at(24*time.Hour+time.Second), "Date", httpTime(time.Now().Add(24*time.Hour)))
		}, time.Second},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, _ := finder(t, c.handler())
				_, err := newest(t, f, Prod)
				var limited *RateLimitedError
				if !errors.As(err, &limited) {
					t.Fatalf("got %v", err)
				}
				if diff := cmp.Diff(c.want, time.Until(limited.RetryAt)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestARefusedServerIsNotAskedBeforeItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		f, _ := finder(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			respond(403, "{}", headerRemaining, "0", "X-RateLimit-Limit", "60",
				headerReset, strconv.FormatInt(time.Now().Add(time.Minute).Unix(), 10))(w, r)
		}))
		for range 2 {
			_, err := newest(t, f, Prod)
			var limited *RateLimitedError
			if !errors.As(err, &limited) || time.Until(limited.RetryAt) != time.Minute {
				t.Errorf("got %v", err)
			}
		}
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
	})
}

func TestAServerWhoseClockIsAheadIsAskedWhenItWants(t *testing.T) {
	for name, status := range map[string]int{"after a refusal": 403, "after the last request that it allows": 200} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				good, asked := publish(t, releaseserver.Release{Tag: "release-1999.05.25-1"}), 0
				f, _ := finder(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if asked++; asked == 1 {
						ahead := time.Now().Add(24 * time.Hour)
						respond(status, "[]", "Date", httpTime(ahead), headerRemaining, "0",
							headerReset, strconv.FormatInt(ahead.Add(time.Second).Unix(), 10))(w, r)
						return
					}
					good.ServeHTTP(w, r)
				}))
				newest(t, f, Prod)
				time.Sleep(time.Second)
				if got, err := newest(t, f, Prod); err != nil || got.String() != "1999.05.25-1" {
					t.Errorf("got %s, %v", got, err)
				}
			})
		})
	}
}

func TestAServerThatIsSilentIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := finder(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		start := time.Now()
		if _, err := newest(t, f, Prod); err == nil || errors.Is(err, ErrNoRelease) {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(start); waited != requestTimeout {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestAnUnchangedListCostsNothing(t *testing.T) {
	s := publish(t, releaseserver.Release{Tag: "release-2022.05.25-1"})
	var statuses []int
	f, _ := finder(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &statusWriter{ResponseWriter: w, status: 200}
		s.ServeHTTP(seen, r)
		statuses = append(statuses, seen.status)
	}))
	want := []string{"2022.05.25-1", "2022.05.25-1", "2022.05.26-1"}
	for i, version := range want {
		if i == 2 {
			if err := s.Publish(releaseserver.Release{Tag: "release-2022.05.26-1"}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := newest(t, f, Prod)
		if err != nil || got.String() != version {
			t.Errorf("time %d: %s, %v; want %s", i, got, err, version)
		}
	}
	if diff := cmp.Diff([]int{200, 304, 200}, statuses); diff != "" {
		t.Error(diff)
	}
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func httpTime(at time.Time) string { return at.UTC().Format(http.TimeFormat) }
