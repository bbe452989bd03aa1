package records

import (
	"net/http"
	"slices"
	"strings"

	"strongroom/internal/base/richtext"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/shell"
)

// conflictPage shows what somebody else saved first beside what was sent.
type conflictPage struct {
	Head   ui.Head
	Who    string
	Time   ui.Cell
	Action string
	Cancel string
	Hidden []ui.Hidden
	Fields []clash
	Again  []ui.Field // secrets: they are never sent back, so they are typed again
}

// clash is a field that differs.
type clash struct {
	Name, Label  string
	Mine, Theirs []string // lines
	KeepMine     bool
	Both         bool // both changed it
}

// conflict answers a save of a version that is no longer the present one. Where
// only one side changed a field, that side is chosen; where both did, the
// person decides.
func (v *visit) conflict(f *filling, version int64) error {
	k, now := f.kind, f.record
	var base record.Values
	var who string
	err := v.View(func(tx *gate.Tx) error {
		list, err := v.Records.Revisions(tx, k.Name, now.ID)
		if err != nil {
			return err
		}
		who = list[0].ByName
		if i := slices.IndexFunc(list, func(x record.Revision) bool { return x.Version == version }); i >= 0 {
			base = list[i].Values
		}
		return nil
	})
	if err != nil {
		return err
	}
	d := conflictPage{Head: ui.Head{Title: now.Name + " was changed meanwhile", Icon: "git-compare"}, Who: who, Time: ui.Cell{Type: "ago", Time: shell.When(now.Updated)},
		Action: shell.RecordURL(k, now.ID), Cancel: shell.RecordURL(k, now.ID), Hidden: []ui.Hidden{{Name: "version", Value: shell.Plain(now.Version)}}}
	theirs := now.Values.Clone()
	theirs["name"] = now.Name
	for i := range k.Fields {
		x := &k.Fields[i]
		raw, ok := f.values[x.Name]
		if !ok {
			continue
		}
		if x.Type == record.Secret {
			d.Again = append(d.Again, ui.Field{Name: x.Name, Label: x.Title(), Type: "secret", Wide: true, Hint: "You typed a new one. It is not sent back to the page: type it again to save it."})
			continue
		}
		mine, err := x.Parse(raw)
		if err != nil {
			mine = raw
		}
		d.Hidden = append(d.Hidden, hiddenValue(x, raw)...)
		a, b, c := shown(x, base[x.Name], nil), shown(x, mine, f.names), shown(x, theirs[x.Name], now.Names)
		if shell.Plain(mine) == shell.Plain(theirs[x.Name]) || mine == false && theirs[x.Name] == nil {
			continue
		}
		mineChanged := base == nil || shell.Plain(mine) != shell.Plain(base[x.Name])
		theirsChanged := base == nil || a != shown(x, theirs[x.Name], nil)
		d.Fields = append(d.Fields, clash{Name: x.Name, Label: x.Title(), Mine: lines(b), Theirs: lines(c), KeepMine: mineChanged, Both: mineChanged && theirsChanged})
	}
	p, err := v.Page(d.Head.Title, v.Crumbs(k, now.Org, now.OrgName, ui.Crumb{Label: now.Name, Href: shell.RecordURL(k, now.ID)}, ui.Crumb{Label: "Conflict"})...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(http.StatusConflict, "conflict", p)
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// shown gives a value as text to compare by eye; names are those of references.
func shown(f *record.Field, val any, names map[string]string) string {
	if val == nil {
		return ""
	}
	switch f.Type {
	case record.Ref:
		if names[f.Name] != "" {
			return names[f.Name]
		}
	case record.HTML:
		return richtext.Text(shell.Plain(val))
	case record.Rows:
		rows, _ := val.([]map[string]any)
		var lines []string
		for _, row := range rows {
			var cells []string
			for i := range f.Rows {
				c := &f.Rows[i]
				if s := shell.Plain(row[c.Name]); s != "" && c.Type != record.Bool && !c.ReadOnly {
					cells = append(cells, s)
				}
				if row[c.Name] == true {
					cells = append(cells, shell.Lower(c.Title()))
				}
			}
			lines = append(lines, strings.Join(cells, ", "))
		}
		return strings.Join(lines, "\n")
	case record.Time:
		ms, _ := val.(int64)
		return shell.When(ms).Format("2 Jan 2006, 15:04")
	}
	return shell.Plain(val)
}

// hiddenValue carries what was sent through the page.
func hiddenValue(f *record.Field, raw any) []ui.Hidden {
	if f.Type == record.Bool {
		return []ui.Hidden{{Name: f.Name, Value: map[bool]string{true: "1", false: "0"}[raw == true]}}
	}
	rows, ok := raw.([]map[string]any)
	if !ok {
		return []ui.Hidden{{Name: f.Name, Value: shell.Plain(raw)}}
	}
	out := []ui.Hidden{{Name: "rows", Value: f.Name}}
	for i, row := range rows {
		for c := range f.Rows {
			col := &f.Rows[c]
			val, ok := row[col.Name]
			if !ok {
				continue
			}
			s := shell.Plain(val)
			if b, is := val.(bool); is {
				s = map[bool]string{true: "1", false: "0"}[b]
			}
			out = append(out, ui.Hidden{Name: f.Name + "." + shell.Plain(int64(i)) + "." + rowColumn(col), Value: s})
		}
	}
	return out
}
