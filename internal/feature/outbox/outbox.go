// Package outbox sends what people are told by mail.
//
// Always true: a mail is a row in the tenant's database before anything is sent, put
// there with what it tells; it is tried again until the relay has taken it, has refused
// it for good, or three days have passed; each try at it has the same message id, so
// that when the server dies between the relay's yes and our noting it, the receiver can
// tell the second from a new one. Once it is over, its text is forgotten.
package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"html"
	"net/mail"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	post "strongroom/internal/base/mail"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
)

// JobKind is the kind of the jobs that send what waits.
const JobKind = "mail.send"

// The states of a mail.
const (
	Waiting = "waiting"
	Sending = "sending" // being handed over; after a crash it is tried again
	Sent    = "sent"    // the relay has taken it
	Failed  = "failed"  // it was refused for good, or for too long
)

const (
	keep   = 30 * 24 * time.Hour // how long it can be seen what was sent
	giveUp = 3 * 24 * time.Hour
	batch  = 50
)

// Outbox is the channel that mails notices. Fill the fields.
type Outbox struct {
	Gate  *gate.Gate
	Jobs  *job.Runner
	Relay *post.Relay
	Link  string // address of the web interface, for links: https://strongroom.example.com; none when empty
}

// Feature is the table of mails.
func Feature() record.Feature {
	return record.Feature{Name: "outbox", Schema: schema, Purge: purge}
}

var schema = []string{
	`create table if not exists mail (id id primary key, user_id int not null, address text not null, name text not null, subject text not null, body text not null, html text not null,
		state text not null, attempts int not null default 0, at int not null, error text not null default '', created_at int not null, ended_at int not null default 0)`,
	`create index if not exists mail_due on mail (at, id) where state in ('waiting', 'sending')`,
	`create index if not exists mail_user on mail (user_id)`,
}

func purge(tx *gate.Tx, r *record.Record) error {
	_, err := tx.Exec(`delete from mail where user_id = ?`, int64(r.ID))
	return err
}

// Name says which of the channels that people choose this is.
func (o *Outbox) Name() string { return notification.ByMail }

// Deliver takes over a notice for one person.
func (o *Outbox) Deliver(tx *gate.Tx, m notification.Message) error {
	to, err := post.ParseAddress(m.To.Email)
	if err != nil {
		return nil //nolint:nilerr // who has no address gets no mail
	}
	subject := m.Notice.Plain()
	if m.Notice.By != "" {
		subject = m.Notice.By + " " + subject
	}
	link := ""
	if o.Link != "" {
		link = o.Address("/notifications/" + m.Notice.ID.String())
	}
	text := subject + "\n\n"
	page := "<p>" + html.EscapeString(subject) + "</p>"
	if link != "" {
		text += link + "\n\n"
		page += `<p><a href="` + html.EscapeString(link) + `">Open it in Strongroom</a></p>`
	}
	const why = "Strongroom sends this because you chose to be told by mail. You can change that under Notifications, Settings."
	return o.Put(tx, m.To.User, mail.Address{Name: m.To.Name, Address: to.Address}, short(subject), text+why+"\n", page+`<p><small>`+why+`</small></p>`)
}

// Sends tells whether there is a relay.
func (o *Outbox) Sends() bool { return o != nil && o.Relay != nil }

// Address gives a page's address for people outside; "" when that is not known.
func (o *Outbox) Address(path string) string {
	if o.Link == "" {
		return ""
	}
	return strings.TrimRight(o.Link, "/") + path
}

func short(s string) string {
	const most = 150
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// Put puts a mail into the queue; it is sent once tx is durable. html may be empty.
func (o *Outbox) Put(tx *gate.Tx, user id.ID, to mail.Address, subject, text, page string) error {
	mid, err := tx.NewID()
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into mail (id, user_id, address, name, subject, body, html, state, at, created_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(mid), int64(user), to.Address, to.Name, subject, text, page, Waiting, tx.Now, tx.Now)
	if err != nil {
		return err
	}
	return o.arm(tx)
}

// arm sees to it that there is a job for what waits.
func (o *Outbox) arm(tx *gate.Tx) error {
	var next, have int64
	if err := tx.QueryRow(`select coalesce(min(at), 0) from mail where state in (?, ?)`, Waiting, Sending).Scan(&next); err != nil || next == 0 {
		return err
	}
	err := tx.QueryRow(`select coalesce(min(at), 0) from job where kind = ? and state = ?`, JobKind, job.Waiting).Scan(&have)
	if err != nil || have != 0 && have <= max(next, tx.Now) {
		return err
	}
	_, err = o.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: struct{}{}, At: next})
	return err
}

func (o *Outbox) quietly(ctx context.Context, tenant string, fn func(tx *gate.Tx) error) error {
	return o.Gate.Change(ctx, access.System(tenant, "job"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		return fn(tx)
	})
}

