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
	"encoding/json"
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
	"strongroom/internal/feature/outbox/queue"
)

// JobKind is the kind of the jobs that send what waits.
const JobKind = "mail.send"

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
	// Via gives the relay of what goes out by another way than Relay, such as by the
	// server of a mailbox; Invalid when there is none any more. File gives a file that
	// hangs on a mail. Both may be nil where nothing does.
	Via  func(ctx context.Context, tenant string, way id.ID) (*post.Relay, error)
	File func(ctx context.Context, tenant string, file id.ID) (post.File, error)
	Link string // address of the web interface, for links: https://strongroom.example.com; none when empty
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
	`alter table mail add column if not exists via int not null default 0`,
	`alter table mail add column if not exists about_id int not null default 0`, // the record that it is of
	`alter table mail add column if not exists part_id int not null default 0`,  // and what of it, such as an entry
	`alter table mail add column if not exists message_id text not null default ''`,
	`alter table mail add column if not exists head text not null default ''`,
	`alter table mail add column if not exists files text not null default ''`,
	`alter table mail add column if not exists automatic int not null default 0`,
	`alter table mail add column if not exists what text not null default ''`,
	`create index if not exists mail_about on mail (about_id, id) where about_id <> 0`,
	`create index if not exists mail_message on mail (message_id) where message_id <> ''`,
	`create index if not exists mail_automatic on mail (address, created_at) where automatic = 1`,
}

func purge(tx *gate.Tx, r *record.Record) error {
	_, err := tx.Exec(`delete from mail where user_id = ? or about_id = ? or about_id <> 0 and part_id = ?`, int64(r.ID), int64(r.ID), int64(r.ID))
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
	lines := m.Digest
	if m.Notice != nil {
		lines = []*notification.Line{m.Notice}
	}
	text, page, subject := "", "", ""
	for _, l := range lines {
		said := l.Plain()
		if l.By != "" {
			said = l.By + " " + said
		}
		subject = said
		text += said + "\n"
		page += "<p>" + html.EscapeString(said)
		if o.Link != "" {
			link := o.Address("/notifications/" + l.ID.String())
			text += link + "\n"
			page += `<br><a href="` + html.EscapeString(link) + `">Open it in Strongroom</a>`
		}
		text += "\n"
		page += "</p>"
	}
	if len(lines) > 1 {
		subject = fmt.Sprintf("%d things that concern you", len(lines))
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
	if err := queue.Write(tx, queue.Letter{User: user, To: to, Subject: subject, Text: text, HTML: page}); err != nil {
		return err
	}
	return o.arm(tx)
}

// arm sees to it that there is a job for what waits.
func (o *Outbox) arm(tx *gate.Tx) error {
	var next, have int64
	if err := tx.QueryRow(`select coalesce(min(at), 0) from mail where state in (?, ?) and (via <> 0 or ? = 1)`, queue.Waiting, queue.Sending, o.house()).Scan(&next); err != nil || next == 0 {
		return err
	}
	err := tx.QueryRow(`select coalesce(min(at), 0) from job where kind = ? and state = ?`, JobKind, job.Waiting).Scan(&have)
	if err != nil || have != 0 && have <= max(next, tx.Now) {
		return err
	}
	_, err = o.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: struct{}{}, At: next})
	return err
}

// house is 1 when the operator has named a relay.
func (o *Outbox) house() int {
	if o.Relay == nil {
		return 0
	}
	return 1
}

