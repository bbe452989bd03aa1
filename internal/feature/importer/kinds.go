package importer

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/importer/itglue"
	"strongroom/internal/feature/importer/state"
)

// otherKinds are the kinds whose records a Strongroom's own export keeps beside
// the layout of IT Glue, those first that others refer to.
func (r *run) otherKinds() []*record.Kind {
	if r.own == nil {
		return nil
	}
	return slices.DeleteFunc(r.m.Records.Kinds.Documented(), func(k *record.Kind) bool { return k.Sheet || itglue.Held(k.Name) })
}

// kindOf gives the kind that the rows of a table become; empty for none.
func (r *run) kindOf(table string) string {
	if kind := kindOfTable[table]; kind != "" {
		return kind
	}
	if r.assetTable(table) != nil {
		return flexibleasset.Kind
	}
	if k := r.m.Records.Kinds.Plural(table); k != nil && (k.Sheet || slices.Contains(r.otherKinds(), k)) {
		return k.Name
	}
	return ""
}

// ownKind brings in the records of a kind, from its declaration.
func (r *run) ownKind(k *record.Kind) error {
	file := itglue.KindFile(k.Plural)
	if !r.x.Has(file) {
		return nil
	}
	r.stage(k.Labels)
	beside, err := r.extras(k.Plural)
	if err != nil {
		return err
	}
	defer beside.close()
	line := 0
	return r.eachLine(file, func(raw []byte) error {
		line++
		if r.progress.Done++; r.progress.Done%500 == 0 {
			r.say()
		}
		it, err := r.ownItem(k.Name, k.Plural, file, raw)
		if err != nil {
			return err
		}
		it.line, it.secret = line, k.Secrets()
		if it.past, err = beside.history(it.foreign); err != nil {
			return err
		}
		if ref, has := it.extra.ref("organization_id"); k.Scope == record.OfOrganization && (has || !k.Shared) {
			if it.org = r.look.table("organizations")[ref.ID]; it.org == nil || it.org.rec == 0 {
				return it.skip("Import the organization first.", "Line %d of %s was skipped: its organization was not imported.", it.line, it.file)
			}
		}
		r.retrait(k, it)
		if err := it.apply(); err != nil {
			return err
		}
		return r.decide(it)
	})
}

// retrait gives what names a part of a design by its id in the source the id
// that it has here.
func (r *run) retrait(k *record.Kind, it *item) {
	if rest, ok := strings.CutPrefix(record.Values(it.extra.Values).Text("tag_type"), "FlexibleAssetType:"); ok {
		if t := r.look.table("flexible_asset_types")[strings.TrimSpace(rest)]; t != nil && t.rec > 0 {
			it.extra.Values["tag_type"] = "FlexibleAssetType: " + t.rec.String()
		}
	}
	if k.Variants == nil {
		return
	}
	parts := r.look.table(r.m.Records.Kinds.Kind(k.Variants.Parts).Plural)
	here := func(name string) string {
		if n, ok := strings.CutPrefix(name, "t"); ok && parts[n] != nil && parts[n].rec > 0 {
			return record.TraitName(parts[n].rec)
		}
		return name
	}
	it.extra.Values = renamed(it.extra.Values, here)
	it.extra.Lists = renamed(it.extra.Lists, here)
}

func renamed[V any](in map[string]V, to func(string) string) map[string]V {
	out := make(map[string]V, len(in))
	for name, v := range in {
		out[to(name)] = v
	}
	return out
}

// late are references to what comes later in the export.
type late struct {
	known *known
	kind  string
	field string
	file  string
	line  int
	to    []itglue.RowRef

	// Of another product's export: the names in a cell, and what they may name.
	cell, tag string
	org       *known
}

