// Package artifacts finds the newest versions of the artifacts of a release, container
// images, Debian packages and the operating system of nodes, computes their digests, and
// writes both as the Go source of the root package.
//
// It owns the choice of a version and the formats of the generated files and of the list of
// ignored versions. It must not know what a boot server does with an artifact.
package artifacts
