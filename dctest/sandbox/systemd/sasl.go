package systemd

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxAuthLines is how many lines an unauthenticated client may send before it is
// disconnected.
const maxAuthLines = 16

// authenticate performs the server side of the D-Bus handshake. It supports only the
// mechanism EXTERNAL, takes the client's user from the kernel, and accepts only the user
// of this process.
func authenticate(conn *net.UnixConn, in *bufio.Reader, guid string) error {
	uid, err := peerUID(conn)
	if err != nil {
		return fmt.Errorf("authenticate: %w", err)
	}
	if nul, err := in.ReadByte(); err != nil || nul != 0 {
		return errors.New("authenticate: no leading zero byte")
	}
	allowed := uid == os.Geteuid()
	ok := false
	for range maxAuthLines {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("authenticate: %w", err)
		}
		words := strings.Fields(string(line))
		if len(words) == 1 && words[0] == "BEGIN" && ok {
			return nil
		}
		var answer string
		answer, ok = answerAuth(words, uid, allowed, ok)
		if answer == "OK" {
			answer += " " + guid
		}
		if _, err := conn.Write([]byte(answer + "\r\n")); err != nil {
			return fmt.Errorf("authenticate: %w", err)
		}
	}
	return errors.New("authenticate: too many lines")
}

// answerAuth returns the response to one line of the handshake, and whether the client is
// now authenticated.
func answerAuth(words []string, uid int, allowed, ok bool) (string, bool) {
	const rejected = "REJECTED EXTERNAL"
	switch {
	case len(words) == 0:
		return "ERROR", ok
	case words[0] == "AUTH" && len(words) == 2 && words[1] == "EXTERNAL":
		return "DATA", false // request the identity, which the kernel has already provided
	case words[0] == "AUTH" && len(words) == 3 && words[1] == "EXTERNAL" && allowed && isUID(words[2], uid):
		return "OK", true
	case words[0] == "DATA" && allowed && (len(words) == 1 || isUID(words[1], uid)):
		return "OK", true
	case words[0] == "AUTH", words[0] == "DATA", words[0] == "CANCEL":
		return rejected, false
	}
	return "ERROR", ok // for example NEGOTIATE_UNIX_FD: file descriptors are not supported
}

func isUID(text string, uid int) bool {
	name, err := hex.DecodeString(text)
	return err == nil && string(name) == strconv.Itoa(uid)
}

func peerUID(conn *net.UnixConn) (int, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, credErr); err != nil {
		return 0, err
	}
	return int(cred.Uid), nil
}
