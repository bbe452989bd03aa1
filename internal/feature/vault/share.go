package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// mostMembers is how many people have access to one vault.
const mostMembers = 200

// Person is somebody with keys, to whom a vault can be given.
type Person struct {
	User      id.ID  `json:"user"`
	Name      string `json:"name"`
	Statement []byte `json:"statement"`

	Before [][]byte `json:"before,omitempty"` // the statements before it, from the first, when the keys are not the first
}

// withBefore adds the statements by which the keys of people follow from their first.
func withBefore(tx *gate.Tx, list ...*Person) error {
	for _, p := range list {
		var err error
		if p.Before, err = before(tx, p.User, p.Statement); err != nil {
			return err
		}
	}
	return nil
}

func before(tx *gate.Tx, user id.ID, statement []byte) ([][]byte, error) {
	if statement == nil {
		return nil, nil
	}
	st, err := hostproof.ParseStatement(statement)
	if err != nil || st.Generation == 1 {
		return nil, err
	}
	rows, err := tx.Query(`select statement from vault_keyset where user_id = ? and number < ? order by number`, int64(user), int64(st.Number))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out [][]byte
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, rows.Err()
}

// Member is somebody who has access to a vault.
type Member struct {
	Person
	Grant []byte `json:"grant"`
}

// People gives everybody whom the caller sees and who has keys, herself left out.
func (s *Vaults) People(ctx context.Context, c *access.Caller) ([]Person, error) {
	out := []Person{}
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) error {
		if _, err := tx.Allow(access.Reveal, gate.Thing{}); err != nil {
			return err
		}
		sees, args := tx.Visible("r")
		rows, err := tx.Query(`select r.id, r.name, k.statement from record r join vault_keyset k on k.user_id = r.id
			where r.kind = 'user' and r.trashed_at is null and r.archived = 0 and r.id <> ?
			and k.number = (select max(n.number) from vault_keyset n where n.user_id = r.id) and `+sees+` order by r.name_fold, r.id`, append([]any{int64(c.User)}, args...)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var p Person
			var n int64
			if err := rows.Scan(&n, &p.Name, &p.Statement); err != nil {
				return err
			}
			p.User = id.ID(n)
			out = append(out, p)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		for i := range out {
			if err := withBefore(tx, &out[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// members gives everybody who has a grant for a vault. Who is deleted, or whom the
// caller does not see, has no name.
func members(tx *gate.Tx, vault id.ID) ([]Member, error) {
	sees, args := tx.Visible("r")
	rows, err := tx.Query(`select g.user_id, coalesce(r.name, ''), k.statement, g.sealed from vault_grant g
		join vault_keyset k on k.user_id = g.user_id and k.number = (select max(n.number) from vault_keyset n where n.user_id = g.user_id)
		left join record r on r.id = g.user_id and r.trashed_at is null and `+sees+` where g.vault_id = ? order by g.user_id`, append(args, int64(vault))...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Member
	for rows.Next() {
		var m Member
		var n int64
		if err := rows.Scan(&n, &m.Name, &m.Statement, &m.Grant); err != nil {
			return nil, err
		}
		m.User = id.ID(n)
		out = append(out, m)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i := range out {
		if err := withBefore(tx, &out[i].Person); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// standing is what the caller may do in a vault.
type standing struct {
	owner    id.ID
	epoch    uint64
	counter  int64
	manifest []byte
	grant    *hostproof.Grant // nil before the first write
	sealed   []byte
	role     hostproof.Role
}

// standingOf looks a vault up for the caller. NotFound for who has no grant, or one
// that has ended.
func standingOf(tx *gate.Tx, vault id.ID) (*standing, error) {
	var s standing
	var owner, epoch int64
	err := tx.QueryRow(`select v.owner_id, v.epoch, v.counter, v.manifest, g.sealed from vault v left join vault_grant g on g.vault_id = v.id and g.user_id = ? where v.id = ?`,
		int64(tx.Caller.User), int64(vault)).Scan(&owner, &epoch, &s.counter, &s.manifest, &s.sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, gate.Missing()
	}
	if err != nil {
		return nil, err
	}
	s.owner, s.epoch = id.ID(owner), uint64(epoch)
	if s.sealed == nil {
		if s.owner == tx.Caller.User && s.counter == 0 {
			s.role = hostproof.Owner
			return &s, nil
		}
		return nil, gate.Missing()
	}
	if s.grant, err = hostproof.ParseGrant(s.sealed); err != nil {
		return nil, err
	}
	if s.grant.Ended(tx.Now) {
		return nil, gate.Missing()
	}
	s.role = s.grant.Role
	return &s, nil
}

// Grant gives somebody the vault of the caller, or lets somebody write who could
// only read. Less than somebody has is given with new keys: see Renew.
func (s *Vaults) Grant(ctx context.Context, c *access.Caller, vault id.ID, sealed []byte) error {
	g, err := hostproof.ParseGrant(sealed)
	if err != nil {
		return err
	}
	return s.change(ctx, c, "vault.grant", vault, func(tx *gate.Tx) error {
		st, err := owned(tx, vault)
		if err != nil {
			return err
		}
		if g.Epoch != st.epoch {
			return outdated()
		}
		list, err := members(tx, vault)
		if err != nil {
			return err
		}
		for _, m := range list {
			old, err := hostproof.ParseGrant(m.Grant)
			if err != nil {
				return err
			}
			if old.Grantee == g.Grantee && !old.Ended(tx.Now) && (!within(old, g) || within(g, old)) {
				return fault.New(fault.Conflict, "This person has that access already, or more.").WithHint("Load the page again. Less access is given with new keys.")
			}
		}
		if len(list) > mostMembers {
			return fault.New(fault.Invalid, "At most %d people have access to one vault.", mostMembers)
		}
		tx.Entry().Detail.Text = accessText(g)
		return give(tx, vault, g, sealed)
	})
}

// owned is standingOf for what its owner alone may do.
func owned(tx *gate.Tx, vault id.ID) (*standing, error) {
	st, err := standingOf(tx, vault)
	if err != nil {
		return nil, err
	}
	if st.owner != tx.Caller.User || st.grant == nil {
		return nil, fault.New(fault.Denied, "Only the owner of a vault says who has access to it.")
	}
	return st, nil
}

// within tells whether a grant lets do no more than another, and not longer.
func within(g, other *hostproof.Grant) bool {
	return g.Role <= other.Role && (other.Expiry == 0 || g.Expiry != 0 && g.Expiry <= other.Expiry)
}

// accessText says for the audit log who was given what, without a name.
func accessText(g *hostproof.Grant) string {
	what := map[hostproof.Role]string{hostproof.Reader: "reads", hostproof.Writer: "reads and writes", hostproof.Owner: "owns"}[g.Role]
	if g.Expiry != 0 {
		what += " until " + time.UnixMilli(g.Expiry).UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("user %d %s", g.Grantee, what)
}

// give checks a grant by the caller as its grantee will, and keeps it.
func give(tx *gate.Tx, vault id.ID, g *hostproof.Grant, sealed []byte) error {
	me, _, _, err := keysetOf(tx, tx.Caller.User)
	if err != nil {
		return err
	}
	to, _, _, err := keysetOf(tx, id.ID(g.Grantee))
	if err != nil {
		return err
	}
	if me == nil || to == nil {
		return fault.New(fault.Invalid, "This person has no keys for vaults yet.").WithHint("Ask her to open the page Vault once.")
	}
	if err := g.Verify(int64(vault), to, me, tx.Now); err != nil {
		return refused(err)
	}
	if self := g.Grantee == int64(tx.Caller.User); self != (g.Role == hostproof.Owner) || self && g.Expiry != 0 {
		return fault.New(fault.Invalid, "A vault has one owner.")
	}
	_, err = tx.Exec(`insert into vault_grant (vault_id, user_id, epoch, sealed, at) values (?, ?, ?, ?, ?)
		on conflict (vault_id, user_id) do update set epoch = excluded.epoch, sealed = excluded.sealed, at = excluded.at`, int64(vault), g.Grantee, int64(g.Epoch), sealed, tx.Now)
	return err
}

// Renewal gives a vault new keys: everything in it sealed anew, and a grant for
// everybody who keeps her access.
type Renewal struct {
	Grants   [][]byte `json:"grants"`
	Put      [][]byte `json:"put"`
	Manifest []byte   `json:"manifest"`
}

// Renew gives a vault of the caller's new keys. Who is in none of the grants has no
// access any more, and nothing is left that the old keys open.
func (s *Vaults) Renew(ctx context.Context, c *access.Caller, vault id.ID, w Renewal) error {
	m, err := hostproof.ParseManifest(w.Manifest)
	if err != nil {
		return err
	}
	if len(w.Put) > hostproof.MostItems+1 || len(w.Grants) > mostMembers+1 {
		return fault.New(fault.Invalid, "A vault holds at most %d items.", hostproof.MostItems)
	}
	return s.change(ctx, c, "vault.renew", vault, func(tx *gate.Tx) error {
		return renew(tx, tx.Entry(), vault, m, w)
	})
}

// renew puts everything of a vault under new keys, and says so in an entry.
func renew(tx *gate.Tx, e *audit.Entry, vault id.ID, m *hostproof.Manifest, w Renewal) error {
	st, err := owned(tx, vault)
	if err != nil {
		return err
	}
	st.epoch++
	p := &pending{tx: tx, vault: vault, epoch: st.epoch, manifest: m}
	if err := p.follows(st); err != nil {
		return err
	}
	if err := p.apply(Write{Put: w.Put}); err != nil {
		return err
	}
	if len(w.Put) != len(p.kept) {
		return fault.New(fault.Invalid, "Not everything in the vault was sealed anew, and nothing was saved.").WithHint("Load the page again.")
	}
	if e.Detail.Text, err = regrant(tx, vault, st.epoch, w.Grants); err != nil {
		return err
	}
	if err := p.audiences(st.owner); err != nil {
		return err
	}
	e.Version = int64(m.Counter)
	_, err = tx.Exec(`update vault set epoch = ?, counter = ?, manifest = ? where id = ?`, int64(st.epoch), int64(m.Counter), w.Manifest, int64(vault))
	return err
}

// regrant puts grants into the place of those that are there. Nobody gets more than
// she had. It gives words for the audit log.
func regrant(tx *gate.Tx, vault id.ID, epoch uint64, grants [][]byte) (string, error) {
	had := map[int64]*hostproof.Grant{}
	before, err := members(tx, vault)
	if err != nil {
		return "", err
	}
	for _, m := range before {
		g, err := hostproof.ParseGrant(m.Grant)
		if err != nil {
			return "", err
		}
		had[g.Grantee] = g
	}
	if _, err := tx.Exec(`delete from vault_grant where vault_id = ?`, int64(vault)); err != nil {
		return "", err
	}
	owner := false
	for _, sealed := range grants {
		g, err := hostproof.ParseGrant(sealed)
		if err != nil {
			return "", err
		}
		if old := had[g.Grantee]; g.Epoch != epoch || old == nil || !within(g, old) {
			return "", outdated()
		}
		delete(had, g.Grantee)
		owner = owner || g.Grantee == int64(tx.Caller.User)
		if err := give(tx, vault, g, sealed); err != nil {
			return "", err
		}
	}
	if !owner {
		return "", fault.New(fault.Invalid, "The owner of a vault keeps her access.")
	}
	return fmt.Sprintf("%d people keep their access, %d lose it", len(grants), len(had)), nil
}
