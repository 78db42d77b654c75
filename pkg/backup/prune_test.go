package backup_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/backup"
)

var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// hourly returns n snapshots, one for each hour from start on.
func hourly(n int) []backup.Entry {
	var all []backup.Entry
	for i := range n {
		name := backup.Name{Time: start.Add(time.Duration(i) * time.Hour), Revision: int64(i + 1)}
		all = append(all, backup.Entry{Name: name, Path: name.String()})
	}
	return all
}

func TestSurplus(t *testing.T) {
	month := hourly(30 * 24)
	last := month[len(month)-1]
	tests := []struct {
		name  string
		all   []backup.Entry
		fresh backup.Name
		now   time.Time
		// kept is the number of snapshots that are kept.
		kept int
	}{
		{"none", nil, backup.Name{}, start, 0},
		{"a day", month[:24], month[23].Name, month[23].Time, 24},
		{"what is two weeks old stays", month[:337], month[336].Name, month[336].Time, 337},
		{"what is older goes", month[:338], month[337].Name, month[337].Time, 337},
		{"a month", month, last.Name, last.Time, 337},
		{"the clock has jumped ahead by years", month, last.Name, last.Time.AddDate(5, 0, 0), backup.MinCount},
		{"the clock was ahead, and the fresh one looks oldest", month, month[0].Name, month[0].Time, backup.MaxCount + 1},
		{"the clock was ahead by years, and is right again", month[:30], month[0].Name, start.AddDate(-1, 0, 0), 30},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			surplus := backup.Surplus(tt.all, tt.fresh, tt.now)
			if kept := len(tt.all) - len(surplus); kept != tt.kept {
				t.Errorf("%d are kept, want %d", kept, tt.kept)
			}
			for _, e := range surplus {
				if e.Name == tt.fresh {
					t.Error("the fresh one goes")
				}
			}
		})
	}
}

func TestParseName(t *testing.T) {
	want := backup.Name{Time: time.Date(2024, 1, 2, 15, 4, 5, 0, time.UTC), Revision: 1234}
	got, err := backup.ParseName(want.String())
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, bad := range []string{
		"", "snapshot-.db.age", "snapshot-20240102T150405Z-0.db.age", "snapshot-20240102T150405Z-01.db.age", "snapshot-20240102T150405Z-+1.db.age",
		"snapshot-20241302T150405Z-1.db.age", "snapshot-20240102T150405Z-1.db", ".snapshot-20240102T150405Z-1.db.age", "snapshot-20240102T150405Z--1.db.age",
	} {
		if name, err := backup.ParseName(bad); err == nil {
			t.Errorf("%q is taken for %v", bad, name)
		}
	}
}

func FuzzParseName(f *testing.F) {
	f.Add("snapshot-20240102T150405Z-1234.db.age")
	f.Fuzz(func(t *testing.T, text string) {
		if name, err := backup.ParseName(text); err == nil && (name.String() != text || name.Revision < 1) {
			t.Errorf("%q is %q", text, name)
		}
	})
}
