package vault

import (
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// audienceText is how the column says whom an item is for: ",41,57,", and nothing for
// everybody in the vault.
func audienceText(to []int64) string {
	if len(to) == 0 {
		return ""
	}
	var b strings.Builder
	for _, user := range to {
		b.WriteString("," + strconv.FormatInt(user, 10))
	}
	return b.String() + ","
}

// isFor tells whether an item with such a text is for somebody.
func isFor(text string, user id.ID) bool {
	return text == "" || strings.Contains(text, ","+user.String()+",")
}

// items lists what somebody gets of a vault: the items that are for her, and of the others
// the headers, which the list of the vault is about.
func (c *Contents) items(tx *gate.Tx, vault, user id.ID) error {
	c.Items = [][]byte{}
	rows, err := tx.Query(`select sealed, audience from vault_item where vault_id = ? order by item`, int64(vault))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var b []byte
		var to string
		if err := rows.Scan(&b, &to); err != nil {
			return err
		}
		if isFor(to, user) {
			c.Items = append(c.Items, b)
			continue
		}
		e, err := envelope.Parse(b)
		if err != nil {
			return err
		}
		c.Withheld = append(c.Withheld, e.HeaderBytes())
	}
	return rows.Err()
}

// seen refuses a change of an item that is limited to others than the caller.
func seen(tx *gate.Tx, vault id.ID, item int64) error {
	var to string
	err := tx.QueryRow(`select audience from vault_item where vault_id = ? and item = ?`, int64(vault), item).Scan(&to)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil || isFor(to, tx.Caller.User) {
		return err
	}
	return fault.New(fault.Denied, "This item is limited to others.").WithHint("Ask the owner of the vault.")
}

// limited is an item that a write limits to some members.
type limited struct {
	to   []int64
	keys []envelope.KeyID
}

func limitedOf(e *envelope.Envelope, l hostproof.Leaf) limited {
	out := limited{to: l.For}
	for _, r := range e.Recipients() {
		out.keys = append(out.keys, r.KeyID)
	}
	return out
}

// audiences checks that what the write limited is for people who have access, by the keys
// that their grants are for, and for the owner and the caller.
func (p *pending) audiences(owner id.ID) error {
	if len(p.limited) == 0 {
		return nil
	}
	has, err := grantedKeys(p.tx, p.vault)
	if err != nil {
		return err
	}
	for _, l := range p.limited {
		for i, user := range l.to {
			if key, ok := has[user]; !ok || key != l.keys[i] {
				return outdated()
			}
		}
		if !slices.Contains(l.to, int64(owner)) || !slices.Contains(l.to, int64(p.tx.Caller.User)) {
			return fault.New(fault.Invalid, "The owner of the vault, and whoever limits an item, are among those whom it is for.")
		}
	}
	return nil
}

func grantedKeys(tx *gate.Tx, vault id.ID) (map[int64]envelope.KeyID, error) {
	rows, err := tx.Query(`select sealed from vault_grant where vault_id = ?`, int64(vault))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[int64]envelope.KeyID{}
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		g, err := hostproof.ParseGrant(b)
		if err != nil {
			return nil, err
		}
		out[g.Grantee] = g.Key
	}
	return out, rows.Err()
}
