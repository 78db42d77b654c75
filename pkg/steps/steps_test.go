package steps_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/worker"
)

const version = "2026.11.21-1"

func TestTheTableKeepsItsNumbers(t *testing.T) {
	want := []string{
		"package", "fetch-images", "etcd", "vault-stop", "vault", "setup-hw", "serf", "setup-serf-tags",
		"etcdpasswd", "sabakan", "sabakan-state-setter", "cke-stop", "cke", "cke-contents", "sabakan-contents",
		"dhcp-json", "promtail", "user-resources", "finish",
	}
	table := steps.Table()
	if err := table.Validate(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range table {
		got = append(got, s.Name)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// outside is a fake of releases, dpkg and services.
type outside struct {
	did       []string
	installed bool
	staged    string
	stageErr  error
	// etcdpasswd is the installed version of etcdpasswd; FetchDeb fails with fetchErr, and
	// InstallInUnit installs the version next.
	etcdpasswd, next string
	fetchErr         error
	digests          release.Digests
}

func (o *outside) note(text string) { o.did = append(o.did, text) }

func (o *outside) Installed(context.Context, string, string) (bool, error) { return o.installed, nil }

func (o *outside) Status(context.Context, string) (version, state string, err error) {
	if o.etcdpasswd == "" {
		return "", host.StateNotInstalled, nil
	}
	return o.etcdpasswd, host.StateInstalled, nil
}

func (o *outside) InstallInUnit(_ context.Context, deb string, progress func(string)) error {
	o.note("install " + filepath.Base(deb))
	if progress != nil {
		progress("waiting for dpkg's lock")
	}
	if filepath.Base(deb) == "etcdpasswd.deb" {
		o.etcdpasswd = o.next
	}
	return nil
}

func (o *outside) TryRestart(_ context.Context, name string) error {
	o.note("restart " + name)
	return nil
}

func newHost(t *testing.T) (*outside, *componenttest.Host, *steps.Host, component.Host) {
	t.Helper()
	o := &outside{digests: release.Digests{}, next: "1.4.0"}
	h, ch := componenttest.New(t)
	return o, h, steps.NewHost(steps.Options{
		FS: ch.FS, Units: h, Restarter: o, Packages: o, Artifacts: componenttest.Artifacts(),
		Containers: func(storage.Config) (component.Containers, error) { return h, nil },
		Transport:  func(storage.Config) (http.RoundTripper, error) { return http.DefaultTransport, nil },
		Stage: func(_ context.Context, _ storage.Config, v release.Version) (string, error) {
			o.note("stage " + v.String())
			return "/staged.deb", o.stageErr
		},
		FetchDeb: func(_ context.Context, _ storage.Config, d neco.DebianPackage, digest string) (string, error) {
			o.note("fetch " + d.Name + " " + d.Release + " " + digest)
			file := ch.FS.Path("/etcdpasswd.deb")
			return file, cmp.Or(o.fetchErr, os.WriteFile(file, nil, 0o644))
		},
		Digests: o.digests,
		Reload: func(_ context.Context, name string) error {
			o.note("reload " + name)
			return nil
		},
		Staged: func(release.Version) (string, error) {
			if o.staged == "" {
				return "", os.ErrNotExist
			}
			return o.staged, nil
		},
	}), ch
}

func target(env string) (worker.Target, map[string]string) {
	recorded := map[string]string{}
	return worker.Target{
		LRN: 1, Members: []int{0, 1, 2}, Version: version, Config: storage.Config{Env: env},
		Record: func(_ context.Context, key, value string) error {
			recorded[key] = value
			return nil
		},
	}, recorded
}

func TestTheDownloadIsStagedOnce(t *testing.T) {
	o, _, h, _ := newHost(t)
	tg, _ := target(neco.ProdEnv)
	var told string
	tg.Progress = func(text string) { told = text }
	if _, err := h.Do(t.Context(), update.Place{Step: 0}, tg); err != nil {
		t.Fatal(err)
	}
	if told != "downloading the package of "+version {
		t.Errorf("the status says %q", told)
	}
	o.staged = "/staged.deb"
	if _, err := h.Do(t.Context(), update.Place{Step: 0}, tg); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff([]string{"stage " + version}, o.did); diff != "" {
		t.Error(diff)
	}
}

func TestTheInstallationReplacesThisProgramOrSaysSo(t *testing.T) {
	o, _, h, _ := newHost(t)
	o.staged = "/staged.deb"
	tg, _ := target(neco.ProdEnv)
	var told string
	tg.Progress = func(text string) { told = text }
	_, err := h.Do(t.Context(), update.Place{Step: 0, Action: 1}, tg)
	if told != "waiting for dpkg's lock" {
		t.Errorf("the status says %q", told)
	}
	if err == nil || !strings.Contains(err.Error(), "not restarted") {
		t.Errorf("error %v", err)
	}
	if diff := gocmp.Diff([]string{"install staged.deb", "restart neco-updater", "restart neco-worker"}, o.did); diff != "" {
		t.Error(diff)
	}
}

func TestAnInstalledPackageIsNotInstalledAgain(t *testing.T) {
	o, _, h, _ := newHost(t)
	o.installed = true
	tg, _ := target(neco.ProdEnv)
	if _, err := h.Do(t.Context(), update.Place{Step: 0, Action: 1}, tg); err == nil {
		t.Error("no error, although this program is old")
	}
	if diff := gocmp.Diff([]string{"restart neco-updater", "restart neco-worker"}, o.did); diff != "" {
		t.Error(diff)
	}
}

func TestAPackageThatFailsACheckEndsTheRun(t *testing.T) {
	o, _, h, _ := newHost(t)
	o.stageErr = fmt.Errorf("stage package: %w", release.ErrDigestMismatch)
	tg, _ := target(neco.ProdEnv)
	_, err := h.Do(t.Context(), update.Place{Step: 0}, tg)
	if !errors.Is(err, release.ErrDigestMismatch) || !worker.IsPermanent(err) || !worker.IsReleaseFault(err) {
		t.Errorf("error %v", err)
	}
}

func TestAServerThatRefusesAPackageMakesNoBadRelease(t *testing.T) {
	o, _, h, _ := newHost(t)
	tg, _ := target(neco.ProdEnv)
	for _, err := range []error{release.ErrDiskFull, release.ErrTruncated, release.ErrStalled, errors.New("server answered 404 Not Found")} {
		o.stageErr = fmt.Errorf("stage package: %w", err)
		if _, err := h.Do(t.Context(), update.Place{Step: 0}, tg); err == nil || worker.IsReleaseFault(err) {
			t.Errorf("error %v", err)
		}
	}
}

// deb builds a package with dpkg-deb.
func deb(t *testing.T, path, name, version string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "DEBIAN"), 0o755); err != nil {
		t.Fatal(err)
	}
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: x <x@example.com>\nDescription: x\n", name, version)
	if err := os.WriteFile(filepath.Join(dir, "DEBIAN/control"), []byte(control), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "dpkg-deb", "--build", "--root-owner-group", dir, path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestADiskThatDoesNotAnswerIsNoServerOfAnotherOwner(t *testing.T) {
	_, _, h, _ := newHost(t)
	cert := h.FS.Path(neco.EtcdPeerCertFile)
	if err := os.MkdirAll(filepath.Dir(cert), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(neco.EtcdPeerCertFile, cert); err != nil { // a loop of links cannot be read
		t.Fatal(err)
	}
	tg, _ := target(neco.ProdEnv)
	for _, step := range []int{2, 3, 4} {
		if note, err := h.Do(t.Context(), update.Place{Step: step}, tg); err == nil {
			t.Errorf("step %d was left out: %q", step, note)
		}
	}
	if qualifies, why, err := h.Qualifies(t.Context(), update.Place{Step: finishStep}, tg); err == nil {
		t.Errorf("got %v, %q", qualifies, why)
	}
	if err := h.Restore(t.Context(), "vault", update.SideOld, tg); err == nil {
		t.Error("the services count as another's")
	}
}

func TestInEnvTestTheNewestPackageOnTheServerIsTaken(t *testing.T) {
	_, _, h, ch := newHost(t)
	tg, _ := target(neco.TestEnv)
	tg.Version = release.TestVersion
	if _, err := h.Do(t.Context(), update.Place{Step: 0}, tg); err == nil || !strings.Contains(err.Error(), steps.LocalPackages) {
		t.Errorf("without a package: %v", err)
	}
	good := ch.FS.Path(steps.LocalPackages + "/neco_" + release.TestVersion + "_amd64.deb")
	deb(t, good, "neco", release.TestVersion)
	if _, err := h.Do(t.Context(), update.Place{Step: 0}, tg); err != nil {
		t.Error(err)
	}
	other := ch.FS.Path(steps.LocalPackages + "/neco_other_amd64.deb")
	deb(t, other, "sneaky", release.TestVersion)
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(other, later, later); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Do(t.Context(), update.Place{Step: 0}, tg); err == nil || !strings.Contains(err.Error(), "sneaky") {
		t.Errorf("another package: %v", err)
	}
}

func TestAllBootImagesArePulled(t *testing.T) {
	_, ct, h, _ := newHost(t)
	tg, _ := target(neco.ProdEnv)
	if _, err := h.Do(t.Context(), update.Place{Step: 1}, tg); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, act := range ct.Did() {
		got[strings.TrimPrefix(act, "pull ")] = true
	}
	for _, name := range neco.BootImages {
		if !got[name] {
			t.Errorf("%s was not pulled", name)
		}
	}
}

func TestWhatRunsIsRecorded(t *testing.T) {
	_, _, h, _ := newHost(t)
	tg, recorded := target(neco.ProdEnv)
	for _, p := range []update.Place{{Step: 5}, {Step: 6}, {Step: 6, Action: 1}, {Step: 7}, {Step: 16}} {
		if _, err := h.Do(t.Context(), p, tg); err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
	}
	want := map[string]string{
		"install/1/containers/setup-hw": "1.12.0",
		"install/1/containers/serf":     "0.9.7.1",
		"install/1/containers/promtail": "2.5.0.1",
	}
	if diff := gocmp.Diff(want, recorded); diff != "" {
		t.Error(diff)
	}
}

func TestSerfIsWrittenByAllAndRestartedOneByOne(t *testing.T) {
	_, ct, h, ch := newHost(t)
	tg, _ := target(neco.ProdEnv)
	if _, err := h.Do(t.Context(), update.Place{Step: 6}, tg); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff([]string{"install tools of serf"}, ct.Did()); diff != "" {
		t.Error(diff)
	}
	if _, err := ch.FS.Read(neco.SerfConfFile); err != nil {
		t.Error(err)
	}
	if k := steps.Table()[6].Actions[1].Kind; k != update.Rolling {
		t.Errorf("the restart is %s", k)
	}
}
