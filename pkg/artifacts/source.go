package artifacts

import (
	"bytes"
	_ "embed"
	"go/format"
	"text/template"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/release"
)

//go:embed artifacts.go.tmpl
var artifactsTemplate string

//go:embed artifacts_digests.go.tmpl
var digestsTemplate string

// Source returns the contents of the file artifacts.go with the artifact set set.
func Source(set neco.ArtifactSet) ([]byte, error) { return render(artifactsTemplate, set) }

// DigestsSource returns the contents of the file artifacts_digests.go with those digests in
// digests that belong to an artifact in set, in the order of set.
func DigestsSource(set neco.ArtifactSet, digests release.Digests) ([]byte, error) {
	type entry struct{ Key, Digest string }
	var entries []entry
	for _, key := range keys(set) {
		if digests[key] != "" {
			entries = append(entries, entry{key, digests[key]})
		}
	}
	return render(digestsTemplate, entries)
}

// keys returns the keys that the artifacts in set have in [release.Digests].
func keys(set neco.ArtifactSet) []string {
	var all []string
	for _, img := range set.Images {
		all = append(all, img.FullName(false))
		if img.Private {
			all = append(all, img.FullName(true))
		}
	}
	for _, d := range set.Debs {
		all = append(all, release.DigestKey(d))
	}
	kernel, initrd := set.OSImage.URLs()
	return append(all, kernel, initrd)
}

// render returns the Go source that the template text makes of value, formatted.
func render(text string, value any) ([]byte, error) {
	t, err := template.New("").Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, value); err != nil {
		return nil, err
	}
	return format.Source(b.Bytes())
}
