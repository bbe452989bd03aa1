package report

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"html"
	"log/slog"
	"net/mail"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	post "strongroom/internal/base/mail"
	"strongroom/internal/base/rhythm"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/outbox/queue"
)

// Mailing is when somebody is mailed a report that she sees.
type Mailing struct {
	When rhythm.Schedule
	Next int64  // Unix milliseconds; 0 for never
	Why  string // why it goes out no more, though it should
}

// MailingOf is when the caller is mailed a report; never, where she did not ask for it.
func MailingOf(tx *gate.Tx, report id.ID) (Mailing, error) {
	var m Mailing
	var setup string
	err := tx.QueryRow(`select setup, next_at, why from report_mail where report_id = ? and user_id = ?`, int64(report), int64(tx.Caller.User)).Scan(&setup, &m.Next, &m.Why)
	if errors.Is(err, sql.ErrNoRows) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(setup), &m.When)
	}
	return m, err
}

// posted is what can be mailed: a report that somebody keeps, or a dashboard.
type posted struct {
	name, path string
	board      *Board // or nil
	saved      *Saved
}

// postedOf finds what the caller sees under an id. NotFound when there is neither.
func postedOf(tx *gate.Tx, n id.ID) (*posted, error) {
	s, err := Get(tx, n)
	if err == nil {
		return &posted{name: s.Name, path: "/reports/" + n.String(), saved: s}, nil
	}
	if !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	b, err := GetBoard(tx, n)
	if err != nil {
		return nil, err
	}
	return &posted{name: b.Name, path: "/dashboards/" + n.String(), board: b}, nil
}

// kinds are those of which its numbers are.
func (p *posted) kinds() []string {
	if p.board != nil {
		return p.board.Kinds()
	}
	return []string{p.saved.Kind}
}

// export asks for the right to export each of its kinds, and gives the entry of the first; it is
// one thing that is done, with one entry.
func (p *posted) export(tx *gate.Tx) (*audit.Entry, error) {
	var first *audit.Entry
	for _, k := range p.kinds() {
		entry, err := tx.Allow(access.Export, gate.Thing{Kind: k})
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = entry
		} else {
			tx.Withdraw(entry)
		}
	}
	return first, nil
}

// parts are its numbers for the caller.
func (p *posted) parts(tx *gate.Tx, e *record.Engine) ([]Part, error) {
	if p.board != nil {
		return p.board.Answered(tx, e)
	}
	x, err := p.saved.Answered(tx, e)
	return []Part{{Answer: x}}, err
}

