// Package erasure takes a person out of what a tenant keeps: a contact, or a user who left.
//
// Always true: what is to go was shown before, text by text, and somebody who administers
// the tenant said which of it is about somebody else and stays; the record of the person
// stays under another name, so that what was counted, owned and decided keeps its place;
// of whom a hold keeps, nothing goes; it is in the audit log that, when and by whom somebody was
// erased, and not who she was; what was cut short goes on.
//
// Words: words are what a person is called or reached by; a place is a text in which some
// stand; a hold says why a person may not be erased.
package erasure

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/erase"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
)

// The actions of the audit entries, which are about the person's record.
const (
	Looked   = "erasure.look"    // somebody had the places found
	Begun    = "erasure.begin"   // somebody said that the person is to be erased
	Left     = "erasure.leave"   // somebody decided against it
	Erased   = "erasure.done"    // the person is erased
	Held     = "erasure.hold"    // a hold keeps the person
	Released = "erasure.release" // it does no more
)

// The states of an erasure.
const (
	Looking = "looking" // places are being found
	Found   = "found"   // somebody decides
	Erasing = "erasing"
	Done    = "done"
)

// Limits.
const (
	mostWords   = 20
	longestWord = 200  // characters
	longestWhy  = 500  // characters of a reason
	MostPlaces  = 5000 // that are listed: words in more are no name
)

// newName is the field of a person's record that holds her new name.
const newName = "last_name"

// Of tells whether records of a kind are persons.
func Of(kind string) bool { return kind == "contact" || kind == "user" }

// Feature is the tables of erasures and holds.
func Feature() record.Feature {
	return record.Feature{Name: "erasure", Schema: []string{
		`create table if not exists erasure (id id primary key, record_id int not null, kind text not null, person text not null, words json not null, reason text not null, state text not null,
			made_by int not null, at int not null, ended_at int not null default 0, texts int not null default 0, details int not null default 0)`,
		`create index if not exists erasure_record on erasure (record_id, id)`,
		`create table if not exists erasure_place (erasure_id int not null, key text not null, table_name text not null, column_name text not null, record_id int not null, excerpt text not null, words int not null,
			keep int not null default 0, primary key (erasure_id, key))`,
		`create table if not exists erasure_hold (record_id int primary key, reason text not null, held_by int not null, at int not null)`,
	}, Purge: purge}
}

// purge forgets what is kept about a person who is deleted for good; that she was erased
// stays.
func purge(tx *gate.Tx, r *record.Record) error {
	_, err := tx.Exec(`delete from erasure_hold where record_id = ?`, int64(r.ID))
	return err
}

// Persons erases. Fill the fields; it then is safe for concurrent use.
type Persons struct {
	Gate    *gate.Gate
	Records *record.Engine
	Jobs    *job.Runner
}

// Erasure is one.
type Erasure struct {
	ID      id.ID
	Record  id.ID
	Kind    string
	Person  string // what she is called from then on
	Words   []string
	Reason  string
	State   string
	By      id.ID
	At      int64 // Unix milliseconds, as Ended
	Ended   int64 // 0 for not yet
	Texts   int   // how many words were replaced
	Details int   // how many entries of the audit log lost what they say beside their leaf
}

// Place is a text in which words were found.
type Place struct {
	Key           string
	Table, Column string
	Record        id.ID // of which it is; 0 when it is of none
	Kind, Name    string
	Excerpt       string
	Words         int
}

// Hold says why a person may not be erased.
type Hold struct {
	Reason string
	By     id.ID
	At     int64 // Unix milliseconds
}

// allowed gives the person's record to those who may erase her.
func (p *Persons) allowed(tx *gate.Tx, rec id.ID) (*record.Record, error) {
	if !tx.Caller.Everything() {
		return nil, fault.New(fault.Denied, "People are erased by administrators who see all organizations.")
	}
	r, err := p.Records.GetTrashed(tx, "", rec)
	if err == nil && !Of(r.Kind.Name) {
		err = gate.Missing()
	}
	return r, err
}

