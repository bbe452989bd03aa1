package folders

import (
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/shell"
)

// filed says in which folders the records of a kind lie.
type filed struct{ kind, folder, field string }

func filedKinds() []filed {
	return []filed{{"document", "document_folder", "document_folder_id"}, {"password", "password_folder", "password_folder_id"}}
}

type foldersView struct {
	Head  ui.Head
	Tree  []*branch
	Items ui.Table
	New   *ui.Form
	Move  *ui.Confirm
	Top   *branch
}

// branch is a folder with those in it.
type branch struct {
	ID      id.ID
	Name    string
	Href    string
	Count   int64
	Current bool
	Open    bool
	In      []*branch

	parent id.ID
	org    id.ID
	shut   bool // restricted
}

const folderPage = 100

func (v *visit) folders(f filed) error { return v.foldersPage(f, nil, nil) }

func (v *visit) foldersPage(f filed, form *web.Form, refused error) error {
	oid, err := v.ID("id")
	if err != nil {
		return err
	}
	k, now := v.Kind(f.kind), id.ID(0)
	if s := v.R.URL.Query().Get("folder"); s != "" {
		var ok bool
		if now, ok = id.Parse(s); !ok {
			return gate.Missing()
		}
	}
	var org *record.Record
	view := &foldersView{}
	err = v.View(func(tx *gate.Tx) error {
		if org, err = v.Records.Get(tx, "organization", oid); err != nil {
			return err
		}
		all, err := v.tree(tx, f, oid, now)
		if err != nil {
			return err
		}
		if now != 0 && all[now] == nil {
			return gate.Missing()
		}
		view.Top = all[0]
		view.Tree = all[0].In
		view.Head = ui.Head{Title: "Folders of " + shell.Lower(k.Labels), Icon: "folder", Sub: []ui.Cell{{Text: org.Name, Href: shell.RecordURL(org.Kind, oid)}}}
		if now != 0 {
			view.Head.Title, view.Head.Icon = all[now].Name, "folder-open"
			if all[now].shut {
				view.Head.Sub = append(view.Head.Sub, ui.Cell{Type: "pill", Text: "Restricted", Tone: "info"})
			}
		}
		if view.Items, err = v.folderTable(tx, f, oid, now); err != nil {
			return err
		}
		if n := len(all[now].In); n > 0 && now != 0 {
			view.Items.Empty.Text = "The folders in it are listed beside. Make something new here, or move here what lies elsewhere."
		}
		view.Move = v.moveDialog(f, oid, now, all)
		return nil
	})
	if err != nil {
		return err
	}
	v.folderActions(f, oid, now, view, form, refused)
	p, err := v.Page(view.Head.Title, v.Crumbs(k, oid, org.Name, ui.Crumb{Label: "Folders"})...)
	if err != nil {
		return err
	}
	p.Data = view
	return v.RenderStatus(web.Status(refused), "folders", p)
}

func (v *visit) folderActions(f filed, org, now id.ID, view *foldersView, form *web.Form, refused error) {
	k, fk := v.Kind(f.kind), v.Kind(f.folder)
	if now != 0 {
		if v.May(access.Restrict, fk) {
			view.Head.Actions = append(view.Head.Actions, ui.Action{Label: "Access", Icon: "shield-lock", Href: "/access/" + now.String(), Quiet: true})
		}
		if f.kind == "password" && v.May(access.Restrict, fk) {
			view.Head.Actions = append(view.Head.Actions, ui.Action{Label: "Approval", Icon: "shield-check", Href: shell.RecordURL(fk, now) + "/approval", Quiet: true},
				ui.Action{Label: "Rotation", Icon: "rotate", Href: shell.RecordURL(fk, now) + "/rotation", Quiet: true})
		}
		if v.May(access.Delete, fk) {
			view.Head.Actions = append(view.Head.Actions, ui.Action{Label: "Delete folder", Icon: "trash", Href: shell.RecordURL(fk, now) + "/delete", Post: true, Quiet: true, Danger: true})
		}
		if v.May(access.Edit, fk) {
			view.Head.Actions = append(view.Head.Actions, ui.Action{Label: "Rename or move", Icon: "edit", Href: shell.RecordURL(fk, now) + "/edit"})
		}
	}
	if v.May(access.Create, k) {
		to := shell.NewURL(k, org)
		if now != 0 {
			to += "&" + f.field + "=" + now.String()
		}
		view.Head.Actions = append(view.Head.Actions, ui.Action{Label: "New " + shell.Lower(k.Label), Icon: "plus", Href: to, Primary: true})
	}
	if !v.May(access.Create, fk) {
		return
	}
	view.New = &ui.Form{ID: "newfolder", Action: shell.FoldersURL(org, k, now), Submit: "New folder", Fields: []ui.Field{{Name: "name", Label: "Name of the new folder", Type: "text", Required: true, Wide: true, Most: 200}}}
	if refused != nil {
		say := fault.Say(refused)
		view.New.Fields[0].Value = form.Text("name")
		view.New.Wrong(say.Text, say.Hint, say.Fields)
	}
}

