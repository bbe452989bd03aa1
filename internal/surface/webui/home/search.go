package home

import (
	"strings"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/core/search"
	"strongroom/internal/feature/favourite"
	"strongroom/internal/surface/webui/shell"
)

// searchPage is what was found, for the palette and as a page.
type searchPage struct {
	Query  string
	Groups []hits
}

type hits struct {
	Title string
	Hits  []hit
}

type hit struct {
	Title, Where, Href, Icon, Badge string
	Number                          int // among all of them
}

const (
	paletteHits = 12
	pageHits    = 100
)

// search answers the palette and the page of its name: organizations first, then
// other records, then pages and actions.
func (v *visit) search() error {
	q := strings.TrimSpace(v.R.URL.Query().Get("q"))
	d := searchPage{Query: q}
	limit := pageHits
	if web.IsSwap(v.R) {
		limit = paletteHits
	}
	orgs, records := hits{Title: "Organizations"}, hits{Title: "Records"}
	err := v.View(func(tx *gate.Tx) error {
		if q == "" {
			records.Title = "Recent"
			list, err := favourite.Recent(tx, 8)
			for _, x := range list {
				v.addHit(&records, x.Kind, record.Record{ID: x.Record, Org: x.Org, Name: x.Name, OrgName: x.OrgName, Archived: x.Archived})
			}
			return err
		}
		found, err := search.Find(tx, q, search.Options{Limit: limit})
		for _, x := range found {
			to := &records
			if x.Kind == "organization" {
				to = &orgs
			}
			v.addHit(to, x.Kind, record.Record{ID: x.ID, Org: x.Org, Name: x.Name, OrgName: x.OrgName, Archived: x.Archived})
		}
		return err
	})
	if err != nil {
		return err
	}
	n := 0
	for _, g := range []hits{orgs, records, v.places(q)} {
		if len(g.Hits) == 0 {
			continue
		}
		for i := range g.Hits {
			g.Hits[i].Number = n
			n++
		}
		d.Groups = append(d.Groups, g)
	}
	p, err := v.Page("Search", ui.Crumb{Label: "Search"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("search", p)
}

func (v *visit) addHit(g *hits, kind string, r record.Record) {
	k := v.Kind(kind)
	if k == nil {
		return
	}
	r.Kind = k
	h := hit{Title: r.Name, Where: k.Label, Href: shell.RecordURL(k, r.ID), Icon: k.Icon}
	if k.Scope == record.Organization {
		h.Badge = r.Name
	} else if r.OrgName != "" {
		h.Where += " · " + r.OrgName
	}
	if r.Archived {
		h.Where += " · archived"
	}
	g.Hits = append(g.Hits, h)
}

// places are the pages and actions whose names hold every word.
func (v *visit) places(q string) hits {
	g := hits{Title: "Pages and actions"}
	words := strings.Fields(strings.ToLower(q))
	add := func(title, where, href, icon string) {
		low := strings.ToLower(title)
		for _, w := range words {
			if !strings.HasPrefix(low, w) && !strings.Contains(low, " "+w) {
				return
			}
		}
		if len(g.Hits) < 8 {
			g.Hits = append(g.Hits, hit{Title: title, Where: where, Href: href, Icon: icon})
		}
	}
	for _, n := range v.Navigation() {
		add(n.Label, "Page", n.Href, n.Icon)
	}
	add("My account", "Page", "/account", "user-circle")
	for _, o := range v.Offers() {
		add("New "+shell.Lower(o.Label), "Action", o.Href, "plus")
	}
	return g
}
