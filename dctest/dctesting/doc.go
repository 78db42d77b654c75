// Package dctesting is the common library of test suites in the virtual data centre: it
// gives access to a data centre, runs commands and copies files on its servers, controls
// their power, captures packets, and waits for conditions.
//
// A suite uses the data centre that "make dc" has started, or starts its own, which may
// run beside it:
//
//	dc, err := dctesting.Use(ctx)                              // DC=name, else "dc"
//	dc, err := dctesting.Up(ctx, "boot5", "dctest/menu-5.yml") // and dc.Down(ctx)
//
// Then
//
//	out, err := dc.Exec(ctx, "boot-0", "neco", "status")       // err includes its standard error
//	err = dc.Copy(ctx, "boot-0", "build/neco.deb", "/tmp/neco.deb")
//	err = dc.Kill(ctx, "boot-1")                               // and PowerOff, PowerOn, Wipe, Pause, Resume, LinkUp, Cut …
//	err = dc.Await(ctx, "boot-1")                              // its systemd has started everything
//	capture, err := dc.Capture(ctx, dir)                       // tcpdump on every switch, so on every link
//	err = dctesting.Eventually(ctx, time.Minute, "etcd to answer", func(ctx context.Context) error { … })
//
// For a server that is added later, a suite kills it at the start, dc.Kill(ctx,
// "boot-3"), and powers it on or wipes it when it is needed.
//
// The package needs root, as placemat does. It must not know the programs on the servers.
package dctesting
