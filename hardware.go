package neco

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

const chassisVendorFile = "/sys/class/dmi/id/chassis_vendor"

// HardwareType is the kind of machine that a boot server is.
type HardwareType int

// Kinds of machines.
const (
	// HWTypeNil is no kind at all: what comes with an error.
	HWTypeNil HardwareType = iota
	HWTypeVM
	HWTypeContainer
	HWTypeDell
)

// virtualType maps what systemd-detect-virt(1) prints.
func virtualType(virt string) HardwareType {
	switch virt {
	case "qemu", "kvm", "zvm", "vmware", "microsoft", "oracle", "xen", "bochs", "uml", "parallels", "bhyve":
		return HWTypeVM
	case "openvz", "lxc", "lxc-libvirt", "systemd-nspawn", "docker":
		return HWTypeContainer
	}
	return HWTypeNil
}

// DetectHardware finds out what kind of machine this is. It runs
// systemd-detect-virt(1) and, on bare metal, reads the chassis' vendor.
// An unknown kind is an error that says what was found.
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

// detectVirt returns the word that systemd-detect-virt prints. On bare metal
// it prints "none" and exits with a failure, which is no error here.
func detectVirt() (string, error) {
	out, err := exec.Command("systemd-detect-virt").Output()
	virt := strings.TrimSpace(string(out))
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || virt == "") {
		return "", fmt.Errorf("detect hardware: run systemd-detect-virt: %w", err)
	}
	return virt, nil
}
