package storage

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/update"
)

// maxStep is the maximum number of a step or phase in a status; a status with a greater
// number is malformed. Later versions may have more steps than this one, but not
// thousands.
const maxStep = 1000

func decodeStatus(data []byte, rev int64) (update.Status, error) {
	var st update.Status
	if err := decode(data, &st); err != nil {
		return st, err
	}
	switch {
	case st.Version == "":
		return st, errors.New("it has no version")
	case st.Step < 0 || st.Step > maxStep:
		return st, fmt.Errorf("step %d is out of range", st.Step)
	case st.Phase < 0 || st.Phase > maxStep:
		return st, fmt.Errorf("phase %d is out of range", st.Phase)
	case st.Cond < neco.CondNotRunning || st.Cond > neco.CondComplete:
		return st, fmt.Errorf("cond %d is unknown", st.Cond)
	}
	st.Rev = rev
	return st, nil
}

func encodeStatus(st update.Status) (string, error) {
	data, err := json.Marshal(st)
	return string(data), err
}

func decodePresence(data []byte, rev int64) (update.Presence, error) {
	var p update.Presence
	if err := decode(data, &p); err != nil {
		return p, err
	}
	if p.Version == "" {
		return p, errors.New("it has no version")
	}
	p.Rev = rev
	return p, nil
}

func decodeRecord(data []byte, rev int64) (update.Record, error) {
	var c update.Record
	if err := decode(data, &c); err != nil {
		return c, err
	}
	if c.Version == "" {
		return c, errors.New("it has no version")
	}
	c.Rev = rev
	return c, nil
}

func decodeSwitch(data []byte, rev int64) (update.Switch, error) {
	var sw update.Switch
	if err := decode(data, &sw); err != nil {
		return sw, err
	}
	if sw.Version == "" || (sw.Side != update.SideOld && sw.Side != update.SideNew) {
		return sw, fmt.Errorf("version %q, side %q", sw.Version, sw.Side)
	}
	sw.Rev = rev
	return sw, nil
}
