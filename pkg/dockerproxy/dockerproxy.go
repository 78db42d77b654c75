// Package dockerproxy owns the files that give the Docker daemon its HTTP proxy: a drop-in
// of Docker's unit and, if the URL of the proxy has a user name or password, a file that
// only root can read.
//
// It also recognises the drop-in of cybozu-go/neco, which this Neco replaces. It must not
// know whether Docker is running, nor where the proxy is configured.
package dockerproxy

import (
	"bytes"
	_ "embed"
	"fmt"
	"net/url"
	"strings"
	"text/template"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/weburl"
	"github.com/cybozu-go/neco/pkg/host"
)

// Service is the systemd unit of the Docker daemon.
const Service = "docker"

// secretFile is an environment file for a proxy with a user name or password. Every user
// may read the variables in a unit, but not those in the unit's environment files.
const secretFile = "/etc/docker/neco-proxy.env"

// direct are the hosts to which Docker connects without the proxy.
const direct = "localhost,127.0.0.1"

//go:embed drop-in.conf.tmpl
var dropInTemplate string

// dir returns the directory of the drop-ins of Docker's unit.
func dir() string { return neco.ServiceFile(Service) + ".d" }

// dropIn returns the path of the drop-in that this package writes, and override the path
// of the drop-in that cybozu-go/neco writes for the same purpose.
func dropIn() string   { return dir() + "/http-proxy.conf" }
func override() string { return dir() + "/override.conf" }

// Files returns the files that make Docker use the proxy at the URL proxy from its next
// start on, or nil if proxy is empty. It returns an error if proxy is not a valid URL; the
// error does not contain proxy.
func Files(proxy string) ([]host.File, error) {
	if proxy == "" {
		return nil, nil
	}
	if _, err := weburl.ParseProxy(proxy); err != nil {
		return nil, fmt.Errorf("proxy of Docker: %w", err)
	}
	// systemd replaces %% by % in a unit, and nothing in an environment file.
	values := map[string]string{"Proxy": strings.ReplaceAll(proxy, "%", "%%"), "Direct": direct, "Secret": ""}
	var files []host.File
	if Secret(proxy) {
		values["Secret"] = secretFile
		text := fmt.Sprintf("HTTP_PROXY=%s\nHTTPS_PROXY=%s\nNO_PROXY=%s\n", proxy, proxy, direct)
		files = append(files, host.File{Path: secretFile, Data: []byte(text), Mode: 0o600})
	}
	t, err := template.New("drop-in").Parse(dropInTemplate)
	if err != nil {
		return nil, fmt.Errorf("parse the template of Docker's drop-in: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, values); err != nil {
		return nil, fmt.Errorf("render Docker's drop-in: %w", err)
	}
	return append(files, host.File{Path: dropIn(), Data: b.Bytes(), Mode: 0o644}), nil
}

// Secret reports whether the URL proxy has a user name or password.
func Secret(proxy string) bool {
	u, err := weburl.ParseProxy(proxy)
	return err == nil && u.User != nil
}

// Shown returns the URL proxy as the command docker info shows it: with xxxxx in place of
// a user name and a password.
func Shown(proxy string) string {
	u, err := weburl.ParseProxy(proxy)
	if err != nil || u.User == nil {
		return proxy
	}
	u.User = url.UserPassword("xxxxx", "xxxxx")
	return u.String()
}
