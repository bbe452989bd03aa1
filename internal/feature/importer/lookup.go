package importer

import (
	"errors"
	"slices"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/external"
	"strongroom/internal/feature/importer/places"
	"strongroom/internal/feature/importer/state"
)

// Known is a row of the source, or something found by its name here.
type Known struct {
	Rec     id.ID // its record; below 0 in a dry run for what would be created; 0 while there is none
	hash    Sum   // of the row when it was last taken over
	Seen    bool  // in this export
	Pending bool  // a document whose text is still to come
	Own     bool  // the export came from this tenant: what is here is as new
	twice   bool  // the name is not of one only
	Fresh   bool  // made by this run
	Line    int   // of the row that it is
	Org     id.ID // of an asset
}

// Lookup is what an import keeps in memory: numbers and names, no rows.
type Lookup struct {
	refs    map[string]map[string]*Known // by table and foreign id
	orgs    map[string]*Known            // by folded name
	OrgName map[*Known]string
	names   map[nameKey]*Known // of locations and contacts
	Lists   map[ListKey]id.ID
	added   []addedList // in the transaction that is open
	Places  *places.Places
}

type nameKey struct {
	kind string
	org  id.ID
	name Sum
}

// Table gives what is known of the rows of a table, by their ids in the source.
func (l *Lookup) Table(name string) map[string]*Known {
	m := l.refs[name]
	if m == nil {
		m = map[string]*Known{}
		l.refs[name] = m
	}
	return m
}

// load reads what was imported before, and the lists of the tenant.
func (r *Run) load() error {
	r.Look = Lookup{refs: map[string]map[string]*Known{}, orgs: map[string]*Known{}, OrgName: map[*Known]string{}, names: map[nameKey]*Known{}, Lists: map[ListKey]id.ID{}}
	return r.Importer.Gate.View(r.Ctx, r.Caller, func(tx *gate.Tx) error {
		if r.Same {
			if err := r.loadOwn(tx); err != nil {
				return err
			}
		}
		var err error
		r.Look.Places, err = places.Load(tx)
		return errors.Join(err, r.loadRefs(tx), r.loadLists(tx))
	})
}

func (r *Run) loadRefs(tx *gate.Tx) error {
	for table := range r.Tables {
		list, err := external.BySource(tx, r.Source, table)
		if err != nil {
			return err
		}
		m := r.Look.Table(table)
		for foreign, ref := range list {
			if m[foreign] == nil {
				m[foreign] = &Known{Rec: ref.Record, hash: state.ParseSum(ref.Hash), Pending: ref.Hash == pendingHash}
			}
		}
	}
	return nil
}

// pendingHash marks a document whose text is still to come.
const pendingHash = "pending"

// loadOwn takes the ids of an export of this very tenant for what they are.
func (r *Run) loadOwn(tx *gate.Tx) error {
	return Each(tx, func(n int64, kind string) {
		for table, k := range r.Tables {
			if k == kind {
				r.Look.Table(table)[id.ID(n).String()] = &Known{Rec: id.ID(n), Own: true}
			}
		}
	}, `select r.id, r.kind from record r`)
}

// Each calls f with the rows of a query for a number and a text.
func Each(tx *gate.Tx, f func(n int64, text string), q string, args ...any) error {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		var text string
		if err := rows.Scan(&n, &text); err != nil {
			return err
		}
		f(n, text)
	}
	return rows.Err()
}

// orgByName finds an organization of the export or of the tenant; nil when there
// is none.
func (l *Lookup) orgByName(r *Run, name string) (*Known, error) {
	fold := record.Fold(name)
	if k, ok := l.orgs[fold]; ok {
		return k, nil
	}
	var found []id.ID
	err := r.ByName("organization", 0, fold, &found)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	k := &Known{Rec: found[0], twice: len(found) > 1}
	l.orgs[fold] = k
	return k, nil
}

// ByName finds up to two records of a kind by their folded name, in an
// organization or, with 0, in all.
func (r *Run) ByName(kind string, org id.ID, fold string, out *[]id.ID) error {
	return r.Importer.Gate.View(r.Ctx, r.Caller, func(tx *gate.Tx) error {
		cond, args := tx.Visible("r")
		q := `select r.id, r.kind from record r where r.kind = ? and r.name_fold = ? and r.trashed_at is null and ` + cond
		args = append([]any{kind, fold}, args...)
		if org != 0 {
			q, args = q+` and r.org_id = ?`, append(args, int64(org))
		}
		return Each(tx, func(n int64, _ string) { *out = append(*out, id.ID(n)) }, q+` order by r.id limit 2`, args...)
	})
}

// NameOrg remembers the name of an organization's row.
func (l *Lookup) NameOrg(name string, k *Known) {
	l.OrgName[k] = name
	fold := record.Fold(name)
	if have := l.orgs[fold]; have != nil && have != k {
		have.twice = true
		return
	}
	l.orgs[fold] = k
}

func (r *Run) nameKey(kind string, org id.ID, name string) nameKey {
	return nameKey{kind, org, r.Sum(func(put func(string)) { put(record.Fold(name)) })}
}

