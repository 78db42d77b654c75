package systemd

import (
	"strings"

	"github.com/godbus/dbus/v5"
)

// rule is a match rule, which selects the signals that a client receives. Keys of D-Bus
// that this package does not support are ignored.
type rule map[string]string

// parseRule parses a rule such as "type='signal', interface='…'".
func parseRule(text string) rule {
	r := rule{}
	for part := range strings.SplitSeq(text, ",") {
		if key, value, ok := strings.Cut(strings.TrimSpace(part), "="); ok {
			r[strings.TrimSpace(key)] = strings.Trim(value, "'")
		}
	}
	return r
}

func (r rule) matches(msg *dbus.Message) bool {
	fields := map[string]dbus.HeaderField{"interface": dbus.FieldInterface, "member": dbus.FieldMember, "sender": dbus.FieldSender}
	for key, field := range fields {
		if want, ok := r[key]; ok && msg.Headers[field].Value() != want {
			return false
		}
	}
	path, _ := msg.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	if want, ok := r["path"]; ok && want != string(path) {
		return false
	}
	if want, ok := r["path_namespace"]; ok && want != string(path) && !strings.HasPrefix(string(path), want+"/") {
		return false
	}
	kind, ok := r["type"]
	return !ok || kind == "signal"
}
