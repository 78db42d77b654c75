package ignitions_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

func TestTheNetworkOfANode(t *testing.T) {
	for _, c := range []struct {
		name, virt, mtu string
	}{{"VM", "exit 0", "1460"}, {"hardware", "exit 1", "1500"}} {
		t.Run(c.name, func(t *testing.T) {
			s := newScriptTest(t, "cs", nil, nil)
			s.stub(t, "systemd-detect-virt", c.virt)
			s.stub(t, "ip", "echo address")
			s.must(t, "setup-network")
			s.check(t, "networkctl", "networkctl reload")
			for name, want := range map[string]string{
				"01-eth0.network":  "[Match]\nName=eth0 eno1 eno12399\n[Link]\nMTUBytes=" + c.mtu + "\n[Network]\nLLDP=yes\nEmitLLDP=yes\nConfigureWithoutCarrier=yes\n[Address]\nAddress=10.69.1.4/26\nScope=link\n",
				"01-eth1.network":  "[Match]\nName=eth1 eno2 eno12409\n[Link]\nMTUBytes=" + c.mtu + "\n[Network]\nLLDP=yes\nEmitLLDP=yes\nConfigureWithoutCarrier=yes\n[Address]\nAddress=10.69.1.68/26\nScope=link\n",
				"10-node0.netdev":  "[NetDev]\nName=node0\nKind=dummy\n",
				"10-node0.network": "[Match]\nName=node0\n[Network]\nAddress=10.69.0.196/32\n",
			} {
				if got := directives(s.read(t, "/etc/systemd/network/"+name)); got != want {
					t.Errorf("%s:\n%s", name, got)
				}
			}
		})
	}
}

