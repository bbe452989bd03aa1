package records

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
	"strongroom/internal/base/table"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/shell"
)

const (
	mostBulk   = 1000   // records that one press of a button changes
	mostUndo   = 120    // of which the next page can take back: they travel in a cookie
	mostExport = 100000 // rows of an export for a spreadsheet
)

// bulkActions are what may be done with selected rows.
func (v *visit) bulkActions(k *record.Kind, archived string) []ui.Action {
	if k.Fixed {
		return nil
	}
	var out []ui.Action
	if v.May(access.Archive, k) {
		if archived != "yes" {
			out = append(out, ui.Action{Name: "archive", Label: "Archive", Icon: "archive"})
		}
		if archived != "no" {
			out = append(out, ui.Action{Name: "restore", Label: "Bring back", Icon: "arrow-back-up"})
		}
	}
	if v.May(access.Edit, k) && !k.Admin {
		out = append(out, ui.Action{Name: "edit", Label: "Change…", Icon: "edit"})
	}
	if v.movable(k) {
		out = append(out, ui.Action{Name: "move", Label: "Move…", Icon: "transfer"})
	}
	if v.shareable(k) {
		out = append(out, ui.Action{Name: "access", Label: "Access…", Icon: "shield-lock"})
	}
	if v.Caller.May(access.Export) {
		out = append(out, ui.Action{Name: "export", Label: "Export", Icon: "download"})
	}
	if v.May(access.Delete, k) {
		out = append(out, ui.Action{Name: "delete", Label: "Delete", Icon: "trash", Danger: true})
	}
	return out
}

// selection gives the ids that a list's form sent.
func (v *visit) selection(k *record.Kind, f *web.Form) ([]id.ID, *listing, error) {
	values := url.Values{}
	k, err := v.variant(k, f.Text) // the conditions may be on its traits
	if err != nil {
		return nil, nil, err
	}
	for _, name := range append([]string{"q", "archived", "soon", "flag", "sort", "dir"}, fieldNames(k)...) {
		if f.Has(name) {
			values.Set(name, f.Text(name))
		}
	}
	org, _ := id.Parse(f.Text("organization"))
	l, err := v.newListing(k, org, shell.ListURL(k), values)
	if err != nil {
		return nil, nil, err
	}
	var out []id.ID
	if f.Bool("all") {
		l.query.Limit, l.query.NoTotal = mostBulk, true
		err = v.View(func(tx *gate.Tx) (err error) {
			if err := l.narrowByFlag(tx); err != nil {
				return err
			}
			l.found, err = v.Records.List(tx, k.Name, l.query)
			return err
		})
		if err != nil {
			return nil, nil, err
		}
		for _, r := range l.found.Records {
			out = append(out, r.ID)
		}
	}
	list := f.All("id")
	if f.Has("ids") { // an undo
		list = strings.Split(f.Text("ids"), ".")
	}
	seen := map[id.ID]bool{}
	for _, s := range list {
		if i, ok := id.Parse(s); ok && !f.Bool("all") && !seen[i] {
			seen[i] = true
			out = append(out, i)
		}
	}
	switch {
	case len(out) == 0:
		return nil, nil, fault.New(fault.Invalid, "Nothing is selected.").WithHint("Tick the rows that you mean, then press the button again.")
	case len(out) > mostBulk:
		return nil, nil, fault.New(fault.Invalid, "This is more than %s at once.", web.Number(mostBulk)).WithHint("Narrow the list down first.")
	}
	return out, l, nil
}

func fieldNames(k *record.Kind) []string {
	var out []string
	for _, f := range k.Fields {
		out = append(out, f.Name)
	}
	return out
}

// bulk does one thing to the selected records: each on its own, so that one
// that is refused keeps none of the others.
func (v *visit) bulk(k *record.Kind) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	ids, l, err := v.selection(k, f)
	if err != nil {
		return err
	}
	back := web.LocalPath(f.Text("back"), shell.ListURL(k))
	deed, ok := deeds[f.Text("do")]
	switch {
	case f.Text("do") == "export":
		return v.exportIDs(l, ids)
	case (f.Text("do") == "edit" || f.Text("do") == "edit.apply") && v.May(access.Edit, k) && !k.Admin:
		return v.bulkEdit(k, f, l, ids, back)
	case (f.Text("do") == "move" || f.Text("do") == "move.apply") && v.movable(k):
		return v.bulkMove(k, f, ids, back)
	case (f.Text("do") == "access" || f.Text("do") == "access.apply") && v.shareable(k):
		return v.bulkAccess(k, f, ids, back)
	case !ok:
		return fault.New(fault.Invalid, "The list does not know this button.").WithHint("Open it again.")
	}
	done, first, err := v.toEach(ids, func(tx *gate.Tx, i id.ID) error { return deed.do(v.Records, tx, k.Name, i) })
	if err != nil {
		return err
	}
	return v.bulkDone(k, deed, ids, done, first, back)
}

