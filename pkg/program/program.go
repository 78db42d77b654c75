// Package program has one row for each program that Neco manages on boot servers:
// what is known of it before anything is done. Certificates, users of etcd, what a
// reset stops and what operators prepare are computed from the rows, by the packages
// that do these things.
//
// It is data, and imports the names and paths of package neco alone. It must not
// know how a program is configured: its component does.
package program

import (
	"fmt"
	"slices"
)

// Program is one row.
type Program struct {
	// Name is what operators call it. So are its image and its user in etcd.
	Name string
	// ToolsMount is where install-tools, in its image, wants /usr/local/bin of the
	// host; empty: the image has none.
	ToolsMount string
	// Units are its services, in the order in which they are started.
	Units []string
	// Mixing says which of its versions may run at once.
	Mixing Mixing
	// User is what it is in etcd; nil: it is no user.
	User *User
	// Prepared is what neco init and neco init-local make for a program that
	// operators add; nil: every boot server has it, without being asked.
	Prepared *Prepared
}

// User is a user of etcd, with the certificate by which it proves who it is.
type User struct {
	// Prefix is that of the keys which it may read and write, and nobody else but
	// root; empty: it may do everything, by the role root.
	Prefix string
	// Cert and Key are files that belong to Owner, a user and a group.
	Cert, Key string
	Owner     int
	// Restart: its units are restarted after a renewal, for it reads the files when
	// it starts alone.
	Restart bool
}

// Prepared is what a program has that operators add to a data centre.
type Prepared struct {
	// Token: a token, which is kept in etcd, and nothing on boot servers.
	Token bool
	// Config is the file with its configuration on a boot server.
	Config string
}

// Find returns the row of that name.
func Find(name string) (Program, error) {
	for _, p := range All() {
		if p.Name == name {
			return p, nil
		}
	}
	return Program{}, fmt.Errorf("%q is no program that Neco manages", name)
}

// ToolsMount is that of the program called name.
func ToolsMount(name string) string {
	p, _ := Find(name) // no row, no tools
	return p.ToolsMount
}

// Users are the programs that are users of etcd.
func Users() []Program {
	return slices.DeleteFunc(All(), func(p Program) bool { return p.User == nil })
}

// OnRequest are the programs that operators add to a data centre.
func OnRequest() []Program {
	return slices.DeleteFunc(All(), func(p Program) bool { return p.Prepared == nil })
}

// OnServers are those of OnRequest that operators set up on each boot server.
func OnServers() []Program {
	return slices.DeleteFunc(OnRequest(), func(p Program) bool { return p.Prepared.Config == "" })
}

// Names of programs, for messages and completion.
func Names(programs []Program) []string {
	var names []string
	for _, p := range programs {
		names = append(names, p.Name)
	}
	return names
}
