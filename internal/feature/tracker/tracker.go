// Package tracker follows what the outside says of records: registrations, DNS
// records, certificates, mail. What is asked lies in the packages below, one for
// each tracker; what is kept, and when it is asked, lies here.
//
// Always true: nothing is asked within a transaction; a report is kept as a new
// version only when its facts differ from those of the last one; who may see a
// record sees what was found of it, and nobody else; a field that a person filled
// in is not changed by a tracker, see Field.
package tracker

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/tracker/seen"
)

// Checker has records followed. Fill the fields; it then is safe for concurrent
// use.
type Checker struct {
	Gate     *gate.Gate
	Records  *record.Engine // one that may set what people may not: see record.Engine.Inside
	Jobs     *job.Runner
	Trackers []seen.Tracker
	Off      bool // nothing is asked: the operator has no outgoing connections
	Log      *slog.Logger

	once  sync.Once
	slots chan struct{}
}

// What is kept, and how much is done at once.
const (
	keepVersions = 100              // of one tracker of one record
	atOnce       = 8                // records that are asked about, of all tenants
	batch        = 100              // states that are read at once
	fetchTime    = 60 * time.Second // for one report
	nowTime      = 15 * time.Second // for one that a person waits for
	again        = 10 * time.Second // between two checks that people ask for
)

// Feature is the tables of what was found.
func Feature() record.Feature {
	return record.Feature{Name: "tracker", Schema: schema, Purge: purge}
}

var schema = []string{
	`create table if not exists tracker_state (record_id int not null, tracker text not null, next_at int not null, checked_at int not null default 0, changed_at int not null default 0,
		version int not null default 0, level int not null default 0, summary text not null default '', findings json not null default '[]', fields json not null default '{}',
		failures int not null default 0, error text not null default '', hint text not null default '', primary key (record_id, tracker))`,
	`create index if not exists tracker_state_next on tracker_state (next_at)`,
	`create table if not exists tracker_version (record_id int not null, tracker text not null, version int not null, at int not null, facts text not null, primary key (record_id, tracker, version))`,
	`create table if not exists tracker_field (record_id int not null, field text not null, value text not null, found text not null, tracker text not null, at int not null, primary key (record_id, field))`,
	`create table if not exists tracker_paused (record_id int primary key, at int not null, user_id int not null)`,
}

