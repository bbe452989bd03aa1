package glue

import (
	"strongroom/internal/base/richtext"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/itglue"
	"strongroom/internal/feature/importer/state"
)

// A note may lead to records that come after it, and to itself: quick notes of
// organizations and notes of configurations get the addresses of what they lead
// to when everything is there. Texts of documents do so by themselves.

// leads is a note with links into the other system.
type leads struct {
	known *importer.Known
	kind  string
	field string
	html  string // as the row has it
}

// later remembers the notes of an item that have links, whether it is saved now
// or was before: an import that was stopped goes on with them.
func (r *run) later(it *item) {
	if r.Dry || it.Link || it.Known == nil || it.What == importer.Conflict || it.Kind == "document" {
		return
	}
	k := r.Importer.Records.Kinds.Kind(it.Kind)
	if it.What == importer.Unchanged {
		it.AddNotes() // else it was done when the item was kept
	}
	for i := range k.Fields {
		f := &k.Fields[i]
		if f.Type != record.HTML {
			continue
		}
		if html := it.Values.Text(f.Name); leading(html) {
			r.leads = append(r.leads, leads{it.Known, it.Kind, f.Name, html})
		}
	}
}

// leading tells whether a text has a link into the other system.
func leading(html string) bool {
	found := false
	richtext.Rewrite(html, func(tag, attr, v string) string {
		if _, _, ok := itglue.Link(v); ok && tag == "a" {
			found = true
		}
		return v
	})
	return found
}

// links writes the addresses that are known now into the notes that were
// remembered. One that was changed here since is left alone.
func (r *run) links() error {
	list := r.leads
	r.leads = nil
	for len(list) > 0 {
		part := list[:min(len(list), 200)]
		list = list[len(part):]
		err := r.Importer.Quietly(r.Ctx, r.Caller, func(tx *gate.Tx) error {
			for _, n := range part {
				if n.known.Rec <= 0 {
					continue
				}
				if err := tx.Try(func() error { return r.lead(tx, n) }); err != nil && !importer.RowFault(err) {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) lead(tx *gate.Tx, n leads) error {
	rec, err := r.Importer.Records.Get(tx, n.kind, n.known.Rec)
	if err != nil {
		return err
	}
	was, err := rec.Kind.Field(n.field).Parse(n.html)
	if err != nil || rec.Values.Text(n.field) != was {
		return err
	}
	to, err := new(text).resolve(tx, &item{r: r}, n.html, nil)
	if err != nil || to == was {
		return err
	}
	if _, err := r.Importer.Records.Update(tx, n.kind, n.known.Rec, 0, record.Values{n.field: to}); err != nil {
		return err
	}
	if err := r.Wrote(tx, rec.ID, rec.Version); err != nil {
		return err
	}
	return state.Next(tx, rec)
}
