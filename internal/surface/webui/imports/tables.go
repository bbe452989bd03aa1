package imports

import (
	"encoding/json"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/columns"
	"strongroom/internal/feature/importer/mapping"
)

// A table is imported in three steps: of which kind its rows are, what its columns
// are, and, for columns of choices, which choice a value means. What was said is
// kept with the upload; then the check shows what would happen.

// isTable tells whether an upload is a table by its name.
func isTable(name string) bool {
	return slices.Contains([]string{".csv", ".tsv", ".txt"}, strings.ToLower(path.Ext(name)))
}

// tableKinds lists what rows can become, variants one by one. The value of an
// option is KIND or KIND.VARIANT, or KIND.new for the type of the library that a known
// table needs and that is not there yet.
func (v *visit) tableKinds(tx *gate.Tx, m *columns.Mapping, known *columns.Ready) ([]ui.Option, error) {
	var out []ui.Option
	chosen := chosenKind(m)
	for _, k := range v.Records.Kinds.Kinds() {
		switch {
		case !columns.Importable(k) || !v.May(access.Create, k):
			continue
		case k.Variants == nil:
			out = append(out, ui.Option{Value: k.Name, Label: k.Labels, Selected: chosen == k.Name})
			continue
		}
		p, err := v.Records.List(tx, k.Field(k.Variants.By).Ref, record.Query{Limit: 1000, NoTotal: true})
		if err != nil {
			return nil, err
		}
		wanted := known != nil && known.Type != "" && known.Kind == k.Name
		for _, r := range p.Records {
			value := k.Name + "." + r.ID.String()
			if wanted && m.Variant == 0 && record.Fold(r.Name) == record.Fold(known.Type) {
				m.Variant, chosen = r.ID, value
			}
			out = append(out, ui.Option{Value: value, Label: k.Label + ": " + r.Name, Selected: chosen == value})
		}
		if wanted && m.Variant == 0 && v.May(access.Create, v.Kind(k.Field(k.Variants.By).Ref)) {
			out = append(out, ui.Option{Value: k.Name + newType, Label: k.Label + ": " + known.Type + ", which is made of the library", Selected: true})
		}
	}
	slices.SortStableFunc(out, func(a, b ui.Option) int { return strings.Compare(strings.ToLower(a.Label), strings.ToLower(b.Label)) })
	return out, nil
}

// newType is behind the kind of rows that become assets of a type of the library.
const newType = ".new"

// makeType makes the type of the library that a table needs, and gives the option that
// stands for it.
func (v *visit) makeType(stage id.ID) (string, error) {
	_, seen, err := v.looked(stage)
	if err != nil {
		return "", err
	}
	r := columns.Recognize(seen.Headings)
	if r == nil {
		return "", gate.Missing()
	}
	for _, y := range flexibleasset.Library() {
		if y.Name != r.Type {
			continue
		}
		var typ id.ID
		err := v.Change(access.Create, gate.Thing{Kind: flexibleasset.TypeKind}, func(tx *gate.Tx) (err error) {
			typ, err = y.Make(tx, v.Records)
			return err
		})
		return r.Kind + "." + typ.String(), err
	}
	return "", gate.Missing()
}

// kindOf reads KIND or KIND.VARIANT into a mapping, and gives the kind.
func (v *visit) kindOf(tx *gate.Tx, chosen string, m *columns.Mapping) (*record.Kind, error) {
	name, variant, _ := strings.Cut(chosen, ".")
	if variant != "" {
		n, ok := id.Parse(variant)
		if !ok {
			return nil, gate.Missing()
		}
		m.Variant = n
	}
	m.Kind = name
	if k := v.Kind(name); k == nil || !columns.Importable(k) || k.Variants != nil && m.Variant == 0 {
		return nil, gate.Missing()
	}
	return v.Records.Shape(tx, m.Kind, m.Variant)
}

func chosenKind(m *columns.Mapping) string {
	if m.Variant != 0 {
		return m.Kind + "." + m.Variant.String()
	}
	return m.Kind
}

// tableView is a page of a table that is being mapped.
type tableView struct {
	Head    ui.Head
	Seen    string
	Columns []string
	Rows    [][]string
	Form    *ui.Form
	Hidden  bool // some columns are not shown
	Discard *ui.Action
}

