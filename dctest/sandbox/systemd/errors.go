package systemd

import "github.com/godbus/dbus/v5"

// The D-Bus error names that clients distinguish.
const (
	nameNoSuchUnit   = "org.freedesktop.systemd1.NoSuchUnit"
	nameUnitExists   = "org.freedesktop.systemd1.UnitExists"
	nameMasked       = "org.freedesktop.systemd1.UnitMasked"
	nameBadSetting   = "org.freedesktop.systemd1.BadUnitSetting"
	nameDestructive  = "org.freedesktop.systemd1.TransactionIsDestructive"
	nameReadOnly     = "org.freedesktop.DBus.Error.PropertyReadOnly"
	nameNoProperty   = "org.freedesktop.DBus.Error.UnknownProperty"
	nameNoMethod     = "org.freedesktop.DBus.Error.UnknownMethod"
	nameInvalidArgs  = "org.freedesktop.DBus.Error.InvalidArgs"
	nameFileNotFound = "org.freedesktop.DBus.Error.FileNotFound"
	nameFailed       = "org.freedesktop.DBus.Error.Failed"
)

func newError(name, text string) *dbus.Error { return dbus.NewError(name, []any{text}) }

func errNoSuchUnit(text string) error { return newError(nameNoSuchUnit, text) }

func errNoFile(text string) error { return newError(nameFileNotFound, text) }

func errMasked(unit string) error { return newError(nameMasked, "Unit "+unit+" is masked.") }

func errDestructive(unit string) error {
	return newError(nameDestructive, "Job for "+unit+" would cancel another one.")
}
