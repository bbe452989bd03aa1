package service

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
)

// RootRotation says which key store gets which root. Dir, Old and New are
// required.
type RootRotation struct {
	Dir       string // the folder of a key service that does not run
	ShredList string // as in Options
	Old       []byte // the present root
	New       string // file of the new root; made when missing
	Now       func() time.Time

	// Made, when set, is told the text of the new root before anything is put under
	// it, so that it can be printed and kept.
	Made func(recovery string) error

	// Step, when set, is told before each step; an error of it ends the rotation
	// there.
	Step func(name string) error
}

const (
	copySuffix = ".rotating"
	markFile   = "rotating" // holds which root the folder is about to have
)

// RotateRoot puts the key store under a new root: everything that is sealed by the
// root is sealed by the new one, in new files, which then take the old ones' places.
// It may be cut short at any moment: called again with the same arguments it goes
// on. Until the files begin to take their places the old root opens the store; from
// then on until the end nothing does, and afterwards only the new one. Conflict while a
// key service uses the folder, Invalid when Old is not its root.
func RotateRoot(ctx context.Context, r RootRotation) error {
	if r.Now == nil {
		r.Now = time.Now
	}
	if r.Step == nil {
		r.Step = func(string) error { return nil }
	}
	if _, err := os.Stat(filepath.Join(r.Dir, storeFile)); err != nil {
		return fault.Wrap(err, fault.NotFound, "There is no key store in %s.", r.Dir).WithHint("Name its folder with -dir.")
	}
	hold, err := lock(r.Dir)
	if err != nil {
		return err
	}
	defer hold.Close()
	t := rerooting{RootRotation: r}
	if t.from, err = derive(r.Old); err != nil {
		return err
	}
	defer t.from.forget()
	marked, err := readMark(r.Dir)
	if err != nil {
		return err
	}
	if marked == "" {
		if err := t.isRoot(ctx, t.from); err != nil && !t.ended(ctx) {
			return err
		}
	}
	if err := r.Step("make the new root"); err != nil {
		return err
	}
	root, _, _, err := LoadOrCreateRoot(r.New)
	if err != nil {
		return err
	}
	defer clear(root)
	if t.to, err = derive(root); err != nil {
		return err
	}
	defer t.to.forget()
	if r.Made != nil {
		if err := r.Made(FormatRoot(root)); err != nil {
			return err
		}
	}
	return t.run(ctx, marked)
}

// rerooting is a rotation under way.
type rerooting struct {
	RootRotation
	from, to derived
}

func readMark(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, markFile)) // #nosec G304 -- the service's own folder
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(b), err
}

// isRoot tells whether the store is under that root; wrongRoot when not.
func (t *rerooting) isRoot(ctx context.Context, d derived) error {
	db, err := openDatabase(ctx, filepath.Join(t.Dir, storeFile), d.store)
	if err != nil {
		return err
	}
	return db.Close()
}

// ended tells whether the store is under the new root already: a rotation ended, and
// whoever began it does not know.
func (t *rerooting) ended(ctx context.Context) bool {
	root, err := LoadRoot(t.New)
	if err != nil {
		return false
	}
	defer clear(root)
	d, err := derive(root)
	if err != nil {
		return false
	}
	defer d.forget()
	return t.isRoot(ctx, d) == nil
}

// files are what is under the root.
func (t *rerooting) files() []string {
	list := t.ShredList
	if list == "" {
		list = filepath.Join(t.Dir, shredListFile)
	}
	return []string{filepath.Join(t.Dir, storeFile), filepath.Join(t.Dir, chainFile), list}
}

func (t *rerooting) run(ctx context.Context, marked string) error {
	mark := hex.EncodeToString(t.to.check[:])
	switch {
	case marked != "" && marked != mark:
		return fault.New(fault.Conflict, "A rotation to another root was cut short here, and is not this one.").
			WithHint("Give the file of the root that it was to: %s is not it.", t.New)
	case marked == "" && t.isRoot(ctx, t.to) == nil:
		return nil // it had ended
	case marked == "":
		if err := t.prepare(ctx); err != nil {
			return err
		}
		if err := t.Step("begin to replace"); err != nil {
			return err
		}
		if err := createFile(filepath.Join(t.Dir, markFile), mark); err != nil {
			return unwritable(err)
		}
	}
	return t.replace()
}

func unwritable(err error) error {
	return fault.Wrap(err, fault.Unavailable, "The folder of the key service cannot be written.").
		WithHint("Check the rights and the space on its disk, and rotate again: it goes on.")
}

// prepare writes the new files beside the old ones.
func (t *rerooting) prepare(ctx context.Context) error {
	copies := []func(ctx context.Context, from, to string) error{t.copyStore, t.copyLog, t.copyList}
	for i, path := range t.files() {
		if err := t.Step("copy " + filepath.Base(path)); err != nil {
			return err
		}
		for _, suffix := range []string{"", "-wal", "-shm"} { // of an attempt that was cut short
			if err := os.Remove(path + copySuffix + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return unwritable(err)
			}
		}
		if err := copies[i](ctx, path, path+copySuffix); err != nil {
			return err
		}
		for _, p := range []string{path + "-wal", path + copySuffix + "-wal"} {
			if _, err := os.Stat(p); err == nil {
				return fault.New(fault.Conflict, "Another process has the file %s open.", path).WithHint("End it first.")
			}
		}
	}
	return nil
}

