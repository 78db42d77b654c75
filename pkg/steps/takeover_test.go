package steps_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/update"
)

func TestTheFirstUpdateOfAMigratedServerTakesItsBackupsOver(t *testing.T) {
	_, units, h, ch := newHost(t)
	service := neco.ServiceFile("etcd-backup")
	for name, text := range map[string]string{
		neco.EtcdPeerCertFile: "x", service: "[Service]\nExecStart=/usr/local/bin/etcd-backup\n",
		neco.TimerFile("etcd-backup"): "[Timer]\nOnCalendar=daily\n",
	} {
		if _, err := ch.FS.Write(host.File{Path: name, Data: []byte(text), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
	}
	tg, _ := target(neco.ProdEnv)
	note, err := h.Do(t.Context(), update.Place{Step: 2}, tg)
	if err != nil || !strings.Contains(note, "backup units") {
		t.Errorf("%q, %v", note, err)
	}
	if there, err := ch.FS.Exists(service); there || err != nil {
		t.Errorf("%s still wins over the unit of the package (%v)", service, err)
	}
	if did := units.Did(); !slices.Contains(did, "start timer etcd-backup") {
		t.Errorf("did %v", did)
	}
}
