package releaseserver

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/google/go-github/v45/github"
)

const (
	pageDefault = 30
	pageMaximum = 100
)

// call is the ResponseWriter that guard passes to the handler of an accepted API request.
type call struct {
	http.ResponseWriter
	drafts bool         // the client may see drafts
	refund func() state // removes the request from the quota, if the response is unchanged
}

// guard returns a handler that passes a request on to next. It refuses a request whose
// token is unknown, or whose client has reached the limit of its quota.
func (s *Server) guard(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		caller, token, ok := s.identify(r)
		if !ok {
			answerError(w, http.StatusUnauthorized, "Bad credentials")
			return
		}
		st := s.quota.take(caller, token, 1)
		st.write(w.Header())
		if st.exceeded {
			answerError(w, http.StatusForbidden, "API rate limit exceeded")
			return
		}
		refund := func() state { return st }
		if token {
			refund = func() state { return s.quota.take(caller, token, -1) }
		}
		next(&call{ResponseWriter: w, drafts: token, refund: refund}, r)
	}
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	if !s.serves(r) {
		notFound(w)
		return
	}
	page := max(number(r, "page", 1), 1)
	size := min(max(number(r, "per_page", pageDefault), 1), pageMaximum)
	shown := s.visible(maySeeDrafts(w))
	pages := max((len(shown)+size-1)/size, 1)
	writeLinks(w.Header(), r, page, pages)
	releases := []*github.RepositoryRelease{}
	if page <= pages {
		for _, e := range shown[(page-1)*size : min(page*size, len(shown))] {
			releases = append(releases, e.json(r))
		}
	}
	answer(w, r, releases)
}

func (s *Server) latest(w http.ResponseWriter, r *http.Request) {
	s.one(w, r, func(e *entry) bool { return !e.Draft && !e.Prerelease })
}

// byTag sends the release whose tag is in the request, but never a draft: GitHub creates
// the tag of a draft when it is published.
func (s *Server) byTag(w http.ResponseWriter, r *http.Request) {
	s.one(w, r, func(e *entry) bool { return !e.Draft && e.Tag == r.PathValue("id") })
}

func (s *Server) byID(w http.ResponseWriter, r *http.Request) {
	s.one(w, r, func(e *entry) bool { return strconv.FormatInt(e.id, 10) == r.PathValue("id") })
}

func (s *Server) one(w http.ResponseWriter, r *http.Request, match func(*entry) bool) {
	e := s.find(maySeeDrafts(w), match)
	if e == nil || !s.serves(r) {
		notFound(w)
		return
	}
	answer(w, r, e.json(r))
}

func (s *Server) assetsOf(w http.ResponseWriter, r *http.Request) {
	e := s.find(maySeeDrafts(w), func(e *entry) bool { return strconv.FormatInt(e.id, 10) == r.PathValue("of") })
	if e == nil || !s.serves(r) {
		notFound(w)
		return
	}
	answer(w, r, e.json(r).Assets)
}

// assetByID sends the content of an asset to clients that accept
// application/octet-stream, and its JSON form to all others.
func (s *Server) assetByID(w http.ResponseWriter, r *http.Request) {
	var found asset
	e := s.find(maySeeDrafts(w), func(e *entry) bool {
		i := slices.IndexFunc(e.assets, func(a asset) bool { return strconv.FormatInt(a.id, 10) == r.PathValue("id") })
		if i >= 0 {
			found = e.assets[i]
		}
		return i >= 0
	})
	switch {
	case e == nil || !s.serves(r):
		notFound(w)
	case r.Header.Get("Accept") == "application/octet-stream":
		serveFile(w, r, found)
	default:
		answer(w, r, found.json(r, e))
	}
}

func (s *Server) rateLimit(w http.ResponseWriter, r *http.Request) {
	caller, token, ok := s.identify(r)
	if !ok {
		answerError(w, http.StatusUnauthorized, "Bad credentials")
		return
	}
	st := s.quota.take(caller, token, 0)
	st.write(w.Header())
	core := map[string]int64{"limit": int64(st.limit), "remaining": int64(max(st.limit-st.used, 0)), "reset": st.reset.Unix()}
	answer(w, r, map[string]any{"resources": map[string]any{"core": core}, "rate": core})
}

func maySeeDrafts(w http.ResponseWriter) bool {
	c, ok := w.(*call)
	return ok && c.drafts
}
