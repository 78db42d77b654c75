package neco

import (
	"os"
	"strings"
	"testing"
)

func TestMarshalGoWritesValuesAsTheyStandInTheSource(t *testing.T) {
	source, err := os.ReadFile("artifacts.go")
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, img := range CurrentArtifacts.Images {
		values = append(values, img.MarshalGo())
	}
	for _, deb := range CurrentArtifacts.Debs {
		values = append(values, deb.MarshalGo())
	}
	values = append(values, CurrentArtifacts.OSImage.MarshalGo())
	for _, v := range values {
		if !strings.Contains(string(source), v+",\n") {
			t.Errorf("artifacts.go has no %s", v)
		}
	}
}

func TestTheArtifactSetHasEveryImageInUse(t *testing.T) {
	for _, name := range append(BootImages, SabakanImages...) {
		img, err := CurrentArtifacts.FindContainerImage(name)
		if err != nil {
			t.Error(err)
		}
		if img.Name != name {
			t.Errorf("FindContainerImage(%q) = %v", name, img)
		}
	}
}

func TestWhatIsNotInTheSetIsNamed(t *testing.T) {
	if _, err := CurrentArtifacts.FindContainerImage("nginx"); err == nil || !strings.Contains(err.Error(), "nginx") {
		t.Errorf("FindContainerImage: %v", err)
	}
	if _, err := CurrentArtifacts.FindDebianPackage("emacs"); err == nil || !strings.Contains(err.Error(), "emacs") {
		t.Errorf("FindDebianPackage: %v", err)
	}
	if deb, err := CurrentArtifacts.FindDebianPackage("etcdpasswd"); err != nil || deb.Name != "etcdpasswd" {
		t.Errorf("FindDebianPackage: %v, %v", deb, err)
	}
}

func TestOSImageURLs(t *testing.T) {
	kernel, initrd := OSImage{Channel: "stable", Version: "3139.2.1"}.URLs()
	if want := "https://stable.release.flatcar-linux.net/amd64-usr/3139.2.1/flatcar_production_pxe.vmlinuz"; kernel != want {
		t.Errorf("kernel = %s, want %s", kernel, want)
	}
	if want := "https://stable.release.flatcar-linux.net/amd64-usr/3139.2.1/flatcar_production_pxe_image.cpio.gz"; initrd != want {
		t.Errorf("initrd = %s, want %s", initrd, want)
	}
}
