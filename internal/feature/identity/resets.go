package identity

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
)

// Resets is whether people of a tenant set a forgotten password anew by a mail. The zero
// value lets them.
type Resets struct {
	Off  bool
	Whom string // whom they ask instead, for strangers to read; empty for an administrator
}

const mostWhom = 200 // characters

// ResetsOf gives how a tenant has it.
func ResetsOf(tx *gate.Tx) (Resets, error) {
	var r Resets
	err := tx.QueryRow(`select off, whom from identity_resets where one = 1`).Scan(&r.Off, &r.Whom)
	if noRows(err) {
		err = nil
	}
	return r, err
}

// SetResets keeps how a tenant has it, inside a change that was allowed as Administer.
// Where it is switched off, what was sent before opens nothing any more; invitations do.
// Invalid, with the field whom.
func SetResets(tx *gate.Tx, to Resets) error {
	to.Whom = strings.TrimSpace(to.Whom)
	if utf8.RuneCountInString(to.Whom) > mostWhom || strings.ContainsFunc(to.Whom, unicode.IsControl) {
		return fault.Field("whom", "This is one line of %d characters at most.", mostWhom)
	}
	was, err := ResetsOf(tx)
	if err != nil {
		return err
	}
	e := tx.Entry()
	if was == to {
		tx.Withdraw(e)
		return nil
	}
	e.Action, e.Detail.Text = "password.resets", "by mail"
	if to.Off {
		e.Detail.Text = "not by mail"
		if _, err := tx.Exec(`delete from identity_letter where sort = ?`, forgotten); err != nil {
			return err
		}
	}
	_, err = tx.Exec(`insert into identity_resets (one, off, whom) values (1, ?, ?) on conflict (one) do update set off = excluded.off, whom = excluded.whom`, to.Off, to.Whom)
	return err
}

// Says tells people whom to ask where there is no mail for a forgotten password.
func (r Resets) Says() string {
	if r.Whom != "" {
		return r.Whom
	}
	return "An administrator of your company can give you a one-time password."
}

// Resets gives how the tenant of an attempt has it; nothing tells whether there is such a
// tenant.
func (l *Letters) Resets(ctx context.Context, a Attempt) (r Resets, err error) {
	if a.Tenant == "" || l == nil {
		return r, nil
	}
	err = l.Sessions.Gate.View(ctx, stranger(a), func(tx *gate.Tx) (err error) { r, err = ResetsOf(tx); return err })
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	return r, err
}

func (r Resets) refuse() error {
	if !r.Off {
		return nil
	}
	return fault.New(fault.Conflict, "Your company sets no forgotten passwords anew by mail.").WithHint("%s", r.Says())
}
