package placemat

// Options of a data centre, beside its description.
type Options struct {
	// BootImage is a root file system (tar) of boot servers, which Docker
	// runs.  Without it they are namespaces with BIRD.
	BootImage string
	// Hosts are lines of /etc/hosts for boot servers and for what runs on
	// switches: the proxy finds the names of the world outside there.
	Hosts string
	// AuthorizedKeys is a file with the SSH keys that let root in on boot
	// servers; empty: none does.
	AuthorizedKeys string
	// Run are commands for /bin/sh that run on a node until the end, by its
	// name.
	Run map[string]string
	// Trust is the certificate, in PEM, of an authority that boot servers are
	// to trust; a file.
	Trust string
}
