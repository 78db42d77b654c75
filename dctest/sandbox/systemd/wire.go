package systemd

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/godbus/dbus/v5"
)

// The D-Bus names and paths.
const (
	busName       = "org.freedesktop.DBus"
	propsName     = "org.freedesktop.DBus.Properties"
	peerName      = "org.freedesktop.DBus.Peer"
	managerDest   = "org.freedesktop.systemd1"
	managerName   = "org.freedesktop.systemd1.Manager"
	unitName      = "org.freedesktop.systemd1.Unit"
	serviceName   = "org.freedesktop.systemd1.Service"
	timerName     = "org.freedesktop.systemd1.Timer"
	managerPath   = dbus.ObjectPath("/org/freedesktop/systemd1")
	unitPathStart = "/org/freedesktop/systemd1/unit/"
)

// call is a method call of a client.
type call struct {
	conn   *busConn
	msg    *dbus.Message
	path   dbus.ObjectPath
	iface  string
	member string
}

func newCall(conn *busConn, msg *dbus.Message) call {
	c := call{conn: conn, msg: msg}
	c.path, _ = msg.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	c.iface, _ = msg.Headers[dbus.FieldInterface].Value().(string)
	c.member, _ = msg.Headers[dbus.FieldMember].Value().(string)
	return c
}

// args stores the arguments of the call in variables; to holds pointers to them. It fails
// if their number or a type does not fit.
func (c call) args(to ...any) error {
	if len(c.msg.Body) != len(to) {
		return newError(nameInvalidArgs, "Wrong number of arguments of "+c.member+".")
	}
	if err := dbus.Store(c.msg.Body, to...); err != nil {
		return newError(nameInvalidArgs, "Wrong type of arguments of "+c.member+".")
	}
	return nil
}

// reply returns the reply to a call: values, or an error message if err is not nil.
func (c call) reply(values []any, err error) *dbus.Message {
	sender := managerDest
	if c.iface == busName {
		sender = busName
	}
	headers := map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(c.msg.Serial()),
		dbus.FieldSender:      dbus.MakeVariant(sender),
	}
	if c.conn.name != "" {
		headers[dbus.FieldDestination] = dbus.MakeVariant(c.conn.name)
	}
	msg := &dbus.Message{Type: dbus.TypeMethodReply, Headers: headers, Body: values}
	if err != nil {
		name, text := nameFailed, err.Error()
		var known *dbus.Error
		if errors.As(err, &known) {
			name, text = known.Name, known.Error()
		}
		msg.Type, msg.Body = dbus.TypeError, []any{text}
		headers[dbus.FieldErrorName] = dbus.MakeVariant(name)
	}
	if len(msg.Body) > 0 {
		headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(msg.Body...))
	}
	return msg
}

// newSignal returns a signal that the manager sends.
func newSignal(path dbus.ObjectPath, iface, member string, values ...any) *dbus.Message {
	return &dbus.Message{
		Type: dbus.TypeSignal,
		Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldPath:      dbus.MakeVariant(path),
			dbus.FieldInterface: dbus.MakeVariant(iface),
			dbus.FieldMember:    dbus.MakeVariant(member),
			dbus.FieldSender:    dbus.MakeVariant(managerDest),
			dbus.FieldSignature: dbus.MakeVariant(dbus.SignatureOf(values...)),
		},
		Body: values,
	}
}

func signalJobNew(j *job) *dbus.Message {
	return newSignal(managerPath, managerName, "JobNew", j.id, j.path(), j.unit.name)
}

func signalJobRemoved(j *job) *dbus.Message {
	return newSignal(managerPath, managerName, "JobRemoved", j.id, j.path(), j.unit.name, j.result)
}

func signalChanged(unit string, s state) *dbus.Message {
	changed := map[string]dbus.Variant{
		"ActiveState": dbus.MakeVariant(s.active),
		"SubState":    dbus.MakeVariant(s.sub),
	}
	return newSignal(unitPath(unit), propsName, "PropertiesChanged", unitName, changed, []string{})
}

// encode returns the encoded message with the given serial number. The library does not
// let callers set that number, so encode writes it at its position in the encoded
// message.
func encode(msg *dbus.Message, serial uint32) ([]byte, error) {
	var buf bytes.Buffer
	if err := msg.EncodeTo(&buf, binary.LittleEndian); err != nil {
		return nil, err
	}
	const place = 8
	data := buf.Bytes()
	binary.LittleEndian.PutUint32(data[place:], serial)
	return data, nil
}
