// Package coretest gives tests of the core a house: a real key service on a
// Unix socket, a real tenant database, a gate and the engine of records.
//
// Always true: everything is in folders of the test and gone when it ends; the
// database is SQLite, or PostgreSQL when STRONGROOM_TEST_DB=postgres; the clock
// stands still until the test moves it.
package coretest

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"strongroom/internal/base/pgtest"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/keys/keystest"
	"strongroom/internal/core/keys/service"
	"strongroom/internal/core/record"
	"strongroom/internal/core/tenant"
)

// Name is the short name of the tenant that every house has.
const Name = "demo"

// Options say what is in the house; the zero value is a house with the kinds of
// Kinds.
type Options struct {
	Features []record.Feature // instead of Kinds
	Schema   []string         // further tables, in the vocabulary of sqldb.Dialect.DDL
	Keys     service.Options
	Log      *slog.Logger // the test's own log when nil
}

// House is a house with one tenant.
type House struct {
	House   *tenant.House
	Gate    *gate.Gate
	Records *record.Engine
	Keys    *keystest.Service
	Clock   *Clock

	t testing.TB
	o Options
}

// Clock is a clock that stands still. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now gives its time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves it.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Open opens a house that is closed when the test ends.
func Open(t testing.TB, o Options) *House {
	t.Helper()
	if o.Features == nil {
		o.Features = []record.Feature{{Name: "test", Kinds: Kinds()}}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	kinds, err := record.NewRegistry(append(slices.Clone(o.Features), record.Feature{Name: "schema of a test", Schema: o.Schema})...)
	if err != nil {
		t.Fatal(err)
	}
	h := &House{t: t, o: o, Clock: &Clock{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}}
	if o.Keys.Now == nil {
		o.Keys.Now = h.Clock.Now
	}
	h.Keys = keystest.Start(t, o.Keys)
	h.Records = &record.Engine{Kinds: kinds}
	h.House = &tenant.House{
		Dir: filepath.Join(t.TempDir(), "data"), Keys: h.Keys.Client, Postgres: postgres(t), Log: o.Log, Now: h.Clock.Now,
		Version: "test", Migrate: kinds.Migrate,
	}
	h.Gate = &gate.Gate{House: h.House, Kinds: kinds.Traits(), Log: o.Log, Now: h.Clock.Now}
	if err := h.House.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.House.Close(); err != nil {
			t.Errorf("the house did not close: %v", err)
		}
	})
	if _, err := h.House.Create(t.Context(), Name, "Demo"); err != nil {
		t.Fatal(err)
	}
	return h
}

// postgres gives the address of the test binary's server, or nothing when the
// tests run on SQLite. The names of a house's databases are fixed, so only one
// house at a time can be on it: such tests do not run in parallel.
func postgres(t testing.TB) string {
	t.Helper()
	if os.Getenv("STRONGROOM_TEST_DB") != "postgres" {
		return ""
	}
	dsn := pgtest.Start(t)("postgres")
	clear(t, dsn)
	t.Cleanup(func() { clear(t, dsn) })
	return dsn
}

// clear drops every database that a house made.
func clear(t testing.TB, dsn string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	rows, err := c.Query(ctx, `select datname from pg_database where datname like 'strongroom\_%'`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if _, err := c.Exec(ctx, `drop database `+pgx.Identifier{n}.Sanitize()+` with (force)`); err != nil {
			t.Fatal(err)
		}
	}
}

// Tenant opens the house's tenant for the rest of the test.
func (h *House) Tenant() *tenant.Tenant {
	h.t.Helper()
	t, err := h.House.Open(h.t.Context(), Name)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(t.Release)
	return t
}

// Admin is a caller who may do everything. She is no user of the tenant.
func (h *House) Admin() *access.Caller {
	c := access.System(Name, "session")
	c.Session = "s-admin"
	return c
}

