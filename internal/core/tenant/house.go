// Package tenant knows which tenants exist and opens them on demand.
//
// Always true: a tenant's data is in its own database and blob folder under its
// own keys, all of which come from the key service; the control database holds
// names, states and due times, never customers' data; an open tenant that
// nobody uses is closed again.
package tenant

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"strongroom/internal/base/blob"
	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/keys"
)

// House opens tenants. Fill the exported fields, then call Start.
type House struct {
	Dir      string // the data folder
	Keys     *keys.Client
	Postgres string // base DSN; empty means SQLite in Dir
	Suite    string // key suite of new tenants; empty is the hybrid one
	Log      *slog.Logger
	Now      func() time.Time // nil is time.Now

	// Migrate brings a tenant's tables up to date, in one transaction.
	// Version names the state it leads to; a tenant that has it is not migrated.
	Migrate func(*sqldb.Tx) error
	Version string

	MaxOpen int           // most tenants open at once; 0 is 300
	Idle    time.Duration // close after this long without use; 0 is 5 minutes

	control *sqldb.DB
	mu      sync.Mutex
	open    map[string]*Tenant // by name
	opening map[string]chan struct{}
}

// Tenant is one open tenant. Release it when done.
type Tenant struct {
	ID     string // 32 hexadecimal digits, for ever
	Name   string // short name, [a-z0-9-]
	DB     *sqldb.DB
	Blobs  blob.Store
	Keys   keys.Material
	Audit  *audit.Log
	IDs    *Allocator
	Number [16]byte // ID as bytes, for envelopes

	title  atomic.Pointer[string]
	public atomic.Pointer[envelope.PublicKey]
	house  *House
	users  int
	last   time.Time
	gone   bool
}

// Title is what the tenant is called, for people.
func (t *Tenant) Title() string { return *t.title.Load() }

// Public is the key that the tenant's secrets are sealed to: the one of Keys until
// Rekey brought a newer.
func (t *Tenant) Public() envelope.PublicKey { return *t.public.Load() }

// Info is what the control database knows of a tenant.
type Info struct {
	ID, Name, Title string
	Created         int64
	State           string // "active", "making" or "erased"
}

var controlSchema = []string{
	`create table if not exists tenant (id text primary key, name text not null, title text not null, created_at int not null,
		state text not null, version text not null default '', erased_at int not null default 0, certificate text not null default '')`,
	`create unique index if not exists tenant_name on tenant (name) where state <> 'erased'`,
	`create table if not exists due (tenant text not null, at int not null, primary key (tenant))`,
	`create table if not exists setting (name text primary key, value text not null)`,
}

// Start opens the control database. The key service must be unsealed.
func (h *House) Start(ctx context.Context) error {
	h.open, h.opening = map[string]*Tenant{}, map[string]chan struct{}{}
	if h.Now == nil {
		h.Now = time.Now
	}
	if h.MaxOpen == 0 {
		h.MaxOpen = 300
	}
	if h.Idle == 0 {
		h.Idle = 5 * time.Minute
	}
	m, err := h.Keys.System(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(h.Dir, 0o700); err != nil {
		return fault.Wrap(err, fault.Unavailable, "The data folder %s cannot be made.", h.Dir).WithHint("Give a folder that this user may write to, with -data DIR.")
	}
	if h.control, err = h.database(ctx, "control", filepath.Join(h.Dir, "control.db"), m.Database); err != nil {
		return err
	}
	return h.control.Change(ctx, func(tx *sqldb.Tx) error { return run(tx, controlSchema) })
}

func run(tx *sqldb.Tx, ddl []string) error {
	for _, q := range ddl {
		if _, err := tx.Exec(tx.Dialect().DDL(q)); err != nil {
			return err
		}
	}
	return nil
}

// Close closes every open tenant and the control database.
func (h *House) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	for n, t := range h.open {
		delete(h.open, n)
		errs = append(errs, t.close())
	}
	if h.control != nil {
		errs = append(errs, h.control.Close())
	}
	return errors.Join(errs...)
}

var validName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)

// Create makes a tenant with its keys, database and blob folder. Invalid for a
// bad name, Conflict for one that is taken.
func (h *House) Create(ctx context.Context, name, title string) (*Info, error) {
	return h.Make(ctx, name, title, func(context.Context) error { return nil })
}

// Make is Create for a tenant that is nothing without what fill puts into it,
// such as its administrator. Until fill has succeeded the tenant can be opened
// but does not count; when fill fails the tenant is erased, and when the process
// dies meanwhile, Tidy erases it.
func (h *House) Make(ctx context.Context, name, title string, fill func(context.Context) error) (*Info, error) {
	info, err := h.begin(ctx, name, title)
	if err != nil {
		return nil, err
	}
	if err := fill(ctx); err != nil {
		return nil, errors.Join(err, h.Erase(context.WithoutCancel(ctx), name))
	}
	info.State = "active"
	return info, h.control.Change(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`update tenant set state = 'active' where id = ? and state = 'making'`, info.ID)
		return err
	})
}