// toEach does something to records, each on its own, and gives those of which it
// was done, and why the first of the others was refused.
func (v *visit) toEach(ids []id.ID, do func(*gate.Tx, id.ID) error) (done []id.ID, first, err error) {
	err = v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error {
		done, first = nil, nil
		for _, i := range ids {
			if err := tx.Try(func() error { return do(tx, i) }); err != nil {
				if fault.Of(err) == fault.Internal {
					return err
				}
				if first == nil {
					first = err
				}
				continue
			}
			done = append(done, i)
		}
		return nil
	})
	return done, first, err
}

// bulkDone says what was done, and offers to undo it.
func (v *visit) bulkDone(k *record.Kind, d deed, ids, done []id.ID, first error, back string) error {
	if len(done) == 0 {
		return first
	}
	flash := web.Flash{Tone: "ok", Text: shell.Count(int64(len(done)), k) + " " + d.words + "."}
	if first != nil {
		flash.Tone = "warn"
		flash.Text += fmt.Sprintf(" %s could not be: %s", web.Number(int64(len(ids)-len(done))), fault.Say(first).Text)
	}
	if d.undo != "" && len(done) <= mostUndo {
		flash.Undo = &web.Undo{Label: "Undo", Action: shell.ListURL(k) + "/bulk", Fields: map[string]string{"do": d.undo, "ids": join(done), "back": back}}
	}
	web.SetFlash(v.W, v.R, flash)
	return web.SeeOther(v.W, v.R, back)
}

func join(ids []id.ID) string {
	s := make([]string, len(ids))
	for i, x := range ids {
		s[i] = x.String()
	}
	return strings.Join(s, ".")
}

type deed struct {
	words string
	undo  string
	do    func(e *record.Engine, tx *gate.Tx, kind string, rid id.ID) error
}

var deeds = map[string]deed{
	"archive":  {"archived", "restore", func(e *record.Engine, tx *gate.Tx, k string, i id.ID) error { return e.SetArchived(tx, k, i, true) }},
	"restore":  {"brought back", "archive", func(e *record.Engine, tx *gate.Tx, k string, i id.ID) error { return e.SetArchived(tx, k, i, false) }},
	"delete":   {"deleted", "undelete", (*record.Engine).Trash},
	"undelete": {"brought back from the trash", "", (*record.Engine).Untrash},
}

// one does a deed to the record of the address and offers to undo it.
func (v *visit) one(k *record.Kind, name string, to func(rid id.ID) string) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	d := deeds[name]
	var title string
	a := access.Delete
	if name == "archive" || name == "restore" {
		a = access.Archive
	}
	err = v.Change(a, gate.Thing{Kind: k.Name, ID: rid}, func(tx *gate.Tx) error {
		if title = tx.Entry().Detail.Name; title == "" { // what belongs to one person has no name in the log
			title = k.Label
		}
		return d.do(v.Records, tx, k.Name, rid)
	})
	if err != nil {
		return err
	}
	flash := web.Flash{Tone: "ok", Text: title + " " + d.words + "."}
	switch name {
	case "archive", "restore":
		on := "1"
		if name == "archive" {
			on = "0"
		}
		flash.Undo = &web.Undo{Label: "Undo", Action: shell.RecordURL(k, rid) + "/archive", Fields: map[string]string{"on": on}}
	case "delete":
		flash.Undo = &web.Undo{Label: "Undo", Action: shell.RecordURL(k, rid) + "/undelete"}
	}
	web.SetFlash(v.W, v.R, flash)
	return web.SeeOther(v.W, v.R, to(rid))
}

func (v *visit) archive(k *record.Kind) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	name := "restore"
	if f.Bool("on") {
		name = "archive"
	}
	return v.one(k, name, func(rid id.ID) string { return shell.RecordURL(k, rid) })
}

func (v *visit) trashOne(k *record.Kind) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	var r *record.Record
	if err := v.View(func(tx *gate.Tx) (err error) { r, err = v.Records.Get(tx, k.Name, rid); return err }); err != nil {
		return err
	}
	to := shell.ListURL(k)
	switch {
	case k.Scope == record.OfParent:
		to = v.HomeOf(r)
	case k.Scope == record.OfOrganization:
		to = shell.OrgListURL(r.Org, k)
	}
	return v.one(k, "delete", func(id.ID) string { return to })
}

func (v *visit) untrash(k *record.Kind) error {
	return v.one(k, "undelete", func(rid id.ID) string { return shell.RecordURL(k, rid) })
}

// export answers with everything that the list's filter finds, for a
// spreadsheet: values that it would take for formulas are kept as text.
func (v *visit) export(k *record.Kind, org id.ID) error {
	l, err := v.newListing(k, org, shell.ListURL(k), v.R.URL.Query())
	if err != nil {
		return err
	}
	return v.exportIDs(l, nil)
}

