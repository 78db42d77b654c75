package duration

import (
	"testing"
	"time"
)

func TestDurationsMayHaveDays(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90d": 90 * Day, "1d12h": 36 * time.Hour, "1d": Day, "0d": 0, "10m": 10 * time.Minute, "1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute, "0": 0,
	} {
		if got, err := Parse(text, 0, Longest); err != nil || got != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestWhatIsNotADurationHasOneError(t *testing.T) {
	const want = "not a duration"
	for _, text := range []string{"", "d", "5", "5y", "1.5d", "1d2d", "1h1d", "-1d", "1d-1h", "soon", "1d12", " 1d"} {
		if got, err := Parse(text, time.Minute, 31*Day); err == nil || err.Error() != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestADurationOutOfRangeHasOneError(t *testing.T) {
	for text, want := range map[string]string{
		"0": "shorter than 1m", "0s": "shorter than 1m", "-5m": "shorter than 1m", "59s": "shorter than 1m",
		"31d1s": "longer than 31d", "200000d": "longer than 31d", "999999999999999d": "longer than 31d", "999999999h": "longer than 31d", "-999999999h": "shorter than 1m",
	} {
		if got, err := Parse(text, time.Minute, 31*Day); err == nil || err.Error() != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestADurationIsPrintedWithoutEmptyUnitsAndReadBack(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 10 * time.Minute: "10m", 90 * time.Second: "1m30s", time.Hour: "1h", 90 * time.Minute: "1h30m",
		time.Hour + time.Second: "1h0m1s", 48 * time.Hour: "2d", 36 * time.Hour: "1d12h", Day + time.Second: "1d1s", 1500 * time.Millisecond: "1.5s",
		31 * Day: "31d", 20 * time.Hour: "20h", 100*Day + 10*time.Minute: "100d10m",
	} {
		got := Text(d)
		if got != want {
			t.Errorf("%s is printed as %q, want %q", d, got, want)
		}
		if back, err := Parse(got, 0, Longest); err != nil || back != d {
			t.Errorf("%q is read as %s, %v", got, back, err)
		}
	}
}

func TestWhatIsTakenIsSaidWithExamplesThatAreTaken(t *testing.T) {
	for _, c := range []struct {
		least, most time.Duration
		want        string
	}{
		{time.Second, 31 * Day, "a duration from 1s to 31d, like 10m or 1d12h"},
		{time.Minute, Day, "a duration from 1m to 1d, like 10m or 1h30m"},
		{time.Millisecond, time.Hour, "a duration from 1ms to 1h, like 10m or 1m30s"},
		{time.Hour, 80 * time.Minute, "a duration from 1h to 1h20m"},
	} {
		if got := Range(c.least, c.most); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestAFlagTakesAndShowsDays(t *testing.T) {
	d := time.Hour
	v := Var(&d, time.Minute, 100*Day)
	if err := v.Set("-1h"); err == nil || d != time.Hour {
		t.Errorf("%s, %v", d, err)
	}
	if err := v.Set("90d"); err != nil || d != 90*Day || v.String() != "90d" {
		t.Errorf("%s, %s, %v", d, v, err)
	}
}
