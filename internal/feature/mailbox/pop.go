package mailbox

import (
	"context"
	"errors"

	"strongroom/internal/base/mail"
	"strongroom/internal/base/mailparse"
	"strongroom/internal/base/popfetch"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
)

// pop is where the mail of a mailbox is that is read by POP3.
func (d *Desk) pop(b *Box, w word) *popfetch.Source {
	return &popfetch.Source{Dialer: d.Dialer, Addr: b.Server, StartTLS: b.TLS == mail.StartTLS, User: b.User, Password: w.password, Token: w.token, Config: d.TLS, Most: mailparse.MostBytes}
}

// visitPOP is visit by POP3, where places are names that the server gives its mails.
func (d *Desk) visitPOP(ctx context.Context, tenant string, b *Box, w word) error {
	known := map[string]bool{}
	err := d.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) error {
		rows, err := tx.Query(`select name from mailbox_taken where mailbox_id = ?`, int64(b.ID))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				return err
			}
			known[s] = true
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	source := d.pop(b, w)
	source.Known = func(name string) bool { return known[name] }
	var kept error
	taken := map[string]bool{}
	present, noted, err := source.Fetch(ctx, func(name string, raw []byte) error {
		if kept = d.Receive(ctx, tenant, b.ID, "pop:"+b.Server+":"+name, raw); kept == nil {
			taken[name] = true
		}
		return kept
	})
	if err == nil {
		err = noted
	}
	return errors.Join(kept, d.remember(ctx, tenant, b, known, taken, present), d.checked(ctx, tenant, b, 0, 0, err))
}

// remember notes what was taken, and forgets what the server has no more.
func (d *Desk) remember(ctx context.Context, tenant string, b *Box, known, taken map[string]bool, present []string) error {
	there := map[string]bool{}
	for _, name := range present {
		there[name] = true
	}
	return d.quietly(context.WithoutCancel(ctx), tenant, func(tx *gate.Tx) error {
		for name := range taken {
			if _, err := tx.Exec(`insert into mailbox_taken (mailbox_id, name) values (?, ?) on conflict do nothing`, int64(b.ID), name); err != nil {
				return err
			}
		}
		for name := range known {
			if present == nil || there[name] {
				continue
			}
			if _, err := tx.Exec(`delete from mailbox_taken where mailbox_id = ? and name = ?`, int64(b.ID), name); err != nil {
				return err
			}
		}
		return nil
	})
}