// directives returns the lines of a unit that are neither empty nor comments.
func directives(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestAnAddressThatDoesNotAppearIsAnError(t *testing.T) {
	s := newScriptTest(t, "cs", nil, nil)
	s.stub(t, "ip", `case $* in *10.69.1.68*) ;; *) echo address ;; esac`)
	s.fails(t, "setup-network: the address 10.69.1.68: timed out after 300 seconds", "setup-network")
	if n := len(s.calls(t, "sleep 1")); n != 300 {
		t.Errorf("%d pauses", n)
	}
}

// TestTheFirstUnitsMatchThePortsOfScripts compares the names of ports in the networkd units,
// which Ignition writes, with those in functions.sh.
func TestTheFirstUnitsMatchThePortsOfScripts(t *testing.T) {
	root := nodeTree(t, "boot", 1, nil)
	functions := root.read(t, "/opt/lib/neco/functions.sh")
	for i := range 2 {
		_, after, _ := strings.Cut(root.read(t, fmt.Sprintf("/etc/systemd/network/01-eth%d.network", i)), "\nName=")
		ports, _, _ := strings.Cut(after, "\n")
		if want := fmt.Sprintf("\nPORT%d='%s'\n", i, ports); ports == "" || !strings.Contains(functions, want) {
			t.Errorf("functions.sh has no %q", want)
		}
	}
}

func TestWaitingForDHCPEnds(t *testing.T) {
	s := newScriptTest(t, "boot", nil, nil)
	s.fails(t, "neco-wait-dhcp-online: an IPv4 address on one of eth0 eno1 eno12399 eth1 eno2 eno12409: timed out after 500 seconds", "neco-wait-dhcp-online")
	s.check(t, "sysctl", "sysctl -q -w net.ipv4.conf.all.rp_filter=2")
	s.stub(t, "ip", `case $* in *eno12409*) echo address ;; *) exit 1 ;; esac`)
	s.must(t, "neco-wait-dhcp-online")
}

func TestBirdWaitEndsWhenSabakanAnswers(t *testing.T) {
	var requests atomic.Int32
	s := newScriptTest(t, "boot", nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := requests.Add(1); r.URL.Path != "/health" || n < 3 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	s.stub(t, "ip", "[ $(grep -c ^ip "+s.path("/calls")+") -lt 4 ] || echo default")
	s.must(t, "bird-wait")
	s.check(t, "sysctl", "sysctl -q -w net.ipv4.conf.all.rp_filter=1")
	if n := len(s.calls(t, "ip")); n != 4 || requests.Load() != 3 {
		t.Errorf("routes were read %d times, %d requests", n, requests.Load())
	}
}

func TestTheConfigurationOfSerf(t *testing.T) {
	s := newScriptTest(t, "cs", nil, nil)
	s.write(t, "/etc/os-release", "NAME=\"Flatcar Container Linux by Kinvolk\"\nVERSION_ID=3139.2.1\n", 0o644)
	s.must(t, "setup-serf")
	server, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"tags":{"os-name":"Flatcar Container Linux by Kinvolk","os-version":"3139.2.1","serial":"SN-1-4","boot-server":"false"},
		"interface":"node0","reconnect_interval":"30s","reconnect_timeout":"24h","tombstone_timeout":"24h",
		"retry_join":[%q],"retry_max_attempts":0,"retry_interval":"30s","protocol":5}`, server.Hostname())
	if got, want := compact(t, s.read(t, "/etc/serf/serf.json")), compact(t, want); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func compact(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return b.String()
}

func TestTagsNameFailedUnits(t *testing.T) {
	s := newScriptTest(t, "boot", nil, nil)
	s.stub(t, "uptime", "echo 2026-11-29 10:00:00")
	s.stub(t, "systemctl", "for i in $(seq 30); do echo unit-$i.service loaded failed failed text; done")
	s.must(t, "setup-serf-tags")
	got := s.calls(t, "docker")
	want := "docker exec serf /usr/local/serf/bin/serf tags -set uptime=2026-11-29 10:00:00 -set version=2026.11.29-1 -set systemd-units-failed=unit-1.service,unit-2.service,"
	if len(got) != 1 || !strings.HasPrefix(got[0], want) || strings.Contains(got[0], "unit-30") {
		t.Errorf("%q", got)
	}
}

func TestSetupHWDecidesAboutAReboot(t *testing.T) {
	for _, c := range []struct {
		code          string
		want, reboots string
	}{
		{"0", "", ""},
		{"10", "settings that need a reboot", "systemctl reboot"},
		{"1", "setup-hw has failed with the exit code 1", ""},
	} {
		s := newScriptTest(t, "boot", nil, nil)
		s.stub(t, "docker", `case $1 in container) echo true ;; exec) exit `+c.code+` ;; esac`)
		if c.want == "" {
			s.must(t, "exec-setup-hw")
		} else {
			s.fails(t, c.want, "exec-setup-hw")
		}
		if got := strings.Join(s.calls(t, "systemctl"), " "); got != c.reboots {
			t.Errorf("exit code %s: %q", c.code, got)
		}
		s.check(t, "sleep")
	}
}

func TestOnHardwareSetupHWWaitsAMinute(t *testing.T) {
	s := newScriptTest(t, "boot", nil, nil)
	s.stub(t, "systemd-detect-virt", "exit 1")
	s.stub(t, "docker", "echo true")
	s.must(t, "exec-setup-hw")
	s.check(t, "sleep", "sleep 60")
}

func TestOnlyHardwareNeedsASynchronisedClock(t *testing.T) {
	s := newScriptTest(t, "boot", nil, nil)
	s.stub(t, "docker", `case $1 in container) echo true ;; exec) exit 1 ;; esac`)
	s.must(t, "chrony-wait")
	s.check(t, "docker exec", "docker exec chrony chronyc waitsync 10 0 0 1")
	s.forget(t)
	s.stub(t, "systemd-detect-virt", "exit 1")
	s.fails(t, "chrony-wait: the clock is not synchronised after 600 seconds", "chrony-wait")
	s.check(t, "docker exec", "docker exec chrony chronyc waitsync 60 0 0 10")
}

func TestTheDeviationOfTheClockIsAMetric(t *testing.T) {
	s := newScriptTest(t, "boot", nil, nil)
	s.stub(t, "docker", "echo 0A450003,10.69.0.3,3,1795973000.1,0.000012345,-0.000001,0.00002,-1.5,0.01,0.1,0.001,0.002,64.1,Normal")
	s.must(t, "chrony-monitor")
	if got := s.read(t, "/var/lib/textfile-collector/chrony_monitor.prom"); !strings.HasSuffix(got, "\nchrony_monitor_tracking_system_time_seconds 0.000012345\n") {
		t.Error(got)
	}
}

func TestExternalAddressesAreProtected(t *testing.T) {
	s := newScriptTest(t, "boot", nil, nil)
	s.stub(t, "iptables-restore", "cat >"+s.path("/rules"))
	s.stub(t, "iptables", `case $* in *" -C "*) exit 1 ;; esac`)
	s.must(t, "setup-iptables-rules")
	s.check(t, "iptables --wait -t raw -I", "iptables --wait -t raw -I PREROUTING -d 172.19.0.16/28 -j PROTECT_GLOBAL")
	if rules := s.read(t, "/rules"); !strings.Contains(rules, "-A PROTECT_GLOBAL -p udp -m multiport --dports 80,443 -j RETURN\n-A PROTECT_GLOBAL -j DROP\nCOMMIT\n") {
		t.Error(rules)
	}

	s = newScriptTest(t, "boot", map[string]any{"external_ip_address_block": ""}, nil)
	s.must(t, "setup-iptables-rules")
	s.check(t, "iptables")
}

func TestDockerPruneKeepsTheImagesOfTheNode(t *testing.T) {
	s := newScriptTest(t, "boot", nil, nil)
	s.write(t, "/run/neco/docker-images", "bird:1\n", 0o644)
	s.stub(t, "docker", `case "$1 $2" in
