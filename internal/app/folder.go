package app

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"strongroom/internal/base/fault"
)

// houseID gives the random name that a data folder was given when it was made.
func houseID(dir string) (string, error) {
	path := filepath.Join(dir, "id")
	b, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", unusable(err, dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", unusable(err, dir)
	}
	raw := make([]byte, 8)
	rand.Read(raw)
	name := hex.EncodeToString(raw)
	if err := os.WriteFile(path, []byte(name+"\n"), 0o600); err != nil {
		return "", unusable(err, dir)
	}
	return name, nil
}

func unusable(err error, dir string) error {
	return fault.Wrap(err, fault.Unavailable, "The data folder %s cannot be used.", dir).
		WithHint("Give a folder that this user may write to, with -data DIR.")
}

// lock takes the data folder for this process. held is true when another
// process has it. The lock goes with the process, however it ends.
func lock(dir string) (f *os.File, held bool, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, unusable(err, dir)
	}
	f, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, unusable(err, dir)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, true, f.Close()
	}
	if err != nil {
		return nil, false, errors.Join(unusable(err, dir), f.Close())
	}
	return f, false, nil
}

// The addresses under which a running server's sockets are found. Sockets have
// short names (107 bytes at most), so they are in a folder of their own and the
// data folder holds files that name them.
const (
	adminAddress = "admin.address"
	keysAddress  = "keys.address"
)

func publish(dir, name, path string) error {
	tmp := filepath.Join(dir, name+".new")
	if err := os.WriteFile(tmp, []byte(path+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(dir, name))
}

func published(dir, name string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return "", fault.Wrap(err, fault.Unavailable, "A server has the data folder %s but cannot be reached.", dir).
			WithHint("It may be starting or stopping; try again in a moment.")
	}
	return strings.TrimSpace(string(b)), nil
}
