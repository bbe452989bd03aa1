package sheet

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/richtext"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/columns"
	"strongroom/internal/feature/importer/problem"
	"strongroom/internal/feature/importer/state"
)

// key is by what a row is known: a hash of the text and the organization.
type key struct {
	org  id.ID
	text state.Sum
}

// entry is a record, or a row that becomes one.
type entry struct {
	rec   id.ID
	line  int // of the row that it is
	twice bool
}

// index is the records of the kind, by what rows are known by. It holds hashes, so
// that a long list takes little memory.
type index struct{ of map[key]*entry }

func (i *index) load(tx *gate.Tx, x *reading) error {
	i.of = map[key]*entry{}
	column := "r.name"
	switch x.Match {
	case "", columns.MatchID:
		return nil
	case columns.MatchName:
	default:
		if !slices.ContainsFunc(columns.Matches(x.kind), func(f *record.Field) bool { return f.Name == x.Match }) {
			return nil // said by check
		}
		column = `k."` + x.Match + `"`
	}
	cond, args := tx.Visible("r")
	q := `select r.id, coalesce(r.org_id, 0), coalesce(` + column + `, '') from record r join ` + x.kind.Table() + ` k on k.id = r.id where r.kind = ? and r.trashed_at is null and ` + cond
	args = append([]any{x.kind.Name}, args...)
	if x.Variant != 0 {
		q, args = q+` and r.variant_id = ?`, append(args, int64(x.Variant))
	}
	rows, err := tx.Query(q, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var rec, org int64
		var text string
		if err := rows.Scan(&rec, &org, &text); err != nil {
			return err
		}
		if text == "" {
			continue
		}
		for _, o := range []id.ID{id.ID(org), 0} {
			k := x.key(o, text)
			if have := i.of[k]; have != nil && have.rec != id.ID(rec) {
				have.twice = true
			} else {
				i.of[k] = &entry{rec: id.ID(rec)}
			}
		}
	}
	return rows.Err()
}

func (x *reading) key(org id.ID, text string) key {
	return key{org, x.Sum(func(put func(string)) { put(record.Fold(text)) })}
}

// lines is the table of the rows of this import, by their lines.
func (x *reading) lines() string { return "line " + x.ID().String() }

// known finds the record that a row is; false when the row was skipped.
func (x *reading) known(l *line) bool {
	switch x.Match {
	case "":
		l.Table, l.Foreign = x.lines(), strconv.Itoa(l.Line)
		return true
	case columns.MatchID:
		l.Table, l.Foreign = x.kind.Plural, l.foreign
		if l.Foreign == "" {
			_ = l.Skip("Give the row its id.", "Line %d of %s was skipped: the cell by which rows are known is empty.", l.Line, l.File)
			return false
		}
		return true
	}
	text := l.Shown
	if x.Match != columns.MatchName {
		text = l.cells[x.Match]
	}
	if text == "" {
		_ = l.Skip("Fill in the cell, or choose another way to know rows.", "Line %d of %s was skipped: the cell by which rows are known is empty.", l.Line, l.File)
		return false
	}
	var org id.ID
	if l.Org != nil {
		org = l.Org.Rec
	}
	l.key = x.key(org, text)
	e := x.index.of[l.key]
	switch {
	case e == nil:
		x.index.of[l.key] = &entry{line: l.Line}
		return true
	case e.line != 0:
		_ = l.Skip("Leave one of them in the file.", "Line %d of %s was skipped: it is the same record as line %d.", l.Line, l.File, e.line)
		return false
	case e.twice:
		_ = l.Skip("Choose another way to know rows, or rename one of them.", "Line %d of %s was skipped: several records are meant by it.", l.Line, l.File)
		return false
	}
	e.line, l.found = l.Line, e.rec
	return true
}

