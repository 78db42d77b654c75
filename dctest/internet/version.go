package main

import (
	"strings"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/release"
)

// versionOf returns the version in the file name of a package of Neco.
func versionOf(file string) (release.Version, bool) {
	rest, found := strings.CutPrefix(file, neco.NecoPackageName+"_")
	if !found {
		return release.Version{}, false
	}
	text, _, _ := strings.Cut(rest, "_")
	v, err := release.Parse(text)
	return v, err == nil && release.PackageFile(v) == file
}