// tree reads all folders of an organization with how much lies in each; 0 is
// what lies in none.
func (v *visit) tree(tx *gate.Tx, f filed, org, now id.ID) (map[id.ID]*branch, error) {
	k := v.Kind(f.kind)
	page, err := v.Records.List(tx, f.folder, record.Query{Org: org, Archived: "no", Limit: 5000, NoTotal: true})
	if err != nil {
		return nil, err
	}
	all := map[id.ID]*branch{0: {Name: "In no folder", Href: shell.FoldersURL(org, k, 0), Current: now == 0}}
	for _, r := range page.Records {
		all[r.ID] = &branch{ID: r.ID, Name: r.Name, Href: shell.FoldersURL(org, k, r.ID), Current: r.ID == now, parent: r.Values.ID("parent_id"), org: r.Org, shut: r.Restricted}
	}
	for _, r := range page.Records { // in the order of their names
		b := all[r.ID]
		if all[b.parent] == nil || b.parent == b.ID {
			b.parent = 0
		}
		all[b.parent].In = append(all[b.parent].In, b)
	}
	for at := now; at != 0 && all[at] != nil; at = all[at].parent {
		all[at].Open = true
	}
	cond, args := tx.Visible("r")
	rows, err := tx.Query(`select coalesce(k."`+f.field+`", 0), count(*) from `+k.Table()+` k join record r on r.id = k.id
		where r.org_id = ? and r.trashed_at is null and r.archived = 0 and `+cond+` group by 1`, append([]any{int64(org)}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var folder, n int64
		if err := rows.Scan(&folder, &n); err != nil {
			return nil, err
		}
		if b := all[id.ID(folder)]; b != nil {
			b.Count = n
		}
	}
	return all, rows.Err()
}

// folderTable lists what lies in a folder; the folders in it are in the tree.
func (v *visit) folderTable(tx *gate.Tx, f filed, org, now id.ID) (ui.Table, error) {
	k := v.Kind(f.kind)
	q := ui.Query{Path: shell.OrgListURL(org, k) + "/folders", Values: v.R.URL.Query()}
	n, _ := strconv.Atoi(q.Values.Get("page"))
	n = max(n, 1)
	query := record.Query{Org: org, Archived: "no", Limit: folderPage, Offset: (n - 1) * folderPage, Filters: []record.Filter{{Field: f.field, Op: record.Null}}}
	if now != 0 {
		query.Filters[0] = record.Filter{Field: f.field, Op: record.Eq, Values: []any{now}}
	}
	page, err := v.Records.List(tx, f.kind, query)
	if err != nil {
		return ui.Table{}, err
	}
	t := ui.Table{ID: "inside", Title: k.Labels, Columns: []ui.Column{{Label: "Name", Phone: "title"}, {Label: "Changed", Phone: "end"}},
		BulkURL: shell.OrgListURL(org, k) + "/folders/move", Hidden: []ui.Hidden{{Name: "from", Value: now.String()}},
		Empty: ui.Empty{Icon: "folder-open", Title: "Nothing lies here", Text: "Make something new, or move here what lies elsewhere."}}
	if v.May(access.Edit, k) && len(page.Records) > 0 {
		t.Bulk = []ui.Action{{Label: "Move", Icon: "folder", Name: "move", Dialog: "move"}}
	}
	for _, r := range page.Records {
		t.Rows = append(t.Rows, ui.Row{ID: r.ID.String(), Name: r.Name, Cells: []ui.Cell{{Type: "link", Text: r.Name, Href: shell.RecordURL(k, r.ID), Icon: k.Icon}, {Type: "ago", Time: shell.When(r.Updated)}}})
	}
	if n > 1 {
		t.Pager.Prev = q.With("page", strconv.Itoa(n-1))
	}
	if int64(n*folderPage) < page.Total {
		t.Pager.Next = q.With("page", strconv.Itoa(n+1))
	}
	t.Pager.Words = web.Number(page.Total) + " " + shell.Lower(k.Labels)
	if page.Total == 1 {
		t.Pager.Words = "1 " + shell.Lower(k.Label)
	}
	return t, nil
}

// moveDialog asks to which folder selected records go.
func (v *visit) moveDialog(f filed, org, now id.ID, all map[id.ID]*branch) *ui.Confirm {
	k := v.Kind(f.kind)
	return &ui.Confirm{ID: "move", Title: "Move to which folder?", Action: shell.OrgListURL(org, k) + "/folders/move", Submit: "Move",
		Hidden: []ui.Hidden{{Name: "from", Value: now.String()}, {Name: "chosen", Value: "1"}},
		Fields: []ui.Field{{Name: "folder", Label: "Folder", Type: "select", Required: true, Value: "0", Options: folderOptions(all, now)}}}
}

// folderOptions lists folders with their paths.
func folderOptions(all map[id.ID]*branch, but id.ID) []ui.Option {
	out := []ui.Option{{Value: "0", Label: "No folder"}}
	var walk func(b *branch, path string)
	walk = func(b *branch, path string) {
		for _, c := range b.In {
			full := strings.TrimPrefix(path+" / "+c.Name, " / ")
			if c.ID != but {
				out = append(out, ui.Option{Value: c.ID.String(), Label: full})
			}
			walk(c, full)
		}
	}
	walk(all[0], "")
	if but == 0 {
		out = out[1:]
	}
	return out
}

func (v *visit) newFolder(f filed) error {
	oid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := web.ParseForm(v.R)
	if err != nil {
		return err
	}
	values := record.Values{"organization_id": oid, "name": form.Text("name")}
	if in, ok := id.Parse(v.R.URL.Query().Get("folder")); ok && in != 0 {
		values["parent_id"] = in
	}
	var r *record.Record
	err = v.Change(access.Create, gate.Thing{Kind: f.folder, Org: oid}, func(tx *gate.Tx) (err error) {
		r, err = v.Records.Create(tx, f.folder, values)
		return err
	})
	if fault.Is(err, fault.Invalid) {
		return v.foldersPage(f, form, err)
	}
	if err != nil {
		return err
	}
	return v.Done(shell.FoldersURL(oid, v.Kind(f.kind), r.ID), "Folder %s made.", r.Name)
}

// moveFiled puts the chosen records into a folder; without script it asks for
// the folder first.
func (v *visit) moveFiled(f filed) error {
	oid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := web.ParseForm(v.R)
	if err != nil {
		return err
	}
	chosen := shell.IDs(form.All("id"))
	from, _ := id.Parse(form.Text("from"))
	k := v.Kind(f.kind)
	switch {
	case len(chosen) == 0:
		web.SetFlash(v.W, v.R, web.Flash{Tone: "warn", Text: "Nothing was selected."})
		return web.SeeOther(v.W, v.R, shell.FoldersURL(oid, k, from))
	case form.Text("folder") == "":
		return v.askFolder(f, oid, from, chosen)
	}
	to, ok := id.Parse(form.Text("folder"))
	if form.Text("folder") == "0" {
		to, ok = 0, true
	}
	if !ok {
		return fault.Field("folder", "There is no such folder.")
	}
	var target any
	if to != 0 {
		target = to
	}
	err = v.Change(access.Edit, gate.Thing{Kind: f.kind, ID: chosen[0]}, func(tx *gate.Tx) error {
		for _, rid := range chosen {
			if _, err := v.Records.Update(tx, f.kind, rid, 0, record.Values{f.field: target}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	what := shell.Lower(k.Labels)
	if len(chosen) == 1 {
		what = shell.Lower(k.Label)
	}
	return v.Done(shell.FoldersURL(oid, k, to), "%d %s moved here.", len(chosen), what)
}

func (v *visit) askFolder(f filed, org, from id.ID, chosen []id.ID) error {
	view := shell.FormPage{Head: ui.Head{Title: "Move to which folder?", Icon: "folder"}}
	k := v.Kind(f.kind)
	err := v.View(func(tx *gate.Tx) error {
		all, err := v.tree(tx, f, org, from)
		if err != nil {
			return err
		}
		d := v.moveDialog(f, org, from, all)
		view.Form = ui.Form{Action: d.Action, Fields: d.Fields, Hidden: d.Hidden, Submit: "Move", Cancel: shell.FoldersURL(org, k, from)}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range chosen {
		view.Form.Hidden = append(view.Form.Hidden, ui.Hidden{Name: "id", Value: c.String()})
	}
	p, err := v.Page("Move", ui.Crumb{Label: k.Labels, Href: shell.FoldersURL(org, k, from)}, ui.Crumb{Label: "Move"})
	if err != nil {
		return err
	}
	p.Data = view
	return v.Render("form", p)
}
