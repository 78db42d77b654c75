package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"

	"github.com/cybozu-go/neco"
)

// flatcarDomain is the domain of the hosts from which Flatcar is downloaded; there is one
// host for each channel.
const flatcarDomain = "release.flatcar-linux.net"

// addDownloads adds to hosts the host from which Neco downloads kernel and initrd, with
// the paths that Neco requests.
func addDownloads(hosts map[string]http.Handler, system builtOS) error {
	kernel, initrd := neco.OSImage{Channel: system.Channel, Version: system.Version}.URLs()
	files := map[string]string{kernel: system.Kernel, initrd: system.Initrd}
	mux := http.NewServeMux()
	hosts["stable."+flatcarDomain] = mux // the host exists even if the nodes use another channel
	for address, file := range files {
		u, err := url.Parse(address)
		if err != nil {
			return fmt.Errorf("serve the operating system of the nodes: %w", err)
		}
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("serve %s: %w", address, err)
		}
		hosts[u.Host] = mux
		mux.HandleFunc("GET "+u.Path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/octet-stream")
			http.ServeFile(w, r, file)
		})
	}
	return nil
}
