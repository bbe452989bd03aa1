package home

import (
	"strings"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/favourite"
	"strongroom/internal/surface/webui/shell"
)

// post is what an action sends; nil for one that leads to a page.
type post struct {
	To     string
	Fields []ui.Hidden
}

// place is the page that the palette was opened on: of a record, or within an
// organization.
type place struct {
	record  *record.Record // nil for none
	org     id.ID
	orgName string
	rest    string // of the address, behind the organization: "/passwords"
}

// placeOf reads the address of a page. One that the caller may not see, or that is
// of nothing, is no place.
func (v *visit) placeOf(tx *gate.Tx, path string) (p place, err error) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) < 2 {
		return p, nil
	}
	k := v.Records.Kinds.Plural(parts[0])
	rid, ok := id.Parse(parts[1])
	if k == nil || !ok || k.Admin {
		return p, nil
	}
	list, err := v.Records.List(tx, k.Name, record.Query{Limit: 1, NoTotal: true, Filters: []record.Filter{{Field: "id", Op: record.Eq, Values: []any{rid}}}})
	if err != nil || len(list.Records) == 0 {
		return p, err
	}
	r := list.Records[0]
	if k.Scope == record.Organization {
		p.org, p.orgName = r.ID, r.Name
		if len(parts) == 3 && v.Records.Kinds.Plural(parts[2]) != nil {
			p.rest = "/" + parts[2]
		}
	} else {
		p.org, p.orgName = r.Org, r.OrgName
		if k.Scope == record.OfOrganization {
			p.rest = shell.ListURL(k)
		}
	}
	if len(parts) == 2 {
		p.record = r
	}
	return p, nil
}

// actionsOf are what can be done with a record from anywhere.
func (v *visit) actionsOf(tx *gate.Tx, r *record.Record) (hits, error) {
	g := hits{Title: r.Name}
	at := shell.RecordURL(r.Kind, r.ID)
	add := func(h hit) { h.Where = r.Kind.Label; g.Hits = append(g.Hits, h) }
	add(hit{Title: "Open", Href: at, Icon: shell.IconOf(r)})
	if r.Kind.Name == "password" && v.Caller.Role != access.Lite && v.Caller.May(access.Reveal) && !v.Caller.OneTime {
		reason := ""
		if r.Values.Bool("reason_required") {
			reason = "required"
		}
		add(hit{Title: "Copy the password", Href: at, Icon: "copy", Copy: at + "/reveal", Reason: reason})
		add(hit{Title: "Reveal the password", Href: at + "#password", Icon: "eye", Key: "r"})
	}
	if v.MayTo(access.Edit, r) {
		add(hit{Title: "Edit", Href: at + "/edit", Icon: "edit", Key: "e"})
	}
	on, err := favourite.Is(tx, r.ID)
	if err != nil {
		return g, err
	}
	if on {
		add(hit{Title: "Take off the favourites", Href: at, Icon: "star-filled", Post: &post{at + "/star", []ui.Hidden{{Name: "on", Value: "0"}}}})
	} else {
		add(hit{Title: "Add to the favourites", Href: at, Icon: "star", Post: &post{at + "/star", []ui.Hidden{{Name: "on", Value: "1"}}}})
	}
	if r.Kind.Scope == record.OfOrganization || r.Kind.Scope == record.Organization {
		add(hit{Title: "Show on the map", Href: "/map/" + r.ID.String(), Icon: "topology-star"})
		add(hit{Title: "Comment", Href: at + "#talk", Icon: "message", Key: "c"})
	}
	if v.MayTo(access.Edit, r) {
		if shell.Movable(r.Kind) {
			add(hit{Title: "Move to another organization", Href: at + "/move", Icon: "transfer"})
		}
		if r.Kind.Scope == record.OfOrganization || r.Kind.Scope == record.Organization {
			add(hit{Title: "Flags and alerts", Href: "/marks/" + r.ID.String(), Icon: "flag"})
		}
	}
	add(hit{Title: "History", Href: at + "/history", Icon: "history"})
	return g, nil
}

