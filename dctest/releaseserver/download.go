package releaseserver

import (
	"fmt"
	"net/http"
	"os"
	"strings"
)

// download sends the file of an asset of a published release. Downloads do not count
// against the quota.
func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	e := s.find(false, func(e *entry) bool { return e.Tag == r.PathValue("tag") })
	if e != nil && s.serves(r) {
		for _, a := range e.assets {
			if a.name == r.PathValue("name") {
				serveFile(w, r, a)
				return
			}
		}
	}
	http.Error(w, "Not Found", http.StatusNotFound)
}

// serveFile sends the file of an asset, or those ranges of it that are requested.
func serveFile(w http.ResponseWriter, r *http.Request, a asset) {
	file, err := os.Open(a.path)
	if err != nil {
		answerError(w, http.StatusInternalServerError, "asset is gone")
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		answerError(w, http.StatusInternalServerError, "asset is gone")
		return
	}
	w.Header().Set("ETag", fmt.Sprintf(`"%d-%x-%x"`, a.id, info.Size(), info.ModTime().UnixNano()))
	w.Header().Set("Content-Type", contentType(a.name))
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", a.name))
	http.ServeContent(w, r, a.name, info.ModTime(), file)
}

func contentType(name string) string {
	if strings.HasSuffix(name, ".deb") {
		return "application/vnd.debian.binary-package"
	}
	return "application/octet-stream"
}
