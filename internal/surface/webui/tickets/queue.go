package tickets

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/desk"
	"strongroom/internal/surface/webui/shell"
)

// inQueue is how many tickets a queue shows.
const inQueue = 60

// The queues that everybody has.
const (
	mine    = "mine"
	team    = "team"
	unowned = "unassigned"
	late    = "due"
	all     = "all"
)

// queuePane is the queue beside a ticket.
type queuePane struct {
	Name   string // in addresses
	Title  string
	Count  int
	Queues []ui.NavItem
	Own    []ui.NavItem // the caller's, her teams', and everybody's
	New    string       // where another one is made
	Change string       // where this one is changed; empty for those that everybody has
	Remove *ui.Action
	shows  []string // columns; empty for the usual ones
	Lines  []queueLine
	More   bool
	Empty  string
}

// queueLine is a ticket in a queue.
type queueLine struct {
	Href, Number, Title string
	Org                 string // and what else the queue shows
	Current, Changed    bool   // Changed: it says when
	Status              ui.Status
	Priority            *ui.Status
	Time                time.Time
	Due                 *dueMark
}

// queue reads the queue that the address names, or one that has something in it.
func (v *visit) queue(tx *gate.Tx, current id.ID) (*queuePane, error) {
	teams, err := desk.TeamsOf(tx, v.Records, v.Caller.User)
	if err != nil {
		return nil, err
	}
	soon := tx.Now + dueSoon.Milliseconds()
	b, err := v.boardOf(tx)
	if err != nil {
		return nil, err
	}
	n, err := v.counts(tx, b, teams, soon)
	if err != nil {
		return nil, err
	}
	name := v.R.URL.Query().Get("queue")
	if name == "" {
		name = all
		if n.Mine > 0 {
			name = mine
		}
	}
	d := &queuePane{Name: name, New: "/desk/queues/new"}
	q := desk.Queue{}
	for _, x := range []struct {
		name, label, icon string
		count             int64
		q                 desk.Queue
	}{
		{mine, "My open tickets", "user", n.Mine, desk.Queue{Owner: v.Caller.User}},
		{team, "My teams' tickets", "users", n.Team, desk.Queue{Teams: teams, NoTeam: len(teams) == 0}},
		{unowned, "Nobody's tickets", "user-question", n.Unowned, desk.Queue{Unowned: true}},
		{late, "Due within the hour", "alarm", n.Due, desk.Queue{Before: soon}},
		{all, "All open tickets", "inbox", n.All, desk.Queue{}},
	} {
		it := ui.NavItem{Label: x.label, Href: "/desk?queue=" + x.name, Icon: x.icon, Count: int(x.count)}
		if x.name == name {
			it.Current, d.Title, d.Count, q = true, x.label, int(x.count), x.q
		}
		d.Queues = append(d.Queues, it)
	}
	own, err := desk.OwnOf(tx, teams)
	if err != nil {
		return nil, err
	}
	for _, o := range own {
		asks := o.Asked.Queue(v.Now(), v.Caller.User, teams)
		count, err := v.count(tx, b, asks)
		if err != nil {
			return nil, err
		}
		it := ui.NavItem{Label: o.Name, Href: "/desk?queue=" + o.ID.String(), Icon: ownIcon(o), Count: int(count)}
		if o.ID.String() == name {
			it.Current, d.Title, d.Count, q, d.shows = true, o.Name, int(count), asks, o.Asked.Columns
			d.Remove = &ui.Action{Label: "Remove this queue", Icon: "trash", Href: "/desk/queues", Post: true, Quiet: true, Fields: []ui.Hidden{{Name: "remove", Value: o.ID.String()}}}
			d.Change = d.New + "?" + url.Values{"from": {o.ID.String()}}.Encode()
		}
		d.Own = append(d.Own, it)
	}
	if tag, ok := strings.CutPrefix(name, tagged); ok {
		if q.Tag = strings.Join(desk.TagsOf(tag), ", "); q.Tag == "" {
			return nil, gate.Missing()
		}
		count, err := v.count(tx, b, q)
		if err != nil {
			return nil, err
		}
		d.Title, d.Count = "Tagged "+q.Tag, int(count)
		d.Own = append(d.Own, ui.NavItem{Label: d.Title, Href: "/desk?" + url.Values{"queue": {name}}.Encode(), Icon: "tag", Count: int(count), Current: true})
	}
	if d.Title == "" {
		return nil, gate.Missing()
	}
	list, more, err := v.lines(tx, b, q)
	if err != nil {
		return nil, err
	}
	for _, t := range list {
		d.Lines = append(d.Lines, v.queueLine(t, d, t.ID == current))
	}
	d.More = more
	if len(list) == 0 {
		d.Empty = "Nothing is open here."
	}
	return d, nil
}

// onBoard is up to how many open tickets are kept in memory for those who see the same.
const onBoard = 50000

