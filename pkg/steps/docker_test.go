package steps_test

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/dctest/sandbox/etcd"
	"github.com/cybozu-go/neco/pkg/component"
	componentetcd "github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/dockerproxy"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/membership"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/worker"
)

const (
	finishStep = 18
	dropIn     = "/etc/systemd/system/docker.service.d/http-proxy.conf"
	override   = "/etc/systemd/system/docker.service.d/override.conf"
	dockerLog  = "/var/lib/neco/docker-restart.json"
	oldProxy   = "http://10.0.49.3:3128"
	newProxy   = "http://10.0.49.4:3128"
)

// daemon is a fake host whose Docker reads its proxy from the files of its unit whenever
// it is restarted. The restart stops all containers.
type daemon struct {
	*componenttest.Host
	fs    host.FS
	proxy string
	// stubborn is a proxy that Docker has from elsewhere; it takes precedence.
	stubborn string
	// silent means that Docker does not answer until its restart.
	silent bool
	// others are the names of the running containers that no unit in containerUnits has
	// started, and labels are their labels. policy means that they have a restart policy.
	others []string
	labels map[string]string
	policy bool
	// late are those of others that the restart of Docker has stopped. If they return, they
	// do so after the first question for the running containers.
	late []string
}

var containerUnits = []string{"serf", "setup-hw", "promtail"}

func (d *daemon) Restart(ctx context.Context, name string) error {
	if err := d.Host.Restart(ctx, name); err != nil || name != dockerproxy.Service {
		return err
	}
	for _, u := range containerUnits {
		d.Kill(u)
	}
	d.others, d.late = nil, d.others
	d.proxy, d.silent = cmp.Or(d.stubborn, d.configured()), false
	return nil
}

var setting = regexp.MustCompile(`HTTPS?_PROXY=([^"\n]*)`)

// configured returns the last proxy that the files of Docker's unit set.
func (d *daemon) configured() (proxy string) {
	files, _ := filepath.Glob(d.fs.Path("/etc/systemd/system/docker.service.d/*.conf"))
	for _, f := range append(files, d.fs.Path("/etc/docker/neco-proxy.env")) {
		data, _ := os.ReadFile(f)
		for _, m := range setting.FindAllStringSubmatch(string(data), -1) {
			proxy = m[1]
		}
	}
	return proxy
}

func (d *daemon) Proxies(context.Context) (http, https string, err error) {
	if d.silent {
		return "", "", errors.New("docker does not answer")
	}
	shown := dockerproxy.Shown(d.proxy)
	return shown, shown, nil
}

func (d *daemon) RunningContainers(ctx context.Context) (running []host.RunningContainer, err error) {
	for _, u := range containerUnits {
		if active, _ := d.IsActive(ctx, u); active {
			running = append(running, host.RunningContainer{Name: u})
		}
	}
	for _, name := range d.others {
		running = append(running, host.RunningContainer{Name: name, Labels: d.labels})
	}
	if localProxy, _ := d.IsActive(ctx, neco.CKELocalProxyService); localProxy || d.policy {
		d.others, d.late = append(d.others, d.late...), nil
	}
	return running, nil
}

func (d *daemon) RestartsWithDocker(_ context.Context, name string) (bool, error) {
	return d.policy && slices.Contains(d.others, name), nil
}