// Run sees to it that what was written is sent.
func (o *Outbox) Run(ctx context.Context, tenant string) error {
	var waits int
	err := o.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) error {
		return tx.QueryRow(`select count(*) from mail where state in (?, ?) and (via <> 0 or ? = 1)`, queue.Waiting, queue.Sending, o.house()).Scan(&waits)
	})
	if err != nil || waits == 0 {
		return err
	}
	return o.quietly(ctx, tenant, o.arm)
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
	message  string
	via      id.ID
	head     string
	files    string
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
		for {
			l, err := o.take(ctx, run)
			if err != nil {
				return err
			}
			if l == nil {
				break
			}
			cause := o.send(ctx, run.Tenant, l)
			if ctx.Err() != nil {
				return ctx.Err() // the process stops; it is tried again
			}
			if err := o.quietly(ctx, run.Tenant, func(tx *gate.Tx) error { return o.note(tx, l, cause) }); err != nil {
				return err
			}
		}
		return o.quietly(ctx, run.Tenant, func(tx *gate.Tx) error {
			if _, err := tx.Exec(`delete from mail where ended_at > 0 and ended_at < ? and about_id = 0`, tx.Now-keep.Milliseconds()); err != nil {
				return err
			}
			if _, err := tx.Exec(`delete from job where kind = ? and state = ?`, JobKind, job.Done); err != nil {
				return err
			}
			return o.arm(tx)
		})
	}
}

// send hands a mail to the relay of its way.
func (o *Outbox) send(ctx context.Context, tenant string, l *letter) error {
	m := post.Message{ID: l.message, To: l.to, Subject: l.subject, Text: l.text, HTML: l.html, Date: time.UnixMilli(l.created)}
	if m.ID == "" {
		m.ID = "mail-" + l.id.String()
	}
	var files []id.ID
	for _, x := range []struct {
		text string
		into any
	}{{l.head, &m.Head}, {l.files, &files}} {
		if x.text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(x.text), x.into); err != nil {
			return err
		}
	}
	relay := o.Relay
	if l.via != 0 {
		var err error
		if relay, err = o.Via(ctx, tenant, l.via); err != nil {
			return err
		}
	}
	for _, n := range files {
		f, err := o.File(ctx, tenant, n)
		if fault.Is(err, fault.NotFound) {
			continue // it was deleted meanwhile
		}
		if err != nil {
			return err
		}
		m.Files = append(m.Files, f)
	}
	return relay.Send(ctx, m)
}

// take takes the mail that is due for the longest time, so that no other job does for
// some minutes; nil when none is. While the operator names no relay, what is to go by it
// waits.
func (o *Outbox) take(ctx context.Context, run *job.Run) (*letter, error) {
	l := &letter{}
	var n, via int64
	err := o.quietly(ctx, run.Tenant, func(tx *gate.Tx) error {
		return tx.QueryRow(`update mail set state = ?, attempts = attempts + 1, at = ? where id = (select id from mail where state in (?, ?) and at <= ? and (via <> 0 or ? = 1) order by at, id limit 1)
			returning id, address, name, subject, body, html, attempts, created_at, message_id, via, head, files`, queue.Sending, tx.Now+(5*time.Minute).Milliseconds(), queue.Waiting, queue.Sending, tx.Now, o.house()).
			Scan(&n, &l.to.Address, &l.to.Name, &l.subject, &l.text, &l.html, &l.attempts, &l.created, &l.message, &via, &l.head, &l.files)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	l.id, l.via = id.ID(n), id.ID(via)
	return l, err
}

// note writes down what came of a try.
func (o *Outbox) note(tx *gate.Tx, l *letter, cause error) error {
	if cause == nil {
		_, err := tx.Exec(`update mail set state = ?, error = '', body = '', html = '', ended_at = ? where id = ? and state <> ?`, queue.Sent, tx.Now, int64(l.id), queue.Back)
		return err
	}
	said := fault.Say(cause).Text
	if fault.Is(cause, fault.Invalid) || tx.Now-l.created > giveUp.Milliseconds() {
		_, err := tx.Exec(`update mail set state = ?, error = ?, body = '', html = '', ended_at = ? where id = ?`, queue.Failed, said, tx.Now, int64(l.id))
		return err
	}
	wait := min(time.Minute<<min(l.attempts-1, 10), 4*time.Hour)
	_, err := tx.Exec(`update mail set state = ?, error = ?, at = ? where id = ?`, queue.Waiting, said, tx.Now+wait.Milliseconds(), int64(l.id))
	return err
}

// List gives the newest mails, to who manages the tenant.
func (o *Outbox) List(tx *gate.Tx) ([]queue.Mail, error) {
	if _, err := tx.Allow(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	return queue.Read(tx, `order by id desc limit ?`, 4*batch)
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
