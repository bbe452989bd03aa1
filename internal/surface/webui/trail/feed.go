package trail

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/surface/webui/shell"
)

// deeds are what the feed tells of, by what one chooses.
var deeds = []struct {
	name, label string
	actions     []string
}{
	{"made", "Created", []string{string(access.Create)}},
	{"changed", "Changed", []string{string(access.Edit), string(access.Restrict)}},
	{"said", "Commented", []string{string(access.Comment)}},
	{"revealed", "Revealed", []string{secret.Granted}},
	{"kept", "Archived or brought back", []string{string(access.Archive), "restore", "undelete"}},
}

// feedWords are what follows the name of somebody who did something to a record
// whose name comes next.
var feedWords = map[string]string{
	string(access.Create): "created", string(access.Edit): "changed", string(access.Restrict): "changed who may see", string(access.Comment): "commented on",
	secret.Granted: "revealed", string(access.Archive): "archived or brought back", "restore": "brought back", "undelete": "brought back from the trash",
}

const (
	feedPage  = 60
	sameHour  = int64(time.Hour / time.Millisecond) // the same done to the same record within it is told once
	mostNamed = 3                                   // records of a group that are named
)

// feedView is the page of what was done.
type feedView struct {
	Head    ui.Head
	Filter  []ui.Field
	Days    []feedDay
	Next    string
	Newest  string // back to the newest; empty when they are shown
	Empty   ui.Empty
	Limited bool // the log was not looked through to its end
}

// feedDay is what was done on one day.
type feedDay struct {
	Title string
	Lines []feedLine
}

// feedLine is one deed, or several of the same sort.
type feedLine struct {
	Who    string
	Icon   string // of what did it, instead of a person
	What   string
	On     []ui.NavItem
	More   int    // records that are not named
	Where  string // the organization
	Detail string
	Time   time.Time
	Times  int

	actor  id.ID
	action string
	kind   string
	org    id.ID
	ms     int64
}

