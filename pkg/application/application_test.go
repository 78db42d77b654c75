package application_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/application"
	"github.com/cybozu-go/neco/pkg/etcdauth"
)

func TestConfig(t *testing.T) {
	const cke = `endpoints:
- https://10.69.0.3:2379
- https://10.69.0.195:2379
prefix: /cke/
tls-ca-file: /usr/local/share/ca-certificates/neco.crt
tls-cert-file: /etc/cke/etcd.crt
tls-key-file: /etc/cke/etcd.key
`
	const sabakan = `advertise-url: http://10.69.0.195:10080
dhcp-bind: 0.0.0.0:67
etcd:
  endpoints:
  - https://10.69.0.3:2379
  - https://10.69.0.195:2379
  prefix: /sabakan/
  tls-ca-file: /usr/local/share/ca-certificates/neco.crt
  tls-cert-file: /etc/sabakan/etcd.crt
  tls-key-file: /etc/sabakan/etcd.key
`
	for name, want := range map[string]string{"cke": cke, "sabakan": sabakan} {
		a, err := application.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := a.Config(1, []int{0, 1})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(f.Data)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestEveryApplicationHasItsRoleAndUsersInEtcd(t *testing.T) {
	for _, name := range []string{"cke", "etcdpasswd", "sabakan"} {
		a, err := application.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		want := []etcdauth.User{{Name: a.Name, Role: a.Name}, {Name: a.Name + "-2", Role: a.Name}}
		if diff := cmp.Diff(want, a.Users(2)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAnUnknownNameIsAnsweredWithTheKnownOnes(t *testing.T) {
	if _, err := application.Find("saba"); err == nil || err.Error() != `"saba" is no program that neco sets up; there are cke, etcdpasswd, sabakan` {
		t.Error(err)
	}
}
