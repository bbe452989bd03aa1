// Package survey asks customers how content they are with what was done for them, once
// a ticket is resolved.
//
// Always true: a ticket is asked about once, and a person at most once in so many days; the
// link of a survey is bound to its ticket and its person and kept as a hash; looking at it
// changes nothing, an answer is sent as a form and the first one stands; what does not
// exist, is over, or is somebody else's is not told apart; what came of it stands with the
// ticket, for those who see that.
package survey

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// The fields of a ticket in which the answer stands; a kind that has the first is asked
// about.
const (
	Score = "satisfaction"
	When  = "satisfaction_at"
	Words = "satisfaction_words"
)

// The actions of the audit entries, about the ticket.
const (
	Asked    = "survey.ask"
	Answered = "survey.answer"
	settled  = "survey.settings"
)

// The states of a survey.
const (
	open    = "open"
	over    = "answered"
	skipped = "skipped" // the person was asked a short time ago
)

// Best is the most that can be said; 1 is the least.
const Best = 5

// mostWords is how many characters somebody says beside it.
const mostWords = 2000

// Feature is the tables of surveys.
func Feature() record.Feature {
	return record.Feature{Name: "survey", Purge: purge, Schema: []string{
		`create table if not exists survey (id id primary key, ticket_id int not null, contact_id int not null, mark bytes not null, state text not null, at int not null, ends_at int not null, answered_at int not null default 0, score int not null default 0)`,
		`create unique index if not exists survey_ticket on survey (ticket_id)`,
		`create index if not exists survey_mark on survey (mark)`,
		`create index if not exists survey_contact on survey (contact_id, at)`,
		`create table if not exists survey_setting (one int primary key check (one = 1), active int not null, hours int not null, rest int not null, days int not null, low int not null, since int not null)`,
	}}
}

// purge forgets what a ticket or a person was asked.
func purge(tx *gate.Tx, r *record.Record) error {
	_, err := tx.Exec(`delete from survey where ticket_id = ? or contact_id = ?`, int64(r.ID), int64(r.ID))
	return err
}

// Settings are a tenant's.
type Settings struct {
	On    bool
	Hours int // after the resolution
	Rest  int // days in which nobody is asked again
	Days  int // in which it can be answered
	Low   int // whose ticket it is, is told of an answer that is not above this; 0 for of none

	since int64 // what was resolved before is not asked about
}

// Setting gives the tenant's settings.
func Setting(tx *gate.Tx) (Settings, error) {
	s := Settings{Hours: 4, Rest: 14, Days: 14}
	err := tx.QueryRow(`select active, hours, rest, days, low, since from survey_setting where one = 1`).Scan(&s.On, &s.Hours, &s.Rest, &s.Days, &s.Low, &s.since)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return s, err
}

// Settle keeps the settings, in a change for which the caller administers the tenant.
// Invalid, with the fields hours, rest, days and low.
func Settle(tx *gate.Tx, s Settings) error {
	bad := map[string]string{}
	for _, x := range []struct {
		name        string
		n           int
		least, most int
	}{{"hours", s.Hours, 0, 720}, {"rest", s.Rest, 0, 365}, {"days", s.Days, 1, 90}, {"low", s.Low, 0, Best - 1}} {
		if x.n < x.least || x.n > x.most {
			bad[x.name] = fmt.Sprintf("Choose %d to %d.", x.least, x.most)
		}
	}
	if err := fault.Fields(bad); err != nil {
		return err
	}
	old, err := Setting(tx)
	if err != nil {
		return err
	}
	if s.since = old.since; s.On && !old.On {
		s.since = tx.Now
	}
	e := tx.Entry()
	e.Action, e.Detail.Text = settled, "customers are not asked how content they are"
	if s.On {
		e.Detail.Text = fmt.Sprintf("customers are asked how content they are, %d hours after the resolution, once in %d days", s.Hours, s.Rest)
	}
	_, err = tx.Exec(`insert into survey_setting (one, active, hours, rest, days, low, since) values (1, ?, ?, ?, ?, ?, ?)
		on conflict (one) do update set active = excluded.active, hours = excluded.hours, rest = excluded.rest, days = excluded.days, low = excluded.low, since = excluded.since`, s.On, s.Hours, s.Rest, s.Days, s.Low, s.since)
	return err
}

// Surveys asks and takes answers. Fill the fields; it then is safe for concurrent use.
type Surveys struct {
	Gate    *gate.Gate
	Records *record.Engine
	Address func(path string) string // of a page, for people outside; "" when it is not known
}

// Page is where a link leads: the name of the tenant and the mark follow, with a dot between.
const Page = "/survey/"

// kinds are those that are asked about.
func (s *Surveys) kinds() (out []*record.Kind) {
	for _, k := range s.Records.Kinds.Kinds() {
		if k.Field(Score) != nil && k.Field("resolved_at") != nil && k.Field("contact_id") != nil {
			out = append(out, k)
		}
	}
	return out
}

// Answer is what somebody says.
type Answer struct {
	Score int // 1 to Best
	Words string
}

// check tells what is wrong with an answer.
func (a *Answer) check() error {
	bad := map[string]string{}
	if a.Score < 1 || a.Score > Best {
		bad["score"] = "Choose one of the five."
	}
	if len([]rune(a.Words)) > mostWords {
		bad["words"] = fmt.Sprintf("This is longer than %d characters.", mostWords)
	}
	return fault.Fields(bad)
}

// Gone is the one answer for a survey that is over, somebody else's, or never was.
func Gone() error {
	return fault.New(fault.NotFound, "There is no question here, or none any more.").WithHint("If you want to tell us something, answer one of our mails.")
}

