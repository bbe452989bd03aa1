package records

import (
	"fmt"
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

// mostUndo is how many records the next page can take back: they travel in a cookie.
const mostUndo = 120

// bulk lists what is done to many records at once: to each on its own, so that one
// that is refused keeps none of the others.
func (p *Pages) bulk() []shell.Deed {
	each := func(name string) func(*shell.Visit, *shell.Selected) error {
		return func(v *shell.Visit, s *shell.Selected) error { return (&visit{v, p}).deedToEach(deeds[name], s) }
	}
	where := func(may func(*visit, *record.Kind) bool, do func(*visit, *shell.Selected) error) (func(*shell.Visit, *record.Kind, string) bool, func(*shell.Visit, *shell.Selected) error) {
		return func(v *shell.Visit, k *record.Kind, _ string) bool { return may(&visit{v, p}, k) },
			func(v *shell.Visit, s *shell.Selected) error {
				if own := (&visit{v, p}); may(own, s.Kind) {
					return do(own, s)
				}
				return shell.NoDeed()
			}
	}
	archive := shell.Deed{Action: ui.Action{Name: "archive", Label: "Archive", Icon: "archive"}, Do: each("archive")}
	archive.For = func(v *shell.Visit, k *record.Kind, shown string) bool {
		return v.May(access.Archive, k) && shown != "yes"
	}
	restore := shell.Deed{Action: ui.Action{Name: "restore", Label: "Bring back", Icon: "arrow-back-up"}, Do: each("restore")}
	restore.For = func(v *shell.Visit, k *record.Kind, shown string) bool {
		return v.May(access.Archive, k) && shown != "no"
	}
	edit := shell.Deed{Action: ui.Action{Name: "edit", Label: "Change…", Icon: "edit"}}
	edit.For, edit.Do = where((*visit).changeable, (*visit).bulkEdit)
	move := shell.Deed{Action: ui.Action{Name: "move", Label: "Move…", Icon: "transfer"}}
	move.For, move.Do = where((*visit).movable, (*visit).bulkMove)
	open := shell.Deed{Action: ui.Action{Name: "access", Label: "Access…", Icon: "shield-lock"}}
	open.For, open.Do = where((*visit).shareable, (*visit).bulkAccess)
	trash := shell.Deed{Action: ui.Action{Name: "delete", Label: "Delete", Icon: "trash", Danger: true}, Do: each("delete")}
	trash.For = func(v *shell.Visit, k *record.Kind, _ string) bool { return v.May(access.Delete, k) }
	return []shell.Deed{archive, restore, edit, move, open, trash, {Action: ui.Action{Name: "undelete"}, Do: each("undelete")}}
}

// deedToEach does a deed to each of the selected records.
func (v *visit) deedToEach(d deed, s *shell.Selected) error {
	done, first, err := v.toEach(s.IDs, func(tx *gate.Tx, i id.ID) error { return d.do(v.Records, tx, s.Kind.Name, i) })
	if err != nil {
		return err
	}
	return v.bulkDone(s, d, done, first)
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
func (v *visit) bulkDone(s *shell.Selected, d deed, done []id.ID, first error) error {
	if len(done) == 0 {
		return first
	}
	flash := web.Flash{Tone: "ok", Text: shell.Count(int64(len(done)), s.Kind) + " " + d.words + "."}
	if first != nil {
		flash.Tone = "warn"
		flash.Text += fmt.Sprintf(" %s could not be: %s", web.Number(int64(len(s.IDs)-len(done))), fault.Say(first).Text)
	}
	if d.undo != "" && len(done) <= mostUndo {
		flash.Undo = &web.Undo{Label: "Undo", Action: shell.ListURL(s.Kind) + "/bulk", Fields: map[string]string{"do": d.undo, "ids": join(done), "back": s.Back}}
	}
	web.SetFlash(v.W, v.R, flash)
	return web.SeeOther(v.W, v.R, s.Back)
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
