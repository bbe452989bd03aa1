package gate

import (
	"maps"
	"slices"

	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
)

// Activity lists audit entries of one record that the caller may see, or, with
// Inspect, of the whole tenant. Who does not see everything is told nothing
// about records that are hidden, and who may not inspect the tenant learns
// neither where others work from nor when they sign in.
func (tx *Tx) Activity(f audit.Filter) ([]*audit.Entry, error) {
	var err error
	if f.Object != 0 {
		_, err = tx.Allow(access.View, Thing{ID: f.Object})
	} else {
		_, err = tx.Allow(access.Inspect, Thing{})
	}
	if err != nil {
		return nil, err
	}
	inspects := tx.Caller.May(access.Inspect)
	switch {
	case f.Object == 0 && !tx.Caller.Everything():
		f.Where, f.Args = tx.tellable()
	case f.Object != 0 && !inspects && f.Object != tx.Caller.User:
		f.Where, f.Args = tx.untold()
	}
	list, err := tx.Tenant.Audit.List(tx.sql, f)
	for _, e := range list {
		if !inspects && e.Actor != tx.Caller.User {
			e.Detail.Address = ""
		}
	}
	return list, err
}

// Tallies counts what users did from a time until another one (Unix
// milliseconds), as far as Activity would list it to the caller.
func (tx *Tx) Tallies(from, until int64) ([]audit.Tally, error) {
	if _, err := tx.Allow(access.Inspect, Thing{}); err != nil {
		return nil, err
	}
	where, args := "", []any(nil)
	if !tx.Caller.Everything() {
		where, args = tx.tellable()
	}
	return audit.Tallies(tx.sql, from, until, where, args)
}

// tellable is the condition on an entry that it is about nothing hidden: a
// record that the caller sees, or something else of the tenant itself or of an
// organization that she sees. What was purged, or was never there, is nobody's to
// see but of those who see everything: a refusal must not tell which ids exist.
func (tx *Tx) tellable() (string, []any) {
	kinds := slices.Sorted(maps.Keys(tx.gate.Kinds))
	args := make([]any, len(kinds))
	for i, k := range kinds {
		args[i] = k
	}
	sees, who := tx.Visible("r")
	see := func(column string) string {
		args = append(args, who...)
		return `exists (select 1 from record r where r.id = ` + column + ` and ` + sees + `)`
	}
	record := `(kind = '' or kind in (` + access.Marks(len(kinds)) + `))`
	cond := `case when object <> 0 and ` + record + ` then ` + see("object") + ` else org = 0 or ` + see("org") + ` end`
	return cond, args
}

// untold is the condition that an entry is no sign-in or the like, which are
// entries about the user who did it.
func (tx *Tx) untold() (string, []any) {
	var admin []any
	for _, k := range slices.Sorted(maps.Keys(tx.gate.Kinds)) {
		if tx.gate.Kinds[k].Admin {
			admin = append(admin, k)
		}
	}
	if len(admin) == 0 {
		return ``, nil
	}
	told := []any{string(access.Create), string(access.Edit), string(access.Archive), "restore", string(access.Delete), "undelete"}
	return `(kind not in (` + access.Marks(len(admin)) + `) or action in (` + access.Marks(len(told)) + `))`, append(admin, told...)
}
