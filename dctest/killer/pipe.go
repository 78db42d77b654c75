package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// outputPipe is a pipe with room for one write of the command, which is called a chunk.
// The next write blocks until skip has removed the chunk.
type outputPipe struct {
	// from is the read end of the pipe. peek copies data from it to copyTo without
	// removing them, and reads the copy from copyFrom.
	from, copyTo, copyFrom *os.File
}

// newOutputPipe returns the pipe and its write end for the command.
func newOutputPipe() (*outputPipe, *os.File, error) {
	from, to, err := pipe(unix.O_DIRECT) // packet mode: a read returns one write
	if err != nil {
		return nil, nil, err
	}
	copyFrom, copyTo, err := pipe(0)
	if err != nil {
		return nil, nil, errors.Join(err, from.Close(), to.Close())
	}
	p := &outputPipe{from, copyTo, copyFrom}
	if _, err := unix.FcntlInt(to.Fd(), unix.F_SETPIPE_SZ, os.Getpagesize()); err != nil {
		return nil, nil, errors.Join(err, to.Close(), p.Close())
	}
	return p, to, nil
}

func pipe(flags int) (r, w *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|flags); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	return os.NewFile(uintptr(fds[0]), "|0"), os.NewFile(uintptr(fds[1]), "|1"), nil
}

// peek blocks until the pipe has a chunk, and returns it without removing it. At the end
// of the output it returns an empty chunk.
func (p *outputPipe) peek() ([]byte, error) {
	chunk := make([]byte, os.Getpagesize())
	for {
		n, err := unix.Tee(int(p.from.Fd()), int(p.copyTo.Fd()), len(chunk), 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return nil, os.NewSyscallError("tee", err)
		}
		got, err := p.copyFrom.Read(chunk)
		return chunk[:got], err
	}
}

// skip removes the chunk of n bytes from the pipe, so that the next write of the command
// can complete.
func (p *outputPipe) skip(n int) error {
	_, err := p.from.Read(make([]byte, n))
	return err
}

// Close closes all files of the pipe except its write end.
func (p *outputPipe) Close() error {
	return errors.Join(p.from.Close(), p.copyTo.Close(), p.copyFrom.Close())
}
