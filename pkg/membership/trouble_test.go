package membership

import (
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
)

func TestTroubleIsInWords(t *testing.T) {
	for want, s := range map[string]clientv3.StatusResponse{
		"":                        {Leader: 1},
		"it has no leader":        {Errors: []string{"etcdserver: no leader"}},
		"alarm NOSPACE":           {Leader: 1, Errors: []string{"memberID:10501334649042878790 alarm:NOSPACE "}},
		"alarm NOSPACE; too slow": {Leader: 1, Errors: []string{"memberID:1 alarm:NOSPACE ", "too slow"}},
	} {
		if got := trouble(&s); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
