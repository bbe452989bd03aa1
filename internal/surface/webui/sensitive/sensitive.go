// Package sensitive holds the pages on which administrators say which fields are
// sensitive, and on which a sealed value is shown.
//
// Always true: a value is on no page but the answer to the one request that asked
// for it and was recorded; everything works with the keyboard alone and without
// script.
package sensitive

import (
	"embed"
	"html/template"
	"io/fs"
	"strconv"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/sensitive"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Fields *sensitive.Fields }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Manage(shell.ToSecrets, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Sensitive fields", Sub: "Sealed, and each look recorded", Href: settings, Icon: "lock"}}
	})
	s.Get(settings, shell.Administering(p.as((*visit).list)))
	s.Get(settings+"/new", shell.Administering(p.as((*visit).choose)))
	s.Post(settings+"/new", shell.Administering(p.as((*visit).mark)))
	s.Post(settings+"/open", shell.Administering(p.as((*visit).open)))
	s.Post(settings+"/resume", shell.Administering(p.as((*visit).resume)))
	s.Post("/sealed/{id}", p.as((*visit).show))
	s.Rail(shell.RailPart{Draw: beside, OrgToo: true})
}

const settings = "/settings/fields"

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	*Pages
}

// as makes a handler of the shell.
func (p *Pages) as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v, p}) }
}

// beside is the part of a record's rail that names what is sealed of it.
func beside(v *shell.Visit, _ *gate.Tx, r *record.Record) (*ui.Section, error) {
	if len(r.Hidden) == 0 {
		return nil, nil
	}
	s := &ui.Section{Title: "Sealed", Text: "Each look is recorded."}
	may := v.MayTo(access.Reveal, r)
	if !may {
		s.Text = "Your role may not see these values."
	}
	for _, name := range r.Hidden {
		f := r.Kind.Field(name)
		if f == nil {
			continue
		}
		it := ui.Item{Title: f.Title(), Icon: "lock"}
		if may {
			it.Action = &ui.Action{Label: "Show", Icon: "eye", Href: "/sealed/" + r.ID.String(), Post: true, Quiet: true, Fields: []ui.Hidden{{Name: "field", Value: name}}}
		}
		s.Items = append(s.Items, it)
	}
	return s, nil
}

// shown is the page of one value.
type shown struct {
	Head  ui.Head
	Label string
	Text  string
	Prose template.HTML
	Table *rows
	Was   string // of which version it is, when it is not the present one
	Back  ui.Action
	Again []ui.Action // earlier values
}

// rows are those of a value that is a list.
type rows struct {
	Columns []string
	Lines   [][]string
}

func (v *visit) show() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	version := max(form.Int("version"), 0)
	val, err := v.Fields.Show(v.R.Context(), v.Caller, rid, form.Text("field"), version, "")
	if err != nil {
		return err
	}
	r, f := val.Record, val.Field
	d := shown{Head: ui.Head{Title: f.Title() + " of " + r.Name, Icon: "lock"}, Label: f.Title(), Back: ui.Action{Label: "Back to the record", Href: v.HomeOf(r), Primary: true}}
	if version != 0 && version < r.Version {
		d.Was = "This is what it was at version " + strconv.FormatInt(version, 10) + "."
	}
	for _, at := range val.Versions {
		label := "At version " + strconv.FormatInt(at, 10)
		d.Again = append(d.Again, ui.Action{Label: label, Icon: "history", Href: "/sealed/" + rid.String(), Post: true, Quiet: true,
			Fields: []ui.Hidden{{Name: "field", Value: f.Name}, {Name: "version", Value: strconv.FormatInt(at, 10)}}})
	}
	text, isText := val.Value.(string)
	list, isList := val.Value.([]map[string]any)
	switch {
	case isText && (f.Type == record.HTML || f.Type == record.Multiline):
		d.Prose = shell.Prose(f, text)
	case isList:
		d.Table = table(f, list)
	case f.Type == record.Time:
		ms, _ := val.Value.(int64)
		d.Text = shell.When(ms).Format("2 Jan 2006, 15:04") + " UTC"
	default:
		d.Text = shell.Plain(val.Value)
	}
	p, err := v.Page(d.Head.Title, append(v.CrumbsOf(r), ui.Crumb{Label: f.Title()})...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("sealed-shown", p)
}

func table(f *record.Field, list []map[string]any) *rows {
	t := &rows{}
	for _, c := range f.Rows {
		t.Columns = append(t.Columns, c.Title())
	}
	for _, row := range list {
		var line []string
		for _, c := range f.Rows {
			line = append(line, shell.Plain(row[c.Name]))
		}
		t.Lines = append(t.Lines, line)
	}
	return t
}