// Tidy erases tenants whose making was not finished. Call it after Start, where
// no other process can be making one.
func (h *House) Tidy(ctx context.Context) error {
	names, err := h.names(ctx, "making")
	if err != nil {
		return err
	}
	for _, name := range names {
		h.Log.WarnContext(ctx, "a tenant whose making was not finished is erased", "tenant", name)
		if err := h.Erase(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// begin makes a tenant that is in the making.
func (h *House) begin(ctx context.Context, name, title string) (*Info, error) {
	if !validName.MatchString(name) {
		return nil, fault.Field("name", "A tenant's name has 1 to 32 lower-case letters, digits and hyphens, such as northbeam.")
	}
	if title == "" {
		title = name
	}
	raw := make([]byte, 16)
	rand.Read(raw)
	info := &Info{ID: hex.EncodeToString(raw), Name: name, Title: title, Created: h.Now().UnixMilli(), State: "making"}
	switch old, err := h.Info(ctx, name); {
	case err == nil && old.State == "making":
		return nil, fault.New(fault.Conflict, "A tenant named %s is being made.", name).WithHint("If that failed, start the server again: it clears away what is unfinished.")
	case err == nil:
		return nil, fault.New(fault.Conflict, "There is already a tenant named %s.", name).WithHint("Choose another name.")
	}
	if err := h.Keys.CreateTenant(ctx, info.ID, h.Suite); err != nil {
		return nil, err
	}
	err := h.control.Change(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`insert into tenant (id, name, title, created_at, state) values (?, ?, ?, ?, 'making')`, info.ID, name, title, info.Created)
		return err
	})
	if err != nil {
		if _, kind, ok := sqldb.ConstraintOf(err); ok && kind == "unique" {
			return nil, fault.New(fault.Conflict, "There is already a tenant named %s.", name)
		}
		return nil, err
	}
	t, err := h.Open(ctx, name)
	if err != nil {
		return nil, errors.Join(err, h.Erase(context.WithoutCancel(ctx), name))
	}
	t.Release()
	return info, nil
}

// SetTitle gives a tenant another title. NotFound when there is no such tenant.
func (h *House) SetTitle(ctx context.Context, name, title string) error {
	if _, err := h.Info(ctx, name); err != nil {
		return err
	}
	err := h.control.Change(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`update tenant set title = ? where name = ? and state <> 'erased'`, title, name)
		return err
	})
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.open[name]; t != nil {
		t.title.Store(&title)
	}
	return nil
}

const infoColumns = `select id, name, title, created_at, state from tenant`

// Info finds a tenant by name. NotFound when there is none.
func (h *House) Info(ctx context.Context, name string) (*Info, error) {
	var i Info
	err := h.control.View(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(infoColumns+` where name = ? and state <> 'erased'`, name).Scan(&i.ID, &i.Name, &i.Title, &i.Created, &i.State)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "There is no tenant named %s.", name).WithHint("List them with: strongroom tenant list.")
	}
	return &i, err
}

// List gives every tenant, erased ones included, by name.
func (h *House) List(ctx context.Context) ([]Info, error) {
	var out []Info
	err := h.control.View(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(infoColumns + ` order by name, created_at`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var i Info
			if err := rows.Scan(&i.ID, &i.Name, &i.Title, &i.Created, &i.State); err != nil {
				return err
			}
			out = append(out, i)
		}
		return rows.Err()
	})
	return out, err
}

// Active gives the names of the active tenants, in no order.
func (h *House) Active(ctx context.Context) ([]string, error) { return h.names(ctx, "active") }

func (h *House) names(ctx context.Context, state string) (out []string, err error) {
	err = h.control.View(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(`select name from tenant where state = ?`, state)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			out = append(out, name)
		}
		return rows.Err()
	})
	return out, err
}

// Count tells how many active tenants there are.
func (h *House) Count(ctx context.Context) (n int, err error) {
	err = h.control.View(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(`select count(*) from tenant where state = 'active'`).Scan(&n)
	})
	return n, err
}

// Only gives the name of the one tenant there is, and "" when there are none or
// several.
func (h *House) Only(ctx context.Context) (string, error) {
	var name string
	err := h.control.View(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(`select case when count(*) = 1 then max(name) else '' end from tenant where state = 'active'`).Scan(&name)
	})
	return name, err
}
