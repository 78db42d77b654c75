package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/serf/client"
	"github.com/rogpeppe/go-internal/testscript"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/bmctest"
	"github.com/cybozu-go/neco/dctest/dockertest"
	"github.com/cybozu-go/neco/dctest/inventory"
	"github.com/cybozu-go/neco/dctest/loopback"
	"github.com/cybozu-go/neco/dctest/sabakantest"
	"github.com/cybozu-go/neco/dctest/sandbox/etcd"
	"github.com/cybozu-go/neco/dctest/serfrpc"
	"github.com/cybozu-go/neco/dctest/standintest"
	"github.com/cybozu-go/neco/internal/dockerapi"
	"github.com/cybozu-go/neco/pkg/cli"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// testVersion is the version of the neco that scripts run.
const testVersion = "2024.01.02-3"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"neco": func() {
			env := cli.System(testVersion)
			env.By = func() string { return "alice@boot-0" }
			env.Sabakan = os.Getenv("SABAKAN")
			env.Serf = os.Getenv("SERF")
			if port, err := strconv.ParseUint(os.Getenv("BMC_PORT"), 10, 16); err == nil {
				env.BMCPort = uint16(port)
			}
			env.RebootPoll = 200 * time.Millisecond
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			defer stop()
			os.Exit(cli.Run(ctx, env, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

// startEtcd starts one member for tests.
func startEtcd(tb testing.TB) *etcd.Cluster {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cluster, err := etcd.Start(ctx, etcd.Options{Dir: tb.TempDir(), Members: 1, NoFsync: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(cluster.Close)
	return cluster
}

// newClient opens a client that is namespaced at prefix.
func newClient(tb testing.TB, cluster *etcd.Cluster, prefix string) *clientv3.Client {
	tb.Helper()
	client, err := cluster.Client(prefix)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

// writeConfig writes the files of a boot server of the cluster below root.
func writeConfig(root string, cluster *etcd.Cluster, prefix string) error {
	path := filepath.Join(root, "etc/neco/config.yml")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	text := "prefix: " + prefix + "\nendpoints:\n"
	for _, ep := range cluster.Endpoints() {
		text += "- http://" + ep + "\n"
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// TestScripts runs testdata/script/*.txtar. In addition to the commands of testscript
// there are: put KEY VALUE, del PREFIX, dump FILE, code N COMMAND..., cke, docker IMAGE...,
// machines SERIAL TYPE..., state SERIAL STATE, reboots, boots N SERIAL..., and eventually KEY. The variables TAG_NAME are the tags of the artifact set's images.
func TestScripts(t *testing.T) {
	cluster := startEtcd(t)
	client := newClient(t, cluster, "/")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			prefix := "/" + filepath.Base(e.WorkDir) + "/"
			e.Values["bmcs"] = map[string]*bmctest.BMC{}
			e.Values["prefix"] = strings.TrimPrefix(prefix, "/")
			// A program with the race detector would wait for a second at its end.
			e.Vars = append(e.Vars, "ROOT="+e.WorkDir+"/root", "GORACE=atexit_sleep_ms=0", "CLOSED="+closedWindow(time.Now()))
			for _, img := range neco.CurrentArtifacts.Images {
				e.Vars = append(e.Vars, "TAG_"+strings.ToUpper(strings.ReplaceAll(img.Name, "-", "_"))+"="+img.Tag)
			}
			return writeConfig(e.WorkDir+"/root", cluster, prefix)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"put":  func(ts *testscript.TestScript, _ bool, args []string) { put(ts, client, args) },
			"del":  func(ts *testscript.TestScript, _ bool, args []string) { del(ts, client, args) },
			"dump": func(ts *testscript.TestScript, _ bool, args []string) { dump(ts, client, args) },
			"code": code,
			"cke":  setUpCKE,
			"state": func(ts *testscript.TestScript, _ bool, args []string) {
				c := sabakan.New(ts.Getenv("SABAKAN"))
				defer c.Close()
				ts.Check(c.SetState(context.Background(), args[0], sabakan.State(args[1])))
			},
			"kubernetes": func(ts *testscript.TestScript, _ bool, args []string) {
				makeNodes(ts, cluster.Endpoints(), args)
			},
			"reboots":    func(ts *testscript.TestScript, _ bool, args []string) { reboots(ts, client, args) },
			"revoke":     func(ts *testscript.TestScript, _ bool, args []string) { revoke(ts, client, args) },
			"eventually": func(ts *testscript.TestScript, _ bool, args []string) { eventually(ts, client, args) },
			"boots":      boots,
			"serf":       func(ts *testscript.TestScript, _ bool, args []string) { startSerf(t, ts, args) },
			"template":   uploadTemplate,
			"machines":   func(ts *testscript.TestScript, _ bool, args []string) { registerMachines(t, ts, args) },
			"docker": func(ts *testscript.TestScript, _ bool, images []string) {
				ts.Setenv("DOCKER_HOST", serveDocker(t, images))
			},
		},
	})
}

// serveDocker serves Docker's API with a running container of each image, and returns the
// value of DOCKER_HOST for it.
func serveDocker(t *testing.T, images []string) string {
	s := &dockertest.State{}
	for _, image := range images {
		s.Running = append(s.Running, dockerapi.Container{Image: image})
	}
	return dockertest.Serve(t, s)
}

// etcdTimeout is the maximum duration of a test's request to etcd.
const etcdTimeout = 10 * time.Second

// put KEY VALUE writes a key below the script's prefix. In VALUE, {now} is the time.
func put(ts *testscript.TestScript, client *clientv3.Client, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: put KEY VALUE")
	}
	ctx, cancel := context.WithTimeout(context.Background(), etcdTimeout)
	defer cancel()
	value := strings.ReplaceAll(args[1], "{now}", time.Now().UTC().Format(time.RFC3339))
	_, err := client.Put(ctx, ts.Value("prefix").(string)+args[0], value)
	ts.Check(err)
}

// del PREFIX deletes the keys with this prefix.
func del(ts *testscript.TestScript, client *clientv3.Client, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), etcdTimeout)
	defer cancel()
	_, err := client.Delete(ctx, ts.Value("prefix").(string)+args[0], clientv3.WithPrefix())
	ts.Check(err)
}

// dump FILE writes all keys and values of the script into a file.
func dump(ts *testscript.TestScript, client *clientv3.Client, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), etcdTimeout)
	defer cancel()
	prefix := ts.Value("prefix").(string)
	res, err := client.Get(ctx, prefix, clientv3.WithPrefix())
	ts.Check(err)
	var b strings.Builder
	for _, kv := range res.Kvs {
		fmt.Fprintf(&b, "%s %s\n", strings.TrimPrefix(string(kv.Key), prefix), kv.Value)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o644))
}

