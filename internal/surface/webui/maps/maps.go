// Package maps holds the map of a record: what it is related to, what breaks if it
// fails, how it is connected with another.
//
// Always true: what is drawn stands in a list too, in the same order and with the
// same links; the picture of the same records is the same each time.
package maps

import (
	"cmp"
	"embed"
	"io/fs"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/relation"
	"strongroom/internal/feature/relation/graph"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Relations *relation.Relations }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages.
func (p *Pages) Mount(s *shell.Shell) {
	s.Get("/map/{id}", func(v *shell.Visit) error { return (&visit{v, p}).page() })
}

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	*Pages
}

// view is what the page shows.
type view struct {
	Head    ui.Head
	Hops    []ui.NavItem // how far; empty for a path
	Follow  []ui.NavItem
	Kinds   []chip
	More    []chip // hubs to follow
	Find    finder
	Notice  string
	Title   string
	Picture *picture
	Lines   []line
	Empty   *ui.Empty
	Legend  bool
}

// chip is a kind that can be shown or left out.
type chip struct {
	Label, Icon, Href string
	On                bool
	Count             int
}

// finder is the form that asks for a path.
type finder struct {
	Action string
	Hidden []ui.Hidden
	Field  ui.Field
	Clear  string // takes the path off
}

// line is a record of the list.
type line struct {
	Name, Href, Icon string
	Kind, Org        string
	How              string // what it is to the one by way of which it was found
	Note             string // what somebody wrote of that
	Hops             int
	Map              string // its own map; empty for the first record
	Archived         bool
}

func (v *visit) page() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	st := v.state(rid)
	x := &graph.Explorer{Relations: v.Relations}
	var rec *record.Record
	d := &view{}
	err = v.View(func(tx *gate.Tx) error {
		if rec, err = v.Records.Get(tx, "", rid); err != nil {
			return err
		}
		var m *graph.Map
		if st.to != 0 {
			m, err = x.Path(tx, st.query(), st.to)
		} else {
			m, err = x.Map(tx, st.query())
		}
		if err != nil {
			return err
		}
		return v.fill(tx, d, st, rec, m)
	})
	if err != nil {
		return err
	}
	d.Head = ui.Head{Title: "Map", Icon: "topology-star", Sub: []ui.Cell{{Text: rec.Name, Href: shell.RecordURL(rec.Kind, rec.ID)}, {Text: rec.Kind.Label}}}
	p, err := v.Page("Map of "+rec.Name, append(v.CrumbsOf(rec), ui.Crumb{Label: "Map"})...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("map", p)
}

// fill puts a map on the page.
func (v *visit) fill(tx *gate.Tx, d *view, st *state, rec *record.Record, m *graph.Map) error {
	icons, err := v.icons(tx, m)
	if err != nil {
		return err
	}
	d.Kinds, d.More = st.chips(v.Records.Kinds, m)
	d.Hops, d.Follow = st.distances(), st.follows(rec.Name)
	d.Title, d.Notice = st.title(rec.Name, m)
	if d.Find, err = v.finder(tx, st); err != nil {
		return err
	}
	if len(m.Nodes) < 2 {
		d.Empty = st.nothing(rec.Name)
		return nil
	}
	d.Lines = v.lines(st, m, icons)
	d.Picture = draw(m, d.Lines, st.follow != graph.Any || st.to != 0)
	for _, e := range m.Edges {
		d.Legend = d.Legend || e.Needed != 0
	}
	return nil
}

// icons gives the icon of each record: that of its kind, of the type of an asset
// or of a configuration.
func (v *visit) icons(tx *gate.Tx, m *graph.Map) (map[id.ID]string, error) {
	const field = "configuration_type_id"
	var confs []id.ID
	for _, n := range m.Nodes {
		if n.Kind == "configuration" {
			confs = append(confs, n.ID)
		}
	}
	types := map[id.ID]string{}
	if k := v.Kind("configuration"); k != nil && k.Field(field) != nil && len(confs) > 0 {
		values, err := v.Records.Field(tx, "configuration", field, confs...)
		if err != nil {
			return nil, err
		}
		var ids []id.ID
		for _, t := range values {
			if t, ok := t.(id.ID); ok {
				ids = append(ids, t)
			}
		}
		names, err := v.Records.Names(tx, ids...)
		if err != nil {
			return nil, err
		}
		for c, t := range values {
			if t, ok := t.(id.ID); ok {
				types[c] = names[t]
			}
		}
	}
	out := map[id.ID]string{}
	for _, n := range m.Nodes {
		k, err := v.Records.Shape(tx, n.Kind, n.Variant)
		if err != nil {
			return nil, err
		}
		out[n.ID] = shell.IconOf(&record.Record{Kind: k, Names: map[string]string{field: types[n.ID]}})
	}
	return out, nil
}

// lines are the records of a map as a list.
func (v *visit) lines(st *state, m *graph.Map, icons map[id.ID]string) []line {
	byID := map[id.ID]*graph.Node{}
	for _, n := range m.Nodes {
		byID[n.ID] = n
	}
	how, notes := map[id.ID]string{}, map[id.ID]string{}
	for _, e := range m.Edges {
		for _, one := range []id.ID{e.From, e.To} {
			other := e.Other(one)
			if byID[one].Via != other {
				continue
			}
			if how[one] != "" {
				how[one] += "; "
			}
			how[one] += e.Words(one, byID[other].Name)
			notes[one] = cmp.Or(notes[one], e.Notes)
		}
	}
	var out []line
	for i, n := range m.Nodes {
		k := v.Kind(n.Kind)
		l := line{Name: n.Name, Href: shell.RecordURL(k, n.ID), Icon: icons[n.ID], Kind: k.Label, Hops: n.Hops, Archived: n.Archived}
		if n.Org != m.Nodes[0].Org || k.Scope == record.Organization {
			l.Org = n.OrgName
		}
		if i > 0 {
			l.How, l.Note, l.Map = how[n.ID], notes[n.ID], st.at(n.ID)
		}
		out = append(out, l)
	}
	return out
}
