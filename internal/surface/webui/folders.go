package webui

import (
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
)

// filed says in which folders the records of a kind lie.
type filed struct{ kind, folder, field string }

func filedKinds() []filed {
	return []filed{{"document", "document_folder", "document_folder_id"}, {"password", "password_folder", "password_folder_id"}}
}

// isFiled tells whether records of a kind lie in folders.
func isFiled(k *record.Kind) bool {
	return slices.ContainsFunc(filedKinds(), func(f filed) bool { return f.kind == k.Name })
}

// mountFolders mounts the tree of folders of each organization, for documents
// and passwords.
func (s *Server) mountFolders() {
	for _, f := range filedKinds() {
		with := func(h func(*visit, filed) error) func(*visit) error {
			return func(v *visit) error { return h(v, f) }
		}
		k := s.Records.Kinds.Kind(f.kind)
		if k == nil {
			continue
		}
		at := "/organizations/{id}/" + k.Plural + "/folders"
		s.get(at, with((*visit).folders))
		s.post(at, with((*visit).newFolder))
		s.post(at+"/move", with((*visit).moveFiled))
		s.details[f.folder] = func(v *visit, r *record.Record) error {
			return web.SeeOther(v.w, v.r, foldersURL(r.Org, k, r.ID))
		}
	}
}

// foldersURL is the page of a folder, or with 0 of what lies in none.
func foldersURL(org id.ID, k *record.Kind, folder id.ID) string {
	u := orgListURL(org, k) + "/folders"
	if folder != 0 {
		u += "?folder=" + folder.String()
	}
	return u
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
}

const folderPage = 100

func (v *visit) folders(f filed) error { return v.foldersPage(f, nil, nil) }

