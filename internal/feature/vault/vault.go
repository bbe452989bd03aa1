// Package vault keeps the host-proof vaults of people: what their browsers and
// command lines sealed, and nothing that opens it.
//
// Always true: no passphrase, private key, vault key, name or value of an item
// ever reaches this package; somebody without a grant is not told that a vault
// exists, whatever her role; a vault has one owner, who alone gives access and
// ends it, and ending it changes every key; each write is checked as the next client will check
// it (places, versions, signatures, the root of the whole list) and is refused
// whole when one part does not fit; each fetch and each write is in the audit log
// with the vault's number and no name.
package vault

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
)

// mostVaults is how many vaults one person has.
const mostVaults = 50

// Feature is the tables of vaults.
func Feature() record.Feature {
	return record.Feature{Name: "vault", Schema: slices.Concat(schema, fileSchema, recoverySchema, copySchema), Purge: purge}
}

var schema = []string{
	`create table if not exists vault_keyset (user_id int not null, number int not null, statement bytes not null, locked bytes, at int not null, primary key (user_id, number))`,
	`create table if not exists vault (id id primary key, owner_id int not null, epoch int not null, counter int not null, manifest bytes, at int not null)`,
	`create index if not exists vault_owner on vault (owner_id)`,
	`create table if not exists vault_grant (vault_id int not null, user_id int not null, epoch int not null, sealed bytes not null, at int not null, primary key (vault_id, user_id))`,
	`create index if not exists vault_grant_user on vault_grant (user_id)`,
	`create table if not exists vault_ended (vault_id id primary key, owner_id int not null, manifest bytes not null, at int not null)`,
	`create index if not exists vault_ended_owner on vault_ended (owner_id)`,
	`create table if not exists vault_item (vault_id int not null, item int not null, version int not null, header bytes not null, sealed bytes not null, at int not null, primary key (vault_id, item))`,
	`alter table vault_item add column if not exists audience text not null default ''`,
}

