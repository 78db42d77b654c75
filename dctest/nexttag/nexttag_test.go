package nexttag

import (
	"os"
	"strings"
	"testing"

	"github.com/cybozu-go/neco"
)

func TestANumberIsOneHigher(t *testing.T) {
	for tag, want := range map[string][2]string{
		"2.0.14": {"2.0.15", "3.0.14"}, "3.5.4.9": {"3.5.4.10", "4.5.4.9"}, "7": {"8", "8"}, "v1": {"v2", "v1"},
		"latest": {"latest", "latest"}, "99999999999999999999": {"99999999999999999999", "99999999999999999999"},
	} {
		if got := [2]string{Of(tag), Major(tag)}; got != want {
			t.Errorf("%s: %s, want %s", tag, got, want)
		}
	}
}

func TestEveryImageOfTheArtifactSetGetsItsNextTag(t *testing.T) {
	text, err := os.ReadFile("../../artifacts.go")
	if err != nil {
		t.Fatal(err)
	}
	changed := All(string(text))
	for _, img := range neco.CurrentArtifacts.Images {
		if old := `Repository: "` + img.Repository + `", Tag: "` + img.Tag + `"`; strings.Contains(changed, old) {
			t.Errorf("%s: the tag is unchanged", img.Name)
		}
		if want := `Repository: "` + img.Repository + `", Tag: "` + Of(img.Tag) + `"`; !strings.Contains(changed, want) {
			t.Errorf("%s: no tag %s", img.Name, Of(img.Tag))
		}
	}
}

func TestOneImageGetsAnotherTag(t *testing.T) {
	set := neco.ArtifactSet{Images: []neco.ContainerImage{
		{Name: "etcd-tools", Repository: "quay.io/cybozu/etcd-tools", Tag: "1.0.1"},
		{Name: "etcd", Repository: "quay.io/cybozu/etcd", Tag: "1.0.1"},
	}}
	text := func() (all string) {
		for _, img := range set.Images {
			all += img.MarshalGo() + "\n"
		}
		return all
	}
	before := text()
	set.Images[1].Tag = "2.0.1"
	if got := Image(before, "etcd", Major); got != text() {
		t.Errorf("got %s, want %s", got, text())
	}
	if got := Image(before, "tools", Major); got != before {
		t.Errorf("without an image of the name: %s", got)
	}
}
