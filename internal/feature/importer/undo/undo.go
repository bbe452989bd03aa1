// Package undo takes whole imports back.
//
// Always true: what an import made goes to the trash, and what it changed goes back
// to the version before, as changes of the person who asks, with her rights and with
// audit entries of their own; what somebody changed since, and what holds or is used
// by records that are not of the import, is left and said; files and relations that it
// made go too, and no other ones; what was taken back once is not touched again.
package undo

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/relation"
)

// JobKind is the kind of the jobs that take imports back. Their result is a Report.
const JobKind = "import.undo"

// Undo takes imports back. Fill the fields; it then is safe for concurrent use.
type Undo struct {
	Gate      *gate.Gate
	Records   *record.Engine // of an import: it may set what only rules set
	Secrets   *secret.Revealer
	Relations *relation.Relations
	Jobs      *job.Runner
	Now       func() time.Time // nil is time.Now
}

// Run is an import that was run.
type Run struct {
	ID      id.ID
	Layout  string
	Name    string // of the file
	By      string
	Created int64 // Unix milliseconds
	Made    int64 // records that it made
	Changed int64 // records that it changed
	Undone  int64 // when it was taken back, as far as that went; 0 for not
	Job     id.ID // that took it back, or does; 0 for none
}

// Report tells what was taken back, or, of a preview, would be.
type Report struct {
	Trashed   int64   `json:"trashed"`
	Restored  int64   `json:"restored"`
	Gone      int64   `json:"gone"` // deleted since, or not open to the caller
	Kept      int64   `json:"kept"`
	Files     int64   `json:"files,omitempty"`     // that the import made for what stays
	Relations int64   `json:"relations,omitempty"` // likewise
	Left      []Entry `json:"left"`                // the first of those that are kept
	Partly    bool    `json:"partly,omitempty"`    // a preview that did not look at all records
}

// Entry is a record that is left as it is.
type Entry struct {
	Record id.ID  `json:"record"`
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Why    string `json:"why"`
}

// maxLeft is how many records are listed that are left.
const maxLeft = 500

func (r *Report) leave(e Entry) {
	if r.Kept++; len(r.Left) < maxLeft {
		r.Left = append(r.Left, e)
	}
}

// mine is the condition on a row of import_run that the caller imported it, or sees
// everything.
func mine(tx *gate.Tx) (string, []any) {
	if tx.Caller.Everything() {
		return `1 = 1`, nil
	}
	return `i.created_by = ?`, []any{int64(tx.Caller.User)}
}

const columns = `select i.id, i.layout, i.name, coalesce(u.name, ''), i.created_at, i.undone_at, i.undo_job,
	(select count(*) from import_change c where c.run_id = i.id and c.version_before = 0),
	(select count(*) from import_change c where c.run_id = i.id and c.version_before > 0 and c.version_before <> c.version_after)
	from import_run i left join record u on u.id = i.created_by where `

