package internet

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/cybozu-go/neco"
)

// NewDownloads returns the handler of the host from which the operating system of the nodes
// is downloaded: a small file for the kernel and another one for the initrd.
func NewDownloads(system neco.OSImage) (host string, handler http.Handler, err error) {
	mux := http.NewServeMux()
	kernel, initrd := system.URLs()
	for _, address := range []string{kernel, initrd} {
		u, err := url.Parse(address)
		if err != nil {
			return "", nil, err
		}
		host = u.Host
		mux.HandleFunc("GET "+u.Path, func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "from %s\n", r.URL.Path) })
	}
	return host, mux, nil
}
