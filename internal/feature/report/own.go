package report

import (
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Saved is a report that somebody keeps under a name.
type Saved struct {
	ID    id.ID
	Owner id.ID // who keeps it and changes it
	Name  string
	Board bool // it stands on the dashboard of those who see it
	Ask
	With []id.ID // users and groups who see the question too; each is answered by her own rights
	All  bool    // everybody does
}

// Bounds of what is kept.
const (
	MaxName = 60
	maxOwn  = 100
	maxWith = 50
)

// Feature is the tables of reports, and how far facts of tickets were computed.
func Feature() record.Feature {
	return record.Feature{Name: "report", Purge: purge, Schema: append([]string{
		`create table if not exists report (id id primary key, owner_id int not null, name text not null, setup json not null, board int not null, everybody int not null, created_at int not null, updated_at int not null)`,
		`create index if not exists report_owner on report (owner_id, id)`,
		`create table if not exists report_with (report_id int not null, who_id int not null, primary key (report_id, who_id))`,
		`create index if not exists report_with_who on report_with (who_id)`,
		`create table if not exists report_mail (report_id int not null, user_id int not null, setup json not null, next_at int not null, why text not null default '', primary key (report_id, user_id))`,
		`create index if not exists report_mail_due on report_mail (next_at) where next_at > 0`,
		`create table if not exists report_fact (kind text primary key, version int not null, upto int not null)`,
	}, boardSchema...)}
}

// purge forgets the reports of a user, and what was shared with a user or group, that is purged.
func purge(tx *gate.Tx, r *record.Record) error {
	for _, q := range []string{`delete from report_board_with where who_id = ?`, `delete from report_mail where report_id in (select id from report_board where owner_id = ?)`,
		`delete from report_board_with where board_id in (select id from report_board where owner_id = ?)`, `delete from report_board_role where board_id in (select id from report_board where owner_id = ?)`, `delete from report_board where owner_id = ?`,
		`delete from report_mail where user_id = ?`, `delete from report_mail where report_id in (select id from report where owner_id = ?)`, `delete from report_with where who_id = ?`, `delete from report_with where report_id in (select id from report where owner_id = ?)`, `delete from report where owner_id = ?`} {
		if _, err := tx.Exec(q, int64(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

// seen is the condition that a caller sees the question of a report p.
func seen(c *access.Caller) (string, []any) {
	who := append([]id.ID{c.User}, c.Groups...)
	return `(p.owner_id = ? and p.owner_id <> 0 or p.everybody <> 0 or exists (select 1 from report_with w where w.report_id = p.id and w.who_id <> 0 and w.who_id in (` + access.Marks(len(who)) + `)))`,
		append([]any{int64(c.User)}, access.Args(who)...)
}

// List gives the reports that the caller sees, her own first, each by name.
func List(tx *gate.Tx) ([]*Saved, error) {
	cond, args := seen(tx.Caller)
	return read(tx, cond+` order by case when p.owner_id = ? then 0 else 1 end, p.name, p.id`, append(args, int64(tx.Caller.User))...)
}

// Get gives one; NotFound for one that the caller does not see.
func Get(tx *gate.Tx, report id.ID) (*Saved, error) {
	cond, args := seen(tx.Caller)
	list, err := read(tx, cond+` and p.id = ?`, append(args, int64(report))...)
	if err == nil && len(list) == 0 {
		err = gate.Missing()
	}
	if err != nil {
		return nil, err
	}
	s := list[0]
	if s.Owner == tx.Caller.User {
		s.With, err = tx.IDs(`select who_id from report_with where report_id = ? order by who_id`, int64(report))
	}
	return s, err
}

func read(tx *gate.Tx, where string, args ...any) ([]*Saved, error) {
	rows, err := tx.Query(`select p.id, p.owner_id, p.name, p.setup, p.board, p.everybody from report p where `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Saved
	for rows.Next() {
		var n, owner int64
		var setup string
		s := &Saved{}
		if err := rows.Scan(&n, &owner, &s.Name, &setup, &s.Board, &s.All); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(setup), &s.Ask); err != nil {
			return nil, err
		}
		s.ID, s.Owner = id.ID(n), id.ID(owner)
		out = append(out, s)
	}
	return out, rows.Err()
}

// Save keeps a new report of the caller's, or one of hers that she changed. Invalid, with the
// field; NotFound for another's. Whoever shares one with everybody may change the tenant's lists.
func Save(tx *gate.Tx, e *record.Engine, s *Saved) error {
	if err := s.fit(tx, e); err != nil {
		return err
	}
	if s.All {
		entry, err := tx.Allow(access.Configure, gate.Thing{})
		if err != nil {
			return err
		}
		entry.Detail.Text = "a report for everybody"
	}
	setup, err := json.Marshal(s.Ask)
	if err != nil {
		return err
	}
	if s.ID == 0 {
		if s.ID, err = tx.NewID(); err != nil {
			return err
		}
		_, err = tx.Exec(`insert into report (id, owner_id, name, setup, board, everybody, created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?)`,
			int64(s.ID), int64(tx.Caller.User), s.Name, string(setup), s.Board, s.All, tx.Now, tx.Now)
	} else if err = own(tx, s.ID); err == nil {
		_, err = tx.Exec(`update report set name = ?, setup = ?, board = ?, everybody = ?, updated_at = ? where id = ?`, s.Name, string(setup), s.Board, s.All, tx.Now, int64(s.ID))
	}
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from report_with where report_id = ?`, int64(s.ID)); err != nil {
		return err
	}
	for _, who := range s.With {
		if _, err := tx.Exec(`insert into report_with (report_id, who_id) values (?, ?)`, int64(s.ID), int64(who)); err != nil {
			return err
		}
	}
	return nil
}

// fit completes a report, and refuses one that cannot be kept.
func (s *Saved) fit(tx *gate.Tx, e *record.Engine) error {
	if tx.Caller.User == 0 {
		return fault.New(fault.Denied, "Only people have reports of their own.")
	}
	s.Name = strings.Join(strings.Fields(s.Name), " ")
	slices.Sort(s.With)
	s.With = slices.Compact(s.With)
	switch {
	case s.Name == "":
		return fault.Field("name", "The name of the report is missing.")
	case utf8.RuneCountInString(s.Name) > MaxName:
		return fault.Field("name", "A name has at most %d characters.", MaxName)
	case len(s.With) > maxWith:
		return fault.Field("with", "A report is shared with %d users and groups at most.", maxWith)
	case len(s.Query) > 2000:
		return fault.Field("query", "The list is narrowed in too many ways.")
	}
	if err := s.Check(e.Kinds); err != nil {
		return err
	}
	if err := sharable(tx, e, s.With); err != nil {
		return err
	}
	var n int
	if err := tx.QueryRow(`select count(*) from report where owner_id = ? and id <> ?`, int64(tx.Caller.User), int64(s.ID)).Scan(&n); err != nil {
		return err
	}
	if n >= maxOwn {
		return fault.New(fault.Invalid, "You have %d reports already.", maxOwn).WithHint("Remove one first.")
	}
	return nil
}

// sharable refuses to share with what is neither a user nor a group.
func sharable(tx *gate.Tx, e *record.Engine, with []id.ID) error {
	for _, who := range with {
		links, err := e.Links(tx, who)
		if err != nil {
			return err
		}
		if kind := links[who].Kind; kind != "user" && kind != "group" {
			return fault.Field("with", "It is shared with users and groups only.")
		}
	}
	return nil
}

// own tells whether a report is the caller's; NotFound when not.
func own(tx *gate.Tx, report id.ID) error {
	var owner int64
	err := tx.QueryRow(`select owner_id from report where id = ?`, int64(report)).Scan(&owner)
	if errors.Is(err, sql.ErrNoRows) || err == nil && (owner == 0 || id.ID(owner) != tx.Caller.User) {
		return gate.Missing()
	}
	return err
}

// Remove forgets a report of the caller's. NotFound for another's.
func Remove(tx *gate.Tx, report id.ID) error {
	if err := own(tx, report); err != nil {
		return err
	}
	for _, q := range []string{`delete from report_mail where report_id = ?`, `delete from report_with where report_id = ?`, `delete from report where id = ?`} {
		if _, err := tx.Exec(q, int64(report)); err != nil {
			return err
		}
	}
	return nil
}
