package etcd_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/host"
)

func TestFiles(t *testing.T) {
	componenttest.Golden(t, etcd.Component{}, componenttest.Target())
}

func TestOnlyTheBootstrapBeginsANewCluster(t *testing.T) {
	for state, want := range map[etcd.State]string{"": "existing", etcd.StateNew: "new"} {
		files, err := etcd.Component{State: state}.Files(componenttest.Target())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(files[0].Data), "initial-cluster-state: "+want+"\n") {
			t.Errorf("state %q: %s", state, files[0].Data)
		}
	}
}

func TestWhoTheOthersAreNeedsNoRestart(t *testing.T) {
	three, five := componenttest.Target(), componenttest.Target()
	five.Members = []int{0, 1, 2, 3, 4}
	effective := func(c etcd.Component, files []host.File) string { return string(c.Effective(files[0])) }
	a, _ := etcd.Component{State: etcd.StateNew}.Files(three)
	b, _ := etcd.Component{}.Files(five)
	if string(a[0].Data) == string(b[0].Data) {
		t.Error("the files are the same")
	}
	if x, y := effective(etcd.Component{}, a), effective(etcd.Component{}, b); x != y || !strings.Contains(x, "initial-advertise-peer-urls") {
		t.Errorf("%s\n%s", x, y)
	}
	unit := host.File{Path: neco.ServiceFile(neco.EtcdService), Data: []byte("initial-cluster: x\n")}
	if got := (etcd.Component{}).Effective(unit); string(got) != string(unit.Data) {
		t.Errorf("the unit's: %s", got)
	}
}

func TestHealthy(t *testing.T) {
	for answer, want := range map[string]string{
		`{"health":"true","reason":""}`:                "",
		`{"health":"false","reason":"RAFT NO LEADER"}`: "RAFT NO LEADER",
		`<html>`: "check the health of etcd",
		strings.Repeat(" ", 5000) + `{"health":"true"}`: "too large",
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(answer)) }))
		err := etcd.Healthy(t.Context(), s.URL+"/health")
		s.Close()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.40s: error %v, want %q", answer, err, want)
		}
	}
}
