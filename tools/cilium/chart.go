package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

// The Go module of Cilium contains the chart. The checksum is that of the module's zip
// file, as in go.sum. The module is not in go.mod, because this program needs only a
// directory of it.
const (
	module    = "github.com/cilium/cilium"
	version   = "v1.11.5"
	moduleSum = "h1:ePZl1/pAecgpjXCFUBj0pe+3uJNBDDIqriNwyAgp3Ck="
	chartDir  = "install/kubernetes/cilium"
)

const (
	release   = "cilium"
	namespace = "kube-system"
)

// kubernetes is the version of Kubernetes that CKE installs. The chart selects API
// versions and fields by it.
var kubernetes = chartutil.KubeVersion{Version: "v1.22.5", Major: "1", Minor: "22"}

// fetchChart returns the chart. It downloads the module into Go's module cache if it is
// not there.
func fetchChart(ctx context.Context) (*chart.Chart, error) {
	stdout, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", module+"@"+version).Output()
	var m struct{ Dir, Sum, Error string }
	if jsonErr := json.Unmarshal(stdout, &m); jsonErr == nil && m.Error != "" {
		return nil, fmt.Errorf("download %s: %s", module, m.Error)
	}
	if err != nil {
		return nil, fmt.Errorf("download %s: %w", module, err)
	}
	if m.Sum != moduleSum {
		return nil, fmt.Errorf("download %s: checksum %q, want %q", module, m.Sum, moduleSum)
	}
	return loader.LoadDir(filepath.Join(m.Dir, chartDir))
}

// renderChart returns the texts of the chart's templates with values, by their paths.
func renderChart(c *chart.Chart, values map[string]any) (map[string]string, error) {
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = kubernetes
	options := chartutil.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(c, values, options, capabilities)
	if err != nil {
		return nil, err
	}
	texts, err := engine.Render(c, all)
	for path := range texts {
		if strings.HasSuffix(path, "NOTES.txt") {
			delete(texts, path)
		}
	}
	return texts, err
}
