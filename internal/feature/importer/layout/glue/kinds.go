package glue

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/history"
	"strongroom/internal/feature/importer/itglue"
	"strongroom/internal/feature/importer/state"
)

// otherKinds are the kinds whose records a Strongroom's own export keeps beside
// the layout of IT Glue, those first that others refer to.
func (r *run) otherKinds() []*record.Kind {
	if r.own == nil {
		return nil
	}
	return slices.DeleteFunc(r.Importer.Records.Kinds.Documented(), func(k *record.Kind) bool { return k.Sheet || itglue.Held(k.Name) })
}

// ownKind brings in the records of a kind, from its declaration.
func (r *run) ownKind(k *record.Kind) error {
	file := itglue.KindFile(k.Plural)
	if !r.x.Has(file) {
		return nil
	}
	r.Stage(k.Labels)
	beside, err := r.extras(k.Plural)
	if err != nil {
		return err
	}
	defer beside.close()
	line := 0
	return r.eachLine(file, func(raw []byte) error {
		line++
		if r.Progress.Done++; r.Progress.Done%500 == 0 {
			r.Tell()
		}
		it, err := r.ownItem(k.Name, k.Plural, file, raw)
		if err != nil {
			return err
		}
		it.Line, it.Secret = line, k.Secrets()
		if it.Past, err = beside.history(it.Foreign); err != nil {
			return err
		}
		if ref, has := it.extra.ref("organization_id"); k.Scope == record.OfOrganization && (has || !k.Shared) {
			if it.Org = r.Look.Table("organizations")[ref.ID]; it.Org == nil || it.Org.Rec == 0 {
				return it.Skip("Import the organization first.", "Line %d of %s was skipped: its organization was not imported.", it.Line, it.File)
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
		if t := r.Look.Table("flexible_asset_types")[strings.TrimSpace(rest)]; t != nil && t.Rec > 0 {
			it.extra.Values["tag_type"] = "FlexibleAssetType: " + t.Rec.String()
		}
	}
	if k.Variants == nil {
		return
	}
	parts := r.Look.Table(r.Importer.Records.Kinds.Kind(k.Variants.Parts).Plural)
	here := func(name string) string {
		if n, ok := strings.CutPrefix(name, "t"); ok && parts[n] != nil && parts[n].Rec > 0 {
			return record.TraitName(parts[n].Rec)
		}
		return name
	}
	it.extra.Values = renamed(it.extra.Values, here)
	it.extra.Lists = renamed(it.extra.Lists, here)
	it.extra.Refs = renamed(it.extra.Refs, here)
	it.extra.Names = renamed(it.extra.Names, here)
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
	known *importer.Known
	kind  string
	field string
	file  string
	line  int
	to    []itglue.RowRef
	one   bool // the field holds one alone

	// Of another product's export: the names in a cell, and what they may name.
	cell, tag string
	org       *importer.Known
}

// completeKinds sets the references that had to wait.
func (r *run) completeKinds() error {
	for len(r.late) > 0 {
		part := r.late[:min(len(r.late), 200)]
		r.late = r.late[len(part):]
		if r.Dry {
			continue
		}
		err := r.Importer.Quietly(r.Ctx, r.Caller, func(tx *gate.Tx) error {
			lifecycle.Complete(tx)
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
	if l.known.Rec <= 0 {
		return nil
	}
	var ids []id.ID
	for _, to := range l.to {
		if k := r.Look.Table(to.Table)[to.ID]; k != nil && k.Rec > 0 {
			ids = append(ids, k.Rec)
			continue
		}
		r.Problem(l.file, l.line, itglue.Warning, "Set it by hand.", "The record %s of %s, to which %s refers, was not imported.", to.ID, to.Table, l.known.Rec)
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
	var v any = ids
	if l.one {
		v = ids[0]
	}
	before, err := history.Version(tx, l.known.Rec)
	if err != nil {
		return err
	}
	err = tx.Try(func() error {
		_, err := r.Importer.Records.Update(tx, l.kind, l.known.Rec, 0, record.Values{l.field: v})
		return err
	})
	if importer.RowFault(err) {
		r.Problem(l.file, l.line, itglue.Warning, "Set it by hand.", "A reference of the record %s was left out: %s", l.known.Rec, importer.Sentence(fault.Say(err)))
		return nil
	}
	if err != nil {
		return err
	}
	if err := r.Wrote(tx, l.known.Rec, before); err != nil {
		return err
	}
	return state.Renew(tx, l.known.Rec)
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
		if k := r.Importer.Records.Kinds.Kind(kind); k == nil || k.Scope == record.OfOrganization || k.Scope == record.OfParent { // others are the whole tenant's
			q, args = q+` and r.org_id = ?`, append(args, int64(l.org.Rec))
		}
		if typ != 0 {
			q, args = q+` and r.variant_id = ?`, append(args, int64(typ))
		}
		err = importer.Each(tx, func(n int64, _ string) { out = append(out, id.ID(n)) }, q+` order by r.id limit 2`, args...)
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
			r.Problem(l.file, l.line, itglue.Warning, "Set it by hand.", "Line %d of %s refers to %q, which is not there, or several times; the reference was left out.", l.line, l.file, importer.Short(name))
			continue
		}
		out = append(out, found[0])
	}
	return out, nil
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
		r.Report.Unknown = append(r.Report.Unknown, importer.Unknown{File: file, Rows: rows, Note: "This Strongroom has no kind for these records. They were left out; keep the zip."})
	}
	return nil
}