func purge(tx *gate.Tx, r *record.Record) error {
	for _, table := range []string{"tracker_state", "tracker_version", "tracker_field", "tracker_paused"} {
		if _, err := tx.Exec(`delete from `+table+` where record_id = ?`, int64(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

// slot waits for one of the places in which records are asked about.
func (c *Checker) slot(ctx context.Context) (leave func(), err error) {
	c.once.Do(func() { c.slots = make(chan struct{}, atOnce) })
	select {
	case c.slots <- struct{}{}:
		return func() { <-c.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Find gives a tracker by its name; nil when there is none.
func (c *Checker) Find(name string) *seen.Tracker {
	for i := range c.Trackers {
		if c.Trackers[i].Name == name {
			return &c.Trackers[i]
		}
	}
	return nil
}

// Follows tells whether records of a kind are followed.
func (c *Checker) Follows(kind string) bool {
	for i := range c.Trackers {
		if c.Trackers[i].Of(kind) {
			return true
		}
	}
	return false
}

// as is the caller that a tracker acts as: the log says which one it was.
func as(tenant string, t *seen.Tracker) *access.Caller {
	c := access.System(tenant, "tracker")
	if t != nil {
		c.Name = "Tracker: " + t.Title
	}
	return c
}

// target says what of a record is asked about.
func target(r *record.Record) (seen.Target, error) {
	host := r.Name
	if h := r.Values.Text("host"); h != "" {
		host = h
	}
	t, err := seen.ParseTarget(host)
	t.Selectors = seen.ParseSelectors(r.Values.Text("dkim_selectors"))
	return t, err
}

// State is how a tracker of a record stands.
type State struct {
	Record   id.ID
	Tracker  string
	Next     int64 // when it is asked again; all times are Unix milliseconds, 0 for never
	Checked  int64 // when it was asked last
	Changed  int64 // when the facts changed last
	Version  int64 // of the facts; 0 when there are none yet
	Level    seen.Level
	Summary  string
	Findings []seen.Finding
	Fields   map[string]string

	Failures    int    // how often asking has failed since it last went well
	Error, Hint string // why it failed last
}

const stateColumns = `s.record_id, s.tracker, s.next_at, s.checked_at, s.changed_at, s.version, s.level, s.summary, s.findings, s.fields, s.failures, s.error, s.hint`

func scanState(scan func(...any) error, more ...any) (*State, error) {
	s := &State{}
	var rec, level int64
	var findings, fields string
	err := scan(append([]any{&rec, &s.Tracker, &s.Next, &s.Checked, &s.Changed, &s.Version, &level, &s.Summary, &findings, &fields, &s.Failures, &s.Error, &s.Hint}, more...)...)
	if err != nil {
		return nil, err
	}
	s.Record, s.Level = id.ID(rec), seen.Level(level)
	return s, errors.Join(json.Unmarshal([]byte(findings), &s.Findings), json.Unmarshal([]byte(fields), &s.Fields))
}

// Of gives the states of a record's trackers, in the order of the trackers; one that
// has never been asked has a state without times. NotFound for a record that the
// caller may not see.
func (c *Checker) Of(tx *gate.Tx, r *record.Record) ([]*State, error) {
	if _, err := tx.Allow(access.View, gate.Thing{Kind: r.Kind.Name, ID: r.ID}); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`select `+stateColumns+` from tracker_state s where s.record_id = ?`, int64(r.ID))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string]*State{}
	for rows.Next() {
		s, err := scanState(rows.Scan)
		if err != nil {
			return nil, err
		}
		found[s.Tracker] = s
	}
	var out []*State
	for _, t := range c.Trackers {
		if !t.Of(r.Kind.Name) {
			continue
		}
		s := found[t.Name]
		if s == nil {
			s = &State{Record: r.ID, Tracker: t.Name}
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// Paused tells whether a record is left alone because somebody said so.
func (c *Checker) Paused(tx *gate.Tx, rid id.ID) (bool, error) {
	var n int
	err := tx.QueryRow(`select count(*) from tracker_paused where record_id = ?`, int64(rid)).Scan(&n)
	return n > 0, err
}

// Version is what was found at a time.
type Version struct {
	Number int64
	At     int64 // when it was found first
	Facts  string
}

// Versions gives what a tracker found of a record, the newest first. The caller of tx
// has been allowed to see it.
func (c *Checker) Versions(tx *gate.Tx, rid id.ID, tracker string) ([]Version, error) {
	rows, err := tx.Query(`select version, at, facts from tracker_version where record_id = ? and tracker = ? order by version desc`, int64(rid), tracker)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Version
	for rows.Next() {
		var v Version
		if err := rows.Scan(&v.Number, &v.At, &v.Facts); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// Line is a state in the list of all, with its record.
type Line struct {
	*State
	Kind    string
	Name    string
	Org     id.ID
	OrgName string
	Paused  bool
}

// Query asks for the list of all.
type Query struct {
	Org      id.ID  // 0 for all
	Tracker  string // "" for all
	Problems bool   // only where something is to be done
	Text     string // in the name
	Limit    int
}

// List gives the states of all that the caller may see, what is worst first, and how
// many there are.
func (c *Checker) List(tx *gate.Tx, q Query) ([]*Line, int64, error) {
	cond, who := tx.Visible("r")
	named, whoOrg := tx.Visible("o")
	where, args := ` where r.trashed_at is null and r.archived = 0 and `+cond, append([]any(nil), who...)
	if q.Org != 0 {
		where, args = where+` and r.org_id = ?`, append(args, int64(q.Org))
	}
	if q.Tracker != "" {
		where, args = where+` and s.tracker = ?`, append(args, q.Tracker)
	}
	if q.Problems {
		where, args = where+` and (s.level >= ? or s.failures > 0)`, append(args, int(seen.Warn))
	}
	if text := record.Fold(q.Text); text != "" {
		where, args = where+` and r.name_fold like ? escape '\'`, append(args, "%"+likeSafe(text)+"%")
	}
	var total int64
	if err := tx.QueryRow(`select count(*) from tracker_state s join record r on r.id = s.record_id`+where, args...).Scan(&total); err != nil {
		return nil, 0, err
	}
	args = append(append(append([]any(nil), whoOrg...), args...), q.Limit)
	rows, err := tx.Query(`select `+stateColumns+`, r.kind, r.name, r.org_id, coalesce(o.name, ''), case when p.record_id is null then 0 else 1 end
		from tracker_state s join record r on r.id = s.record_id left join tracker_paused p on p.record_id = r.id left join record o on o.id = r.org_id and `+named+where+`
		order by case when s.level >= 2 then s.level * 10 + case when s.failures > 0 then 5 else 0 end when s.failures > 0 then 15 else s.level end desc, r.name_fold, r.id, s.tracker limit ?`, args...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	var out []*Line
	for rows.Next() {
		l := &Line{}
		var org int64
		if l.State, err = scanState(rows.Scan, &l.Kind, &l.Name, &org, &l.OrgName, &l.Paused); err != nil {
			return nil, 0, err
		}
		l.Org = id.ID(org)
		out = append(out, l)
	}
	return out, total, rows.Err()
}

// likeSafe takes the meaning from the characters that like gives one.
func likeSafe(s string) string {
	var b []rune
	for _, r := range s {
		if r == '%' || r == '_' || r == '\\' {
			b = append(b, '\\')
		}
		b = append(b, r)
	}
	return string(b)
}

// Pause has a record left alone, or followed again.
func (c *Checker) Pause(ctx context.Context, who *access.Caller, kind string, rid id.ID, on bool) error {
	err := c.Gate.Change(ctx, who, access.Edit, gate.Thing{Kind: kind, ID: rid}, func(tx *gate.Tx) error {
		now, err := c.Paused(tx, rid)
		if err != nil {
			return err
		}
		tx.Entry().Action = map[bool]string{true: "tracker.pause", false: "tracker.resume"}[on]
		switch {
		case now == on:
			tx.Withdraw(tx.Entry())
			return nil
		case on:
			_, err = tx.Exec(`insert into tracker_paused (record_id, at, user_id) values (?, ?, ?) on conflict (record_id) do nothing`, int64(rid), tx.Now, int64(tx.Caller.User))
			return err
		}
		if _, err = tx.Exec(`delete from tracker_paused where record_id = ?`, int64(rid)); err != nil {
			return err
		}
		return c.arm(tx)
	})
	return err
}

func missing(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// changed is the entry of the log that says that what is outside is not what it was.
func changed(r *record.Record, t *seen.Tracker) *audit.Entry {
	return &audit.Entry{Action: "tracker.changed", Kind: r.Kind.Name, Object: r.ID, Org: r.Org, Version: r.Version, Detail: audit.Detail{Name: r.Name, Text: t.Title}}
}

func off() error {
	return fault.New(fault.Unavailable, "This server makes no connections to the outside, so nothing can be checked.").WithHint("Its operator can allow them with the setting outgoing.")
}
