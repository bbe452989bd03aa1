// Package trackers holds the pages of what was found outside about records: their
// registration, DNS records, certificates and mail.
//
// Always true: who sees a record sees what was found of it, and nobody else; what
// is to be done stands before what is in order; a page never asks outside, only the
// button does.
package trackers

import (
	"embed"
	"io/fs"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/tracker"
	"strongroom/internal/feature/tracker/seen"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Checker *tracker.Checker }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Nav(shell.Entry{Label: "Trackers", Href: "/trackers", Icon: "radar", Place: 101})
	s.Get("/trackers", p.as((*visit).list))
	s.Get("/trackers/{id}", p.as((*visit).page))
	s.Post("/trackers/{id}/check", p.as((*visit).check))
	s.Post("/trackers/{id}/pause", p.as((*visit).pause))
	s.Post("/trackers/{id}/take", p.as((*visit).take))
	s.Post("/trackers/{id}/certificate", p.as((*visit).certificate))
	s.Rail(shell.RailPart{Draw: func(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
		return (&visit{v, p}).section(tx, r)
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

func pageURL(r *record.Record) string { return "/trackers/" + r.ID.String() }

// section is the part of a record's rail that says how its trackers stand.
func (v *visit) section(tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	if !v.Checker.Follows(r.Kind.Name) {
		return nil, nil
	}
	states, err := v.Checker.Of(tx, r)
	if err != nil {
		return nil, err
	}
	paused, err := v.Checker.Paused(tx, r.ID)
	if err != nil {
		return nil, err
	}
	s := &ui.Section{Title: "Trackers", More: &ui.NavItem{Label: "Findings", Href: pageURL(r)}}
	if paused {
		s.Text = "Nothing is checked at present: somebody has stopped it."
	}
	for _, st := range states {
		p := pill(st)
		s.Items = append(s.Items, ui.Item{Title: v.Checker.Find(st.Tracker).Title, Sub: line(st), Href: pageURL(r) + "#" + st.Tracker, Icon: v.Checker.Find(st.Tracker).Icon, Pill: &p})
	}
	return s, nil
}

// line says in a few words what was found.
func line(s *tracker.State) string {
	switch {
	case s.Failures > 0 && s.Version == 0:
		return s.Error
	case s.Checked == 0:
		return "Not checked yet"
	}
	return s.Summary
}

// pill says how a state is to be taken.
func pill(s *tracker.State) ui.Pill {
	switch {
	case s.Checked == 0:
		return ui.Pill{Text: "Waiting"}
	case s.Level == seen.Bad:
		return ui.Pill{Text: "Problem", Tone: "bad"}
	case s.Failures > 0:
		return ui.Pill{Text: "No answer", Tone: "warn"}
	case s.Level == seen.Warn:
		return ui.Pill{Text: "Look at it", Tone: "warn"}
	case s.Level == seen.Note:
		return ui.Pill{Text: "Notes", Tone: "info"}
	}
	return ui.Pill{Text: "In order", Tone: "ok"}
}
