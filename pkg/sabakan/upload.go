package sabakan

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Content is a file to upload. Its size and digest are known before the upload begins.
type Content struct {
	// Open returns the content from its beginning. It may be called again after an upload
	// was interrupted.
	Open func() (io.ReadCloser, error)
	// Size is in bytes.
	Size int64
	// SHA256 is the digest in hexadecimal; empty: sabakan does not verify it.
	SHA256 string
	// Options are stored with an asset and sent with it to nodes.
	Options map[string]string
}

// Asset is the description of an asset, a file that nodes download by its name.
type Asset struct {
	Name        string            `json:"name"`
	ID          int               `json:"id"`
	ContentType string            `json:"content-type"`
	Date        time.Time         `json:"date"`
	SHA256      string            `json:"sha256"`
	Options     map[string]string `json:"options"`
	// Exists reports whether the sabakan that was asked has the file itself.
	Exists bool `json:"exists"`
}

// Image is the description of an operating system image.
type Image struct {
	ID     string    `json:"id"`
	Date   time.Time `json:"date"`
	Exists bool      `json:"exists"`
}

// Assets returns the names of all assets.
func (c *Client) Assets(ctx context.Context) ([]string, error) {
	var names []string
	err := c.get(ctx, "/api/v1/assets", &names)
	return names, err
}

// Asset returns the description of the asset called name, or ErrNotFound if there is no
// such asset.
func (c *Client) Asset(ctx context.Context, name string) (Asset, error) {
	var a Asset
	err := c.get(ctx, "/api/v1/assets/"+url.PathEscape(name)+"/meta", &a)
	return a, err
}

// PutAsset uploads an asset, or replaces it. sabakan verifies the digest. The call blocks
// until the upload is complete, ctx ends or sabakan makes no progress.
func (c *Client) PutAsset(ctx context.Context, name string, content Content) error {
	header := http.Header{"Content-Type": {"application/octet-stream"}}
	if content.SHA256 != "" {
		header.Set("X-Sabakan-Asset-SHA256", content.SHA256)
	}
	for key, value := range content.Options {
		header.Set("X-Sabakan-Asset-Options-"+key, value)
	}
	return c.upload(ctx, "/api/v1/assets/"+url.PathEscape(name), header, content)
}

// Images returns the operating system images, the oldest first. sabakan keeps five.
func (c *Client) Images(ctx context.Context) ([]Image, error) {
	var all []Image
	err := c.get(ctx, "/api/v1/images/coreos", &all)
	return all, err
}

// PutImage uploads a tar archive of the files kernel and initrd.gz as the image id, or
// replaces that image. It returns ErrConflict for an id that sabakan has removed. It
// blocks until the upload is complete, ctx ends or sabakan makes no progress.
func (c *Client) PutImage(ctx context.Context, id string, archive Content) error {
	return c.upload(ctx, "/api/v1/images/coreos/"+url.PathEscape(id), http.Header{"Content-Type": {"application/tar"}}, archive)
}

// upload sends content. net/http fails the request if the content is shorter or longer than
// its size. It also fails if sabakan makes no progress; see [watch].
func (c *Client) upload(ctx context.Context, path string, header http.Header, content Content) error {
	body, err := content.Open()
	if err != nil {
		return fmt.Errorf("sabakan: PUT %s: %w", path, err)
	}
	defer body.Close()
	ctx, w := startWatch(ctx, c.stall, c.answer, content.Size)
	defer w.stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, c.base+path, watched{body, w})
	if err != nil {
		return err
	}
	req.Header, req.ContentLength = header, content.Size
	if content.Size == 0 {
		req.Body = http.NoBody
	}
	return c.do(req, nil)
}
