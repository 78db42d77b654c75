package contents

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// osImageDir holds the files of the operating system image during the upload.
const osImageDir = "/var/lib/neco/os-image"

// maxOSImageFile is the maximum size in bytes of each file of the operating system
// image.
const maxOSImageFile = 2 << 30

// OSImage downloads the kernel and the initial RAM disk of the nodes' operating system and
// uploads them to sabakan, unless sabakan's newest image, from which nodes boot, has the same
// version. It repeats an upload that has failed from the downloaded files. sabakan's index of
// images has no digests, so that an image in it is not compared with u.Digests. If a downloaded
// file has not the digest in u.Digests, OSImage uploads nothing and returns
// release.ErrDigestMismatch.
func (u Uploader) OSImage(ctx context.Context) error {
	image := u.Artifacts.OSImage
	name := osImageName(image)
	all, err := u.Sabakan.Images(ctx)
	if err != nil {
		return err
	}
	if len(all) > 0 && all[len(all)-1].ID == image.Version {
		u.observe(Event{Name: name, State: Present})
		return nil
	}
	if err := errors.Join(u.FS.RemoveDir(osImageDir), u.FS.MakeDir(host.Dir{Path: osImageDir, Mode: 0o700})); err != nil {
		return err
	}
	defer func() { _ = u.FS.RemoveDir(osImageDir) }() // the next upload removes it again
	files, err := u.downloadOSImage(ctx)
	if err != nil {
		return err
	}
	u.report("uploading the operating system %s to sabakan", image.Version)
	archive, err := tarOf(files)
	if err != nil {
		return err
	}
	err = u.putOSImage(ctx, image.Version, u.observed(name, archive))
	if errors.Is(err, sabakan.ErrConflict) {
		return fmt.Errorf("%w: sabakan had this image and has removed it; it takes an ID only once", err)
	}
	if err != nil {
		return err
	}
	u.observe(Event{Name: name, State: Uploaded, Total: archive.Size})
	return nil
}

// putOSImage uploads archive as the image id. It repeats the upload after errors that may
// pass, until ctx ends: an upload that the caller repeats needs the files to be downloaded
// again.
func (u Uploader) putOSImage(ctx context.Context, id string, archive sabakan.Content) error {
	failed := func(err error) {
		u.report("uploading the operating system %s to sabakan again: %v", id, err)
		u.observe(Event{Name: osImageName(u.Artifacts.OSImage), State: Repeating, Reason: err.Error()})
	}
	return retry.Do(ctx, backoff.NewExponentialBackOff(), failed, func() error {
		err := u.Sabakan.PutImage(ctx, id, archive)
		if err != nil && !retry.MayPass(err) {
			return backoff.Permanent(err)
		}
		return err
	})
}

// osImageName returns the name of the operating system in events.
func osImageName(image neco.OSImage) string { return "coreos " + image.Version }

// downloadOSImage downloads the two files of the operating system image in parallel.
func (u Uploader) downloadOSImage(ctx context.Context) ([]archived, error) {
	name := osImageName(u.Artifacts.OSImage)
	p := &progress{report: func(done, total int64) {
		u.observe(Event{Name: name, State: Downloading, Done: done, Total: total})
	}}
	p.add(0, 0)
	client := &http.Client{Transport: &countedDownloads{inner: u.Transport, progress: p}}
	defer client.CloseIdleConnections()
	kernel, initrd := u.Artifacts.OSImage.URLs()
	files := []archived{{name: "kernel", url: kernel}, {name: "initrd.gz", url: initrd}}
	u.report("downloading the operating system %s", u.Artifacts.OSImage.Version)
	g, ctx := errgroup.WithContext(ctx)
	for i := range files {
		f := &files[i]
		f.path = u.FS.Path(path.Join(osImageDir, f.name))
		g.Go(func() error {
			limits := release.Limits{MaxBytes: maxOSImageFile, SHA256: u.Digests.OfURL(f.url)}
			got, err := release.Fetch(ctx, client, f.url, f.path, limits)
			f.size = got.Size
			if errors.Is(err, release.ErrDigestMismatch) {
				return fmt.Errorf("%w; nothing is uploaded: if a proxy replaces the file, repair the proxy, otherwise wait for a release with the correct digest", err)
			}
			return err
		})
	}
	return files, g.Wait()
}

// archived is a file of a tar archive.
type archived struct {
	name, url, path string
	size            int64
}

// tarOf returns a tar archive of files. It determines the size of the archive before
// the archive is read.
func tarOf(files []archived) (sabakan.Content, error) {
	var heads [][]byte
	var size int64
	for _, f := range files {
		head, err := tarHeader(f)
		if err != nil {
			return sabakan.Content{}, err
		}
		heads = append(heads, head)
		size += int64(len(head)) + f.size + padding(f.size)
	}
	const end = 2 * tarBlock // of zeros
	open := func() (io.ReadCloser, error) {
		a := &archive{}
		var parts []io.Reader
		for i, f := range files {
			file, err := os.Open(f.path)
			if err != nil {
				return nil, errors.Join(err, a.Close())
			}
			a.files = append(a.files, file)
			parts = append(parts, bytes.NewReader(heads[i]), io.LimitReader(file, f.size), bytes.NewReader(make([]byte, padding(f.size))))
		}
		a.Reader = io.MultiReader(append(parts, bytes.NewReader(make([]byte, end)))...)
		return a, nil
	}
	return sabakan.Content{Open: open, Size: size + end}, nil
}

// tarBlock is the size of the blocks of a tar archive, in bytes.
const tarBlock = 512

func padding(size int64) int64 { return (tarBlock - size%tarBlock) % tarBlock }

func tarHeader(f archived) ([]byte, error) {
	var b bytes.Buffer
	err := tar.NewWriter(&b).WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: f.size, Format: tar.FormatUSTAR})
	return b.Bytes(), err
}

// archive is an open tar archive.
type archive struct {
	io.Reader
	files []*os.File
}

// Close closes the files of the archive.
func (a *archive) Close() error {
	var errs []error
	for _, f := range a.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
