package beside

import (
	"net/http"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/surface/webui/shell"
)

// uploads is how large one request with files may be: without script several
// files come in one.
func uploads(s *attachment.Store) int64 { return 4*largest(s) + 1<<20 }

func largest(s *attachment.Store) int64 {
	if s == nil || s.Max == 0 {
		return attachment.DefaultMax
	}
	return s.Max
}

func fileURL(f id.ID) string { return "/files/" + f.String() }

// filesSection lists the files of a record, with the place to drop more. It is
// nil when there are none and none may be added.
func (v *visit) filesSection(tx *gate.Tx, r *record.Record) (*shell.FilesCard, error) {
	list, err := attachment.All(tx, r.ID)
	if err != nil {
		return nil, err
	}
	view := &shell.FilesCard{}
	for _, f := range list {
		if f.Role == attachment.Image {
			continue
		}
		line := shell.FileLine{Field: fieldTitle(r, f.Role), Name: f.Name, Page: fileURL(f.ID), Href: fileURL(f.ID) + "/content", Icon: fileIcon(f.Type, f.Name), Size: f.Size, Time: shell.When(f.Created)}
		if attachment.Viewable(f.Type) {
			line.Image = line.Href + "?inline=1"
		}
		view.Files = append(view.Files, line)
	}
	if v.May(access.Edit, r.Kind) {
		view.Drop = &ui.Drop{Action: "/attach/" + r.ID.String(), Swap: "files", Most: largest(v.Attachments), Text: "Add files"}
		for _, f := range r.Kind.Fields {
			if f.Type == record.Files {
				view.More = append(view.More, &ui.Drop{Action: "/attach/" + r.ID.String() + "?field=" + f.Name, Swap: "files", Most: largest(v.Attachments), Text: "Add to " + f.Title()})
			}
		}
	}
	if len(view.Files) == 0 && view.Drop == nil {
		return nil, nil
	}
	return view, nil
}

// fieldTitle is the name of the field that a file belongs to; empty for none.
func fieldTitle(r *record.Record, role attachment.Role) string {
	if f := r.Kind.Field(string(role)); f != nil && f.Type == record.Files {
		return f.Title()
	}
	return ""
}

func fileIcon(typ, name string) string {
	switch {
	case strings.HasPrefix(typ, "image/"):
		return "photo"
	case strings.HasPrefix(typ, "video/"):
		return "video"
	case typ == "application/pdf", strings.HasPrefix(typ, "text/"):
		return "file-text"
	}
	switch attachment.Ext(name) {
	case "zip", "7z", "gz", "tar":
		return "archive"
	case "xls", "xlsx", "csv", "ods":
		return "table"
	}
	return "file"
}

func (v *visit) attach() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	var rec *record.Record
	err = v.View(func(tx *gate.Tx) error {
		rec, err = v.Records.Get(tx, "", rid)
		return err
	})
	if err != nil {
		return err
	}
	role := attachment.Attached
	if field := v.R.URL.Query().Get("field"); field != "" {
		if f := rec.Kind.Field(field); f == nil || f.Type != record.Files {
			return gate.Missing()
		}
		role = attachment.Role(field)
	}
	var names []string
	_, err = web.ParseUpload(v.R, func(f *web.File) error {
		if f.Name == "" {
			return nil // the field was left empty
		}
		kept, err := v.Attachments.AddTo(v.R.Context(), v.Caller, rid, role, f.Name, f)
		if err == nil {
			names = append(names, kept.Name)
		}
		return err
	})
	if err != nil {
		return err
	}
	if web.WantsJSON(v.R) {
		return web.JSON(v.W, http.StatusCreated, map[string]any{"files": names})
	}
	back := shell.RecordURL(rec.Kind, rec.ID)
	switch len(names) {
	case 0:
		return fault.Field("file", "No file was chosen.").WithHint("Choose one or more, then upload.")
	case 1:
		return v.Done(back, "%s uploaded.", names[0])
	}
	return v.Done(back, "%d files uploaded.", len(names))
}

type fileView struct {
	Head    ui.Head
	Image   string
	Name    string
	Props   []ui.Prop
	Form    *ui.Form
	Confirm *ui.Confirm
	Remove  string
}

func (v *visit) file() error { return v.filePage(nil, nil) }

