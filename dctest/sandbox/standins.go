package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/inventory"
	"github.com/cybozu-go/neco/dctest/loopback"
	"github.com/cybozu-go/neco/dctest/sandbox/internet"
	standin "github.com/cybozu-go/neco/dctest/sandbox/sabakan"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/steps"
)

// ckeEtcdEnv is the environment variable with the URLs of the etcd in which the programs that
// imitate CKE keep their data, whatever etcd their configuration names.
const ckeEtcdEnv = "STANDIN_CKE_ETCD"

// standIn returns the path of a program that imitates another one. dctest/sandbox/build-debs
// builds it.
func standIn(name string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "neco", "standin", name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("the program that imitates %s is not built; dctest/sandbox/build-debs builds it: %w", name, err)
	}
	return path, nil
}

// startSabakan starts the sabakan that all boot servers use, with addresses, machines
// and the users of their BMCs. The containers of sabakan on the boot servers do nothing.
func (s *Sandbox) startSabakan(ctx context.Context) error {
	binary, err := standIn("sabakan")
	if err != nil {
		return err
	}
	dir := s.path("sabakan")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	server, err := standin.Start(s.bg.ctx, binary, dir, log)
	if err != nil {
		return err
	}
	s.sabakan = server.URL
	s.bg.Go(func() error {
		if err := server.Wait(); s.bg.ctx.Err() == nil {
			return fmt.Errorf("sabakan has ended (see %s): %w", log.Name(), err)
		}
		return nil
	})
	if err := server.Ready(ctx); err != nil {
		return fmt.Errorf("%w; see %s", err, log.Name())
	}
	return s.fillSabakan(ctx)
}

// fillSabakan gives sabakan addresses, machines and the users of their BMCs.
func (s *Sandbox) fillSabakan(ctx context.Context) error {
	c := sabakan.New(s.sabakan)
	defer c.Close()
	if err := c.PutIPAM(ctx, json.RawMessage(inventory.IPAM)); err != nil {
		return err
	}
	machines := []sabakan.Spec{inventory.Node(0)}
	for _, lrn := range s.opts.all() {
		machines = append(machines, inventory.Boot(lrn))
	}
	if err := c.CreateMachines(ctx, machines); err != nil {
		return err
	}
	const users = "{}"
	open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(users)), nil }
	return c.PutAsset(ctx, "bmc-user.json", sabakan.Content{Open: open, Size: int64(len(users))})
}

// Contents is what the boot servers have given to sabakan.
type Contents struct {
	// Systems are the versions of the nodes' operating system.
	Systems []string
	// Assets are the names of the assets.
	Assets []string
	// Templates are the IDs of the ignition templates of the role cs, the oldest first.
	Templates []string
}

// Contents returns what sabakan has.
func (s *Sandbox) Contents(ctx context.Context) (Contents, error) {
	c := sabakan.New(s.sabakan)
	defer c.Close()
	images, err := c.Images(ctx)
	if err != nil {
		return Contents{}, err
	}
	var all Contents
	for _, img := range images {
		all.Systems = append(all.Systems, img.ID)
	}
	if all.Assets, err = c.Assets(ctx); err != nil {
		return all, err
	}
	all.Templates, err = c.Ignitions(ctx, "cs")
	return all, err
}

// ckeImages returns the names of the images that CKE runs on nodes.
func ckeImages(ctx context.Context) ([]string, error) {
	ckecli, err := standIn("ckecli")
	if err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, ckecli, "images").Output()
	return strings.Fields(string(out)), err
}

// CKE is what the programs that imitate CKE have stored in etcd.
type CKE struct {
	// Hosts are the boot servers on which CKE runs, as "boot-LRN".
	Hosts []string
	// Resources is the number of objects for Kubernetes.
	Resources int
}

// CKE returns what CKE has stored in etcd.
func (s *Sandbox) CKE(ctx context.Context) (CKE, error) {
	client, err := s.cluster.Client(neco.CKEPrefix)
	if err != nil {
		return CKE{}, err
	}
	defer client.Close()
	var all CKE
	hosts, err := client.Get(ctx, "running/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return all, fmt.Errorf("read the hosts of CKE: %w", err)
	}
	for _, kv := range hosts.Kvs {
		all.Hosts = append(all.Hosts, strings.TrimPrefix(string(kv.Key), "running/"))
	}
	resources, err := client.Get(ctx, "resource/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		return all, fmt.Errorf("read the resources of CKE: %w", err)
	}
	all.Resources = int(resources.Count)
	return all, nil
}

// standInEnv returns the environment variables of the boot server srv by which its programs
// find sabakan, the resolver and the data of CKE. endpoints are the URLs of etcd for that
// server.
func (s *Sandbox) standInEnv(srv *Server, endpoints []string) []string {
	return []string{
		steps.SabakanURL + "=" + s.sabakan,
		steps.ResolverAddress + "=" + srv.resolver,
		ckeEtcdEnv + "=" + strings.Join(endpoints, ","),
	}
}

// prepare creates the files by which a server counts as set up for sabakan and CKE, and the
// drop-ins by which the programs of CKE use these files and listen on free ports. It chooses
// the address of the server's resolver.
func prepare(srv *Server, net *internet.Internet) error {
	for _, name := range []string{program.Sabakan, program.CKE} {
		p, err := program.Find(name)
		if err != nil {
			return err
		}
		cert, key, err := net.Issue(fmt.Sprintf("%s-%d", name, srv.LRN))
		if err != nil {
			return err
		}
		for file, data := range map[string][]byte{p.User.Cert: cert, p.User.Key: key, p.Prepared.Config: nil} {
			if err := write(filepath.Join(srv.Root, file), data, 0o600); err != nil {
				return err
			}
		}
	}
	free, err := loopback.FreeAddresses(1)
	if err != nil {
		return err
	}
	if srv.resolver, err = loopback.FreeUDPAddress(); err != nil {
		return err
	}
	config := quote(filepath.Join(srv.Root, neco.CKEConfFile))
	for unit, args := range map[string]string{
		"cke":            "--config=" + config + " --http=" + free[0] + fmt.Sprintf(" --host=boot-%d", srv.LRN),
		"cke-localproxy": "--config=" + config + " --dns=" + srv.resolver,
	} {
		text := fmt.Sprintf("# The sandbox's, not the package's: this server is a directory.\n[Service]\nExecStart=\nExecStart=/usr/sbin/%s %s\n", unit, args)
		if err := write(filepath.Join(srv.Root, "etc/systemd/system", unit+".service.d/10-sandbox.conf"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// write writes a file, and creates its directory.
func write(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, mode)
}
