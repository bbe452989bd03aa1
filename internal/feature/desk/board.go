package desk

import (
	"cmp"
	"slices"
	"strings"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Board is all open tickets that somebody sees, in the order of queues: from it come the
// queues of all who see the same. It says what Queued and CountOpen say.
type Board struct{ lines []Waiting }

// Everything gives the board of the caller; nil when it would hold more than so many.
func Everything(tx *gate.Tx, e *record.Engine, most int) (*Board, error) {
	parts := open(tx, e.Kinds, Queue{})
	if len(parts) == 0 {
		return &Board{}, nil
	}
	from, args := all(parts, "")
	list, err := lines(tx, from, args, "", most+1)
	if err != nil || len(list) > most {
		return nil, err
	}
	return &Board{list}, nil
}

// Queued is the function of that name; Name fills the names.
func (b *Board) Queued(q Queue, limit int) (list []Waiting, more bool) {
	for _, t := range b.lines {
		if q.holds(t) {
			list = append(list, t)
		}
	}
	if by := orders()[q.Sort]; by != nil {
		slices.SortStableFunc(list, by)
	}
	if more = len(list) > limit; more {
		list = list[:limit]
	}
	return slices.Clip(list), more
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
func orders() map[string]func(a, b Waiting) int {
	priority := func(t Waiting) string { return cmp.Or(t.Priority, "3") }
	changed := func(a, b Waiting) int { return cmp.Or(cmp.Compare(b.Updated, a.Updated), cmp.Compare(a.ID, b.ID)) }
	return map[string]func(a, b Waiting) int{
		"priority": func(a, b Waiting) int { return cmp.Compare(priority(a), priority(b)) }, // the rest is the board's own order
		"oldest":   func(a, b Waiting) int { return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.ID, b.ID)) },
		"changed":  changed,
	}
}

// holds tells whether a ticket is in the queue.
func (q Queue) holds(t Waiting) bool {
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
