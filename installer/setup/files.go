package setup

import (
	"bytes"
	"embed"
	"fmt"
	"strconv"
	"strings"
	"text/template"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/dockerproxy"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/resolver"
)

//go:embed files packages
var embedded embed.FS

// NetworkService is the systemd unit that sets the addresses of the server. [Links]
// enables it. All other units are enabled by their Debian packages.
const NetworkService = "neco-network.service"

// unitDir is the directory of the systemd units that do not belong to a package.
const unitDir = "/etc/systemd/system/"

// source is an embedded template with the path of its file on the server.
type source struct {
	name, path string
	executable bool
}

// sources returns the templates of all files, except those that other packages render and
// those that consist of one value of a seed, such as /etc/hostname.
func sources() []source {
	return []source{
		{name: "hosts", path: "/etc/hosts"},
		{name: "network.env", path: neco.NecoDir + "/network.env"},
		{name: "neco-network.sh", path: "/usr/local/sbin/neco-network", executable: true},
		{name: "neco-network.service", path: unitDir + NetworkService},
		{name: "sysctl.conf", path: "/etc/sysctl.d/90-neco.conf"},
		{name: "bird.conf", path: "/etc/bird/bird.conf"},
		{name: "bird-drop-in.conf", path: unitDir + "bird.service.d/10-neco.conf"},
		{name: "chrony.conf", path: "/etc/chrony/chrony.conf"},
		{name: "sshd.conf", path: "/etc/ssh/sshd_config.d/10-keys-only.conf"},
		{name: "daemon.json", path: "/etc/docker/daemon.json"},
	}
}

// Files returns the files that make a boot server of a Debian system with the
// [Packages]. The seed s describes that boot server. In a container, the files
// /etc/hosts, /etc/hostname and /etc/resolv.conf come from the container engine
// instead.
func Files(s Seed) ([]host.File, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("make a boot server: %w", err)
	}
	files := []host.File{
		{Path: "/etc/hostname", Data: []byte(s.Name + "\n"), Mode: 0o644},
		{Path: neco.NecoDir + "/rack", Data: []byte(strconv.Itoa(s.Rack) + "\n"), Mode: 0o644},
		{Path: neco.NecoDir + "/cluster", Data: []byte(s.Cluster + "\n"), Mode: 0o644},
	}
	if s.Serial != "" {
		files = append(files, host.File{Path: neco.NecoDir + "/serial", Data: []byte(s.Serial + "\n"), Mode: 0o644})
	}
	for _, src := range sources() {
		f, err := src.render(s)
		if err != nil {
			return nil, fmt.Errorf("make a boot server: %w", err)
		}
		files = append(files, f)
	}
	proxy, err := dockerproxy.Files(s.Proxy)
	if err != nil {
		return nil, fmt.Errorf("make a boot server: %w", err)
	}
	return append(append(files, resolver.File()), proxy...), nil
}

// BirdConf returns only the configuration file of BIRD. It is for a BIRD that runs
// elsewhere than on the boot server that the seed s describes.
func BirdConf(s Seed) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("configure BIRD: %w", err)
	}
	f, err := source{name: "bird.conf"}.render(s)
	return f.Data, err
}

// Links returns the symbolic links that enable units. The keys are the paths of the
// links, the values their targets.
func Links() map[string]string {
	return map[string]string{unitDir + "multi-user.target.wants/" + NetworkService: unitDir + NetworkService}
}

func (src source) render(s Seed) (host.File, error) {
	t, err := template.New(src.name).ParseFS(embedded, "files/"+src.name)
	if err != nil {
		return host.File{}, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, s); err != nil {
		return host.File{}, fmt.Errorf("render %s: %w", src.path, err)
	}
	f := host.File{Path: src.path, Data: b.Bytes(), Mode: 0o644}
	if src.executable {
		f.Mode = 0o755
	}
	return f, nil
}

// Packages returns the names of the Debian packages of a boot server, sorted.
func Packages() []string {
	data, err := embedded.ReadFile("packages")
	if err != nil {
		return nil // it is embedded
	}
	return strings.Fields(string(data))
}