// registerMachines SERIAL TYPE... starts a sabakan with machines of these types in rack 1, each with a
// BMC on loopback, and sets SABAKAN and BMC_PORT.
func registerMachines(t *testing.T, ts *testscript.TestScript, args []string) {
	url := sabakantest.Start(t)
	c := sabakan.New(url)
	defer c.Close()
	ts.Check(c.PutIPAM(context.Background(), []byte(strings.Replace(inventory.IPAM, "10.72.16.0/20", "127.0.0.0/20", 1))))
	var specs []sabakan.Spec
	for i := 0; i+1 < len(args); i += 2 {
		m := inventory.Node(1)
		m.Serial, m.Labels = args[i], map[string]string{"machine-type": args[i+1]}
		specs = append(specs, m)
	}
	ts.Check(c.CreateMachines(context.Background(), specs))
	all, err := c.Search(context.Background(), sabakan.Params{}, nil)
	ts.Check(err)
	var port uint16 // all BMCs have the same
	for _, m := range all {
		address, err := netip.ParseAddr(m.Spec.BMC.IPv4)
		ts.Check(err)
		b := bmctest.StartAt(t, netip.AddrPortFrom(address, port))
		port = b.Address.Port()
		ts.Value("bmcs").(map[string]*bmctest.BMC)[m.Spec.Serial] = b
	}
	ts.Setenv("SABAKAN", url)
	ts.Setenv("BMC_PORT", strconv.Itoa(int(port)))
}