// looked reads the beginning of an upload.
func (v *visit) looked(stage id.ID) (name string, s *columns.Seen, err error) {
	f, err := v.Importer.Upload(v.R.Context(), v.Caller, stage)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	s, err = columns.Look(f, f.Size, f.Name)
	return f.Name, s, err
}

// planned gives the mapping that was chosen before; an empty one when none was.
func (v *visit) planned(stage id.ID) (importer.Options, columns.Mapping, error) {
	var m columns.Mapping
	o, err := v.Importer.Plan(v.R.Context(), v.Caller, stage)
	if err == nil && len(o.Settings) > 0 {
		err = json.Unmarshal(o.Settings, &m)
	}
	return o, m, err
}

// tablePage shows the steps; which one follows from the address: without a kind it
// is the first.
func (v *visit) tablePage() error {
	stage, _, err := v.stage()
	if err != nil {
		return err
	}
	name, seen, err := v.looked(stage)
	if fault.Is(err, fault.Invalid) {
		return v.noTable(stage, err)
	}
	if err != nil {
		return err
	}
	o, m, err := v.planned(stage)
	if err != nil {
		return err
	}
	q := v.R.URL.Query()
	if isVault(o) && q.Get("kind") == "" {
		return web.SeeOther(v.W, v.R, "/import-vaults/"+stage.String())
	}
	view := v.tableViewOf(stage, name, seen)
	err = v.View(func(tx *gate.Tx) error {
		if r := columns.Recognize(seen.Headings); r != nil {
			view.Seen += " This is the table “" + r.Table + "” of " + r.Product + "."
			if m.Kind == "" {
				m.Kind = r.Kind
			}
		}
		if q.Get("kind") == "" {
			view.Form, err = v.kindForm(tx, stage, &m, columns.Recognize(seen.Headings))
			return err
		}
		k, err := v.kindOf(tx, q.Get("kind"), &m)
		if err != nil {
			return err
		}
		if err := v.fill(tx, k, seen, &m, q.Get("mapping")); err != nil {
			return err
		}
		view.Form, err = v.columnForm(tx, stage, k, seen, &m, o)
		v.sample(view, k, seen, &m)
		return err
	})
	if err != nil {
		return err
	}
	return v.renderTable(200, name, view)
}

// fill proposes columns for what was not said yet.
func (v *visit) fill(tx *gate.Tx, k *record.Kind, seen *columns.Seen, m *columns.Mapping, kept string) error {
	if kept != "" {
		have, err := mapping.Find(tx, kept)
		if err != nil {
			return err
		}
		variant, kind := m.Variant, m.Kind
		if err := json.Unmarshal([]byte(have.Data), m); err != nil {
			return err
		}
		m.Variant, m.Kind = variant, kind
	}
	targets, typed := columns.Targets(k), false
	known := func(c columns.Column) bool {
		return slices.Contains(seen.Headings, c.Heading) && (c.Field == "" || slices.ContainsFunc(targets, func(t columns.Target) bool { return t.Name == c.Field }))
	}
	if len(m.Columns) == 0 || !slices.ContainsFunc(m.Columns, func(c columns.Column) bool { return known(c) && c.Field != "" }) {
		m.Columns = columns.Guess(seen.Headings, targets)
		if r := columns.Recognize(seen.Headings); r != nil && r.Kind == m.Kind {
			m.Columns, typed = r.Columns(seen.Headings, targets), r.Type != ""
		}
		m.Match = ""
		if typed || slices.ContainsFunc(m.Columns, func(c columns.Column) bool { return c.Field == "name" }) {
			m.Match = columns.MatchName
		}
	}
	m.Columns = slices.DeleteFunc(m.Columns, func(c columns.Column) bool { return !known(c) })
	return nil
}

func (v *visit) tableViewOf(stage id.ID, name string, seen *columns.Seen) *tableView {
	at := "/import-checks/" + stage.String()
	return &tableView{Head: ui.Head{Title: name, Icon: "table", Sub: []ui.Cell{{Text: "Nothing is imported yet"}}},
		Seen:    seen.Encoding + ", " + strconv.Itoa(len(seen.Headings)) + " columns between " + seen.Separator + ".",
		Discard: &ui.Action{Label: "Discard this upload", Icon: "trash", Href: at + "/discard", Post: true, Quiet: true}}
}

