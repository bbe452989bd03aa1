package records

import (
	"strconv"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/shell"
)

const trashRows = 100 // of one page

// trash lists what was deleted and can still be brought back. What went along
// with something else is not listed: it comes back with that.
func (v *visit) trash() error {
	page, err := strconv.Atoi(v.R.URL.Query().Get("page"))
	if err != nil || page < 1 {
		page = 1
	}
	d := shell.ListPage{Head: ui.Head{Title: "Trash", Icon: "trash", Sub: []ui.Cell{{Text: "What is deleted can be brought back for 30 days; then it is removed for good."}}}}
	t := ui.Table{ID: "list", Title: "Trash", Columns: []ui.Column{{Label: "Name", Phone: "title"}, {Label: "Kind", Phone: "line"}, {Label: "Organization", Hide: 3, Phone: "line"},
		{Label: "Deleted", Hide: 2}, {Label: "Left", Phone: "end"}},
		Empty: ui.Empty{Icon: "trash", Title: "The trash is empty.", Text: "Deleted records stand here for 30 days."}}
	err = v.View(func(tx *gate.Tx) error { return v.readTrash(tx, &t, page) })
	if err != nil {
		return err
	}
	more := len(t.Rows) > trashRows
	t.Rows = t.Rows[:min(len(t.Rows), trashRows)]
	q := ui.Query{Path: "/trash"}
	t.Pager.Words = "Nothing here"
	if n := len(t.Rows); n > 0 {
		t.Pager.Words = strconv.Itoa((page-1)*trashRows+1) + "–" + strconv.Itoa((page-1)*trashRows+n)
		if page == 1 && !more {
			t.Pager.Words = strconv.Itoa(n) + " in the trash"
		}
	}
	if page > 1 {
		t.Pager.Prev = q.With("page", strconv.Itoa(page-1))
	}
	if more {
		t.Pager.Next = q.With("page", strconv.Itoa(page+1))
	}
	p, err := v.Page("Trash", ui.Crumb{Label: "Trash"})
	if err != nil {
		return err
	}
	d.Table = t
	p.Data = trashPage{d, v.restores(t.Rows)}
	return v.Render("trash", p)
}

// trashPage is a list whose rows have a button each.
type trashPage struct {
	shell.ListPage
	Restore map[string]ui.Action // by the row's id
}

func (v *visit) restores(rows []ui.Row) map[string]ui.Action {
	out := map[string]ui.Action{}
	for _, r := range rows {
		k := v.Kind(r.Cells[1].Sub)
		if k != nil && !k.Admin && v.May(access.Delete, k) {
			out[r.ID] = ui.Action{Label: "Bring back", Icon: "arrow-back-up", Post: true, Href: "/" + k.Plural + "/" + r.ID + "/undelete"}
		}
		r.Cells[1].Sub = ""
	}
	return out
}

func (v *visit) readTrash(tx *gate.Tx, t *ui.Table, page int) error {
	cond, args := tx.Visible("r")
	named, who := tx.Visible("o")
	rows, err := tx.Query(`select r.id, r.kind, r.name, coalesce(o.name, ''), r.trashed_at from record r left join record o on o.id = r.org_id and o.id <> r.id and `+named+`
		where r.trashed_at is not null and `+cond+` and not exists (select 1 from record p where p.id in (r.parent_id, r.org_id) and p.id <> r.id and p.trashed_at = r.trashed_at)
		order by r.trashed_at desc, r.id limit ? offset ?`, append(append(who, args...), trashRows+1, (page-1)*trashRows)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var rid, ms int64
		var kind, name, org string
		if err := rows.Scan(&rid, &kind, &name, &org, &ms); err != nil {
			return err
		}
		k := v.Kind(kind)
		if k == nil {
			continue
		}
		left := int(shell.When(ms).Add(record.KeepTrash).Sub(v.Now()).Hours() / 24)
		t.Rows = append(t.Rows, ui.Row{ID: id.ID(rid).String(), Name: name, Cells: []ui.Cell{{Text: name, Icon: k.Icon}, {Text: k.Label, Sub: kind, Type: "mut"}, {Text: org},
			{Type: "ago", Time: shell.When(ms)}, {Type: "pill", Text: shell.Days(max(0, left)), Tone: toneOfDays(left)}}})
	}
	return rows.Err()
}

func toneOfDays(n int) string {
	if n <= 3 {
		return "warn"
	}
	return ""
}
