package importer

import (
	"strings"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/importer/problem"
	"strongroom/internal/feature/importer/state"
)

// Decide finds out what becomes of the item, and keeps it for the next batch
// when something is to be done.
func (r *Run) Decide(it *Item) error {
	if bad := it.Missing(); bad != "" {
		return it.Skip("Correct the row in its source, or add the record by hand.", "Line %d of %s was skipped: %s", it.Line, it.File, bad)
	}
	if it.Hash == (Sum{}) {
		it.Hash = it.RowSum()
	}
	if !it.Claim() {
		return nil
	}
	return r.Settle(it)
}

// Claim makes the item the one row with its id; false when there was one before.
func (it *Item) Claim() bool {
	refs := it.r.Look.Table(it.Table)
	k := refs[it.Foreign]
	if k != nil && k.Seen {
		_ = it.Skip("Each row needs an id of its own; export again.", "Line %d of %s was skipped: the id %s was there before.", it.Line, it.File, Short(it.Foreign))
		return false
	}
	if k == nil {
		k = new(Known)
		refs[it.Foreign] = k
	}
	k.Seen, k.Line, it.Known = true, it.Line, k
	return true
}

// Settle compares the item with what is known of it.
func (r *Run) Settle(it *Item) error {
	k := it.Known
	if k.Rec == 0 && it.Kind == "organization" {
		if err := it.adopt(); err != nil {
			return err
		}
	}
	if k.Rec == 0 {
		if err := it.adoptDesign(); err != nil {
			return err
		}
	}
	switch {
	case it.Link:
		it.What = Unchanged
	case k.Rec == 0:
		it.What = Created
	case k.Own, k.hash == it.Hash:
		it.What = Unchanged
	case k.hash == (Sum{}) && !k.Pending: // known from elsewhere: what the source said then is not known
		it.What, it.Link = Unchanged, true
	case k.Pending:
		it.What = Changed
	default:
		kept, err := r.edited(k.Rec)
		if err != nil {
			return err
		}
		it.What = Changed
		if kept {
			it.What = Conflict
			it.Warn("Compare both and change the record by hand.",
				"Line %d of %s: %s was changed both here and in the source; it was left as it is here.", it.Line, it.File, it.Title())
		}
	}
	if it.What == Created || it.What == Changed || it.Link {
		return r.Push(it)
	}
	r.Report.Add(it.Warnings...)
	r.Report.Count(it.Kind, it.What)
	return nil
}

// adopt takes an organization of the same name that is here already, so that
// what belongs to it is added to it.
func (it *Item) adopt() error {
	name := it.Values.Text("name")
	k, err := it.r.Look.orgByName(it.r, name)
	if err != nil || k == nil || k.twice || k.Seen || k.Rec <= 0 {
		return err
	}
	for _, other := range it.r.Look.Table("organizations") {
		if other != it.Known && other.Rec == k.Rec {
			return nil
		}
	}
	it.Known.Rec, it.Link = k.Rec, true
	delete(it.r.Look.orgs, record.Fold(name))
	it.r.Problem(it.File, it.Line, problem.Info, "", "The organization %q is here already: it stays as it is, and what belongs to it is added to it.", Short(name))
	return nil
}

// edited tells whether a record was changed or deleted here since it was
// imported.
func (r *Run) edited(rec id.ID) (bool, error) {
	var same bool
	err := r.Importer.Gate.View(r.Ctx, r.Caller, func(tx *gate.Tx) (err error) {
		same, err = state.Untouched(tx, rec)
		return err
	})
	return !same, err
}

// Organization finds the organization that a row names, or skips the row.
func (r *Run) Organization(it *Item) (*Known, error) {
	number, name := it.Row.Get("organization_id"), strings.TrimSpace(it.Row.Get("organization", "organization_name"))
	if k := r.Look.Table("organizations")[number]; k != nil && k.Rec != 0 {
		return k, nil
	}
	if name == "" {
		what := "names no organization"
		if number != "" {
			what = "names the organization " + Short(number) + ", which is not in the export"
		}
		return nil, it.Skip("Add the organization's name to the row, or the organization to the export.", "Line %d of %s %s and was skipped.", it.Line, it.File, what)
	}
	k, err := r.Look.orgByName(r, name)
	if err != nil {
		return nil, err
	}
	if k == nil && r.Options.CreateMissingOrganizations {
		return r.makeOrg(name)
	}
	switch {
	case k == nil || k.Rec == 0:
		return nil, it.Skip("Add the organization here or to the export, or let the import create missing organizations; then import again.",
			"Line %d of %s was skipped: there is no organization %q.", it.Line, it.File, Short(name))
	case k.twice:
		return nil, it.Skip("Give the column organization_id too, or rename one of them.", "Line %d of %s was skipped: several organizations are called %q.", it.Line, it.File, Short(name))
	}
	return k, nil
}

// makeOrg makes an organization that only rows name.
func (r *Run) makeOrg(name string) (*Known, error) {
	k := &Known{Seen: true, Rec: r.NextPseudo()}
	if err := r.Wait(); err != nil {
		return nil, err
	}
	if !r.Dry {
		err := r.Importer.Gate.Change(r.Ctx, r.Caller, access.Create, gate.Thing{Kind: "organization"}, func(tx *gate.Tx) error {
			rec, err := r.Importer.Records.Create(tx, "organization", record.Values{"name": name})
			if err != nil {
				return err
			}
			k.Rec = rec.ID
			if err := r.Wrote(tx, rec.ID, 0); err != nil {
				return err
			}
			return r.Note(tx, "organization", Created, 1)
		})
		if err != nil {
			return nil, err
		}
	}
	r.Look.orgs[record.Fold(name)] = k
	r.Report.Count("organization", Created)
	return k, nil
}

// adoptDesign takes a design of the same name that is here already: a type, or a
// field of a type by its key.
func (it *Item) adoptDesign() error {
	kinds := it.r.Importer.Records.Kinds
	k := kinds.Kind(it.Kind)
	if k.Scope != record.OfTenant {
		return nil
	}
	var found []id.ID
	by := ""
	for _, of := range kinds.Kinds() {
		if of.Variants != nil && of.Variants.Parts == it.Kind {
			by = of.Variants.By
		}
	}
	if key := it.Values.Text("name_key"); key != "" && by != "" {
		typ := it.Values.ID(by)
		err := it.r.Importer.Gate.View(it.r.Ctx, it.r.Caller, func(tx *gate.Tx) error {
			return Each(tx, func(n int64, _ string) { found = append(found, id.ID(n)) },
				`select r.id, r.kind from record r join `+k.Table()+` k on k.id = r.id where k.`+by+` = ? and k.name_key_fold = ? and r.trashed_at is null`, int64(typ), record.Fold(key))
		})
		if err != nil {
			return err
		}
	} else if err := it.r.ByName(it.Kind, 0, record.Fold(it.Values.Text("name")), &found); err != nil {
		return err
	}
	if len(found) == 1 {
		it.Known.Rec, it.Link = found[0], true
	}
	return nil
}
