package maps

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/relation/graph"
	"strongroom/internal/surface/webui/shell"
)

// block is the part of the page that a choice swaps.
const block = "map"

// state is what the address says: /map/7?hops=2&hide=password&with=organization,
// /map/7?follow=breaks, /map/7?to=9. What makes no sense is left out.
type state struct {
	from   id.ID
	hops   int // 0 is all
	follow graph.Follow
	hide   []string
	with   []string
	to     id.ID
}

func (v *visit) state(from id.ID) *state {
	q := v.R.URL.Query()
	s := &state{from: from, hops: 1}
	switch q.Get("hops") {
	case "2":
		s.hops = 2
	case "all":
		s.hops = 0
	}
	if f := graph.Follow(q.Get("follow")); f == graph.Breaks || f == graph.Needs {
		s.follow = f
		if q.Get("hops") == "" {
			s.hops = 0 // a failure goes on until it ends
		}
	}
	for _, k := range v.Records.Kinds.Kinds() {
		if slices.Contains(q["hide"], k.Name) {
			s.hide = append(s.hide, k.Name)
		}
		if slices.Contains(q["with"], k.Name) && !k.Admin {
			s.with = append(s.with, k.Name)
		}
	}
	s.to, _ = id.Parse(q.Get("to"))
	return s
}

func (s *state) query() graph.Query {
	return graph.Query{From: s.from, Hops: s.hops, Without: s.hide, Also: s.with, Follow: s.follow}
}

func (s *state) values() url.Values {
	v := url.Values{"hide": s.hide, "with": s.with}
	word := map[int]string{0: "all", 1: "1", 2: "2"}[s.hops]
	if usual := map[bool]int{true: 1, false: 0}[s.follow == graph.Any]; s.hops != usual {
		v.Set("hops", word)
	}
	if s.follow != graph.Any {
		v.Set("follow", string(s.follow))
	}
	if s.to != 0 {
		v.Set("to", s.to.String())
	}
	return v
}

func (s *state) url() string {
	u := "/map/" + s.from.String()
	if q := s.values().Encode(); q != "" {
		u += "?" + q
	}
	return u
}

// but gives the address of the page with one thing changed.
func (s *state) but(change func(*state)) string {
	other := *s
	other.hide, other.with = slices.Clone(s.hide), slices.Clone(s.with)
	change(&other)
	return other.url()
}

// at is the map of another record, seen the same way.
func (s *state) at(rec id.ID) string {
	return s.but(func(s *state) { s.from, s.to = rec, 0 })
}

func (s *state) distances() []ui.NavItem {
	if s.to != 0 {
		return nil
	}
	var out []ui.NavItem
	for _, x := range []struct {
		label string
		hops  int
	}{{"1 hop", 1}, {"2 hops", 2}, {"All", 0}} {
		out = append(out, ui.NavItem{Label: x.label, Href: s.but(func(s *state) { s.hops = x.hops }), Current: s.hops == x.hops, Swap: block})
	}
	return out
}

func (s *state) follows(string) []ui.NavItem {
	var out []ui.NavItem
	for _, x := range []struct {
		label  string
		follow graph.Follow
		hops   int
	}{{"Everything", graph.Any, 1}, {"What breaks if it fails", graph.Breaks, 0}, {"What it needs", graph.Needs, 0}} {
		out = append(out, ui.NavItem{Label: x.label, Current: s.follow == x.follow, Swap: block, Href: s.but(func(s *state) { s.follow, s.hops = x.follow, x.hops })})
	}
	return out
}

// chips are the kinds on the map and those taken off it, and the hubs that can be
// followed.
func (s *state) chips(g *record.Registry, m *graph.Map) (kinds, hubs []chip) {
	count := map[string]int{}
	for _, n := range m.Nodes[min(1, len(m.Nodes)):] {
		count[n.Kind]++
	}
	toggled := func(list []string, name string) []string {
		if i := slices.Index(list, name); i >= 0 {
			return slices.Delete(list, i, i+1)
		}
		return append(list, name)
	}
	for _, k := range g.Kinds() {
		off := slices.Contains(s.hide, k.Name)
		if count[k.Name] > 0 || off {
			kinds = append(kinds, chip{Label: k.Labels, Icon: k.Icon, On: !off, Count: count[k.Name], Href: s.but(func(s *state) { s.hide = toggled(s.hide, k.Name) })})
		}
		if k.Scope != record.OfOrganization && !k.Admin {
			hubs = append(hubs, chip{Label: k.Labels, Icon: k.Icon, On: slices.Contains(s.with, k.Name), Href: s.but(func(s *state) { s.with = toggled(s.with, k.Name) })})
		}
	}
	return kinds, hubs
}

