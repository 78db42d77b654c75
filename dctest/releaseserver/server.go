package releaseserver

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// The hosts of GitHub that a Server imitates.
const (
	hostAPI = "api.github.com"
	hostWeb = "github.com"
)

// The rate limits of GitHub, per hour.
const (
	limitAnonymous = 60
	limitToken     = 5000
)

// Options are the parameters of a Server. With the zero value, it serves any repository,
// has GitHub's limits and accepts no token.
type Options struct {
	// Owner and Name are the owner and the name of the repository. Empty values stand for
	// any.
	Owner, Name string
	// Tokens are the tokens that the API accepts. Requests with another token are
	// refused.
	Tokens []string
	// Limit and TokenLimit are how many API requests per hour a client without and with a
	// token may send. Zero means 60 and 5000, as at GitHub; a negative number means no
	// limit.
	Limit, TokenLimit int
	// Now returns the current time; nil means time.Now.
	Now func() time.Time
}

// Server is an HTTP handler that responds as GitHub does. It is safe for concurrent use.
// A release is visible to all requests that start after Publish has returned.
type Server struct {
	opts  Options
	now   func() time.Time
	quota *quota
	api   http.Handler
	web   http.Handler

	mu        sync.Mutex
	entries   []*entry
	lastID    int64
	lastAsset int64
}

var _ http.Handler = (*Server)(nil)

// New returns a Server without releases.
func New(opts Options) *Server {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Server{opts: opts, now: opts.Now}
	s.quota = newQuota(orDefault(opts.Limit, limitAnonymous), orDefault(opts.TokenLimit, limitToken), opts.Now)
	s.api, s.web = s.routeAPI(), s.routeWeb()
	return s
}

// ServeHTTP serves the host that the request names. For any other host name it serves the
// paths of both hosts.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := host(r)
	api := strings.HasPrefix(r.URL.Path, "/repos/") || r.URL.Path == "/rate_limit"
	if name == hostAPI || (api && name != hostWeb) {
		s.api.ServeHTTP(w, r)
		return
	}
	s.web.ServeHTTP(w, r)
}

// routeAPI returns the handler of api.github.com.
func (s *Server) routeAPI() http.Handler {
	const releases = "GET /repos/{owner}/{repo}/releases"
	mux := http.NewServeMux()
	mux.HandleFunc(releases, s.guard(s.list))
	mux.HandleFunc(releases+"/{id}", s.guard(s.byID))
	mux.HandleFunc(releases+"/latest", s.guard(s.latest))
	mux.HandleFunc(releases+"/{of}/{id}", s.guard(s.below))
	mux.HandleFunc("GET /rate_limit", s.rateLimit)
	mux.HandleFunc("/", s.guard(func(w http.ResponseWriter, _ *http.Request) { notFound(w) }))
	return mux
}

// below returns the handler of paths with two parts after "releases". Separate patterns
// for these paths would conflict in a ServeMux.
func (s *Server) below(w http.ResponseWriter, r *http.Request) {
	of, id := r.PathValue("of"), r.PathValue("id")
	switch {
	case of == "tags":
		s.byTag(w, r)
	case of == "assets":
		s.assetByID(w, r)
	case id == "assets":
		s.assetsOf(w, r)
	default:
		notFound(w)
	}
}

// routeWeb returns the handler of github.com.
func (s *Server) routeWeb() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{owner}/{repo}/releases/download/{tag}/{name}", s.download)
	return mux
}

// serves reports whether the request is about the server's repository.
func (s *Server) serves(r *http.Request) bool {
	owner, repo := r.PathValue("owner"), r.PathValue("repo")
	return (s.opts.Owner == "" || s.opts.Owner == owner) && (s.opts.Name == "" || s.opts.Name == repo)
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}
