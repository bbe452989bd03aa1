// Package portal is what customers do for themselves: they report what does not work, order
// from the catalogue, follow and answer their tickets, and decide on what others ask for.
//
// Always true: what a customer sees is what the gate shows to the role Self-service, and of
// a ticket only the fields of Ticket are given away; what she writes was allowed to her by
// the gate first, is public, and is recorded as hers; a form that is sent twice makes one
// ticket.
package portal

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/offering/catalogue"
)

// Portal does what customers ask for. Fill its fields; it then is safe for concurrent use.
type Portal struct {
	Gate    *gate.Gate
	Records *record.Engine
	Files   *attachment.Store
}

// Feature is the tables of the portal.
func Feature() record.Feature {
	return record.Feature{Name: "portal", Schema: schema, Purge: purge}
}

var schema = []string{
	`create table if not exists portal_sent (user_id int not null, token text not null, record_id int not null, at int not null, primary key (user_id, token))`,
	`create table if not exists portal_setting (one int primary key check (one = 1), name text not null, welcome text not null, colour text not null, logo_type text not null, logo text not null)`,
	`alter table portal_setting add column if not exists outside int not null default 0`,
}

func purge(tx *gate.Tx, r *record.Record) error {
	_, err := tx.Exec(`delete from portal_sent where user_id = ? or record_id = ?`, int64(r.ID), int64(r.ID))
	return err
}

// The kinds of tickets that customers see: what does not work, and what they wish for.
const (
	Problem = "incident"
	Wish    = "service_request"
)

// The states that are told apart here; State has words for all.
const (
	active      = "Active"
	waitProblem = "Waiting for Customer"
	waitWish    = "Waiting for customer"
	resolved    = "Resolved"
	fulfilled   = "Fulfilled"
	rejected    = "Approval Rejected"
	closed      = "Closed"
	canceled    = "Canceled"
)

// The limits of what a customer sends: characters of a subject and a text, files at once
// and their size, and new tickets in an hour.
const (
	MostSubject = 200
	MostText    = 20_000
	MostFiles   = 10
	MostFile    = 25 << 20
	mostAnHour  = 20
)

// Me gives the contact that the caller is. NotFound, in words for her, when she is none.
func (p *Portal) Me(tx *gate.Tx) (*record.Record, error) {
	if tx.Caller.Contact != 0 {
		if me, err := p.Records.Get(tx, "contact", tx.Caller.Contact); !fault.Is(err, fault.NotFound) {
			return me, err
		}
	}
	return nil, fault.New(fault.Denied, "Your account belongs to no organization yet, so nothing is shown here.").WithHint("Ask your service desk to connect it with you.")
}

// Colleagues are the people whom the caller may ask for: those of her organization, where
// she speaks for it; else nobody but herself.
func (p *Portal) Colleagues(tx *gate.Tx) ([]*record.Record, error) {
	if !tx.Caller.Wide {
		return nil, nil
	}
	list, err := p.Records.List(tx, "contact", record.Query{Archived: "no", Limit: 500, NoTotal: true, Sort: []record.Order{{Field: "name"}}})
	if err != nil {
		return nil, err
	}
	return list.Records, nil
}

// whom gives the contact for whom something is asked: the caller, or a colleague.
func (p *Portal) whom(tx *gate.Tx, colleague id.ID) (for_, by *record.Record, err error) {
	me, err := p.Me(tx)
	if err != nil || colleague == 0 || colleague == me.ID {
		return me, me, err
	}
	c, err := p.Records.Get(tx, "contact", colleague)
	if err != nil || !tx.Caller.Wide || c.Org != me.Org {
		return nil, nil, fault.Field("for", "Choose somebody of your organization.")
	}
	return c, me, nil
}

// Report is something that does not work.
type Report struct {
	Subject, Text string
	For           id.ID  // a colleague; 0 for the caller
	Device        id.ID  // a device of the caller that it is about; 0 for none
	Token         string // of the form; sent twice, it makes one ticket
	Files         []*attachment.Content
}

// checkText gives a text as it is kept. Invalid, beside the field name, when it is missing or too long.
func checkText(name, text string, most int) (string, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	switch {
	case text == "":
		return "", fault.Field(name, "Write something first.")
	case utf8.RuneCountInString(text) > most:
		return "", fault.Field(name, "This is longer than %d characters.", most).WithHint("Put the rest into a file.")
	}
	return text, nil
}

// Check tells what is wrong with a report, all of it at once.
func (r *Report) Check() error {
	bad := map[string]string{}
	for _, x := range []struct {
		name string
		text *string
		most int
	}{{"subject", &r.Subject, MostSubject}, {"text", &r.Text, MostText}} {
		text, err := checkText(x.name, *x.text, x.most)
		if err != nil {
			bad[x.name] = fault.Say(err).Fields[x.name]
		}
		*x.text = text
	}
	r.Subject = strings.Join(strings.Fields(r.Subject), " ")
	return fault.Fields(bad)
}

