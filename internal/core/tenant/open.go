package tenant

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"time"

	"strongroom/internal/base/blob"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/audit"
)

// Open gives the tenant with that name, opening it when it is closed. Call
// Release when done with it.
func (h *House) Open(ctx context.Context, name string) (*Tenant, error) {
	for {
		h.mu.Lock()
		if t := h.open[name]; t != nil {
			t.users++
			h.mu.Unlock()
			return t, nil
		}
		wait, busy := h.opening[name]
		if !busy {
			wait = make(chan struct{})
			h.opening[name] = wait
			h.mu.Unlock()
			return h.openNew(ctx, name, wait)
		}
		h.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (h *House) openNew(ctx context.Context, name string, wait chan struct{}) (*Tenant, error) {
	t, err := h.load(ctx, name)
	h.mu.Lock()
	delete(h.opening, name)
	close(wait)
	if err != nil {
		h.mu.Unlock()
		return nil, err
	}
	t.users = 1
	h.open[name] = t
	extra := h.surplus()
	h.mu.Unlock()
	for _, e := range extra {
		if err := e.close(); err != nil {
			h.Log.WarnContext(ctx, "closing an idle tenant failed", "tenant", e.Name, "error", err)
		}
	}
	return t, nil
}

func (h *House) load(ctx context.Context, name string) (*Tenant, error) {
	info, err := h.Info(ctx, name)
	if err != nil {
		return nil, err
	}
	m, err := h.Keys.Tenant(ctx, info.ID)
	if err != nil {
		return nil, err
	}
	dir := h.folder(info.ID)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	t := &Tenant{ID: info.ID, Name: info.Name, Keys: m, IDs: new(Allocator), house: h, last: h.Now()}
	t.title.Store(&info.Title)
	t.public.Store(&m.Public)
	raw, err := hex.DecodeString(info.ID)
	if err != nil {
		return nil, err
	}
	copy(t.Number[:], raw)
	if t.Audit, err = audit.Open(info.ID, m.Fields); err != nil {
		return nil, err
	}
	if t.Blobs, err = blob.OpenFolder(filepath.Join(dir, "blobs"), m.Blobs); err != nil {
		return nil, err
	}
	if t.DB, err = h.database(ctx, info.ID, filepath.Join(dir, "data.db"), m.Database); err != nil {
		return nil, err
	}
	if err := h.migrate(ctx, t); err != nil {
		return nil, errors.Join(err, t.DB.Close())
	}
	return t, nil
}

// folder is where a tenant's files are.
func (h *House) folder(tid string) string { return filepath.Join(h.Dir, "tenants", tid) }

func (h *House) migrate(ctx context.Context, t *Tenant) error {
	var have string
	err := t.DB.View(ctx, func(tx *sqldb.Tx) error {
		ok, err := tx.HasTable("schema_version")
		if err != nil || !ok {
			return err
		}
		err = tx.QueryRow(`select version from schema_version`).Scan(&have)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil || have == h.Version && have != "" {
		return err
	}
	return t.DB.Change(ctx, func(tx *sqldb.Tx) error {
		if err := run(tx, []string{`create table if not exists schema_version (one int primary key check (one = 1), version text not null)`}); err != nil {
			return err
		}
		if err := run(tx, idSchema); err != nil {
			return err
		}
		if err := run(tx, audit.Schema); err != nil {
			return err
		}
		if err := h.Migrate(tx); err != nil {
			return err
		}
		_, err := tx.Exec(`insert into schema_version (one, version) values (1, ?) on conflict (one) do update set version = excluded.version`, h.Version)
		return err
	})
}

// database opens one database by name: a file of its own, or a database of its
// own on the PostgreSQL server.
func (h *House) database(ctx context.Context, name, path string, key []byte) (*sqldb.DB, error) {
	if h.Postgres == "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		return sqldb.OpenSQLite(ctx, sqldb.SQLiteOptions{Path: path, Key: func() ([]byte, error) { return key, nil }})
	}
	u, err := url.Parse(h.Postgres)
	if err != nil {
		return nil, fault.New(fault.Invalid, "The PostgreSQL address cannot be read.").WithHint("Give it as postgres://user@host:port/database.")
	}
	own := "strongroom_" + name
	if err := createDatabase(ctx, h.Postgres, own); err != nil {
		return nil, err
	}
	u.Path = "/" + own
	return sqldb.OpenPostgres(ctx, sqldb.PostgresOptions{DSN: u.String(), MaxConns: 6})
}

// surplus takes out of the map what is idle or too much. The lock is held.
func (h *House) surplus() []*Tenant {
	var idle []*Tenant
	for _, t := range h.open {
		if t.users == 0 {
			idle = append(idle, t)
		}
	}
	sort.Slice(idle, func(a, b int) bool { return idle[a].last.Before(idle[b].last) })
	var out []*Tenant
	for _, t := range idle {
		if len(h.open) <= h.MaxOpen && h.Now().Sub(t.last) < h.Idle {
			break
		}
		delete(h.open, t.Name)
		out = append(out, t)
	}
	return out
}

// Sweep closes tenants that have been idle for long; call it now and then.
// While the key service is away nothing is closed, since it could not be
// opened again.
func (h *House) Sweep(ctx context.Context) error {
	if s, err := h.Keys.Status(ctx); err != nil || s.Sealed {
		return nil
	}
	h.mu.Lock()
	out := h.surplus()
	h.mu.Unlock()
	var errs []error
	for _, t := range out {
		errs = append(errs, t.close())
	}
	return errors.Join(errs...)
}

// IsOpen tells whether a tenant is open now.
func (h *House) IsOpen(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open[name] != nil
}

// Opened gives the names of the tenants that are open.
func (h *House) Opened() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.open))
}

