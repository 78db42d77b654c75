package meet

import (
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Sizes of a frame's contents.
const (
	// maxGreeting is the limit before the proof.
	maxGreeting = 4 << 10
	// MaxMessage is the limit after it: of a request, and of an answer.
	MaxMessage = 256 << 10
	headerSize = 4
)

// readFrame reads one frame: its length in four bytes, big-endian, then as much
// contents.  Nothing is allocated for one that is larger than limit.
func readFrame(r io.Reader, limit int) ([]byte, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(header[:])
	if uint64(size) > uint64(limit) {
		return nil, fmt.Errorf("%w: a frame of %d bytes, more than %d", ErrTooLarge, size, limit)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return data, nil
}

// frame puts v into a frame, in JSON.
func frame(v any, limit int) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if len(data) > limit {
		return nil, fmt.Errorf("%w: a message of %d bytes, more than %d", ErrTooLarge, len(data), limit)
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...), nil
}

// Times on a connection.
const (
	// greetTimeout bounds everything up to the proof.
	greetTimeout = 10 * time.Second
	// pingInterval is how often each side says that it is there, and
	// silenceTimeout how long the other side waits for a whole frame.
	pingInterval   = 5 * time.Second
	silenceTimeout = 20 * time.Second
	// writeTimeout is how long the other side may leave a frame unread.
	writeTimeout = 10 * time.Second
)

// wire sends and receives frames, each within its time.  One goroutine
// receives; any may send.
type wire struct {
	conn *tls.Conn
	turn chan struct{} // holds a value while somebody sends
}

func newWire(conn *tls.Conn) *wire { return &wire{conn, make(chan struct{}, 1)} }

// hang hangs up, without a word that might block.
func (w *wire) hang() { w.conn.NetConn().Close() }

func (w *wire) send(v any) error {
	data, err := frame(v, MaxMessage)
	if err != nil {
		return err
	}
	w.turn <- struct{}{} // whoever has it gives it back within writeTimeout
	defer func() { <-w.turn }()
	if err := w.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err = w.conn.Write(data)
	return err
}

func (w *wire) receive(v any) error {
	if err := w.conn.SetReadDeadline(time.Now().Add(silenceTimeout)); err != nil {
		return err
	}
	data, err := readFrame(w.conn, MaxMessage)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}
