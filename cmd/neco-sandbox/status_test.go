package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/dctest/sandbox/control"
)

func TestTheStatusPrintsNoControlCharacters(t *testing.T) {
	const evil = "\x1b[2J\nx"
	var out bytes.Buffer
	err := printStatus(&out, &control.Status{Request: evil, Stopped: evil, Servers: []control.Server{
		{Version: evil, Worker: control.Process{State: "active", PID: 1}, For: evil, Name: evil, Message: evil},
	}})
	if err != nil || strings.Contains(out.String(), "\x1b") || strings.Count(out.String(), "\n") != 9 {
		t.Errorf("%v, %q", err, &out)
	}
}

func TestTheStatusShowsWhatIsCutWithoutEtcd(t *testing.T) {
	var out bytes.Buffer
	err := printStatus(&out, &control.Status{EtcdError: "no answer", Servers: []control.Server{{LRN: 0}, {LRN: 1, Cut: true}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"does not answer: no answer", "requested  unknown", "0       connected", "1       cut off", "unknown\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is absent from:\n%s", want, &out)
		}
	}
}