func (v *visit) feed() error {
	q := v.R.URL.Query()
	ask := feedQuery(q.Get)
	d := feedView{Head: ui.Head{Title: "Activity", Icon: "activity", Sub: []ui.Cell{{Text: "What people did to what you may see"}}}}
	at := ui.Query{Path: "/activity", Values: q}
	err := v.View(func(tx *gate.Tx) error {
		list, next, err := tx.Feed(ask)
		if err != nil {
			return err
		}
		names, err := v.namesIn(tx, list)
		if err != nil {
			return err
		}
		d.Days = v.days(v.lines(list, names))
		if next != 0 {
			d.Next = at.With("before", strconv.FormatInt(next, 10))
			d.Limited = len(list) < feedPage
		}
		if ask.Before != 0 {
			d.Newest = at.With()
		}
		if web.IsSwap(v.R) {
			return nil
		}
		d.Filter, err = v.feedFields(tx, q.Get)
		return err
	})
	if err != nil {
		return err
	}
	d.Empty = ui.Empty{Icon: "activity", Title: "Nothing was done here yet", Text: "When somebody creates, changes or comments on something that you may see, it stands here."}
	if d.Next != "" {
		d.Empty = ui.Empty{Icon: "activity", Title: "Nothing among the latest entries", Text: "There are earlier ones.", Actions: []ui.Action{{Label: "Look further back", Href: d.Next}}}
	}
	p, err := v.Page("Activity", ui.Crumb{Label: "Activity"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("feed", p)
}

// feedQuery reads the filter of an address. What cannot be read is left out.
func feedQuery(get func(string) string) gate.FeedQuery {
	q := gate.FeedQuery{Kind: get("kind"), Limit: feedPage}
	q.Actor, _ = id.Parse(get("who"))
	q.Org, _ = id.Parse(get("organization"))
	q.Before, _ = strconv.ParseInt(get("before"), 10, 64)
	for _, d := range deeds {
		if get("what") == "" || get("what") == d.name {
			q.Actions = append(q.Actions, d.actions...)
		}
	}
	if len(q.Actions) == 0 {
		for _, d := range deeds {
			q.Actions = append(q.Actions, d.actions...)
		}
	}
	return q
}

// lines tells entries, the newest first: the same done by the same person to the
// same record within an hour, and to many records in one go, is one line.
func (v *visit) lines(list []*audit.Entry, names map[id.ID]string) []*feedLine {
	var out []*feedLine
	for _, e := range list {
		name := names[e.Object]
		if name == "" {
			continue // gone meanwhile
		}
		if n := len(out); n > 0 && out[n-1].takes(e, v.link(e, name)) {
			continue
		}
		out = append(out, v.feedLine(e, names))
	}
	return out
}

// takes adds an entry to a line that tells of the same sort.
func (l *feedLine) takes(e *audit.Entry, on ui.NavItem) bool {
	if e.Actor != l.actor || e.Action != l.action || e.Kind != l.kind || l.ms-e.Time > sameHour || l.Detail != "" || e.Detail.Reason != "" || special(e) {
		return false
	}
	if slices.ContainsFunc(l.On, func(o ui.NavItem) bool { return o.Href == on.Href }) {
		l.Times++
		return true
	}
	if e.Org != l.org {
		return false
	}
	if len(l.On) < mostNamed {
		l.On = append(l.On, on)
	} else {
		l.More++
	}
	return true
}

// special tells whether an entry says more than its action does.
func special(e *audit.Entry) bool { return e.Action == string(access.Edit) && e.Detail.Text != "" }

func (v *visit) link(e *audit.Entry, name string) ui.NavItem {
	n := ui.NavItem{Label: name, Href: "/" + e.Object.String()}
	if k := v.Kind(e.Kind); k != nil {
		n.Href, n.Icon = shell.RecordURL(k, e.Object), k.Icon
	}
	return n
}

func (v *visit) feedLine(e *audit.Entry, names map[id.ID]string) *feedLine {
	l := &feedLine{Who: actor(e), What: feedWords[e.Action], On: []ui.NavItem{v.link(e, names[e.Object])}, Detail: e.Detail.Reason, Time: shell.When(e.Time), Times: 1,
		actor: e.Actor, action: e.Action, kind: e.Kind, org: e.Org, ms: e.Time}
	if special(e) {
		l.What = named(e, names) + " on"
		if strings.HasSuffix(named(e, names), " it") || strings.Contains(named(e, names), " it:") {
			l.What = named(e, names) + ":"
		}
	}
	switch e.Via {
	case "api key":
		l.Icon = "api"
	case "job", "console":
		l.Icon = "settings"
	}
	if e.Org != 0 && e.Org != e.Object {
		l.Where = names[e.Org]
	}
	return l
}

// days puts lines under the days on which they were done.
func (v *visit) days(lines []*feedLine) []feedDay {
	var out []feedDay
	for _, l := range lines {
		title := v.dayTitle(l.Time)
		if n := len(out); n == 0 || out[n-1].Title != title {
			out = append(out, feedDay{Title: title})
		}
		last := &out[len(out)-1]
		last.Lines = append(last.Lines, *l)
	}
	return out
}

func (v *visit) dayTitle(t time.Time) string {
	switch days := int(v.Today().Sub(t.Truncate(24*time.Hour)).Hours() / 24); days {
	case 0:
		return "Today"
	case 1:
		return "Yesterday"
	}
	return t.Format("Monday, 2 January 2006")
}

// feedFields are the selects of the filter.
func (v *visit) feedFields(tx *gate.Tx, get func(string) string) ([]ui.Field, error) {
	who, _ := id.Parse(get("who"))
	people, err := v.Choices(tx, "user", map[id.ID]bool{who: true})
	if err != nil {
		return nil, err
	}
	org, _ := id.Parse(get("organization"))
	orgs, err := v.Choices(tx, "organization", map[id.ID]bool{org: true})
	if err != nil {
		return nil, err
	}
	kinds := []ui.Option{{Label: "Everything"}}
	for _, k := range v.Records.Kinds.Kinds() {
		if !k.Admin && !k.Fixed && k.Scope != record.OfParent {
			kinds = append(kinds, ui.Option{Value: k.Name, Label: k.Labels, Selected: get("kind") == k.Name})
		}
	}
	what := []ui.Option{{Label: "Whatever was done"}}
	for _, d := range deeds {
		what = append(what, ui.Option{Value: d.name, Label: d.label, Selected: get("what") == d.name})
	}
	return []ui.Field{
		{Name: "who", Label: "Who", Options: append([]ui.Option{{Label: "Everybody"}}, people...)},
		{Name: "what", Label: "What", Options: what}, {Name: "kind", Label: "To what", Options: kinds},
		{Name: "organization", Label: "Organization", Options: append([]ui.Option{{Label: "Every organization"}}, orgs...)},
	}, nil
}

// lately are the last lines of an organization's feed, for its page.
func (v *visit) lately(tx *gate.Tx, org id.ID, most int) (*ui.Section, error) {
	q := feedQuery(func(string) string { return "" })
	q.Org, q.Limit = org, most*4
	list, _, err := tx.Feed(q)
	if err != nil {
		return nil, err
	}
	names, err := v.namesIn(tx, list)
	if err != nil {
		return nil, err
	}
	s := &ui.Section{Title: "Activity"}
	for _, l := range v.lines(list, names) {
		if len(s.Feed) == most {
			break
		}
		ev := ui.Event{Who: l.Who, What: l.What, Object: l.On[0].Label, Href: l.On[0].Href, Icon: l.Icon, Time: l.Time}
		if n := len(l.On) + l.More - 1; n > 0 {
			ev.Object += " and " + strconv.Itoa(n) + " more"
		}
		s.Feed = append(s.Feed, ev)
	}
	if s.More = (&ui.NavItem{Label: "All", Href: "/activity?organization=" + org.String()}); len(s.Feed) == 0 {
		s.Empty, s.More = "Nothing yet.", nil
	}
	return s, nil
}