// named finds a location or contact of an organization by its name; nil when
// there is none or more than one.
func (r *Run) named(kind string, org *Known, name string) (*Known, error) {
	key := r.nameKey(kind, org.Rec, name)
	if k, ok := r.Look.names[key]; ok {
		if k == nil || k.twice || k.Rec == 0 {
			return nil, nil
		}
		return k, nil
	}
	if org.Rec < 0 {
		return nil, nil
	}
	var found []id.ID
	if err := r.ByName(kind, org.Rec, record.Fold(name), &found); err != nil {
		return nil, err
	}
	var k *Known
	if len(found) == 1 {
		k = &Known{Rec: found[0]}
	}
	r.Look.names[key] = k
	return k, nil
}

// GiveName remembers the name of a row that others may name.
func (r *Run) GiveName(kind string, org *Known, name string, k *Known) {
	key := r.nameKey(kind, org.Rec, name)
	if have := r.Look.names[key]; have != nil && have != k {
		have.twice = true
		return
	}
	r.Look.names[key] = k
}

// ListKey names an entry of a tenant-wide list; of is the manufacturer of a
// model.
type ListKey struct {
	Kind string
	Of   id.ID
	Name string // folded
}

// listWant is a value that is the name of an entry of a list.
type Want struct {
	Field, Kind, Name string
	Maker             string // of a model
}

type addedList struct {
	key ListKey
	id  id.ID
}

// listKinds are the tenant-wide lists that rows name entries of. The models of
// manufacturers are loaded with their makers.
func (r *Run) listKinds() []string {
	var out []string
	for _, k := range r.Importer.Records.Kinds.Kinds() {
		if k.Scope == record.OfTenant && !k.Admin && k.Name != "model" {
			out = append(out, k.Name)
		}
	}
	return out
}

func (r *Run) loadLists(tx *gate.Tx) error {
	for _, kind := range r.listKinds() {
		err := Each(tx, func(n int64, fold string) { r.Look.Lists[ListKey{kind, 0, fold}] = id.ID(n) },
			`select id, name_fold from record where kind = ? and trashed_at is null`, kind)
		if err != nil {
			return err
		}
	}
	rows, err := tx.Query(`select r.id, r.name_fold, coalesce(k.manufacturer_id, 0) from record r join k_model k on k.id = r.id where r.trashed_at is null`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n, maker int64
		var fold string
		if err := rows.Scan(&n, &fold, &maker); err != nil {
			return err
		}
		r.Look.Lists[ListKey{"model", id.ID(maker), fold}] = id.ID(n)
	}
	return rows.Err()
}

// list gives the id of an entry, making it in tx when there is none.
func (l *Lookup) list(tx *gate.Tx, r *Run, w Want) (id.ID, error) {
	key := ListKey{w.Kind, 0, record.Fold(w.Name)}
	v := record.Values{"name": w.Name}
	if w.Maker != "" {
		maker, err := l.list(tx, r, Want{Kind: "manufacturer", Name: w.Maker})
		if err != nil {
			return 0, err
		}
		key.Of, v["manufacturer_id"] = maker, maker
	}
	if n, ok := l.find(key); ok {
		return n, nil
	}
	if n, ok := l.find(ListKey{w.Kind, 0, key.Name}); ok { // a model that names no manufacturer
		return n, nil
	}
	rec, err := r.Importer.Records.Create(tx, w.Kind, v)
	if err != nil {
		return 0, err
	}
	l.added = append(l.added, addedList{key, rec.ID})
	return rec.ID, r.Wrote(tx, rec.ID, 0)
}

func (l *Lookup) find(key ListKey) (id.ID, bool) {
	if n, ok := l.Lists[key]; ok {
		return n, true
	}
	if i := slices.IndexFunc(l.added, func(a addedList) bool { return a.key == key }); i >= 0 {
		return l.added[i].id, true
	}
	return 0, false
}

// keepLists takes over what the last transaction added.
func (l *Lookup) keepLists(r *Run) {
	for _, a := range l.added {
		l.Lists[a.key] = a.id
		r.Report.Count(a.key.Kind, Created)
	}
	l.added = nil
}

// wouldList counts the entries that an item would add.
func (r *Run) wouldList(it *Item) {
	for _, w := range it.Lists {
		key := ListKey{w.Kind, 0, record.Fold(w.Name)}
		if w.Maker != "" {
			r.WouldAdd(ListKey{"manufacturer", 0, record.Fold(w.Maker)})
			key.Of = r.Look.Lists[ListKey{"manufacturer", 0, record.Fold(w.Maker)}]
		}
		if _, ok := r.Look.Lists[ListKey{w.Kind, 0, key.Name}]; !ok {
			r.WouldAdd(key)
		}
	}
}

// WouldAdd counts, in a dry run, an entry of a list that would be made.
func (r *Run) WouldAdd(key ListKey) {
	if _, ok := r.Look.Lists[key]; !ok {
		r.Look.Lists[key] = r.NextPseudo()
		r.Report.Count(key.Kind, Created)
	}
}
