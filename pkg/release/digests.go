package release

import "github.com/cybozu-go/neco"

// Digests maps Debian packages of other projects to the SHA-256 of their package files in
// lower-case hex. Their projects publish no digests, so the package of Neco contains them.
type Digests map[string]string

// DebDigests returns the digests of the packages in the artifact set. A package whose
// digest is missing is installed only in the environment "test".
func DebDigests() Digests {
	return Digests{}
}

// Of returns the digest of d, or "" if it is unknown.
func (s Digests) Of(d neco.DebianPackage) string { return s[DigestKey(d)] }

// DigestKey returns the key of d in [Digests]: its name and the tag of its release.
func DigestKey(d neco.DebianPackage) string { return d.Name + " " + d.Release }
