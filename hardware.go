package neco

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

const chassisVendorFile = "/sys/class/dmi/id/chassis_vendor"

// HardwareType is the kind of machine of a boot server.
type HardwareType int

// These constants are the kinds of machines.
const (
	// HWTypeNil is the zero value. DetectHardware returns it with an error.
	HWTypeNil HardwareType = iota
	HWTypeVM
	HWTypeContainer
	HWTypeDell
)

// virtualType returns the kind of machine for virt, the output of
// systemd-detect-virt(1). It returns HWTypeNil for any other output.
func virtualType(virt string) HardwareType {
	switch virt {
	case "qemu", "kvm", "zvm", "vmware", "microsoft", "oracle", "xen", "bochs", "uml", "parallels", "bhyve":
		return HWTypeVM
	case "openvz", "lxc", "lxc-libvirt", "systemd-nspawn", "docker":
		return HWTypeContainer
	}
	return HWTypeNil
}

// DetectHardware returns the kind of this machine. It runs systemd-detect-virt(1) and,
// on bare metal, reads the vendor of the chassis. For an unknown kind it returns an
// error that contains the virtualization or the vendor.
func DetectHardware() (HardwareType, error) {
	return detectHardware(chassisVendorFile)
}

func detectHardware(vendorFile string) (HardwareType, error) {
	virt, err := detectVirt()
	if err != nil {
		return HWTypeNil, err
	}
	if virt != "none" {
		if t := virtualType(virt); t != HWTypeNil {
			return t, nil
		}
		return HWTypeNil, fmt.Errorf("detect hardware: unknown virtualization %q", virt)
	}
	vendor, err := readWord(vendorFile)
	if err != nil {
		return HWTypeNil, fmt.Errorf("detect hardware: %w", err)
	}
	if vendor == "Dell Inc." {
		return HWTypeDell, nil
	}
	return HWTypeNil, fmt.Errorf("detect hardware: unknown chassis vendor %q", vendor)
}

// detectVirt returns the word that systemd-detect-virt prints. On bare metal the
// command prints "none" and exits with a failure, which is not an error here.
func detectVirt() (string, error) {
	out, err := exec.Command("systemd-detect-virt").Output()
	virt := strings.TrimSpace(string(out))
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || virt == "") {
		return "", fmt.Errorf("detect hardware: run systemd-detect-virt: %w", err)
	}
	return virt, nil
}
