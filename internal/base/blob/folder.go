package blob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"strongroom/internal/base/fault"
)

// Folder is a Store in a folder of a local disk: `ab/<id>` holds a committed
// object, `tmp/<id>` one that is being written.
type Folder struct {
	dir  string
	keys keyring
}

var _ Store = (*Folder)(nil)

const temporary = "tmp"

// OpenFolder opens or makes the store in dir. root is RootSize secret bytes,
// the same for the life of the store.
func OpenFolder(dir string, root []byte) (*Folder, error) {
	keys, err := newKeyring(root)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, temporary), 0o700); err != nil {
		return nil, storeError(err)
	}
	return &Folder{dir: dir, keys: keys}, nil
}

func (f *Folder) path(id string) string { return filepath.Join(f.dir, id[:2], id) }

// Create begins an object; see Store.
func (f *Folder) Create(ctx context.Context) (*Writer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	id := newID()
	temp := filepath.Join(f.dir, temporary, id)
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, storeError(err)
	}
	p := &draft{file: file, temp: temp, final: f.path(id)}
	w, err := f.keys.writer(ctx, id, p)
	if err != nil {
		p.discard()
		return nil, err
	}
	return w, nil
}

// draft is a file in tmp.
type draft struct {
	file        *os.File
	temp, final string
}

func (d *draft) Write(p []byte) (int, error) { return d.file.Write(p) }

func (d *draft) publish() error {
	if err := d.file.Sync(); err != nil {
		return err
	}
	if err := d.file.Close(); err != nil {
		return err
	}
	dir := filepath.Dir(d.final)
	if err := makeDir(dir); err != nil {
		return err
	}
	if err := os.Rename(d.temp, d.final); err != nil {
		return err
	}
	return syncDir(dir)
}

func (d *draft) discard() {
	d.file.Close()
	os.Remove(d.temp)
	os.Remove(d.final) // when it was renamed but not made durable
}

// makeDir makes dir durably when it is not there yet.
func makeDir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Open gives an object; see Store.
func (f *Folder) Open(ctx context.Context, id string) (*Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !validID(id) {
		return nil, missing()
	}
	file, err := os.Open(f.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing()
	}
	if err != nil {
		return nil, storeError(err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, storeError(err)
	}
	o, err := f.keys.object(id, file, info.Size(), file.Close)
	if err != nil {
		file.Close()
		return nil, err
	}
	return o, nil
}

// Remove deletes an object; see Store.
func (f *Folder) Remove(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !validID(id) {
		return nil
	}
	path := f.path(id)
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return storeError(err)
	}
	return storeError(syncDir(filepath.Dir(path)))
}

// List calls do with every committed object; see Store. What is not an object
// is passed over.
func (f *Folder) List(ctx context.Context, do func(id string, size int64) error) error {
	groups, err := os.ReadDir(f.dir)
	if err != nil {
		return storeError(err)
	}
	for _, g := range groups {
		if !g.IsDir() || len(g.Name()) != 2 {
			continue
		}
		if err := f.listGroup(ctx, g.Name(), do); err != nil {
			return err
		}
	}
	return nil
}

func (f *Folder) listGroup(ctx context.Context, group string, do func(id string, size int64) error) error {
	entries, err := os.ReadDir(filepath.Join(f.dir, group))
	if err != nil {
		return storeError(err)
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !validID(e.Name()) || e.Name()[:2] != group {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return storeError(err)
		}
		if err := do(e.Name(), plainSize(info.Size())); err != nil {
			return err
		}
	}
	return nil
}

// Sweep removes what killed writers left behind: drafts last written before the
// given time. It returns how many were removed.
func (f *Folder) Sweep(ctx context.Context, before time.Time) (int, error) {
	dir := filepath.Join(f.dir, temporary)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, storeError(err)
	}
	removed := 0
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		info, err := e.Info()
		if err != nil || !info.ModTime().Before(before) {
			continue // committed or aborted meanwhile, or still being written
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err == nil {
			removed++
		}
	}
	return removed, nil
}

// storeError gives words to the failures of a disk that an operator can mend.
func storeError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fault.Wrap(err, fault.Unavailable, "The file could not be stored: the server's disk is full.").
			WithHint("Tell your administrator; nothing was lost, try again once there is room.")
	case errors.Is(err, syscall.EROFS):
		return fault.Wrap(err, fault.Unavailable, "The file could not be stored: the server's disk is read-only.").
			WithHint("Tell your administrator; nothing was lost, try again later.")
	}
	return fmt.Errorf("blob: %w", err)
}
