package undo

import (
	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/importer/history"
	"strongroom/internal/feature/importer/state"
)

// beside is a file or a relation that an import made.
type beside struct {
	thing, record id.ID
	sort          string
	made          int64
}

// madeBeside gives the next files and relations that are not taken back. Those of a
// record in the trash go with it, and those of a record that the taking back leaves as
// it is stay with it: its text may show them.
func madeBeside(tx *gate.Tx, run, below id.ID, limit int) ([]beside, error) {
	rows, err := tx.Query(`select m.thing_id, m.record_id, m.sort, m.made_at from import_made m join record r on r.id = m.record_id
		where m.run_id = ? and m.undone = 0 and m.thing_id < ? and r.trashed_at is null order by m.thing_id desc limit ?`, int64(run), int64(below), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []beside
	for rows.Next() {
		var thing, rec int64
		var b beside
		if err := rows.Scan(&thing, &rec, &b.sort, &b.made); err != nil {
			return nil, err
		}
		b.thing, b.record = id.ID(thing), id.ID(rec)
		out = append(out, b)
	}
	return out, rows.Err()
}

// stays tells whether the record of a file or relation is one of the import that was
// not taken back.
func stays(tx *gate.Tx, run, rec id.ID) (bool, error) {
	var n int
	err := tx.QueryRow(`select count(*) from import_change where run_id = ? and record_id = ? and undone = 0 and version_before <> version_after`, int64(run), int64(rec)).Scan(&n)
	return n > 0, err
}

// judgeBeside finds a file or relation, and why it is left, if it is; gone for one that
// is not there, or not open to the caller.
func (u *Undo) judgeBeside(tx *gate.Tx, b beside, force bool) (what verdict, name string, err error) {
	var changed int64
	switch b.sort {
	case history.File:
		f, err := attachment.Get(tx, b.thing)
		if err != nil {
			return missing(err)
		}
		name, changed = f.Name, f.Updated
	default:
		it, err := u.Relations.Get(tx, b.record, b.thing)
		if err != nil {
			return missing(err)
		}
		name, changed = it.Name, it.Updated
	}
	if changed > b.made && !force {
		return leave, name, nil
	}
	return trash, name, nil
}

func missing(err error) (verdict, string, error) {
	if fault.Is(err, fault.NotFound) {
		return gone, "", nil
	}
	return gone, "", err
}

// stepBeside takes the next files and relations back; false when there are none.
func (b *back) stepBeside(tx *gate.Tx, next *progress) (bool, error) {
	list, err := madeBeside(tx, b.run, next.At.Below, together)
	if err != nil || len(list) == 0 {
		return false, err
	}
	for _, m := range list {
		next.At.Below = m.thing
		if err := b.oneBeside(tx, m, &next.Report); err != nil {
			return false, err
		}
	}
	return true, b.save(tx, *next)
}

func (b *back) oneBeside(tx *gate.Tx, m beside, report *Report) error {
	kept, err := stays(tx, b.run, m.record)
	if err != nil || kept {
		return err
	}
	what, name, err := b.judgeBeside(tx, m, b.force)
	if err != nil {
		return err
	}
	if what == trash {
		err = tx.Try(func() error { return b.removeBeside(tx, m) })
		if err != nil && !ours(err) {
			return err
		}
		if err != nil {
			report.leave(Entry{Record: m.record, Name: name, Why: fault.Say(err).Text})
			return nil
		}
	}
	report.countBeside(what, m, name)
	if what == leave {
		return nil
	}
	_, err = tx.Exec(`update import_made set undone = 1 where run_id = ? and thing_id = ?`, int64(b.run), int64(m.thing))
	return err
}

// removeBeside ends a relation, or removes a file; the same import makes it again.
func (b *back) removeBeside(tx *gate.Tx, m beside) error {
	if m.sort == history.Relation {
		return b.Relations.Remove(tx, m.record, m.thing)
	}
	if _, err := attachment.Remove(tx, m.thing); err != nil {
		return err
	}
	return state.ForgetFile(tx, m.thing)
}

// previewBeside counts the files and relations that would go.
func (u *Undo) previewBeside(tx *gate.Tx, run id.ID, force bool, becomes map[id.ID]verdict, r *Report) error {
	list, err := madeBeside(tx, run, id.Max, mostPreview+1)
	if err != nil {
		return err
	}
	if len(list) > mostPreview {
		list, r.Partly = list[:mostPreview], true
	}
	for _, m := range list {
		if v, ok := becomes[m.record]; ok && (v == trash || v == leave || v == gone) {
			continue
		}
		what, name, err := u.judgeBeside(tx, m, force)
		if err != nil {
			return err
		}
		r.countBeside(what, m, name)
	}
	return nil
}

func (r *Report) countBeside(what verdict, m beside, name string) {
	switch {
	case what == leave && m.sort == history.File:
		r.leave(Entry{Record: m.record, Name: name, Why: "The file was renamed since the import."})
	case what == leave:
		r.leave(Entry{Record: m.record, Name: name, Why: "The relation was changed since the import."})
	case what == trash && m.sort == history.File:
		r.Files++
	case what == trash:
		r.Relations++
	}
}
