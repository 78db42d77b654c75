package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
)

// lockTimeout is how long a daemon waits for an earlier process of itself to end before
// it fails.
const lockTimeout = 30 * time.Second

// Server is the boot server on which a daemon runs, with the daemon's lock and its client
// of etcd.
type Server struct {
	FS       host.FS
	LRN      int
	Hostname string
	// Etcd is a client whose keys are below the prefix in the configuration file.
	Etcd *clientv3.Client
	Log  *slog.Logger

	unlock       func()
	stopWatchdog func()
}

// Open reads the identity of the boot server whose file system is at root, takes the
// lock of the program called name, and notifies systemd that the daemon has started. It waits up to
// half a minute for an earlier process to release the lock, but does not wait for etcd.
// The caller must close the Server.
func Open(ctx context.Context, root, name string, log *slog.Logger) (*Server, error) {
	s := &Server{FS: host.FS{Root: root}}
	lctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	unlock, err := s.FS.Lock(lctx, "/var/lib/neco/"+strings.TrimPrefix(name, "neco-")+".lock")
	if err != nil {
		return nil, fmt.Errorf("another %s runs here: %w", name, err)
	}
	s.unlock = unlock
	if err := s.identify(); err != nil {
		unlock()
		return nil, err
	}
	s.Log = log.With("lrn", s.LRN)
	if Version != unversioned {
		log = log.With("version", Version)
	}
	log.Info("starts", "lrn", s.LRN, "host", s.Hostname)
	ready(s.Log)
	return s, nil
}

func (s *Server) identify() (err error) {
	if s.LRN, err = s.FS.LRN(); err != nil {
		return err
	}
	if s.Hostname, err = hostname(s.FS); err != nil {
		return err
	}
	conf, err := neco.LoadEtcdConfig(s.FS.Path(neco.NecoConfFile))
	if err != nil {
		return err
	}
	s.Etcd, err = conf.Client()
	return err
}

// Close closes the etcd client and releases the lock.
func (s *Server) Close() {
	if s.stopWatchdog != nil {
		s.stopWatchdog()
	}
	s.Etcd.Close()
	s.unlock()
}

// hostname returns the host name of the kernel or, if root is not "/", the name in
// /etc/hostname below root.
func hostname(fs host.FS) (string, error) {
	if fs.Root != "" && fs.Root != "/" {
		if data, err := fs.Read("/etc/hostname"); err == nil {
			return strings.TrimSpace(string(data)), nil
		}
	}
	return os.Hostname()
}

// BootID returns the kernel's ID of the current boot of this machine, or "" if there is
// none. It is only displayed.
func BootID() string {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
