package service

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"regexp"
	"strconv"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/merkle"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/keys/wire"

	"golang.org/x/mod/sumdb/note"
)

// control is the reserved tenant of the control database.
const control = "_control"

// Kinds of secrets below a tenant's shred key.
const (
	kindPair       = "pair"
	kindCheckpoint = "checkpoint"
	kindDatabase   = "database"
	kindBlobs      = "blobs"
	kindFields     = "fields"
	kindIndex      = "index"
)

func checkName(tenant string) error {
	if tenant == control || regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`).MatchString(tenant) {
		return nil
	}
	return fault.New(fault.Invalid, "The key service cannot name a tenant like this.").
		WithHint("Use 1 to 63 of a-z, 0-9, hyphen, underscore and period, beginning with a letter or digit.")
}

// bind says where a sealed secret belongs.
func bind(tenant, kind string, generation uint32) []byte {
	return envelope.Bind("strongroom/keystore/1", tenant, kind, strconv.FormatUint(uint64(generation), 10))
}

// secret is one row of the table of that name, not yet sealed.
type secret struct {
	kind       string
	generation uint32
	plain      []byte
	public     []byte
}

func newPair(suite string, generation uint32) (secret, error) {
	if suite == "" {
		suite = string(envelope.Hybrid)
	}
	k, err := envelope.GenerateKey(envelope.KeySuite(suite), generation)
	if err != nil {
		return secret{}, err
	}
	b, err := k.Marshal()
	return secret{kindPair, generation, b, k.Public.Marshal()}, err
}

// newTenant makes everything below a new shred key.
func newTenant(tenant, suite string) ([]secret, error) {
	pair, err := newPair(suite, 1)
	if err != nil {
		return nil, err
	}
	private, verifier, err := note.GenerateKey(rand.Reader, merkle.OriginPrefix+tenant)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "A key that signs checkpoints could not be made.")
	}
	secrets := []secret{pair, {kindCheckpoint, 1, []byte(private), []byte(verifier)}}
	for _, kind := range []string{kindDatabase, kindBlobs, kindFields, kindIndex} {
		secrets = append(secrets, secret{kind, 1, random(), []byte{}})
	}
	return secrets, nil
}

func random() []byte {
	b := make([]byte, envelope.KeySize)
	rand.Read(b)
	return b
}

func (s secret) insert(tx *sqldb.Tx, tenant string, shredKey []byte, now int64) error {
	sealed, err := envelope.SealBox(shredKey, bind(tenant, s.kind, s.generation), s.plain)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into secret (tenant, kind, generation, sealed, public, created) values (?, ?, ?, ?, ?, ?)`,
		tenant, s.kind, s.generation, sealed, s.public, now)
	return err
}

func (s *service) create(ctx context.Context, tenant, suite string) error {
	if tenant == control {
		return fault.New(fault.Conflict, "The tenant %s is reserved.", control)
	}
	return s.open(func(v *vault) error { return v.create(ctx, tenant, suite) })
}

func (v *vault) create(ctx context.Context, tenant, suite string) error {
	if err := checkName(tenant); err != nil {
		return err
	}
	if _, _, err := v.state(ctx, tenant); !errors.Is(err, errNoTenant) {
		if err == nil || fault.Is(err, fault.NotFound) { // it is there, or it was once
			return exists(tenant)
		}
		return err
	}
	secrets, err := newTenant(tenant, suite)
	if err != nil {
		return err
	}
	if err := v.chain.append(entry{Call: wire.CallCreateTenant, Tenant: tenant, Suite: suite}); err != nil {
		return err
	}
	now := v.o.Now().UnixMilli()
	err = v.store.Change(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(`insert into tenant (name, generation, created) values (?, 1, ?)`, tenant, now); err != nil {
			return err
		}
		return v.insertAll(tx, tenant, secrets, now)
	})
	for _, s := range secrets {
		clear(s.plain)
	}
	if _, kind, ok := sqldb.ConstraintOf(err); ok && kind == "unique" {
		return exists(tenant)
	}
	return err
}

func exists(tenant string) error {
	return fault.New(fault.Conflict, "The key service has, or had, a tenant %s already.", tenant).WithHint("Choose another name.")
}

func (v *vault) insertAll(tx *sqldb.Tx, tenant string, secrets []secret, now int64) error {
	shredKey := random()
	defer clear(shredKey)
	sealed, err := envelope.SealBox(v.root.wrap, bind(tenant, "shred", 1), shredKey)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`insert into shred_key (tenant, sealed) values (?, ?)`, tenant, sealed); err != nil {
		return err
	}
	for _, s := range secrets {
		if err := s.insert(tx, tenant, shredKey, now); err != nil {
			return err
		}
	}
	return nil
}