// actions answers the palette, and as a page, with what can be done with a record.
func (v *visit) actions() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	d := searchPage{Actions: true}
	err = v.View(func(tx *gate.Tx) error {
		r, err := v.Records.Get(tx, "", rid)
		if err != nil {
			return err
		}
		g, err := v.actionsOf(tx, r)
		d.Query = r.Name
		d.Groups = numbered(g)
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page("Actions", ui.Crumb{Label: "Search", Href: "/search"}, ui.Crumb{Label: d.Query})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("search", p)
}

// numbered leaves out groups that are empty and counts the hits of the others.
func numbered(groups ...hits) []hits {
	var out []hits
	n := 0
	for _, g := range groups {
		for i := range g.Hits {
			g.Hits[i].Number = n
			n++
		}
		if len(g.Hits) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// switching is how one asks the palette for another organization.
const switching = "org:"

// organizations are those to switch to, on the page of the same list.
func (v *visit) organizations(tx *gate.Tx, words string, at place) (hits, error) {
	g := hits{Title: "Switch to an organization"}
	k := v.Kind("organization")
	p, err := v.Records.List(tx, k.Name, record.Query{Text: strings.TrimSpace(words), Archived: "no", Limit: paletteHits, NoTotal: true})
	if err != nil {
		return g, err
	}
	for _, r := range p.Records {
		h := hit{Title: r.Name, Where: k.Label, Href: shell.RecordURL(k, r.ID) + at.rest, Badge: r.Name, More: actionsURL(r.ID)}
		if other := v.Records.Kinds.Plural(strings.TrimPrefix(at.rest, "/")); other != nil {
			h.Where = other.Labels
		}
		g.Hits = append(g.Hits, h)
	}
	return g, nil
}

func actionsURL(rec id.ID) string { return "/actions/" + rec.String() }

// here are what the page offers that the palette was opened on.
func (v *visit) here(tx *gate.Tx, at place, q string) (hits, error) {
	if at.record == nil || !web.IsSwap(v.R) {
		return hits{}, nil
	}
	g, err := v.actionsOf(tx, at.record)
	var keep []hit
	for _, h := range g.Hits[1:] { // it is open
		if matches(h.Title, q) {
			keep = append(keep, h)
		}
	}
	g.Hits = keep
	return g, err
}

// matches tells whether each word begins a word of a title.
func matches(title, q string) bool {
	low := strings.ToLower(title)
	for _, w := range strings.Fields(strings.ToLower(q)) {
		if !strings.HasPrefix(low, w) && !strings.Contains(low, " "+w) {
			return false
		}
	}
	return true
}

// mostPlaces is how many pages and actions the palette shows at a time.
const mostPlaces = 8

// places are the pages and actions whose names hold every word.
func (v *visit) places(q string, at place) hits {
	g := hits{Title: "Pages and actions"}
	add := func(h hit) {
		if matches(h.Title, q) && len(g.Hits) < mostPlaces {
			g.Hits = append(g.Hits, h)
		}
	}
	if at.org != 0 && at.orgName != "" && q != "" && !v.Caller.Scope.ReadOnly {
		for _, k := range v.Menu() {
			if k.Scope == record.OfOrganization && v.May(access.Create, k) {
				add(hit{Title: "New " + shell.Lower(k.Label) + " in " + at.orgName, Where: "Action", Href: shell.NewURL(k, at.org), Icon: "plus"})
			}
		}
	}
	for _, n := range v.Navigation() {
		h := hit{Title: n.Label, Where: "Page", Href: n.Href, Icon: n.Icon}
		if n.Go != "" {
			h.Key = "g " + n.Go
		}
		add(h)
	}
	add(hit{Title: "My account", Where: "Page", Href: "/account", Icon: "user-circle"})
	add(hit{Title: "Notifications", Where: "Page", Href: "/notifications", Icon: "bell", Key: "g n"})
	for _, o := range v.Offers() {
		add(hit{Title: "New " + shell.Lower(o.Label), Where: "Action", Href: o.Href, Icon: "plus"})
	}
	add(hit{Title: "Switch organization", Where: "Action", Href: shell.ListURL(v.Kind("organization")), Icon: "building", Act: "fill", Fill: switching + " "})
	add(hit{Title: "Light or dark: toggle the theme", Where: "Action", Href: "/account", Icon: "moon", Act: "theme"})
	add(hit{Title: "Keyboard shortcuts", Where: "Page", Href: "/keyboard", Icon: "keyboard", Key: "?", Act: "help"})
	add(hit{Title: "Sign out", Where: "Action", Href: "/account", Icon: "logout", Post: &post{To: "/sign-out"}})
	return g
}

// keyboard is the help about keys as a page, for who has no script or switched
// the keys off.
func (v *visit) keyboard() error {
	p, err := v.Page("Keyboard", ui.Crumb{Label: "Keyboard"})
	if err != nil {
		return err
	}
	p.Data = ui.Head{Title: "Keyboard", Icon: "keyboard"}
	return v.Render("keyboard", p)
}
