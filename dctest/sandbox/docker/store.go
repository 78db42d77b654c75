package docker

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// store keeps the state of images and containers in files below dir.
type store struct{ dir string }

func (s store) imageFile(name string) string {
	return filepath.Join(s.dir, "images", url.PathEscape(name))
}

func (s store) containerFile(name string) string {
	return filepath.Join(s.dir, "containers", url.PathEscape(name))
}

// image returns the ID of the image called name, or an error if the image was not loaded.
func (s store) image(name string) (string, error) {
	data, err := os.ReadFile(s.imageFile(name))
	if errors.Is(err, fs.ErrNotExist) {
		//lint:ignore ST1005 the text is docker's
		return "", fmt.Errorf("No such image: %s", name)
	}
	return string(data), err
}

// addImage records that the image called name was loaded. It replaces the image's file
// atomically, because other processes may be reading the file.
func (s store) addImage(name, id string) error {
	file := s.imageFile(name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	tmp := file + "." + strconv.Itoa(os.Getpid()) + ".tmp"
	if err := os.WriteFile(tmp, []byte(id), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, file)
}

func (s store) removeImage(name string) error {
	if _, err := s.image(name); err != nil {
		return err
	}
	return os.Remove(s.imageFile(name))
}

func (s store) images() ([]string, error) { return names(filepath.Join(s.dir, "images")) }

// container describes a running container. pid is the process of its docker run command.
type container struct {
	name, image string
	pid         int
}

// containers lists the running containers.
func (s store) containers() ([]container, error) {
	all, err := names(filepath.Join(s.dir, "containers"))
	var running []container
	for _, name := range all {
		if c, ok := s.container(name); ok {
			running = append(running, c)
		}
	}
	return running, err
}

// container returns the container called name. The second result is false if the
// container is not running.
func (s store) container(name string) (container, bool) {
	file, err := os.Open(s.containerFile(name))
	if err != nil {
		return container{}, false
	}
	defer file.Close()
	lock := unix.Flock_t{Type: unix.F_RDLCK, Whence: io.SeekStart}
	if err := unix.FcntlFlock(file.Fd(), unix.F_OFD_GETLK, &lock); err != nil || lock.Type == unix.F_UNLCK {
		return container{}, false
	}
	data, err := io.ReadAll(file)
	if err != nil {
		return container{}, false
	}
	pid, image, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
	c := container{name: name, image: image}
	c.pid, err = strconv.Atoi(pid)
	return c, err == nil
}

// hold records a container as running: it writes the container's file and locks it until
// release is called or the process ends. It fails if another process holds that name.
func (s store) hold(name, image string) (release func(), err error) {
	path := s.containerFile(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	if err := unix.FcntlFlock(file.Fd(), unix.F_OFD_SETLK, &lock); err != nil {
		file.Close()
		//lint:ignore ST1005 the text is docker's
		return nil, fmt.Errorf("Conflict. The container name %q is already in use", name)
	}
	err = file.Truncate(0)
	if err == nil {
		_, err = fmt.Fprintf(file, "%d %s\n", os.Getpid(), image)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return func() { file.Close() }, nil
}

// names returns the names of the images or containers that have a file in dir.
func names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var found []string
	for _, e := range entries {
		if name, err := url.PathUnescape(e.Name()); err == nil && !strings.HasSuffix(name, ".tmp") {
			found = append(found, name)
		}
	}
	return found, err
}
