package neco

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBootNode0IP(t *testing.T) {
	for lrn, want := range map[int]string{0: "10.69.0.3", 1: "10.69.0.195", 2: "10.69.1.131", 10: "10.69.7.131"} {
		if got := BootNode0IP(lrn).String(); got != want {
			t.Errorf("BootNode0IP(%d) = %s, want %s", lrn, got, want)
		}
	}
}

func TestEtcdEndpointsKeepTheOrderOfServers(t *testing.T) {
	want := []string{"https://10.69.1.131:2379", "https://10.69.0.3:2379"}
	if diff := cmp.Diff(want, EtcdEndpoints([]int{2, 0})); diff != "" {
		t.Error(diff)
	}
}
