// Package risks holds the pages that tell which passwords should be changed, who
// has seen one since it was, and what somebody who leaves has seen.
//
// Always true: a page tells of passwords that its reader may see and of no others;
// none of them opens a password.
package risks

import (
	"io/fs"
	"strconv"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/risk"
	"strongroom/internal/surface/webui/shell"
)

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Risks *risk.Risks }

// Templates gives none: the pages are lists.
func (p *Pages) Templates() fs.FS { return nil }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	reveals := func(c *access.Caller) bool { return c.May(access.Reveal) }
	s.Nav(shell.Entry{Label: "Passwords at risk", Href: "/risk", Icon: "shield-x", Place: 103, For: reveals})
	s.Get("/risk", shell.Allowing(access.Reveal, p.as((*visit).report)))
	s.Get("/risk/export", shell.Allowing(access.Export, p.as((*visit).exportReport)))
	s.Post("/risk/check", shell.Allowing(access.Export, p.as((*visit).check)))
	s.Get("/users/{id}/seen", shell.Allowing(access.Inspect, p.as((*visit).seenBy)))
	s.Get("/users/{id}/seen/export", shell.Allowing(access.Inspect, p.as((*visit).exportSeenBy)))
	s.Rail(shell.RailPart{Draw: func(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
		switch r.Kind.Name {
		case "password":
			return (&visit{v, p}).seenSection(tx, r)
		case "user":
			return (&visit{v, p}).userSection(r), nil
		}
		return nil, nil
	}})
}

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	*Pages
}

// as makes a handler of the shell.
func (p *Pages) as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v, p}) }
}

// mostPeople is how many people stand beside a password.
const mostPeople = 6

// seenSection says who has seen the value that a password has now.
func (v *visit) seenSection(tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	looks, err := v.Risks.SeenOf(tx, r.ID)
	if err != nil || len(looks) == 0 {
		return nil, err
	}
	s := &ui.Section{Title: "Seen since it was changed"}
	for _, l := range looks[:min(len(looks), mostPeople)] {
		it := ui.Item{Title: l.Who.Name, Badge: l.Who.Name, Person: true, Sub: did(l), Time: shell.When(l.Last)}
		if it.Title == "" {
			it.Title, it.Badge, it.Icon = "A person who was erased", "", "user-question"
		}
		if l.Who.Left {
			it.Pill = &ui.Pill{Text: "Left", Tone: "warn"}
		}
		s.Items = append(s.Items, it)
	}
	if more := len(looks) - mostPeople; more > 0 {
		s.Text = "And " + shell.Counted(int64(more), "more person", "more people") + "; the audit trail names them."
	}
	return s, nil
}

// did says what somebody did with a value.
func did(l *risk.Look) string {
	switch {
	case l.Times == 0:
		return "Set it"
	case l.Set:
		return "Set it, and revealed it " + times(l.Times)
	}
	return "Revealed it " + times(l.Times)
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return web.Number(n) + " times"
}

// userSection leads to what a user has seen.
func (v *visit) userSection(r *record.Record) *ui.Section {
	if !v.Caller.May(access.Inspect) {
		return nil
	}
	return &ui.Section{Title: "Passwords she knows", Items: []ui.Item{{Title: "Seen since they were changed", Sub: "What to change when " + r.Name + " leaves", Href: seenURL(r.ID), Icon: "eye"}}}
}

func seenURL(user id.ID) string { return "/users/" + user.String() + "/seen" }

func passwordURL(rec id.ID) string { return "/passwords/" + rec.String() }

func orgURL(org id.ID) string { return "/organizations/" + org.String() }

// first is how many lines a page shows; the export has all.
const first = 500

func pager(n int, one, many string) ui.Pager {
	if n > first {
		return ui.Pager{Words: "The first " + strconv.Itoa(first) + " of " + web.Number(int64(n)) + "; the export has all"}
	}
	return ui.Pager{Words: shell.Counted(int64(n), one, many)}
}