func (v *visit) exportIDs(l *listing, ids []id.ID) error {
	k := l.kind
	if len(ids) > 0 {
		list := make([]any, len(ids))
		for i, x := range ids {
			list[i] = x
		}
		l.query = record.Query{Variant: k.Variant, Filters: []record.Filter{{Field: "id", Op: record.Eq, Values: list}}}
	}
	columns := everything(k)
	if v.R.URL.Query().Get("as") == "shown" {
		columns = asShown(k, l.columns)
	}
	header := make([]string, len(columns))
	for i, c := range columns {
		header[i] = c.head
	}
	var b bytes.Buffer
	out, err := table.CreateForSpreadsheet(&b, header)
	if err != nil {
		return err
	}
	l.query.Limit, l.query.NoTotal = 1000, true
	narrow := len(ids) == 0
	thing := gate.Thing{Kind: k.Name, Org: l.org}
	err = v.View(func(tx *gate.Tx) error { // a long list keeps nobody from writing
		if _, err := tx.Allow(access.Export, thing); err != nil {
			return err
		}
		if narrow {
			if err := l.narrowByFlag(tx); err != nil {
				return err
			}
		}
		return l.each(v, tx, func(r *record.Record) error { return out.Write(csvRow(r, columns)...) })
	})
	if err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	err = v.Change(access.Export, thing, func(tx *gate.Tx) error {
		tx.Entry().Detail.Text = "list as CSV"
		return nil
	})
	if err != nil { // what is not recorded is not given
		return err
	}
	return v.CSV(k.Plural, b.Bytes())
}

// each gives the records that the list finds, in its order, at most mostExport.
func (l *listing) each(v *visit, tx *gate.Tx, give func(*record.Record) error) error {
	for l.query.Offset = 0; l.query.Offset < mostExport; l.query.Offset += l.query.Limit {
		page, err := v.Records.List(tx, l.kind.Name, l.query)
		if err != nil {
			return err
		}
		for _, r := range page.Records {
			if err := give(r); err != nil {
				return err
			}
		}
		if len(page.Records) < l.query.Limit {
			return nil
		}
	}
	return nil
}

// column is one of an exported list.
type column struct {
	head  string
	value func(r *record.Record) string
}

// everything are the columns of all that a list can tell, named as programs name
// them; traits have names for people alone.
func everything(k *record.Kind) []column {
	names := []string{"id"}
	if k.Scope == record.OfOrganization {
		names = append(names, "organization_id")
	}
	names = append(names, "name")
	for i := range k.Fields {
		if f := &k.Fields[i]; f.Type != record.Secret && f.Type != record.Files && f.Name != "name" {
			names = append(names, f.Name)
		}
	}
	var out []column
	for _, name := range append(names, "archived", "created_at", "updated_at") {
		c := columnOf(k, name)
		switch f := k.Field(name); {
		case name == "organization_id":
			c.head = "organization"
		case f == nil || f.Trait == 0:
			c.head = name
		}
		out = append(out, c)
	}
	return out
}

// asShown are the columns of a list as a person sees it.
func asShown(k *record.Kind, names []string) []column {
	var out []column
	for _, name := range names {
		out = append(out, columnOf(k, name))
	}
	return out
}

func columnOf(k *record.Kind, name string) column {
	c := column{head: columnLabel(k, name)}
	switch name {
	case "id":
		c.value = func(r *record.Record) string { return r.ID.String() }
	case "organization_id":
		c.value = func(r *record.Record) string { return r.OrgName }
	case "name":
		c.value = func(r *record.Record) string { return r.Name }
	case "archived":
		c.value = func(r *record.Record) string { return shell.Plain(r.Archived) }
	case "created_at":
		c.value = func(r *record.Record) string { return stamp(r.Created) }
	case "updated_at":
		c.value = func(r *record.Record) string { return stamp(r.Updated) }
	default:
		f := k.Field(name)
		c.value = func(r *record.Record) string { return fieldText(r, f) }
	}
	return c
}

func csvRow(r *record.Record, columns []column) []string {
	row := make([]string, len(columns))
	for i, c := range columns {
		row[i] = c.value(r)
	}
	return row
}

// fieldText is a value as a table holds it.
func fieldText(r *record.Record, f *record.Field) string {
	switch f.Type {
	case record.Ref:
		return r.Names[f.Name]
	case record.Refs:
		return shell.LinkNames(r, f)
	case record.HTML:
		return richtext.Text(shell.Plain(r.Values[f.Name]))
	case record.Time:
		ms, _ := r.Values[f.Name].(int64)
		return stamp(ms)
	}
	return shell.Plain(r.Values[f.Name])
}

func stamp(ms int64) string {
	if ms == 0 {
		return ""
	}
	return shell.When(ms).Format(time.RFC3339)
}
