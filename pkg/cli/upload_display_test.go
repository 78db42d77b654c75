package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/contents"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/steps"
)

const mebibyte = 1 << 20

// image returns an event of an image with 80 MiB.
func image(name string, s contents.State, done int64) contents.Event {
	return contents.Event{Name: name, State: s, Done: done * mebibyte, Total: 80 * mebibyte}
}

// clock returns a clock that goes on by a second with each call.
func clock() func() time.Time {
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	return func() time.Time {
		now = now.Add(time.Second)
		return now
	}
}

// twoImages reports the uploads of two images, of which the second fails.
func twoImages(u *uploads) {
	u.observe(image("coil.img", contents.Downloading, 0))
	u.observe(image("squid.img", contents.Downloading, 0))
	u.observe(image("squid.img", contents.Downloading, 5))
	u.observe(image("coil.img", contents.Downloading, 80))
	u.observe(image("coil.img", contents.Uploading, 0))
	u.observe(image("coil.img", contents.Uploading, 80))
	u.observe(image("coil.img", contents.Uploaded, 0))
	u.observe(contents.Event{Name: "bird.img", State: contents.Present})
	u.finish(steps.Outcome{Step: "sabakan-contents", Action: "assets", Err: errors.New("no route to host")})
}

func TestUploadsAreLinesWhereThereIsNoTerminal(t *testing.T) {
	var out bytes.Buffer
	u := newUploads(newUploadDisplay(&out, output{formatTable}), clock())
	twoImages(u)
	u.close()
	want := "uploading coil.img\nuploading squid.img\nuploaded coil.img: 80.0 MiB in 2.0 s\nsabakan-contents  assets      failed\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestUploadsAreBarsOnATerminal(t *testing.T) {
	terminal, screen := openTerminal(t, 100)
	u := newUploads(newUploadDisplay(terminal, output{formatTable}), clock())
	u.observe(image("coil.img", contents.Downloading, 20))
	u.observe(image("squid.img", contents.Downloading, 40))
	screen.until(t, `coil.img +downloading .*20.0 MiB / 80.0 MiB .*B/s\s+squid.img +downloading .*40.0 MiB / 80.0 MiB`)
	u.observe(image("coil.img", contents.Uploading, 60))
	screen.until(t, `coil.img +uploading .*60.0 MiB / 80.0 MiB`)
	u.observe(image("coil.img", contents.Uploaded, 0))
	screen.until(t, `uploaded coil.img: 80.0 MiB in 2.0 s`)
	u.finish(steps.Outcome{Step: "sabakan-contents", Action: "assets", Err: errors.New("no route to host")})
	u.close()
	u.close()
	if _, err := terminal.WriteString("the end"); err != nil {
		t.Fatal(err)
	}
	screen.until(t, `sabakan-contents  assets      failed`)
	screen.until(t, `the end`)
	if !regexp.MustCompile(`(failed\r\n|\x1b\[J)the end$`).MatchString(screen.text) {
		t.Errorf("the bar of an upload that has failed is not erased: … %q", screen.text[max(0, len(screen.text)-500):])
	}
}

// TestTheExampleInTheDocumentsIsTheJSON compares the example in docs/contents.md with the JSON
// of such uploads.
func TestTheExampleInTheDocumentsIsTheJSON(t *testing.T) {
	page, err := os.ReadFile("../../docs/contents.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```json\n")
	example, _, _ := strings.Cut(rest, "```")

	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	u := newUploads(uploadSilence{}, func() time.Time { return now })
	u.observe(contents.Event{Name: "coreos 3139.2.1", State: contents.Present})
	u.finish(steps.Outcome{Step: "sabakan-contents", Action: "os-image"})
	u.observe(contents.Event{Name: "cybozu-coil-2.0.14.img", State: contents.Downloading})
	now = now.Add(6200 * time.Millisecond)
	u.observe(contents.Event{Name: "cybozu-coil-2.0.14.img", State: contents.Uploaded, Total: 43515904})
	u.finish(steps.Outcome{Step: "sabakan-contents", Action: "assets"})
	u.observe(contents.Event{
		Name: "ignition templates", State: contents.NotPrepared,
		Reason: "sabakan has no addresses to assign yet", Command: "sabactl ipam set -f " + neco.SabakanIPAMFile,
	})
	u.finish(steps.Outcome{Step: "sabakan-contents", Action: "ignitions", Note: "shown elsewhere"})
	u.finish(steps.Outcome{Step: "dhcp-json", Action: "upload", Err: &sabakan.Error{
		Op: "PUT /api/v1/config/dhcp", Status: 500, Text: "etcd does not answer",
	}})
	var got bytes.Buffer
	if err := writeJSON(&got, uploadsJSON{"2026.11.21-1", u.results}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example, got.String()); diff != "" {
		t.Errorf("(-docs/contents.md +code):\n%s", diff)
	}
}

