package placemat

// Options are the parameters of a data centre that are not in its description.
type Options struct {
	// BootImage is the path of a tar archive with the root file system of boot servers,
	// which run in Docker. If it is empty, they are only namespaces with BIRD.
	BootImage string
	// Hosts are lines of /etc/hosts for boot servers and for services on switches: the
	// proxy resolves the names of the simulated internet with them.
	Hosts string
	// AuthorizedKeys is the path of a file with the SSH keys that may log in to boot
	// servers as root. If it is empty, nobody may.
	AuthorizedKeys string
	// Run maps the name of a node to a command for /bin/sh that runs there until Down.
	Run map[string]string
	// Trust is the path of the certificate, in PEM, of a CA that boot servers trust.
	Trust string
}
