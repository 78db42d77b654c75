package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco/dctest/sandbox/docker"
	"github.com/cybozu-go/neco/dctest/sandbox/systemd"
	"github.com/cybozu-go/neco/internal/dockerapi"
	"github.com/cybozu-go/neco/pkg/dockerproxy"
	"github.com/cybozu-go/neco/pkg/host"
)

// The units of the neco package.
const (
	WorkerUnit  = "neco-worker.service"
	UpdaterUnit = "neco-updater.service"
)

// Server is a boot server: a directory with its own systemd.
type Server struct {
	LRN int
	// Root is the directory that is the server's file system.
	Root string
	// Env is the environment of all processes of the server.
	Env []string

	units    *systemd.Manager
	socket   string
	resolver string // the address of cke-localproxy's resolver
}

// LogFile returns the path of the file with the output of a unit.
func (s *Server) LogFile(unit string) string { return filepath.Join(s.LogDir(), unit+".log") }

// LogDir returns the directory of the log files; each unit has one.
func (s *Server) LogDir() string { return filepath.Join(s.Root, "var/log/units") }

// MainPID returns the process ID of a unit's main process, 0 if there is none.
func (s *Server) MainPID(unit string) int { return s.units.MainPID(unit) }

// State returns the state of a unit as printed by systemctl is-active.
func (s *Server) State(unit string) string { return s.units.ActiveState(unit) }

// install creates the boot servers and installs the package on them.
func (s *Sandbox) install(ctx context.Context) error {
	v, err := s.Publish(s.opts.Deb, false)
	if err != nil {
		return err
	}
	if err := s.makeServers(); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for lrn, srv := range s.all() {
		g.Go(func() error {
			if err := packages(srv.Root).Install(ctx, s.opts.Deb); err != nil {
				return fmt.Errorf("boot server %d: %w", lrn, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	s.opts.Say(fmt.Sprintf("boot servers %v: dpkg has installed neco %s", s.opts.Servers, v))
	return nil
}

// makeServers creates all boot servers, without packages.
func (s *Sandbox) makeServers() error {
	for _, lrn := range s.opts.Servers {
		srv, err := s.newServer(lrn)
		if err != nil {
			return fmt.Errorf("boot server %d: %w", lrn, err)
		}
		s.mu.Lock()
		s.servers[lrn] = srv
		s.mu.Unlock()
	}
	return nil
}

// newServer creates a boot server without packages and starts its systemd.
func (s *Sandbox) newServer(lrn int) (*Server, error) {
	srv := &Server{LRN: lrn, Root: s.path(fmt.Sprintf("boot-%d", lrn))}
	endpoints, err := s.endpoints(lrn)
	if err != nil {
		return nil, err
	}
	if err := layOut(srv, endpoints, s.internet.CA(), s.opts.Docker); err != nil {
		return nil, err
	}
	if err := prepare(srv, s.internet); err != nil {
		return nil, err
	}
	if err := addCommands(srv); err != nil {
		return nil, err
	}
	if srv.socket, err = socketPath(srv.Root); err != nil {
		return nil, err
	}
	daemon, err := s.serveDocker(srv)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(srv.Root, "usr/local/bin") + ":" + filepath.Join(srv.Root, "usr/bin") + ":" +
		os.Getenv("PATH") + ":/usr/local/sbin:/usr/sbin:/sbin"
	srv.Env = []string{
		"DBUS_SYSTEM_BUS_ADDRESS=unix:path=" + srv.socket,
		"SSL_CERT_FILE=" + filepath.Join(srv.Root, caFile),
		"HOME=" + filepath.Join(srv.Root, "root"),
		"TMPDIR=" + filepath.Join(srv.Root, "tmp"),
		docker.RootEnv + "=" + srv.Root,
		"DOCKER_HOST=unix://" + daemon,
	}
	srv.Env = append(srv.Env, s.standInEnv(srv, endpoints)...)
	srv.units, err = systemd.New(systemd.Options{
		Root: srv.Root, Socket: srv.socket, LogDir: srv.LogDir(), Env: srv.Env, Path: path,
		Log: s.opts.Log.With("lrn", lrn),
	})
	if err != nil {
		return nil, err
	}
	srv.Env[0] = "DBUS_SYSTEM_BUS_ADDRESS=" + srv.units.Address()
	srv.Env = append(srv.Env, "PATH="+path)
	s.units.Go(func() error { return srv.units.Run(s.units.ctx) })
	return srv, nil
}

// boot starts the enabled units of all boot servers.
func (s *Sandbox) boot(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, srv := range s.all() {
		g.Go(func() error {
			if err := srv.units.Boot(ctx); err != nil {
				return fmt.Errorf("boot server %d: %w", srv.LRN, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	s.opts.Say(fmt.Sprintf("boot servers %v: neco-updater and neco-worker run", s.opts.Servers))
	return nil
}

// serveDocker serves the API of Docker's daemon on a server, which has the proxy that the
// installer configures, and returns the path of its socket.
func (s *Sandbox) serveDocker(srv *Server) (socket string, err error) {
	socket = filepath.Join(filepath.Dir(srv.socket), "docker.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		return "", err
	}
	proxy := "http://" + s.proxy
	if err := dockerproxy.Replace(host.FS{Root: srv.Root}, proxy); err != nil {
		return "", err
	}
	info := dockerapi.Info{HTTPProxy: proxy, HTTPSProxy: proxy}
	daemon := &http.Server{Handler: docker.API(docker.Daemon(srv.Root, info)), ReadHeaderTimeout: headerTimeout}
	s.bg.Go(func() error {
		if err := daemon.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve Docker's API: %w", err)
		}
		return nil
	})
	s.bg.Go(func() error {
		<-s.bg.ctx.Done()
		return daemon.Close()
	})
	return socket, nil
}

// headerTimeout is how long the API of Docker waits for the header of a request.
const headerTimeout = 10 * time.Second

// maxSocketPath is the longest path of a socket that the kernel accepts, without the
// terminating zero byte.
const maxSocketPath = 107

// socketPath returns the path for the D-Bus socket of the server at root; the socket of
// Docker is in the same directory. The sockets are below root, unless their paths would be
// too long; then they are in a new temporary directory.
func socketPath(root string) (string, error) {
	path := filepath.Join(root, "run/dbus")
	if len(filepath.Join(root, "run/docker.sock")) <= maxSocketPath {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "neco-bus-")
	if err != nil {
		return "", fmt.Errorf("make a directory for a socket: %w", err)
	}
	return filepath.Join(dir, "dbus"), nil
}

// removeSocket removes the temporary directory of the socket, if socketPath has created
// one.
func (s *Server) removeSocket() error {
	if strings.HasPrefix(s.socket, s.Root) {
		return nil
	}
	return os.RemoveAll(filepath.Dir(s.socket))
}
