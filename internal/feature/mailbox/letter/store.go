package letter

import (
	"context"
	"database/sql"
	"errors"
	"net/mail"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Whose says where a template comes from.
type Whose string

// Where a template comes from.
const (
	OfOrganization Whose = "organization"
	OfAll          Whose = "all"
	OfStrongroom   Whose = "supplied"
)

// Get gives the template of a mail for an organization, 0 for all: its own, or everybody's, or
// the supplied one.
func Get(tx *gate.Tx, org id.ID, language, what string) (t Template, from Whose, err error) {
	var of int64
	err = tx.QueryRow(`select organization_id, subject, body from mailbox_template where organization_id in (?, 0) and language = ? and what = ? order by organization_id desc limit 1`, int64(org), language, what).Scan(&of, &t.Subject, &t.Text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Supplied(what, language), OfStrongroom, nil
	case of != 0:
		return t, OfOrganization, err
	}
	return t, OfAll, err
}

// languageOf is the language of an organization; usual when it has none.
func languageOf(tx *gate.Tx, org id.ID, usual string) (string, error) {
	var s string
	err := tx.QueryRow(`select language from mailbox_language where organization_id = ?`, int64(org)).Scan(&s)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", err
	}
	for _, code := range []string{s, usual} {
		if Known(code) {
			return code, nil
		}
	}
	return Languages()[0].Code, nil
}

// Known tells whether there are templates in a language.
func Known(code string) bool {
	return slices.ContainsFunc(Languages(), func(l Language) bool { return l.Code == code })
}

// LanguageOf gives the language that was chosen for an organization; empty for that of the
// mailbox.
func LanguageOf(tx *gate.Tx, org id.ID) (string, error) {
	var s string
	err := tx.QueryRow(`select language from mailbox_language where organization_id = ?`, int64(org)).Scan(&s)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return s, err
}

// Templates keeps templates. Fill the field.
type Templates struct{ Gate *gate.Gate }

func (s *Templates) change(ctx context.Context, c *access.Caller, org id.ID, what string, fn func(tx *gate.Tx) error) error {
	return s.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name = "mailbox.template", "mailbox_template", org, what
		if org != 0 {
			var n int
			if err := tx.QueryRow(`select count(*) from record where id = ? and kind = 'organization'`, int64(org)).Scan(&n); err != nil {
				return err
			}
			if n == 0 {
				return gate.Missing()
			}
		}
		return fn(tx)
	})
}

// Save keeps a template for an organization, or for all when org is 0; for who manages
// the tenant. Invalid with fields.
func (s *Templates) Save(ctx context.Context, c *access.Caller, org id.ID, language, what string, t Template) error {
	if err := valid(language, what); err != nil {
		return err
	}
	if err := t.Check(what); err != nil {
		return err
	}
	return s.change(ctx, c, org, what, func(tx *gate.Tx) error {
		_, err := tx.Exec(`insert into mailbox_template (organization_id, language, what, subject, body, updated_at) values (?, ?, ?, ?, ?, ?)
			on conflict (organization_id, language, what) do update set subject = excluded.subject, body = excluded.body, updated_at = excluded.updated_at`, int64(org), language, what, t.Subject, t.Text, tx.Now)
		return err
	})
}

func valid(language, what string) error {
	if !Known(language) || !slices.Contains([]string{Confirmation, Answer, Solved, Question}, what) {
		return fault.New(fault.Invalid, "There is no such mail or language.").WithHint("Choose one from the list.")
	}
	return nil
}

// Reset goes back to the template of all, or to the supplied one.
func (s *Templates) Reset(ctx context.Context, c *access.Caller, org id.ID, language, what string) error {
	if err := valid(language, what); err != nil {
		return err
	}
	return s.change(ctx, c, org, what, func(tx *gate.Tx) error {
		_, err := tx.Exec(`delete from mailbox_template where organization_id = ? and language = ? and what = ?`, int64(org), language, what)
		return err
	})
}

// Speak chooses the language of an organization's mail; empty is that of the mailbox.
func (s *Templates) Speak(ctx context.Context, c *access.Caller, org id.ID, language string) error {
	if language != "" && !Known(language) || org == 0 {
		return fault.Field("language", "There are no templates in this language.").WithHint("Choose one from the list.")
	}
	return s.change(ctx, c, org, "language", func(tx *gate.Tx) error {
		if _, err := tx.Exec(`delete from mailbox_language where organization_id = ?`, int64(org)); err != nil || language == "" {
			return err
		}
		_, err := tx.Exec(`insert into mailbox_language (organization_id, language) values (?, ?)`, int64(org), language)
		return err
	})
}

// Preview words a mail as it would be for a ticket, with a sentence in place of what is
// written only later.
func (t Template) Preview(tx *gate.Tx, ticket *record.Record, what string) (*Rendered, error) {
	b, err := boxOf(tx, ticket.ID, ticket.Org)
	if err != nil {
		return nil, err
	}
	if b == nil {
		b = &box{from: mail.Address{Name: tx.Tenant.Title(), Address: "desk@example.com"}}
	}
	w := &writing{tx: tx, ticket: ticket, box: b, what: what}
	if w.to, _, err = customer(tx, ticket, map[string]bool{}); err != nil {
		return nil, err
	}
	if w.to.Name == "" {
		w.to.Name = "Customer"
	}
	more := map[string]string{"link": linked("https://desk.example/survey/example"), "text": "<p>Here stands <strong>what is written</strong> on the ticket.</p>", "resolution": "<p>Here stands what was done.</p>"}
	if done := outside(ticket.Values.Text("resolution")); done != "" {
		more["resolution"] = done
	}
	return t.Render(what, w.values(more))
}
