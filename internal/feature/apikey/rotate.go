package apikey

import (
	"context"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// MostOverlap is how long the text that a key had may stay good beside the new one.
const MostOverlap = 30 * 24 * time.Hour

// Rotate gives a key a new text, which is shown once; the one before stays good for
// overlap, so that programs can be given the new one meanwhile. Everything else of the
// key stays as it is, its name in the log included. One before that one ends at once.
// Fault kinds: Invalid for "overlap", Denied, NotFound; Conflict for a key that has expired.
func (k *Keys) Rotate(ctx context.Context, c *access.Caller, key id.ID, overlap time.Duration) (*Key, string, error) {
	if overlap < 0 || overlap > MostOverlap {
		return nil, "", fault.Field("overlap", "The present key can stay good for up to 30 days.")
	}
	var out *Key
	var text string
	err := k.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) (err error) {
		e := tx.Entry()
		e.Action, e.Kind, e.Object = "apikey.rotate", "api_key", key
		if s := tx.Caller.Scope; tx.Caller.Key != 0 && (s.ReadOnly || s.NoPasswords || s.Provisions || len(s.Orgs) > 0 || s.Narrow.IDs != "") {
			return fault.New(fault.Denied, "A key that is limited cannot change other keys.")
		}
		if out, _, err = read(tx, `a.id = ?`, int64(key)); fault.Is(err, fault.Denied) {
			return k.unusable(tx, key)
		} else if err != nil {
			return err
		}
		e.Detail.Name, e.Detail.Text = out.Name, "the key before ended at once"
		if overlap > 0 {
			e.Detail.Text = "the key before is good for " + overlap.String() + " yet"
		}
		tx.SQL().NewEdition() // the text so far is remembered
		text = newText(tx.Tenant.Name)
		out.Hint, out.Before = hint(text), 0
		if _, err := tx.Exec(`delete from api_key_before where key_id = ?`, int64(key)); err != nil {
			return err
		}
		if overlap > 0 {
			out.Before = tx.Now + overlap.Milliseconds()
			if _, err := tx.Exec(`insert into api_key_before (hash, key_id, until_at) select hash, id, ? from api_key where id = ?`, out.Before, int64(key)); err != nil {
				return err
			}
		}
		hash, err := digest(tx, text)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`update api_key set hash = ?, hint = ? where id = ?`, hash, out.Hint, int64(key))
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return out, text, nil
}

// unusable tells a key that cannot be used any more from one that is not there.
func (k *Keys) unusable(tx *gate.Tx, key id.ID) error {
	n, err := tx.IDs(`select id from api_key where id = ?`, int64(key))
	if err == nil && len(n) == 0 {
		return gate.Missing()
	}
	if err != nil {
		return err
	}
	return fault.New(fault.Conflict, "This key opens nothing any more: it has expired, or its user is archived.").WithHint("Make a new key.")
}

// EndBefore ends the text that a key had before the present one, at once. NotFound when
// there is none.
func (k *Keys) EndBefore(ctx context.Context, c *access.Caller, key id.ID) error {
	return k.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Text = "apikey.rotate", "api_key", key, "the key before ended"
		n, err := tx.Exec(`delete from api_key_before where key_id = ?`, int64(key))
		if err == nil && n == 0 {
			return gate.Missing()
		}
		return err
	})
}