// Send makes an incident of a report. Fault kinds: Invalid with the fields subject, text,
// for and device; Throttled.
func (p *Portal) Send(ctx context.Context, c *access.Caller, r Report) (made id.ID, err error) {
	if err := r.Check(); err != nil {
		return 0, err
	}
	return p.create(ctx, c, Problem, r.Token, func(tx *gate.Tx) (*record.Record, error) {
		customer, me, err := p.whom(tx, r.For)
		if err != nil {
			return nil, err
		}
		if err := p.device(tx, r.Device); err != nil {
			return nil, err
		}
		v := record.Values{"name": r.Subject, "organization_id": customer.Org, "contact_id": customer.ID, "reported_by_id": me.ID, "description": richtext.FromText(r.Text),
			"source": "Self Service", "status": "Logged"}
		var now *record.Record
		err = tx.Desk(func() error {
			if now, err = p.Records.Create(tx, Problem, v); err != nil {
				return err
			}
			if err := p.about(tx, now.ID, r.Device); err != nil {
				return err
			}
			return attach(tx, now.ID, r.Files)
		})
		return now, err
	})
}

// Order orders from the catalogue. Invalid, with what is wrong by the questions' ids, and
// for.
func (p *Portal) Order(ctx context.Context, c *access.Caller, o catalogue.Order, token string, files []*attachment.Content) (made id.ID, err error) {
	return p.create(ctx, c, Wish, token, func(tx *gate.Tx) (*record.Record, error) {
		customer, me, err := p.whom(tx, o.Contact)
		if err != nil {
			return nil, err
		}
		if _, err := p.Records.Get(tx, catalogue.Kind, o.Offering); err != nil { // what she does not see, she cannot order
			return nil, err
		}
		form, err := catalogue.Form(tx, p.Records, o.Offering)
		if err != nil {
			return nil, err
		}
		if _, wrong := catalogue.Check(form, o.Answers); len(wrong) > 0 {
			said := map[string]string{}
			for q, s := range wrong {
				said["q"+q.String()] = s
			}
			return nil, fault.Fields(said)
		}
		o.Contact, o.Values = customer.ID, record.Values{"reported_by_id": me.ID}
		var now *record.Record
		err = tx.Desk(func() error {
			if now, err = catalogue.Place(tx, p.Records, o); err != nil {
				return err
			}
			return attach(tx, now.ID, files)
		})
		return now, err
	})
}

