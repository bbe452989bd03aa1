// Package runbooks holds the pages on which people say what a runbook holds and
// when it is made, have it made, and fetch what was made.
//
// Always true: they are for who may export; a runbook is seen by its owner and
// by administrators, and made by its owner alone; everything works without
// script.
package runbooks

import (
	"embed"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/runbook"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct {
	Runbooks *runbook.Runbooks
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Nav(shell.Entry{Label: "Runbooks", Href: "/runbooks", Icon: "book", Place: 20,
		For: func(c *access.Caller) bool { return c.May(access.Export) }})
	get := func(path string, h func(*visit) error) { s.Get(path, shell.Allowing(access.Export, p.as(h))) }
	post := func(path string, h func(*visit) error) { s.Post(path, shell.Allowing(access.Export, p.as(h))) }
	get("/runbooks", (*visit).list)
	get("/runbooks/new", (*visit).fresh)
	post("/runbooks", (*visit).save)
	get("/runbooks/{id}", (*visit).show)
	get("/runbooks/{id}/edit", (*visit).edit)
	post("/runbooks/{id}", (*visit).save)
	post("/runbooks/{id}/make", (*visit).make)
	post("/runbooks/{id}/remove", (*visit).remove)
	get("/runbook-files/{id}", (*visit).progress)
	post("/runbook-files/{id}/stop", (*visit).stop)
	s.Get("/runbook-files/{id}/pdf", shell.Allowing(access.Export, p.as((*visit).fetch)), web.Within(0))
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

func at(b id.ID) string     { return "/runbooks/" + b.String() }
func fileAt(f id.ID) string { return "/runbook-files/" + f.String() }

type listView struct {
	Head  ui.Head
	List  []ui.Item
	Empty ui.Empty
}

// list is the caller's runbooks; an administrator sees everybody's.
func (v *visit) list() error {
	add := ui.Action{Label: "New runbook", Icon: "plus", Href: "/runbooks/new", Primary: true}
	d := &listView{Head: ui.Head{Title: "Runbooks", Icon: "book", Sub: []ui.Cell{{Text: "Chosen parts of an organization as one PDF, now or on a schedule."}}, Actions: []ui.Action{add}},
		Empty: ui.Empty{Icon: "book", Title: "No runbooks yet", Text: "A runbook prints what you choose of an organization, to have at hand when nothing else is. It never holds secret values."}}
	err := v.View(func(tx *gate.Tx) error {
		list, err := v.Runbooks.List(tx)
		for _, b := range list {
			it := ui.Item{Title: b.Name, Sub: v.about(b), Href: at(b.ID), Icon: "book"}
			if b.Stopped != "" {
				it.Pill = &ui.Pill{Text: "Stopped", Tone: "bad"}
			}
			d.List = append(d.List, it)
		}
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page("Runbooks", ui.Crumb{Label: "Runbooks"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("runbooks", p)
}

// about says in one line what a runbook is of and when it is made.
func (v *visit) about(b *runbook.Runbook) string {
	s := "All organizations"
	if b.Org != 0 {
		if s = b.OrgName; s == "" {
			s = "An organization that you do not see"
		}
	}
	s += " · " + b.When.Words("made by hand")
	if b.Owner != v.Caller.User && b.OwnerName != "" {
		s += " · of " + b.OwnerName
	}
	return s
}

type showView struct {
	Head    ui.Head
	Stopped string
	Props   []ui.Prop
	Files   []ui.Item
	Keeps   string
}

// load finds the runbook of the address.
func (v *visit) load() (*runbook.Runbook, error) {
	n, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	var b *runbook.Runbook
	err = v.View(func(tx *gate.Tx) (err error) { b, err = v.Runbooks.Get(tx, n); return err })
	return b, err
}

func (v *visit) show() error {
	b, err := v.load()
	if err != nil {
		return err
	}
	d := &showView{Head: ui.Head{Title: b.Name, Icon: "book", Sub: []ui.Cell{{Text: v.about(b)}}}, Stopped: b.Stopped,
		Keeps: "The newest " + strconv.Itoa(b.Keep) + " are kept."}
	d.Head.Actions = append(d.Head.Actions, ui.Action{Label: "Remove", Icon: "trash", Href: at(b.ID) + "/remove", Post: true, Quiet: true, Danger: true})
	if b.Makeable(v.Caller) {
		d.Head.Actions = append(d.Head.Actions, ui.Action{Label: "Edit", Icon: "edit", Href: at(b.ID) + "/edit", Key: "e"},
			ui.Action{Label: "Make it now", Icon: "printer", Href: at(b.ID) + "/make", Post: true, Primary: true})
	}
	if err := v.View(func(tx *gate.Tx) error { return v.props(tx, b, d) }); err != nil {
		return err
	}
	for _, f := range b.Files {
		d.Files = append(d.Files, fileItem(f))
	}
	p, err := v.Page(b.Name, ui.Crumb{Label: "Runbooks", Href: "/runbooks"}, ui.Crumb{Label: b.Name})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("runbook", p)
}

func (v *visit) props(tx *gate.Tx, b *runbook.Runbook, d *showView) error {
	add := func(label string, cells ...ui.Cell) { d.Props = append(d.Props, ui.Prop{Label: label, Cells: cells}) }
	options, err := v.options(tx, b.Org)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, o := range options {
		names[o.Value] = o.Label
	}
	var parts []string
	for _, part := range b.Parts {
		name := names[partValue(part)]
		if name == "" {
			name = "A part that is not there any more"
		}
		parts = append(parts, name)
	}
	add("Parts", ui.Cell{Text: strings.Join(parts, ", ")})
	if b.Org != 0 && b.OrgName != "" {
		add("Organization", ui.Cell{Text: b.OrgName, Href: "/organizations/" + b.Org.String()})
	}
	if b.Owner != v.Caller.User && b.OwnerName != "" {
		add("Owner", ui.Cell{Text: b.OwnerName})
	}
	if b.Next != 0 {
		add("Made next", ui.Cell{Type: "datetime", Time: shell.When(b.Next)})
	}
	also := "Without archived records"
	if b.Archived {
		also = "With archived records"
	}
	if b.Related {
		also += ", with what each is related to"
	}
	add("Holds", ui.Cell{Text: also})
	add("Paper", ui.Cell{Text: string(b.Size)})
	return nil
}

func fileItem(f *runbook.File) ui.Item {
	it := ui.Item{Title: "Made by hand", Icon: "file-text", Time: shell.When(f.Created)}
	if f.Planned {
		it.Title = "Made on schedule"
	}
	switch f.State {
	case job.Done:
		it.Sub = plural(f.Pages, "page") + ", " + web.Bytes(f.Size)
		it.Href = fileAt(f.ID) + "/pdf"
		it.Action = &ui.Action{Label: "Download", Icon: "download", Href: it.Href}
	case job.Failed:
		it.Pill, it.Sub = &ui.Pill{Text: "Failed", Tone: "bad"}, f.Error+" "+f.Hint
	case job.Cancelled:
		it.Pill = &ui.Pill{Text: "Stopped"}
	default:
		it.Pill, it.Sub, it.Href = &ui.Pill{Text: "Being made", Tone: "info"}, f.Message, fileAt(f.ID)
	}
	return it
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return web.Number(int64(n)) + " " + what + "s"
}

func (v *visit) make() error {
	n, err := v.ID("id")
	if err != nil {
		return err
	}
	f, err := v.Runbooks.Make(v.R.Context(), v.Caller, n)
	if err != nil {
		return err
	}
	return web.SeeOther(v.W, v.R, fileAt(f))
}

func (v *visit) remove() error {
	b, err := v.load()
	if err != nil {
		return err
	}
	if err := v.Runbooks.Remove(v.R.Context(), v.Caller, b.ID); err != nil {
		return err
	}
	return v.Done("/runbooks", "%s was removed, with what was made of it.", b.Name)
}

// loadFile finds the making of the address.
func (v *visit) loadFile() (b *runbook.Runbook, f *runbook.File, err error) {
	n, err := v.ID("id")
	if err != nil {
		return nil, nil, err
	}
	err = v.View(func(tx *gate.Tx) (err error) { b, f, err = v.Runbooks.File(tx, n); return err })
	return b, f, err
}

func running(f *runbook.File) bool { return f.State == job.Waiting || f.State == job.Running }

type progressView struct {
	Head     ui.Head
	Progress *ui.Progress
}

// progress is how far a making is; one may leave the page and come back.
func (v *visit) progress() error {
	b, f, err := v.loadFile()
	if err != nil {
		return err
	}
	if web.WantsJSON(v.R) {
		return web.JSON(v.W, http.StatusOK, progressJSON(f))
	}
	if !running(f) {
		return web.SeeOther(v.W, v.R, at(b.ID))
	}
	d := &progressView{Head: ui.Head{Title: b.Name, Icon: "book", Sub: []ui.Cell{{Text: v.about(b)}}},
		Progress: &ui.Progress{URL: fileAt(f.ID), Self: fileAt(f.ID), State: "running", Done: int(f.Done), Total: int(f.Total), Text: progressText(f), Cancel: fileAt(f.ID) + "/stop"}}
	p, err := v.Page(b.Name, ui.Crumb{Label: "Runbooks", Href: "/runbooks"}, ui.Crumb{Label: b.Name, Href: at(b.ID)}, ui.Crumb{Label: "Being made"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("making", p)
}

func progressText(f *runbook.File) string {
	switch {
	case f.Cancel:
		return "Stopping"
	case f.State == job.Waiting && f.Error != "":
		return f.Error + " It is tried again."
	case f.State == job.Waiting:
		return "Waiting for its turn"
	case f.Message != "":
		return "Writing " + f.Message
	}
	return "Writing"
}

func progressJSON(f *runbook.File) map[string]any {
	out := map[string]any{"state": "running", "done": f.Done, "total": f.Total, "text": progressText(f)}
	switch {
	case running(f):
		return out
	case f.State == job.Done:
		out["state"], out["text"], out["href"], out["link"] = "done", "Made: "+plural(f.Pages, "page")+".", fileAt(f.ID)+"/pdf", "Download the PDF"
		return out
	case f.State == job.Cancelled:
		out["state"], out["text"] = "failed", "It was stopped."
	default:
		out["state"], out["text"] = "failed", f.Error
	}
	out["href"], out["link"] = at(f.Runbook), "Back to the runbook"
	return out
}

func (v *visit) stop() error {
	b, f, err := v.loadFile()
	if err != nil {
		return err
	}
	if err := v.Runbooks.Stop(v.R.Context(), v.Caller, f.ID); err != nil {
		return err
	}
	if web.WantsJSON(v.R) {
		return web.JSON(v.W, http.StatusOK, map[string]any{})
	}
	return v.Done(at(b.ID), "It stops.")
}

func (v *visit) fetch() error {
	n, err := v.ID("id")
	if err != nil {
		return err
	}
	o, err := v.Runbooks.Open(v.R.Context(), v.Caller, n)
	if err != nil {
		return err
	}
	defer o.Close()
	v.Stream(attachment.CleanName(o.Name+".pdf"), "application/pdf", false, o)
	return nil
}

// options lists the parts that a runbook can have: kinds, types of assets, and
// of its organization the folders of documents and, 500 at most, the documents.
func (v *visit) options(tx *gate.Tx, org id.ID) ([]ui.Option, error) {
	var out, types, folders []ui.Option
	for _, k := range v.Runbooks.Kinds() {
		out = append(out, ui.Option{Value: k.Name, Label: k.Labels, Group: "All of a kind"})
		if k.Variants == nil {
			continue
		}
		list, err := v.Choices(tx, k.Field(k.Variants.By).Ref, nil)
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			types = append(types, ui.Option{Value: k.Name + "/" + o.Value, Label: o.Label, Group: k.Labels + " of a type"})
		}
	}
	if org != 0 {
		p, err := v.Records.List(tx, "document_folder", record.Query{Org: org, Limit: 500, NoTotal: true})
		if err != nil {
			return nil, err
		}
		for _, r := range p.Records {
			folders = append(folders, ui.Option{Value: "document/" + r.ID.String(), Label: "Documents: " + r.Name, Group: "Folders of documents"})
		}
		p, err = v.Records.List(tx, "document", record.Query{Org: org, Limit: 500, NoTotal: true, Archived: "no", Only: []string{"name"}})
		if err != nil {
			return nil, err
		}
		for _, r := range p.Records {
			folders = append(folders, ui.Option{Value: "document/" + r.ID.String(), Label: "Document: " + r.Name, Group: "Single documents"})
		}
	}
	return append(append(out, types...), folders...), nil
}

func partValue(p runbook.Part) string {
	if p.Of == 0 {
		return p.Kind
	}
	return p.Kind + "/" + p.Of.String()
}
