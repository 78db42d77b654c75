package storage

import (
	"encoding/json"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Kind is the subject of a history record. Records of earlier versions have no Kind and
// are all of runs.
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

// act reports whether records of this kind are acts of an operator.
func (k Kind) act() bool { return k == KindLeave || k == KindRecover || k == KindConfig }

// Act is a command of an operator that changed the data centre. It is recorded in the
// same transaction as the change. The zero Act is not recorded.
type Act struct {
	Kind Kind
	// By names the operator, as USER@HOST.
	By string
	At time.Time
	// What describes the act for people; it holds no secrets.
	What string
}

// ops returns the operation that writes the record; none for the zero Act.
func (a Act) ops() ([]clientv3.Op, error) {
	if a.Kind == "" {
		return nil, nil
	}
	data, err := json.Marshal(Run{Kind: a.Kind, What: a.What, By: a.By, StartedAt: a.At.UTC()})
	return []clientv3.Op{clientv3.OpPut(a.key(), string(data))}, err
}

// key returns the key of the record. It sorts by time among the keys of runs, and its
// suffix distinguishes it from them.
func (a Act) key() string {
	return KeyHistory + a.At.UTC().Format(historyTime) + "-" + string(a.Kind)
}

// ofRun reports whether key is the history key of a run.
func ofRun(key string) bool { return strings.HasSuffix(key, "Z") }
