package etcd_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/host"
)

const (
	unitDir   = "/etc/systemd/system/"
	theirs    = "[Service]\nType=oneshot\nExecStart=/usr/local/bin/etcd-backup /etc/etcd/backup.yml\n"
	theirTime = "[Timer]\nOnCalendar=*-*-* *:05:00\n"
	ours      = "[Service]\nType=oneshot\nExecStart=/usr/bin/neco backup run\nTimeoutStartSec=2h\n"
	dropIn    = "[Service]\nNice=19\n"
)

func putUnits(t *testing.T, fsys host.FS, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if text == os.DevNull {
			if err := os.MkdirAll(fsys.Path(unitDir), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(os.DevNull, fsys.Path(unitDir+name)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if _, err := fsys.Write(host.File{Path: unitDir + name, Data: []byte(text), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
	}
}

func unitsOf(t *testing.T, fsys host.FS) []string {
	t.Helper()
	files, err := filepath.Glob(fsys.Path(unitDir + "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	return files
}

func TestTheOriginalsBackupUnitsAreMovedAwayAndThoseOfAnOperatorStay(t *testing.T) {
	moved := []string{"etcd-backup.service.before-neco", "etcd-backup.timer.before-neco"}
	for name, c := range map[string]struct {
		files map[string]string
		want  []string // nil: unchanged
	}{
		"none":                       {map[string]string{}, nil},
		"the original's":             {map[string]string{"etcd-backup.service": theirs, "etcd-backup.timer": theirTime}, moved},
		"the service alone":          {map[string]string{"etcd-backup.service": theirs}, moved[:1]},
		"cut off at the timer":       {map[string]string{"etcd-backup.service": theirs, "etcd-backup.timer.before-neco": theirTime}, moved},
		"cut off at the service":     {map[string]string{"etcd-backup.service": theirs, "etcd-backup.service.before-neco": theirs}, moved[:1]},
		"a timer of the operator":    {map[string]string{"etcd-backup.timer": theirTime}, nil},
		"a full unit that runs ours": {map[string]string{"etcd-backup.service": ours, "etcd-backup.timer": theirTime}, nil},
		"masked":                     {map[string]string{"etcd-backup.service": os.DevNull, "etcd-backup.timer": os.DevNull}, nil},
		"drop-ins":                   {map[string]string{"etcd-backup.service.d/a.conf": dropIn, "etcd-backup.timer.d/a.conf": dropIn}, nil},
		"an operator's, put there after the takeover": {map[string]string{
			"etcd-backup.service": "[Service]\nExecStart=/opt/backup\n", "etcd-backup.service.before-neco": theirs}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			units, h := componenttest.New(t)
			putUnits(t, h.FS, c.files)
			want := c.want
			if want == nil {
				want = unitsOf(t, h.FS)
			}
			for range 2 { // a second run changes nothing
				if _, err := etcd.TakeOverBackups(t.Context(), h.FS, units); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, unitsOf(t, h.FS)); diff != "" {
					t.Error(diff)
				}
			}
			if did := units.Did(); (c.want != nil) != slices.Contains(did, "start timer etcd-backup") {
				t.Errorf("did %v with %v", did, slices.Collect(maps.Keys(c.files)))
			}
		})
	}
}
