package service

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"strongroom/internal/base/fault"
)

// maxSocketPath is the longest path of a Unix socket in bytes.
const maxSocketPath = 107

// Listen opens the service's Unix socket with these rights (0600 when mode is
// 0), in place of one that a service that ended has left there. Conflict when
// a service answers on it.
func Listen(path string, mode fs.FileMode) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fault.New(fault.Invalid, "The path of the key service's socket is too long.").WithHint("Choose one of at most %d bytes.", maxSocketPath)
	}
	if mode == 0 {
		mode = 0o600
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The folder of the key service's socket cannot be made.").WithHint("Check the rights at %s.", path)
	}
	if conn, err := net.Dial("unix", path); err == nil {
		conn.Close()
		return nil, fault.New(fault.Conflict, "A key service answers on this socket already.").WithHint("Stop it first, or choose another socket.")
	}
	if st, err := os.Lstat(path); err == nil && st.Mode().Type() != fs.ModeSocket {
		return nil, fault.New(fault.Conflict, "The path of the key service's socket is taken by something else.").WithHint("Choose another path than %s.", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap(err, fault.Unavailable, "The old socket cannot be removed.").WithHint("Check the rights at %s.", path)
	}
	l, err := net.Listen("unix", path)
	if err == nil {
		if err = os.Chmod(path, mode); err != nil {
			l.Close()
		}
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The key service's socket cannot be opened.").WithHint("Check the rights at %s.", path)
	}
	return l, nil
}
