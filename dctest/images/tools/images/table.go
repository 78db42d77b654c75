package main

// item is one thing to build.
type item struct {
	// Name of the image, as in the artifact set.
	Name string
	// Version is that of what is really inside; empty: a stand-in, which has
	// only the version of the artifact set.
	Version string
	// Programs are in /usr/local/NAME/bin. The first one is the entry point.
	Programs []program
	// Tools are the names of those programs that install-tools copies to the
	// host.
	Tools []string
	// User of the container, if not root.
	User string
	// Env is added to the environment of the container.
	Env []string
}

// program is one static binary.
type program struct {
	Name string
	// Module is a directory beside this one, Package is in it or one of its
	// dependencies.
	Module, Package string
	// Tags of the build.
	Tags string
	// Note says why it takes so long, if it does.
	Note string
}

// standin is a program of ours.
func standin(name string) program {
	return program{Name: name, Module: "standin", Package: "./" + name}
}

// table is every image but those that are only an idle process.
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
		{Name: "sabakan", Tools: []string{"sabactl"}, Programs: []program{standin("sabakan"), standin("sabactl")}},
		{Name: "setup-hw", Programs: []program{standin("setup-hw")}},
		{Name: "promtail", Programs: []program{standin("promtail")}},
	}
}

// hostPrograms run on hosts.
func hostPrograms() []program {
	return []program{vault(), standin("registry"), standin("cke"), standin("cke-localproxy"), standin("ckecli")}
}

// vault is also what the tests of packages run.
func vault() program {
	return program{Name: "vault", Module: "vault", Package: ".", Tags: "minimal", Note: "about 7 minutes"}
}

// installTools is in every image that has tools.
func installTools() program { return standin("install-tools") }

// idle is the only program of all other images.
func idle(name string) item {
	return item{Name: name, Programs: []program{standin("idle")}}
}
