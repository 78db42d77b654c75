package release

import "github.com/cybozu-go/neco"

// Digests maps artifacts of other projects to their SHA-256 in lower-case hex. The key of a
// container image is its full name, that of a Debian package its [DigestKey], and that of a
// file of the operating system its URL.
type Digests map[string]string

// ArtifactDigests returns the digests of the artifact set. Their projects publish no digests
// that Neco can trust, so the package of Neco contains them; see docs/artifacts.md. A Debian
// package whose digest is missing is installed only in the environment "test". A container
// image or a file of the operating system whose digest is missing is not verified.
func ArtifactDigests() Digests { return neco.CurrentDigests() }

// Of returns the digest of d, or "" if it is unknown.
func (s Digests) Of(d neco.DebianPackage) string { return s[DigestKey(d)] }

// OfURL returns the digest of the file at the URL address, or "" if it is unknown.
func (s Digests) OfURL(address string) string { return s[address] }

// DigestKey returns the key of d in [Digests]: its name and the tag of its release.
func DigestKey(d neco.DebianPackage) string { return d.Name + " " + d.Release }
