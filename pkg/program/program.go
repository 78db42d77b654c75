// Package program is a table with one row for each program that Neco manages on boot
// servers. A row holds static properties, from which other packages derive the program's
// certificate, its user in etcd, the units that a reset stops and what operators prepare.
//
// The package is data, and imports only the names and paths of package neco. It must not
// know how a program is configured: its component does.
package program

import (
	"fmt"
	"slices"
)

// Program is one row of the table.
type Program struct {
	// Name is the program's name for operators. Its image and its user in etcd have the
	// same name.
	Name string
	// ToolsMount is the mount point at which install-tools in the image expects
	// /usr/local/bin of the host; empty if the image has no tools.
	ToolsMount string
	// Units are the program's services, in the order in which they are started.
	Units []string
	// Container is the name of the container of the first of Units, if it is not the
	// name of the unit; see [ContainerNames].
	Container string
	// FormerContainer is the name that versions of Neco before 2026.12 give that
	// container; empty if it is the same.
	FormerContainer string
	// Directories hold the program's data. They are created before its first start. An
	// update does not restart the program if they lack free space.
	Directories []Directory
	// Mixing defines which versions of the program may run at the same time.
	Mixing Mixing
	// User is the program's user in etcd; nil if it has none.
	User *User
	// Prepared is what neco init and neco init-local make for a program that operators
	// add to a data centre. It is nil for a program that every boot server has.
	Prepared *Prepared
}

// Directory is a directory for a program's data.
type Directory struct {
	Path string
	// Mode holds the permission bits.
	Mode uint32
	// Owner is the numeric ID of both the owning user and the owning group.
	Owner int
}

// User is a program's user in etcd and the user's client certificate.
type User struct {
	// Prefix is the prefix of the keys that this user may read and write, and no other
	// user except root. If it is empty, the user has the role root and thus all
	// permissions.
	Prefix string
	// Cert and Key are the files with the certificate and its private key. Owner is the
	// numeric ID of both their user and their group.
	Cert, Key string
	Owner     int
	// Restart means that the units are restarted after a renewal of the certificate,
	// because the program reads the files only at its start.
	Restart bool
}

// Prepared describes what neco init and neco init-local create for a program that
// operators add to a data centre on request.
type Prepared struct {
	// Token means that neco init issues a token for the program in etcd, and that the
	// program has a command of its own in place of neco init-local.
	Token bool
	// Config is the program's configuration file on a boot server.
	Config string
}

// Find returns the row of the program called name, or an error if the table has none.
func Find(name string) (Program, error) {
	for _, p := range All() {
		if p.Name == name {
			return p, nil
		}
	}
	return Program{}, fmt.Errorf("%q is not a program that Neco manages", name)
}

// ToolsMount returns the ToolsMount of the program called name, or "" if the table has no
// such program.
func ToolsMount(name string) string {
	p, _ := Find(name) // no row, no tools
	return p.ToolsMount
}

// Users returns the programs that are users of etcd.
func Users() []Program {
	return slices.DeleteFunc(All(), func(p Program) bool { return p.User == nil })
}

// OnRequest returns the programs that operators add to a data centre on request.
func OnRequest() []Program {
	return slices.DeleteFunc(All(), func(p Program) bool { return p.Prepared == nil })
}

// LocalCommand returns the command with which operators set up p, a program in OnRequest,
// on each boot server.
func (p Program) LocalCommand() string {
	if p.Prepared.Token {
		return "neco " + p.Name + " config"
	}
	return "neco init-local " + p.Name
}

// OnServers returns the programs in OnRequest that operators set up on each boot
// server with neco init-local.
func OnServers() []Program {
	return slices.DeleteFunc(OnRequest(), func(p Program) bool { return p.Prepared.Config == "" })
}

// Names returns the names of the given programs.
func Names(programs []Program) []string {
	var names []string
	for _, p := range programs {
		names = append(names, p.Name)
	}
	return names
}
