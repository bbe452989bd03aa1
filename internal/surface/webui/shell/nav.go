package shell

import (
	"slices"
	"strings"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
)

// Entry is a line of the navigation beside those of the kinds.
type Entry struct {
	Label, Href, Icon string
	Go                string // letter that opens it after "g"; the first entry that names a letter has it
	// Place is where it stands among the other entries and the kinds, which
	// stand by their Menu; group says what stands together.
	Place int
	For   func(*access.Caller) bool // who gets it; nil for everybody
}

// Nav adds an entry to the navigation.
func (s *Shell) Nav(e Entry) { s.entries = append(s.entries, e) }

// Menu lists the kinds that stand in the navigation, in their order.
func (s *Shell) Menu() []*record.Kind {
	var out []*record.Kind
	for _, k := range s.Records.Kinds.Kinds() {
		if k.Menu > 0 {
			out = append(out, k)
		}
	}
	slices.SortStableFunc(out, func(a, b *record.Kind) int { return a.Menu - b.Menu })
	return out
}

// group is the heading that a place stands below.
func group(place int) string {
	switch {
	case place < 30: // the dashboard, and what is documented
		return ""
	case place < 60:
		return "Service desk"
	case place < 100:
		return "Secrets"
	case place < 110:
		return "Oversight"
	}
	return "Administration"
}

// Navigation is what stands beside every page, as far as it is this caller's.
func (v *Visit) Navigation() []ui.NavItem {
	var all []Entry
	for _, k := range v.Menu() {
		all = append(all, Entry{Label: k.Labels, Href: ListURL(k), Icon: k.Icon, Go: strings.ToLower(k.Labels[:1]), Place: k.Menu})
	}
	all = append(all, v.entries...)
	slices.SortStableFunc(all, func(a, b Entry) int { return a.Place - b.Place })
	var out []ui.NavItem
	last := ""
	for _, e := range all {
		if e.For != nil && !e.For(v.Caller) {
			continue
		}
		x := ui.NavItem{Label: e.Label, Href: e.Href, Icon: e.Icon, Go: e.Go}
		if g := group(e.Place); g != last {
			x.Group, last = g, g
		}
		out = append(out, x)
	}
	used := map[string]bool{}
	for i := range out {
		out[i].Current = isCurrent(out[i].Href, v.R.URL.Path)
		if used[out[i].Go] { // the first keeps the letter
			out[i].Go = ""
		}
		if out[i].Go == "" {
			continue
		}
		used[out[i].Go] = true
	}
	return out
}

func isCurrent(href, path string) bool {
	return path == href || href != "/" && strings.HasPrefix(path, href+"/")
}

// Offers is what the New button holds.
func (v *Visit) Offers() []ui.NavItem {
	if v.Caller.Scope.ReadOnly || !v.Caller.May(access.Create) {
		return nil
	}
	var out []ui.NavItem
	for _, k := range v.Menu() {
		verdict, _ := access.Decide(v.Caller, access.Create, access.Target{Kind: k.Name, Tenant: k.Scope == record.OfTenant, Admin: k.Admin, Visible: true})
		if verdict == access.Allowed {
			out = append(out, ui.NavItem{Label: k.Label, Href: NewURL(k, 0), Icon: k.Icon})
		}
	}
	return out
}
