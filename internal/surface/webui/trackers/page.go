package trackers

import (
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/textdiff"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/tracker"
	"strongroom/internal/feature/tracker/seen"
	"strongroom/internal/surface/webui/shell"
)

// view is the page of a record's trackers.
type view struct {
	Head   ui.Head
	Notice string
	Cards  []card
}

// card is one tracker.
type card struct {
	ID, Title, Icon string
	Pill            ui.Pill
	Checked, Next   *ui.Cell
	Error, Hint     string
	Findings        []finding
	Fields          []field
	Facts           []ui.Prop
	Since           *ui.Cell
	History         []version
}

type finding struct {
	Tone, Icon, Text, Do string
}

// field is a field of the record that holds something else than was found.
type field struct {
	Label, Have, Found string
	Take               *ui.Action
}

type version struct {
	Number  int64
	At      ui.Cell
	Changes []ui.Change
}

// load reads the record that the address names.
func (v *visit) load(tx *gate.Tx) (*record.Record, error) {
	rid, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	r, err := v.Records.Get(tx, "", rid)
	if err != nil {
		return nil, err
	}
	if !v.Checker.Follows(r.Kind.Name) {
		return nil, gate.Missing()
	}
	return r, nil
}

func (v *visit) page() error {
	d := &view{}
	var r *record.Record
	err := v.View(func(tx *gate.Tx) (err error) {
		if r, err = v.load(tx); err != nil {
			return err
		}
		states, err := v.Checker.Of(tx, r)
		if err != nil {
			return err
		}
		paused, err := v.Checker.Paused(tx, r.ID)
		if err != nil {
			return err
		}
		fields, err := v.Checker.Fields(tx, r)
		if err != nil {
			return err
		}
		for _, s := range states {
			c, err := v.card(tx, r, s, fields, paused)
			if err != nil {
				return err
			}
			d.Cards = append(d.Cards, c)
		}
		uncertified, err := v.Checker.Certified(tx, r, states)
		d.Head = v.head(r, paused, uncertified)
		d.Notice = v.notice(r, paused)
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page("Trackers of "+r.Name, append(v.CrumbsOf(r), ui.Crumb{Label: "Trackers"})...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("tracked", p)
}

func (v *visit) notice(r *record.Record, paused bool) string {
	switch {
	case v.Checker.Off:
		return "This server makes no connections to the outside, so nothing is checked. Its operator can change that."
	case r.Archived:
		return "This is archived, so nothing is checked any more."
	case paused:
		return "Somebody has stopped the trackers of this record. What stands here was found before."
	}
	return ""
}

// head is the top of the page with its buttons.
func (v *visit) head(r *record.Record, paused, uncertified bool) ui.Head {
	h := ui.Head{Title: "Trackers", Icon: "radar", Sub: []ui.Cell{{Text: r.Name, Href: shell.RecordURL(r.Kind, r.ID)}, {Text: r.Kind.Label}}}
	at := pageURL(r)
	if k := v.Kind("ssl_certificate"); uncertified && k != nil && v.May(access.Create, k) {
		h.Actions = append(h.Actions, ui.Action{Label: "Add its certificate", Icon: "certificate", Href: at + "/certificate", Post: true, Quiet: true})
	}
	if !v.MayTo(access.Edit, r) {
		return h
	}
	a := ui.Action{Label: "Stop", Icon: "player-pause", Href: at + "/pause", Post: true, Quiet: true, Fields: []ui.Hidden{{Name: "on", Value: "1"}}}
	if paused {
		a.Label, a.Icon, a.Fields = "Go on", "player-play", []ui.Hidden{{Name: "on", Value: "0"}}
	}
	h.Actions = append(h.Actions, a)
	if !v.Checker.Off {
		h.Actions = append(h.Actions, ui.Action{Label: "Check now", Icon: "refresh", Href: at + "/check", Post: true, Primary: true})
	}
	return h
}

func (v *visit) card(tx *gate.Tx, r *record.Record, s *tracker.State, fields []tracker.Field, paused bool) (card, error) {
	t := v.Checker.Find(s.Tracker)
	c := card{ID: t.Name, Title: t.Title, Icon: t.Icon, Pill: pill(s)}
	if s.Checked != 0 {
		x := ago(s.Checked)
		c.Checked = &x
	}
	if s.Next != 0 && !paused && !v.Checker.Off && !r.Archived {
		c.Next = &ui.Cell{Type: "datetime", Time: shell.When(s.Next)}
	}
	if s.Failures > 0 {
		c.Error, c.Hint = s.Error, s.Hint
		if s.Failures > 1 {
			c.Error += " That was so " + strconv.Itoa(s.Failures) + " times in a row."
		}
	}
	c.Findings = findings(s.Findings)
	for _, f := range fields {
		if f.Tracker != t.Name || !f.Pinned {
			continue
		}
		x := field{Label: r.Kind.Field(f.Name).Title(), Have: r.Values.Text(f.Name), Found: f.Found}
		if v.MayTo(access.Edit, r) {
			x.Take = &ui.Action{Label: "Take over", Icon: "check", Href: pageURL(r) + "/take", Post: true, Fields: []ui.Hidden{{Name: "field", Value: f.Name}}}
		}
		c.Fields = append(c.Fields, x)
	}
	list, err := v.Checker.Versions(tx, r.ID, t.Name)
	if err != nil || len(list) == 0 {
		return c, err
	}
	c.Facts = props(list[0].Facts)
	c.Since = &ui.Cell{Type: "date", Time: shell.When(list[0].At)}
	c.History = history(list)
	return c, nil
}

// findings puts what is to be done before what is in order.
func findings(list []seen.Finding) (out []finding) {
	for level := seen.Bad; level >= seen.Good; level-- {
		for _, f := range list {
			if f.Level == level {
				look := []struct{ tone, icon string }{{"ok", "check"}, {"info", "info-circle"}, {"warn", "alert-triangle"}, {"bad", "alert-triangle"}}[level]
				out = append(out, finding{look.tone, look.icon, f.Text, f.Do})
			}
		}
	}
	return out
}

// props reads facts as they are kept: a label and a value, or a label and lines.
func props(facts string) (out []ui.Prop) {
	for l := range strings.SplitSeq(facts, "\n") {
		if value, ok := strings.CutPrefix(l, "  "); ok && len(out) > 0 {
			last := &out[len(out)-1]
			last.Cells = append(last.Cells, ui.Cell{Type: "mono", Text: value})
			continue
		}
		label, value, _ := strings.Cut(l, ":")
		p := ui.Prop{Label: label}
		if value = strings.TrimSpace(value); value != "" {
			p.Cells = []ui.Cell{{Text: value}}
		}
		if label != "" {
			out = append(out, p)
		}
	}
	return out
}

// history compares each version with the one before it.
func history(list []tracker.Version) (out []version) {
	for i := range len(list) - 1 {
		var lines []ui.DiffLine
		for _, l := range textdiff.Lines(list[i+1].Facts, list[i].Facts) {
			if l.Op == textdiff.Both && !strings.HasSuffix(l.Text(), ":") {
				continue
			}
			x := ui.DiffLine{Op: string(l.Op)}
			for _, p := range l.Parts {
				x.Parts = append(x.Parts, ui.DiffPart{Text: p.Text, Changed: p.Changed && len(l.Parts) > 1})
			}
			lines = append(lines, x)
		}
		out = append(out, version{Number: list[i].Number, At: ui.Cell{Type: "datetime", Time: shell.When(list[i].At)}, Changes: []ui.Change{{Label: "Changed", Lines: headed(lines)}}})
	}
	return out
}

// headed leaves out labels under which nothing changed.
func headed(lines []ui.DiffLine) (out []ui.DiffLine) {
	for i, l := range lines {
		if l.Op != " " || i+1 < len(lines) && lines[i+1].Op != " " && strings.HasPrefix(text(lines[i+1]), "  ") {
			out = append(out, l)
		}
	}
	return out
}

func text(l ui.DiffLine) string {
	if len(l.Parts) == 0 {
		return ""
	}
	return l.Parts[0].Text
}

// about reads the record that a form is about.
func (v *visit) about() (r *record.Record, err error) {
	err = v.View(func(tx *gate.Tx) (err error) { r, err = v.load(tx); return err })
	return r, err
}

func (v *visit) check() error {
	r, err := v.about()
	if err != nil {
		return err
	}
	err = v.Checker.Ask(v.R.Context(), v.Caller, r.Kind.Name, r.ID)
	if fault.Is(err, fault.Throttled) {
		return v.Done(pageURL(r), "%s %s", fault.Say(err).Text, fault.Say(err).Hint)
	}
	if err != nil {
		return err
	}
	return v.Done(pageURL(r), "%s was checked.", r.Name)
}

func (v *visit) pause() error {
	r, err := v.about()
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	on := form.Text("on") == "1"
	if err := v.Checker.Pause(v.R.Context(), v.Caller, r.Kind.Name, r.ID, on); err != nil {
		return err
	}
	if on {
		return v.Done(pageURL(r), "The trackers of %s are stopped.", r.Name)
	}
	return v.Done(pageURL(r), "%s is followed again.", r.Name)
}

func (v *visit) take() error {
	r, err := v.about()
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	if err := v.Checker.Take(v.R.Context(), v.Caller, r.Kind.Name, r.ID, form.Text("field")); err != nil {
		return err
	}
	return v.Done(pageURL(r), "%s holds what was found, and follows it from now on.", r.Kind.Field(form.Text("field")).Title())
}

func (v *visit) certificate() error {
	r, err := v.about()
	if err != nil {
		return err
	}
	made, err := v.Checker.Certificate(v.R.Context(), v.Caller, r.ID)
	if err != nil {
		return err
	}
	return v.Done(shell.RecordURL(made.Kind, made.ID), "%s was added; it follows what the host presents.", made.Name)
}
