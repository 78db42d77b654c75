// Sabactl stands in for the command of sabakan, with the commands that are used in the
// virtual data centre:
//
//	sabactl [--server URL] machines get [KEY=VALUE...]
//	sabactl [--server URL] machines create FILE
//	sabactl [--server URL] machines get-state SERIAL
//	sabactl [--server URL] machines set-state SERIAL STATE
//	sabactl [--server URL] ipam|dhcp get
//	sabactl [--server URL] ipam|dhcp set FILE
//	sabactl [--server URL] images|assets index
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/cli"
)

func main() {
	server := flag.String("server", "http://127.0.0.1:10080", "URL of sabakan")
	flag.Parse()
	cli.Main("sabactl", func(ctx context.Context) error { return run(ctx, *server+"/api/v1/", flag.Args()) })
}

var errUsage = errors.New("usage: sabactl machines get|create|get-state|set-state, ipam|dhcp get|set, images|assets index")

func run(ctx context.Context, base string, args []string) error {
	if len(args) < 2 {
		return errUsage
	}
	words, rest := args[0]+" "+args[1], args[2:]
	switch words {
	case "machines get":
		q := url.Values{}
		for _, a := range rest {
			key, value, _ := strings.Cut(strings.TrimLeft(a, "-"), "=")
			q.Add(key, value)
		}
		return call(ctx, http.MethodGet, base+"machines?"+q.Encode(), nil)
	case "ipam get", "dhcp get":
		return call(ctx, http.MethodGet, base+"config/"+args[0], nil)
	case "images index":
		return call(ctx, http.MethodGet, base+"images/coreos", nil)
	case "assets index":
		return call(ctx, http.MethodGet, base+"assets", nil)
	}
	switch {
	case words == "machines create" && len(rest) == 1:
		return callFile(ctx, http.MethodPost, base+"machines", rest[0])
	case words == "machines get-state" && len(rest) == 1:
		return call(ctx, http.MethodGet, base+"state/"+rest[0], nil)
	case words == "machines set-state" && len(rest) == 2:
		return call(ctx, http.MethodPut, base+"state/"+rest[0], strings.NewReader(rest[1]))
	case (words == "ipam set" || words == "dhcp set") && len(rest) == 1:
		return callFile(ctx, http.MethodPut, base+"config/"+args[0], rest[0])
	}
	return errUsage
}

func callFile(ctx context.Context, method, url, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return call(ctx, method, url, f)
}

func call(ctx context.Context, method, url string, body io.Reader) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(os.Stdout, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s", resp.Status)
	}
	return nil
}
