package audit

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/merkle"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/id"
)

// Schema is the log's tables.
var Schema = []string{
	`create table if not exists audit_entry (
		seq id primary key, time int not null, actor int not null, behalf int not null default 0, via text not null, session text not null,
		action text not null, kind text not null, object int not null, org int not null, version int not null default 0,
		result text not null, level int not null, cites int not null default 0, count int not null default 1,
		digest bytes not null, detail bytes, hash bytes not null)`,
	`create index if not exists audit_entry_object on audit_entry (object, seq)`,
	`create index if not exists audit_entry_actor on audit_entry (actor, seq)`,
	`create index if not exists audit_entry_org on audit_entry (org, seq)`,
	`create table if not exists audit_head (one int primary key check (one = 1), size int not null, frontier bytes not null)`,
	`create table if not exists audit_checkpoint (size int primary key, time int not null, note text not null)`,
	`create table if not exists audit_person (person int primary key, sealed bytes)`,
	`create table if not exists follower (name text primary key, seq int not null)`,
}

// Log appends to and reads from one tenant's audit log.
type Log struct {
	Tenant string
	root   cipher.AEAD

	mu      sync.Mutex
	persons map[id.ID]cipher.AEAD
}

// Open prepares the log of a tenant; key is the tenant's field root.
func Open(tenant string, key []byte) (*Log, error) {
	k, err := hkdf.Key(sha256.New, key, nil, "strongroom/audit/persons/1", 32)
	if err != nil {
		return nil, err
	}
	root, err := aead(k)
	return &Log{Tenant: tenant, root: root, persons: map[id.ID]cipher.AEAD{}}, err
}

func aead(key []byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(b)
}

type appending struct{}

// Append adds entries at the end of the log when tx is committed, filling in
// their sequence numbers and hashes: these are known once the change is durable.
// Changes that are committed together write the end of the log once.
func (l *Log) Append(tx *sqldb.Tx, entries ...*Entry) error {
	if len(entries) == 0 {
		return nil
	}
	return sqldb.AtCommit(tx, appending{}, l.append, entries...)
}

// append writes entries. On PostgreSQL it takes the lock on the tree's head.
func (l *Log) append(tx *sqldb.Tx, entries []*Entry) error {
	front, err := head(tx, true)
	if err != nil {
		return err
	}
	for _, e := range entries {
		e.Seq = front.Size()
		if err := l.complete(tx, e); err != nil {
			return err
		}
		front.Append(e.hash)
	}
	if err := insert(tx, entries); err != nil {
		return err
	}
	_, err = tx.Exec(`insert into audit_head (one, size, frontier) values (1, ?, ?)
		on conflict (one) do update set size = excluded.size, frontier = excluded.frontier`, front.Size(), front.Marshal())
	return err
}

// complete fills in what is derived: digest, sealed detail and hash.
func (l *Log) complete(tx *sqldb.Tx, e *Entry) error {
	if e.Count == 0 {
		e.Count = 1
	}
	e.Detail.Salt = make([]byte, 16)
	rand.Read(e.Detail.Salt)
	plain, digest, err := e.Detail.digest()
	if err != nil {
		return err
	}
	e.digest = digest
	person, err := l.person(tx, e.Actor, true)
	if err != nil {
		return err
	}
	if person != nil { // nil: the person was erased, and what she does now says nothing about her either
		e.sealed = person.Seal(nil, nil, plain, bind(e.Seq))
	}
	leaf, err := e.Leaf(l.Tenant)
	if err != nil {
		return err
	}
	e.hash = merkle.LeafHash(leaf)
	return nil
}

// together is how many entries one statement inserts, where there are as many.
const together = 32

var (
	one  = `(?` + strings.Repeat(`, ?`, 17) + `)`
	many = one + strings.Repeat(`, `+one, together-1)
)

