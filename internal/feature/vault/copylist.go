package vault

import (
	"context"
	"encoding/hex"
	"slices"

	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// listedCopies is how many emergency copies are listed, the newest first.
const listedCopies = 200

// Listed is an emergency copy as the server was told of it: what it is, and whether receipts
// of openings were handed in.
type Listed struct {
	Name             string // what the audit log and the command line call it
	Maker            id.ID
	MakerName        string // empty where the caller does not see her
	At, Expires      int64  // Unix milliseconds
	Items, Passwords int64  // that are in it; both 0 of one from before they were kept
	Needed           int
	Holders          []string // names that the maker wrote; of people, where the caller sees them, their own
	Openings         []Opening
}

// Opening is what a receipt states.
type Opening struct {
	At       int64 // by the clock of the computer that opened; 0 of a receipt from before they were kept
	HandedIn int64
	Reason   string
	By       []string // who consented
}

// Copies lists the emergency copies that the caller made or holds a share of, and all of the
// tenant for who may read its audit log.
func (s *Vaults) Copies(ctx context.Context, c *access.Caller) (out []*Listed, err error) {
	err = s.Gate.View(ctx, c, func(tx *gate.Tx) error {
		may := access.Reveal
		if c.May(access.Inspect) {
			may = access.Inspect
		}
		if _, err := tx.Allow(may, gate.Thing{}); err != nil {
			return err
		}
		heads := map[string]*hostproof.Copy{}
		if out, err = copies(tx, heads); err != nil {
			return err
		}
		names, err := holderNames(tx, heads)
		if err != nil {
			return err
		}
		of := map[string]*Listed{}
		for _, l := range out {
			of[l.Name] = l
			l.MakerName = names[int64(l.Maker)]
			for _, h := range heads[l.Name].Holders {
				l.Holders = append(l.Holders, holderName(h, names))
			}
		}
		return openings(tx, of, heads, names)
	})
	return out, err
}

func holderName(h hostproof.Holder, names map[int64]string) string {
	if h.Statement != nil && names[h.Statement.User] != "" {
		return names[h.Statement.User]
	}
	return h.Name
}

// copyName is what a copy is called in the log: the beginning of its hash.
func copyName(hash string) string { return hash[:16] }

func copies(tx *gate.Tx, heads map[string]*hostproof.Copy) (out []*Listed, err error) {
	all := 0
	if tx.Caller.May(access.Inspect) {
		all = 1
	}
	rows, err := tx.Query(`select hash, maker_id, head, at, expires_at, items, passwords from vault_copy c where ? = 1 or maker_id = ?
		or exists (select 1 from vault_copy_holder h where h.hash = c.hash and h.user_id = ?) order by at desc, hash limit ?`, all, int64(tx.Caller.User), int64(tx.Caller.User), listedCopies)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var l Listed
		var hash string
		var maker int64
		var head []byte
		if err := rows.Scan(&hash, &maker, &head, &l.At, &l.Expires, &l.Items, &l.Passwords); err != nil {
			return nil, err
		}
		x, err := hostproof.ParseHead(head)
		if err != nil {
			return nil, err
		}
		l.Name, l.Maker, l.Needed = copyName(hash), id.ID(maker), x.Needed
		heads[l.Name] = x
		out = append(out, &l)
	}
	return out, rows.Err()
}

// holderNames gives the names of makers and holders whom the caller sees.
func holderNames(tx *gate.Tx, heads map[string]*hostproof.Copy) (map[int64]string, error) {
	var who []any
	marks := ""
	for _, x := range heads {
		for _, h := range append([]hostproof.Holder{{Statement: x.Maker}}, x.Holders...) {
			if h.Statement != nil && !slices.Contains(who, any(h.Statement.User)) {
				who, marks = append(who, h.Statement.User), marks+", ?"
			}
		}
	}
	out := map[int64]string{}
	if len(who) == 0 {
		return out, nil
	}
	sees, args := tx.Visible("r")
	rows, err := tx.Query(`select r.id, r.name from record r where r.kind = 'user' and r.trashed_at is null and `+sees+` and r.id in (`+marks[2:]+`)`, append(args, who...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		var name string
		if err := rows.Scan(&n, &name); err != nil {
			return nil, err
		}
		out[n] = name
	}
	return out, rows.Err()
}

// openings adds what receipts state to the copies of a list.
func openings(tx *gate.Tx, of map[string]*Listed, heads map[string]*hostproof.Copy, names map[int64]string) error {
	rows, err := tx.Query(`select copy, at, receipt from vault_receipt order by at, hash`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var hash string
		var stored []byte
		o := Opening{}
		if err := rows.Scan(&hash, &o.HandedIn, &stored); err != nil {
			return err
		}
		l := of[copyName(hash)]
		if l == nil {
			continue
		}
		if len(stored) > 0 {
			r, err := hostproof.ParseReceipt(stored)
			if err != nil {
				return err
			}
			o.At, o.Reason = r.Time, r.Reason
			for _, place := range r.Places {
				o.By = append(o.By, holderName(heads[l.Name].Holders[place-1], names))
			}
		}
		l.Openings = append(l.Openings, o)
	}
	return rows.Err()
}

// keepCopy keeps the head of a copy and who holds its shares. The same again is one.
func keepCopy(tx *gate.Tx, x *hostproof.Copy, in NewCopy) error {
	sum := x.Hash()
	hash := hex.EncodeToString(sum[:])
	if _, err := tx.Exec(`insert into vault_copy (hash, maker_id, head, at, expires_at, items, passwords) values (?, ?, ?, ?, ?, ?, ?) on conflict (hash) do nothing`,
		hash, int64(tx.Caller.User), in.Head, tx.Now, x.Expiry, in.Items, in.Passwords); err != nil {
		return err
	}
	for _, h := range x.Holders {
		if h.Statement == nil {
			continue
		}
		if _, err := tx.Exec(`insert into vault_copy_holder (hash, user_id) values (?, ?) on conflict (hash, user_id) do nothing`, hash, h.Statement.User); err != nil {
			return err
		}
	}
	return nil
}