// OpenCount tells how many tenants are open.
func (h *House) OpenCount() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.open)
}

// Rekey lets an open tenant seal to its newest key pair from here on, after
// keys.Client.Rotate: every transaction that begins later does.
func (h *House) Rekey(ctx context.Context, name string) error {
	t, err := h.Open(ctx, name)
	if err != nil {
		return err
	}
	defer t.Release()
	m, err := h.Keys.Tenant(ctx, t.ID)
	if err != nil {
		return err
	}
	t.public.Store(&m.Public)
	return nil
}

// Release says that the caller is done with t, which stays open for a while.
func (t *Tenant) Release() { t.release(t.house.Now()) }

// Rest is Release for who only looked whether there is something to do: t is
// closed at the next opportunity, unless others use it.
func (t *Tenant) Rest() { t.release(time.Time{}) }

func (t *Tenant) release(used time.Time) {
	h := t.house
	h.mu.Lock()
	t.users--
	t.last = used
	last := t.gone && t.users == 0
	h.mu.Unlock()
	if last {
		t.close()
	}
}

func (t *Tenant) close() error { return t.DB.Close() }

// Erase destroys the tenant's keys and then removes its database and files.
// After the first step nothing of it can be read any more, backups included.
func (h *House) Erase(ctx context.Context, name string) error {
	info, err := h.Info(ctx, name)
	if err != nil {
		return err
	}
	if _, err := h.Keys.Shred(ctx, info.ID); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	err = h.control.Change(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(`delete from due where tenant = ?`, name); err != nil {
			return err
		}
		_, err := tx.Exec(`update tenant set state = 'erased', erased_at = ?, title = '' where id = ?`, h.Now().UnixMilli(), info.ID)
		return err
	})
	if err != nil {
		return err
	}
	if err := h.evict(ctx, info); err != nil { // nobody opens it from here on
		return err
	}
	if h.Postgres != "" {
		if err := dropDatabase(ctx, h.Postgres, "strongroom_"+info.ID); err != nil {
			return err
		}
	}
	return os.RemoveAll(h.folder(info.ID))
}

// evict closes an open tenant as soon as nobody uses it, waiting for who is just
// opening it.
func (h *House) evict(ctx context.Context, info *Info) error {
	h.mu.Lock()
	for wait, busy := h.opening[info.Name]; busy; wait, busy = h.opening[info.Name] {
		h.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
		h.mu.Lock()
	}
	t := h.open[info.Name]
	if t == nil || t.ID != info.ID { // another may have the name by now
		h.mu.Unlock()
		return nil
	}
	delete(h.open, info.Name)
	t.gone = true
	idle := t.users == 0
	h.mu.Unlock()
	if idle {
		return t.close()
	}
	return nil
}

// Folder gives a folder of the tenant for files other than blobs, such as
// staged imports; everything written there must be encrypted by its writer.
func (t *Tenant) Folder(name string) (string, error) {
	dir := filepath.Join(t.house.folder(t.ID), name)
	return dir, os.MkdirAll(dir, 0o700)
}