// User makes a user with that role who may see these organizations, or all of
// them when none is given, and gives her as a caller.
func (h *House) User(role access.Role, orgs ...id.ID) *access.Caller {
	h.t.Helper()
	who := h.Make("user", 0, record.Values{"name": strings.ToLower(string(role)) + " user"})
	var c *access.Caller
	h.Change(func(tx *gate.Tx) error {
		group, err := tx.NewID()
		if err != nil {
			return err
		}
		for _, do := range []func() error{
			func() error { return access.SetPrincipal(tx.SQL(), who, role, true) },
			func() error { return access.SetMembers(tx.SQL(), group, []id.ID{who}) },
			func() error { return access.SetGroupOrgs(tx.SQL(), group, len(orgs) == 0, orgs) },
			func() error { c, err = access.Load(tx.SQL(), who); return err },
		} {
			if err := do(); err != nil {
				return err
			}
		}
		return nil
	})
	c.Tenant, c.Name, c.Via, c.Session, c.AuthLevel = Name, string(role), "session", "s-"+who.String(), 1
	return c
}

// Change runs fn as Admin in a transaction that may do anything.
func (h *House) Change(fn func(*gate.Tx) error) {
	h.t.Helper()
	if err := h.Gate.Change(h.t.Context(), h.Admin(), access.Administer, gate.Thing{}, fn); err != nil {
		h.t.Fatal(err)
	}
}

// View runs fn as c in a transaction that reads.
func (h *House) View(c *access.Caller, fn func(*gate.Tx) error) {
	h.t.Helper()
	if err := h.Gate.View(h.t.Context(), c, fn); err != nil {
		h.t.Fatal(err)
	}
}

// Make makes a record as Admin, in an organization when org is not 0.
func (h *House) Make(kind string, org id.ID, v record.Values) id.ID {
	h.t.Helper()
	v = v.Clone()
	if org != 0 {
		v["organization_id"] = org
	}
	var made id.ID
	h.Change(func(tx *gate.Tx) error {
		r, err := h.Records.Create(tx, kind, v)
		if err == nil {
			made = r.ID
		}
		return err
	})
	return made
}

// Org makes an organization.
func (h *House) Org(name string) id.ID {
	h.t.Helper()
	return h.Make("organization", 0, record.Values{"name": name})
}

// Kinds are a few kinds like those of the product.
func Kinds() []*record.Kind {
	name := record.Field{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Search: true, Filter: true, Sort: true}
	return []*record.Kind{
		{Name: "organization", Plural: "organizations", Label: "Organization", Labels: "Organizations", Scope: record.Organization,
			Fields: []record.Field{name, {Name: "short_name", Type: record.Text, Class: record.Internal, Search: true}}},
		{Name: "user", Plural: "users", Label: "User", Labels: "Users", Scope: record.OfTenant, Admin: true,
			Fields: []record.Field{name}},
		{Name: "configuration", Plural: "configurations", Label: "Configuration", Labels: "Configurations",
			Fields: []record.Field{name,
				{Name: "hostname", Type: record.Text, Class: record.Internal, Search: true},
				{Name: "primary_ip", Type: record.Text, Class: record.Internal, Search: true},
				{Name: "serial_number", Type: record.Text, Class: record.Internal, Search: true, Filter: true},
				{Name: "notes", Type: record.Multiline, Class: record.Internal, Search: true}}},
		{Name: "document", Plural: "documents", Label: "Document", Labels: "Documents",
			Fields: []record.Field{name, {Name: "content", Type: record.HTML, Class: record.Internal, Search: true}}},
		{Name: "password", Plural: "passwords", Label: "Password", Labels: "Passwords",
			Fields: []record.Field{name,
				{Name: "username", Type: record.Text, Class: record.Personal, Search: true},
				{Name: "password", Type: record.Secret},
				{Name: "otp_secret", Type: record.Secret, Format: record.Otpauth}}},
	}
}
