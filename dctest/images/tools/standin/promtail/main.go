// Promtail imitates the program that ships the journal to Loki. It reads its
// configuration and serves /ready at the address there; it ships nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"sigs.k8s.io/yaml"
)

type config struct {
	Server struct {
		HTTPListenPort int `json:"http_listen_port"`
	} `json:"server"`
	Positions struct {
		Filename string `json:"filename"`
	} `json:"positions"`
}

func main() {
	file := flag.String("config.file", "", "configuration")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, *file); err != nil {
		fmt.Fprintln(os.Stderr, "promtail:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, file string) error {
	var c config
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(data, &c); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if err := os.WriteFile(c.Positions.Filename, []byte("positions: {}\n"), 0o644); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Ready") })
	s := &http.Server{Handler: mux, Addr: net.JoinHostPort("", strconv.Itoa(c.Server.HTTPListenPort)), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	fmt.Println("promtail: listens at", s.Addr)
	if err := s.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
