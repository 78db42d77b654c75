package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/cybozu-go/neco"
)

// Cluster is the name of the data centre.
const Cluster = "sandbox"

// caFile holds the CA certificates that the processes of a server trust.
const caFile = "etc/ssl/certs/ca-certificates.crt"

// osRelease is the content of /etc/os-release on the servers.
const osRelease = `NAME="Neco sandbox"
ID=neco-sandbox
VERSION_ID="1"
`

// dropIn is a drop-in of a unit. It makes the unit's program use the server's directory
// as its root.
const dropIn = `# The sandbox's, not the package's: this server is a directory.
[Service]
ExecStart=
ExecStart=%s --root %s
`

// layOut creates the file system of a server without packages: the files that the
// operating system, the installer and neco setup create on a real server.
func layOut(srv *Server, endpoints []string, ca []byte, docker string) error {
	conf, err := yaml.Marshal(map[string]any{"endpoints": endpoints, "prefix": neco.NecoPrefix})
	if err != nil {
		return err
	}
	bmc, err := json.Marshal(map[string]any{"ipv4": map[string]string{"address": "127.0.0.1"}})
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"var/lib/dpkg/status":              nil,
		"etc/hostname":                     fmt.Appendf(nil, "boot-%d\n", srv.LRN),
		"etc/os-release":                   []byte(osRelease),
		caFile:                             ca,
		neco.RackFile:                      fmt.Appendf(nil, "%d\n", srv.LRN),
		neco.ClusterFile:                   []byte(Cluster + "\n"),
		neco.NecoConfFile:                  conf,
		neco.DCTestFile:                    nil,
		neco.NecoDir + "/serial":           fmt.Appendf(nil, "sandbox-%d\n", srv.LRN),
		neco.NecoDir + "/bmc-address.json": bmc,
	}
	for _, program := range []string{"/usr/sbin/neco-worker", "/usr/sbin/neco-updater", "/usr/bin/sabakan-state-setter"} {
		files["etc/systemd/system/"+filepath.Base(program)+".service.d/10-sandbox.conf"] = fmt.Appendf(nil, dropIn, program, quote(srv.Root))
	}
	for _, dir := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log/journal", "run", "tmp", "root", "usr/bin", "usr/local/bin"} {
		if err := os.MkdirAll(filepath.Join(srv.Root, dir), 0o755); err != nil {
			return err
		}
	}
	for name, data := range files {
		path := filepath.Join(srv.Root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return os.Symlink(docker, filepath.Join(srv.Root, "usr/bin/docker"))
}

// quote quotes a path as a single word of a unit file.
func quote(path string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`, `$`, `$$`).Replace(path) + `"`
}
