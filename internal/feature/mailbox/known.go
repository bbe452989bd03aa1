package mailbox

import (
	"database/sql"
	"errors"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/mailbox/letter"
)

func kindOf(tx *gate.Tx, ticket id.ID) (kind string, err error) {
	err = tx.QueryRow(`select kind from record where id = ?`, int64(ticket)).Scan(&kind)
	if errors.Is(err, sql.ErrNoRows) {
		return "", gate.Missing()
	}
	return kind, err
}

// ticket reads what a decision needs of a ticket; nil when there is none any more.
func (f *filing) ticket(n id.ID) (*Ticket, error) {
	if n == 0 {
		return nil, nil
	}
	kind, err := kindOf(f.tx, n)
	if err != nil || f.Tickets.FieldOf(kind) == "" {
		if fault.Is(err, fault.NotFound) {
			err = nil
		}
		return nil, err
	}
	t := &Ticket{ID: n}
	r, err := f.Records.Get(f.tx, kind, n)
	if fault.Is(err, fault.NotFound) {
		t.Gone = true
		return t, nil
	}
	if err != nil {
		return nil, err
	}
	t.Over = r.Values.Bool("final")
	if into := r.Values.ID("merged_into_id"); into != 0 && into != n { // it never leads back, so this ends
		if t.Into, err = f.ticket(into); err != nil {
			return nil, err
		}
	}
	if who := r.Values.ID("contact_id"); who != 0 {
		c, err := f.Records.Get(f.tx, "contact", who)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		if err == nil {
			t.Participants = addresses(c)
		}
	}
	rows, err := f.tx.Query(`select address from mailbox_person where ticket_id = ?`, int64(n))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var a string
		if err := rows.Scan(&a); err != nil {
			return nil, err
		}
		t.Participants = append(t.Participants, a)
	}
	return t, rows.Err()
}

// addresses are those of a contact.
func addresses(c *record.Record) []string {
	var out []string
	for _, row := range c.Values.Rows("contact_emails") {
		if a, ok := row["value"].(string); ok {
			out = append(out, strings.ToLower(a))
		}
	}
	return append(out, strings.ToLower(c.Values.Text("primary_email")))
}

// own are the addresses of the desk itself.
func (f *filing) own() (map[string]bool, error) {
	out := map[string]bool{}
	for _, a := range f.Own {
		out[strings.ToLower(a)] = true
	}
	rows, err := f.tx.Query(`select address from mailbox`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var a string
		if err := rows.Scan(&a); err != nil {
			return nil, err
		}
		out[strings.ToLower(a)] = true
	}
	return out, rows.Err()
}

// known gathers what the desk knows that the mail may be about.
func (f *filing) known() (k Known, err error) {
	var n int
	if err := f.tx.QueryRow(`select count(*) from mailbox_mail where key = ? and id < ? and at > ?`, f.w.key, int64(f.w.id), f.w.at-again.Milliseconds()).Scan(&n); err != nil {
		return k, err
	}
	own, err := f.own()
	if err != nil {
		return k, err
	}
	for a := range own {
		k.Own = append(k.Own, a)
	}
	if own[letter.Plain(f.m.From.Address)] {
		k.Own = append(k.Own, f.m.From.Address)
	}
	k.Filed, k.Open = n > 0, f.box.Strangers && f.box.Organization != 0
	if err := f.threads(&k); err != nil {
		return k, err
	}
	if err := f.sender(&k); err != nil {
		return k, err
	}
	return k, f.counts(&k)
}

// threads finds the tickets that the mail names.
func (f *filing) threads(k *Known) error {
	for _, a := range append(f.m.Everybody(), f.m.Delivered...) {
		proved, err := letter.Addressed(f.tx, a)
		if err != nil {
			return err
		}
		if proved != 0 && k.Token == nil {
			if k.Token, err = f.ticket(proved); err != nil {
				return err
			}
		}
	}
	for _, message := range f.m.Answers() {
		proved, err := letter.Tokened(f.tx, message)
		if err != nil {
			return err
		}
		if proved != 0 && k.Token == nil {
			if k.Token, err = f.ticket(proved); err != nil {
				return err
			}
		}
		if k.Thread != nil {
			continue
		}
		var n int64
		err = f.tx.QueryRow(`select ticket_id from mailbox_mail where message_id = ? and ticket_id <> 0 and state = ? order by id limit 1`, message, Filed).Scan(&n)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if k.Thread, err = f.ticket(id.ID(n)); err != nil {
			return err
		}
	}
	if f.m.Bounce != nil {
		sent, err := letter.Tokened(f.tx, f.m.Bounce.Original)
		if err != nil {
			return err
		}
		if k.Undelivered, err = f.ticket(sent); err != nil {
			return err
		}
	}
	series, n := NumberIn(f.m.Subject)
	for _, kind := range f.Records.Kinds.Kinds() {
		number := kind.Field("number")
		if n == 0 || number == nil || number.Series != series || f.Tickets.FieldOf(kind.Name) == "" {
			continue
		}
		p, err := f.Records.List(f.tx, kind.Name, record.Query{Limit: 1, NoTotal: true, Only: []string{"number"}, Filters: []record.Filter{{Field: "number", Op: record.Eq, Values: []any{n}}}})
		if err != nil {
			return err
		}
		if len(p.Records) > 0 {
			if k.Numbered, err = f.ticket(p.Records[0].ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// sender finds the contact that wrote. Of several the one of the mailbox's organization
// counts, or else the oldest that is not archived.
func (f *filing) sender(k *Known) error {
	if f.m.From.Address == "" {
		return nil
	}
	p, err := f.Records.List(f.tx, "contact", record.Query{Limit: 20, NoTotal: true, Sort: []record.Order{{Field: "id"}}, Filters: []record.Filter{{Field: "primary_email", Op: record.Eq, Values: []any{f.m.From.Address}}}})
	if err != nil {
		return err
	}
	for _, c := range p.Records {
		if c.Archived {
			k.Disabled = f.who == nil
			continue
		}
		if k.Disabled = false; f.who == nil || c.Org == f.box.Organization && f.who.Org != c.Org {
			f.who = c
		}
	}
	k.Customer = f.who != nil
	return nil
}

// counts are how much the sender brought about lately.
func (f *filing) counts(k *Known) error {
	since := f.w.at - Window.Milliseconds()
	tickets := int64(0)
	for _, t := range []*Ticket{k.Numbered, k.Thread, k.Token} {
		if t != nil {
			tickets = int64(t.ID)
		}
	}
	err := f.tx.QueryRow(`select count(*), coalesce(sum(case when topic = ? then 1 else 0 end), 0), coalesce(sum(case when ticket_id = ? then 1 else 0 end), 0)
		from mailbox_mail where sender = ? and at > ? and id < ?`, short(Topic(f.m.Subject), 250), tickets, f.m.From.Address, since, int64(f.w.id)).Scan(&k.OfSender, &k.Alike, &k.OnTicket)
	if tickets == 0 {
		k.OnTicket = 0
	}
	if err != nil || f.who == nil {
		return err
	}
	p, err := f.Records.List(f.tx, f.Tickets.Kind, record.Query{Limit: MostOpen, NoTotal: true, Only: []string{"number"}, Sort: []record.Order{{Field: "id"}},
		Filters: []record.Filter{{Field: "contact_id", Op: record.Eq, Values: []any{f.who.ID}}, {Field: "final", Op: record.Eq, Values: []any{false}}}})
	if err == nil {
		k.OpenTickets = len(p.Records)
	}
	return err
}
