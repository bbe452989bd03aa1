package search

import (
	"cmp"
	"slices"
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
	maxCandidates = 200
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
// found in, best first.
func Find(tx *gate.Tx, q string, o Options) ([]Hit, error) {
	list := terms(q)
	if len(list) == 0 {
		return nil, nil
	}
	if o.Limit <= 0 {
		o.Limit = defaultLimit
	}
	f := finder{tx: tx, o: o, typed: cutName(Fold(q)), terms: list, found: map[id.ID]bool{}}
	for _, stage := range []func() error{f.byName, f.byNames, f.byAll} {
		if len(f.list) >= maxCandidates {
			break
		}
		if err := stage(); err != nil {
			return nil, err
		}
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

// finder gathers candidates in stages, the best ones first, so that a short
// question that much would answer ranks a few good candidates.
type finder struct {
	tx    *gate.Tx
	o     Options
	typed string
	terms []string
	found map[id.ID]bool
	list  []candidate
}

// byName finds names that begin with what was typed.
func (f *finder) byName() error {
	return f.stage(`search_doc d join record r on r.id = d.id`, `d.name >= ? and d.name < ?`, `d.name, d.id`, inNames,
		f.typed, f.typed+"\U0010ffff")
}

// byNames finds records by name, number, host or address.
func (f *finder) byNames() error {
	if f.tx.Dialect() == sqldb.Postgres {
		return f.stage(`search_doc d join record r on r.id = d.id`, `d.names_v @@ (?::text)::tsquery`, `d.id desc`, inNames, question(sqldb.Postgres, f.terms))
	}
	return f.match(`names : (`+question(sqldb.SQLite, f.terms)+`)`, inNames)
}

// byAll finds records by any of their text. One letter is too little to ask
// texts for.
func (f *finder) byAll() error {
	if len(f.terms) == 1 && len(f.terms[0]) == 1 {
		return nil
	}
	if f.tx.Dialect() == sqldb.Postgres {
		return f.stage(`search_doc d join record r on r.id = d.id`, `d.all_v @@ (?::text)::tsquery`, `d.id desc`, inBody, question(sqldb.Postgres, f.terms))
	}
	return f.match(question(sqldb.SQLite, f.terms), inBody)
}

func (f *finder) match(q string, class int) error {
	return f.stage(`search_fts x cross join record r on r.id = x.rowid`, `x.search_fts match ?`, `x.rowid desc`, class, q)
}

func (f *finder) stage(from, where, order string, class int, args ...any) error {
	visible, more := f.tx.Visible("r")
	q := `select r.id, r.kind, r.org_id, r.name, r.archived, r.updated_at from ` + from + ` where ` + where + ` and r.trashed_at is null and ` + visible
	args = append(args, more...)
	if f.o.Org != 0 {
		q, args = q+` and r.org_id = ?`, append(args, int64(f.o.Org))
	}
	if len(f.o.Kinds) > 0 {
		q += ` and r.kind in (` + access.Marks(len(f.o.Kinds)) + `)`
		for _, k := range f.o.Kinds {
			args = append(args, k)
		}
	}
	rows, err := f.tx.Query(q+` order by `+order+` limit ?`, append(args, maxCandidates)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() && len(f.list) < maxCandidates {
		c := candidate{class: class}
		var rid, org int64
		if err := rows.Scan(&rid, &c.Kind, &org, &c.Name, &c.Archived, &c.updated); err != nil {
			return err
		}
		c.ID, c.Org = id.ID(rid), id.ID(org)
		if f.found[c.ID] {
			continue
		}
		f.found[c.ID] = true
		c.class = min(class, f.classOf(c.Name))
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
