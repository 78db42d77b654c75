// Package dctesting is what suites of the virtual data centre share: a handle
// to a data centre, commands and files on its servers, power, packets, and waits
// for facts.
//
// A suite takes the data centre that "make dc" has started, or starts one of its
// own, which may stand beside it:
//
//	dc, err := dctesting.Use(ctx)                              // DC=name, else "dc"
//	dc, err := dctesting.Up(ctx, "boot5", "dctest/menu-5.yml") // and dc.Down(ctx)
//
// Then
//
//	out, err := dc.Exec(ctx, "boot-0", "neco", "status")       // err has what it wrote to stderr
//	err = dc.Copy(ctx, "boot-0", "build/neco.deb", "/tmp/neco.deb")
//	err = dc.Kill(ctx, "boot-1")                               // and PowerOff, PowerOn, Wipe, Pause, Resume, LinkUp, Cut …
//	err = dc.Await(ctx, "boot-1")                              // its systemd has started everything
//	capture, err := dc.Capture(ctx, dir)                       // tcpdump on every switch, so on every link
//	err = dctesting.Eventually(ctx, time.Minute, "etcd to answer", func(ctx context.Context) error { … })
//
// A server that is to come later is killed at once, and powered on, or wiped,
// when it is time: dc.Kill(ctx, "boot-3").
//
// It needs root, as placemat does.  It must not know what runs on the servers.
package dctesting