func insert(tx *sqldb.Tx, entries []*Entry) error {
	const into = `insert into audit_entry (seq, time, actor, behalf, via, session, action, kind, object, org, version, result, level, cites, count, digest, detail, hash) values `
	args := make([]any, 0, 18*min(len(entries), together))
	for len(entries) > 0 {
		n, rows := 1, one
		if len(entries) >= together {
			n, rows = together, many
		}
		args = args[:0]
		for _, e := range entries[:n] {
			args = append(args, e.Seq, e.Time, int64(e.Actor), int64(e.Behalf), e.Via, e.Session, e.Action, e.Kind,
				int64(e.Object), int64(e.Org), e.Version, e.Result, e.Level, e.Cites, e.Count, e.digest, e.sealed, e.hash[:])
		}
		if _, err := tx.Exec(into+rows, args...); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

func bind(seq int64) []byte { return strconv.AppendInt([]byte("strongroom/audit/detail/1/"), seq, 10) }

// head reads the frontier; lock takes the row lock where the database has one.
func head(tx *sqldb.Tx, lock bool) (*merkle.Frontier, error) {
	q := `select frontier from audit_head where one = 1`
	if lock && tx.Dialect() == sqldb.Postgres {
		q += ` for update`
	}
	var b []byte
	err := tx.QueryRow(q).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		return &merkle.Frontier{}, nil
	}
	if err != nil {
		return nil, err
	}
	f, err := merkle.ParseFrontier(b)
	return &f, err
}

// Head gives the current size and root of the tree.
func Head(tx *sqldb.Tx) (size int64, root merkle.Hash, err error) {
	f, err := head(tx, false)
	if err != nil {
		return 0, root, err
	}
	return f.Size(), f.Root(), nil
}

// person gives the key under which details of a person's entries lie, making
// one when make is set. It gives nil when the key was destroyed.
func (l *Log) person(tx *sqldb.Tx, who id.ID, create bool) (cipher.AEAD, error) {
	l.mu.Lock()
	a := l.persons[who]
	l.mu.Unlock()
	if a != nil {
		return a, nil
	}
	var sealed []byte
	err := tx.QueryRow(`select sealed from audit_person where person = ?`, int64(who)).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) && create {
		return l.newPerson(tx, who)
	}
	if errors.Is(err, sql.ErrNoRows) || err == nil && sealed == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	key, err := l.root.Open(nil, nil, sealed, bind(int64(who)))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The audit log's key of a person cannot be opened.")
	}
	if a, err = aead(key); err != nil {
		return nil, err
	}
	if !create {
		l.mu.Lock()
		l.persons[who] = a
		l.mu.Unlock()
	}
	return a, nil
}

// Warm remembers the key of a person from a transaction that only reads, so
// that what it remembers is committed: a key remembered from a transaction that
// then fails would seal details that nobody could ever open.
func (l *Log) Warm(tx *sqldb.Tx, who id.ID) error {
	_, err := l.person(tx, who, false)
	return err
}

// Knows tells whether the key of a person is remembered.
func (l *Log) Knows(who id.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.persons[who] != nil
}

// newPerson stores a fresh key; Warm remembers it once it is committed.
func (l *Log) newPerson(tx *sqldb.Tx, who id.ID) (cipher.AEAD, error) {
	key := make([]byte, 32)
	rand.Read(key)
	if _, err := tx.Exec(`insert into audit_person (person, sealed) values (?, ?)`, int64(who), l.root.Seal(nil, nil, key, bind(int64(who)))); err != nil {
		return nil, err
	}
	return aead(key)
}

// Erase destroys the key of a person's details. Entries stay and verify; what
// they said about the person is gone.
func (l *Log) Erase(tx *sqldb.Tx, who id.ID) error {
	l.mu.Lock()
	delete(l.persons, who)
	l.mu.Unlock()
	_, err := tx.Exec(`insert into audit_person (person, sealed) values (?, null) on conflict (person) do update set sealed = null`, int64(who))
	return err
}

// Taken is the action of an entry that says in its leaf which details were taken away: as
// many as its Count, from the entry on that it cites.
const Taken = "audit.taken"

// Take takes away for good what n entries from first on say beside their leaves, and gives
// the entry that says so, which is to be appended in the same transaction: without it the
// log does not verify.
func (l *Log) Take(tx *sqldb.Tx, first, n int64) (*Entry, error) {
	_, err := tx.Exec(`update audit_entry set detail = null where seq >= ? and seq < ?`, first, first+n)
	return &Entry{Action: Taken, Cites: first + 1, Count: n}, err
}

func (l *Log) open(tx *sqldb.Tx, e *Entry) error {
	a, err := l.person(tx, e.Actor, false)
	if err != nil {
		return err
	}
	if a == nil || e.sealed == nil {
		e.Erased = true
		return nil
	}
	plain, err := a.Open(nil, nil, e.sealed, bind(e.Seq))
	if err != nil {
		return fault.New(fault.Internal, "The detail of audit entry %d was altered.", e.Seq)
	}
	sum := sha256.Sum256(plain)
	if string(sum[:]) != string(e.digest) {
		return fault.New(fault.Internal, "The detail of audit entry %d does not belong to it.", e.Seq)
	}
	return json.Unmarshal(plain, &e.Detail)
}
