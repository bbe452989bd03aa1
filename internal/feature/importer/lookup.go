package importer

import (
	"errors"
	"maps"
	"slices"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/external"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/importer/itglue"
	"strongroom/internal/feature/importer/places"
	"strongroom/internal/feature/importer/state"
)

// known is a row of the source, or something found by its name here.
type known struct {
	rec     id.ID // its record; below 0 in a dry run for what would be created; 0 while there is none
	hash    sum   // of the row when it was last taken over
	seen    bool  // in this export
	pending bool  // a document whose text is still to come
	own     bool  // the export came from this tenant: what is here is as new
	twice   bool  // the name is not of one only
	fresh   bool  // made by this run
	line    int   // of the row that it is
	org     id.ID // of an asset
}

// lookup is what an import keeps in memory: numbers and names, no rows.
type lookup struct {
	refs    map[string]map[string]*known // by table and foreign id
	orgs    map[string]*known            // by folded name
	orgName map[*known]string
	names   map[nameKey]*known // of locations and contacts
	lists   map[listKey]id.ID
	added   []addedList // in the transaction that is open
	places  *places.Places
}

type nameKey struct {
	kind string
	org  id.ID
	name sum
}

// source is the source of this export's rows in external_ref.
func (r *run) source() string {
	if r.own != nil {
		return itglue.OwnSource + r.own.Tenant
	}
	return "itglue"
}

func (l *lookup) table(name string) map[string]*known {
	m := l.refs[name]
	if m == nil {
		m = map[string]*known{}
		l.refs[name] = m
	}
	return m
}

// load reads what was imported before, and the lists of the tenant.
func (r *run) load() error {
	r.look = lookup{refs: map[string]map[string]*known{}, orgs: map[string]*known{}, orgName: map[*known]string{}, names: map[nameKey]*known{}, lists: map[listKey]id.ID{}}
	return r.m.Gate.View(r.ctx, r.c, func(tx *gate.Tx) error {
		if r.own != nil && r.own.Tenant == r.tenant.ID {
			if err := r.loadOwn(tx); err != nil {
				return err
			}
		}
		var err error
		r.look.places, err = places.Load(tx)
		return errors.Join(err, r.loadRefs(tx), r.loadLists(tx))
	})
}

func (r *run) loadRefs(tx *gate.Tx) error {
	for table := range r.remembered() {
		list, err := external.BySource(tx, r.source(), table)
		if err != nil {
			return err
		}
		m := r.look.table(table)
		for foreign, ref := range list {
			if m[foreign] == nil {
				m[foreign] = &known{rec: ref.Record, hash: state.ParseSum(ref.Hash), pending: ref.Hash == pendingHash}
			}
		}
	}
	return nil
}

// remembered are the tables whose rows are remembered, with their kinds.
func (r *run) remembered() map[string]string {
	out := maps.Clone(kindOfTable)
	out["document_folders"], out["password_folders"], out["document_sections"] = "document_folder", "password_folder", "document_section"
	for _, k := range r.m.Records.Kinds.Documented() {
		if k.Sheet || slices.Contains(r.otherKinds(), k) {
			out[k.Plural] = k.Name
		}
	}
	for _, t := range r.assets {
		out[t.name] = flexibleasset.Kind
	}
	return out
}

// pendingHash marks a document whose text is still to come.
const pendingHash = "pending"

// loadOwn takes the ids of an export of this very tenant for what they are.
func (r *run) loadOwn(tx *gate.Tx) error {
	tables := r.remembered()
	return each(tx, func(n int64, kind string) {
		for table, k := range tables {
			if k == kind {
				r.look.table(table)[id.ID(n).String()] = &known{rec: id.ID(n), own: true}
			}
		}
	}, `select r.id, r.kind from record r`)
}

