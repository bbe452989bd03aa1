// Package secret keeps the secret values of records: passwords, one-time-code
// seeds, keys. It is the server class: opened for a caller who may, always
// recorded.
//
// Always true: a value is sealed to the tenant's public key in the transaction
// that stores it, and nothing on this side can open it again without the key
// service; every version of every value is kept, sealed under a key of its own,
// and names the header of the one before it; database triggers refuse to change
// or delete a version, except that all versions of an object go when the object
// is purged, and that the data key of one may be wrapped anew to a later key pair; a value is shown only after the audit entry "reveal.granted" is
// durable, and no transaction is open while the key service is asked.
package secret

import (
	"bytes"
	"database/sql"
	"errors"
	"math"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Schema is the tables of secrets and the triggers that keep versions as they
// are. A row in secret_purge opens the way for deleting one object's versions;
// Purge makes and removes it in one transaction. What may change of a version is
// in rewrap.go.
func Schema(d sqldb.Dialect) []string {
	tables := []string{
		`create table if not exists secret_version (
			id id primary key, kind text not null, org int not null, object int not null, field text not null, version int not null,
			header_hash bytes not null, previous_hash bytes not null, sealed bytes not null, empty int not null, time int not null, author int not null,
			note text not null, restores int not null)`,
		`create unique index if not exists secret_version_place on secret_version (object, field, version)`,
		`create table if not exists secret_purge (object id primary key)`,
	}
	tables = append(tables, floorSchema)
	if d == sqldb.Postgres {
		return append(tables,
			`create or replace function secret_version_fixed() returns trigger language plpgsql as $$
			begin
				if tg_op = 'DELETE' then
					if exists (select 1 from secret_purge p where p.object = old.object) then
						return old;
					end if;
				elsif tg_op = 'UPDATE' then
					if `+rewrapped(d)+` then
						return new;
					end if;
				end if;
				raise exception 'secret_version_fixed';
			end $$`,
			`create or replace function secret_version_kept() returns trigger language plpgsql as $$
			begin
				if `+below(d)+` then
					raise exception 'secret_version_retired';
				end if;
				return new;
			end $$`,
			`create or replace trigger secret_version_insert before insert on secret_version for each row execute function secret_version_kept()`,
			`create or replace trigger secret_version_change before update or delete on secret_version for each row execute function secret_version_fixed()`,
			`create or replace trigger secret_version_truncate before truncate on secret_version for each statement execute function secret_version_fixed()`)
	}
	return append(tables,
		`drop trigger if exists secret_version_update`, // it refused every change
		`create trigger if not exists secret_version_change before update on secret_version when (`+rewrapped(d)+`) is not true
			begin select raise(abort, 'secret_version_fixed'); end`,
		`create trigger if not exists secret_version_insert before insert on secret_version when `+below(d)+`
			begin select raise(abort, 'secret_version_retired'); end`,
		`create trigger if not exists secret_version_delete before delete on secret_version
			when not exists (select 1 from secret_purge p where p.object = old.object) begin select raise(abort, 'secret_version_fixed'); end`)
}

// Place says where a secret belongs.
type Place struct {
	Kind   string
	Org    id.ID // 0 for a record of the tenant itself
	Object id.ID
	Field  string
}

// Note says why a version was made.
type Note struct {
	Reason   string // in the caller's words, or empty
	Restores uint32 // the version whose text this one has again; 0 for none
}

// Version is what may be told of a version without revealing it.
type Version struct {
	Number     uint32
	Has        bool  // false when the value was cleared
	Time       int64 // Unix milliseconds
	Author     id.ID
	AuthorName string
	Reason     string
	Restores   uint32
}

// Put seals text as the next version of the secret at p. An empty text clears
// it: the history stays. Whether text differs from the present value cannot be
// known here, so every call makes a version. The caller has been allowed to
// change the record in tx. Invalid, for p.Field, when text is too long.
func Put(tx *gate.Tx, p Place, text string, note Note) (uint32, error) {
	last, err := latest(tx, p)
	if err != nil {
		return 0, err
	}
	if last.version == math.MaxUint32 {
		return 0, fault.New(fault.Conflict, "This value has been changed too often.").WithHint("Make a new record for it.")
	}
	if len(text) > envelope.MaxSecret {
		return 0, fault.Field(p.Field, "This is too long to be kept as a secret: at most %d bytes.", envelope.MaxSecret).WithHint("Store it as an attachment instead.")
	}
	h := envelope.Header{
		Class: envelope.ClassServer, Tenant: tx.Tenant.ID, Kind: p.Kind, Container: int64(p.Org), Object: int64(p.Object), Field: p.Field,
		Version: last.version + 1, Previous: last.hash, AccessEpoch: uint64(max(tx.Caller.Epoch, 0)), Time: tx.Now, Author: int64(tx.Caller.User),
	}
	sealed, hash, err := envelope.SealWith(h, []envelope.WrapKey{wrapKey(tx)}, []byte(text))
	if err != nil {
		return 0, err
	}
	rid, err := tx.NewID()
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(`insert into secret_version (id, kind, org, object, field, version, header_hash, previous_hash, sealed, empty, time, author, note, restores)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, int64(rid), p.Kind, int64(p.Org), int64(p.Object), p.Field, h.Version, hash[:], h.Previous[:], sealed,
		text == "", h.Time, h.Author, note.Reason, note.Restores)
	return h.Version, err
}

type link struct {
	version uint32
	hash    [32]byte // of the header; zeros before the first version
}

func latest(tx *gate.Tx, p Place) (link, error) {
	var l link
	var hash []byte
	err := tx.QueryRow(`select version, header_hash from secret_version where object = ? and field = ? order by version desc limit 1`, int64(p.Object), p.Field).
		Scan(&l.version, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return l, nil
	}
	copy(l.hash[:], hash)
	return l, err
}

// Purge deletes every version of every secret of an object, for good. The
// caller has been allowed to delete the object in tx.
func Purge(tx *gate.Tx, object id.ID) error {
	for _, q := range []string{
		`insert into secret_purge (object) values (?)`,
		`delete from secret_version where object = ?`,
		`delete from secret_purge where object = ?`,
	} {
		if _, err := tx.Exec(q, int64(object)); err != nil {
			return err
		}
	}
	return nil
}

const versionColumns = `select v.field, v.version, v.empty, v.time, v.author, coalesce(u.name, ''), v.note, v.restores
	from secret_version v left join record u on u.id = v.author `

// Versions lists the versions of a secret, newest first, to a caller who may
// see its record.
func Versions(tx *gate.Tx, p Place) ([]Version, error) {
	if _, err := tx.Allow(access.View, gate.Thing{Kind: p.Kind, ID: p.Object}); err != nil {
		return nil, err
	}
	var out []Version
	err := scan(tx, func(_ string, v Version) { out = append(out, v) },
		versionColumns+`where v.object = ? and v.field = ? order by v.version desc`, int64(p.Object), p.Field)
	return out, err
}

// Current gives the newest version of each secret field of an object, by field.
// It decides nothing: the caller has been allowed to see the object in tx.
func Current(tx *gate.Tx, object id.ID) (map[string]Version, error) {
	out := map[string]Version{}
	err := scan(tx, func(field string, v Version) { out[field] = v },
		versionColumns+`where v.object = ? order by v.field, v.version`, int64(object))
	return out, err
}

func scan(tx *gate.Tx, give func(string, Version), q string, args ...any) error {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var field string
		var v Version
		var empty bool
		var author int64
		if err := rows.Scan(&field, &v.Number, &empty, &v.Time, &author, &v.AuthorName, &v.Reason, &v.Restores); err != nil {
			return err
		}
		v.Has, v.Author = !empty, id.ID(author)
		give(field, v)
	}
	return rows.Err()
}

// stored is one version as it lies in the database.
type stored struct {
	kind, field      string
	org, object      int64
	version          uint32
	header, previous []byte // hashes
	sealed           []byte
	empty            bool
	time, author     int64
}

const storedColumns = `select kind, org, object, field, version, header_hash, previous_hash, sealed, empty, time, author from secret_version `

func (s *stored) scan(r interface{ Scan(...any) error }) error {
	return r.Scan(&s.kind, &s.org, &s.object, &s.field, &s.version, &s.header, &s.previous, &s.sealed, &s.empty, &s.time, &s.author)
}

// open parses the envelope and sees that its header says what its columns say:
// a version moved to another place is refused before anybody is asked for its
// key.
func (s *stored) open(tenant string) (*envelope.Envelope, error) {
	e, err := envelope.Parse(s.sealed)
	if err != nil {
		return nil, s.bad(err, "cannot be read")
	}
	h, hash := e.Header(), e.HeaderHash()
	switch {
	case h.Tenant != tenant, h.Kind != s.kind, h.Object != s.object, h.Field != s.field, h.Version != s.version, h.Container != s.org:
		return nil, s.bad(nil, "was sealed for another place")
	case h.Time != s.time, h.Author != s.author, !bytes.Equal(h.Previous[:], s.previous), !bytes.Equal(hash[:], s.header):
		return nil, s.bad(nil, "does not agree with what is stored beside it")
	case h.Class != envelope.ClassServer:
		return nil, s.bad(nil, "is of another class")
	}
	return e, nil
}

func (s *stored) bad(cause error, what string) error {
	return fault.Wrap(cause, fault.Internal, "Version %d of the field %s of record %d %s.", s.version, s.field, s.object, what).
		WithHint("The database was altered. Restore it from a backup and compare the audit log.")
}
