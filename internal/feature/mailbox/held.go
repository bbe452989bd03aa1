package mailbox

import (
	"context"
	"database/sql"
	"errors"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/mailparse"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Came is a mail that came, as it stands in the list.
type Came struct {
	ID, Box      id.ID
	BoxName      string
	Sender, Name string
	Subject      string
	State, Why   string
	Ticket       id.ID // on which it is, or for a held one, to which it may belong
	At           int64 // Unix milliseconds
	Kept         bool  // its text is still here
}

// List gives the newest mails in a state, or in any but Filed when state is empty, for
// who manages the tenant.
func List(tx *gate.Tx, state string) ([]Came, error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	cond, args := `m.state <> ?`, []any{Filed}
	if state != "" {
		cond, args = `m.state = ?`, []any{state}
	}
	rows, err := tx.Query(`select m.id, m.mailbox_id, coalesce(b.name, ''), m.sender, m.sender_name, m.subject, m.state, m.why, m.ticket_id, m.at, t.mail_id is not null
		from mailbox_mail m left join mailbox b on b.id = m.mailbox_id left join mailbox_text t on t.mail_id = m.id where `+cond+` order by m.id desc limit ?`, append(args, most)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Came
	for rows.Next() {
		var c Came
		var mid, box, ticket int64
		if err := rows.Scan(&mid, &box, &c.BoxName, &c.Sender, &c.Name, &c.Subject, &c.State, &c.Why, &ticket, &c.At, &c.Kept); err != nil {
			return nil, err
		}
		c.ID, c.Box, c.Ticket = id.ID(mid), id.ID(box), id.ID(ticket)
		out = append(out, c)
	}
	return out, rows.Err()
}

// Release makes a ticket of a mail that is held, or writes it on the one given, as a
// person decides. Doing so again changes nothing.
func (d *Desk) Release(ctx context.Context, c *access.Caller, held, ticket id.ID) error {
	w, err := d.decided(ctx, c, held, "mailbox.release")
	if err != nil || w == nil {
		return err
	}
	return d.file(ctx, c.Tenant, w, func(f *filing, was Decision) Decision {
		if ticket != 0 {
			return Decision{Do: Answer, Ticket: ticket, Why: "somebody put it there", Reopen: f.m.Automatic == ""}
		}
		return Decision{Do: Begin, Maybe: was.Maybe, Why: "somebody let it in"}
	})
}

// Drop decides against a mail that is held. Doing so again changes nothing.
func (d *Desk) Drop(ctx context.Context, c *access.Caller, held id.ID) error {
	w, err := d.decided(ctx, c, held, "mailbox.drop")
	if err != nil || w == nil {
		return err
	}
	return d.quietly(ctx, c.Tenant, func(tx *gate.Tx) error {
		_, err := tx.Exec(`update mailbox_mail set state = ? where id = ? and state = ?`, Dropped, int64(held), Held)
		if err == nil {
			_, err = tx.Exec(`delete from mailbox_text where mail_id = ?`, int64(held))
		}
		return err
	})
}

// decided records what an administrator decides on a mail that is held; nil when it is
// held no more.
func (d *Desk) decided(ctx context.Context, c *access.Caller, held id.ID, action string) (w *waiting, err error) {
	err = d.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		e := tx.Entry()
		e.Action, e.Kind, e.Object = action, "mailbox_mail", held
		var state string
		err := tx.QueryRow(`select state, subject from mailbox_mail where id = ?`, int64(held)).Scan(&state, &e.Detail.Name)
		if errors.Is(err, sql.ErrNoRows) {
			return gate.Missing()
		}
		if err != nil {
			return err
		}
		if state != Held {
			w = nil
			tx.Withdraw(e)
			return nil
		}
		if w, err = load(tx, `where m.id = ?`, int64(held)); errors.Is(err, sql.ErrNoRows) {
			return fault.New(fault.NotFound, "The text of this mail is not kept any more.").WithHint("Ask its sender to write again.")
		}
		return err
	})
	return w, err
}

// Read gives a mail that came and what it says as text, for who manages the tenant; the
// text is empty when it is kept no more. NotFound when there is no such mail.
func Read(tx *gate.Tx, mail id.ID) (*Came, string, error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return nil, "", err
	}
	var c Came
	var box, ticket int64
	err := tx.QueryRow(`select m.mailbox_id, coalesce(b.name, ''), m.sender, m.sender_name, m.subject, m.state, m.why, m.ticket_id, m.at from mailbox_mail m left join mailbox b on b.id = m.mailbox_id where m.id = ?`, int64(mail)).
		Scan(&box, &c.BoxName, &c.Sender, &c.Name, &c.Subject, &c.State, &c.Why, &ticket, &c.At)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, "", gate.Missing()
	}
	if err != nil {
		return nil, "", err
	}
	c.ID, c.Box, c.Ticket = mail, id.ID(box), id.ID(ticket)
	w, err := load(tx, `where m.id = ?`, int64(mail))
	if errors.Is(err, sql.ErrNoRows) {
		return &c, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	c.Kept = true
	m, err := mailparse.Parse(w.raw)
	if err != nil {
		return &c, "", nil //nolint:nilerr // what cannot be read is held, too
	}
	text := m.Text
	for _, f := range m.Files {
		text += "\n\nFile: " + f.Name
	}
	return &c, text, nil
}