// replace lets the new files take their places.
func (t *rerooting) replace() error {
	for _, path := range t.files() {
		if err := t.Step("replace " + filepath.Base(path)); err != nil {
			return err
		}
		err := os.Rename(path+copySuffix, path)
		if errors.Is(err, fs.ErrNotExist) { // it was done before, or there is no such file
			err = nil
		}
		if err == nil {
			err = syncPath(filepath.Dir(path))
		}
		if err != nil {
			return unwritable(err)
		}
	}
	if err := t.Step("end"); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(t.Dir, markFile)); err != nil {
		return unwritable(err)
	}
	return syncPath(t.Dir)
}

// both opens the old file and the new one; do works on them.
func both(ctx context.Context, from, to string, old, key []byte, do func(from, to *sqldb.DB) error) error {
	a, err := openDatabase(ctx, from, old)
	if err != nil {
		return err
	}
	b, err := openDatabase(ctx, to, key)
	if err != nil {
		return errors.Join(err, a.Close())
	}
	if err = errors.Join(do(a, b), a.Close(), b.Close()); err != nil {
		return err
	}
	return syncPath(to)
}

func (t *rerooting) copyStore(ctx context.Context, from, to string) error {
	return both(ctx, from, to, t.from.store, t.to.store, func(a, b *sqldb.DB) error {
		return b.Change(ctx, func(w *sqldb.Tx) error {
			if _, err := w.Exec(w.Dialect().DDL(schema)); err != nil {
				return err
			}
			if _, err := w.Exec(`insert into store (id, mark) values (1, ?)`, t.to.check[:]); err != nil {
				return err
			}
			return a.View(ctx, func(r *sqldb.Tx) error { return t.copyRows(r, w) })
		})
	})
}

// copyRows copies tenants as they are and seals their shred keys by the new root.
func (t *rerooting) copyRows(r, w *sqldb.Tx) error {
	err := copyTable(r, w, "tenant", "name, generation, created, shredded, signed_size, signed_root", nil)
	if err != nil {
		return err
	}
	have, err := r.Columns("secret")
	if err != nil {
		return err
	}
	columns := "tenant, kind, generation, sealed, public, created"
	if have["retired"] { // else no key was retired yet
		columns += ", retired"
	}
	if err := copyTable(r, w, "secret", columns, nil); err != nil {
		return err
	}
	return copyTable(r, w, "shred_key", "tenant, sealed", func(row []any) error {
		name, _ := row[0].(string)
		sealed, _ := row[1].([]byte)
		k, err := envelope.OpenBox(t.from.wrap, bind(name, "shred", 1), sealed)
		if err != nil {
			return err
		}
		defer clear(k)
		row[1], err = envelope.SealBox(t.to.wrap, bind(name, "shred", 1), k)
		return err
	})
}

func (t *rerooting) copyLog(ctx context.Context, from, to string) error {
	old, err := openDatabase(ctx, from, t.from.chain)
	if err != nil {
		return err
	}
	c, err := openChain(ctx, to, t.to.chain, t.Now)
	if err != nil {
		return errors.Join(err, old.Close())
	}
	err = c.db.Change(ctx, func(w *sqldb.Tx) error {
		return old.View(ctx, func(r *sqldb.Tx) error { return copyTable(r, w, "entry", "seq, text, hash", nil) })
	})
	if err == nil {
		err = c.append(entry{Call: callRotateRoot})
	}
	if err = errors.Join(err, c.close(), old.Close()); err != nil {
		return err
	}
	return syncPath(to)
}

// callRotateRoot stands in the log where the root was exchanged. It is no call of
// the protocol.
const callRotateRoot = "rotate_root"

// copyList signs every line anew.
func (t *rerooting) copyList(_ context.Context, from, to string) error {
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	old, err := openShredList(from, t.from.sign)
	if err != nil {
		return err
	}
	list, err := openShredList(to, t.to.sign)
	if err != nil {
		return err
	}
	for _, tenant := range old.names {
		if err := list.add(tenant, old.when[tenant]); err != nil {
			return err
		}
	}
	if old.seq == 0 { // an empty list is a list
		return list.write("")
	}
	return nil
}

// copyTable copies rows from r to w; change, when not nil, alters each.
func copyTable(r, w *sqldb.Tx, table, columns string, change func(row []any) error) error {
	n := 1
	for _, c := range columns {
		if c == ',' {
			n++
		}
	}
	holders := "?"
	for range n - 1 {
		holders += ", ?"
	}
	rows, err := r.Query(`select ` + columns + ` from ` + table)
	if err != nil {
		return err
	}
	defer rows.Close()
	row, into := make([]any, n), make([]any, n)
	for i := range row {
		into[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if change != nil {
			if err := change(row); err != nil {
				return err
			}
		}
		if _, err := w.Exec(`insert into `+table+` (`+columns+`) values (`+holders+`)`, row...); err != nil {
			return err
		}
	}
	return rows.Err()
}

// wholeRoot refuses a folder whose root is being exchanged.
func wholeRoot(dir string) error {
	marked, err := readMark(dir)
	if err != nil {
		return err
	}
	if marked != "" {
		return fault.New(fault.Conflict, "The rotation of the root key of this key store was cut short.").
			WithHint("Run strongroom keys rotate-root again, as before: it goes on.")
	}
	return nil
}