func (v *vault) ensureControl(ctx context.Context) error {
	err := v.create(ctx, control, "")
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	return err
}

// errNoTenant is wrapped by the fault that says so.
var errNoTenant = errors.New("no such tenant")

func destroyed(tenant string, when int64) error {
	return fault.New(fault.NotFound, "The keys of tenant %s were destroyed on %s.", tenant, time.UnixMilli(when).UTC().Format(time.DateOnly)).
		WithHint("What was sealed for it cannot be opened any more.")
}

// state gives a tenant's present generation and the time it was created.
// NotFound when there is none or its keys were destroyed.
func (v *vault) state(ctx context.Context, tenant string) (generation uint32, created int64, err error) {
	err = v.store.View(ctx, func(tx *sqldb.Tx) error {
		var g int64
		var gone int64
		err := tx.QueryRow(`select generation, created, shredded from tenant where name = ?`, tenant).Scan(&g, &created, &gone)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.Wrap(errNoTenant, fault.NotFound, "The key service has no tenant %s.", tenant).WithHint("Create it, or restore the key store from its backup.")
		}
		if err == nil && gone != 0 {
			return destroyed(tenant, gone)
		}
		generation = uint32(g)
		return err
	})
	return generation, created, err
}

func (s *service) status(ctx context.Context) (*wire.Status, error) {
	st := &wire.Status{Sealed: true, Version: s.o.Version}
	err := s.open(func(v *vault) error {
		st.Sealed = false
		return v.store.View(ctx, func(tx *sqldb.Tx) error {
			return tx.QueryRow(`select count(*) from tenant where shredded = 0 and name <> ?`, control).Scan(&st.Tenants)
		})
	})
	if st.Sealed {
		return st, nil
	}
	return st, err
}

func (s *service) material(ctx context.Context, tenant string) (m *wire.Material, err error) {
	err = s.open(func(v *vault) error {
		t, err := v.tenant(ctx, tenant)
		if err != nil {
			return err
		}
		m = &wire.Material{Public: t.public.Marshal(), CheckpointKey: t.verifier}
		for kind, dst := range map[string]*wire.Secret{kindDatabase: &m.Database, kindBlobs: &m.Blobs, kindFields: &m.Fields, kindIndex: &m.Index} {
			*dst = bytes.Clone(t.roots[kind]) // the tenant may be forgotten before this is sent
		}
		return nil
	})
	return m, err
}

func (s *service) rotate(ctx context.Context, tenant, suite string) (g uint32, err error) {
	err = s.open(func(v *vault) error {
		g, err = v.rotate(ctx, tenant, suite)
		return err
	})
	return g, err
}

func (v *vault) rotate(ctx context.Context, tenant, suite string) (uint32, error) {
	t, err := v.tenant(ctx, tenant)
	if err != nil {
		return 0, err
	}
	if suite == "" {
		suite = string(t.public.Suite)
	}
	next := t.public.Generation + 1
	pair, err := newPair(suite, next)
	if err != nil {
		return 0, err
	}
	defer clear(pair.plain)
	if err := v.chain.append(entry{Call: wire.CallRotate, Tenant: tenant, Suite: suite}); err != nil {
		return 0, err
	}
	err = v.store.Change(ctx, func(tx *sqldb.Tx) error {
		shredKey, err := v.shredKey(tx, tenant)
		if err != nil {
			return err
		}
		defer clear(shredKey)
		n, err := tx.Exec(`update tenant set generation = ? where name = ? and generation = ?`, next, tenant, next-1)
		if err != nil {
			return err
		}
		if n != 1 {
			return fault.New(fault.Conflict, "Somebody else rotated the keys of tenant %s just now.", tenant).WithHint("Nothing more is to be done.")
		}
		return pair.insert(tx, tenant, shredKey, v.o.Now().UnixMilli())
	})
	v.cache.remove(tenant)
	return next, err
}

func (v *vault) shredKey(tx *sqldb.Tx, tenant string) ([]byte, error) {
	var sealed []byte
	if err := tx.QueryRow(`select sealed from shred_key where tenant = ?`, tenant).Scan(&sealed); err != nil {
		return nil, err
	}
	return envelope.OpenBox(v.root.wrap, bind(tenant, "shred", 1), sealed)
}
