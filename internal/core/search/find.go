package search

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Options narrow a search.
type Options struct {
	Org   id.ID    // only this organization's records
	Kinds []string // only these kinds
	Limit int      // 20 when 0; at most 200
	// Whole finds terms that are whole, and not the beginnings of others: for words that a
	// text has, and not what somebody types. It is less work where there is much.
	Whole bool
}

// Hit is one record found.
type Hit struct {
	ID       id.ID
	Kind     string
	Org      id.ID
	Name     string
	OrgName  string // empty when the caller may not see the organization
	Archived bool
}

const (
	defaultLimit  = 20
	maxCandidates = 100  // that are ranked
	maxMatches    = 4000 // that are looked at for candidates, where the index is asked
	maxRead       = 4000 // records that are read instead of asking the index
)

// The classes of candidates, best first.
const (
	exact     = iota // the name is what was typed
	beginning        // the name begins with it
	inName           // every term is in the name
	inNames          // every term is in the name or in a number, host or address
	inBody           // some term is only in the text
)

type candidate struct {
	Hit
	class   int
	updated int64
}

// Find gives the records that the caller may see and that every term of q is
// found in, best first; with Whole, that every term of q is one of.
func Find(tx *gate.Tx, q string, o Options) ([]Hit, error) {
	list := terms(q)
	if len(list) == 0 {
		return nil, nil
	}
	if o.Limit <= 0 {
		o.Limit = defaultLimit
	}
	f := finder{tx: tx, o: o, typed: cutName(Fold(q)), terms: list, taken: map[id.ID]bool{}}
	if err := f.gather(); err != nil {
		return nil, err
	}
	slices.SortFunc(f.list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.class, b.class), compareBool(a.Archived, b.Archived), cmp.Compare(b.updated, a.updated), cmp.Compare(a.ID, b.ID))
	})
	var hits []Hit
	for _, c := range f.list[:min(len(f.list), o.Limit)] {
		hits = append(hits, c.Hit)
	}
	return hits, f.orgNames(hits)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// finder gathers candidates.
type finder struct {
	tx    *gate.Tx
	o     Options
	typed string
	terms []string
	taken map[id.ID]bool
	list  []candidate
}

// gather picks one of two ways to the same answer. Who may see little, or asks
// within little, has the few records read; for all others the index is asked,
// in stages, the best candidates first, so that a short question that much
// would answer ranks a few good ones.
func (f *finder) gather() error {
	few, err := f.few()
	if err != nil {
		return err
	}
	if few {
		return f.byReading()
	}
	stages := []func() error{f.byName, f.byNames, f.byAll}
	if f.o.Whole {
		stages = stages[1:] // a beginning is not the word
	}
	for _, stage := range stages {
		if len(f.list) >= min(f.o.Limit, maxCandidates) {
			return nil // what a later stage finds ranks behind all of these
		}
		if err := stage(); err != nil {
			return err
		}
	}
	return nil
}

// byName finds names that begin with what was typed, of the first maxMatches that do.
func (f *finder) byName() error {
	q := `select d.id, d.name from search_doc d where d.name >= ? and d.name < ? order by d.name, d.id`
	return f.stage(inNames, `(`+q+` limit `+strconv.Itoa(maxMatches)+`) q`+f.each("record", "r"), `r.id = q.id`, ` order by q.name, q.id`, f.typed, f.typed+last)
}

// last sorts behind every text that goes on with the same beginning.
const last = "\U0010ffff"

// byNames finds records by name, number, host or address.
func (f *finder) byNames() error {
	if f.tx.Dialect() == sqldb.Postgres {
		return f.match(inNames, `search_doc d where d.names_v @@ (?::text)::tsquery`)
	}
	return f.match(inNames, `search_fts d where d.search_fts match 'names : (' || ? || ')'`)
}

// byAll finds records by any of their text.
func (f *finder) byAll() error {
	switch {
	case f.brief():
		return nil
	case f.tx.Dialect() == sqldb.Postgres:
		return f.match(inBody, `search_doc d where d.all_v @@ (?::text)::tsquery`)
	}
	return f.match(inBody, `search_fts d where d.search_fts match ?`)
}

