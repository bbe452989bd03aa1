package apikey

import (
	"context"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// personal tells whether the key sees what belongs to its owner alone: one that she made
// herself does, and one that somebody else made once she allows it.
func (k *Key) personal() bool { return k.Owner != 0 && (k.Owner == k.CreatedBy || k.Personal) }

// Alone tells whether the key sees what belongs to its owner alone.
func (k *Key) Alone() bool { return k.personal() && len(k.Orgs) == 0 && !k.filed }

// Mine lists the keys that belong to the caller, the newest first.
func Mine(tx *gate.Tx) ([]*Key, error) {
	if _, err := tx.Allow(access.View, gate.Thing{}); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`select `+columns+` from api_key a where a.owner_id = ? and a.owner_id <> 0 order by a.id desc`, int64(tx.Caller.User))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Key
	for rows.Next() {
		k, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

// LetSee has a key that belongs to the caller see what is hers alone, or not any more. She
// says it in person, and a key that she made herself needs no word. Fault kinds: Denied,
// NotFound.
func (k *Keys) LetSee(ctx context.Context, c *access.Caller, key id.ID, on bool) error {
	if c.User == 0 || c.Key != 0 || c.OneTime {
		return fault.New(fault.Denied, "Sign in as yourself to say what a key may see.")
	}
	return k.Gate.Change(ctx, c, access.SignIn, gate.Thing{Kind: "user", ID: c.User}, func(tx *gate.Tx) error {
		e := tx.Entry()
		e.Action, e.Kind, e.Object = "apikey.personal", "api_key", key
		e.Detail.Text = "no personal passwords any more"
		if on {
			e.Detail.Text = "personal passwords too"
		}
		tx.SQL().NewEdition()
		n, err := tx.Exec(`update api_key set personal = ? where id = ? and owner_id = ? and owner_id <> 0`, on, int64(key), int64(c.User))
		if err == nil && n == 0 {
			return gate.Missing()
		}
		return err
	})
}
