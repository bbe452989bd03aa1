// Package pagecrypt keeps SQLite databases encrypted and authenticated page by
// page: a VFS for ncruces/go-sqlite3. The format is written down in
// doc/formats/sqlite-pages.md.
//
// Always true:
//
//   - Every page of a database and every byte of its write-ahead log is sealed
//     with AES-256-GCM under keys that belong to this file alone, bound to its
//     place. A page that was altered or moved is never given to SQLite.
//   - A database is born complete and in WAL mode: there is never a file
//     without its first block and page 1, and never a rollback journal.
//   - Rollback journals, temporary files and super-journals are refused. The
//     connections keep such things in memory (pragma temp_store = memory).
//   - The key is neither in a file name nor in a URI.
package pagecrypt

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// Register makes the key (32 bytes) usable by SQLite connections under the VFS
// name that it gives: "file:/path?vfs=name". Call release when the last
// connection is closed. The registry of names belongs to the driver and is
// global; names are random.
func Register(key []byte) (name string, release func(), err error) {
	if len(key) != KeySize {
		return "", nil, fmt.Errorf("pagecrypt: the key has %d bytes, not %d", len(key), KeySize)
	}
	name, release = register(&pageVFS{VFS: vfs.Find(""), key: bytes.Clone(key)})
	return name, release, nil
}

func register(v *pageVFS) (name string, release func()) {
	name = "sr-" + strings.ToLower(rand.Text())
	vfs.Register(name, v)
	return name, func() {
		vfs.Unregister(name)
		clear(v.key)
	}
}

type pageVFS struct {
	vfs.VFS
	key []byte
}

// Open is only called for files without a name: temporary files.
func (v *pageVFS) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return nil, flags, vfs.SystemError(ErrRefused, sqlite3.CANTOPEN)
}

// OpenFilename opens databases and their logs and refuses everything else.
func (v *pageVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	switch {
	case name == nil:
		return v.Open("", flags)
	case flags&vfs.OPEN_MAIN_DB != 0:
		return v.openDatabase(name, flags)
	case flags&vfs.OPEN_WAL != 0:
		return v.openLog(name, flags)
	}
	return v.Open(name.String(), flags)
}

func (v *pageVFS) openDatabase(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if flags&vfs.OPEN_CREATE != 0 {
		if err := v.create(name.String()); err != nil {
			return nil, flags, vfs.SystemError(err, sqlite3.CANTOPEN)
		}
	}
	f, out, err := vfsutil.WrapOpenFilename(v.VFS, name, flags&^(vfs.OPEN_CREATE|vfs.OPEN_EXCLUSIVE))
	if err != nil {
		return nil, flags, err
	}
	block := make([]byte, PageSize)
	keys := (*fileKeys)(nil)
	if n, rerr := f.ReadAt(block, 0); n == PageSize {
		keys, err = unlock(v.key, block)
	} else if rerr == nil || errors.Is(rerr, io.EOF) {
		err = ErrFormat
	} else {
		err = rerr
	}
	if err != nil {
		return nil, flags, vfs.SystemError(errors.Join(err, f.Close()), sqlite3.CANTOPEN)
	}
	return &dbFile{forward: forward{f}, keys: keys}, out | flags&vfs.OPEN_CREATE, nil
}

// create makes the database at path unless there is one. The file appears
// under its name only when it is complete and on the disk.
func (v *pageVFS) create(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var id [idSize]byte
	rand.Read(id[:])
	keys, err := derive(v.key, id)
	if err != nil {
		return err
	}
	page := make([]byte, PageSize)
	keys.sealPage(page, birth(), kindPage, 0)
	return publish(path, append(keys.first(), page...))
}

// publish writes a file under a passing name and links it to its own, so that
// of two processes that do so one wins and neither sees half a file.
func publish(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+"-new-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(path)
}

// indexFile makes the shared index of the log, which the driver would make
// readable for everybody. It holds page numbers and nothing of the pages. One
// that is there is left alone, and not even opened: closing it might take away
// the locks on it.
func indexFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) // #nosec G304 -- beside the database
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// syncFolder makes the name of a new file durable.
func syncFolder(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (v *pageVFS) openLog(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	db, ok := vfsutil.UnwrapFile[*dbFile](name.DatabaseFile())
	if !ok {
		return nil, flags, vfs.SystemError(ErrRefused, sqlite3.CANTOPEN)
	}
	_, missing := os.Lstat(name.String())
	f, out, err := vfsutil.WrapOpenFilename(v.VFS, name, flags)
	if err != nil {
		return nil, flags, err
	}
	if missing != nil {
		if err := syncFolder(name.String()); err != nil {
			return nil, flags, vfs.SystemError(errors.Join(err, f.Close()), sqlite3.IOERR_DIR_FSYNC)
		}
	}
	if err := indexFile(strings.TrimSuffix(name.String(), "-wal") + "-shm"); err != nil {
		return nil, flags, vfs.SystemError(errors.Join(err, f.Close()), sqlite3.CANTOPEN)
	}
	return &logFile{forward: forward{f}, keys: db.keys}, out, nil
}
