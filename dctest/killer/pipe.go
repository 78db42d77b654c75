package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// ear is a pipe with room for one word, that is what is written at once. Whoever
// writes the next waits until the word before was skipped.
type ear struct {
	// words come from the command, copies of them to whoever peeks.
	words, copyTo, copyFrom *os.File
}

func newEar() (*ear, *os.File, error) {
	words, mouth, err := pipe(unix.O_DIRECT) // each write is a word
	if err != nil {
		return nil, nil, err
	}
	copyFrom, copyTo, err := pipe(0)
	if err != nil {
		return nil, nil, errors.Join(err, words.Close(), mouth.Close())
	}
	e := &ear{words, copyTo, copyFrom}
	if _, err := unix.FcntlInt(mouth.Fd(), unix.F_SETPIPE_SZ, os.Getpagesize()); err != nil {
		return nil, nil, errors.Join(err, mouth.Close(), e.Close())
	}
	return e, mouth, nil
}

func pipe(flags int) (r, w *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|flags); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	return os.NewFile(uintptr(fds[0]), "|0"), os.NewFile(uintptr(fds[1]), "|1"), nil
}

// peek returns the next word, and leaves it where it is; none at the end.
func (e *ear) peek() ([]byte, error) {
	word := make([]byte, os.Getpagesize())
	for {
		n, err := unix.Tee(int(e.words.Fd()), int(e.copyTo.Fd()), len(word), 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return nil, os.NewSyscallError("tee", err)
		}
		got, err := e.copyFrom.Read(word)
		return word[:got], err
	}
}

// skip lets the command say its next word.
func (e *ear) skip(n int) error {
	_, err := e.words.Read(make([]byte, n))
	return err
}

// Close ends it.
func (e *ear) Close() error {
	return errors.Join(e.words.Close(), e.copyTo.Close(), e.copyFrom.Close())
}
