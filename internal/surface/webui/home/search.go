package home

import (
	"strings"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/core/search"
	"strongroom/internal/feature/comment"
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
	orgs, records, said, here := hits{Title: "Organizations"}, hits{Title: "Records"}, hits{Title: "Comments"}, hits{}
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
		if err != nil || web.IsSwap(v.R) { // the palette names records alone
			return err
		}
		return v.comments(tx, q, &said)
	})
	if err != nil {
		return err
	}
	d.Groups = numbered(orgs, records, said, here, v.places(q, at))
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

// Words of comments: how many are looked for, and how many comments are shown.
const (
	mostWords    = 8
	commentHits  = 20
	commentChars = 120
)

// comments adds what was said with all words of the query, the newest first.
func (v *visit) comments(tx *gate.Tx, q string, to *hits) error {
	words := strings.Fields(q)
	list, _, err := comment.All(tx, comment.Query{Words: words[:min(len(words), mostWords)], Limit: commentHits, NoTotal: true})
	for _, x := range list {
		k := v.Kind(x.Kind)
		if k == nil {
			continue
		}
		text := []rune(strings.Join(strings.Fields(x.Source), " "))
		if len(text) > commentChars {
			text = append(text[:commentChars-1], '…')
		}
		to.Hits = append(to.Hits, hit{Title: string(text), Where: k.Label + " · " + x.Name, Href: shell.RecordURL(k, x.Record) + "#comment-" + x.ID.String(), Icon: "message"})
	}
	return err
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
