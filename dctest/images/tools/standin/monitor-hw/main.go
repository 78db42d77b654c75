// Monitor-hw imitates the program that the container setup-hw runs: it serves the metrics of the
// hardware until it is stopped.
package main

import (
	"context"
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
	// statusFile contains the status of the processor: 0 is good, and also if there is no file.
	statusFile = "/etc/neco/imitated-processor-status"
	// address is that of the metrics.
	address = ":9105"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "monitor-hw:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
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