// completeKinds sets the references that had to wait.
func (r *run) completeKinds() error {
	for len(r.late) > 0 {
		part := r.late[:min(len(r.late), 200)]
		r.late = r.late[len(part):]
		if r.dry {
			continue
		}
		err := r.m.quietly(r.ctx, r.c, func(tx *gate.Tx) error {
			for _, l := range part {
				if err := r.complete(tx, l); err != nil {
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

func (r *run) complete(tx *gate.Tx, l late) error {
	if l.known.rec <= 0 {
		return nil
	}
	var ids []id.ID
	for _, to := range l.to {
		if k := r.look.table(to.Table)[to.ID]; k != nil && k.rec > 0 {
			ids = append(ids, k.rec)
			continue
		}
		r.problem(l.file, l.line, itglue.Warning, "Set it by hand.", "The record %s of %s, to which %s refers, was not imported.", to.ID, to.Table, l.known.rec)
	}
	if l.cell != "" {
		var err error
		if ids, err = r.namedIn(tx, l); err != nil {
			return err
		}
	}
	if len(ids) == 0 {
		return nil
	}
	err := tx.Try(func() error {
		_, err := r.m.Records.Update(tx, l.kind, l.known.rec, 0, record.Values{l.field: ids})
		return err
	})
	if rowFault(err) {
		r.problem(l.file, l.line, itglue.Warning, "Set it by hand.", "A reference of the record %s was left out: %s", l.known.rec, sentence(fault.Say(err)))
		return nil
	}
	if err != nil {
		return err
	}
	return state.Renew(tx, l.known.rec)
}

// namedIn finds what the cell of a tag names, in the organization of its row.
// What is not found is told.
func (r *run) namedIn(tx *gate.Tx, l late) ([]id.ID, error) {
	f := flexibleasset.Field{Kind: flexibleasset.Tag, TagType: l.tag}
	kind, typ := f.Target()
	find := func(name string) (out []id.ID, err error) {
		q, args := `select r.id, r.kind from record r where r.name_fold = ? and r.trashed_at is null`, []any{record.Fold(name)}
		if kind != "" {
			q, args = q+` and r.kind = ?`, append(args, kind)
		}
		if k := r.m.Records.Kinds.Kind(kind); k == nil || k.Scope == record.OfOrganization || k.Scope == record.OfParent { // others are the whole tenant's
			q, args = q+` and r.org_id = ?`, append(args, int64(l.org.rec))
		}
		if typ != 0 {
			q, args = q+` and r.variant_id = ?`, append(args, int64(typ))
		}
		err = each(tx, func(n int64, _ string) { out = append(out, id.ID(n)) }, q+` order by r.id limit 2`, args...)
		return out, err
	}
	whole, err := find(l.cell)
	if err != nil || len(whole) == 1 {
		return whole, err
	}
	var out []id.ID
	for name := range strings.SplitSeq(l.cell, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		found, err := find(name)
		if err != nil {
			return nil, err
		}
		if len(found) != 1 {
			r.problem(l.file, l.line, itglue.Warning, "Set it by hand.", "Line %d of %s refers to %q, which is not there, or several times; the reference was left out.", l.line, l.file, short(name))
			continue
		}
		out = append(out, found[0])
	}
	return out, nil
}

// adoptDesign takes a design of the same name that is here already: a type, or a
// field of a type by its key.
func (it *item) adoptDesign() error {
	kinds := it.r.m.Records.Kinds
	k := kinds.Kind(it.kind)
	if k.Scope != record.OfTenant {
		return nil
	}
	var found []id.ID
	if key := it.values.Text("name_key"); key != "" {
		typ := it.values.ID("flexible_asset_type_id")
		err := it.r.m.Gate.View(it.r.ctx, it.r.c, func(tx *gate.Tx) error {
			return each(tx, func(n int64, _ string) { found = append(found, id.ID(n)) },
				`select r.id, r.kind from record r join `+k.Table()+` k on k.id = r.id where k.flexible_asset_type_id = ? and k.name_key_fold = ? and r.trashed_at is null`, int64(typ), record.Fold(key))
		})
		if err != nil {
			return err
		}
	} else if err := it.r.byName(it.kind, 0, record.Fold(it.values.Text("name")), &found); err != nil {
		return err
	}
	if len(found) == 1 {
		it.known.rec, it.link = found[0], true
	}
	return nil
}

// foreignKinds lists what a newer or differently built Strongroom exported and
// this one has no kind for.
func (r *run) foreignKinds() error {
	for _, file := range r.x.Under(itglue.Own + "/kinds") {
		table, ok := itglue.KindTable(file)
		if ok && r.kindOf(table) != "" {
			continue
		}
		var rows int64
		if err := r.eachLine(file, func([]byte) error { rows++; return nil }); err != nil {
			return err
		}
		r.report.Unknown = append(r.report.Unknown, Unknown{file, rows, "This Strongroom has no kind for these records. They were left out; keep the zip."})
	}
	return nil
}
