package setup

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/setup/meet"
)

// lastStage runs the last stage on a server whose units fail as the function fail
// returns. It returns the changes of units and the output.
func lastStage(t *testing.T, fail func(string) error) (did []string, out string) {
	t.Helper()
	r := newRun(t, 1, meet.NewToken())
	units, _ := componenttest.New(t)
	units.Fail, r.Units = fail, units
	last := stages()[len(stages())-1]
	if err := r.runner().Do(t.Context(), last); err != nil {
		t.Errorf("%s: %v", last.Name, err)
	}
	return units.Did(), said(r)
}

func TestSetupEndsWithASnapshotOfEtcd(t *testing.T) {
	did, out := lastStage(t, nil)
	if diff := cmp.Diff([]string{"start etcd-backup"}, did); diff != "" || strings.Contains(out, "warning") {
		t.Errorf("%s\n%s", diff, out)
	}
	if names := Stages(); slices.Index(names, "daemons") != len(names)-2 {
		t.Errorf("the snapshot is not taken after the configuration is there: %v", names)
	}
}

func TestAFirstSnapshotThatFailsIsAWarningWithItsCauseAndTheCommandToRun(t *testing.T) {
	_, out := lastStage(t, func(act string) error {
		if act == "start etcd-backup" {
			return errors.New(`start etcd-backup.service: job result "failed"`)
		}
		return nil
	})
	for _, want := range []string{"warning", `job result "failed"`, "docker: no such image", "run: neco backup run"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
}