// Subscribe keeps when the caller is mailed a report or dashboard that she sees; never ends it. Who may not
// export is mailed nothing, since it leaves the house. NotFound for one that she does not see.
func Subscribe(tx *gate.Tx, report id.ID, when rhythm.Schedule) error {
	if tx.Caller.User == 0 {
		return fault.New(fault.Denied, "Only people are mailed reports.")
	}
	s, err := postedOf(tx, report)
	if err != nil {
		return err
	}
	if wrong := when.Check(); wrong != "" {
		return fault.Field("when", "%s", wrong)
	}
	entry, err := s.export(tx)
	if err != nil {
		return err
	}
	entry.Action, entry.Detail.Name, entry.Detail.Text = Planned, s.name, "mailed "+when.Words("no more")
	next := when.Next(time.UnixMilli(tx.Now))
	if next == 0 {
		_, err = tx.Exec(`delete from report_mail where report_id = ? and user_id = ?`, int64(report), int64(tx.Caller.User))
		return err
	}
	setup, err := json.Marshal(when)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into report_mail (report_id, user_id, setup, next_at) values (?, ?, ?, ?)
		on conflict (report_id, user_id) do update set setup = excluded.setup, next_at = excluded.next_at, why = ''`, int64(report), int64(tx.Caller.User), string(setup), next)
	return err
}

// What is done with reports, as the audit log calls it.
const (
	Planned = "report.planned"
	Mailed  = "report.mailed"
)

// Mailer mails reports when they are due. Fill the fields.
type Mailer struct {
	Gate    *gate.Gate
	Records *record.Engine
	// Resolve gives a user as she is now; NotFound when she may not sign in.
	Resolve func(ctx context.Context, tenant string, user id.ID) (*access.Caller, error)
	// Address gives a page's address for people outside; "" when that is not known.
	Address func(path string) string
	Sends   func() bool // whether mail leaves the house; nothing is written where it does not
	Log     *slog.Logger
}

// due is a report that is to be mailed.
type due struct {
	report, user id.ID
	at           int64
	setup        string
}

// Run mails what is due in a tenant, each by the rights that its reader has at that moment. A
// mail is written with the time of the next one, so that it is written once, whenever the
// server stops; what was missed meanwhile is mailed once.
func (m *Mailer) Run(ctx context.Context, tenant string) error {
	var list []due
	if !m.Sends() {
		return nil
	}
	house := access.System(tenant, "job")
	err := m.Gate.View(ctx, house, func(tx *gate.Tx) error {
		rows, err := tx.Query(`select report_id, user_id, next_at, setup from report_mail where next_at > 0 and next_at <= ? order by next_at, report_id, user_id limit 500`, tx.Now)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var d due
			if err := rows.Scan((*int64)(&d.report), (*int64)(&d.user), &d.at, &d.setup); err != nil {
				return err
			}
			list = append(list, d)
		}
		return rows.Err()
	})
	for _, d := range list {
		if err != nil {
			return err
		}
		if err = m.one(ctx, tenant, d); err == nil {
			continue
		}
		say := fault.Say(err)
		if ctx.Err() == nil && (fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid)) {
			err = m.stop(ctx, house, d, say.Text)
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		m.Log.WarnContext(ctx, "a report could not be mailed", "tenant", tenant, "report", int64(d.report), "error", err)
		err = nil // it is tried again, and keeps none of the others
	}
	return err
}

// stop ends a mailing that its reader may not have any more, and keeps why.
func (m *Mailer) stop(ctx context.Context, house *access.Caller, d due, why string) error {
	return m.Gate.Change(ctx, house, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		_, err := tx.Exec(`update report_mail set next_at = 0, why = ? where report_id = ? and user_id = ? and next_at = ?`, why, int64(d.report), int64(d.user), d.at)
		return err
	})
}

// one mails a report to one reader.
func (m *Mailer) one(ctx context.Context, tenant string, d due) error {
	to, err := m.Resolve(ctx, tenant, d.user)
	if err != nil {
		return err
	}
	address, err := post.ParseAddress(to.Email)
	if err != nil {
		return fault.New(fault.Invalid, "You have no e-mail address.")
	}
	var when rhythm.Schedule
	if err := json.Unmarshal([]byte(d.setup), &when); err != nil {
		return err
	}
	var s *posted
	err = m.Gate.View(ctx, to, func(tx *gate.Tx) (err error) {
		s, err = postedOf(tx, d.report)
		return err
	})
	if err != nil {
		return err
	}
	return m.Gate.Change(ctx, to, access.Export, gate.Thing{Kind: s.kinds()[0]}, func(tx *gate.Tx) error {
		n, err := tx.Exec(`update report_mail set next_at = ? where report_id = ? and user_id = ? and next_at = ?`, when.Next(time.UnixMilli(tx.Now)), int64(d.report), int64(d.user), d.at)
		if err != nil || n == 0 { // it was mailed, or planned anew, meanwhile
			tx.Withdraw(tx.Entry())
			return err
		}
		if s, err = postedOf(tx, d.report); err != nil {
			return err
		}
		tx.Withdraw(tx.Entry()) // export has one of its own
		e, err := s.export(tx)
		if err != nil {
			return err
		}
		parts, err := s.parts(tx, m.Records)
		if err != nil {
			return err
		}
		e.Action, e.Detail = Mailed, audit.Detail{Name: s.name}
		l := m.letter(s, parts)
		l.User, l.To = d.user, mail.Address{Name: to.Name, Address: address.Address}
		return queue.Write(tx, l)
	})
}

// letter is what is mailed: the numbers as text and as tables.
func (m *Mailer) letter(s *posted, parts []Part) queue.Letter {
	var text, page strings.Builder
	text.WriteString(s.name + "\n")
	page.WriteString("<h1>" + html.EscapeString(s.name) + "</h1>")
	for _, p := range parts {
		if p.Title != "" {
			text.WriteString("\n" + p.Title + "\n")
			page.WriteString("<h2>" + html.EscapeString(p.Title) + "</h2>")
		}
		if p.Answer == nil {
			text.WriteString(p.Wrong + "\n")
			page.WriteString("<p>" + html.EscapeString(p.Wrong) + "</p>")
			continue
		}
		about := p.Answer.Ask.About(m.Records.Kinds.Kind(p.Answer.Ask.Kind)) + ", as far as you may see it."
		text.WriteString(about + "\n\n")
		page.WriteString("<p>" + html.EscapeString(about) + "</p>" + p.Answer.table())
		for _, c := range p.Answer.lines() {
			text.WriteString(c.Label + ": " + p.Answer.Ask.Says(c) + "\n")
		}
	}
	if link := m.Address(s.path); link != "" {
		text.WriteString("\n" + link + "\n")
		page.WriteString(`<p><a href="` + html.EscapeString(link) + `">Open it in Strongroom</a></p>`)
	}
	const why = "Strongroom sends this because you chose it on the page of the report. You can end it there."
	return queue.Letter{Subject: s.name, Text: text.String() + "\n" + why + "\n", HTML: page.String() + `<p><small>` + why + `</small></p>`, What: "report"}
}
