package ignitions_test

import (
	"strings"
	"testing"
)

// volumes are the volumes of a node with their sizes.
type volumes struct{ containerd, docker, kubelet, systemd, coredump string }

// create returns the calls that make the volumes.
func (v volumes) create() []string {
	var calls []string
	for _, c := range [][2]string{{"k8s-containerd", v.containerd}, {"docker", v.docker}, {"kubelet", v.kubelet}, {"systemd", v.systemd}, {"coredump", v.coredump}} {
		calls = append(calls, "lvcreate --yes --wipesignatures y --name "+c[0]+" --size "+c[1]+" vg1")
	}
	return calls
}

// newNode returns a node without volumes whose encrypted disks are given.
func newNode(t *testing.T, vm bool, disks ...string) *scriptTest {
	s := newScriptTest(t, "boot", nil, nil)
	for _, disk := range disks {
		s.write(t, "/dev/mapper/crypt-"+disk, "", 0o644)
	}
	if !vm {
		s.stub(t, "systemd-detect-virt", "exit 1")
	}
	s.write(t, "/run/neco/x", "", 0o644)
	s.stub(t, "vgs", "[ -e "+s.path("/vg")+" ] && echo 0")
	s.stub(t, "vgcreate", "touch "+s.path("/vg"))
	s.stub(t, "pvs", "exit 5")
	s.stub(t, "lvs", "exit 5")
	s.stub(t, "blkid", "exit 2")
	return s
}

func TestVolumesFollowFromTheKindOfDisks(t *testing.T) {
	dell := func(s *scriptTest, t *testing.T) {
		s.write(t, "/sys/block/sda/device/model", "PERC H330\n", 0o644)
		s.write(t, "/sys/block/sdb/device/model", "DELLBOSS VD     \n", 0o644)
	}
	for _, c := range []struct {
		name  string
		vm    bool
		disks string
		want  volumes
		used  string
	}{
		{"VM", true, "vda vdc vdd", volumes{"40g", "10g", "40g", "1g", "1g"}, "vda vdc"},
		{"Dell with NVMe", false, "nvme0n1 nvme1n1 sda sdb", volumes{"1t", "50g", "100g", "1g", "50g"}, "nvme0n1 nvme1n1"},
		{"Dell with BOSS", false, "sda sdb", volumes{"50g", "50g", "10g", "1g", "20g"}, "sdb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newNode(t, c.vm, strings.Fields(c.disks)...)
			dell(s, t)
			s.must(t, "setup-var")
			s.check(t, "lvcreate", c.want.create()...)
			var disks []string
			for _, disk := range strings.Fields(c.used) {
				disks = append(disks, "pvcreate --yes --force "+s.path("/dev/mapper/crypt-"+disk))
			}
			s.check(t, "pvcreate", disks...)
			if got := s.calls(t, "mkfs.ext4"); len(got) != 5 {
				t.Errorf("file systems %q", got)
			}
		})
	}
}

func TestWithoutAnEncryptedDiskThereAreNoVolumes(t *testing.T) {
	s := newNode(t, false, "sda")
	s.fails(t, "setup-var: no encrypted disk for vg1", "setup-var")
	s.check(t, "pvcreate")
}

// newBooted returns a VM that has its volumes from an earlier boot.
func newBooted(t *testing.T) *scriptTest {
	s := newNode(t, true, "vda", "vdb")
	s.write(t, "/vg", "", 0o644)
	s.stub(t, "pvs", "echo '  vg1'")
	s.stub(t, "lvs", "exit 0")
	s.stub(t, "blkid", `for last; do :; done; echo "${last##*/}"`)
	return s
}

func TestAtTheNextBootOnlyTheFileSystemOfKubeletIsMadeAgain(t *testing.T) {
	s := newBooted(t)
	s.must(t, "setup-var")
	s.check(t, "lvcreate")
	s.check(t, "pvcreate")
	s.check(t, "e2fsck", "e2fsck -p /dev/vg1/k8s-containerd", "e2fsck -p /dev/vg1/docker", "e2fsck -p /dev/vg1/systemd", "e2fsck -p /dev/vg1/coredump")
	got := s.calls(t, "mkfs.ext4")
	if len(got) != 1 || !strings.HasPrefix(got[0], "mkfs.ext4 -q -F -L kubelet -d ") || !strings.HasSuffix(got[0], " /dev/vg1/kubelet") {
		t.Errorf("file systems %q", got)
	}
}

// TestTheFileSystemOfKubeletHasTheLog: journald writes to a disk only if the directory exists.
func TestTheFileSystemOfKubeletHasTheLog(t *testing.T) {
	s := newBooted(t)
	s.stub(t, "mkfs.ext4", `[ -d "$6/varlog/journal" ] && [ "$(stat -c %a "$6")" = 755 ]`)
	s.must(t, "setup-var")
}

func TestABrokenFileSystemIsMadeAgain(t *testing.T) {
	s := newBooted(t)
	s.stub(t, "e2fsck", `case $2 in *docker) exit 4 ;; *systemd) exit 1 ;; esac`)
	s.must(t, "setup-var")
	if got := s.calls(t, "mkfs.ext4"); len(got) != 2 || got[0] != "mkfs.ext4 -q -F -L docker /dev/vg1/docker" {
		t.Errorf("file systems %q", got)
	}
}

func TestALostDiskIsRemovedAndANewOneAdded(t *testing.T) {
	s := newBooted(t)
	s.stub(t, "vgs", "echo '  1'")
	s.stub(t, "pvs", `case $4 in *vda) echo "  vg1" ;; *) exit 5 ;; esac`)
	s.must(t, "setup-var")
	s.check(t, "vgreduce", "vgreduce --removemissing --force vg1")
	s.check(t, "vgextend", "vgextend vg1 "+s.path("/dev/mapper/crypt-vdb"))
}

// TestTheLinkOfAnEncryptedDiskIsThePathOfTheDiskBelow for the udev rule of the role ss.
func TestTheLinkOfAnEncryptedDiskIsThePathOfTheDiskBelow(t *testing.T) {
	for _, c := range []struct{ links, want string }{
		{"pci-0000:00:05.0 virtio-pci-0000:00:05.0", "pci-0000:00:05.0\n"},
		{"virtio-pci-0000:00:05.0", ""},
		{"pci-0000:00:17.0-ata-1 pci-0000:00:17.0-ata-1.0", ""},
		{"pci-0000:18:00.0-scsi-0:0:7:0", "pci-0000:18:00.0-scsi-0:0:7:0\n"},
	} {
		s := newScriptTest(t, "ss", nil, nil)
		s.write(t, "/sys/block/dm-3/slaves/sdb", "", 0o644)
		s.write(t, "/dev/sdb", "", 0o644)
		s.write(t, "/dev/sda", "", 0o644)
		s.link(t, "../../sda", "/dev/disk/by-path/a-disk-that-is-not-below")
		for link := range strings.FieldsSeq(c.links) {
			s.link(t, "../../sdb", "/dev/disk/by-path/"+link)
		}
		out, code := s.run(t, "crypt-disk-path", "dm-3")
		if c.want == "" && code == 0 || c.want != "" && (code != 0 || out != c.want) {
			t.Errorf("%s: exit code %d, %s", c.links, code, out)
		}
	}
}