// decide finds out what becomes of rows, with one look at the records that they
// are.
func (x *reading) decide(list []*line) error {
	list = slices.DeleteFunc(list, func(l *line) bool { return !x.known(l) })
	claimed := list[:0]
	for _, l := range list {
		if l.Foreign != "" {
			if !l.Claim() {
				continue
			}
			l.found = l.Known.Rec
		} else {
			l.Known = &importer.Known{Rec: l.found}
		}
		claimed = append(claimed, l)
	}
	have := map[id.ID]*record.Record{}
	err := x.Importer.Gate.View(x.Ctx, x.Caller, func(tx *gate.Tx) error {
		for _, l := range claimed {
			if l.found <= 0 {
				continue
			}
			rec, err := x.Importer.Records.Get(tx, x.kind.Name, l.found)
			if importer.RowFault(err) { // in the trash, or hidden: as if it were not there
				continue
			}
			if err != nil {
				return err
			}
			have[l.found] = rec
			if err := x.sameSecrets(tx, l, rec); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range claimed {
		if err := x.one(l, have[l.found]); err != nil {
			return err
		}
	}
	return nil
}

// one decides of one row.
func (x *reading) one(l *line, rec *record.Record) error {
	switch {
	case rec == nil && l.found > 0:
		return l.Skip("Bring it back from the trash, or ask who may see it.", "Line %d of %s was skipped: the record that it is was deleted, or is not open to you.", l.Line, l.File)
	case rec == nil && x.Rule == columns.UpdateOnly:
		x.Problem(l.File, l.Line, problem.Info, "Choose to create records too, if it should be made.", "Line %d of %s was skipped: there is no such record, and none is to be made.", l.Line, l.File)
		x.Report.Count(x.kind.Name, importer.Skipped)
		return nil
	case rec == nil:
		return x.create(l)
	case x.Rule == columns.CreateOnly || x.Match == "":
		x.Report.Count(x.kind.Name, importer.Unchanged)
		return nil
	}
	diff := x.differ(l, rec)
	if len(diff) == 0 {
		x.Report.Count(x.kind.Name, importer.Unchanged)
		return nil
	}
	l.What, l.Shown = importer.Changed, rec.Name
	x.Report.Row(importer.RowReport{Line: l.Line, What: "changed", Kind: x.kind.Name, Name: rec.Name, Record: rec.ID, Fields: diff})
	return x.Push(l.Item)
}

func (x *reading) create(l *line) error {
	for name, v := range l.Values {
		if v == nil {
			delete(l.Values, name)
		}
	}
	if bad := l.Missing(); bad != "" {
		return l.Skip("Fill in the cell, or map the column, and import it again.", "Line %d of %s was skipped: %s", l.Line, l.File, bad)
	}
	l.What = importer.Created
	var fields []importer.Diff
	for _, a := range x.at {
		if a.target.Field != nil && strings.TrimSpace(l.cells[a.Field]) != "" {
			fields = append(fields, importer.Diff{Label: a.target.Label, New: x.shown(a.target, l.Values[a.Field], l.names[a.Field])})
		}
	}
	x.Report.Row(importer.RowReport{Line: l.Line, What: "created", Kind: x.kind.Name, Name: l.Shown, Fields: fields})
	secrets := l.secretSums(x)
	l.After = func(tx *gate.Tx, rec *record.Record) error { return secrets(tx, rec.ID) }
	return x.Push(l.Item)
}

// differ leaves in the item only what is new, and says what.
func (x *reading) differ(l *line, rec *record.Record) []importer.Diff {
	var out []importer.Diff
	delete(l.Values, "organization_id") // a row does not move its record
	if x.kind.Variants != nil {
		delete(l.Values, x.kind.Variants.By)
	}
	for _, a := range x.at {
		if a.target.Field == nil {
			continue
		}
		if i := slices.IndexFunc(l.Lists, func(w importer.Want) bool { return w.Field == a.Field }); i >= 0 {
			if record.Fold(rec.Names[a.Field]) == record.Fold(l.Lists[i].Name) {
				l.Lists = slices.Delete(l.Lists, i, i+1)
				continue
			}
			out = append(out, importer.Diff{Label: a.target.Label, Old: rec.Names[a.Field], New: l.names[a.Field]})
			continue
		}
		now, set := l.Values[a.Field]
		if !set {
			continue
		}
		was := x.was(a.target, rec)
		if alike(was, now) {
			delete(l.Values, a.Field)
			continue
		}
		out = append(out, importer.Diff{Label: a.target.Label, Old: x.shown(a.target, was, rec.Names[a.Field]), New: x.shown(a.target, now, l.names[a.Field])})
	}
	secrets := l.secretSums(x)
	l.After = func(tx *gate.Tx, rec *record.Record) error { return secrets(tx, rec.ID) }
	return out
}

func (x *reading) was(t *columns.Target, rec *record.Record) any {
	switch t.Name {
	case columns.Archived:
		return rec.Archived
	case "name":
		return rec.Name
	}
	return rec.Values[t.Name]
}

func alike(was, now any) bool {
	if was == nil && (now == nil || now == false) || now == nil && was == "" {
		return true
	}
	if a, ok := was.([]map[string]any); ok { // the rest of a row follows from the value, or is not in a table
		b, ok := now.([]map[string]any)
		return ok && slices.EqualFunc(a, b, func(was, now map[string]any) bool {
			text := fmt.Sprint(now["value"])
			return fmt.Sprint(was["value"]) == text || fmt.Sprint(was["formatted_value"]) == text
		})
	}
	return reflect.DeepEqual(was, now)
}

// most is how long a value is shown, in characters.
const most = 160

// shown is a value for people; of a secret only that there is one.
func (x *reading) shown(t *columns.Target, v any, name string) string {
	if t.Secret() {
		if v == nil {
			return ""
		}
		return "(not shown)"
	}
	if name != "" {
		return name
	}
	var s string
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		if s = "No"; v {
			s = "Yes"
		}
	case string:
		if s = v; t.Field.Type == record.HTML {
			s = richtext.Text(v)
		}
	case []map[string]any:
		var parts []string
		for _, m := range v {
			parts = append(parts, fmt.Sprint(m["value"]))
		}
		s = strings.Join(parts, "; ")
	default:
		s = fmt.Sprint(v)
	}
	if r := []rune(s); len(r) > most {
		s = string(r[:most-3]) + "..."
	}
	return s
}

// sum is the keyed hash of a secret of a record.
func (x *reading) sum(rec id.ID, field, text string) string {
	return x.Sum(func(put func(string)) { put(rec.String()); put(field); put(text) }).String()
}

// sameSecrets takes out of a row the secrets that an import of a table gave the
// record already.
func (x *reading) sameSecrets(tx *gate.Tx, l *line, rec *record.Record) error {
	for _, f := range l.Secret {
		text := l.Values.Text(f)
		if text == "" {
			continue
		}
		same, err := state.SameSecret(tx, rec.ID, f, x.sum(rec.ID, f, text))
		if err != nil {
			return err
		}
		if same {
			delete(l.Values, f)
		}
	}
	return nil
}

// secretSums gives what remembers the secrets that are saved.
func (l *line) secretSums(x *reading) func(tx *gate.Tx, rec id.ID) error {
	texts := map[string]string{}
	for _, f := range l.Secret {
		if s := l.Values.Text(f); s != "" {
			texts[f] = s
		}
	}
	return func(tx *gate.Tx, rec id.ID) error {
		for f, s := range texts {
			if err := state.SaveSecret(tx, rec, f, x.sum(rec, f, s)); err != nil {
				return err
			}
		}
		return nil
	}
}
