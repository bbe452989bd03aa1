package passwords

import (
	"fmt"
	"strings"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/problem"
	"strongroom/internal/feature/importer/vaults"
)

// placed is an entry with where it goes.
type placed struct {
	*vaults.Entry
	org     *importer.Known
	orgKey  string   // the same at each import
	path    []string // of folders within the organization
	foreign string   // its id in the source
}

// folderKey tells one folder from another at each import.
func (p *placed) folderKey(depth int) string {
	return strings.Join(append([]string{p.orgKey}, p.path[:depth]...), "\x00")
}

// place finds the organization of each entry.
func (x *reading) place() error {
	x.Stage("Organizations")
	same, leftOut := map[string]int{}, map[string]int64{}
	for _, e := range x.vault.Entries {
		p := &placed{Entry: e, path: e.Folder}
		top := ""
		if len(e.Folder) > 0 {
			top = e.Folder[0]
		}
		if org, said := x.Folders[top]; said && org == 0 && top != "" {
			leftOut[top]++
			x.Report.Count("password", importer.Skipped)
			continue
		}
		if err := x.orgOf(p, top); err != nil {
			return err
		}
		if p.org == nil { // which was said
			continue
		}
		p.foreign = e.ID
		if e.ID == "" { // known by what it is called, where, and the how-manieth of these it is
			sum := x.Sum(func(put func(string)) { put(p.folderKey(len(p.path))); put(e.Title); put(e.User) })
			same[sum.String()]++
			p.foreign = fmt.Sprint(sum, ".", same[sum.String()])
		}
		x.placed = append(x.placed, p)
	}
	for top, n := range leftOut {
		x.Problem("", 0, problem.Info, "", "The folder %q is left out, as was chosen: %d entries.", importer.Short(top), n)
	}
	return nil
}

// orgOf finds the organization of an entry; none when that was said.
func (x *reading) orgOf(p *placed, top string) error {
	if org := x.orgs[top]; org != nil && top != "" {
		p.org, p.path = org, p.path[1:]
	} else if x.Named && top != "" {
		it := x.Item("password", entriesTable, "", p.File, p.Line)
		it.Row = row{{"organization", top}}
		org, err := x.Organization(it)
		if org == nil || err != nil {
			return err
		}
		p.org, p.path = org, p.path[1:]
	} else {
		p.org = x.orgs[""]
	}
	if p.org == nil {
		it := x.Item("password", entriesTable, "", p.File, p.Line)
		it.Shown = p.Title
		return it.Skip("Choose an organization for it, and import again.", "Line %d of %s was skipped: nothing says to which organization %s goes.", it.Line, it.File, it.Title())
	}
	if p.orgKey = p.org.Rec.String(); p.org.Rec < 0 {
		p.orgKey = top
	}
	return nil
}

// folders makes the folders of a depth that are not there yet.
func (x *reading) folders(depth int) error {
	x.Stage("Folders")
	done := map[string]bool{}
	for _, p := range x.placed {
		if len(p.path) < depth || done[p.folderKey(depth)] {
			continue
		}
		done[p.folderKey(depth)] = true
		if err := x.folder(p, depth); err != nil {
			return err
		}
	}
	return nil
}

func (x *reading) folderForeign(p *placed, depth int) string {
	return x.Sum(func(put func(string)) { put(p.folderKey(depth)) }).String()
}

func (x *reading) folder(p *placed, depth int) error {
	name := p.path[depth-1]
	it := x.Item("password_folder", foldersTable, x.folderForeign(p, depth), p.File, p.Line)
	it.Row, it.Org = row{{"name", name}}, p.org
	it.Values = record.Values{"organization_id": p.org.Rec, "name": name}
	above := id.ID(0)
	if depth > 1 {
		k := x.Look.Table(foldersTable)[x.folderForeign(p, depth-1)]
		if k == nil || k.Rec == 0 {
			return nil // the folder above was not made, and that was said
		}
		above = k.Rec
		it.Values["parent_id"] = above
	}
	if k := x.Look.Table(foldersTable)[it.Foreign]; k == nil && p.org.Rec > 0 && above >= 0 {
		have, err := x.folderHere(p.org.Rec, above, name)
		if err != nil {
			return err
		}
		if have != 0 { // it stays as it is, and what belongs into it is added to it
			x.Look.Table(foldersTable)[it.Foreign] = &importer.Known{Rec: have}
		}
	}
	return x.Decide(it)
}

// folderHere finds a folder that is here already; 0 when there is none.
func (x *reading) folderHere(org, above id.ID, name string) (found id.ID, err error) {
	err = x.Importer.Gate.View(x.Ctx, x.Caller, func(tx *gate.Tx) error {
		cond, args := tx.Visible("r")
		q := `select r.id, r.kind from record r join k_password_folder k on k.id = r.id where r.org_id = ? and r.name_fold = ? and coalesce(k.parent_id, 0) = ? and r.trashed_at is null and ` + cond + ` order by r.id limit 1`
		return importer.Each(tx, func(n int64, _ string) { found = id.ID(n) }, q, append([]any{int64(org), record.Fold(name), int64(above)}, args...)...)
	})
	return found, err
}

// folderOf gives the folder of an entry, or the nearest above that was made; nil for
// none.
func (x *reading) folderOf(p *placed) *importer.Known {
	for depth := len(p.path); depth > 0; depth-- {
		if k := x.Look.Table(foldersTable)[x.folderForeign(p, depth)]; k != nil && k.Rec != 0 {
			return k
		}
	}
	return nil
}
