package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/hashicorp/serf/client"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/loopback"
	"github.com/cybozu-go/neco/dctest/serfrpc"
	"github.com/cybozu-go/neco/pkg/fleet"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

const (
	// pageSize is the size of the metrics of a machine in bytes, as those of setup-hw.
	pageSize = 100 << 10
	// slowness is how long a slow machine takes.
	slowness = 2 * time.Second
)

// conduct is how a machine answers.
type conduct int

const (
	quick conduct = iota
	slow
	hanging
)

// conductOf returns how the machine with this number answers: one of a hundred hangs, and five
// are slow.
func conductOf(i int) conduct {
	switch {
	case i%100 == 0:
		return hanging
	case i%20 == 1:
		return slow
	}
	return quick
}

// ready is what the fleet prints when it can be observed.
type ready struct {
	// Serf is the address of serf's RPC endpoint.
	Serf string `json:"serf"`
}

// serve serves the metrics of all machines in the sabakan at url, and serf's RPC, until ctx ends.
// It writes ready to w when it does.
func serve(ctx context.Context, url string, w io.Writer) error {
	c := sabakan.New(url)
	defer c.Close()
	machines, err := c.Search(ctx, sabakan.Params{}, nil)
	if err != nil {
		return err
	}
	byAddress := map[netip.Addr]conduct{}
	var members []client.Member
	s := &http.Server{ReadHeaderTimeout: time.Minute}
	for _, m := range machines {
		i, err := numberOf(m.Spec.Serial)
		if err != nil {
			return err
		}
		address := m.Spec.IPv4[0]
		byAddress[address] = conductOf(i)
		members = append(members, client.Member{
			Name: m.Spec.Serial, Addr: address.AsSlice(), Status: "alive",
			Tags: map[string]string{statesetter.FailedUnitsTag: "", "serial": m.Spec.Serial, "version": "2026.12.01-1", "os-name": "Flatcar"},
		})
	}
	page := metricsPage()
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		at, _ := netip.ParseAddrPort(local.String())
		switch byAddress[at.Addr()] {
		case hanging:
			<-r.Context().Done()
			return
		case slow:
			_ = neco.SleepContext(r.Context(), slowness)
		case quick:
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = w.Write(page)
	})
	defer s.Close()
	failed := make(chan error, len(machines))
	for address := range byAddress {
		l, err := net.Listen("tcp", netip.AddrPortFrom(address, fleet.MetricsPort).String())
		if err != nil {
			return err
		}
		go func() { failed <- s.Serve(l) }() // ends with s
	}
	l, err := loopback.Listen()
	if err != nil {
		return err
	}
	serf := serfrpc.Serve(l, func() []client.Member { return members })
	defer serf.Close()
	if err := json.NewEncoder(w).Encode(ready{Serf: l.Addr().String()}); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// metricsPage returns the metrics of a good machine of the type machineType.
func metricsPage() []byte {
	var page bytes.Buffer
	group := func(name, format string, n int) {
		fmt.Fprintf(&page, "# HELP %s The value of the Redfish property, as a number.\n# TYPE %s gauge\n", name, name)
		for i := range n {
			fmt.Fprintf(&page, "%s{"+format+"} 0\n", name, i)
		}
	}
	group("hw_systems_processors_status_health", `system="System.Embedded.1",processor="CPU.Socket.%d"`, 2)
	group("hw_systems_memorysummary_status_health", `system="System.Embedded.%d"`, 1)
	group("hw_systems_storage_drives_status_health", `system="System.Embedded.1",storage="PCIe",device="PCIe.SSD.Slot.%d"`, 4)
	for i := 0; page.Len() < pageSize*9/10; i++ {
		group(fmt.Sprintf("hw_chassis_thermal_reading_%d_status_health", i), `chassis="System.Embedded.1",sensor="Fan.Embedded.%d"`, 20)
	}
	for page.Len() < pageSize {
		group("hw_chassis_power_voltages_status_health", `chassis="System.Embedded.1",voltage="iDRAC.Embedded.1#CPU1VCORE.%d"`, 120)
	}
	return page.Bytes()
}
