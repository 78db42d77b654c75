package releasetime_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/releasetime"
)

func Example() {
	w, err := releasetime.Parse("* 9-16 * * 1-5\n30 20 * * *", "Asia/Tokyo")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, hour := range []int{0, 7, 8, 11} {
		fmt.Println(hour, w.Open(time.Date(2026, 11, 30, hour, 30, 59, 0, time.UTC)))
	}
	// Output:
	// 0 true
	// 7 true
	// 8 false
	// 11 true
}

func TestOpen(t *testing.T) {
	monday := time.Date(2026, 11, 30, 10, 5, 30, 0, time.UTC)
	for name, tt := range map[string]struct {
		expressions, zone string
		at                time.Time
		want              bool
	}{
		"always":                              {"* * * * *", "UTC", monday, true},
		"the minute":                          {"5 10 * * *", "UTC", monday, true},
		"the minute before":                   {"4 10 * * *", "UTC", monday, false},
		"its first second":                    {"5 10 * * *", "UTC", monday.Truncate(time.Minute), true},
		"its last nanosecond":                 {"5 10 * * *", "UTC", monday.Truncate(time.Minute).Add(time.Minute - 1), true},
		"the next minute":                     {"5 10 * * *", "UTC", monday.Truncate(time.Minute).Add(time.Minute), false},
		"by its zone":                         {"5 19 * * *", "Asia/Tokyo", monday, true},
		"not by another zone":                 {"5 10 * * *", "Asia/Tokyo", monday, false},
		"a zone off by half an hour":          {"35 15 * * *", "Asia/Kolkata", monday, true},
		"the second of several":               {"0 3 * * *\n\n5 10 * * MON\n", "UTC", monday, true},
		"lines that end as on Windows":        {"0 3 * * *\r\n5 10 * * *\r\n", "UTC", monday, true},
		"Sunday as 7":                         {"5 10 * * 7", "UTC", monday.AddDate(0, 0, -1), true},
		"a day of the month or of the week":   {"5 10 1 * 1", "UTC", monday, true},
		"a day that never comes":              {"* * 31 2 *", "UTC", monday, false},
		"the first 1:30 of two in New York":   {"30 1 * * *", "America/New_York", time.Date(2026, 11, 1, 5, 30, 0, 0, time.UTC), true},
		"an hour that New York leaves out":    {"30 2 * * *", "America/New_York", time.Date(2026, 3, 8, 6, 30, 0, 0, time.UTC), false},
		"the hour after it is open as always": {"* * * * *", "America/New_York", time.Date(2026, 3, 8, 7, 30, 0, 0, time.UTC), true},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := releasetime.Parse(tt.expressions, tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			if got := w.Open(tt.at); got != tt.want {
				t.Errorf("open is %v", got)
			}
		})
	}
}

func TestWhatIsNoWindowIsRefused(t *testing.T) {
	for _, expressions := range []string{
		"", "\n", "@hourly", "* * * *", "* * * * * *", "60 * * * *", "5,60 * * * *", "*/0 * * * *", "x * * * *",
		"TZ=Asia/Tokyo * * * * *", "CRON_TZ=UTC 1 1 1 1 1", "TZ=UTC 1 1 1 1", "* * L * *", "H * * * *", "* * * * *\nnever",
		strings.Repeat("* * * * *\n", 101), "1-99999999999999999999 * * * *",
	} {
		if _, err := releasetime.Parse(expressions, "UTC"); err == nil {
			t.Errorf("%q is accepted", expressions)
		}
	}
	for _, zone := range []string{"", "Local", "Asia/Kyoto", "JST+9", "../../etc/passwd", "/etc/localtime", "asia/tokyo\n"} {
		if _, err := releasetime.Parse("* * * * *", zone); err == nil {
			t.Errorf("zone %q is accepted", zone)
		}
	}
}

func TestZonesNeedNoFilesOfTheHost(t *testing.T) {
	t.Setenv("ZONEINFO", "/nonexistent")
	for _, zone := range []string{releasetime.DefaultZone, "Europe/Berlin", "UTC"} {
		if _, err := releasetime.ParseZone(zone); err != nil {
			t.Error(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("* * * * *", "UTC")
	f.Add("5 10 1 * 1\n*/7 1-5/2 * jan mon-fri", "America/New_York")
	f.Fuzz(func(t *testing.T, expressions, zone string) {
		w, err := releasetime.Parse(expressions, zone)
		if err == nil {
			w.Open(time.Date(2026, 11, 30, 10, 5, 30, 0, time.UTC))
		}
	})
}