func each(tx *gate.Tx, f func(n int64, text string), q string, args ...any) error {
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
func (l *lookup) orgByName(r *run, name string) (*known, error) {
	fold := record.Fold(name)
	if k, ok := l.orgs[fold]; ok {
		return k, nil
	}
	var found []id.ID
	err := r.byName("organization", 0, fold, &found)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	k := &known{rec: found[0], twice: len(found) > 1}
	l.orgs[fold] = k
	return k, nil
}

func (r *run) byName(kind string, org id.ID, fold string, out *[]id.ID) error {
	return r.m.Gate.View(r.ctx, r.c, func(tx *gate.Tx) error {
		cond, args := tx.Visible("r")
		q := `select r.id, r.kind from record r where r.kind = ? and r.name_fold = ? and r.trashed_at is null and ` + cond
		args = append([]any{kind, fold}, args...)
		if org != 0 {
			q, args = q+` and r.org_id = ?`, append(args, int64(org))
		}
		return each(tx, func(n int64, _ string) { *out = append(*out, id.ID(n)) }, q+` order by r.id limit 2`, args...)
	})
}

// nameOrg remembers the name of an organization's row.
func (l *lookup) nameOrg(name string, k *known) {
	l.orgName[k] = name
	fold := record.Fold(name)
	if have := l.orgs[fold]; have != nil && have != k {
		have.twice = true
		return
	}
	l.orgs[fold] = k
}

func (r *run) nameKey(kind string, org id.ID, name string) nameKey {
	return nameKey{kind, org, r.sum(func(put func(string)) { put(record.Fold(name)) })}
}

// named finds a location or contact of an organization by its name; nil when
// there is none or more than one.
func (r *run) named(kind string, org *known, name string) (*known, error) {
	key := r.nameKey(kind, org.rec, name)
	if k, ok := r.look.names[key]; ok {
		if k == nil || k.twice || k.rec == 0 {
			return nil, nil
		}
		return k, nil
	}
	if org.rec < 0 {
		return nil, nil
	}
	var found []id.ID
	if err := r.byName(kind, org.rec, record.Fold(name), &found); err != nil {
		return nil, err
	}
	var k *known
	if len(found) == 1 {
		k = &known{rec: found[0]}
	}
	r.look.names[key] = k
	return k, nil
}

// giveName remembers the name of a row that others may name.
func (r *run) giveName(kind string, org *known, name string, k *known) {
	key := r.nameKey(kind, org.rec, name)
	if have := r.look.names[key]; have != nil && have != k {
		have.twice = true
		return
	}
	r.look.names[key] = k
}

// listKey names an entry of a tenant-wide list; of is the manufacturer of a
// model.
type listKey struct {
	kind string
	of   id.ID
	name string // folded
}

// listWant is a value that is the name of an entry of a list.
type listWant struct {
	field, kind, name string
	maker             string // of a model
}

type addedList struct {
	key listKey
	id  id.ID
}

// listKinds are the tenant-wide lists that rows name entries of. The models of
// manufacturers are loaded with their makers.
func (r *run) listKinds() []string {
	var out []string
	for _, k := range r.m.Records.Kinds.Kinds() {
		if k.Scope == record.OfTenant && !k.Admin && k.Name != "model" {
			out = append(out, k.Name)
		}
	}
	return out
}

func (r *run) loadLists(tx *gate.Tx) error {
	for _, kind := range r.listKinds() {
		err := each(tx, func(n int64, fold string) { r.look.lists[listKey{kind, 0, fold}] = id.ID(n) },
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
		r.look.lists[listKey{"model", id.ID(maker), fold}] = id.ID(n)
	}
	return rows.Err()
}

// list gives the id of an entry, making it in tx when there is none.
func (l *lookup) list(tx *gate.Tx, r *run, w listWant) (id.ID, error) {
	key := listKey{w.kind, 0, record.Fold(w.name)}
	v := record.Values{"name": w.name}
	if w.maker != "" {
		maker, err := l.list(tx, r, listWant{kind: "manufacturer", name: w.maker})
		if err != nil {
			return 0, err
		}
		key.of, v["manufacturer_id"] = maker, maker
	}
	if n, ok := l.find(key); ok {
		return n, nil
	}
	if n, ok := l.find(listKey{w.kind, 0, key.name}); ok { // a model that names no manufacturer
		return n, nil
	}
	rec, err := r.m.Records.Create(tx, w.kind, v)
	if err != nil {
		return 0, err
	}
	l.added = append(l.added, addedList{key, rec.ID})
	return rec.ID, nil
}

func (l *lookup) find(key listKey) (id.ID, bool) {
	if n, ok := l.lists[key]; ok {
		return n, true
	}
	if i := slices.IndexFunc(l.added, func(a addedList) bool { return a.key == key }); i >= 0 {
		return l.added[i].id, true
	}
	return 0, false
}

// keepLists takes over what the last transaction added.
func (l *lookup) keepLists(r *run) {
	for _, a := range l.added {
		l.lists[a.key] = a.id
		r.report.count(a.key.kind, created)
	}
	l.added = nil
}

// wouldList counts the entries that an item would add.
func (r *run) wouldList(it *item) {
	for _, w := range it.lists {
		key := listKey{w.kind, 0, record.Fold(w.name)}
		if w.maker != "" {
			r.wouldAdd(listKey{"manufacturer", 0, record.Fold(w.maker)})
			key.of = r.look.lists[listKey{"manufacturer", 0, record.Fold(w.maker)}]
		}
		if _, ok := r.look.lists[listKey{w.kind, 0, key.name}]; !ok {
			r.wouldAdd(key)
		}
	}
}

func (r *run) wouldAdd(key listKey) {
	if _, ok := r.look.lists[key]; !ok {
		r.look.lists[key] = r.nextPseudo()
		r.report.count(key.kind, created)
	}
}