// sample shows the first rows; of a kind with secrets, only the columns that are
// certainly none.
func (v *visit) sample(view *tableView, k *record.Kind, seen *columns.Seen, m *columns.Mapping) {
	for i, h := range seen.Headings {
		if !shows(k, m, h) {
			view.Hidden = true
			continue
		}
		view.Columns = append(view.Columns, h)
		for r, row := range seen.Rows {
			if len(view.Rows) <= r {
				view.Rows = append(view.Rows, nil)
			}
			view.Rows[r] = append(view.Rows[r], cut(row[i], 60))
		}
	}
}

// shows tells whether the cells of a column may be shown.
func shows(k *record.Kind, m *columns.Mapping, heading string) bool {
	secrets := slices.ContainsFunc(k.Fields, func(f record.Field) bool { return f.Type == record.Secret })
	i := slices.IndexFunc(m.Columns, func(c columns.Column) bool { return c.Heading == heading })
	field := ""
	if i >= 0 {
		field = m.Columns[i].Field
	}
	f := k.Field(field)
	return !secrets || field != "" && (f == nil || f.Type != record.Secret)
}

func cut(s string, most int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

func (v *visit) renderTable(status int, name string, view *tableView) error {
	p, err := v.Page(name, ui.Crumb{Label: "Import", Href: "/imports"}, ui.Crumb{Label: name})
	if err != nil {
		return err
	}
	p.Data = view
	return v.RenderStatus(status, "table", p)
}

// noTable says why an upload is no table.
func (v *visit) noTable(stage id.ID, err error) error {
	say := fault.Say(err)
	name, e := v.stagedName(stage)
	if e != nil {
		return e
	}
	view := &importView{Head: ui.Head{Title: name, Icon: "table"}, Failed: &ui.Problem{Icon: "alert-triangle", Title: "This file cannot be read as a table", Text: say.Text, Hint: say.Hint,
		Actions: []ui.Action{{Label: "Back to imports", Href: "/imports", Primary: true}}},
		Discard: &ui.Action{Label: "Discard this upload", Icon: "trash", Href: "/import-checks/" + stage.String() + "/discard", Post: true, Quiet: true}}
	p, err := v.Page(name, ui.Crumb{Label: "Import", Href: "/imports"}, ui.Crumb{Label: name})
	if err != nil {
		return err
	}
	p.Data = view
	return v.RenderStatus(web.Status(fault.New(fault.Invalid, "")), "import", p)
}

// kindForm is the first step.
func (v *visit) kindForm(tx *gate.Tx, stage id.ID, m *columns.Mapping, known *columns.Ready) (*ui.Form, error) {
	kinds, err := v.tableKinds(tx, m, known)
	if err != nil {
		return nil, err
	}
	f := &ui.Form{Action: "/import-tables/" + stage.String() + "/kind", Submit: "Go on to the columns", Fields: []ui.Field{
		{Name: "kind", Label: "The rows are", Type: "select", Required: true, Value: chosenKind(m), Options: kinds, Wide: true, Focus: true},
	}}
	kept, err := mapping.List(tx, "")
	if err != nil {
		return nil, err
	}
	if len(kept) > 0 {
		var options []ui.Option
		for _, k := range kept {
			options = append(options, ui.Option{Value: k.Name, Label: k.Name})
		}
		f.Fields = append(f.Fields, ui.Field{Name: "mapping", Label: "Map the columns as before", Type: "select", Options: options, Wide: true, Hint: "A mapping that was kept. Empty: the columns are guessed by their headings."})
	}
	return f, nil
}

// chooseKind ends the first step.
func (v *visit) chooseKind() error {
	stage, _, err := v.stage()
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	form.Require("kind")
	if err := form.Err(); err != nil {
		return err
	}
	kind := form.Text("kind")
	if strings.HasSuffix(kind, newType) {
		if kind, err = v.makeType(stage); err != nil {
			return err
		}
	}
	to := "/import-tables/" + stage.String() + "?kind=" + url.QueryEscape(kind)
	if s := form.Text("mapping"); s != "" {
		to += "&mapping=" + url.QueryEscape(s)
	}
	return web.SeeOther(v.W, v.R, to)
}

// deleteMapping forgets a mapping.
func (v *visit) deleteMapping() error {
	mid, err := v.ID("id")
	if err != nil {
		return err
	}
	err = v.Change(access.Import, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Entry().Detail.Text = "deleted a mapping of columns"
		return mapping.Delete(tx, mid)
	})
	if err != nil {
		return err
	}
	return v.Done("/imports", "The mapping is deleted.")
}
