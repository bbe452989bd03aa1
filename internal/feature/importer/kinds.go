package importer

import (
	"slices"

	"strongroom/internal/core/record"
	"strongroom/internal/feature/importer/itglue"
)

// otherKinds are the kinds whose records a Strongroom's own export keeps beside
// the layout of IT Glue, those first that others refer to.
func (r *run) otherKinds() []*record.Kind {
	if r.own == nil {
		return nil
	}
	return slices.DeleteFunc(r.m.Records.Kinds.InOrder(), func(k *record.Kind) bool {
		return k.Admin || itglue.Held(k.Name) || k.Scope != record.OfOrganization && k.Scope != record.OfParent
	})
}

// kindOf gives the kind that the rows of a table become; empty for none.
func (r *run) kindOf(table string) string {
	if kind := kindOfTable[table]; kind != "" {
		return kind
	}
	for _, k := range r.otherKinds() {
		if k.Plural == table {
			return k.Name
		}
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
		if k.Scope == record.OfOrganization {
			if it.org = r.look.table("organizations")[it.extra.Refs["organization_id"].ID]; it.org == nil || it.org.rec == 0 {
				return it.skip("Import the organization first.", "Line %d of %s was skipped: its organization was not imported.", it.line, it.file)
			}
		}
		if err := it.apply(); err != nil {
			return err
		}
		return r.decide(it)
	})
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
