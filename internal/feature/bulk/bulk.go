// Package bulk does one thing to many tickets: a macro, an owner, a team, tags, a state,
// an entry.
//
// Always true: what is meant are the tickets that were named when it was asked, whatever a
// list shows later; each is done by itself, all of it or nothing, by the rights and under
// the rules that whoever asked has then, and never twice, however often a process dies;
// what was refused is kept with the sentence of the refusal; taking it back sets plain
// fields to what they were, and leaves those that somebody changed since.
package bulk

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
)

// The actions of the audit entries.
const (
	Asked  = "bulk.asked"  // somebody had something done to many tickets
	Undone = "bulk.undone" // and had it taken back
)

// Via is by what a caller acts whose tickets are worked on: not as an import, since all
// that follows from work by hand follows from this too.
const Via = "desk"

// Most is how many tickets are worked on by one asking.
const Most = 1000

// keep is how long what was done can be looked at.
const keep = 90 * 24 * time.Hour

// same is how long what is asked again is the same asking: a second click.
const same = time.Minute

// The states of a ticket in a work.
const (
	Waiting = "waiting"
	Done    = "done"
	Refused = "refused"
	Back    = "back" // what was set is as it was
	Kept    = "kept" // it could not be taken back, or not all of it
)

// Feature is the tables of works.
func Feature() record.Feature {
	return record.Feature{Name: "bulk", Schema: []string{
		`create table if not exists bulk_work (id id primary key, user_id int not null, kind text not null, deed json not null, digest text not null, back text not null, total int not null, at int not null,
			job_id int not null default 0, undo_id int not null default 0)`,
		`create index if not exists bulk_work_user on bulk_work (user_id, id)`,
		`create index if not exists bulk_work_at on bulk_work (at)`,
		`create table if not exists bulk_item (work_id int not null, place int not null, record_id int not null, state text not null, why text not null default '', was json not null default '', primary key (work_id, place))`,
		`create index if not exists bulk_item_state on bulk_item (work_id, state, place)`,
		`create index if not exists bulk_item_record on bulk_item (record_id)`,
	}, Purge: func(tx *gate.Tx, r *record.Record) error {
		_, err := tx.Exec(`delete from bulk_item where record_id = ?`, int64(r.ID))
		return err
	}}
}

// Bulk does works. Fill the fields; it then is safe for concurrent use.
type Bulk struct {
	Gate    *gate.Gate
	Records *record.Engine
	Jobs    *job.Runner
}

// Work is something that is done to many tickets.
type Work struct {
	ID, User id.ID
	Kind     string
	Deed     Deed
	Back     string // the list from which it was asked
	Total    int64
	At       int64          // Unix milliseconds
	Job      *job.Status    // that does it; nil when that is forgotten
	Undo     *job.Status    // that takes it back; nil for none
	Counts   map[string]int // tickets by their state

	undone bool
}

// Over tells whether nothing goes on any more.
func (w *Work) Over() bool { return !going(w.Job) && !going(w.Undo) }

// MayGoOn tells whether tickets were left when it was stopped, and nothing was taken back.
func (w *Work) MayGoOn() bool { return w.Over() && !w.undone && w.Counts[Waiting] > 0 }

// MayUndo tells whether there is something to be taken back.
func (w *Work) MayUndo() bool { return w.Over() && w.Counts[Done] > 0 && w.Deed.settable() }

// Began tells whether it was begun to take it back.
func (w *Work) Began() bool { return w.undone }

func going(j *job.Status) bool {
	return j != nil && (j.State == job.Waiting || j.State == job.Running)
}

// Item is a ticket in a work.
type Item struct {
	Place  int64
	Record id.ID
	State  string
	Why    string // it was refused, or is not as before

	was string
}