// title says what the picture shows, and what it leaves out.
func (s *state) title(name string, m *graph.Map) (title, notice string) {
	n := max(len(m.Nodes)-1, 0)
	records := strconv.Itoa(n) + " records"
	if n == 1 {
		records = "1 record"
	}
	switch {
	case s.to != 0 && n == 0:
		title = "No way found"
	case s.to != 0:
		title = fmt.Sprintf("The shortest way from %s to %s", name, m.Nodes[n].Name)
	case s.follow == graph.Breaks:
		title = fmt.Sprintf("%s depend on %s", records, name)
		if n == 1 {
			title = fmt.Sprintf("1 record depends on %s", name)
		}
	case s.follow == graph.Needs:
		title = fmt.Sprintf("%s depends on %s", name, records)
	default:
		title = fmt.Sprintf("%s around %s", records, name)
	}
	switch {
	case m.Cut && s.to != 0:
		notice = "The search ended among the first few thousand records; a longer way may exist."
	case m.Cut:
		notice = fmt.Sprintf("There is more: only %d records are shown, the nearest first. Leave out kinds, or go fewer hops.", len(m.Nodes))
	}
	return title, notice
}

// nothing is what stands where there is nothing to draw.
func (s *state) nothing(name string) *ui.Empty {
	e := &ui.Empty{Icon: "topology-star", Title: "Nothing is related to " + name + " yet", Text: "Relate it to what somebody should find from here, or refer to it: the device, its guide, its place.",
		Actions: []ui.Action{{Label: "Relate something", Icon: "link", Href: "/related/" + s.from.String()}}}
	switch {
	case s.to != 0:
		e.Title, e.Text = "Nothing connects these two", "No chain of relations, references and tags that you may see leads from one to the other."
		e.Actions = []ui.Action{{Label: "Back to the map", Href: s.but(func(s *state) { s.to = 0 })}}
	case s.follow == graph.Breaks:
		e.Title = "Nothing depends on " + name
		e.Text = "As far as is written down. Say so on a relation (used by), or on the field of an asset type that refers to it."
	case s.follow == graph.Needs:
		e.Title = name + " depends on nothing"
		e.Text = "As far as is written down. Say so on a relation (depends on), or on the field of an asset type."
	case len(s.hide) > 0:
		e.Title, e.Text, e.Actions = "Nothing is left to show", "Every kind that is related is left out.", []ui.Action{{Label: "Show all kinds", Href: s.but(func(s *state) { s.hide = nil })}}
	}
	return e
}

// finder is the form that asks for the way to another record.
func (v *visit) finder(tx *gate.Tx, s *state) (finder, error) {
	f := finder{Action: "/map/" + s.from.String(), Field: ui.Field{Name: "to", Label: "Way to", Type: "ref", Source: "/refs/any"}}
	values := s.values()
	values.Del("to")
	for _, name := range []string{"hide", "with", "hops", "follow"} {
		for _, value := range values[name] {
			f.Hidden = append(f.Hidden, ui.Hidden{Name: name, Value: value})
		}
	}
	if s.to == 0 {
		return f, nil
	}
	f.Clear = s.but(func(s *state) { s.to = 0 })
	links, err := v.Records.Links(tx, s.to)
	if l, ok := links[s.to]; ok {
		o := ui.Option{Value: s.to.String(), Label: l.Name}
		if k := v.Kind(l.Kind); k != nil {
			o.Icon = shell.IconOf(&record.Record{Kind: k})
		}
		f.Field.Chosen = []ui.Option{o}
	}
	return f, err
}