// boardOf is what the caller sees of all open tickets, where that is at hand; else nil. It is
// shared by those whose condition of sight is the same, word for word; who sees some
// organizations alone shares it with herself.
func (v *visit) boardOf(tx *gate.Tx) (*desk.Board, error) {
	c := tx.Caller
	if v.p.Live == nil || c.User == 0 || c.Behind != nil || c.Scope.Looks {
		return nil, nil
	}
	sight := fmt.Sprint(c.Epoch, " ", desk.Sight(tx, v.Records))
	if narrow, _ := access.Reach(c, ""); narrow != "" { // then it says what time it is
		sight = fmt.Sprint(c.Epoch, " ", c.User, " ", c.Role, " ", c.Scope)
	}
	made, err := v.p.Live.Keep(c.Tenant, sight, func(old any) (any, error) {
		b, _ := old.(*desk.Board)
		return desk.Next(tx, v.Records, b, onBoard)
	})
	if err != nil {
		return nil, err
	}
	if b := made.(*desk.Board); !b.Overfull {
		return b, nil
	}
	return nil, nil
}

func (v *visit) counts(tx *gate.Tx, b *desk.Board, teams []id.ID, soon int64) (desk.Counts, error) {
	if b != nil {
		return b.Counts(v.Caller.User, teams, soon), nil
	}
	return desk.CountOpen(tx, v.Records, teams, soon)
}

func (v *visit) count(tx *gate.Tx, b *desk.Board, q desk.Queue) (int64, error) {
	if b != nil {
		return b.Count(q), nil
	}
	return desk.Count(tx, v.Records, q)
}

func (v *visit) lines(tx *gate.Tx, b *desk.Board, q desk.Queue) ([]desk.Waiting, bool, error) {
	if b != nil {
		return b.Queued(tx, v.Records, q, inQueue)
	}
	return desk.Queued(tx, v.Records, q, inQueue)
}

func (v *visit) queueLine(t desk.Waiting, d *queuePane, current bool) queueLine {
	k := v.Kind(t.Kind)
	l := queueLine{Href: shell.RecordURL(k, t.ID) + "?" + url.Values{"queue": {d.Name}}.Encode(), Title: t.Name, Org: t.OrgName, Current: current,
		Number: k.Field("number").Numbered(t.Number), Status: v.status(k, t.Status), Time: shell.When(t.Updated)}
	l.Priority, l.Due = priority(t.Priority), v.dueMark(t.Due)
	if len(d.shows) == 0 {
		return l
	}
	l.Org = ""
	var said []string
	for _, c := range d.shows {
		if x := map[string]string{"organization": t.OrgName, "customer": t.Customer, "owner": t.OwnerName, "team": t.Lies}[c]; x != "" {
			said = append(said, x)
		}
		l.Changed = l.Changed || c == "changed"
	}
	l.Org = strings.Join(said, " · ")
	return l
}

// status is the state of a ticket with its colour.
func (v *visit) status(k *record.Kind, state string) ui.Status {
	c := v.Cell(&record.Record{Kind: k, Values: record.Values{"status": state}}, k.Field("status"))
	return ui.Status{Text: c.Text, Tone: c.Tone}
}

// priority is a priority in a word; nil for none.
func priority(p string) *ui.Status {
	switch p {
	case "1":
		return &ui.Status{Text: "P1 critical", Tone: "critical"}
	case "2":
		return &ui.Status{Text: "P2 high", Tone: "high"}
	case "3":
		return &ui.Status{Text: "P3 normal", Tone: "normal"}
	case "4", "5":
		return &ui.Status{Text: "P" + p + " low", Tone: "low"}
	}
	return nil
}

// deskPage is the desk without a ticket.
type deskPage struct {
	Queue *queuePane
	Live  watched
	New   []ui.Action
}

func (v *visit) desk() error {
	var d deskPage
	err := v.View(func(tx *gate.Tx) (err error) {
		if d.Queue, err = v.queue(tx, 0); err == nil {
			d.Live, err = v.listening(tx, d.Queue.Name, 0)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range []string{incidents, "service_request"} {
		if k := v.Kind(name); k != nil && v.May("create", k) {
			d.New = append(d.New, ui.Action{Label: "New " + shell.Lower(k.Label), Icon: k.Icon, Href: shell.NewURL(k, 0), Primary: name == incidents})
		}
	}
	p, err := v.Page("Desk", ui.Crumb{Label: "Desk"})
	if err != nil {
		return err
	}
	p.Keys, p.Data = keys(), d
	return v.Render("desk", p)
}

// keys are those of the desk, for the help.
func keys() []ui.Shortcuts {
	return []ui.Shortcuts{{Title: "The desk", Keys: []ui.Key{{Keys: "j", Does: "Next in the queue"}, {Keys: "k", Does: "The one before"}, {Keys: "r", Does: "Reply"}, {Keys: "n", Does: "Internal note"},
		{Keys: "t", Does: "Take the ticket"}, {Keys: "e", Does: "Edit"}, {Keys: "m", Does: "Merge it into another"}, {Keys: "w", Does: "Start or stop the timer"}, {Keys: "1", Does: "Apply a macro that has that key, up to 9"}, {Keys: "Ctrl Enter", Does: "Send"}}}}
}
