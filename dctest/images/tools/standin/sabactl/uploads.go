package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/cli"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/render"
)

func images(c *client) *cobra.Command {
	var system string
	path := func() string { return "images/" + system }
	g := group("images",
		command("index", 0, func(cmd *cobra.Command, _ []string) error { return c.get(cmd.Context(), path()) }),
		command("upload ID KERNEL INITRD", 3, func(cmd *cobra.Command, args []string) error {
			archive, err := imageArchive(args[1], args[2])
			if err != nil {
				return err
			}
			defer os.Remove(archive.Name())
			defer archive.Close()
			return c.send(cmd.Context(), http.MethodPut, path()+"/"+args[0], archive)
		}),
		command("delete ID", 1, func(cmd *cobra.Command, args []string) error {
			return c.delete(cmd.Context(), path()+"/"+args[0])
		}))
	g.PersistentFlags().StringVar(&system, "os", "coreos", "operating system")
	return g
}

// imageArchive returns a temporary file with an archive of the two files of an image. The
// file is open at its beginning.
func imageArchive(kernel, initrd string) (*os.File, error) {
	archive, err := os.CreateTemp("", "sabactl-")
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(archive)
	err = errors.Join(addFile(w, "kernel", kernel), addFile(w, "initrd.gz", initrd), w.Close())
	if err == nil {
		_, err = archive.Seek(0, io.SeekStart)
	}
	if err != nil {
		archive.Close()
		os.Remove(archive.Name())
		return nil, err
	}
	return archive, nil
}

func addFile(w *tar.Writer, name, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: info.Size()}); err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}

func assets(c *client) *cobra.Command {
	var meta map[string]string
	upload := command("upload NAME FILE", 2, func(cmd *cobra.Command, args []string) error {
		return c.uploadAsset(cmd, args[0], args[1], meta)
	})
	upload.Flags().StringToStringVar(&meta, "meta", nil, "option KEY=VALUE, may be repeated")
	return group("assets", upload,
		command("index", 0, func(cmd *cobra.Command, _ []string) error { return c.get(cmd.Context(), "assets") }),
		command("info NAME", 1, func(cmd *cobra.Command, args []string) error {
			return c.get(cmd.Context(), "assets/"+args[0]+"/meta")
		}),
		command("delete NAME", 1, func(cmd *cobra.Command, args []string) error {
			return c.delete(cmd.Context(), "assets/"+args[0])
		}))
}

func (c *client) uploadAsset(cmd *cobra.Command, name, file string, meta map[string]string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	size, err := io.Copy(h, f)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	req, err := c.request(cmd.Context(), http.MethodPut, "assets/"+name, f)
	if err != nil {
		return err
	}
	req.ContentLength = size
	kind := mime.TypeByExtension(filepath.Ext(file))
	if kind == "" {
		kind = "application/octet-stream"
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("X-Sabakan-Asset-SHA256", hex.EncodeToString(h.Sum(nil)))
	for key, value := range meta {
		req.Header.Set("X-Sabakan-Asset-Options-"+key, value)
	}
	return c.do(req)
}

func ignitions(c *client) *cobra.Command {
	get := &cobra.Command{Use: "get ROLE [ID]", RunE: func(cmd *cobra.Command, args []string) error {
		switch len(args) {
		case 1:
			return c.get(cmd.Context(), "ignitions/"+args[0])
		case 2:
			return c.get(cmd.Context(), "ignitions/"+args[0]+"/"+args[1])
		}
		return usageError{errors.New("usage: " + cmd.UseLine())}
	}}
	return group("ignitions", get, ignitionsSet(c),
		command("delete ROLE ID", 2, func(cmd *cobra.Command, args []string) error {
			return c.delete(cmd.Context(), "ignitions/"+args[0]+"/"+args[1])
		}))
}

func ignitionsSet(c *client) *cobra.Command {
	var file, meta string
	var isJSON bool
	set := command("set ROLE ID", 2, func(cmd *cobra.Command, args []string) error {
		if file == "" || !isJSON {
			return usageError{errors.New("--file and --json are required: sources are not supported")}
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		upload, err := render.Parse(data)
		if err == nil && meta != "" {
			err = cli.ReadConfig(meta, &upload.Meta)
		}
		if err != nil {
			return err
		}
		if data, err = json.Marshal(upload); err != nil {
			return err
		}
		return c.send(cmd.Context(), http.MethodPut, "ignitions/"+args[0]+"/"+args[1], bytes.NewReader(data))
	})
	set.Flags().StringVarP(&file, "file", "f", "", "file with the template")
	set.Flags().BoolVar(&isJSON, "json", false, "the file has the body of the upload")
	set.Flags().StringVar(&meta, "meta", "", "file with the metadata")
	return set
}