// brief tells whether the question is one letter, which is too little to ask
// texts for.
func (f *finder) brief() bool { return len(f.terms) == 1 && len(f.terms[0]) == 1 }

// match looks at records that match, no more than maxMatches. On SQLite they
// are the newest ones; on PostgreSQL an order would cost it the choice between
// the index, for few matches, and the table, for many.
func (f *finder) match(class int, from string) error {
	q, order := `select d.id from `+from, ``
	if f.tx.Dialect() == sqldb.SQLite {
		q, order = `select d.rowid as id from `+from+` order by d.rowid desc`, ` order by q.id desc`
	}
	return f.stage(class, `(`+q+` limit `+strconv.Itoa(maxMatches)+`) q`+f.each("record", "r"), `r.id = q.id`, order, question(f.tx.Dialect(), f.terms, f.o.Whole))
}

func (f *finder) stage(class int, from, where, order string, args ...any) error {
	visible, more := f.tx.Visible("r")
	args = append(args, more...)
	cond, more := f.narrowed()
	args = append(append(args, more...), maxCandidates)
	return f.take(found+strconv.Itoa(class)+` from `+from+` where `+where+` and r.trashed_at is null and `+visible+cond+order+` limit ?`, args...)
}

// narrowed gives the conditions of the options.
func (f *finder) narrowed() (cond string, args []any) {
	if f.o.Org != 0 {
		cond, args = ` and r.org_id = ?`, append(args, int64(f.o.Org))
	}
	if len(f.o.Kinds) > 0 {
		cond += ` and r.kind in (` + access.Marks(len(f.o.Kinds)) + `)`
		for _, k := range f.o.Kinds {
			args = append(args, k)
		}
	}
	return cond, args
}

// found begins every query for candidates; their class follows.
const found = `select r.id, r.kind, r.org_id, r.name, r.archived, r.updated_at, `

// take adds the records that a query gives to the candidates.
func (f *finder) take(q string, args ...any) error {
	rows, err := f.tx.Query(q, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() && len(f.list) < maxCandidates {
		var c candidate
		var rid, org int64
		if err := rows.Scan(&rid, &c.Kind, &org, &c.Name, &c.Archived, &c.updated, &c.class); err != nil {
			return err
		}
		c.ID, c.Org = id.ID(rid), id.ID(org)
		if f.taken[c.ID] {
			continue
		}
		f.taken[c.ID] = true
		c.class = min(c.class, f.classOf(c.Name))
		f.list = append(f.list, c)
	}
	return rows.Err()
}

// classOf ranks by the name alone.
func (f *finder) classOf(name string) int {
	folded := cutName(Fold(name))
	switch {
	case folded == f.typed:
		return exact
	case strings.HasPrefix(folded, f.typed):
		return beginning
	}
	var x index
	x.text(name)
	for _, t := range f.terms {
		if !slices.ContainsFunc(x.list, func(s string) bool { return strings.HasPrefix(s, t) }) {
			return inBody
		}
	}
	return inName
}

// orgNames fills in the names of the organizations that the caller may see.
func (f *finder) orgNames(hits []Hit) error {
	if len(hits) == 0 {
		return nil
	}
	var orgs []id.ID
	for _, h := range hits {
		orgs = append(orgs, h.Org)
	}
	slices.Sort(orgs)
	orgs = slices.Compact(orgs)
	visible, more := f.tx.Visible("r")
	rows, err := f.tx.Query(`select r.id, r.name from record r where r.id in (`+access.Marks(len(orgs))+`) and `+visible, append(access.Args(orgs), more...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names := map[id.ID]string{}
	for rows.Next() {
		var org int64
		var name string
		if err := rows.Scan(&org, &name); err != nil {
			return err
		}
		names[id.ID(org)] = name
	}
	for i := range hits {
		hits[i].OrgName = names[hits[i].Org]
	}
	return rows.Err()
}
