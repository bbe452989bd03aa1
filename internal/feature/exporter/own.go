package exporter

import (
	"slices"
	"strings"
	"time"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/importer/itglue"
)

// lists writes the entries of the tenant-wide lists, those that others refer to
// first.
func (r *run) lists() error {
	out := &lines{r: r, name: itglue.ListsFile}
	for _, k := range r.listKinds() {
		var ids []id.ID
		err := r.view(func(tx *gate.Tx) error {
			return each(tx, func(n []int64) { ids = append(ids, id.ID(n[0])) }, 1, `select id from record where kind = ? and trashed_at is null order by name_fold, id`, k.Name)
		})
		if err != nil {
			return err
		}
		err = r.records(k.Name, ids, chunk, func(list []*record.Record) error {
			for _, rec := range list {
				if err := out.put(entry(rec)); err != nil {
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

func (r *run) listKinds() []*record.Kind {
	var out []*record.Kind
	for _, k := range r.e.Records.Kinds.Kinds() {
		if k.Scope == record.OfTenant && !k.Admin && !k.Fixed {
			out = append(out, k)
		}
	}
	refs := func(k *record.Kind) int {
		return len(slices.DeleteFunc(slices.Clone(k.Fields), func(f record.Field) bool { return f.Type != record.Ref }))
	}
	slices.SortStableFunc(out, func(a, b *record.Kind) int { return refs(a) - refs(b) })
	return out
}

func entry(rec *record.Record) *itglue.Extra {
	x := &itglue.Extra{Kind: rec.Kind.Name, Values: map[string]any{"name": rec.Name}, Names: map[string]string{}}
	if rec.Archived {
		x.Values["archived"] = true
	}
	for name, v := range rec.Values {
		if n := rec.Names[name]; n != "" {
			x.Names[name] = n
		} else if f := rec.Kind.Field(name); f != nil && f.Type != record.Ref {
			x.Values[name] = v
		}
	}
	return x
}

// folder is a document folder, for the paths of its documents.
type folder struct {
	name  string
	above id.ID
}

// allFolders writes the folders of documents and passwords, those above first.
func (r *run) allFolders() error {
	r.folders = map[id.ID]folder{}
	out := &lines{r: r, name: itglue.FoldersFile}
	for _, kind := range []string{"document_folder", "password_folder"} {
		var ids []id.ID
		err := r.view(func(tx *gate.Tx) (err error) {
			ids, err = r.idsOf(tx, kind)
			return err
		})
		if err != nil {
			return err
		}
		for _, n := range ids {
			r.tableOf[n] = kind + "s"
		}
		err = r.records(kind, ids, chunk, func(list []*record.Record) error {
			for _, rec := range list {
				r.folders[rec.ID] = folder{rec.Name, rec.Values.ID("parent_id")}
				x := r.extra(rec, []string{"parent_id"})
				x.Kind, x.Values["name"] = kind, rec.Name
				x.Refs["organization_id"] = itglue.RowRef{Table: "organizations", ID: rec.Org.String()}
				if rec.Archived {
					x.Values["archived"] = true
				}
				if err := out.put(x); err != nil {
					return err
				}
			}
			r.report.Kinds[kind] += int64(len(list))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// history writes all versions of the secrets that have more than one, or of
// which something is said.
func (r *run) history() error {
	if r.o.NoSecrets {
		return nil
	}
	for _, k := range r.e.Records.Kinds.Kinds() {
		if len(k.Secrets()) == 0 {
			continue
		}
		if err := r.historyOf(k); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) historyOf(k *record.Kind) error {
	out := &lines{r: r, name: itglue.SecretsFile(k.Plural)}
	ids := r.ids[k.Plural]
	for len(ids) > 0 {
		part := ids[:min(len(ids), chunk)]
		ids = ids[len(part):]
		var refs []secret.Ref
		notes := map[secret.Ref]secret.Version{}
		err := r.view(func(tx *gate.Tx) error {
			for _, n := range part {
				if err := past(tx, k, n, &refs, notes); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		err = r.e.Secrets.RevealMany(r.ctx, r.c, refs, r.o.Reason, func(ref secret.Ref, text string, withheld error) error {
			if withheld != nil {
				return nil // counted with the table
			}
			v := notes[ref]
			return out.put(itglue.Version{ID: ref.Object.String(), Field: ref.Field, Value: text, Reason: v.Reason, Restores: v.Restores})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// past adds the versions of a record's secrets, oldest first, where the table
// does not say it all.
func past(tx *gate.Tx, k *record.Kind, of id.ID, refs *[]secret.Ref, notes map[secret.Ref]secret.Version) error {
	have, err := secret.Current(tx, of)
	if err != nil {
		return err
	}
	for _, field := range k.Secrets() {
		v, ok := have[field]
		if !ok || v.Number == 1 && v.Reason == "" {
			continue
		}
		all, err := secret.Versions(tx, secret.Place{Kind: k.Name, Object: of, Field: field})
		if err != nil {
			if gone(err) {
				return nil
			}
			return err
		}
		slices.Reverse(all)
		for _, v := range all {
			ref := secret.Ref{Kind: k.Name, Object: of, Field: field, Version: v.Number}
			*refs, notes[ref] = append(*refs, ref), v
		}
	}
	return nil
}

// relations writes the pairs that somebody related and that are both in the
// export.
func (r *run) relations() error {
	var list []itglue.Pair
	err := r.view(func(tx *gate.Tx) error {
		rows, err := tx.Query(`select t.low_id, t.high_id, t.notes, coalesce(n.needed_id, 0) from relation t left join relation_need n on n.relation_id = t.id order by t.low_id, t.high_id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var low, high, needed int64
			var p itglue.Pair
			if err := rows.Scan(&low, &high, &p.Notes, &needed); err != nil {
				return err
			}
			p.From, p.To = r.rowRef(id.ID(low)), r.rowRef(id.ID(high))
			switch needed {
			case high:
				p.Depends = string(record.DependsOn)
			case low:
				p.Depends = string(record.UsedBy)
			}
			if p.From.Table != "" && p.To.Table != "" {
				list = append(list, p)
			}
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	out := &lines{r: r, name: itglue.RelationsFile}
	for _, p := range list {
		if err := out.put(p); err != nil {
			return err
		}
	}
	r.report.Kinds["relation"] = int64(len(list))
	return nil
}

// comments writes what was said about the records of the export, the oldest first.
func (r *run) comments() error {
	var list []itglue.Comment
	moment := func(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }
	err := r.view(func(tx *gate.Tx) error {
		list = nil
		for offset := 0; ; offset += chunk {
			page, _, err := comment.All(tx, comment.Query{Offset: offset, Limit: chunk})
			for _, x := range page {
				c := itglue.Comment{Of: r.rowRef(x.Record), Author: x.AuthorName, Text: x.Source, Made: moment(x.At)}
				if x.Edited != 0 {
					c.Edited = moment(x.Edited)
				}
				if c.Of.Table != "" {
					list = append(list, c)
				}
			}
			if err != nil || len(page) < chunk {
				return err
			}
		}
	})
	if err != nil {
		return err
	}
	slices.Reverse(list)
	out := &lines{r: r, name: itglue.CommentsFile}
	for _, c := range list {
		if err := out.put(c); err != nil {
			return err
		}
	}
	if len(list) > 0 {
		r.report.Kinds["comment"] = int64(len(list))
	}
	return nil
}

func (r *run) rowRef(n id.ID) itglue.RowRef {
	return itglue.RowRef{Table: r.tableOf[n], ID: n.String()}
}

// refs writes which rows of other systems the records stand for. Where they
// came from another Strongroom is left out: the ids there mean nothing
// elsewhere.
func (r *run) refs() error {
	out := &lines{r: r, name: itglue.RefsFile}
	for _, t := range sortedKeys(r.ids) {
		ids := r.ids[t]
		for len(ids) > 0 {
			part := ids[:min(len(ids), chunk)]
			ids = ids[len(part):]
			list, err := r.refsOf(part)
			if err != nil {
				return err
			}
			for _, f := range list {
				if err := out.put(f); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (r *run) refsOf(ids []id.ID) (out []itglue.Ref, err error) {
	err = r.view(func(tx *gate.Tx) error {
		marks, args := in(ids)
		rows, err := tx.Query(`select record_id, source, type, foreign_id from external_ref where record_id in (`+marks+`) order by record_id, source, type, foreign_id`, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n int64
			var f itglue.Ref
			if err := rows.Scan(&n, &f.Source, &f.Type, &f.Foreign); err != nil {
				return err
			}
			if f.RowRef = r.rowRef(id.ID(n)); !strings.HasPrefix(f.Source, itglue.OwnSource) {
				out = append(out, f)
			}
		}
		return rows.Err()
	})
	return out, err
}
