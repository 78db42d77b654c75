// Package program has one row for each program that Neco manages on boot servers, with
// its static properties. Other packages compute from the rows the certificates, the
// users of etcd, the units that a reset stops and what operators prepare.
//
// It is data, and imports only the names and paths of package neco. It must not know
// how a program is configured: its component does.
package program

import (
	"fmt"
	"slices"
)

// Program is one row.
type Program struct {
	// Name is the name for operators, of the image and of the user in etcd.
	Name string
	// ToolsMount is the directory at which install-tools in the image expects
	// /usr/local/bin of the host; empty: the image has no tools.
	ToolsMount string
	// Units are its services, in the order in which they are started.
	Units []string
	// Directories hold its data. They are created before its first start, and an update
	// restarts the program only while there is space in them.
	Directories []Directory
	// Mixing defines which of its versions may run at the same time.
	Mixing Mixing
	// User is its user in etcd; nil: it has none.
	User *User
	// Prepared is what neco init and neco init-local make for a program that operators
	// add; nil: every boot server has the program without their request.
	Prepared *Prepared
}

// Directory is a directory of a program.
type Directory struct {
	Path string
	// Mode is the permission bits.
	Mode uint32
	// Owner is both a user and a group ID.
	Owner int
}

// User is a user of etcd and its client certificate.
type User struct {
	// Prefix is the prefix of the keys that the user may read and write. Only root may
	// access them too. Empty: the user has the role root and may do everything.
	Prefix string
	// Cert and Key are files owned by Owner, both a user and a group ID.
	Cert, Key string
	Owner     int
	// Restart makes a renewal restart the units, for programs that read the files only
	// at their start.
	Restart bool
}

// Prepared is what operators prepare for a program that they add to a data centre.
type Prepared struct {
	// Token: the program has a token in etcd, and no files on boot servers.
	Token bool
	// Config is the configuration file on a boot server.
	Config string
}

// Find returns the row of the program called name.
func Find(name string) (Program, error) {
	for _, p := range All() {
		if p.Name == name {
			return p, nil
		}
	}
	return Program{}, fmt.Errorf("%q is not a program that Neco manages", name)
}

// ToolsMount returns the ToolsMount of the program called name; empty if there is no
// such program.
func ToolsMount(name string) string {
	p, _ := Find(name) // no row, no tools
	return p.ToolsMount
}

// Users returns the programs that are users of etcd.
func Users() []Program {
	return slices.DeleteFunc(All(), func(p Program) bool { return p.User == nil })
}

// OnRequest returns the programs that operators add to a data centre.
func OnRequest() []Program {
	return slices.DeleteFunc(All(), func(p Program) bool { return p.Prepared == nil })
}

// OnServers returns the programs of OnRequest that operators set up on each boot
// server.
func OnServers() []Program {
	return slices.DeleteFunc(OnRequest(), func(p Program) bool { return p.Prepared.Config == "" })
}

// Names returns the names of programs, for messages and completion.
func Names(programs []Program) []string {
	var names []string
	for _, p := range programs {
		names = append(names, p.Name)
	}
	return names
}
