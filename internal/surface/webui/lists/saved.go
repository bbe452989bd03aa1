package lists

import (
	"net/url"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/view"
	"strongroom/internal/surface/webui/shell"
)

// savedViews is the menu of views of a list.
func (l *listing) savedViews(v *visit) *ui.Saved {
	if v.Caller.User == 0 {
		return nil
	}
	now := l.asView()
	may := v.Caller.May(access.Configure)
	s := &ui.Saved{Action: shell.ListURL(l.kind) + "/views", Share: may, Most: view.MaxName,
		Hidden: []ui.Hidden{{Name: "query", Value: now}, {Name: "back", Value: l.q.With()}}}
	if l.kind.Variant != 0 {
		s.Hidden = append(s.Hidden, ui.Hidden{Name: l.kind.Variants.By, Value: l.kind.Variant.String()})
	}
	for _, x := range l.saved {
		line := ui.SavedLine{NavItem: ui.NavItem{Label: x.Name, Href: l.q.Path + "?" + x.Query, Current: x.Query == now}, Shared: x.Shared}
		if !x.Shared || may {
			line.Remove = &ui.Action{Label: "Remove the view " + x.Name, Icon: "trash", Href: s.Action, Post: true, Quiet: true, IconOnly: true,
				Fields: []ui.Hidden{{Name: "remove", Value: x.ID.String()}, {Name: "back", Value: l.q.With()}}}
		}
		s.Lines = append(s.Lines, line)
	}
	return s
}

// asView is the list as a view keeps it: what it is narrowed by, its order and its
// columns, but not the page.
func (l *listing) asView() string {
	q := url.Values{}
	for name, values := range l.q.Values {
		if name != "page" && len(values) > 0 && values[0] != "" {
			q.Set(name, values[0])
		}
	}
	var columns []string
	for _, name := range l.columns {
		if name != "name" && name != "organization_id" {
			columns = append(columns, name)
		}
	}
	q.Set("cols", strings.Join(columns, "."))
	return q.Encode()
}

// setViews saves a view, or removes the one that the form names.
func (v *visit) setViews(k *record.Kind) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	back := web.LocalPath(f.Text("back"), shell.ListURL(k))
	if old, ok := id.Parse(f.Text("remove")); ok {
		if err := v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error { return view.Remove(tx, old) }); err != nil {
			return err
		}
		return v.Done(back, "The view is removed.")
	}
	if k, err = v.Variant(k, f.Text); err != nil {
		return err
	}
	if _, err := url.ParseQuery(f.Text("query")); err != nil {
		return fault.New(fault.Invalid, "The view cannot be read.").WithHint("Go back to the list and try again.")
	}
	x := view.View{Kind: k.Name, Of: k.Variant, Name: f.Text("name"), Query: f.Text("query"), Shared: f.Bool("shared")}
	if err := v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error { return view.Save(tx, x) }); err != nil {
		return err
	}
	return v.Done(back, "The view %s is saved.", x.Name)
}
