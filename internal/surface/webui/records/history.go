package records

import (
	"strconv"
	"strings"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/shell"
)

// historyPage lists the versions of a record, each with what it changed.
type historyPage struct {
	Head     ui.Head
	Versions []versionView
}

type versionView struct {
	Number  int64
	Who     string
	Time    ui.Cell
	Current bool
	Changes []ui.Change
	Restore *ui.Action
}

// mostVersions is how many versions the page compares; older ones are kept.
const mostVersions = 100

func (v *visit) history(k *record.Kind) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	var r *record.Record
	var list []record.Revision
	names := map[id.ID]string{}
	err = v.View(func(tx *gate.Tx) (err error) {
		if r, err = v.Records.Get(tx, k.Name, rid); err != nil {
			return err
		}
		if list, err = v.Records.Revisions(tx, k.Name, rid); err != nil {
			return err
		}
		list = list[:min(len(list), mostVersions)]
		names, err = v.Records.Names(tx, referred(r.Kind, list)...)
		return err
	})
	if err != nil {
		return err
	}
	k = r.Kind
	d := historyPage{Head: ui.Head{Title: "History of " + r.Name, Icon: "history", Sub: []ui.Cell{{Text: versionsWord(len(list))}}}}
	for i, x := range list {
		line := versionView{Number: x.Version, Who: x.ByName, Time: ui.Cell{Type: "datetime", Time: shell.When(x.Time)}, Current: x.Current}
		if line.Who == "" {
			line.Who = "Strongroom"
		}
		if i+1 < len(list) {
			line.Changes = changes(k, list[i+1].Values, x.Values, names)
		}
		if !x.Current && v.May(access.Edit, k) {
			line.Restore = &ui.Action{Label: "Restore", Icon: "arrow-back-up", Post: true, Href: shell.RecordURL(k, rid) + "/history/" + strconv.FormatInt(x.Version, 10)}
		}
		d.Versions = append(d.Versions, line)
	}
	p, err := v.Page(d.Head.Title, v.Crumbs(k, r.Org, r.OrgName, ui.Crumb{Label: r.Name, Href: shell.RecordURL(k, rid)}, ui.Crumb{Label: "History"})...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("history", p)
}

func versionsWord(n int) string {
	if n == 1 {
		return "1 version"
	}
	return strconv.Itoa(n) + " versions"
}

// referred lists what the versions' references point to.
func referred(k *record.Kind, list []record.Revision) []id.ID {
	seen := map[id.ID]bool{}
	var out []id.ID
	add := func(i id.ID) {
		if i != 0 && !seen[i] {
			seen[i] = true
			out = append(out, i)
		}
	}
	for _, x := range list {
		add(x.Values.ID("organization_id"))
		for _, f := range k.Fields {
			if f.Type == record.Ref {
				add(x.Values.ID(f.Name))
			}
			for _, n := range x.Values.IDs(f.Name) {
				add(n)
			}
		}
	}
	return out
}

// changes says what differs between two versions.
func changes(k *record.Kind, old, now record.Values, names map[id.ID]string) []ui.Change {
	var out []ui.Change
	add := func(f *record.Field) {
		if shell.Plain(old[f.Name]) == shell.Plain(now[f.Name]) {
			return
		}
		by := func(val record.Values) string {
			if f.Type == record.Refs {
				var list []string
				for _, n := range val.IDs(f.Name) {
					if names[n] != "" {
						list = append(list, names[n])
					}
				}
				return strings.Join(list, ", ")
			}
			return shown(f, val[f.Name], map[string]string{f.Name: names[val.ID(f.Name)]})
		}
		a, b := by(old), by(now)
		c := ui.Change{Label: f.Title(), Old: a, New: b}
		if strings.Contains(a+b, "\n") || len(a)+len(b) > 160 {
			c.Lines = shell.DiffLines(a, b)
		}
		out = append(out, c)
	}
	if k.Field("name") == nil {
		add(&record.Field{Name: "name", Label: "Name", Type: record.Text})
	}
	for i := range k.Fields {
		add(&k.Fields[i])
	}
	add(&record.Field{Name: "organization_id", Label: "Organization", Type: record.Ref})
	add(&record.Field{Name: "archived", Type: record.Bool})
	add(&record.Field{Name: "restricted", Type: record.Bool})
	return out
}

func (v *visit) restoreVersion(k *record.Kind) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(v.R.PathValue("version"), 10, 64)
	if err != nil {
		return gate.Missing()
	}
	var r *record.Record
	err = v.Change(access.Edit, gate.Thing{Kind: k.Name, ID: rid}, func(tx *gate.Tx) (err error) {
		r, err = v.Records.RestoreRevision(tx, k.Name, rid, n)
		return err
	})
	if err != nil {
		return err
	}
	return v.Done(v.HomeOf(r), "%s is as it was in version %d, as a new version.", r.Name, n)
}