// purge forgets the vaults of a user who is deleted for good, as nobody could change
// who opens them any more, and what opens her keys. Her public keys stay where what
// she wrote in somebody else's vault is verified with them, until its owner ends her
// access.
func purge(tx *gate.Tx, r *record.Record) error {
	if r.Kind.Name != "user" {
		return nil
	}
	if err := loosen(tx, `vault_id in (select id from vault where owner_id = ?)`, int64(r.ID)); err != nil {
		return err
	}
	for _, q := range []string{
		`delete from vault_item where vault_id in (select id from vault where owner_id = ?)`,
		`delete from vault_grant where vault_id in (select id from vault where owner_id = ?)`,
		`delete from vault where owner_id = ?`,
		`delete from vault_ended where owner_id = ?`,
		`delete from vault_receipt where copy in (select hash from vault_copy where maker_id = ?)`,
		`delete from vault_copy_holder where hash in (select hash from vault_copy where maker_id = ?)`,
		`delete from vault_copy where maker_id = ?`,
		`delete from vault_recovery where user_id = ?`,
		`delete from vault_answer where user_id = ?`,
		`delete from vault_ask where user_id = ?`,
		`delete from vault_answer where officer_id = ?`,
		`delete from vault_officer where user_id = ?`,
		`update vault_keyset set locked = null where user_id = ?`,
		`delete from vault_keyset where user_id = ? and user_id not in (select user_id from vault_grant)`,
	} {
		if _, err := tx.Exec(q, int64(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

// Vaults keeps vaults. Fill Gate.
type Vaults struct {
	Gate *gate.Gate

	// Leave tells whether the caller may take passwords of the server's class out of it;
	// nil is nobody.
	Leave func(tx *gate.Tx) (bool, error)

	// Secrets reveals the one-time-code seeds that emergency copies have; nil where none are made.
	Secrets *secret.Revealer
}

// State is what a person has: her keyset and her vaults.
type State struct {
	Tenant    string  `json:"tenant"`
	User      id.ID   `json:"user"`
	Statement []byte  `json:"statement,omitempty"` // nothing before the first passphrase
	Lock      []byte  `json:"lock,omitempty"`
	Vaults    []id.ID `json:"vaults"`

	Before [][]byte `json:"before,omitempty"` // the statements before hers, when her keys are not her first

	Ended [][]byte `json:"ended,omitempty"` // the last lists of vaults that she deleted
}

// Contents is a vault as it is kept.
type Contents struct {
	Owner    id.ID    `json:"owner"`
	Members  []Member `json:"members"` // everybody who has a grant, by number
	Grant    []byte   `json:"grant"`   // the caller's own
	Manifest []byte   `json:"manifest"`
	Items    [][]byte `json:"items"` // envelopes, in the order of the items

	Withheld [][]byte `json:"withheld,omitempty"` // headers of items that are limited to others, likewise
}

// Write is one change of a vault. The manifest says what is in it afterwards.
type Write struct {
	Grant    []byte   `json:"grant,omitempty"` // the owner's own, with the first write
	Put      [][]byte `json:"put,omitempty"`
	Remove   []int64  `json:"remove,omitempty"`
	Manifest []byte   `json:"manifest"`

	Attach []Attachment `json:"attach,omitempty"` // files that were sent before and belong to these items from now on
	Detach []int64      `json:"detach,omitempty"` // files that belong to nothing any more
}

// change runs fn for who may see passwords at all, recorded as action.
func (s *Vaults) change(ctx context.Context, c *access.Caller, action string, vault id.ID, fn func(tx *gate.Tx) error) error {
	return s.Gate.Change(ctx, c, access.Reveal, gate.Thing{}, func(tx *gate.Tx) error {
		if tx.Caller.User == 0 {
			return fault.New(fault.Denied, "Only people have vaults.")
		}
		if tx.Caller.Scope.ReadOnly && action != "vault.read" {
			return fault.New(fault.Denied, "This API key may only read.")
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object = action, "vault", vault
		return fn(tx)
	})
}

// State gives what the caller has.
func (s *Vaults) State(ctx context.Context, c *access.Caller) (*State, error) {
	out := &State{Tenant: c.Tenant, User: c.User, Vaults: []id.ID{}}
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) error {
		if _, err := tx.Allow(access.Reveal, gate.Thing{}); err != nil {
			return err
		}
		_, statement, lock, err := keysetOf(tx, c.User)
		if err != nil {
			return err
		}
		out.Statement, out.Lock = statement, lock
		if out.Before, err = before(tx, c.User, statement); err != nil {
			return err
		}
		if err := out.present(tx); err != nil {
			return err
		}
		return out.past(tx)
	})
	return out, err
}

// present lists the vaults for which the person has a grant that has not ended.
func (s *State) present(tx *gate.Tx) error {
	rows, err := tx.Query(`select vault_id, sealed from vault_grant where user_id = ? order by vault_id`, int64(s.User))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		var sealed []byte
		if err := rows.Scan(&n, &sealed); err != nil {
			return err
		}
		g, err := hostproof.ParseGrant(sealed)
		if err != nil {
			return err
		}
		if !g.Ended(tx.Now) {
			s.Vaults = append(s.Vaults, id.ID(n))
		}
	}
	return rows.Err()
}

// past lists what the person deleted.
func (s *State) past(tx *gate.Tx) error {
	rows, err := tx.Query(`select manifest from vault_ended where owner_id = ? order by vault_id`, int64(s.User))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return err
		}
		s.Ended = append(s.Ended, b)
	}
	return rows.Err()
}

// keysetOf gives the newest statement of a user and its lock; nothing when there
// is none.
func keysetOf(tx *gate.Tx, user id.ID) (st *hostproof.Statement, statement, lock []byte, err error) {
	err = tx.QueryRow(`select statement, locked from vault_keyset where user_id = ? order by number desc limit 1`, int64(user)).Scan(&statement, &lock)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, nil, nil
	}
	if err != nil {
		return nil, nil, nil, err
	}
	st, err = hostproof.ParseStatement(statement)
	return st, statement, lock, err
}

