package importer

import (
	"strings"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/importer/itglue"
	"strongroom/internal/feature/importer/state"
)

// decide finds out what becomes of the item, and keeps it for the next batch
// when something is to be done.
func (r *run) decide(it *item) error {
	if bad := it.missing(); bad != "" {
		return it.skip("Correct the row in its source, or add the record by hand.", "Line %d of %s was skipped: %s", it.line, it.file, bad)
	}
	if it.hash == (sum{}) {
		it.hash = it.rowSum()
	}
	if !it.claim() {
		return nil
	}
	if err := r.settle(it); err != nil {
		return err
	}
	r.later(it)
	return nil
}

// claim makes the item the one row with its id; false when there was one before.
func (it *item) claim() bool {
	refs := it.r.look.table(it.table)
	k := refs[it.foreign]
	if k != nil && k.seen {
		_ = it.skip("Each row needs an id of its own; export again.", "Line %d of %s was skipped: the id %s was there before.", it.line, it.file, short(it.foreign))
		return false
	}
	if k == nil {
		k = new(known)
		refs[it.foreign] = k
	}
	k.seen, k.line, it.known = true, it.line, k
	return true
}

// settle compares the item with what is known of it.
func (r *run) settle(it *item) error {
	k := it.known
	if k.rec == 0 && it.kind == "organization" {
		if err := it.adopt(); err != nil {
			return err
		}
	}
	if k.rec == 0 {
		if err := it.adoptDesign(); err != nil {
			return err
		}
	}
	switch {
	case it.link:
		it.what = unchanged
	case k.rec == 0:
		it.what = created
	case k.own, k.hash == it.hash:
		it.what = unchanged
	case k.hash == (sum{}) && !k.pending: // known from elsewhere: what the source said then is not known
		it.what, it.link = unchanged, true
	case k.pending:
		it.what = changed
	default:
		kept, err := r.edited(k.rec)
		if err != nil {
			return err
		}
		it.what = changed
		if kept {
			it.what = conflict
			it.warn("Compare both and change the record by hand.",
				"Line %d of %s: %s was changed both here and in the source; it was left as it is here.", it.line, it.file, it.title())
		}
	}
	if it.what == created || it.what == changed || it.link {
		return r.push(it)
	}
	r.report.problem(it.warnings...)
	r.report.count(it.kind, it.what)
	return nil
}

// adopt takes an organization of the same name that is here already, so that
// what belongs to it is added to it.
func (it *item) adopt() error {
	name := it.values.Text("name")
	k, err := it.r.look.orgByName(it.r, name)
	if err != nil || k == nil || k.twice || k.seen || k.rec <= 0 {
		return err
	}
	for _, other := range it.r.look.table("organizations") {
		if other != it.known && other.rec == k.rec {
			return nil
		}
	}
	it.known.rec, it.link = k.rec, true
	delete(it.r.look.orgs, record.Fold(name))
	it.r.problem(it.file, it.line, itglue.Info, "", "The organization %q is here already: it stays as it is, and what belongs to it is added to it.", short(name))
	return nil
}

// edited tells whether a record was changed or deleted here since it was
// imported.
func (r *run) edited(rec id.ID) (bool, error) {
	var same bool
	err := r.m.Gate.View(r.ctx, r.c, func(tx *gate.Tx) (err error) {
		same, err = state.Untouched(tx, rec)
		return err
	})
	return !same, err
}

// organization finds the organization that a row names, or skips the row.
func (r *run) organization(it *item) (*known, error) {
	number, name := it.row.Get("organization_id"), strings.TrimSpace(it.row.Get("organization", "organization_name"))
	if k := r.look.table("organizations")[number]; k != nil && k.rec != 0 {
		return k, nil
	}
	if name == "" {
		what := "names no organization"
		if number != "" {
			what = "names the organization " + short(number) + ", which is not in the export"
		}
		return nil, it.skip("Add the organization's name to the row, or the organization to organizations.csv.", "Line %d of %s %s and was skipped.", it.line, it.file, what)
	}
	k, err := r.look.orgByName(r, name)
	if err != nil {
		return nil, err
	}
	if k == nil && r.o.CreateMissingOrganizations {
		return r.makeOrg(name)
	}
	switch {
	case k == nil || k.rec == 0:
		return nil, it.skip("Add the organization here or to organizations.csv, or let the import create missing organizations; then import again.",
			"Line %d of %s was skipped: there is no organization %q.", it.line, it.file, short(name))
	case k.twice:
		return nil, it.skip("Give the column organization_id too, or rename one of them.", "Line %d of %s was skipped: several organizations are called %q.", it.line, it.file, short(name))
	}
	return k, nil
}

// makeOrg makes an organization that only rows name.
func (r *run) makeOrg(name string) (*known, error) {
	k := &known{seen: true, rec: r.nextPseudo()}
	if err := r.wait(); err != nil {
		return nil, err
	}
	if !r.dry {
		err := r.m.Gate.Change(r.ctx, r.c, access.Create, gate.Thing{Kind: "organization"}, func(tx *gate.Tx) error {
			rec, err := r.m.Records.Create(tx, "organization", record.Values{"name": name})
			if err != nil {
				return err
			}
			k.rec = rec.ID
			return r.note(tx, "organization", created, 1)
		})
		if err != nil {
			return nil, err
		}
	}
	r.look.orgs[record.Fold(name)] = k
	r.report.count("organization", created)
	return k, nil
}
