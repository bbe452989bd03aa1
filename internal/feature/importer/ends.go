package importer

import (
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/external"
	"strongroom/internal/feature/importer/itglue"
)

// ownRelations relates what was related.
func (r *run) ownRelations() error {
	r.stage("Related items")
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
		from, to := r.look.table(p.From.Table)[p.From.ID], r.look.table(p.To.Table)[p.To.ID]
		switch {
		case from == nil || to == nil || from.rec == 0 || to.rec == 0:
			r.problem(itglue.RelationsFile, 0, itglue.Warning, "Relate them by hand.", "A relation of %s %s to %s %s was left out: one of them was not imported.", p.From.Table, p.From.ID, p.To.Table, p.To.ID)
			r.report.count("relation", skipped)
		case r.dry && (from.rec < 0 || to.rec < 0):
			r.report.count("relation", created)
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
	if !r.dry {
		err = r.m.quietly(r.ctx, r.c, func(tx *gate.Tx) error {
			for _, p := range todo {
				from, to := r.ends(p)
				it, err := r.m.Relations.Add(tx, from, to, p.Notes)
				if err == nil && p.Depends != "" {
					_, err = r.m.Relations.SetDepends(tx, from, it.ID, record.Dependence(p.Depends))
				}
				if err != nil {
					return err
				}
			}
			return r.note(tx, "relation", created, int64(len(todo)))
		})
	}
	for range todo {
		r.report.count("relation", created)
	}
	return err
}

func (r *run) ends(p itglue.Pair) (from, to id.ID) {
	return r.look.table(p.From.Table)[p.From.ID].rec, r.look.table(p.To.Table)[p.To.ID].rec
}

// unrelated leaves out what is related already.
func (r *run) unrelated(list []itglue.Pair) (todo []itglue.Pair, err error) {
	err = r.m.Gate.View(r.ctx, r.c, func(tx *gate.Tx) error {
		todo = nil
		for _, p := range list {
			from, to := r.ends(p)
			var have int
			if err := tx.QueryRow(`select count(*) from relation where low_id = ? and high_id = ?`, int64(min(from, to)), int64(max(from, to))).Scan(&have); err != nil {
				return err
			}
			if have > 0 {
				r.report.count("relation", unchanged)
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
	if r.dry || r.own != nil && r.own.Tenant == r.tenant.ID {
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
	return r.m.quietly(r.ctx, r.c, func(tx *gate.Tx) error {
		for _, f := range list {
			k := r.look.table(f.Table)[f.ID]
			if k == nil || k.rec == 0 {
				continue
			}
			have, _, err := external.Find(tx, f.Source, f.Type, f.Foreign)
			if err != nil {
				return err
			}
			if have != 0 {
				continue
			}
			if err := external.Save(tx, f.Source, f.Type, f.Foreign, k.rec, ""); err != nil {
				return err
			}
		}
		return nil
	})
}
