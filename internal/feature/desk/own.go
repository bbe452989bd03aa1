package desk

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/view"
)

// Queues is the kind of the saved views that are queues of tickets of all kinds.
const Queues = "desk"

// The words of a queue of somebody's own for what is decided when she looks.
const (
	Me, Mine, Nobody = "me", "mine", "nobody"
	Late, Today      = "late", "today"
)

// Orders are the orders of a queue, by their names; the first is the usual one.
func Orders() []string { return []string{"due", "priority", "oldest", "changed"} }

// Columns are what the lines of a queue may show beside number, state and subject.
func Columns() []string { return []string{"organization", "customer", "owner", "team", "changed"} }

// Asked is what a queue of somebody's own asks for, as it is kept: in the words of an
// address, like any view.
type Asked struct {
	Kind, Status, Priority string // Priority is the least pressing one
	Owner, Team            string // an id, or a word
	Org, Customer          string
	Text, Due, Sort        string
	Tag                    string
	Columns                []string
}

// Encode gives the words.
func (a Asked) Encode() string {
	q := url.Values{}
	for name, v := range map[string]string{"kind": a.Kind, "status": a.Status, "priority": a.Priority, "owner": a.Owner, "team": a.Team, "org": a.Org, "contact": a.Customer, "q": a.Text, "tag": a.Tag, "due": a.Due, "sort": a.Sort, "cols": strings.Join(a.Columns, ".")} {
		if v != "" {
			q.Set(name, v)
		}
	}
	return q.Encode()
}

// Read reads the words. Invalid, with the field, for what is no queue.
func Read(query string) (Asked, error) {
	q, err := url.ParseQuery(query)
	if err != nil {
		return Asked{}, fault.Wrap(err, fault.Invalid, "This queue cannot be read.").WithHint("Remove it and make it again.")
	}
	a := Asked{Kind: q.Get("kind"), Status: q.Get("status"), Priority: q.Get("priority"), Owner: q.Get("owner"), Team: q.Get("team"), Org: q.Get("org"), Customer: q.Get("contact"),
		Text: strings.TrimSpace(q.Get("q")), Tag: strings.Join(TagsOf(q.Get("tag")), ", "), Due: q.Get("due"), Sort: q.Get("sort")}
	if c := q.Get("cols"); c != "" {
		a.Columns = strings.Split(c, ".")
	}
	return a, a.check()
}

func (a Asked) check() error {
	an := func(said string, words ...string) bool {
		_, ok := id.Parse(said)
		return said == "" || ok || slices.Contains(words, said)
	}
	kinds := make([]string, 0, len(queued()))
	for _, k := range queued() {
		kinds = append(kinds, k.kind)
	}
	for _, x := range []struct {
		field string
		ok    bool
	}{
		{"kind", a.Kind == "" || slices.Contains(kinds, a.Kind)}, {"priority", a.Priority == "" || slices.Contains(Priorities(), a.Priority)},
		{"owner", an(a.Owner, Me, Nobody)}, {"team", an(a.Team, Mine, Nobody)}, {"org", an(a.Org)}, {"contact", an(a.Customer)},
		{"tag", len(TagsOf(a.Tag)) < 2}, {"due", slices.Contains([]string{"", Late, Today}, a.Due)}, {"sort", a.Sort == "" || slices.Contains(Orders(), a.Sort)},
		{"cols", !slices.ContainsFunc(a.Columns, func(c string) bool { return !slices.Contains(Columns(), c) })},
	} {
		if !x.ok {
			return fault.Field(x.field, "This is nothing that a queue can ask for.")
		}
	}
	return nil
}

// Queue is what it asks for now, of who looks: her own id and teams, and her day.
func (a Asked) Queue(now time.Time, user id.ID, teams []id.ID) Queue {
	q := Queue{Kind: a.Kind, Status: a.Status, Text: record.Fold(a.Text), Tag: a.Tag, Sort: a.Sort, Unowned: a.Owner == Nobody, Unteamed: a.Team == Nobody}
	if a.Priority != "" {
		q.Priority = a.Priority
	}
	switch a.Owner {
	case Me:
		q.Owner = user
	default:
		q.Owner, _ = id.Parse(a.Owner)
	}
	if a.Team == Mine {
		q.Teams, q.NoTeam = teams, len(teams) == 0
	} else if t, ok := id.Parse(a.Team); ok {
		q.Teams = []id.ID{t}
	}
	q.Org, _ = id.Parse(a.Org)
	q.Customer, _ = id.Parse(a.Customer)
	switch a.Due {
	case Late:
		q.Before = now.UnixMilli()
	case Today:
		y, m, d := now.Date()
		q.Before = time.Date(y, m, d+1, 0, 0, 0, 0, now.Location()).UnixMilli()
	}
	return q
}

// Own is a queue of somebody's own, of a team's, or everybody's.
type Own struct {
	view.View
	Asked Asked
}

// OwnOf lists the queues that the caller has beside those of everybody's desk. One that
// cannot be read any more is left out.
func OwnOf(tx *gate.Tx, teams []id.ID) ([]Own, error) {
	list, err := view.ListOf(tx, Queues, 0, teams)
	if err != nil {
		return nil, err
	}
	var out []Own
	for _, v := range list {
		if a, err := Read(v.Query); err == nil {
			out = append(out, Own{v, a})
		}
	}
	return out, nil
}