// create makes a ticket by a form with a token, once.
func (p *Portal) create(ctx context.Context, c *access.Caller, kind, token string, do func(tx *gate.Tx) (*record.Record, error)) (made id.ID, err error) {
	var org id.ID
	err = p.Gate.View(ctx, c, func(tx *gate.Tx) error {
		me, err := p.Me(tx)
		if err == nil {
			org = me.Org
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	err = p.Gate.Change(ctx, c, access.Create, gate.Thing{Kind: kind, Org: org}, func(tx *gate.Tx) error {
		if before, err := sent(tx, token); err != nil || before != 0 {
			tx.Withdraw(tx.Entry())
			made = before
			return err
		}
		now, err := do(tx)
		if err != nil {
			return err
		}
		made = now.ID
		_, err = tx.Exec(`insert into portal_sent (user_id, token, record_id, at) values (?, ?, ?, ?)`, int64(tx.Caller.User), token, int64(made), tx.Now)
		return err
	})
	return made, err
}

// sent gives the ticket that was made by a token before, and refuses more tickets than one
// person needs in an hour.
func sent(tx *gate.Tx, token string) (id.ID, error) {
	if len(token) < 16 || len(token) > 64 {
		return 0, fault.New(fault.Invalid, "This form is not one of ours, or was cut off.").WithHint("Open the page again.")
	}
	var before, lately int64
	err := tx.QueryRow(`select record_id from portal_sent where user_id = ? and token = ?`, int64(tx.Caller.User), token).Scan(&before)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return id.ID(before), err
	}
	if _, err := tx.Exec(`delete from portal_sent where at < ?`, tx.Now-(24*time.Hour).Milliseconds()); err != nil {
		return 0, err
	}
	if err := tx.QueryRow(`select count(*) from portal_sent where user_id = ? and at > ?`, int64(tx.Caller.User), tx.Now-time.Hour.Milliseconds()).Scan(&lately); err != nil {
		return 0, err
	}
	if lately >= mostAnHour {
		return 0, fault.New(fault.Throttled, "You have sent %d tickets within the hour.", lately).WithHint("Write more on one of them, or wait a little.")
	}
	return 0, nil
}

// attach gives a ticket the files that came with what a customer wrote.
func attach(tx *gate.Tx, ticket id.ID, files []*attachment.Content) error {
	for _, f := range files {
		if _, err := attachment.Attach(tx, ticket, attachment.Attached, f); err != nil {
			return err
		}
	}
	return nil
}

// Do is what a customer does with a ticket of hers.
type Do string

// What a customer does.
const (
	Say    Do = "say"    // writes on it
	Reopen Do = "reopen" // it is not solved
	Close  Do = "close"  // she needs nothing more
)

// Answer writes on a ticket, with files, and moves it as its lifecycle allows. Invalid with the field
// text; Conflict for what cannot be done in its state.
func (p *Portal) Answer(ctx context.Context, c *access.Caller, ticket id.ID, do Do, text string, files []*attachment.Content) error {
	text, err := checkText("text", text, MostText)
	if err != nil && (do != Close || fault.Say(err).Fields["text"] != "Write something first.") {
		return err
	}
	return p.Gate.Change(ctx, c, access.Comment, gate.Thing{ID: ticket}, func(tx *gate.Tx) error {
		r, err := p.ticket(tx, ticket)
		if err != nil {
			return err
		}
		to, v, err := next(r, do)
		if err != nil {
			return err
		}
		if text == "" {
			text = "I need nothing more."
		}
		return tx.Desk(func() error {
			_, err := p.Records.Create(tx, entry.Kind, record.Values{entry.FieldOf(r.Kind.Name): r.ID, "journal_type": entry.Note, "publish_to_web": true, "notes_body": richtext.FromText(text)})
			if err == nil {
				err = attach(tx, r.ID, files)
			}
			for i := 0; err == nil && i < len(to); i++ {
				v["status"] = to[i]
				_, err = p.Records.Update(tx, r.Kind.Name, r.ID, 0, v)
				v = record.Values{}
			}
			return err
		})
	})
}

// ticket reads a ticket that customers see.
func (p *Portal) ticket(tx *gate.Tx, ticket id.ID) (*record.Record, error) {
	r, err := p.Records.Get(tx, "", ticket)
	if err == nil && r.Kind.Name != Problem && r.Kind.Name != Wish {
		err = gate.Missing()
	}
	return r, err
}

// next gives the states through which a ticket goes when a customer does something, in
// order, and what is set with the first.
func next(r *record.Record, do Do) (to []string, v record.Values, err error) {
	v = record.Values{}
	status := r.Values.Text("status")
	over := r.Values.Bool("final")
	switch {
	case over:
		return nil, nil, fault.New(fault.Conflict, "This is closed, and nothing is added to it.").WithHint("Report it again: the service desk sees both.")
	case do == Say && (status == waitProblem || status == waitWish):
		return []string{active}, v, nil
	case do == Say:
		return nil, v, nil
	case do == Reopen && CanReopen(r):
		return []string{active}, v, nil
	case do == Close && (status == resolved || status == fulfilled || status == rejected):
		return []string{closed}, v, nil
	case do == Close && CanCancel(r):
		return []string{canceled}, v, nil
	case do == Close:
		return nil, v, nil // somebody at the desk closes it, who reads that
	}
	return nil, nil, fault.New(fault.Conflict, "This is not solved yet, so it is being worked on already.").WithHint("Write what is new instead.")
}

// CanReopen tells whether a ticket was solved, and can be worked on again.
func CanReopen(r *record.Record) bool {
	s := r.Values.Text("status")
	return !r.Values.Bool("final") && (r.Kind.Name == Problem && s == resolved || r.Kind.Name == Wish && s == fulfilled)
}

// CanCancel tells whether a request can be called off.
func CanCancel(r *record.Record) bool {
	if r.Kind.Name != Wish {
		return false
	}
	return slices.Contains(r.Kind.Life.Next(r.Values.Text("status")), canceled)
}

// Keep takes a file that a customer gives with a ticket, or with 0 for a new one of a kind.
// Invalid with the field files when it is too big or one too many.
func (p *Portal) Keep(ctx context.Context, c *access.Caller, ticket id.ID, kind, name string, r io.Reader, have int) (*attachment.Content, error) {
	if have >= MostFiles {
		return nil, fault.Field("files", "These are more than %d files.", MostFiles).WithHint("Put them into an archive, or send the others afterwards.")
	}
	action, thing := access.Comment, gate.Thing{ID: ticket}
	if ticket == 0 {
		action, thing = access.Create, gate.Thing{Kind: kind}
		err := p.Gate.View(ctx, c, func(tx *gate.Tx) error {
			me, err := p.Me(tx)
			if err == nil {
				thing.Org = me.Org
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	content, err := p.Files.WriteFor(ctx, c, action, thing, name, io.LimitReader(r, MostFile+1))
	if err == nil && content.Size() > MostFile {
		err = fault.Field("files", "The file %s is bigger than %d MB.", content.Name, MostFile>>20)
	}
	return content, err
}
