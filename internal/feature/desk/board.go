package desk

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Board is the open tickets that somebody sees, in the order of queues: from it come the
// queues of all who see the same. It says what Queued and CountOpen say. It does not change;
// Next gives the one that follows it.
type Board struct {
	lines    []*Waiting
	at       int64 // the last entry of the log when it was read
	all      int64 // when all of it was read, in Unix milliseconds
	Overfull bool  // there are more open tickets than a board holds; it has none
}

// On a board that follows another one, what so many entries of the log are about is read, and
// everything when the last time is so long ago: what she sees can end by itself.
const (
	touched = 100
	anew    = 15 * time.Second
)

// Next gives the board of the caller, of up to so many tickets. old is a board of somebody who
// sees the same, or nil: what has not changed since is not read again.
func Next(tx *gate.Tx, e *record.Engine, old *Board, most int) (*Board, error) {
	at, err := tx.Seq()
	if err != nil {
		return nil, err
	}
	if old != nil && tx.Now-old.all < anew.Milliseconds() {
		if old.Overfull || old.at >= at {
			return old, nil
		}
		ids, known, err := tx.Touched(old.at, touched)
		if err != nil {
			return nil, err
		}
		if known && len(old.lines)+len(ids) <= most {
			return old.but(tx, e, at, ids)
		}
	}
	list, err := waiting(tx, e, Queue{}, most+1)
	b := &Board{lines: list, at: at, all: tx.Now}
	if len(list) > most {
		b.lines, b.Overfull = nil, true
	}
	return b, err
}

// Sight is what decides which open tickets the caller sees: those of whom it is the same see
// the same.
func Sight(tx *gate.Tx, e *record.Engine) string {
	var out strings.Builder
	for _, k := range queued() {
		if e.Kinds.Kind(k.kind) != nil {
			sees, args := tx.VisibleOf("r", k.kind)
			fmt.Fprint(&out, k.kind, " ", sees, " ", args, "\n")
		}
	}
	return out.String()
}

// but is the board with some tickets read again.
func (b *Board) but(tx *gate.Tx, e *record.Engine, at int64, ids []id.ID) (*Board, error) {
	out := &Board{lines: b.lines, at: at, all: b.all}
	if len(ids) == 0 {
		return out, nil
	}
	list, err := waiting(tx, e, Queue{only: ids}, len(ids))
	if err != nil {
		return nil, err
	}
	out.lines = slices.DeleteFunc(slices.Clone(b.lines), func(t *Waiting) bool { return slices.Contains(ids, t.ID) })
	for _, t := range list {
		i, _ := slices.BinarySearchFunc(out.lines, t, before)
		out.lines = slices.Insert(out.lines, i, t)
	}
	return out, nil
}

// waiting reads the first open tickets of a queue, in the order of boards.
func waiting(tx *gate.Tx, e *record.Engine, q Queue, limit int) (out []*Waiting, err error) {
	parts := open(tx, e.Kinds, q)
	if len(parts) == 0 {
		return nil, nil
	}
	from, args := all(parts, "")
	list, err := lines(tx, from, args, "", limit)
	for i := range list {
		out = append(out, &list[i])
	}
	return out, err
}

// before compares as the order of boards says.
func before(a, b *Waiting) int {
	due := func(t *Waiting) int64 {
		if t.Due == 0 {
			return math.MaxInt64
		}
		return t.Due
	}
	return cmp.Or(cmp.Compare(due(a), due(b)), cmp.Compare(cmp.Or(a.Priority, "3"), cmp.Or(b.Priority, "3")), cmp.Compare(b.Updated, a.Updated), cmp.Compare(a.ID, b.ID))
}

// Queued is the function of that name. What somebody sees of some organizations can end while
// nothing is written, so her lines are read again, by her own condition: then the board says only
// which they are.
func (b *Board) Queued(tx *gate.Tx, e *record.Engine, q Queue, limit int) (list []Waiting, more bool, err error) {
	by := orders()[q.Sort]
	var found []*Waiting
	for _, t := range b.lines {
		if by == nil && len(found) > limit {
			break
		}
		if q.holds(t) {
			found = append(found, t)
		}
	}
	if by != nil {
		slices.SortStableFunc(found, by)
	}
	if more = len(found) > limit; more {
		found = found[:limit]
	}
	if narrow, _ := access.Reach(tx.Caller, ""); narrow != "" && len(found) > 0 {
		ids := make([]id.ID, len(found))
		for i, t := range found {
			ids[i] = t.ID
		}
		if found, err = waiting(tx, e, Queue{only: ids}, len(ids)); err != nil {
			return nil, false, err
		}
		slices.SortFunc(found, func(a, b *Waiting) int { return cmp.Compare(slices.Index(ids, a.ID), slices.Index(ids, b.ID)) })
	}
	for _, t := range found {
		list = append(list, *t)
	}
	return list, more, Name(tx, e, list)
}

// Count is the function of that name.
func (b *Board) Count(q Queue) (n int64) {
	for _, t := range b.lines {
		if q.holds(t) {
			n++
		}
	}
	return n
}

// orders are the orders of queues other than that of the board, as order says them.
func orders() map[string]func(a, b *Waiting) int {
	priority := func(t *Waiting) string { return cmp.Or(t.Priority, "3") }
	changed := func(a, b *Waiting) int { return cmp.Or(cmp.Compare(b.Updated, a.Updated), cmp.Compare(a.ID, b.ID)) }
	return map[string]func(a, b *Waiting) int{
		"priority": func(a, b *Waiting) int { return cmp.Compare(priority(a), priority(b)) }, // the rest is the board's own order
		"oldest":   func(a, b *Waiting) int { return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.ID, b.ID)) },
		"changed":  changed,
	}
}

// holds tells whether a ticket is in the queue.
func (q Queue) holds(t *Waiting) bool {
	switch {
	case q.Owner != 0 && t.Owner != q.Owner, q.Unowned && t.Owner != 0, q.NoTeam, len(q.Teams) > 0 && !slices.Contains(q.Teams, t.Team),
		q.Before != 0 && (t.Due == 0 || t.Due >= q.Before), q.Org != 0 && t.Org != q.Org,
		q.Kind != "" && t.Kind != q.Kind, q.Status != "" && t.Status != q.Status, q.Priority != "" && (t.Priority == "" || t.Priority > q.Priority), q.Unteamed && t.Team != 0,
		q.Customer != 0 && t.customer != q.Customer, q.Text != "" && !strings.Contains(record.Fold(t.Name), q.Text),
		q.Tag != "" && !slices.Contains(TagsOf(t.Tags), q.Tag):
		return false
	}
	return true
}

// Counts is CountOpen of a user.
func (b *Board) Counts(user id.ID, teams []id.ID, before int64) (c Counts) {
	for _, t := range b.lines {
		c.All++
		if user != 0 && t.Owner == user {
			c.Mine++
		}
		if slices.Contains(teams, t.Team) {
			c.Team++
		}
		if t.Owner == 0 {
			c.Unowned++
		}
		if t.Due > 0 && t.Due < before {
			c.Due++
		}
	}
	return c
}
