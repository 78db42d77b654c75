package placemat

// Options are those parameters of a data centre that are not in its description.
type Options struct {
	// BootImage is the path of a tar archive with the root file system of boot servers,
	// which then run in Docker. If it is empty, boot servers are only network namespaces
	// with BIRD.
	BootImage string
	// NodeImage is the path of a tar archive with the file system in which nodes boot, and Netboot
	// that of the program with which they boot from the network. If they are empty, nodes are only
	// network namespaces. Otherwise they are off after Up.
	NodeImage, Netboot string
	// Hosts are lines of /etc/hosts with the names of the simulated internet. Boot
	// servers and the services on switches, such as the proxy, use them.
	Hosts string
	// AuthorizedKeys is the path of a file with the SSH keys that may log in to boot
	// servers as root. If it is empty, nobody can log in by SSH.
	AuthorizedKeys string
	// Run maps the name of a node to a command. /bin/sh runs the command on that node
	// until Down.
	Run map[string]string
	// Trust is the path of the certificate, in PEM, of a CA that boot servers trust.
	Trust string
}
