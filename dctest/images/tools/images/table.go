package main

// item is an image to build.
type item struct {
	// Name is the name of the image, as in the artifact set.
	Name string
	// Version is the version of the real program in the image. It is empty if the program
	// is an imitation, which only has the version in the artifact set.
	Version string
	// Programs are installed in /usr/local/NAME/bin of the image.
	Programs []program
	// Debian are programs of this machine that are copied with their libraries, and Data other
	// files of it.
	Debian, Data []string
	// Entry is the entry point; empty means the first of Programs.
	Entry []string
	// Tools are the names of those programs that install-tools copies to the host.
	Tools []string
	// User is the user who runs the container; empty means root.
	User string
	// Env is added to the environment of the container.
	Env []string
}

// program is a statically linked program.
type program struct {
	Name string
	// Module is a directory beside this one. Package is a package in that module or in
	// one of its dependencies.
	Module, Package string
	// Tags are the build tags.
	Tags string
	// Note is a text about how long the build takes, if it is long.
	Note string
}

// standin returns the program that imitates the real program called name.
func standin(name string) program {
	return program{Name: name, Module: "standin", Package: "./" + name}
}

// table returns all images that contain more than the program idle.
func table() []item {
	return []item{
		{Name: "etcd", Version: "3.6.16.1", User: "10000:10000", Tools: []string{"etcdctl"}, Programs: []program{
			{Name: "etcd", Module: "etcd", Package: "./etcd", Note: "about a minute"},
			{Name: "etcdctl", Module: "etcd", Package: "go.etcd.io/etcd/etcdctl/v3"},
			{Name: "etcdutl", Module: "etcd", Package: "go.etcd.io/etcd/etcdutl/v3"},
		}},
		{Name: "serf", Version: "0.11.0.1", Tools: []string{"serf"}, Programs: []program{
			{Name: "serf", Module: "serf", Package: "github.com/hashicorp/serf/cmd/serf"},
		}},
		// The machine may not lock memory.
		{Name: "vault", Version: "1.21.0.1", User: "10000:10000", Env: []string{"VAULT_DISABLE_MLOCK=true"}, Tools: []string{"vault"}, Programs: []program{vault()}},
		{Name: "sabakan", Tools: []string{"sabactl"}, Entry: []string{"/usr/local/sabakan/bin/sabakan", "-dhcp"}, Data: []string{"/usr/lib/ipxe/ipxe.efi"},
			Programs: []program{standin("sabakan"), standin("sabactl")}},
		{Name: "setup-hw", Programs: []program{standin("monitor-hw"), standin("setup-hw")}},
		{Name: "bird", Debian: []string{"/usr/sbin/bird", "/usr/sbin/birdc"}, Entry: []string{"/usr/sbin/bird", "-f"}},
		// The clock of a container is that of its machine: chronyd measures it and does not set it.
		{Name: "chrony", Debian: []string{"/usr/sbin/chronyd", "/usr/bin/chronyc"}, Entry: []string{
			"/usr/sbin/chronyd", "-x", "-u", "root", "-f", "/etc/chrony.conf", "-d",
		}},
		{Name: "promtail", Programs: []program{standin("promtail")}},
	}
}

// hostPrograms returns the programs that run on hosts instead of in containers.
func hostPrograms() []program {
	return []program{vault(), standin("registry"), standin("cke"), standin("cke-localproxy"), standin("ckecli")}
}

// vault returns the program of Vault. It is part of Vault's image and is also used by
// tests of Go packages.
func vault() program {
	return program{Name: "vault", Module: "vault", Package: ".", Tags: "minimal", Note: "about 7 minutes"}
}

// installTools returns the program install-tools, which is in every image with tools.
func installTools() program { return standin("install-tools") }

// idle returns an image that contains only the program idle.
func idle(name string) item {
	return item{Name: name, Programs: []program{standin("idle")}}
}
