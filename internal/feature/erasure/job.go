package erasure

import (
	"context"
	"fmt"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/erase"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
)

// JobKind is the kind of the jobs that find and replace.
const JobKind = "person.erase"

type payload struct {
	Erasure id.ID `json:"erasure"`
}

// state is what a job remembers.
type state struct {
	Own   bool   `json:"own"`   // the person's own record is done
	Table string `json:"table"` // the last one that is done
	Log   bool   `json:"log"`   // all tables are
	Seq   int64  `json:"seq"`   // of the log, the next entry
}

// Handler finds the places of an erasure that somebody asked for, and erases where
// somebody said so.
func (p *Persons) Handler() job.Handler {
	return func(ctx context.Context, run *job.Run) error {
		var pl payload
		if err := run.Payload(&pl); err != nil {
			return err
		}
		w := work{Persons: p, run: run, erasure: pl.Erasure}
		if _, err := run.Load(&w.state); err != nil {
			return err
		}
		more := true
		for n := int64(0); more; n++ {
			if run.Cancelled() {
				return job.ErrCancelled
			}
			err := p.Gate.Change(ctx, run.Caller, access.Administer, gate.Thing{}, func(tx *gate.Tx) (err error) {
				now := w
				if more, err = now.step(tx); err != nil {
					return err
				}
				w = now
				return run.SaveIn(tx, w.state)
			})
			if err != nil {
				return err
			}
			run.Progress(n, 0, w.said)
		}
		run.Progress(1, 1, "")
		return nil
	}
}

// work is what a job does.
type work struct {
	*Persons
	run     *job.Run
	erasure id.ID
	state   state
	said    string
}

// step does the next part in one transaction, and tells whether there is more.
func (w *work) step(tx *gate.Tx) (more bool, err error) {
	entry := tx.Entry()
	x, err := one(tx, `id = ?`, w.erasure)
	if err != nil {
		return false, err
	}
	if x == nil || x.State == Found || x.State == Done { // somebody decided otherwise, or it was done
		tx.Withdraw(entry)
		return false, nil
	}
	m := erase.NewMatcher(x.replaced())
	table, left, err := w.next(tx)
	switch {
	case err != nil:
		return false, err
	case x.State == Looking && table == "":
		tx.Withdraw(entry)
		_, err = tx.Exec(`update erasure set state = ? where id = ?`, Found, int64(x.ID))
		return false, err
	case x.State == Looking:
		tx.Withdraw(entry)
		w.state.Table, w.said = table, fmt.Sprintf("Looking: %d tables left", left)
		return true, w.find(tx, x, m, table)
	case !w.state.Own:
		w.state.Own, w.said = true, "The person's own record"
		return true, w.own(tx, x)
	case table != "":
		tx.Withdraw(entry)
		w.state.Table, w.said = table, fmt.Sprintf("Replacing: %d tables left", left)
		return true, w.replace(tx, x, m, table)
	case !w.state.Log:
		tx.Withdraw(entry)
		next, n, more, err := m.Log(tx, w.state.Seq, x.Record)
		if err != nil {
			return false, err
		}
		w.state.Seq, w.state.Log, w.said = next, !more, "The audit log"
		_, err = tx.Exec(`update erasure set details = details + ? where id = ?`, n, int64(x.ID))
		return true, err
	}
	entry.Action, entry.Kind, entry.Object = Erased, x.Kind, x.Record
	entry.Detail.Text = fmt.Sprintf("%d words replaced, %d details of the log taken away", x.Texts, x.Details)
	if _, err := tx.Exec(`delete from erasure_place where erasure_id = ?`, int64(x.ID)); err != nil {
		return false, err
	}
	_, err = tx.Exec(`update erasure set state = ?, words = '[]', reason = '', ended_at = ? where id = ?`, Done, tx.Now, int64(x.ID))
	return false, err
}

// next gives the table behind that which is done, empty for none, and how many follow it.
func (w *work) next(tx *gate.Tx) (string, int, error) {
	list, err := erase.Tables(tx)
	for i, t := range list {
		if t > w.state.Table {
			return t, len(list) - i - 1, err
		}
	}
	return "", 0, err
}

