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
	Query   string
	Groups  []hits
	Actions bool // it is what can be done with one record
}

type hits struct {
	Title string
	Hits  []hit
}

type hit struct {
	Title, Where, Href, Icon, Badge string
	Number                          int    // among all of them
	Key                             string // that does the same
	More                            string // address of what else can be done with it
	Post                            *post
	Copy, Reason                    string // address of a secret to copy, and whether a reason is asked for
	Act, Fill                       string // what the script does instead: "theme", "help", or "fill" with Fill
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
	orgs, records, here := hits{Title: "Organizations"}, hits{Title: "Records"}, hits{}
	var at place
	err := v.View(func(tx *gate.Tx) (err error) {
		if at, err = v.placeOf(tx, v.R.URL.Query().Get("at")); err != nil {
			return err
		}
		if words, ok := strings.CutPrefix(strings.ToLower(q), switching); ok {
			orgs, err = v.organizations(tx, words, at)
			return err
		}
		if here, err = v.here(tx, at, q); err != nil {
			return err
		}
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
	d.Groups = numbered(orgs, records, here, v.places(q, at))
	if q == "" {
		d.Groups = numbered(here, records, v.places(q, at))
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
	h := hit{Title: r.Name, Where: k.Label, Href: shell.RecordURL(k, r.ID), Icon: k.Icon, More: actionsURL(r.ID)}
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
