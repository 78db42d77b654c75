// Setup-hw imitates the container that configures the hardware of a server and monitors it. It
// reads the address of the BMC, prints that it has nothing to configure, and serves the metrics
// of the hardware until it is stopped.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const (
	addressFile = "/etc/neco/bmc-address.json"
	// statusFile contains the status of the processor: 0 is good, and also if there is no file.
	statusFile = "/etc/neco/imitated-processor-status"
	// address is that of the metrics.
	address = ":9105"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "setup-hw:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	data, err := os.ReadFile(addressFile)
	if err != nil {
		return err
	}
	var bmc any
	if err := json.Unmarshal(data, &bmc); err != nil {
		return fmt.Errorf("read %s: %w", addressFile, err)
	}
	fmt.Println("setup-hw: this machine has no BMC; would configure", bmc)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", metrics)
	server := http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// metrics writes the status of the processor.
func metrics(w http.ResponseWriter, _ *http.Request) {
	status := []byte("0")
	data, err := os.ReadFile(statusFile)
	switch {
	case err == nil:
		status = data
	case !errors.Is(err, fs.ErrNotExist):
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "hw_processor_status_health{processor=\"CPU.1\"} %s\n", strings.TrimSpace(string(status)))
}