// List gives the imports that were run, newest first, to who may import: her own, or
// all to an administrator.
func List(tx *gate.Tx, limit int) ([]Run, error) {
	if _, err := tx.Allow(access.Import, gate.Thing{}); err != nil {
		return nil, err
	}
	cond, args := mine(tx)
	rows, err := tx.Query(columns+cond+` order by i.id desc limit ?`, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Run
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

func scan(row interface{ Scan(...any) error }) (r Run, err error) {
	var n, job int64
	err = row.Scan(&n, &r.Layout, &r.Name, &r.By, &r.Created, &r.Undone, &job, &r.Made, &r.Changed)
	r.ID, r.Job = id.ID(n), id.ID(job)
	return r, err
}

// Get gives one import. NotFound when there is none, or it is another's.
func Get(tx *gate.Tx, run id.ID) (Run, error) {
	if _, err := tx.Allow(access.Import, gate.Thing{}); err != nil {
		return Run{}, err
	}
	cond, args := mine(tx)
	r, err := scan(tx.QueryRow(columns+`i.id = ? and `+cond, append([]any{int64(run)}, args...)...))
	if errors.Is(err, sql.ErrNoRows) {
		return r, gate.Missing()
	}
	return r, err
}

// change is a row of import_change.
type change struct {
	record        id.ID
	before, after int64
}

// place is how far the taking back of an import is: what it changed comes first, then
// what it made, each from the last record on, and then files and relations.
type place struct {
	Made   bool  `json:"made"`
	Beside bool  `json:"beside,omitempty"` // the records are done
	Below  id.ID `json:"below"`
}

// after gives changes that are not taken back, from a place on, and the place behind
// them; none at the end.
func after(tx *gate.Tx, run id.ID, from place, limit int) ([]change, place, error) {
	list, err := changes(tx, run, from, limit)
	if err == nil && len(list) == 0 && !from.Made {
		from = place{Made: true, Below: id.Max}
		list, err = changes(tx, run, from, limit)
	}
	if len(list) > 0 {
		from.Below = list[len(list)-1].record
	}
	return list, from, err
}

func changes(tx *gate.Tx, run id.ID, from place, limit int) ([]change, error) {
	which := `version_before > 0`
	if from.Made {
		which = `version_before = 0`
	}
	rows, err := tx.Query(`select record_id, version_before, version_after from import_change where run_id = ? and undone = 0 and `+which+` and record_id < ? order by record_id desc limit ?`,
		int64(run), int64(from.Below), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []change
	for rows.Next() {
		var rec int64
		var c change
		if err := rows.Scan(&rec, &c.before, &c.after); err != nil {
			return nil, err
		}
		c.record = id.ID(rec)
		out = append(out, c)
	}
	return out, rows.Err()
}

// verdict is what becomes of a record.
type verdict int

const (
	nothing verdict = iota // it is as it was before the import
	gone
	trash
	restore
	leave
)

// judge decides what becomes of a record. force takes back what was changed since.
func (u *Undo) judge(tx *gate.Tx, run id.ID, c change, force bool) (verdict, *record.Record, string, error) {
	if c.before == c.after {
		return nothing, nil, "", nil
	}
	rec, err := u.Records.Get(tx, "", c.record)
	if fault.Is(err, fault.NotFound) {
		return gone, nil, "", nil
	}
	if err != nil {
		return gone, nil, "", err
	}
	switch {
	case rec.Version != c.after && !force:
		return leave, rec, "It was changed since the import.", nil
	case c.before > 0:
		return restore, rec, "", nil
	}
	why, err := u.held(tx, run, rec, force)
	if err != nil || why != "" {
		return leave, rec, why, err
	}
	return trash, rec, "", nil
}

// held says why a record that the import made cannot go: it holds others, or others
// refer to it, that are not of the import or were changed since.
func (u *Undo) held(tx *gate.Tx, run id.ID, rec *record.Record, force bool) (string, error) {
	same := ` and not exists (select 1 from import_change c where c.run_id = ? and c.record_id = r.id`
	if !force {
		same += ` and c.version_after = r.version`
	}
	var n int
	within := `r.parent_id = ? and r.parent_id <> 0`
	if rec.Kind.Scope == record.Organization {
		within = `r.org_id = ?`
	}
	err := tx.QueryRow(`select count(*) from record r where `+within+` and r.id <> ? and r.trashed_at is null`+same+` and c.version_before = 0)`, int64(rec.ID), int64(rec.ID), int64(run)).Scan(&n)
	switch {
	case err != nil:
		return "", err
	case n > 0:
		return "It holds what is not of the import, or was changed since.", nil
	case rec.Kind.Scope != record.OfTenant:
		return "", nil
	}
	for _, k := range u.Records.Kinds.Kinds() {
		for i := range k.Fields {
			f := &k.Fields[i]
			if f.Type != record.Ref || f.Ref != rec.Kind.Name {
				continue
			}
			err := tx.QueryRow(`select count(*) from `+k.Table()+` k join record r on r.id = k.id where k."`+f.Name+`" = ? and r.trashed_at is null`+same+`)`, int64(rec.ID), int64(run)).Scan(&n)
			if err != nil {
				return "", err
			}
			if n > 0 {
				return "It is used by " + strings.ToLower(k.Labels) + " that are not of the import, or were changed since.", nil
			}
		}
	}
	return "", nil
}

// mostPreview is how many records a preview looks at.
const mostPreview = 2000

// Preview tells what taking an import back would do, and changes nothing. It looks at
// the first records of a long import only, and says so. Fault kinds: Denied for who
// may not import, NotFound.
func (u *Undo) Preview(ctx context.Context, c *access.Caller, run id.ID, force bool) (*Report, error) {
	r := &Report{Left: []Entry{}}
	err := u.Gate.View(ctx, c, func(tx *gate.Tx) error {
		if _, err := Get(tx, run); err != nil {
			return err
		}
		becomes := map[id.ID]verdict{}
		for at, looked := (place{Below: id.Max}), 0; ; {
			list, next, err := after(tx, run, at, 500)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				return u.previewBeside(tx, run, force, becomes, r)
			}
			if looked += len(list); looked > mostPreview {
				r.Partly = true
				return nil
			}
			for _, ch := range list {
				what, rec, why, err := u.judge(tx, run, ch, force)
				if err != nil {
					return err
				}
				r.count(what, rec, why)
				becomes[ch.record] = what
			}
			at = next
		}
	})
	return r, err
}

func (r *Report) count(what verdict, rec *record.Record, why string) {
	switch what {
	case gone:
		r.Gone++
	case trash:
		r.Trashed++
	case restore:
		r.Restored++
	case leave:
		r.leave(Entry{rec.ID, rec.Kind.Name, rec.Name, why})
	}
}
