package docker

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cybozu-go/neco/internal/dockerapi"
)

// State is what a Docker daemon has and runs.
type State interface {
	// ImageID returns the ID of the image called name, or "" if there is none.
	ImageID(name string) string
	// Containers returns the running containers.
	Containers() ([]dockerapi.Container, error)
	// RestartPolicy returns the restart policy of the running container called name, or ""
	// if it has none.
	RestartPolicy(name string) string
	// Info returns what the daemon reports about itself.
	Info() dockerapi.Info
}

// daemon is the state of Docker on a server.
type daemon struct {
	store
	info dockerapi.Info
}

// Daemon returns the state of Docker on the server whose file system is at root. The daemon
// reports info about itself.
func Daemon(root string, info dockerapi.Info) State {
	return daemon{store{filepath.Join(root, dataDir)}, info}
}

// Info returns what the daemon reports about itself.
func (d daemon) Info() dockerapi.Info { return d.info }

// API returns the handler of the part of Docker's API that Neco uses.
func API(s State) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_ping", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("OK")) // the client may have disconnected
	})
	mux.HandleFunc("GET /info", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, s.Info()) })
	mux.HandleFunc("GET /containers/json", func(w http.ResponseWriter, _ *http.Request) {
		running, err := s.Containers()
		if err != nil {
			answer(w, http.StatusInternalServerError, map[string]string{"message": err.Error()})
			return
		}
		answer(w, http.StatusOK, running)
	})
	mux.HandleFunc("GET /containers/{name}/json", func(w http.ResponseWriter, r *http.Request) {
		inspect(w, s, r.PathValue("name"))
	})
	mux.HandleFunc("GET /images/{path...}", func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutSuffix(r.PathValue("path"), "/json")
		if id := s.ImageID(name); ok && id != "" {
			answer(w, http.StatusOK, map[string]string{"Id": id})
			return
		}
		answer(w, http.StatusNotFound, map[string]string{"message": "No such image: " + name})
	})
	return mux
}

// inspect answers with the details of the running container called name.
func inspect(w http.ResponseWriter, s State, name string) {
	running, err := s.Containers()
	if err != nil {
		answer(w, http.StatusInternalServerError, map[string]string{"message": err.Error()})
		return
	}
	if !slices.ContainsFunc(running, func(c dockerapi.Container) bool { return slices.Contains(c.Names, "/"+name) }) {
		answer(w, http.StatusNotFound, map[string]string{"message": "No such container: " + name})
		return
	}
	policy := map[string]string{"Name": s.RestartPolicy(name)}
	answer(w, http.StatusOK, map[string]any{"Name": "/" + name, "HostConfig": map[string]any{"RestartPolicy": policy}})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have disconnected
}

// RestartPolicy returns no restart policy: systemd restarts the containers of the sandbox.
func (store) RestartPolicy(string) string { return "" }

// ImageID returns the ID of the image called name, or "" if the image was not loaded.
func (s store) ImageID(name string) string {
	id, err := s.image(name)
	if err != nil {
		return ""
	}
	return id
}

// Containers returns the running containers.
func (s store) Containers() ([]dockerapi.Container, error) {
	running, err := s.containers()
	all := []dockerapi.Container{}
	for _, r := range running {
		all = append(all, dockerapi.Container{Names: []string{"/" + r.name}, Image: r.image, ImageID: s.ImageID(r.image)})
	}
	return all, err
}
