package storage

import (
	"encoding/json"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Kind is what a record of the history is about. Records of earlier versions, which
// are all of runs, have none.
type Kind string

// The kinds of records: runs, and acts of an operator.
const (
	// KindSetup is the run of neco setup.
	KindSetup Kind = "setup"
	// KindRelease is a run that installs a release.
	KindRelease Kind = "release"
	// KindReconfigure is a run of the same release with other boot servers.
	KindReconfigure Kind = "reconfigure"

	KindLeave   Kind = "leave"
	KindRecover Kind = "recover"
	KindConfig  Kind = "config"
)

// act reports whether records of the kind are of an act of an operator.
func (k Kind) act() bool { return k == KindLeave || k == KindRecover || k == KindConfig }

// Act is what an operator has done. It is recorded in the transaction that does
// it. The zero Act is not recorded.
type Act struct {
	Kind Kind
	// By names the operator, as USER@HOST.
	By string
	At time.Time
	// What was done, for people; without secrets.
	What string
}

// ops returns the write of the record, none for the zero Act.
func (a Act) ops() ([]clientv3.Op, error) {
	if a.Kind == "" {
		return nil, nil
	}
	data, err := json.Marshal(Run{Kind: a.Kind, What: a.What, By: a.By, StartedAt: a.At.UTC()})
	return []clientv3.Op{clientv3.OpPut(a.key(), string(data))}, err
}

// key sorts by time among those of runs, and differs from them by its end.
func (a Act) key() string {
	return KeyHistory + a.At.UTC().Format(historyTime) + "-" + string(a.Kind)
}

// ofRun reports whether a key of the history is that of a run.
func ofRun(key string) bool { return strings.HasSuffix(key, "Z") }
