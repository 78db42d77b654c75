package bytecount_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/cybozu-go/neco/internal/bytecount"
)

func TestAReaderCountsWhatIsRead(t *testing.T) {
	var got int64
	broken := iotest.TimeoutReader(iotest.HalfReader(strings.NewReader("0123456789"))) // fails at the second read
	r := bytecount.Reader{ReadCloser: io.NopCloser(broken), Count: func(n int64) { got += n }}
	text, err := io.ReadAll(r)
	if !errors.Is(err, iotest.ErrTimeout) || int64(len(text)) != got || got == 0 {
		t.Errorf("%d bytes of %q, %v", got, text, err)
	}
}

func TestAWriterCountsWhatIsWritten(t *testing.T) {
	var w bytecount.Writer
	if _, err := io.Copy(io.MultiWriter(io.Discard, &w), iotest.OneByteReader(strings.NewReader("0123456789"))); err != nil || w != 10 {
		t.Errorf("%d bytes, %v", w, err)
	}
}

func TestAResponseCountsItsBody(t *testing.T) {
	for name, write := range map[string]func(w http.ResponseWriter) error{
		"in parts": func(w http.ResponseWriter) error {
			_, err := io.WriteString(w, "01234")
			_, again := io.WriteString(w, "56789")
			return errors.Join(err, again)
		},
		"copied": func(w http.ResponseWriter) error {
			_, err := io.Copy(w, strings.NewReader("0123456789"))
			return err
		},
	} {
		var got int64
		rec := httptest.NewRecorder()
		err := write(bytecount.Response{ResponseWriter: rec, Count: func(n int64) { got += n }})
		if got != 10 || rec.Body.String() != "0123456789" || err != nil {
			t.Errorf("%s: %d bytes, %q, %v", name, got, rec.Body, err)
		}
	}
}