// Start has a deed done to tickets of a kind, and gives the id of the work. What is asked
// again within a minute is the same work. Fault kinds: Invalid, Denied for whoever is no
// person or only looks.
func (b *Bulk) Start(tx *gate.Tx, kind string, ids []id.ID, d Deed, back string) (id.ID, error) {
	c := tx.Caller
	if c.User == 0 || c.Behind != nil || c.Scope.Looks {
		return 0, fault.New(fault.Denied, "This is done by who is signed in as herself.")
	}
	seen := map[id.ID]bool{}
	ids = slices.DeleteFunc(slices.Clone(ids), func(i id.ID) bool { was := seen[i]; seen[i] = true; return was })
	k := b.Records.Kinds.Kind(kind)
	switch {
	case k == nil:
		return 0, gate.Missing()
	case len(ids) == 0:
		return 0, fault.New(fault.Invalid, "Nothing is selected.").WithHint("Tick the rows that you mean, then press the button again.")
	case len(ids) > Most:
		return 0, fault.New(fault.Invalid, "This is more than %d tickets at once.", Most).WithHint("Narrow the list down first.")
	case d.Empty():
		return 0, fault.New(fault.Invalid, "Nothing was chosen yet.").WithHint("Choose a macro, an owner, a team, tags or a state, or write something.")
	}
	deed, err := json.Marshal(d)
	if err != nil {
		return 0, err
	}
	digest := fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, kind, ids, string(deed))))
	if old, err := tx.IDs(`select id from bulk_work where user_id = ? and digest = ? and at > ? order by id desc limit 1`, int64(c.User), digest, tx.Now-same.Milliseconds()); err != nil || len(old) > 0 {
		return append(old, 0)[0], err
	}
	wid, err := tx.NewID()
	if err != nil {
		return 0, err
	}
	jid, err := b.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: payload{Work: wid}})
	if err != nil {
		return 0, err
	}
	if _, err := tx.Exec(`insert into bulk_work (id, user_id, kind, deed, digest, back, total, at, job_id) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(wid), int64(c.User), kind, string(deed), digest, back, len(ids), tx.Now, int64(jid)); err != nil {
		return 0, err
	}
	for i, r := range ids {
		if _, err := tx.Exec(`insert into bulk_item (work_id, place, record_id, state) values (?, ?, ?, ?)`, int64(wid), i, int64(r), Waiting); err != nil {
			return 0, err
		}
	}
	e, err := tx.Allow(access.Edit, gate.Thing{Kind: kind})
	if err != nil {
		return 0, err
	}
	e.Action, e.Detail.Text = Asked, fmt.Sprintf("%d %s, work %s", len(ids), k.Labels, wid)
	return wid, nil
}

const columns = `select id, user_id, kind, deed, back, total, at, job_id, undo_id from bulk_work where `

// Get gives a work to who asked for it and to administrators; NotFound for others.
func Get(tx *gate.Tx, work id.ID) (*Work, error) {
	list, err := works(tx, columns+`id = ?`, int64(work))
	if err != nil {
		return nil, err
	}
	if len(list) == 0 || list[0].User != tx.Caller.User && !tx.Caller.Everything() {
		return nil, gate.Missing()
	}
	return list[0], nil
}

// List gives the caller's works, the newest first.
func List(tx *gate.Tx, limit int) ([]*Work, error) {
	if tx.Caller.User == 0 {
		return nil, nil
	}
	return works(tx, columns+`user_id = ? order by id desc limit ?`, int64(tx.Caller.User), limit)
}

func works(tx *gate.Tx, q string, args ...any) ([]*Work, error) {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Work
	jobs := map[*Work][2]id.ID{}
	for rows.Next() {
		w := &Work{Counts: map[string]int{}}
		var wid, user, jid, undo int64
		var deed string
		if err := rows.Scan(&wid, &user, &w.Kind, &deed, &w.Back, &w.Total, &w.At, &jid, &undo); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(deed), &w.Deed); err != nil {
			return nil, err
		}
		w.ID, w.User, w.undone, jobs[w] = id.ID(wid), id.ID(user), undo != 0, [2]id.ID{id.ID(jid), id.ID(undo)}
		out = append(out, w)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, w := range out {
		if err := w.stands(tx, jobs[w]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// stands reads how far a work is.
func (w *Work) stands(tx *gate.Tx, jobs [2]id.ID) error {
	for i, to := range []**job.Status{&w.Job, &w.Undo} {
		j, err := job.Get(tx, jobs[i])
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		*to = j
	}
	rows, err := tx.Query(`select state, count(*) from bulk_item where work_id = ? group by state`, int64(w.ID))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var state string
		var n int
		if err := rows.Scan(&state, &n); err != nil {
			return err
		}
		w.Counts[state] = n
	}
	return rows.Err()
}

// Items are the tickets of a work in one of some states, in their order. Whoever has read
// the work may read them.
func (w *Work) Items(tx *gate.Tx, limit int, states ...string) ([]Item, error) {
	args := []any{int64(w.ID)}
	for _, s := range states {
		args = append(args, s)
	}
	rows, err := tx.Query(`select place, record_id, state, why, was from bulk_item where work_id = ? and state in (`+access.Marks(len(states))+`) order by place limit ?`, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Item
	for rows.Next() {
		var it Item
		var r int64
		if err := rows.Scan(&it.Place, &r, &it.State, &it.Why, &it.was); err != nil {
			return nil, err
		}
		it.Record = id.ID(r)
		out = append(out, it)
	}
	return out, rows.Err()
}

// own gives a work to who asked for it: nobody else has it go on, or taken back, since that
// is done by her rights.
func own(tx *gate.Tx, work id.ID) (*Work, error) {
	w, err := Get(tx, work)
	if err == nil && w.User != tx.Caller.User {
		err = fault.New(fault.Denied, "This goes by the rights of who asked for it.").WithHint("Have her do it, or do it yourself from the list.")
	}
	if err == nil && tx.Caller.Behind != nil {
		err = fault.New(fault.Denied, "This is done by who is signed in as herself.")
	}
	return w, err
}

// GoOn has what was stopped go on where it was. Conflict when nothing is left.
func (b *Bulk) GoOn(tx *gate.Tx, work id.ID) error {
	w, err := own(tx, work)
	switch {
	case err != nil:
		return err
	case going(w.Job): // a second click
		return nil
	case !w.MayGoOn():
		return fault.New(fault.Conflict, "Nothing is left to be done.")
	}
	jid, err := b.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: payload{Work: w.ID}})
	if err != nil {
		return err
	}
	_, err = tx.Exec(`update bulk_work set job_id = ? where id = ?`, int64(jid), int64(w.ID))
	return err
}

// TakeBack has the plain fields set to what they were. Conflict when there are none, or
// while it goes on.
func (b *Bulk) TakeBack(tx *gate.Tx, work id.ID) error {
	w, err := own(tx, work)
	switch {
	case err != nil:
		return err
	case going(w.Undo): // a second click
		return nil
	case !w.Over():
		return fault.New(fault.Conflict, "It is not over yet.").WithHint("Stop it first, or wait.")
	case !w.MayUndo():
		return fault.New(fault.Conflict, "There is nothing to be taken back.")
	}
	jid, err := b.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: payload{Work: w.ID, Undo: true}})
	if err != nil {
		return err
	}
	e, err := tx.Allow(access.Edit, gate.Thing{Kind: w.Kind})
	if err != nil {
		return err
	}
	e.Action, e.Detail.Text = Undone, fmt.Sprintf("%d %s, work %s", w.Counts[Done], b.Records.Kinds.Kind(w.Kind).Labels, w.ID)
	_, err = tx.Exec(`update bulk_work set undo_id = ? where id = ?`, int64(jid), int64(w.ID))
	return err
}