// Suggest gives what a person is called and reached by, as her record says: name, name
// in the order of lists, addresses and numbers.
func Suggest(r *record.Record) []string {
	out := []string{r.Name}
	add := func(s string) {
		if s = strings.TrimSpace(s); utf8.RuneCountInString(s) >= erase.Least && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if first, last := r.Values.Text("first_name"), r.Values.Text("last_name"); first != "" && last != "" {
		add(first + " " + last)
		add(last + ", " + first)
		add(last + " " + first)
	}
	for _, f := range r.Kind.Fields {
		if f.Class != record.Personal {
			continue
		}
		if f.Format == record.Email || f.Format == record.Phone || f.Name == "primary_email" || f.Name == "primary_phone" {
			add(r.Values.Text(f.Name))
		}
		for _, row := range r.Values.Rows(f.Name) {
			for _, c := range f.Rows {
				if s, _ := row[c.Name].(string); c.Class == record.Personal && (c.Format == record.Email || c.Format == record.Phone || c.Name == "formatted_value") {
					add(s)
				}
			}
		}
	}
	return out
}

// Look has all places found in which the words stand. Begun again before it is decided, it
// begins anew with these words. It gives the erasure. Fault kinds: Denied, NotFound,
// Conflict while it goes on and for who is erased already, Invalid with the fields words
// and reason.
func (p *Persons) Look(ctx context.Context, c *access.Caller, rec id.ID, words []string, reason string) (made id.ID, err error) {
	reason = strings.TrimSpace(reason)
	list, bad := clean(words)
	if reason == "" || utf8.RuneCountInString(reason) > longestWhy {
		bad["reason"] = fmt.Sprintf("Say why, in at most %d characters: such as who asked, and when.", longestWhy)
	}
	if err := fault.Fields(bad); err != nil {
		return 0, err
	}
	err = p.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		r, err := p.allowed(tx, rec)
		if err != nil {
			return err
		}
		old, err := Last(tx, rec)
		if err != nil {
			return err
		}
		if old != nil && (old.State == Looking || old.State == Erasing || old.State == Done) {
			return fault.New(fault.Conflict, "This is %s.", map[string]string{Looking: "going on already", Erasing: "going on already", Done: "done: the person is erased"}[old.State])
		}
		if old != nil {
			if err := forget(tx, old.ID); err != nil {
				return err
			}
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name, e.Detail.Reason = Looked, r.Kind.Name, rec, r.Name, reason
		if made, err = tx.NewID(); err != nil {
			return err
		}
		b, err := json.Marshal(list)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`insert into erasure (id, record_id, kind, person, words, reason, state, made_by, at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			int64(made), int64(rec), r.Kind.Name, "Erased person "+rec.String(), string(b), reason, Looking, int64(tx.Caller.User), tx.Now); err != nil {
			return err
		}
		_, err = p.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: payload{made}})
		return err
	})
	return made, err
}

// clean gives the words without what says nothing, and what is wrong with them.
func clean(words []string) (out []string, bad map[string]string) {
	bad = map[string]string{}
	for _, w := range words {
		w = strings.Join(strings.Fields(w), " ")
		n := utf8.RuneCountInString(w)
		switch {
		case w == "" || slices.Contains(out, w):
		case n < erase.Least:
			bad["words"] = fmt.Sprintf("“%s” is too short: it stands in too much that is about others. At least %d characters.", w, erase.Least)
		case n > longestWord || len(out) == mostWords:
			bad["words"] = fmt.Sprintf("At most %d names and addresses, one on each line, of %d characters.", mostWords, longestWord)
		default:
			out = append(out, w)
		}
	}
	if len(out) == 0 && bad["words"] == "" {
		bad["words"] = "Say what the person is called or reached by, one on each line."
	}
	return out, bad
}

// Begin has the person erased whose places were found; keep names those that are about
// somebody else. Fault kinds: Denied, NotFound, Conflict where a hold keeps the person, for
// a user who has not left and for the caller.
func (p *Persons) Begin(ctx context.Context, c *access.Caller, rec id.ID, keep []string) error {
	return p.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		r, err := p.allowed(tx, rec)
		if err != nil {
			return err
		}
		x, err := undecided(tx, rec)
		if err != nil {
			return err
		}
		if err := p.kept(tx, r); err != nil {
			return err
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name, e.Detail.Reason = Begun, r.Kind.Name, rec, r.Name, x.Reason
		for _, key := range keep {
			if _, err := tx.Exec(`update erasure_place set keep = 1 where erasure_id = ? and key = ?`, int64(x.ID), key); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(`update erasure set state = ? where id = ?`, Erasing, int64(x.ID)); err != nil {
			return err
		}
		_, err = p.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: payload{x.ID}})
		return err
	})
}

// undecided gives the erasure of a person whose places were found.
func undecided(tx *gate.Tx, rec id.ID) (*Erasure, error) {
	x, err := Last(tx, rec)
	if err == nil && (x == nil || x.State != Found) {
		err = fault.New(fault.Conflict, "There is nothing to decide.").WithHint("See what is known first.")
	}
	return x, err
}

// kept refuses where something keeps a person from being erased.
func (p *Persons) kept(tx *gate.Tx, r *record.Record) error {
	why, err := p.Keeps(tx, r)
	if err == nil && why != "" {
		err = fault.New(fault.Conflict, "%s", why)
	}
	return err
}

// Keeps says what keeps a person from being erased; empty for nothing.
func (p *Persons) Keeps(tx *gate.Tx, r *record.Record) (string, error) {
	h, err := HoldOf(tx, r.ID)
	switch {
	case err != nil:
		return "", err
	case h != nil:
		return "A hold keeps this person: " + h.Reason, nil
	case r.ID == tx.Caller.User:
		return "Another administrator does this for you.", nil
	case r.Kind.Name == "user" && !r.Archived && r.Trashed == 0:
		return "This user has not left. Have the user leave first, so that what depends on the account is handed over.", nil
	}
	return "", nil
}

// Leave forgets what was found: the person is not erased.
func (p *Persons) Leave(ctx context.Context, c *access.Caller, rec id.ID) error {
	return p.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		r, err := p.allowed(tx, rec)
		if err != nil {
			return err
		}
		x, err := undecided(tx, rec)
		if err != nil {
			return err
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name = Left, r.Kind.Name, rec, r.Name
		return forget(tx, x.ID)
	})
}

func forget(tx *gate.Tx, x id.ID) error {
	if _, err := tx.Exec(`delete from erasure_place where erasure_id = ?`, int64(x)); err != nil {
		return err
	}
	_, err := tx.Exec(`delete from erasure where id = ?`, int64(x))
	return err
}

// Keep sets a hold on a person, or with an empty reason releases it. Fault kinds: Denied,
// NotFound, Invalid, Conflict for who is being erased.
func (p *Persons) Keep(ctx context.Context, c *access.Caller, rec id.ID, reason string) error {
	reason = strings.TrimSpace(reason)
	if utf8.RuneCountInString(reason) > longestWhy {
		return fault.Field("hold", "At most %d characters.", longestWhy)
	}
	return p.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		r, err := p.allowed(tx, rec)
		if err != nil {
			return err
		}
		x, err := Last(tx, rec)
		if err != nil {
			return err
		}
		if x != nil && (x.State == Erasing || x.State == Done) {
			return fault.New(fault.Conflict, "This person is erased, or just being erased.")
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name, e.Detail.Reason = Held, r.Kind.Name, rec, r.Name, reason
		if _, err := tx.Exec(`delete from erasure_hold where record_id = ?`, int64(rec)); err != nil {
			return err
		}
		if reason == "" {
			e.Action = Released
			return nil
		}
		_, err = tx.Exec(`insert into erasure_hold (record_id, reason, held_by, at) values (?, ?, ?, ?)`, int64(rec), reason, int64(tx.Caller.User), tx.Now)
		return err
	})
}

// HoldOf gives the hold on a person; nil for none. Whether the caller may know is for the
// caller of this to have checked.
func HoldOf(tx *gate.Tx, rec id.ID) (*Hold, error) {
	var h Hold
	var by int64
	err := tx.QueryRow(`select reason, held_by, at from erasure_hold where record_id = ?`, int64(rec)).Scan(&h.Reason, &by, &h.At)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	h.By = id.ID(by)
	return &h, err
}

// Last gives the last erasure of a person; nil for none. As with HoldOf, it asks nobody.
func Last(tx *gate.Tx, rec id.ID) (*Erasure, error) {
	return one(tx, `record_id = ? order by id desc limit 1`, rec)
}

func one(tx *gate.Tx, where string, arg id.ID) (*Erasure, error) {
	var x Erasure
	var n, rec, by int64
	var words string
	err := tx.QueryRow(`select id, record_id, kind, person, words, reason, state, made_by, at, ended_at, texts, details from erasure where `+where, int64(arg)).
		Scan(&n, &rec, &x.Kind, &x.Person, &words, &x.Reason, &x.State, &by, &x.At, &x.Ended, &x.Texts, &x.Details)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	x.ID, x.Record, x.By = id.ID(n), id.ID(rec), id.ID(by)
	return &x, json.Unmarshal([]byte(words), &x.Words)
}

// Places gives what was found, with the names of the records. Denied for who may not
// administer the tenant.
func (p *Persons) Places(tx *gate.Tx, x id.ID) (list []Place, err error) {
	if _, err := tx.Allow(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`select p.key, p.table_name, p.column_name, p.record_id, p.excerpt, p.words, coalesce(r.kind, ''), coalesce(r.name, '') from erasure_place p
		left join record r on r.id = p.record_id where p.erasure_id = ? order by p.table_name, p.record_id, p.key`, int64(x))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var l Place
		var rec int64
		if err := rows.Scan(&l.Key, &l.Table, &l.Column, &rec, &l.Excerpt, &l.Words, &l.Kind, &l.Name); err != nil {
			return nil, err
		}
		l.Record = id.ID(rec)
		list = append(list, l)
	}
	return list, rows.Err()
}
