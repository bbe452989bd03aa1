// Package tickets holds what pages show of tickets beside those derived from their
// kinds.
//
// Always true: what it shows is what the caller may see, and leads to the ticket.
package tickets

import (
	"io/fs"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/desk"
	"strongroom/internal/surface/webui/shell"
)

// most is how many open tickets stand beside an organization.
const most = 8

// incidents is the kind that a house has when it has tickets.
const incidents = "incident"

// Pages are the pages of this group; it needs nothing beside the shell.
type Pages struct{}

// Templates gives no templates.
func (p *Pages) Templates() fs.FS { return nil }

// Mount gives the shell the open tickets of an organization.
func (p *Pages) Mount(s *shell.Shell) {
	s.Rail(shell.RailPart{OrgToo: true, Draw: open})
	s.Manage(shell.ToContents, func(v *shell.Visit, _ map[string]int64) []ui.Item {
		k := v.Kind("announcement")
		if k == nil {
			return nil
		}
		return []ui.Item{{Title: k.Labels, Sub: "Outages, planned work and news", Href: shell.ListURL(k), Icon: k.Icon}}
	})
}

// open draws the open tickets of an organization; nil when there are none.
func open(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	if r.Kind.Scope != record.Organization || v.Kind(incidents) == nil {
		return nil, nil
	}
	list, more, err := desk.Open(tx, r.ID, most)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	out := &ui.Section{Title: "Open tickets", Icon: "ticket"}
	for _, t := range list {
		k := v.Kind(t.Kind)
		it := ui.Item{Title: t.Name, Sub: k.Field("number").Numbered(t.Number) + " · " + t.Status, Href: shell.RecordURL(k, t.ID), Icon: k.Icon}
		switch t.Priority {
		case "1":
			it.Pill = &ui.Pill{Text: "Priority 1", Tone: "bad"}
		case "2":
			it.Pill = &ui.Pill{Text: "Priority 2", Tone: "warn"}
		}
		out.Items = append(out.Items, it)
	}
	if more {
		out.More = &ui.NavItem{Label: "All incidents", Href: shell.OrgListURL(r.ID, v.Kind(incidents))}
	}
	return out, nil
}