// withDocker returns a host with Docker, on which serf and promtail are running and
// setup-hw is not. Its etcd is a real one, whose only member is that of boot server 1.
func withDocker(t *testing.T) (*daemon, *steps.Host) {
	t.Helper()
	cluster, err := etcd.Start(t.Context(), etcd.Options{Dir: t.TempDir(), Members: 1, NoFsync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := cluster.Client("/neco/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	members, err := membership.Query(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.MemberUpdate(t.Context(), members[0].ID, []string{componentetcd.PeerURL(1)}); err != nil {
		t.Fatal(err)
	}
	units, ch := componenttest.New(t)
	d := &daemon{Host: units, fs: ch.FS}
	put(t, ch.FS, neco.EtcdPeerCertFile, "x")
	for _, u := range []string{"serf", "promtail"} {
		if err := d.Start(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	d.Did()
	return d, steps.NewHost(steps.Options{
		FS: ch.FS, Units: d, Docker: d, Artifacts: neco.CurrentArtifacts, Etcd: client,
		Containers: func(storage.Config) (component.Containers, error) { return d, nil },
	})
}

// finish does both actions that may restart Docker, as in an update whose configuration has
// this proxy, and returns their notes.
func finish(t *testing.T, h *steps.Host, proxy string, members ...int) (string, error) {
	t.Helper()
	return finishIn(t.Context(), t, h, proxy, members...)
}

func finishIn(ctx context.Context, t *testing.T, h *steps.Host, proxy string, members ...int) (string, error) {
	t.Helper()
	tg := worker.Target{LRN: 1, Members: append(members, 1), Version: version, Config: storage.Config{Proxy: proxy}}
	var notes []string
	for i, a := range steps.Table()[finishStep].Actions {
		if !strings.HasPrefix(a.Name, "docker") {
			continue
		}
		if a.Kind != update.Rolling || !a.Conditional {
			t.Errorf("%s is %s, conditional: %t", a.Name, a.Kind, a.Conditional)
		}
		note, err := h.Do(ctx, update.Place{Step: finishStep, Action: i}, tg)
		if err != nil {
			return "", err
		}
		if note != "" {
			notes = append(notes, note)
		}
	}
	return strings.Join(slices.Compact(notes), "; "), nil
}

// restarted are the acts of a restart of Docker.
var restarted = []string{"pull serf", "pull promtail", "restart docker", "start serf", "start promtail"}

func check(t *testing.T, d *daemon, h *steps.Host, proxy, note string, did []string) {
	t.Helper()
	got, err := finish(t, h, proxy)
	if err != nil || got != note {
		t.Errorf("note %q, %v; want %q", got, err, note)
	}
	if diff := gocmp.Diff(did, d.Did()); diff != "" {
		t.Error(diff)
	}
	if there, err := d.fs.Exists(dropIn); there != (proxy != "") || err != nil {
		t.Errorf("the drop-in exists: %t, %v", there, err)
	}
}

func TestDockerGetsTheConfiguredProxyAndAllWorksAgain(t *testing.T) {
	d, h := withDocker(t)
	check(t, d, h, newProxy, "Docker uses the new proxy", restarted)
	check(t, d, h, newProxy, "", nil)
	if d.proxy != newProxy {
		t.Errorf("Docker uses %q", d.proxy)
	}
	check(t, d, h, "", "Docker uses no proxy any more", restarted)
	check(t, d, h, "", "", nil)
	if there, err := d.fs.Exists(dockerLog); there || err != nil {
		t.Errorf("something is left to do: %t, %v", there, err)
	}
}

func TestADockerThatHasTheProxyIsNotRestarted(t *testing.T) {
	const rewritten = "replaced the files of Docker's proxy; Docker agrees with them and was not restarted"
	for name, tt := range map[string]struct{ file, text, running, proxy, note string }{
		"the original's drop-in":        {override, "[Service]\nEnvironment=\"HTTP_PROXY=" + oldProxy + "\"\nEnvironment=\"HTTPS_PROXY=" + oldProxy + "\"\n", oldProxy, oldProxy, rewritten},
		"no drop-in":                    {"/etc/x", "", oldProxy, oldProxy, rewritten},
		"a drop-in that was never read": {dropIn, "[Service]\nEnvironment=HTTP_PROXY=" + oldProxy + "\n", "", "", rewritten},
		"nothing":                       {"/etc/x", "", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, h := withDocker(t)
			put(t, d.fs, tt.file, tt.text)
			d.proxy = tt.running
			check(t, d, h, tt.proxy, tt.note, nil)
			if there, err := d.fs.Exists(override); there || err != nil {
				t.Errorf("the original's drop-in exists: %t, %v", there, err)
			}
			if got := d.configured(); got != tt.proxy {
				t.Errorf("the next start of Docker uses %q", got)
			}
		})
	}
}

func TestADropInWithOtherSettingsIsLeftAlone(t *testing.T) {
	d, h := withDocker(t)
	const text = "[Service]\nEnvironment=HTTP_PROXY=" + oldProxy + "\nLimitNOFILE=1000\n"
	put(t, d.fs, override, text)
	d.proxy = oldProxy
	note, err := finish(t, h, newProxy)
	if err != nil || !strings.Contains(note, override) {
		t.Errorf("note %q, %v", note, err)
	}
	if did := d.Did(); did != nil {
		t.Errorf("did %q", did)
	}
	if data, err := d.fs.Read(override); string(data) != text || err != nil {
		t.Errorf("%s, %v", data, err)
	}
	if there, err := d.fs.Exists(dropIn); there || err != nil {
		t.Errorf("two drop-ins: %t, %v", there, err)
	}
}

func TestDockerRunsOnWhileAMemberOfEtcdIsNotHealthy(t *testing.T) {
	d, h := withDocker(t)
	if _, err := finish(t, h, newProxy, 0); !errors.Is(err, membership.ErrMemberUnstarted) || !strings.HasPrefix(err.Error(), "restart Docker") {
		t.Errorf("error %v", err)
	}
	if did := d.Did(); did != nil {
		t.Errorf("did %q", did)
	}
	if there, err := d.fs.Exists(dropIn); there || err != nil {
		t.Errorf("the drop-in was written: %t, %v", there, err)
	}
}

// TestAnInterruptedRestartOfDockerIsContinued interrupts the action at each of its acts.
func TestAnInterruptedRestartOfDockerIsContinued(t *testing.T) {
	for at, want := range map[string][]string{
		"pull promtail":  {"pull serf", "pull promtail", "restart docker", "start serf", "start promtail"},
		"restart docker": {"restart docker", "start serf", "start promtail"},
		"start serf":     {"start serf", "start promtail"},
		"start promtail": {"start promtail"},
	} {
		t.Run(at, func(t *testing.T) {
			d, h := withDocker(t)
			killed := errors.New("killed")
			d.Fail = func(act string) error {
				if act == at {
					return killed
				}
				return nil
			}
			if _, err := finish(t, h, newProxy); !errors.Is(err, killed) {
				t.Fatal(err)
			}
			d.Did()
			d.Fail = nil
			d.silent = at == "restart docker" // it did not start
			check(t, d, h, newProxy, "Docker uses the new proxy", want)
			check(t, d, h, newProxy, "", nil)
		})
	}
}

// TestOnlyContainersThatReturnAreAwaited checks that a container that nothing starts again
// is named in the note at once, and that the action waits for the others.
func TestOnlyContainersThatReturnAreAwaited(t *testing.T) {
	const used = "Docker uses the new proxy"
	const named = used + "; containers that were not started again: debug"
	ofCKE := map[string]string{"com.cybozu.cke": "{}"}
	for name, tt := range map[string]struct {
		policy bool
		labels map[string]string
		active string // a unit that is active, too
		note   string
	}{
		"started by hand":                    {note: named},
		"with a restart policy":              {policy: true, note: used},
		"of cke-localproxy":                  {labels: ofCKE, active: neco.CKELocalProxyService, note: used},
		"of a cke-localproxy that was ended": {labels: ofCKE, note: named},
	} {
		t.Run(name, func(t *testing.T) {
			d, h := withDocker(t)
			if tt.active != "" {
				if err := d.Start(t.Context(), tt.active); err != nil {
					t.Fatal(err)
				}
				d.Did()
			}
			d.others, d.policy, d.labels = []string{"debug"}, tt.policy, tt.labels
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // half of the wait for those that return
			defer cancel()
			note, err := finishIn(ctx, t, h, newProxy)
			if note != tt.note || err != nil {
				t.Errorf("note %q, %v; want %q", note, err, tt.note)
			}
		})
	}
}

func TestAnotherPasswordOfTheProxyRestartsDocker(t *testing.T) {
	d, h := withDocker(t)
	const first, second = "http://ops:winter@squid:3128", "http://ops:summer@squid:3128"
	for _, proxy := range []string{first, second} {
		check(t, d, h, proxy, "Docker uses the new proxy", restarted)
		check(t, d, h, proxy, "", nil)
		if d.proxy != proxy {
			t.Errorf("Docker uses %q", d.proxy)
		}
	}
	for _, file := range []string{dropIn, dockerLog} {
		data, err := d.fs.Read(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) || strings.Contains(string(data), "summer") {
			t.Errorf("%s: %s, %v", file, data, err)
		}
	}
}

func TestADockerThatKeepsItsProxyIsRestartedOnce(t *testing.T) {
	d, h := withDocker(t)
	d.proxy, d.stubborn = oldProxy, oldProxy
	const note = "Docker was restarted and still uses another proxy than the configured one; systemctl cat docker and /etc/docker/daemon.json show where it is set"
	check(t, d, h, newProxy, note, restarted)
	check(t, d, h, newProxy, "", nil)
	check(t, d, h, "http://10.0.49.5:3128", note, restarted)
	d.stubborn = ""
	d.proxy = "http://10.0.49.6:3128" // somebody has changed it
	check(t, d, h, "http://10.0.49.5:3128", "Docker uses the new proxy", restarted)
}

func TestAProxyThatCannotBeReadIsNotRemoved(t *testing.T) {
	for name, stored := range map[string]string{"malformed": "squid", "set during the update": newProxy} {
		t.Run(name, func(t *testing.T) {
			d, h := withDocker(t)
			if err := dockerproxy.Replace(d.fs, oldProxy); err != nil {
				t.Fatal(err)
			}
			d.proxy = oldProxy
			if _, err := h.Etcd.Put(t.Context(), "config/proxy", stored); err != nil {
				t.Fatal(err)
			}
			note, err := finish(t, h, "")
			if err != nil || !strings.Contains(note, "left alone") {
				t.Errorf("note %q, %v", note, err)
			}
			if did, got := d.Did(), d.configured(); did != nil || got != oldProxy {
				t.Errorf("did %q, the drop-in has %q", did, got)
			}
		})
	}
}
