// Package tickets holds the desk: queues of open tickets, and the page of a ticket
// with its timeline, its journal, its moves, and what is at hand for it.
//
// Always true: what it shows is what the caller may see, and leads to the ticket; a
// state is offered only when the lifecycle declares the move, and what it demands is
// asked before it is refused; everything works without script.
package tickets

import (
	"embed"
	"io/fs"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/bulk"
	"strongroom/internal/feature/desk"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/live"
	"strongroom/internal/feature/macro"
	"strongroom/internal/feature/relation"
	"strongroom/internal/feature/sla"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages parts
var templates embed.FS

// most is how many open tickets stand beside an organization.
const most = 8

// incidents is the kind that a house has when it has tickets.
const incidents = "incident"

// Pages are the pages of this group.
type Pages struct {
	Live        *live.Hub // nil for pages that tell nothing by themselves
	Attachments *attachment.Store
	Relations   *relation.Relations
	Bulk        *bulk.Bulk // nil has no more worked on than atOnce
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// lifeOf is the lifecycle of a kind of tickets; nil of others. What has a journal is a
// ticket.
func lifeOf(k *record.Kind) *lifecycle.Lifecycle {
	l, ok := k.Life.(*lifecycle.Lifecycle)
	if !ok || entry.FieldOf(k.Name) == "" {
		return nil
	}
	return l
}

// Mount gives the shell the desk, the pages of tickets, and the open tickets of an
// organization.
func (p *Pages) Mount(s *shell.Shell) {
	s.Rail(shell.RailPart{OrgToo: true, Draw: open})
	s.Manage(shell.ToContents, func(v *shell.Visit, _ map[string]int64) []ui.Item {
		k := v.Kind("announcement")
		if k == nil {
			return nil
		}
		return []ui.Item{{Title: k.Labels, Sub: "Outages, planned work and news", Href: shell.ListURL(k), Icon: k.Icon}}
	})
	if s.Records.Kinds.Kind(incidents) == nil {
		return
	}
	for _, k := range []string{sla.Agreement, sla.Calendar, macro.Kind} {
		s.Manage(shell.ToContents, func(v *shell.Visit, totals map[string]int64) []ui.Item {
			if v.Kind(k) == nil {
				return nil
			}
			sub := map[string]string{sla.Agreement: "What is promised to whom, and who is warned when", sla.Calendar: "Hours and holidays by which promises are counted", macro.Kind: "Texts, fields and states that are set with one key"}[k]
			return []ui.Item{{Title: v.Kind(k).Labels, Sub: sub, Href: shell.ListURL(v.Kind(k)), Icon: v.Kind(k).Icon}}
		})
	}
	s.Nav(shell.Entry{Label: "Desk", Href: "/desk", Icon: "headset", Go: "k", Place: 30})
	for _, k := range s.Records.Kinds.Kinds() {
		if lifeOf(k) != nil {
			s.Own(k.Name).Page = func(v *shell.Visit, r *record.Record) error { return (&visit{Visit: v, p: p}).ticket(r, nil) }
		}
	}
	s.Get("/desk", p.as((*visit).desk))
	s.Deeds(p.several(), p.together())
	s.Get("/desk/queues/new", p.as((*visit).newQueue))
	s.Post("/desk/queues", p.as((*visit).setQueue))
	s.Stream("/desk/live", p.as((*visit).live))
	s.Post("/tickets/{id}/writing", p.as((*visit).writing))
	s.Get("/tickets/{id}/clocks", p.as((*visit).why))
	s.Post("/tickets/{id}/say", p.as((*visit).say), web.MaxBody(mostSaid), web.Within(0))
	s.Post("/tickets/{id}/take", p.as((*visit).take))
	s.Post("/tickets/{id}/solved", p.as((*visit).solved))
	s.Post("/tickets/{id}/macro", p.as((*visit).macro))
	s.Post("/tickets/{id}/tags", p.as((*visit).tag))
	s.Post("/tickets/{id}/steps", p.as((*visit).addStep))
	s.Post("/ticket_steps/{id}/tick", p.as((*visit).tickStep))
	s.Post("/ticket_steps/{id}/place", p.as((*visit).placeStep))
	s.Get("/tickets/{id}/merge", p.as((*visit).merging))
	s.Post("/tickets/{id}/merge", p.as((*visit).merge))
	s.Get("/tickets/{id}/split", p.as((*visit).splitting))
	s.Post("/tickets/{id}/split", p.as((*visit).split))
	s.Get("/tickets/{id}/move", p.as((*visit).moving))
	s.Post("/tickets/{id}/move", p.as((*visit).move))
}

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	p *Pages
}

// as makes a handler of the shell.
func (p *Pages) as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{Visit: v, p: p}) }
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
