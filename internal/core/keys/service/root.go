package service

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"strongroom/internal/base/fault"
)

// RootSize is the length of the root key in bytes.
const RootSize = 32

const (
	rootPrefix   = "SR-ROOT-1-"
	rootCheck    = 3
	maxRootInput = 4096
)

func rootSum(root []byte) []byte {
	sum := sha256.Sum256(append([]byte("strongroom/root/text/1"), root...))
	return sum[:rootCheck]
}

// FormatRoot gives the text of a root key, for its file and for the recovery
// print: "SR-ROOT-1-" and 14 groups of four characters of base32 (RFC 4648)
// over the 32 bytes and the first three of a SHA-256 as a check.
func FormatRoot(root []byte) string {
	return grouped(rootPrefix, append(bytes.Clone(root), rootSum(root)...))
}

// ParseRoot reads the text of a root key as a person may have typed it: lower
// case, other spacing, and 0, 1, 8 for O, I, B are understood. Invalid says
// that a character is wrong, never which text was given.
func ParseRoot(text string) ([]byte, error) {
	bad := fault.New(fault.Invalid, "This is not a root key, or it has a typing mistake.").
		WithHint("It begins with %s and has 14 groups of four characters after that.", rootPrefix)
	t := strings.ToUpper(strings.Join(strings.Fields(text), ""))
	t, ok := strings.CutPrefix(t, strings.ToUpper(rootPrefix))
	if !ok {
		return nil, bad
	}
	t = strings.NewReplacer("-", "", "0", "O", "1", "I", "8", "B").Replace(t)
	b, err := base32.StdEncoding.DecodeString(t)
	if err != nil || len(b) != RootSize+rootCheck || !bytes.Equal(b[RootSize:], rootSum(b[:RootSize])) {
		return nil, bad
	}
	return b[:RootSize], nil
}

// NewRoot makes a root key.
func NewRoot() []byte {
	b := make([]byte, RootSize)
	rand.Read(b)
	return b
}

// ReadRoot reads the text of a root key from a hand-over, such as standard
// input.
func ReadRoot(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxRootInput))
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The root key could not be read.")
	}
	defer clear(b)
	return ParseRoot(string(b))
}

// LoadRoot reads the root key from a file. NotFound when there is none; Denied
// when others than its owner may read or write it.
func LoadRoot(path string) ([]byte, error) { return loadRoot(path, 0o077) }

// loadRoot reads a root key from a file that has none of the rights of bar.
func loadRoot(path string, bar fs.FileMode) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap(err, fault.NotFound, "There is no root key file at %s.", path).WithHint("Restore it from the recovery print.")
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The root key file cannot be read.").WithHint("Check the rights on %s.", path)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fault.New(fault.Denied, "The root key at %s is not a plain file.", path)
	}
	if st.Mode().Perm()&bar != 0 {
		return nil, fault.New(fault.Denied, "The root key file %s may be read by others than its owner, so it is not used.", path).
			WithHint("Run: chmod 600 %s", path)
	}
	return ReadRoot(f)
}

// LoadCredential reads the root key that systemd hands over as a credential of
// that name (LoadCredentialEncrypted=). NotFound when there is none. To a service with User=
// it gives the file by an access list, whose mask looks like a right of the group.
func LoadCredential(name string) ([]byte, error) {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return nil, fault.New(fault.NotFound, "The service manager gave no credentials.").WithHint("Add LoadCredentialEncrypted=%s to the unit.", name)
	}
	return loadRoot(filepath.Join(dir, filepath.Base(name)), 0o037)
}

// LoadOrCreateRoot reads the root key from the file at path, and makes both
// when there is none. When it made them, created is true and recoveryText is
// what the operator must print and keep: it is shown once and never logged.
func LoadOrCreateRoot(path string) (root []byte, created bool, recoveryText string, err error) {
	root, err = LoadRoot(path)
	if !fault.Is(err, fault.NotFound) {
		return root, false, "", err
	}
	root = NewRoot()
	text := FormatRoot(root)
	if err := createFile(path, text+"\n"); err != nil {
		if errors.Is(err, fs.ErrExist) { // somebody else was first
			root, err := LoadRoot(path)
			return root, false, "", err
		}
		return nil, false, "", fault.Wrap(err, fault.Unavailable, "The root key file cannot be made.").WithHint("Check the rights and the space at %s.", path)
	}
	return root, true, text, nil
}

// createFile makes a file that is there whole or not at all, and never
// replaces one.
func createFile(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".root-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	if err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}