func (v *visit) foldersPage(f filed, form *web.Form, refused error) error {
	oid, err := v.id("id")
	if err != nil {
		return err
	}
	k, now := v.kind(f.kind), id.ID(0)
	if s := v.r.URL.Query().Get("folder"); s != "" {
		var ok bool
		if now, ok = id.Parse(s); !ok {
			return gate.Missing()
		}
	}
	var org *record.Record
	view := &foldersView{}
	err = v.view(func(tx *gate.Tx) error {
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
		view.Head = ui.Head{Title: "Folders of " + lower(k.Labels), Icon: "folder", Sub: []ui.Cell{{Text: org.Name, Href: recordURL(org.Kind, oid)}}}
		if now != 0 {
			view.Head.Title, view.Head.Icon = all[now].Name, "folder-open"
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
	p, err := v.page(view.Head.Title, v.crumbs(k, oid, org.Name, ui.Crumb{Label: "Folders"})...)
	if err != nil {
		return err
	}
	p.Data = view
	return v.pages.RenderStatus(v.w, v.r, web.Status(refused), "folders", p)
}

func (v *visit) folderActions(f filed, org, now id.ID, view *foldersView, form *web.Form, refused error) {
	k, fk := v.kind(f.kind), v.kind(f.folder)
	if now != 0 {
		if v.may(access.Delete, fk) {
			view.Head.Actions = append(view.Head.Actions, ui.Action{Label: "Delete folder", Icon: "trash", Href: recordURL(fk, now) + "/delete", Post: true, Quiet: true, Danger: true})
		}
		if v.may(access.Edit, fk) {
			view.Head.Actions = append(view.Head.Actions, ui.Action{Label: "Rename or move", Icon: "edit", Href: recordURL(fk, now) + "/edit"})
		}
	}
	if v.may(access.Create, k) {
		to := newURL(k, org)
		if now != 0 {
			to += "&" + f.field + "=" + now.String()
		}
		view.Head.Actions = append(view.Head.Actions, ui.Action{Label: "New " + lower(k.Label), Icon: "plus", Href: to, Primary: true})
	}
	if !v.may(access.Create, fk) {
		return
	}
	view.New = &ui.Form{ID: "newfolder", Action: foldersURL(org, k, now), Submit: "New folder", Fields: []ui.Field{{Name: "name", Label: "Name of the new folder", Type: "text", Required: true, Wide: true, Most: 200}}}
	if refused != nil {
		say := fault.Say(refused)
		view.New.Fields[0].Value = form.Text("name")
		view.New.Wrong(say.Text, say.Hint, say.Fields)
	}
}

// tree reads all folders of an organization with how much lies in each; 0 is
// what lies in none.
func (v *visit) tree(tx *gate.Tx, f filed, org, now id.ID) (map[id.ID]*branch, error) {
	k := v.kind(f.kind)
	page, err := v.Records.List(tx, f.folder, record.Query{Org: org, Archived: "no", Limit: 5000, NoTotal: true})
	if err != nil {
		return nil, err
	}
	all := map[id.ID]*branch{0: {Name: "In no folder", Href: foldersURL(org, k, 0), Current: now == 0}}
	for _, r := range page.Records {
		all[r.ID] = &branch{ID: r.ID, Name: r.Name, Href: foldersURL(org, k, r.ID), Current: r.ID == now, parent: r.Values.ID("parent_id"), org: r.Org}
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
	k := v.kind(f.kind)
	q := ui.Query{Path: orgListURL(org, k) + "/folders", Values: v.r.URL.Query()}
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
		BulkURL: orgListURL(org, k) + "/folders/move", Hidden: []ui.Hidden{{Name: "from", Value: now.String()}},
		Empty: ui.Empty{Icon: "folder-open", Title: "Nothing lies here", Text: "Make something new, or move here what lies elsewhere."}}
	if v.may(access.Edit, k) && len(page.Records) > 0 {
		t.Bulk = []ui.Action{{Label: "Move", Icon: "folder", Name: "move", Dialog: "move"}}
	}
	for _, r := range page.Records {
		t.Rows = append(t.Rows, ui.Row{ID: r.ID.String(), Name: r.Name, Cells: []ui.Cell{{Type: "link", Text: r.Name, Href: recordURL(k, r.ID), Icon: k.Icon}, {Type: "ago", Time: when(r.Updated)}}})
	}
	if n > 1 {
		t.Pager.Prev = q.With("page", strconv.Itoa(n-1))
	}
	if int64(n*folderPage) < page.Total {
		t.Pager.Next = q.With("page", strconv.Itoa(n+1))
	}
	t.Pager.Words = web.Number(page.Total) + " " + lower(k.Labels)
	if page.Total == 1 {
		t.Pager.Words = "1 " + lower(k.Label)
	}
	return t, nil
}

// moveDialog asks to which folder selected records go.
func (v *visit) moveDialog(f filed, org, now id.ID, all map[id.ID]*branch) *ui.Confirm {
	k := v.kind(f.kind)
	return &ui.Confirm{ID: "move", Title: "Move to which folder?", Action: orgListURL(org, k) + "/folders/move", Submit: "Move",
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
	oid, err := v.id("id")
	if err != nil {
		return err
	}
	form, err := web.ParseForm(v.r)
	if err != nil {
		return err
	}
	values := record.Values{"organization_id": oid, "name": form.Text("name")}
	if in, ok := id.Parse(v.r.URL.Query().Get("folder")); ok && in != 0 {
		values["parent_id"] = in
	}
	var r *record.Record
	err = v.change(access.Create, gate.Thing{Kind: f.folder, Org: oid}, func(tx *gate.Tx) (err error) {
		r, err = v.Records.Create(tx, f.folder, values)
		return err
	})
	if fault.Is(err, fault.Invalid) {
		return v.foldersPage(f, form, err)
	}
	if err != nil {
		return err
	}
	return v.done(foldersURL(oid, v.kind(f.kind), r.ID), "Folder %s made.", r.Name)
}

type moveView struct {
	Head ui.Head
	Form ui.Form
}

// moveFiled puts the chosen records into a folder; without script it asks for
// the folder first.
func (v *visit) moveFiled(f filed) error {
	oid, err := v.id("id")
	if err != nil {
		return err
	}
	form, err := web.ParseForm(v.r)
	if err != nil {
		return err
	}
	chosen := ids(form.All("id"))
	from, _ := id.Parse(form.Text("from"))
	k := v.kind(f.kind)
	switch {
	case len(chosen) == 0:
		web.SetFlash(v.w, v.r, web.Flash{Tone: "warn", Text: "Nothing was selected."})
		return web.SeeOther(v.w, v.r, foldersURL(oid, k, from))
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
	err = v.change(access.Edit, gate.Thing{Kind: f.kind, ID: chosen[0]}, func(tx *gate.Tx) error {
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
	what := lower(k.Labels)
	if len(chosen) == 1 {
		what = lower(k.Label)
	}
	return v.done(foldersURL(oid, k, to), "%d %s moved here.", len(chosen), what)
}

func (v *visit) askFolder(f filed, org, from id.ID, chosen []id.ID) error {
	view := &moveView{Head: ui.Head{Title: "Move to which folder?", Icon: "folder"}}
	k := v.kind(f.kind)
	err := v.view(func(tx *gate.Tx) error {
		all, err := v.tree(tx, f, org, from)
		if err != nil {
			return err
		}
		d := v.moveDialog(f, org, from, all)
		view.Form = ui.Form{Action: d.Action, Fields: d.Fields, Hidden: d.Hidden, Submit: "Move", Cancel: foldersURL(org, k, from)}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range chosen {
		view.Form.Hidden = append(view.Form.Hidden, ui.Hidden{Name: "id", Value: c.String()})
	}
	p, err := v.page("Move", ui.Crumb{Label: k.Labels, Href: foldersURL(org, k, from)}, ui.Crumb{Label: "Move"})
	if err != nil {
		return err
	}
	p.Data = view
	return v.render("folder-move", p)
}