// startSerf SERIAL STATUS TAG=VALUE... , starts a serf whose members have the addresses of these
// machines, and sets SERF. A comma ends a member. The machines have booted an hour later for each
// change of their power.
func startSerf(t *testing.T, ts *testscript.TestScript, args []string) {
	c := sabakan.New(ts.Getenv("SABAKAN"))
	defer c.Close()
	var members []client.Member
	for member := range strings.SplitSeq(strings.Join(args, " "), ",") {
		words := strings.Fields(member)
		found, err := c.Machines(context.Background(), url.Values{"serial": {words[0]}})
		ts.Check(err)
		m := client.Member{Name: words[0], Addr: found[0].Spec.IPv4[0].AsSlice(), Status: words[1], Tags: map[string]string{"serial": words[0]}}
		for _, tag := range words[2:] {
			name, value, _ := strings.Cut(tag, "=")
			m.Tags[name] = value
		}
		members = append(members, m)
	}
	l, err := loopback.Listen()
	ts.Check(err)
	bmcs := ts.Value("bmcs").(map[string]*bmctest.BMC)
	var mu sync.Mutex
	boots := map[string]int{}
	t.Cleanup(serfrpc.Serve(l, func() []client.Member {
		mu.Lock()
		defer mu.Unlock()
		var now []client.Member
		for _, m := range members {
			m.Tags = maps.Clone(m.Tags)
			boots[m.Name] += len(bmcs[m.Name].Did())
			m.Tags["uptime"] = time.Date(2026, 12, 1, boots[m.Name], 0, 0, 0, time.UTC).Format(time.DateTime)
			now = append(now, m)
		}
		return now
	}).Close)
	ts.Setenv("SERF", l.Addr().String())
}

// uploadTemplate ROLE VERSION uploads an ignition template to sabakan.
func uploadTemplate(ts *testscript.TestScript, _ bool, args []string) {
	c := sabakan.New(ts.Getenv("SABAKAN"))
	defer c.Close()
	ts.Check(c.PutIgnition(context.Background(), args[0], args[1], sabakan.Template{
		Version: "2.3", Template: json.RawMessage(`{"ignition": {"version": "2.3.0"}}`), Meta: map[string]any{"version": args[1]},
	}))
}

// makeNodes SERIAL... installs ckecli, with etcd, and makes these machines nodes of Kubernetes, if any.
func makeNodes(ts *testscript.TestScript, endpoints, serials []string) {
	for i, e := range endpoints {
		endpoints[i] = "http://" + e
	}
	fs := host.FS{Root: ts.Getenv("ROOT")}
	ts.Check(standintest.InstallCkecli(fs, endpoints...))
	config, err := fs.Read(neco.CKEConfFile)
	ts.Check(err)
	config = append(config, "prefix: "+ckePrefix(ts)+"\n"...)
	_, err = fs.Write(host.File{Path: neco.CKEConfFile, Data: config, Mode: 0o644})
	ts.Check(err)
	if len(serials) == 0 {
		return
	}
	machines := sabakan.New(ts.Getenv("SABAKAN"))
	defer machines.Close()
	template := "name: dev\nnodes:\n"
	for _, serial := range serials {
		found, err := machines.Machines(context.Background(), url.Values{"serial": {serial}})
		ts.Check(err)
		template += fmt.Sprintf("- address: %s\n", found[0].Spec.IPv4[0])
	}
	file := ts.MkAbs("cluster.yml")
	ts.Check(os.WriteFile(file, []byte(template), 0o644))
	ts.Check(ts.Exec(fs.Path(neco.CKECLIBin), "--config="+fs.Path(neco.CKEConfFile), "sabakan", "set-template", file))
}

// setUpCKE makes a boot server on which CKE is set up, with the templates of the package.
func setUpCKE(ts *testscript.TestScript, _ bool, _ []string) {
	fs := host.FS{Root: ts.Getenv("ROOT")}
	ts.Check(standintest.InstallCkecli(fs))
	files := map[string]string{neco.CKECertFile: "x", neco.ClusterFile: "dev\n"}
	for _, file := range []string{neco.CKETemplateFile, neco.CKETemplateFilePre} {
		data, err := os.ReadFile("../../etc/" + filepath.Base(file))
		ts.Check(err)
		files[file] = string(data)
	}
	for path, text := range files {
		_, err := fs.Write(host.File{Path: path, Data: []byte(text), Mode: 0o644})
		ts.Check(err)
	}
}

// code N COMMAND ARG... runs a command that must exit with N.
func code(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case err == nil && want == 0:
	case errors.As(err, &exit) && exit.ExitCode() == want:
	default:
		ts.Fatalf("want exit code %d, got %v", want, err)
	}
}
