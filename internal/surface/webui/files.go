package webui

import (
	"mime"
	"net/http"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
)

// Files of a record are uploaded to /attach/RECORD; each has a page at
// /files/FILE and its content at /files/FILE/content.
func (s *Server) mountFiles() {
	s.post("/attach/{id}", (*visit).attach, web.MaxBody(uploads(s.Attachments)), web.Within(0))
	s.get("/files/{id}", (*visit).file)
	s.post("/files/{id}", (*visit).renameFile)
	s.post("/files/{id}/remove", (*visit).removeFile)
	s.get("/files/{id}/content", (*visit).fileContent, web.Within(0))
}

// uploads is how large one request with files may be: without script several
// files come in one.
func uploads(s *attachment.Store) int64 { return 4*largest(s) + 1<<20 }

func largest(s *attachment.Store) int64 {
	if s == nil || s.Max == 0 {
		return attachment.DefaultMax
	}
	return s.Max
}

// filesView is the card of a record's files ("files-card").
type filesView struct {
	Files []fileLine
	Drop  *ui.Drop // nil for who may not add
}

type fileLine struct {
	Name  string
	Page  string // where it is renamed and removed
	Href  string // its content
	Icon  string
	Image string // address of the picture itself, when it is one
	Size  int64
	Time  time.Time
}

func fileURL(f id.ID) string { return "/files/" + f.String() }

// filesSection lists the files of a record, with the place to drop more. It is
// nil when there are none and none may be added.
func (v *visit) filesSection(tx *gate.Tx, r *record.Record) (*filesView, error) {
	list, err := attachment.List(tx, r.ID, attachment.Attached)
	if err != nil {
		return nil, err
	}
	view := &filesView{}
	for _, f := range list {
		line := fileLine{Name: f.Name, Page: fileURL(f.ID), Href: fileURL(f.ID) + "/content", Icon: fileIcon(f.Type, f.Name), Size: f.Size, Time: when(f.Created)}
		if attachment.Viewable(f.Type) {
			line.Image = line.Href + "?inline=1"
		}
		view.Files = append(view.Files, line)
	}
	if v.may(access.Edit, r.Kind) {
		view.Drop = &ui.Drop{Action: "/attach/" + r.ID.String(), Swap: "files", Most: largest(v.Attachments), Text: "Add files"}
	}
	if len(view.Files) == 0 && view.Drop == nil {
		return nil, nil
	}
	return view, nil
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
	rid, err := v.id("id")
	if err != nil {
		return err
	}
	var rec *record.Record
	err = v.view(func(tx *gate.Tx) error {
		rec, err = v.Records.Get(tx, "", rid)
		return err
	})
	if err != nil {
		return err
	}
	var names []string
	_, err = web.ParseUpload(v.r, func(f *web.File) error {
		if f.Name == "" {
			return nil // the field was left empty
		}
		kept, err := v.Attachments.Add(v.r.Context(), v.c, rid, f.Name, f)
		if err == nil {
			names = append(names, kept.Name)
		}
		return err
	})
	if err != nil {
		return err
	}
	if web.WantsJSON(v.r) {
		return web.JSON(v.w, http.StatusCreated, map[string]any{"files": names})
	}
	back := recordURL(rec.Kind, rec.ID)
	switch len(names) {
	case 0:
		return fault.Field("file", "No file was chosen.").WithHint("Choose one or more, then upload.")
	case 1:
		return v.done(back, "%s uploaded.", names[0])
	}
	return v.done(back, "%d files uploaded.", len(names))
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
	fid, err := v.id("id")
	if err != nil {
		return err
	}
	var f *attachment.File
	var rec *record.Record
	var by map[id.ID]string
	err = v.view(func(tx *gate.Tx) error {
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
	view.Head.Sub = []ui.Cell{{Text: rec.Name, Href: recordURL(rec.Kind, rec.ID)}}
	if v.may(access.Edit, rec.Kind) {
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
	p, err := v.page(f.Name, append(v.crumbsOf(rec), ui.Crumb{Label: f.Name})...)
	if err != nil {
		return err
	}
	p.Data = view
	return v.pages.RenderStatus(v.w, v.r, web.Status(refused), "file", p)
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
		{Label: "Added", Cells: []ui.Cell{{Type: "datetime", Time: when(f.Created)}}},
	}
	if f.FileName != f.Name {
		view.Props = append(view.Props, ui.Prop{Label: "Uploaded as", Cells: []ui.Cell{{Text: f.FileName}}})
	}
	return view
}

func (v *visit) renameFile() error {
	fid, err := v.id("id")
	if err != nil {
		return err
	}
	form, err := web.ParseForm(v.r)
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
	err = v.change(access.Edit, gate.Thing{ID: rec.ID}, func(tx *gate.Tx) error {
		f, err = attachment.Rename(tx, fid, form.Text("name"))
		return err
	})
	if err != nil {
		return err
	}
	return v.done(fileURL(fid), "The file is now %s.", f.Name)
}

// ownerOf gives the record that a file belongs to.
func (v *visit) ownerOf(file id.ID) (rec *record.Record, err error) {
	err = v.view(func(tx *gate.Tx) error {
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
	fid, err := v.id("id")
	if err != nil {
		return err
	}
	rec, err := v.ownerOf(fid)
	if err != nil {
		return err
	}
	if err := v.Attachments.Remove(v.r.Context(), v.c, fid); err != nil {
		return err
	}
	return v.done(recordURL(rec.Kind, rec.ID), "File removed.")
}

func (v *visit) fileContent() error {
	fid, err := v.id("id")
	if err != nil {
		return err
	}
	return v.stream(fid, v.r.URL.Query().Get("inline") == "1", attachment.Attached)
}

// stream answers with a file's content. Only pictures that browsers draw are
// ever shown in place; everything else is a download, and nothing may run.
func (v *visit) stream(file id.ID, inline bool, role attachment.Role) error {
	f, o, err := v.Attachments.Open(v.r.Context(), v.c, file)
	if err != nil {
		return err
	}
	defer o.Close()
	if f.Role != role {
		return gate.Missing()
	}
	h := v.w.Header()
	typ, how := f.Type, "inline"
	if !inline || !attachment.Viewable(f.Type) {
		how = "attachment"
	}
	if strings.HasPrefix(typ, "text/") {
		typ = "text/plain; charset=utf-8"
	}
	h.Set("Content-Type", typ)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Disposition", disposition(how, f.Name))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	web.NoStore(v.w) // a tenant's files do not stay on a borrowed computer
	web.NoCompress(v.w)
	http.ServeContent(v.w, v.r, "", time.Time{}, o)
	return nil
}

func disposition(how, name string) string {
	if s := mime.FormatMediaType(how, map[string]string{"filename": name}); s != "" {
		return s
	}
	return how
}