"image ls") printf 'bird:1\nold:1\nnew:1\n<none>:<none>\n' ;;
"image inspect") case $5 in old:1) date='4 days ago' ;; new:1) date='2 days ago' ;; esac; printf '"%s"\n' "$(date -u -d "$date" +%Y-%m-%dT%H:%M:%S.123456789Z)" ;;
esac`)
	s.must(t, "docker-prune")
	s.check(t, "docker image rm", "docker image rm old:1")
	s.check(t, "docker container prune", "docker container prune --force --filter until=72h")
}

func TestToolsOfOperatorsAreUnpackedWhenTheyChange(t *testing.T) {
	var archive atomic.Pointer[[]byte]
	var downloads atomic.Int32
	s := newScriptTest(t, "cs", nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/v1/assets/neco-operation-cli.tgz/meta":
			fmt.Fprintf(w, `{"name": "neco-operation-cli.tgz", "sha256": "%x"}`, sha256.Sum256(*archive.Load()))
		case "/api/v1/assets/neco-operation-cli.tgz":
			downloads.Add(1)
			_, _ = w.Write(*archive.Load())
		}
	}))
	for i, tool := range []string{"argocd", "argocd", "kubectl"} {
		data := tarball(t, tool)
		archive.Store(&data)
		s.must(t, "update-neco-operation-cli")
		if !isExecutable(s.path("/opt/neco-operation-cli/bin/" + tool)) {
			t.Errorf("run %d: no %s", i, tool)
		}
	}
	if downloads.Load() != 2 || s.exists("/opt/neco-operation-cli/bin/argocd") {
		t.Errorf("%d downloads, or an old tool is left", downloads.Load())
	}
}

// tarball returns an archive with one program.
func tarball(t *testing.T, name string) []byte {
	t.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	archive := tar.NewWriter(zip)
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(name))}); err != nil {
		t.Fatal(err)
	}
	_, err := archive.Write([]byte(name))
	for _, err := range []error{err, archive.Close(), zip.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestTheConfigurationOfContainerd(t *testing.T) {
	root := nodeTree(t, "cs", 1, nil)
	var c struct {
		Version int
		Root    string
		GRPC    struct{ Address string }
		Plugins map[string]struct {
			Sandbox  string `toml:"sandbox_image"`
			Registry struct {
				Path string `toml:"config_path"`
			}
		}
	}
	if err := toml.Unmarshal([]byte(root.read(t, "/etc/k8s-containerd/config.toml")), &c); err != nil {
		t.Fatal(err)
	}
	cri := c.Plugins["io.containerd.grpc.v1.cri"]
	if c.Version != 2 || c.Root != "/var/lib/k8s-containerd" || cri.Sandbox != "quay.io/cybozu/pause:4.5.6" {
		t.Errorf("%+v", c)
	}
	var hosts struct {
		Host map[string]struct{ Capabilities []string }
	}
	if err := toml.Unmarshal([]byte(root.read(t, cri.Registry.Path+"/docker.io/hosts.toml")), &hosts); err != nil || len(hosts.Host) != 1 {
		t.Errorf("%+v %v", hosts, err)
	}
	// The socket has the same name for all its clients.
	for name, want := range map[string]string{
		"/etc/crictl.yaml":           "runtime-endpoint: unix://" + c.GRPC.Address + "\n",
		"/opt/lib/neco/functions.sh": "\nCONTAINERD=" + c.GRPC.Address + "\n",
	} {
		if text := root.read(t, name); !strings.Contains(text, want) {
			t.Errorf("%s has no %q", name, want)
		}
	}
}

func TestTheProxyOfANode(t *testing.T) {
	for proxy, want := range map[string]string{"http://10.0.49.3:3128": "http://10.0.49.3:3128", "": "http://10.69.0.196:30128"} {
		root := nodeTree(t, "cs", 1, map[string]any{"proxy_url": proxy})
		if got := directives(root.read(t, "/etc/neco/proxy.env")); got != "HTTP_PROXY="+want+"\nHTTPS_PROXY="+want+"\n" {
			t.Error(got)
		}
		for _, unit := range []string{"docker", "k8s-containerd"} {
			if !strings.Contains(root.read(t, "/etc/systemd/system/"+unit+".service"), "\nEnvironmentFile=/etc/neco/proxy.env\n") {
				t.Errorf("%s has no proxy", unit)
			}
		}
	}
}

func TestTheIdentityOfANode(t *testing.T) {
	root := nodeTree(t, "ss", 5, nil)
	for name, want := range map[string]string{
		"/etc/hostname": "rack5-ss4\n", "/etc/neco/rack": "5\n", "/etc/neco/version": "2026.11.29-1\n",
		"/etc/neco/bmc-address.json": `{"ipv4":{"address":"10.72.17.164","netmask":"255.255.240.0","maskbits":20,"gateway":"10.72.16.1"}}` + "\n",
	} {
		if got := root.read(t, name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
