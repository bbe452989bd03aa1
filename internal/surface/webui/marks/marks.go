// Package marks holds what stands out on a record: its flags and alerts, and the
// page on which they are put on.
//
// Always true: an alert of an organization stands above the page of everything
// that it has; everything works with the keyboard alone and without script.
package marks

import (
	"embed"
	"io/fs"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/alert"
	"strongroom/internal/feature/flag"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others. The flags and
// alerts of a record are at /marks/RECORD.
func (p *Pages) Mount(s *shell.Shell) {
	if s.Records.Kinds.Kind(flag.Kind) == nil {
		return
	}
	s.Marks(stand)
	s.Get("/marks/{id}", p.as((*visit).marks))
	s.Post("/marks/{id}/flags", p.as((*visit).setFlags))
	s.Post("/marks/{id}/alerts", p.as((*visit).putAlert))
	s.Post("/marks/{id}/alerts/{alert}/end", p.as((*visit).endAlert))
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

func marksURL(rec id.ID) string { return "/marks/" + rec.String() }

// stand puts a record's flags and alerts into its head.
func stand(v *shell.Visit, tx *gate.Tx, r *record.Record, h *ui.Head) error {
	flags, err := flag.Of(tx, r.ID)
	if err != nil {
		return err
	}
	for _, f := range flags {
		h.Sub = append(h.Sub, ui.Cell{Type: "pill", Text: f.Name, Tone: f.Colour, Icon: "flag"})
	}
	alerts, err := alert.Current(tx, r.ID, r.Org)
	if err != nil {
		return err
	}
	for _, a := range alerts {
		n := ui.Notice{Tone: tone(a.Severity), Text: a.Text}
		if a.Severity == alert.Critical {
			n.Label = "Critical"
		}
		if a.Record == r.ID && v.MayTo(access.Edit, r) {
			n.Link, n.Href = "Change", marksURL(r.ID)
		}
		h.Alerts = append(h.Alerts, n)
	}
	if v.MayTo(access.Edit, r) && markable(r.Kind) {
		h.Actions = append([]ui.Action{{Label: "Flags and alerts", Icon: "flag", Href: marksURL(r.ID), Quiet: true, IconOnly: true}}, h.Actions...)
	}
	return nil
}

// markable tells whether records of a kind bear flags and alerts: what customers
// document.
func markable(k *record.Kind) bool {
	return k.Scope == record.OfOrganization || k.Scope == record.Organization
}

func tone(s alert.Severity) string {
	return map[alert.Severity]string{alert.Information: "info", alert.Warning: "warn", alert.Critical: "bad"}[s]
}

// marksPage is the page of a record's flags and alerts.
type marksPage struct {
	Head   ui.Head
	At     string
	May    bool
	Flags  []flagLine
	Manage string // where flags are made, for who may
	Wrong  string // of the flags
	Alerts []alertLine
	Form   ui.Form
}

type flagLine struct {
	ID      string
	Pill    ui.Pill
	Meaning string
	On      bool
}

type alertLine struct {
	Pill  ui.Pill
	Text  string
	Until string
	By    ui.Cell
	Who   string
	Over  bool
	End   string // address; empty for who may not
}

func (v *visit) marks() error { return v.page(alert.Alert{Severity: alert.Warning}, nil) }

// page shows the flags and alerts of a record; what was sent is shown again with
// what was wrong with it.
func (v *visit) page(sent alert.Alert, wrong error) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	d := marksPage{At: marksURL(rid)}
	var r *record.Record
	err = v.View(func(tx *gate.Tx) (err error) {
		if r, err = v.Records.Get(tx, "", rid); err != nil {
			return err
		}
		if d.May = v.MayTo(access.Edit, r); !markable(r.Kind) {
			return gate.Missing()
		}
		if d.Flags, err = v.flagLines(tx, rid); err != nil {
			return err
		}
		list, err := alert.All(tx, rid)
		for _, a := range list {
			d.Alerts = append(d.Alerts, v.alertLine(a, d.May))
		}
		return err
	})
	if err != nil {
		return err
	}
	d.Head = ui.Head{Title: "Flags and alerts", Icon: "flag", Sub: []ui.Cell{{Text: r.Name, Href: shell.RecordURL(r.Kind, r.ID)}}}
	if v.May(access.Create, v.Kind(flag.Kind)) {
		d.Manage = shell.ListURL(v.Kind(flag.Kind))
	}
	d.Form = form(d.At, sent)
	if d.Form.Note = "It stands above the page of this record."; r.Kind.Scope == record.Organization {
		d.Form.Note = "It stands above this organization and everything that it has."
	}
	if wrong != nil {
		said := fault.Say(wrong)
		if d.Wrong = said.Fields["flags"]; d.Wrong == "" {
			d.Form.Wrong(said.Text, said.Hint, said.Fields)
		}
	}
	p, err := v.Page("Flags and alerts of "+r.Name, append(v.CrumbsOf(r), ui.Crumb{Label: "Flags and alerts"})...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(web.Status(wrong), "marks", p)
}

func (v *visit) flagLines(tx *gate.Tx, rec id.ID) ([]flagLine, error) {
	all, err := flag.List(tx)
	if err != nil {
		return nil, err
	}
	now, err := flag.Of(tx, rec)
	if err != nil {
		return nil, err
	}
	on := map[id.ID]bool{}
	for _, f := range now {
		on[f.ID] = true
	}
	var out []flagLine
	for _, f := range all {
		out = append(out, flagLine{ID: f.ID.String(), Pill: ui.Pill{Text: f.Name, Tone: f.Colour, Icon: "flag"}, Meaning: f.Meaning, On: on[f.ID]})
	}
	return out, nil
}

func (v *visit) alertLine(a alert.Alert, may bool) alertLine {
	l := alertLine{Pill: ui.Pill{Text: shell.Capital(string(a.Severity)), Tone: tone(a.Severity)}, Text: a.Text, By: ui.Cell{Type: "date", Time: shell.When(a.At)}, Who: a.Author, Over: a.Over}
	switch {
	case a.Ended != 0:
		l.Until = "ended"
	case a.Until != "" && a.Over:
		l.Until = "until " + a.Until + ", over"
	case a.Until != "":
		l.Until = "until " + a.Until
	}
	if may && !a.Over {
		l.End = marksURL(a.Record) + "/alerts/" + a.ID.String() + "/end"
	}
	return l
}

func form(at string, a alert.Alert) ui.Form {
	severity := ui.Field{Name: "severity", Label: "How much it matters", Type: "select", Required: true, Value: string(a.Severity)}
	for _, s := range alert.Severities() {
		severity.Options = append(severity.Options, ui.Option{Value: string(s), Label: shell.Capital(string(s)), Selected: s == a.Severity})
	}
	return ui.Form{ID: "alert-form", Action: at + "/alerts", Submit: "Put on", Fields: []ui.Field{
		{Type: "heading", Label: "A new alert"},
		{Name: "text", Label: "What must be known", Type: "text", Value: a.Text, Required: true, Wide: true, Most: alert.MaxText, Hint: "Such as: Do not restart anything on Fridays."},
		severity, {Name: "until", Label: "Until", Type: "date", Value: a.Until, Hint: "The last day. Empty for always."}}}
}

// on changes something of the record of the address.
func (v *visit) on(do func(tx *gate.Tx, rec id.ID, f *web.Form) error) (string, *web.Form, error) {
	rid, err := v.ID("id")
	if err != nil {
		return "", nil, err
	}
	f, err := v.Form()
	if err != nil {
		return "", nil, err
	}
	to := ""
	err = v.Change(access.Edit, gate.Thing{ID: rid}, func(tx *gate.Tx) error {
		r, err := v.Records.Get(tx, "", rid)
		if err != nil {
			return err
		}
		if !markable(r.Kind) {
			return gate.Missing()
		}
		to = shell.RecordURL(r.Kind, rid)
		return do(tx, rid, f)
	})
	return to, f, err
}

func (v *visit) setFlags() error {
	to, _, err := v.on(func(tx *gate.Tx, rec id.ID, f *web.Form) error {
		var list []id.ID
		for _, s := range f.All("flag") {
			if i, ok := id.Parse(s); ok {
				list = append(list, i)
			}
		}
		return flag.Set(tx, rec, list)
	})
	if fault.Is(err, fault.Invalid) {
		return v.page(alert.Alert{Severity: alert.Warning}, err)
	}
	if err != nil {
		return err
	}
	return v.Done(to, "The flags are set.")
}

func (v *visit) putAlert() error {
	var a alert.Alert
	to, _, err := v.on(func(tx *gate.Tx, rec id.ID, f *web.Form) error {
		a = alert.Alert{Severity: alert.Severity(f.Text("severity")), Text: f.Text("text"), Until: f.Text("until")}
		_, err := alert.Put(tx, rec, a)
		return err
	})
	if fault.Is(err, fault.Invalid) {
		return v.page(a, err)
	}
	if err != nil {
		return err
	}
	return v.Done(to, "The alert stands above it.")
}

func (v *visit) endAlert() error {
	aid, err := v.ID("alert")
	if err != nil {
		return err
	}
	_, _, err = v.on(func(tx *gate.Tx, rec id.ID, _ *web.Form) error { return alert.End(tx, rec, aid) })
	if err != nil {
		return err
	}
	return v.Done("/marks/"+v.R.PathValue("id"), "The alert is ended.")
}
