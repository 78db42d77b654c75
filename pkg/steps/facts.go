package steps

import (
	"slices"
	"strings"
	"unicode"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/osrelease"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
)

// operatorSerial and firmwareSerial are the files with the serial number of the
// machine: the operator's file takes precedence over the file of the firmware.
const (
	operatorSerial = neco.NecoDir + "/serial"
	firmwareSerial = "/sys/class/dmi/id/product_serial"
)

// facts returns the host's serial number and operating system. Values that cannot be read
// stay empty.
func facts(fsys host.FS) component.Facts {
	f := component.Facts{Serial: serial(fsys)}
	if values, err := osrelease.Read(fsys.Read); err == nil {
		f.OSName, f.OSVersion = values["NAME"], values["VERSION_ID"]
	}
	return f
}

func serial(fsys host.FS) string {
	if data, err := fsys.Read(operatorSerial); err == nil && printable(data) != "" {
		return printable(data)
	}
	data, err := fsys.Read(firmwareSerial)
	if s := printable(data); err == nil && !placeholder(s) {
		return s
	}
	return ""
}

// printable returns data as text, without unprintable characters and without leading
// and trailing space. Firmware pads serial numbers with such characters.
func printable(data []byte) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(string(data), "")))
}

// placeholder reports whether serial is a text that board makers leave in the firmware
// of a machine without a serial number, such as "To Be Filled By O.E.M.".
func placeholder(serial string) bool {
	s := strings.ToLower(serial)
	if strings.Trim(s, s[:min(len(s), 1)]+" -.:") == "" { // 00000000, xxxx, ..........
		return true
	}
	return slices.Contains([]string{
		"to be filled by o.e.m.", "to be filled by oem", "to be filled", "filled by o.e.m.", "o.e.m.", "oem", "not specified", "not applicable",
		"not available", "not present", "none", "n/a", "na", "null", "nil", "unknown", "undefined", "invalid", "empty", "default", "default string",
		"serial", "serial number", "system serial number", "chassis serial number", "base board serial number", "product serial number",
		"system serial", "serialnumber", "sernum", "sn", "0123456789", "1234567890", "123456789", "12345678", "01234567", "test",
	}, s)
}