// Question is what is asked.
type Question struct {
	Title    string // of the tenant
	Number   string // of the ticket
	Subject  string
	Answered bool
	Score    int // what was answered

	id      id.ID
	contact id.ID
	rec     *record.Record
}

// find gives the survey of a condition while it can be answered, or was.
func (s *Surveys) find(tx *gate.Tx, where string, args ...any) (*Question, error) {
	var n, ticket, contact, ends int64
	var state string
	q := &Question{Title: tx.Tenant.Title()}
	err := tx.QueryRow(`select id, ticket_id, contact_id, state, ends_at, score from survey where `+where, args...).Scan(&n, &ticket, &contact, &state, &ends, &q.Score)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, Gone()
	}
	if err != nil {
		return nil, err
	}
	if state != open && state != over || ends <= tx.Now {
		return nil, Gone()
	}
	q.id, q.contact, q.Answered = id.ID(n), id.ID(contact), state == over
	if q.rec, err = s.Records.Get(tx, "", id.ID(ticket)); fault.Is(err, fault.NotFound) {
		return nil, Gone()
	}
	if err != nil {
		return nil, err
	}
	if q.rec.Archived || q.rec.Values.ID("contact_id") != q.contact || q.rec.Values["resolved_at"] == nil { // it is not hers any more, or being worked on again
		return nil, Gone()
	}
	q.Subject = q.rec.Name
	if n, ok := q.rec.Values["number"].(int64); ok {
		q.Number = q.rec.Kind.Field("number").Numbered(n)
	}
	return q, nil
}

// Look tells what a mark of a link asks, and changes nothing. NotFound, as Gone words it.
func (s *Surveys) Look(ctx context.Context, c *access.Caller, mark string) (q *Question, err error) {
	sum, ok := digest(mark)
	if !ok {
		return nil, Gone()
	}
	err = s.Gate.View(ctx, c, func(tx *gate.Tx) error {
		q, err = s.find(tx, `mark = ?`, sum)
		return err
	})
	return q, gone(err)
}

// Say takes an answer by a link. Once answered, it stays as it is and what is said again is
// not heard: again tells. Fault kinds: NotFound, as Gone words it; Invalid with the fields
// score and words.
func (s *Surveys) Say(ctx context.Context, c *access.Caller, mark string, a Answer) (again bool, err error) {
	q, err := s.Look(ctx, c, mark)
	if err != nil {
		return false, err
	}
	sum, _ := digest(mark)
	return s.say(ctx, c, access.Edit, q.rec, a, func(tx *gate.Tx) (*Question, error) { return s.find(tx, `mark = ?`, sum) })
}

// Of gives what the caller, a customer, is asked about a ticket; nil for nothing.
func (s *Surveys) Of(tx *gate.Tx, ticket id.ID) (*Question, error) {
	if tx.Caller.Contact == 0 {
		return nil, nil
	}
	q, err := s.find(tx, `ticket_id = ? and contact_id = ?`, int64(ticket), int64(tx.Caller.Contact))
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return q, err
}

// Reply takes the answer of the caller, a customer who is signed in; as Say.
func (s *Surveys) Reply(ctx context.Context, c *access.Caller, ticket id.ID, a Answer) (again bool, err error) {
	look := func(tx *gate.Tx) (*Question, error) {
		q, err := s.Of(tx, ticket)
		if err == nil && q == nil {
			err = Gone()
		}
		return q, err
	}
	var q *Question
	if err := s.Gate.View(ctx, c, func(tx *gate.Tx) (err error) { q, err = look(tx); return err }); err != nil {
		return false, gone(err)
	}
	return s.say(ctx, c, access.Comment, q.rec, a, look)
}

// say writes an answer down, with the survey and with its ticket, which as a record stays
// as it was: what came of it is closed.
func (s *Surveys) say(ctx context.Context, c *access.Caller, action access.Action, r *record.Record, a Answer, look func(tx *gate.Tx) (*Question, error)) (again bool, err error) {
	if err := a.check(); err != nil {
		return false, err
	}
	err = s.Gate.Change(ctx, c, action, gate.Thing{Kind: r.Kind.Name, ID: r.ID}, func(tx *gate.Tx) error {
		q, err := look(tx) // as it is now
		if err != nil {
			return err
		}
		if again = q.Answered; again {
			tx.Withdraw(tx.Entry())
			return nil
		}
		n, err := tx.Exec(`update survey set state = ?, answered_at = ?, score = ? where id = ? and state = ?`, over, tx.Now, a.Score, int64(q.id), open)
		if again = n == 0; err != nil || again {
			tx.Withdraw(tx.Entry())
			return err
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Org, e.Detail.Name, e.Detail.Text = Answered, r.Kind.Name, r.ID, q.rec.Org, q.rec.Name, strconv.Itoa(a.Score)+" of "+strconv.Itoa(Best)
		var words any
		if a.Words != "" {
			words = a.Words
		}
		if _, err := tx.Exec(`update `+r.Kind.Table()+` set `+Score+` = ?, `+When+` = ?, `+Words+` = ? where id = ?`, a.Score, tx.Now, words, int64(r.ID)); err != nil {
			return err
		}
		if err := s.counted(tx, q.rec, a.Score); err != nil {
			return err
		}
		return tx.Desk(func() error { return s.warn(tx, q, a) })
	})
	return again, gone(err)
}

// counted moves the totals by day for a ticket whose customer said how content she is.
func (s *Surveys) counted(tx *gate.Tx, r *record.Record, score int) error {
	is := *r
	is.Values = maps.Clone(r.Values)
	is.Values[Score], is.Values[When] = int64(score), tx.Now
	return r.Kind.Days.Move(tx, r.Total(), r.Value, is.Value)
}

// gone words every NotFound alike.
func gone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return Gone()
	}
	return err
}