func TestAnUploadThatIsRepeatedIsShownWithItsError(t *testing.T) {
	repeating := func(u *uploads) {
		u.observe(image("coreos 1", contents.Uploading, 60))
		u.observe(contents.Event{Name: "coreos 1", State: contents.Repeating, Reason: "sabakan: status 500"})
		u.observe(image("coreos 1", contents.Uploading, 20))
	}
	var out bytes.Buffer
	u := newUploads(newUploadDisplay(&out, output{formatTable}), clock())
	repeating(u)
	if want := "uploading coreos 1\nuploading coreos 1 again: sabakan: status 500\n"; out.String() != want || len(u.results) > 0 {
		t.Errorf("got %q and the results %v, want %q and none", out.String(), u.results, want)
	}
	terminal, screen := openTerminal(t, 100)
	u = newUploads(newUploadDisplay(terminal, output{formatTable}), clock())
	repeating(u)
	screen.until(t, `uploading coreos 1 again: sabakan: status 500`)
	screen.until(t, `coreos 1 +uploading .*20.0 MiB / 80.0 MiB`)
	u.close()
}

func TestTheNotesOfActionsAreInTheJSON(t *testing.T) {
	u := newUploads(newUploadDisplay(io.Discard, output{formatJSON}), clock())
	const step, set, ignitions = "user-resources", "set", "ignitions"
	u.observe(contents.Event{Name: "coil.yaml", State: contents.Present})
	u.finish(steps.Outcome{Step: step, Action: set, Note: "not set, hence without load balancers: lb-address-block-default"})
	u.observe(contents.Event{Name: "ignition templates", State: contents.NotPrepared, Reason: "no addresses", Command: "sabactl"})
	u.finish(steps.Outcome{Step: step, Action: ignitions, Note: "no addresses: sabactl, then neco init-data"})
	u.observe(contents.Event{Name: "ignition template cs 1", State: contents.Present})
	u.observe(contents.Event{Name: "bmc-user.json", State: contents.NotPrepared, Reason: "no users", Command: "sabactl"})
	u.finish(steps.Outcome{Step: step, Action: ignitions, Note: "a newer template; no users: sabactl"})
	u.finish(steps.Outcome{Step: step, Action: "template"})
	want := []uploadJSON{
		{Step: step, Action: set, Name: "coil.yaml", State: contents.Present},
		{Step: step, Action: set, State: done, Note: "not set, hence without load balancers: lb-address-block-default"},
		{Step: step, Action: ignitions, Name: "ignition templates", State: contents.NotPrepared, Reason: "no addresses", Command: "sabactl"},
		{Step: step, Action: ignitions, Name: "ignition template cs 1", State: contents.Present},
		{Step: step, Action: ignitions, Name: "bmc-user.json", State: contents.NotPrepared, Reason: "no users", Command: "sabactl"},
		{Step: step, Action: ignitions, State: done, Note: "a newer template; no users: sabactl"},
	}
	if diff := cmp.Diff(want, u.results); diff != "" {
		t.Error(diff)
	}
}

// openTerminal returns a terminal with this number of columns, and the reader of what a
// program writes to it.
func openTerminal(t *testing.T, columns uint16) (*os.File, *screenReader) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: columns}); err != nil {
		t.Fatal(err)
	}
	r := &screenReader{chunks: make(chan string)}
	go r.read(master)
	t.Cleanup(func() {
		_ = terminal.Close() // ends the read
		for range r.chunks {
		}
		_ = master.Close()
	})
	return terminal, r
}

// screenReader reads what a program writes to a terminal.
type screenReader struct {
	chunks chan string
	text   string
}

// read sends what the program writes until the terminal is closed.
func (r *screenReader) read(master io.Reader) {
	defer close(r.chunks)
	buf := make([]byte, 4096)
	for {
		n, err := master.Read(buf)
		if err != nil {
			return
		}
		r.chunks <- string(buf[:n])
	}
}

// control matches the control sequences of a terminal.
var control = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

// until blocks until what the program has written, without control sequences, matches the
// pattern.
func (r *screenReader) until(t *testing.T, pattern string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.After(30 * time.Second)
	for {
		if re.MatchString(control.ReplaceAllString(r.text, "")) {
			return
		}
		select {
		case chunk, ok := <-r.chunks:
			if !ok {
				t.Fatalf("the terminal was closed before %q: %q", pattern, r.text)
			}
			r.text += chunk
		case <-deadline:
			t.Fatalf("nothing matches %q: … %q", pattern, r.text[max(0, len(r.text)-500):])
		}
	}
}