// letter is a mail that is due.
type letter struct {
	id       id.ID
	to       mail.Address
	subject  string
	text     string
	html     string
	attempts int
	created  int64
}

// Handler sends what is due, one after the other: two jobs of a tenant never send at the
// same time, since the later one finds nothing that waits.
func (o *Outbox) Handler() job.Handler {
	return func(ctx context.Context, run *job.Run) error {
		for o.Relay != nil {
			l, err := o.take(ctx, run)
			if err != nil {
				return err
			}
			if l == nil {
				break
			}
			cause := o.Relay.Send(ctx, post.Message{ID: "mail-" + l.id.String(), To: l.to, Subject: l.subject, Text: l.text, HTML: l.html, Date: time.UnixMilli(l.created)})
			if ctx.Err() != nil {
				return ctx.Err() // the process stops; it is tried again
			}
			if err := o.quietly(ctx, run.Tenant, func(tx *gate.Tx) error { return o.note(tx, l, cause) }); err != nil {
				return err
			}
		}
		if o.Relay == nil { // the operator has taken it away: what waits goes out when it is back
			return nil
		}
		return o.quietly(ctx, run.Tenant, func(tx *gate.Tx) error {
			if _, err := tx.Exec(`delete from mail where ended_at > 0 and ended_at < ?`, tx.Now-keep.Milliseconds()); err != nil {
				return err
			}
			if _, err := tx.Exec(`delete from job where kind = ? and state = ?`, JobKind, job.Done); err != nil {
				return err
			}
			return o.arm(tx)
		})
	}
}

// take takes the mail that is due for the longest time, so that no other job does for
// some minutes; nil when none is.
func (o *Outbox) take(ctx context.Context, run *job.Run) (*letter, error) {
	l := &letter{}
	var n int64
	err := o.quietly(ctx, run.Tenant, func(tx *gate.Tx) error {
		return tx.QueryRow(`update mail set state = ?, attempts = attempts + 1, at = ? where id = (select id from mail where state in (?, ?) and at <= ? order by at, id limit 1)
			returning id, address, name, subject, body, html, attempts, created_at`, Sending, tx.Now+(5*time.Minute).Milliseconds(), Waiting, Sending, tx.Now).
			Scan(&n, &l.to.Address, &l.to.Name, &l.subject, &l.text, &l.html, &l.attempts, &l.created)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	l.id = id.ID(n)
	return l, err
}

// note writes down what came of a try.
func (o *Outbox) note(tx *gate.Tx, l *letter, cause error) error {
	if cause == nil {
		_, err := tx.Exec(`update mail set state = ?, error = '', body = '', html = '', ended_at = ? where id = ?`, Sent, tx.Now, int64(l.id))
		return err
	}
	said := fault.Say(cause).Text
	if fault.Is(cause, fault.Invalid) || tx.Now-l.created > giveUp.Milliseconds() {
		_, err := tx.Exec(`update mail set state = ?, error = ?, body = '', html = '', ended_at = ? where id = ?`, Failed, said, tx.Now, int64(l.id))
		return err
	}
	wait := min(time.Minute<<min(l.attempts-1, 10), 4*time.Hour)
	_, err := tx.Exec(`update mail set state = ?, error = ?, at = ? where id = ?`, Waiting, said, tx.Now+wait.Milliseconds(), int64(l.id))
	return err
}

// Mail is how a mail stands.
type Mail struct {
	ID       id.ID
	Address  string
	Subject  string
	State    string
	Attempts int
	Next     int64 // when it is tried again, Unix milliseconds
	Error    string
	Created  int64
	Ended    int64
}

// List gives the newest mails, to who manages the tenant.
func (o *Outbox) List(tx *gate.Tx) ([]Mail, error) {
	if _, err := tx.Allow(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`select id, address, subject, state, attempts, at, error, created_at, ended_at from mail order by id desc limit ?`, 4*batch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Mail
	for rows.Next() {
		var m Mail
		var n int64
		if err := rows.Scan(&n, &m.Address, &m.Subject, &m.State, &m.Attempts, &m.Next, &m.Error, &m.Created, &m.Ended); err != nil {
			return nil, err
		}
		m.ID = id.ID(n)
		out = append(out, m)
	}
	return out, rows.Err()
}

// Try has a mail sent to the caller herself, to see whether it arrives.
// Conflict when there is no relay.
func (o *Outbox) Try(ctx context.Context, c *access.Caller) error {
	if o.Relay == nil {
		return fault.New(fault.Conflict, "This server sends no mail.").WithHint("Its operator can name a relay with the setting smtp.")
	}
	to, err := post.ParseAddress(c.Email)
	if err != nil {
		return err
	}
	return o.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Entry().Action = "mail.try"
		return o.Put(tx, c.User, mail.Address{Name: c.Name, Address: to.Address}, "Mail from Strongroom arrives",
			fmt.Sprintf("You asked for this mail in Strongroom (%s) to see whether it arrives.\n", tx.Tenant.Title()), "")
	})
}