func (v *visit) filePage(form *web.Form, refused error) error {
	fid, err := v.ID("id")
	if err != nil {
		return err
	}
	var f *attachment.File
	var rec *record.Record
	var by map[id.ID]string
	err = v.View(func(tx *gate.Tx) error {
		if f, err = attachment.Get(tx, fid); err != nil {
			return err
		}
		if rec, err = v.Records.Get(tx, "", f.Record); err != nil {
			return err
		}
		by, err = v.Records.Names(tx, f.By)
		return err
	})
	if err != nil {
		return err
	}
	view := fileDetail(f, by[f.By])
	view.Head.Sub = []ui.Cell{{Text: rec.Name, Href: shell.RecordURL(rec.Kind, rec.ID)}}
	if v.May(access.Edit, rec.Kind) {
		view.Form = &ui.Form{Action: fileURL(fid), Submit: "Rename", Fields: []ui.Field{{Name: "name", Label: "Name", Type: "text", Value: f.Name, Required: true, Wide: true, Most: 200}}}
		if refused != nil {
			say := fault.Say(refused)
			view.Form.Fields[0].Value = form.Text("name")
			view.Form.Wrong(say.Text, say.Hint, say.Fields)
		}
		view.Confirm = &ui.Confirm{ID: "remove", Title: "Remove " + f.Name + "?", Text: "Its content is removed for good. This cannot be undone.",
			Action: fileURL(fid) + "/remove", Submit: "Remove", Danger: true}
		view.Head.Actions = append(view.Head.Actions, ui.Action{Label: "Remove", Icon: "trash", Danger: true, Dialog: "remove"})
		view.Remove = fileURL(fid) + "/remove"
	}
	p, err := v.Page(f.Name, append(v.CrumbsOf(rec), ui.Crumb{Label: f.Name})...)
	if err != nil {
		return err
	}
	p.Data = view
	return v.RenderStatus(web.Status(refused), "file", p)
}

func fileDetail(f *attachment.File, by string) *fileView {
	view := &fileView{Name: f.Name, Head: ui.Head{Title: f.Name, Icon: fileIcon(f.Type, f.Name), Actions: []ui.Action{
		{Label: "Download", Icon: "download", Href: fileURL(f.ID) + "/content", Primary: true}}}}
	if attachment.Viewable(f.Type) {
		view.Image = fileURL(f.ID) + "/content?inline=1"
	}
	view.Props = []ui.Prop{
		{Label: "Size", Cells: []ui.Cell{{Type: "bytes", Number: f.Size}}},
		{Label: "Type", Cells: []ui.Cell{{Text: f.Type}}},
		{Label: "Added by", Cells: []ui.Cell{{Type: "user", Text: by}}},
		{Label: "Added", Cells: []ui.Cell{{Type: "datetime", Time: shell.When(f.Created)}}},
	}
	if f.FileName != f.Name {
		view.Props = append(view.Props, ui.Prop{Label: "Uploaded as", Cells: []ui.Cell{{Text: f.FileName}}})
	}
	return view
}

func (v *visit) renameFile() error {
	fid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := web.ParseForm(v.R)
	if err != nil {
		return err
	}
	form.Require("name")
	if err := form.Err(); err != nil {
		return v.filePage(form, err)
	}
	rec, err := v.ownerOf(fid)
	if err != nil {
		return err
	}
	var f *attachment.File
	err = v.Change(access.Edit, gate.Thing{ID: rec.ID}, func(tx *gate.Tx) error {
		f, err = attachment.Rename(tx, fid, form.Text("name"))
		return err
	})
	if err != nil {
		return err
	}
	return v.Done(fileURL(fid), "The file is now %s.", f.Name)
}

// ownerOf gives the record that a file belongs to.
func (v *visit) ownerOf(file id.ID) (rec *record.Record, err error) {
	err = v.View(func(tx *gate.Tx) error {
		f, err := attachment.Get(tx, file)
		if err != nil {
			return err
		}
		rec, err = v.Records.Get(tx, "", f.Record)
		return err
	})
	return rec, err
}

func (v *visit) removeFile() error {
	fid, err := v.ID("id")
	if err != nil {
		return err
	}
	rec, err := v.ownerOf(fid)
	if err != nil {
		return err
	}
	if err := v.Attachments.Remove(v.R.Context(), v.Caller, fid); err != nil {
		return err
	}
	return v.Done(shell.RecordURL(rec.Kind, rec.ID), "File removed.")
}

func (v *visit) fileContent() error {
	fid, err := v.ID("id")
	if err != nil {
		return err
	}
	var f *attachment.File
	if err := v.View(func(tx *gate.Tx) (err error) { f, err = attachment.Get(tx, fid); return err }); err != nil {
		return err
	}
	if f.Role != attachment.Attached {
		return gate.Missing()
	}
	inline := attachment.Viewable(f.Type) && v.R.URL.Query().Get("inline") == "1"
	take := v.Attachments.Fetch
	if inline && strings.HasPrefix(f.Type, "image/") { // a picture that the page shows
		take = v.Attachments.Open
	}
	f, o, err := take(v.R.Context(), v.Caller, fid)
	if err != nil {
		return err
	}
	defer o.Close()
	v.Stream(f.Name, f.Type, inline, o)
	return nil
}
