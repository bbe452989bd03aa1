package glue

import (
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/external"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/itglue"
)

// ownRelations relates what was related.
func (r *run) ownRelations() error {
	r.Stage("Related items")
	var list []itglue.Pair
	err := r.eachLine(itglue.RelationsFile, func(line []byte) error {
		var p itglue.Pair
		if err := itglue.Unmarshal(itglue.RelationsFile, line, &p); err != nil {
			return err
		}
		if list = append(list, p); len(list) < 200 {
			return nil
		}
		err := r.relate(list)
		list = nil
		return err
	})
	if err != nil {
		return err
	}
	return r.relate(list)
}

func (r *run) relate(list []itglue.Pair) error {
	var todo []itglue.Pair
	for _, p := range list {
		from, to := r.Look.Table(p.From.Table)[p.From.ID], r.Look.Table(p.To.Table)[p.To.ID]
		switch {
		case from == nil || to == nil || from.Rec == 0 || to.Rec == 0:
			r.Problem(itglue.RelationsFile, 0, itglue.Warning, "Relate them by hand.", "A relation of %s %s to %s %s was left out: one of them was not imported.", p.From.Table, p.From.ID, p.To.Table, p.To.ID)
			r.Report.Count("relation", importer.Skipped)
		case r.Dry && (from.Rec < 0 || to.Rec < 0):
			r.Report.Count("relation", importer.Created)
		default:
			todo = append(todo, p)
		}
	}
	if len(todo) == 0 {
		return nil
	}
	todo, err := r.unrelated(todo)
	if err != nil || len(todo) == 0 {
		return err
	}
	if !r.Dry {
		err = r.Importer.Quietly(r.Ctx, r.Caller, func(tx *gate.Tx) error {
			for _, p := range todo {
				from, to := r.ends(p)
				if _, err := r.Relate(tx, from, to, p.Notes, record.Dependence(p.Depends)); err != nil {
					return err
				}
			}
			return r.Note(tx, "relation", importer.Created, int64(len(todo)))
		})
	}
	for range todo {
		r.Report.Count("relation", importer.Created)
	}
	return err
}

func (r *run) ends(p itglue.Pair) (from, to id.ID) {
	return r.Look.Table(p.From.Table)[p.From.ID].Rec, r.Look.Table(p.To.Table)[p.To.ID].Rec
}

// unrelated leaves out what is related already.
func (r *run) unrelated(list []itglue.Pair) (todo []itglue.Pair, err error) {
	err = r.Importer.Gate.View(r.Ctx, r.Caller, func(tx *gate.Tx) error {
		todo = nil
		for _, p := range list {
			from, to := r.ends(p)
			here, err := importer.Related(tx, from, to)
			if err != nil {
				return err
			}
			if here {
				r.Report.Count("relation", importer.Unchanged)
				continue
			}
			todo = append(todo, p)
		}
		return nil
	})
	return todo, err
}

// ownRefs remembers where the records came from before, so that those sources
// can be imported again.
func (r *run) ownRefs() error {
	if r.Dry || r.own != nil && r.own.Tenant == r.Tenant.ID {
		return nil
	}
	var list []itglue.Ref
	err := r.eachLine(itglue.RefsFile, func(line []byte) error {
		var f itglue.Ref
		if err := itglue.Unmarshal(itglue.RefsFile, line, &f); err != nil {
			return err
		}
		if list = append(list, f); len(list) < 500 {
			return nil
		}
		err := r.saveRefs(list)
		list = nil
		return err
	})
	if err != nil || len(list) == 0 {
		return err
	}
	return r.saveRefs(list)
}

func (r *run) saveRefs(list []itglue.Ref) error {
	return r.Importer.Quietly(r.Ctx, r.Caller, func(tx *gate.Tx) error {
		for _, f := range list {
			k := r.Look.Table(f.Table)[f.ID]
			if k == nil || k.Rec == 0 {
				continue
			}
			have, _, err := external.Find(tx, f.Source, f.Type, f.Foreign)
			if err != nil {
				return err
			}
			if have != 0 {
				continue
			}
			if err := external.Save(tx, f.Source, f.Type, f.Foreign, k.Rec, ""); err != nil {
				return err
			}
		}
		return nil
	})
}
