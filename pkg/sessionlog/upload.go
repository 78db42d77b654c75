package sessionlog

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// uploadTimeout is how long an upload may take. The user waits for its end.
const uploadTimeout = 10 * time.Second

// deliver packs the recording into a file called name, uploads that to the bucket and
// removes the recording. If the upload fails, the packed file stays; if the packing
// fails, the recording stays as it is.
func (r *recording) deliver(name, bucket string) error {
	for _, t := range r.tracks {
		if err := os.Remove(t.pipePath(r.dir)); err != nil {
			return err
		}
	}
	archive := filepath.Join(r.dir, name)
	if err := r.pack(archive); err != nil {
		_ = os.Remove(archive) // it may not exist
		return err
	}
	if err := upload(archive, bucket+"/"+url.PathEscape(name)); err != nil {
		for _, t := range r.tracks {
			err = errors.Join(err, os.Remove(filepath.Join(r.dir, t.name)))
		}
		return err
	}
	return os.RemoveAll(r.dir)
}

// pack writes the files of the recording to a compressed tar archive.
func (r *recording) pack(archive string) (err error) {
	file, err := os.OpenFile(archive, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	z := gzip.NewWriter(file)
	w := tar.NewWriter(z)
	for _, t := range r.tracks {
		if err := addFile(w, r.dir, t.name); err != nil {
			return err
		}
	}
	return errors.Join(w.Close(), z.Close())
}

func addFile(w *tar.Writer, dir, name string) error {
	file, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: info.Size(), ModTime: info.ModTime()}); err != nil {
		return err
	}
	_, err = io.Copy(w, file)
	return err
}

// upload sends the file to address by PUT. It uses no proxy, because the address is in the
// data centre.
func upload(file, address string) error {
	body, err := os.Open(file)
	if err != nil {
		return err
	}
	defer body.Close()
	info, err := body.Stat()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), uploadTimeout, fmt.Errorf("the upload takes longer than %s", uploadTimeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, address, body)
	if err != nil {
		return err
	}
	req.ContentLength = info.Size()
	req.Header.Set("Content-Type", "application/gzip")
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = fmt.Errorf("put %s: %w", address, cause)
		}
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("put %s: the server answered %s", address, resp.Status)
	}
	return nil
}
