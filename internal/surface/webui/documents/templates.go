package documents

import (
	"strings"

	"strongroom/internal/base/richtext"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/document"
	"strongroom/internal/surface/webui/shell"
)

// fromTemplates is the button that leads to the templates.
func fromTemplates(v *shell.Visit, org id.ID) []ui.Action {
	if !v.May(access.Create, v.Kind("document")) {
		return nil
	}
	return []ui.Action{{Label: "From a template", Icon: "copy", Href: shell.OrgListURL(org, v.Kind("document")) + "/templates"}}
}

// templates asks with which template a new document begins.
func (v *visit) templates() error {
	org, err := v.organization()
	if err != nil {
		return err
	}
	k := v.Kind("document")
	s := &ui.Section{Title: "Which template?", Empty: "There are no templates yet. Tick “A template” in the form of a document that others should begin with."}
	err = v.View(func(tx *gate.Tx) error {
		list, err := document.Templates(tx, v.Records)
		for _, r := range list {
			s.Items = append(s.Items, ui.Item{Title: r.Name, Sub: r.OrgName, Icon: "file-text", Href: shell.NewURL(k, org.ID) + "&from=" + r.ID.String() + "&template=1"})
		}
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page("From a template", v.Crumbs(k, org.ID, org.Name, ui.Crumb{Label: "From a template"})...)
	if err != nil {
		return err
	}
	p.Data = shell.Sections{Head: ui.Head{Title: "From a template", Icon: "copy", Sub: []ui.Cell{{Text: org.Name}}}, Cards: []*ui.Section{s}}
	return v.Render("sections", p)
}

// begin fills the form of a new document that is made of another one. A copy is no
// template; one of a template has its text filled in and its name.
func (v *visit) begin(f *ui.Form, r *record.Record) error {
	q := v.R.URL.Query()
	from, ok := id.Parse(q.Get("from"))
	if r != nil || !ok {
		return nil
	}
	text, of := "", ""
	if q.Get("template") != "" {
		org, _ := id.Parse(q.Get("organization_id"))
		err := v.View(func(tx *gate.Tx) error {
			t, err := v.Records.Get(tx, "document", from)
			if err != nil {
				return err
			}
			names, err := v.Records.Names(tx, org)
			if err != nil {
				return err
			}
			of = t.Name
			text, err = document.Begin(tx, v.Records, t, names[org])
			return err
		})
		if err != nil {
			return err
		}
	}
	for i := range f.Fields {
		switch x := &f.Fields[i]; x.Name {
		case "template":
			x.Checked = false
		case "name":
			if of != "" {
				x.Value = strings.TrimSuffix(x.Value, " (copy)")
			}
		case "document_folder_id", "expires_on": // the folder is the other organization's; the day is the template's own
			if of != "" {
				x.Value, x.Chosen = "", nil
			}
		case "content":
			if of != "" {
				x.Value = richtext.Clean(text)
			}
		}
	}
	return nil
}