// SaveKeyset keeps the caller's keyset: her first one, or the one after the one
// that is kept. The lock of the one before is forgotten.
func (s *Vaults) SaveKeyset(ctx context.Context, c *access.Caller, statement, lock []byte) error {
	st, err := hostproof.ParseStatement(statement)
	if err != nil {
		return err
	}
	if err := st.Verify(c.Tenant, int64(c.User)); err != nil {
		return refused(err)
	}
	if err := st.CheckLock(lock); err != nil {
		return err
	}
	return s.change(ctx, c, "vault.keyset", 0, func(tx *gate.Tx) error {
		old, _, _, err := keysetOf(tx, c.User)
		if err != nil {
			return err
		}
		list(tx, st)
		if old != nil && old.Hash() == st.Hash() {
			return nil // it is there, and listed once more
		}
		switch {
		case old == nil && st.Number != 1:
			return outdated()
		case old != nil && st.Follows(old) != nil:
			return fault.New(fault.Conflict, "You have a vault passphrase already.").WithHint("Load the page again and unlock with it.")
		case old != nil && st.Generation != old.Generation:
			return fault.New(fault.Invalid, "New keys are kept together with what was put under them.").WithHint("Load the page again.")
		}
		return keepKeyset(tx, st, statement, lock)
	})
}

// keepKeyset keeps a statement after the others. The lock of the one before is forgotten,
// and who asked officers for her keys has them.
func keepKeyset(tx *gate.Tx, st *hostproof.Statement, statement, lock []byte) error {
	user := int64(tx.Caller.User)
	tx.Entry().Version = int64(st.Number)
	if err := forgetAsk(tx, tx.Caller.User); err != nil {
		return err
	}
	if _, err := tx.Exec(`update vault_keyset set locked = null where user_id = ?`, user); err != nil {
		return err
	}
	_, err := tx.Exec(`insert into vault_keyset (user_id, number, statement, locked, at) values (?, ?, ?, ?, ?)`, user, int64(st.Number), statement, lock, tx.Now)
	return err
}

// Reserve gives the number of a vault that the caller is about to make. A vault
// that was never written is forgotten with the next number.
func (s *Vaults) Reserve(ctx context.Context, c *access.Caller) (vault id.ID, err error) {
	err = s.change(ctx, c, "vault.create", 0, func(tx *gate.Tx) error {
		if st, _, _, err := keysetOf(tx, c.User); err != nil || st == nil {
			return errors.Join(err, fault.New(fault.Invalid, "Choose a passphrase first."))
		}
		if _, err := tx.Exec(`delete from vault where owner_id = ? and counter = 0`, int64(c.User)); err != nil {
			return err
		}
		var n int64
		if err := tx.QueryRow(`select count(*) from vault where owner_id = ?`, int64(c.User)).Scan(&n); err != nil {
			return err
		}
		if n >= mostVaults {
			return fault.New(fault.Invalid, "One person has at most %d vaults.", mostVaults)
		}
		var err error
		if vault, err = tx.NewID(); err != nil {
			return err
		}
		tx.Entry().Object = vault
		_, err = tx.Exec(`insert into vault (id, owner_id, epoch, counter, at) values (?, ?, 1, 0, ?)`, int64(vault), int64(c.User), tx.Now)
		return err
	})
	return vault, err
}

// Read gives a vault that the caller has a grant for.
func (s *Vaults) Read(ctx context.Context, c *access.Caller, vault id.ID) (*Contents, error) {
	out := &Contents{Items: [][]byte{}}
	err := s.change(ctx, c, "vault.read", vault, func(tx *gate.Tx) error {
		st, err := standingOf(tx, vault)
		if err != nil {
			return err
		}
		if st.grant == nil {
			return gate.Missing()
		}
		out.Owner, out.Grant, out.Manifest = st.owner, st.sealed, st.manifest
		if out.Members, err = members(tx, vault); err != nil {
			return err
		}
		return out.items(tx, vault, c.User)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// refused words what verification says of a server for who sent it to one.
func refused(err error) error {
	if fault.Is(err, fault.Denied) {
		return fault.Wrap(err, fault.Invalid, "This was not made for this vault, or not by you, and was not saved.").WithHint("Load the page again.")
	}
	return err
}

func outdated() error {
	return fault.New(fault.Conflict, "The vault was changed elsewhere in the meantime.").WithHint("Load the page again and repeat your change.")
}