// replaced gives the words with what stands in their places: addresses stay addresses that
// lead nowhere (RFC 2606), and each is another.
func (x *Erasure) replaced() []erase.Word {
	out := make([]erase.Word, len(x.Words))
	for i, w := range x.Words {
		out[i] = erase.Word{Text: w, As: x.Person}
		switch {
		case strings.Contains(w, "@"):
			out[i].As = fmt.Sprintf("erased-%s-%d@erased.invalid", x.Record, i+1)
		case !strings.ContainsFunc(w, func(r rune) bool { return r > '9' }): // a number
			out[i].As = "erased number"
		}
	}
	return out
}

func (w *work) find(tx *gate.Tx, x *Erasure, m *erase.Matcher, table string) error {
	list, err := m.Find(tx, table)
	if err != nil {
		return err
	}
	var have int
	if err := tx.QueryRow(`select count(*) from erasure_place where erasure_id = ?`, int64(x.ID)).Scan(&have); err != nil {
		return err
	}
	for _, p := range list {
		if p.Record == x.Record { // all of that goes
			continue
		}
		if have++; have > MostPlaces {
			return fault.New(fault.Invalid, "These words stand in more than %d texts: they are no name.", MostPlaces).WithHint("Leave the one out that others bear too, and look again.")
		}
		if _, err := tx.Exec(`insert into erasure_place (erasure_id, key, table_name, column_name, record_id, excerpt, words) values (?, ?, ?, ?, ?, ?, ?)
			on conflict (erasure_id, key) do nothing`, int64(x.ID), p.Key(), p.Table, p.Column, int64(p.Record), p.Excerpt, p.Words); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) replace(tx *gate.Tx, x *Erasure, m *erase.Matcher, table string) error {
	rows, err := tx.Query(`select key from erasure_place where erasure_id = ? and keep = 1`, int64(x.ID))
	if err != nil {
		return err
	}
	keep := map[string]bool{}
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			rows.Close()
			return err
		}
		keep[key] = true
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return err
	}
	touched, n, err := m.Replace(tx, table, keep)
	if err != nil {
		return err
	}
	for _, rec := range touched {
		if err := w.Records.Rewrote(tx, table, rec); err != nil {
			return err
		}
	}
	_, err = tx.Exec(`update erasure set texts = texts + ? where id = ?`, n, int64(x.ID))
	return err
}

// own makes the person's record one of nobody: archived, under another name, without
// what her fields said, and without anything that was kept beside it.
func (w *work) own(tx *gate.Tx, x *Erasure) error {
	r, err := w.Records.GetTrashed(tx, x.Kind, x.Record)
	if fault.Is(err, fault.NotFound) { // deleted for good meanwhile
		tx.Withdraw(tx.Entry())
		return nil
	}
	if err != nil {
		return err
	}
	if err := w.kept(tx, r); err != nil {
		return err
	}
	e := tx.Entry()
	e.Action, e.Kind, e.Object = "edit", x.Kind, x.Record
	if !r.Archived && r.Trashed == 0 {
		if err := w.Records.SetArchived(tx, x.Kind, x.Record, true); err != nil {
			return err
		}
	}
	if err := w.Records.Strip(tx, r); err != nil {
		return err
	}
	if _, err := tx.Exec(`update record set name = ?, name_fold = ? where id = ?`, x.Person, record.Fold(x.Person), int64(x.Record)); err != nil {
		return err
	}
	have, err := tx.SQL().Columns(r.Kind.Table())
	if err != nil {
		return err
	}
	for _, f := range r.Kind.Fields {
		if f.Class != record.Personal || !have[f.Name] {
			continue
		}
		var to any
		switch {
		case f.Name == newName:
			to = x.Person
		case f.Required && f.Format == record.Email:
			to = fmt.Sprintf("erased-%s@erased.invalid", x.Record)
		case f.Required:
			to = x.Person
		}
		set, args := `"`+f.Name+`" = ?`, []any{to}
		if have[f.Name+"_fold"] {
			var folded any
			if s, ok := to.(string); ok {
				folded = record.Fold(s)
			}
			set, args = set+`, "`+f.Name+`_fold" = ?`, append(args, folded)
		}
		if _, err := tx.Exec(`update `+r.Kind.Table()+` set `+set+` where id = ?`, append(args, int64(x.Record))...); err != nil {
			return err
		}
	}
	if x.Kind == "user" {
		if err := tx.Tenant.Audit.Erase(tx.SQL(), x.Record); err != nil {
			return err
		}
	}
	return w.Records.Rewrote(tx, r.Kind.Table(), x.Record)
}
