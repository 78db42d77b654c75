package releaseserver

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/go-github/v45/github"
)

// json returns the JSON form of the release, with URLs of the repository that the request
// r names.
func (e *entry) json(r *http.Request) *github.RepositoryRelease {
	api := apiBase(r) + "/releases/" + strconv.FormatInt(e.id, 10)
	rel := &github.RepositoryRelease{
		ID: github.Int64(e.id), TagName: github.String(e.Tag), Name: github.String(e.Tag), Body: github.String(e.Notes),
		Draft: github.Bool(e.Draft), Prerelease: github.Bool(e.Prerelease),
		CreatedAt: &github.Timestamp{Time: e.created},
		URL:       github.String(api),
		AssetsURL: github.String(api + "/assets"),
		HTMLURL:   github.String(webBase(r) + "/releases/tag/" + url.PathEscape(e.Tag)),
		Assets:    []*github.ReleaseAsset{},
	}
	if !e.Draft {
		rel.PublishedAt = rel.CreatedAt
	}
	for _, a := range e.assets {
		rel.Assets = append(rel.Assets, a.json(r, e))
	}
	return rel
}

// json returns the JSON form of an asset. Its download URL is always on github.com.
func (a asset) json(r *http.Request, e *entry) *github.ReleaseAsset {
	return &github.ReleaseAsset{
		ID: github.Int64(a.id), Name: github.String(a.name), State: github.String("uploaded"),
		Size: github.Int(int(a.size)), ContentType: github.String(contentType(a.name)),
		CreatedAt: &github.Timestamp{Time: a.updated}, UpdatedAt: &github.Timestamp{Time: a.updated},
		URL:                github.String(apiBase(r) + "/releases/assets/" + strconv.FormatInt(a.id, 10)),
		BrowserDownloadURL: github.String(webBase(r) + "/releases/download/" + url.PathEscape(e.Tag) + "/" + url.PathEscape(a.name)),
	}
}

func apiBase(r *http.Request) string {
	return "https://" + hostAPI + "/repos/" + r.PathValue("owner") + "/" + r.PathValue("repo")
}

func webBase(r *http.Request) string {
	return "https://" + hostWeb + "/" + r.PathValue("owner") + "/" + r.PathValue("repo")
}

// answer sends value as JSON, or the status 304 if the client has the same value already.
// A response with status 304 to a request with a token does not count against the quota.
func answer(w http.ResponseWriter, r *http.Request, value any) {
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(value); err != nil {
		answerError(w, http.StatusInternalServerError, err.Error())
		return
	}
	sum := sha256.Sum256(append(body.Bytes(), w.Header().Get("Link")...))
	etag := `W/"` + hex.EncodeToString(sum[:]) + `"`
	w.Header().Set("ETag", etag)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if hasETag(r.Header.Get("If-None-Match"), etag) {
		if c, ok := w.(*call); ok {
			c.refund().write(w.Header())
		}
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Write(body.Bytes())
}

// hasETag reports whether etag is in list, which is the value of an If-None-Match header.
// It compares weakly, as RFC 9110 requires.
func hasETag(list, etag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

func answerError(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{
		"message":           message,
		"documentation_url": "https://docs.github.com/rest",
	})
}

func notFound(w http.ResponseWriter) { answerError(w, http.StatusNotFound, "Not Found") }

// writeLinks sets the header Link to the URLs of the other pages of the list.
func writeLinks(h http.Header, r *http.Request, page, pages int) {
	var links []string
	add := func(rel string, to int) {
		query := r.URL.Query()
		query.Set("page", strconv.Itoa(to))
		links = append(links, fmt.Sprintf(`<%s/releases?%s>; rel="%s"`, apiBase(r), query.Encode(), rel))
	}
	if page > 1 {
		add("prev", min(page-1, pages))
	}
	if page < pages {
		add("next", page+1)
		add("last", pages)
	}
	if page > 1 {
		add("first", 1)
	}
	if len(links) > 0 {
		h.Set("Link", strings.Join(links, ", "))
	}
}

func number(r *http.Request, name string, otherwise int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n > 1<<20 {
		return otherwise
	}
	return n
}
