package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco/dctest/sandbox"
)

// headerTimeout is how long the server waits for the header of a request before it closes
// the connection. It is also how long Serve, at its end, waits for open requests to
// complete.
const headerTimeout = 10 * time.Second

// errDown is the cause of the sandbox's end if a client has requested that end.
var errDown = errors.New("down")

// Serve serves requests on l, which control the sandbox s. It blocks until ctx is done,
// the sandbox has failed, or a client has requested the sandbox's end.
func Serve(ctx context.Context, l net.Listener, s *sandbox.Sandbox) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	srv := &http.Server{Handler: handler(s, end), ReadHeaderTimeout: headerTimeout}
	var g errgroup.Group
	g.Go(func() error {
		defer end(nil)
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve requests to the sandbox: %w", err)
		}
		return nil
	})
	select {
	case <-ctx.Done():
	case <-s.Failed():
	}
	// The client that requested the end still gets a response.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), headerTimeout)
	defer cancel()
	return errors.Join(srv.Shutdown(grace), g.Wait())
}

// Order holds the arguments of a request. Each kind of request uses some of the fields.
type Order struct {
	Server     int            `json:"server,omitempty"`
	Servers    []int          `json:"servers,omitempty"`
	Unit       string         `json:"unit,omitempty"`
	Signal     syscall.Signal `json:"signal,omitempty"`
	Deb        string         `json:"deb,omitempty"`
	Prerelease bool           `json:"prerelease,omitempty"`
}

// Location holds the directories of a boot server's files and logs, and the environment
// of its programs.
type Location struct {
	Root string   `json:"root"`
	Logs string   `json:"logs"`
	Env  []string `json:"env"`
}

// handler returns the HTTP handler, which has a path for each kind of request.
func handler(s *sandbox.Sandbox, end context.CancelCauseFunc) http.Handler {
	mux := http.NewServeMux()
	verb := func(path string, f func(ctx context.Context, o Order) (any, error)) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { answer(w, r, f) })
	}
	verb("/status", func(ctx context.Context, _ Order) (any, error) { return status(ctx, s) })
	verb("/kill", func(_ context.Context, o Order) (any, error) {
		if _, err := known(s, o); err != nil {
			return nil, err
		}
		return nil, s.Kill(o.Server, o.Unit, o.Signal)
	})
	verb("/start", func(ctx context.Context, o Order) (any, error) { return nil, start(ctx, s, o) })
	verb("/cut", func(_ context.Context, o Order) (any, error) { return nil, s.Cut(o.Servers...) })
	verb("/heal", func(context.Context, Order) (any, error) { s.Heal(); return nil, nil })
	verb("/locate", func(_ context.Context, o Order) (any, error) {
		srv, err := s.Server(o.Server)
		if err != nil {
			return nil, err
		}
		return Location{Root: srv.Root, Logs: srv.LogDir(), Env: srv.Env}, nil
	})
	verb("/publish", func(ctx context.Context, o Order) (any, error) {
		if err := sandbox.CheckDeb(ctx, o.Deb); err != nil {
			return nil, err
		}
		return s.Publish(o.Deb, o.Prerelease)
	})
	verb("/down", func(context.Context, Order) (any, error) { end(errDown); return nil, nil })
	return mux
}

// answer decodes the arguments of a request, calls f, and sends the result.
func answer(w http.ResponseWriter, r *http.Request, f func(context.Context, Order) (any, error)) {
	var o Order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	result, err := f(r.Context(), o)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(result)
}
