package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// client sends requests to sabakan and writes the responses to out.
type client struct {
	server string
	out    io.Writer
}

// answerError is the error for an unsuccessful response.
type answerError struct {
	status int
	text   string
}

func (e answerError) Error() string {
	return fmt.Sprintf("%d %s: %s", e.status, http.StatusText(e.status), e.text)
}

func (e answerError) exitCode() int {
	switch {
	case e.status == http.StatusNotFound:
		return 14
	case e.status == http.StatusConflict:
		return 19
	case e.status >= 500:
		return 5
	case e.status >= 400:
		return 4
	}
	return 1
}

func (c *client) get(ctx context.Context, path string) error {
	return c.send(ctx, http.MethodGet, path, nil)
}

func (c *client) delete(ctx context.Context, path string) error {
	return c.send(ctx, http.MethodDelete, path, nil)
}

func (c *client) put(ctx context.Context, path, body string) error {
	return c.send(ctx, http.MethodPut, path, strings.NewReader(body))
}

func (c *client) sendFile(ctx context.Context, method, path, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return c.send(ctx, method, path, bytes.NewReader(data))
}

func (c *client) send(ctx context.Context, method, path string, body io.Reader) error {
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	return c.do(req)
}

// request returns a request for a path below /api/v1/.
func (c *client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, method, c.server+"/api/v1/"+path, body)
}

func (c *client) do(req *http.Request) error {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		var failure struct{ Error string }
		if json.Unmarshal(data, &failure) != nil {
			failure.Error = string(data)
		}
		return answerError{resp.StatusCode, failure.Error}
	}
	return c.print(data)
}

// print writes data and a newline. It indents data if they are JSON.
func (c *client) print(data []byte) error {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return nil
	}
	var indented bytes.Buffer
	if json.Indent(&indented, data, "", "  ") == nil {
		data = indented.Bytes()
	}
	_, err := fmt.Fprintf(c.out, "%s\n", data)
	return err
}
