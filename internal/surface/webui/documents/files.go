package documents

import (
	"bytes"
	"io"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/document"
	"strongroom/internal/feature/document/source"
	"strongroom/internal/surface/webui/shell"
)

// mostUpload is how large all files of one upload together may be, in bytes.
const mostUpload = 2*source.MostFile + 1<<20

// fromFiles is the button that leads to the form for files.
func fromFiles(v *shell.Visit, org id.ID) []ui.Action {
	if !v.May(access.Create, v.Kind("document")) {
		return nil
	}
	return []ui.Action{{Label: "From files", Icon: "upload", Href: shell.OrgListURL(org, v.Kind("document")) + "/files"}}
}

// chooseFiles asks for files to make documents of.
func (v *visit) chooseFiles() error {
	org, err := v.organization()
	if err != nil {
		return err
	}
	f := ui.Form{Action: shell.OrgListURL(org.ID, v.Kind("document")) + "/files", Submit: "Make documents", Cancel: shell.OrgListURL(org.ID, v.Kind("document")), Multipart: true, Fields: []ui.Field{
		{Name: "folder", Label: "Folder", Type: "ref", Source: "/refs/document_folder?organization_id=" + org.ID.String(), Hint: "Empty: in none."},
		{Name: "draft", Label: "As drafts", Type: "checkbox", Hint: "To be read through before they are published."},
		{Name: "file", Label: "Files", Type: "file", Required: true, Multiple: true, Wide: true, Accept: strings.Join(source.Endings(), ","),
			Hint: "Word (.docx), Markdown, HTML or text, " + web.Bytes(source.MostFile) + " each at most. Each becomes a document; pictures in it come along."},
	}}
	return v.filesPage(org, func(p *ui.Page) error {
		p.Data = shell.FormPage{Head: ui.Head{Title: "Documents from files", Icon: "upload", Sub: []ui.Cell{{Text: org.Name}}}, Form: f}
		return v.Render("form", *p)
	})
}

func (v *visit) filesPage(org *record.Record, show func(*ui.Page) error) error {
	p, err := v.Page("Documents from files", v.Crumbs(v.Kind("document"), org.ID, org.Name, ui.Crumb{Label: "From files"})...)
	if err != nil {
		return err
	}
	return show(&p)
}

func (v *visit) organization() (org *record.Record, err error) {
	oid, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	if !v.May(access.Create, v.Kind("document")) {
		return nil, fault.New(fault.Denied, "Your role may not create documents.").WithHint("Ask an administrator for another role.")
	}
	err = v.View(func(tx *gate.Tx) error { org, err = v.Records.Get(tx, "organization", oid); return err })
	return org, err
}

// upload is a file that arrived whole.
type upload struct {
	name    string
	content []byte
}

// takeFiles makes a document of each file and says of each what became of it.
func (v *visit) takeFiles() error {
	org, err := v.organization()
	if err != nil {
		return err
	}
	var files []upload
	form, err := web.ParseUpload(v.R, func(f *web.File) error {
		if f.Name == "" {
			return nil
		}
		b, err := io.ReadAll(io.LimitReader(f, source.MostFile+1))
		files = append(files, upload{f.Name, b})
		return err
	})
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fault.Field("file", "No file was chosen.").WithHint("Go back and choose one.")
	}
	at := document.Place{Org: org.ID, Draft: form.Bool("draft")}
	at.Folder, _ = id.Parse(form.Text("folder"))
	s := &ui.Section{Title: "What became of them"}
	made := 0
	var only *record.Record
	for _, f := range files {
		doc, item := v.take(f, at)
		if doc != nil {
			made, only = made+1, doc
		}
		s.Items = append(s.Items, item)
	}
	if made == 1 && len(files) == 1 && s.Items[0].Pill == nil {
		return v.Done(shell.RecordURL(only.Kind, only.ID), "%s was made of %s.", only.Name, files[0].name)
	}
	return v.filesPage(org, func(p *ui.Page) error {
		s.More = &ui.NavItem{Label: "To the documents", Href: shell.OrgListURL(org.ID, v.Kind("document"))}
		p.Data = shell.Sections{Head: ui.Head{Title: "Documents from files", Icon: "upload", Sub: []ui.Cell{{Text: web.Number(made) + " of " + web.Number(len(files)) + " files became documents"}}}, Cards: []*ui.Section{s}}
		return v.Render("sections", *p)
	})
}

// take makes a document of one file; what is wrong with it concerns it alone.
func (v *visit) take(f upload, at document.Place) (*record.Record, ui.Item) {
	item := ui.Item{Title: f.name, Icon: "file-text"}
	refuse := func(err error) (*record.Record, ui.Item) {
		said := fault.Say(err)
		item.Sub, item.Pill = strings.TrimSpace(said.Text+" "+said.Hint), &ui.Pill{Text: "Left out", Tone: "bad"}
		return nil, item
	}
	text, err := source.Read(f.name, bytes.NewReader(f.content), int64(len(f.content)))
	if err != nil {
		return refuse(err)
	}
	doc, missing, err := v.Intake.Add(v.R.Context(), v.Caller, text, at)
	if err != nil {
		return refuse(err)
	}
	item.Sub, item.Href = doc.Name, shell.RecordURL(doc.Kind, doc.ID)
	if missing > 0 {
		item.Sub += ". Pictures that are not in the file were left out: " + web.Number(missing) + "."
		item.Pill = &ui.Pill{Text: "Look through it", Tone: "warn"}
	}
	return doc, item
}
