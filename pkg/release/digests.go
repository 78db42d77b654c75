package release

import "github.com/cybozu-go/neco"

// Digests maps files of other projects to their SHA-256 in lower-case hex. The key of a
// Debian package is its [DigestKey], that of another file its URL.
type Digests map[string]string

// ArtifactDigests returns the digests of files in the artifact set. Their projects publish
// no digests that Neco can trust, so the package of Neco contains them. A Debian package
// whose digest is missing is installed only in the environment "test". A file of the
// operating system whose digest is missing is not verified.
//
// The simulated internet of the sandbox and of the virtual data centre serves other files
// under the same URLs: before a digest is added, it must serve files with that digest.
func ArtifactDigests() Digests {
	return Digests{}
}

// Of returns the digest of d, or "" if it is unknown.
func (s Digests) Of(d neco.DebianPackage) string { return s[DigestKey(d)] }

// OfURL returns the digest of the file at the URL address, or "" if it is unknown.
func (s Digests) OfURL(address string) string { return s[address] }

// DigestKey returns the key of d in [Digests]: its name and the tag of its release.
func DigestKey(d neco.DebianPackage) string { return d.Name + " " + d.Release }
