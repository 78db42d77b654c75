package storage

import (
	"encoding/json"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Kind is the subject of a record of the history: a kind of run, or an act of an
// operator. Records of earlier versions have no Kind and are all about runs.
type Kind string

// The kinds of records: the first three are about runs, the others about acts of an
// operator.
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

// act reports whether records of this kind are about acts of an operator, not about
// runs.
func (k Kind) act() bool { return k == KindLeave || k == KindRecover || k == KindConfig }

// Act is a command of an operator that changed the data centre. It is recorded in the
// history in the same transaction as the change, unless it is the zero Act.
type Act struct {
	Kind Kind
	// By names the operator, as USER@HOST.
	By string
	At time.Time
	// What describes the act for people. It contains no secrets.
	What string
}

// ops returns the operation that writes the record of the act, or nil for the zero Act.
func (a Act) ops() ([]clientv3.Op, error) {
	if a.Kind == "" {
		return nil, nil
	}
	data, err := json.Marshal(Run{Kind: a.Kind, What: a.What, By: a.By, StartedAt: a.At.UTC()})
	return []clientv3.Op{clientv3.OpPut(a.key(), string(data))}, err
}

// key returns the key of the act's record. It sorts by time among the keys of runs, and
// has a suffix that they do not have.
func (a Act) key() string {
	return KeyHistory + a.At.UTC().Format(historyTime) + "-" + string(a.Kind)
}

// ofRun reports whether key, a key of the history, is the key of a run.
func ofRun(key string) bool { return strings.HasSuffix(key, "Z") }
