package sensitive

import (
	"net/http"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/sealed"
	"strongroom/internal/feature/sensitive"
	"strongroom/internal/surface/webui/shell"
)

// listView is the page of the marked fields.
type listView struct {
	Head    ui.Head
	Lines   []line
	Empty   ui.Empty
	Dialogs []ui.Confirm
}

type line struct {
	Name, What string
	Icon       string
	Pill       ui.Pill
	Do         *ui.Action
}

func (v *visit) list() error {
	var list []sensitive.Line
	if err := v.View(func(tx *gate.Tx) (err error) { list, err = v.Fields.List(tx); return err }); err != nil {
		return err
	}
	add := ui.Action{Label: "Seal a field", Icon: "plus", Href: settings + "/new", Primary: true}
	d := listView{Head: ui.Head{Title: "Sensitive fields", Icon: "lock", Sub: []ui.Cell{{Text: "Their values are sealed: in no list, search or history, and in exports only where the setting of exports says so. Who may see passwords may see them; each look is recorded."}}, Actions: []ui.Action{add}},
		Empty: ui.Empty{Icon: "lock", Title: "No field is sealed", Text: "Seal what not everybody who sees a record needs: identity numbers, salaries, private telephone numbers."}}
	for _, l := range list {
		x := lineOf(l)
		if l.State == sealed.Done && !l.Busy {
			c := ui.Confirm{ID: "open-" + l.Kind + "-" + l.Field, Title: "Open " + x.Name + "?", Text: "Its values go back into records, histories, search and exports, for everybody who may see the records.",
				Action: settings + "/open?" + query(l.Mark), Submit: "Open", Danger: true}
			d.Dialogs = append(d.Dialogs, c)
			x.Do = &ui.Action{Label: "Open", Href: c.Action, Post: true, Quiet: true, Dialog: c.ID}
		}
		d.Lines = append(d.Lines, x)
	}
	p, err := v.Page("Sensitive fields", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Sensitive fields"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("sealed-fields", p)
}

func query(m sealed.Mark) string { return "kind=" + m.Kind + "&field=" + m.Field }

func lineOf(l sensitive.Line) line {
	x := line{Name: l.Kind + ", " + l.Field, Icon: "lock", What: "Not found by its value"}
	if l.Shape != nil {
		x.Name, x.Icon = l.Shape.Labels+": "+l.Of.Title(), l.Shape.Icon
	}
	if l.Exact {
		x.What = "Found by its whole value"
	}
	again := &ui.Action{Label: "Go on", Href: settings + "/resume?" + query(l.Mark), Post: true, Quiet: true}
	switch {
	case l.State == sealed.Done:
		x.Pill = ui.Pill{Text: "Sealed", Tone: "ok"}
	case l.Busy && l.State == sealed.Sealing:
		x.Pill = ui.Pill{Text: "Being sealed", Tone: "info"}
	case l.Busy:
		x.Pill = ui.Pill{Text: "Being opened", Tone: "info"}
	case l.State == sealed.Sealing:
		x.Pill, x.Do = ui.Pill{Text: "Sealing was stopped", Tone: "warn"}, again
	default:
		x.Pill, x.Do = ui.Pill{Text: "Opening was stopped", Tone: "warn"}, again
	}
	return x
}

// newView is the page on which a field is chosen: of which kind first.
type newView struct {
	Head  ui.Head
	Kinds []ui.Item
	Form  *ui.Form
}

// choice is a kind, or a variant of one.
type choice struct {
	kind    string
	variant id.ID
}

func (c choice) String() string {
	if c.variant == 0 {
		return c.kind
	}
	return c.kind + ":" + c.variant.String()
}

func parse(s string) choice {
	kind, variant, _ := strings.Cut(s, ":")
	n, _ := id.Parse(variant)
	return choice{kind, n}
}

func (v *visit) choose() error {
	of := v.R.URL.Query().Get("kind")
	return v.newPage(of, func(string) string { return "" }, nil)
}

func (v *visit) newPage(of string, value func(string) string, refused error) error {
	d := newView{Head: ui.Head{Title: "Seal a field", Icon: "lock"}}
	err := v.View(func(tx *gate.Tx) (err error) {
		if of == "" {
			d.Head.Sub = []ui.Cell{{Text: "Of what?"}}
			d.Kinds, err = v.kinds(tx)
			return err
		}
		c := parse(of)
		k, err := v.Records.Shape(tx, c.kind, c.variant)
		if err != nil {
			return err
		}
		marks, err := sealed.Of(tx, k.Name)
		if err != nil {
			return err
		}
		d.Head.Sub = []ui.Cell{{Text: k.Labels}}
		d.Form = fieldForm(k, of, marks, value)
		return nil
	})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if refused != nil && d.Form != nil {
		said := fault.Say(refused)
		status = web.Status(refused)
		d.Form.Wrong(said.Text, said.Hint, said.Fields)
	}
	p, err := v.Page(d.Head.Title, ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Sensitive fields", Href: settings}, ui.Crumb{Label: d.Head.Title})
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(status, "sealed-new", p)
}

// kinds lists what has fields that can be sealed.
func (v *visit) kinds(tx *gate.Tx) ([]ui.Item, error) {
	var out []ui.Item
	for _, k := range v.Records.Kinds.Kinds() {
		if k.Variants != nil {
			page, err := v.Records.List(tx, k.Field(k.Variants.By).Ref, record.Query{Limit: 500, NoTotal: true})
			if err != nil {
				return nil, err
			}
			for _, r := range page.Records {
				s, err := v.Records.Shape(tx, k.Name, r.ID)
				if err != nil {
					return nil, err
				}
				out = append(out, ui.Item{Title: r.Name, Icon: s.Icon, Href: settings + "/new?kind=" + choice{k.Name, r.ID}.String()})
			}
			continue
		}
		for i := range k.Fields {
			if sensitive.Unfit(k, &k.Fields[i]) == "" {
				out = append(out, ui.Item{Title: k.Labels, Icon: k.Icon, Href: settings + "/new?kind=" + k.Name})
				break
			}
		}
	}
	return out, nil
}

func fieldForm(k *record.Kind, of string, marks map[string]sealed.Mark, value func(string) string) *ui.Form {
	var options []ui.Option
	for i := range k.Fields {
		f := &k.Fields[i]
		if _, marked := marks[f.Name]; !marked && sensitive.Unfit(k, f) == "" {
			o := ui.Option{Value: f.Name, Label: f.Title(), Selected: f.Name == value("field")}
			if !sensitive.Comparable(f) {
				o.Label += " (cannot be found by its value)"
			}
			options = append(options, o)
		}
	}
	return &ui.Form{Action: settings + "/new", Submit: "Seal it", Cancel: settings, Hidden: []ui.Hidden{{Name: "kind", Value: of}},
		Note: "Values from before are sealed in the background, in the histories too. Sorting and searching for parts of it end.",
		Fields: []ui.Field{
			{Name: "field", Label: "Field", Type: "select", Required: true, Value: value("field"), Options: options, Focus: true,
				Hint: "Names, references, secrets and what rules of the house read cannot be sealed."},
			{Name: "exact", Label: "Records can be found by the whole value", Type: "checkbox", Checked: value("exact") != "", Wide: true,
				Hint: "By who may see the value. The database then tells which records have the same one, and no more."},
		}}
}

func (v *visit) mark() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	of := form.Text("kind")
	_, err = v.Fields.Mark(v.R.Context(), v.Caller, parse(of).kind, form.Text("field"), form.Bool("exact"))
	if shell.Refusable(err) && of != "" {
		return v.newPage(of, form.Text, err)
	}
	if err != nil {
		return err
	}
	return v.Done(settings, "The field is being sealed.")
}

func (v *visit) open() error {
	q := v.R.URL.Query()
	if _, err := v.Fields.Unmark(v.R.Context(), v.Caller, q.Get("kind"), q.Get("field")); err != nil {
		return err
	}
	return v.Done(settings, "The field is being opened.")
}

// resume begins again what was stopped.
func (v *visit) resume() error {
	q := v.R.URL.Query()
	var marks map[string]sealed.Mark
	if err := v.View(func(tx *gate.Tx) (err error) { marks, err = sealed.Of(tx, q.Get("kind")); return err }); err != nil {
		return err
	}
	m, ok := marks[q.Get("field")]
	if !ok {
		return gate.Missing()
	}
	if m.State == sealed.Opening {
		return v.open()
	}
	if _, err := v.Fields.Mark(v.R.Context(), v.Caller, m.Kind, m.Field, m.Exact); err != nil {
		return err
	}
	return v.Done(settings, "The field is being sealed.")
}
