package graph

import (
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// link is a link of a record of the front, near, with the record at its other end.
type link struct {
	Edge
	near id.ID
	far  *Node
}

// rule is a sort of link that a declaration makes: the records of a table with
// another in a column.
type rule struct {
	reason, back string
	depends      record.Dependence // of the one that refers
}

// links reads the links of some records to what the caller may see: in one
// statement those that follow from references, in one those that people made and
// in one those that are tags.
func (w *walk) links(front []*Node) ([]link, error) {
	kinds := map[string]bool{}
	for _, n := range front {
		if w.goesOn(n) {
			kinds[n.Kind] = true
		}
	}
	var out []link
	for _, read := range []func([]*Node, map[string]bool) ([]link, error){w.references, w.relations, w.tags} {
		list, err := read(front, kinds)
		if err != nil {
			return nil, err
		}
		if len(list) > maxRows {
			list, w.cut = list[:maxRows], true
		}
		out = append(out, list...)
	}
	return slices.DeleteFunc(out, func(l link) bool {
		switch w.q.Follow {
		case Breaks:
			return l.Needed != l.near || l.near == l.far.ID
		case Needs:
			return l.Needed != l.far.ID || l.near == l.far.ID
		}
		return l.near == l.far.ID
	}), nil
}

// follows tells whether a walk goes along links of that dependence, which is the
// one of near on far.
func (w *walk) follows(d record.Dependence) bool {
	switch w.q.Follow {
	case Breaks:
		return d == record.UsedBy
	case Needs:
		return d == record.DependsOn
	}
	return true
}

// query joins selects of near, far and three more columns with the records at
// the far ends, which the caller may see; cols and join add to what is selected.
func (w *walk) query(front []*Node, parts []string, args []any, cols, join string) (string, []any) {
	q, all := `with f (id) as (`, []any(nil)
	table := func(list []*Node) {
		n := 1 << bits.Len(uint(len(list)-1)) // few texts of statements
		q += `values (cast(? as bigint))` + strings.Repeat(`, (cast(? as bigint))`, n-1) + `)`
		for i := range n {
			all = append(all, int64(list[min(i, len(list)-1)].ID))
		}
	}
	table(front)
	cond, who := w.tx.Visible("r")
	if w.closing {
		q += `, g (id) as (`
		table(w.nodes)
		cond += ` and +r.id in (select id from g)` // the plus: a condition on what was found, and no way to find it
	} else if in, kinds := w.kindsShown(); in != "" {
		cond += ` and (` + in + ` or r.id in (?, ?))`
		who = append(append(slices.Clone(who), kinds...), int64(w.q.From), int64(w.goal))
	}
	// The links come first, whatever the planner thinks: each is then one look at record.
	q += ` select e.near, e.far, e.a, e.b, e.c, r.kind, r.variant_id, r.name, r.name_fold, r.org_id, r.archived` + cols + `
		from (` + strings.Join(parts, ` union all `) + `) e cross join record r ` + join + ` where r.id = e.far and r.trashed_at is null and ` + cond + ` limit ` + strconv.Itoa(maxRows+1)
	return q, append(append(all, args...), who...)
}

// kindsShown is the condition on r.kind that the query makes; empty for none.
func (w *walk) kindsShown() (cond string, args []any) {
	in := func(not string, list []string) {
		if len(list) == 0 {
			return
		}
		if cond != "" {
			cond += ` and `
		}
		cond += `r.kind ` + not + `in (` + access.Marks(len(list)) + `)`
		for _, k := range list {
			args = append(args, k)
		}
	}
	in("", w.q.Only)
	in("not ", w.q.Without)
	return cond, args
}

// read runs a query. edge makes what a row says of its link, with the dependence
// of the one that says it; more are targets for what the query selects besides.
func (w *walk) read(q string, args []any, edge func(a, b int64) (Edge, record.Dependence), more ...any) ([]link, error) {
	rows, err := w.tx.Query(q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []link
	for rows.Next() {
		n := &Node{}
		var near, far, a, b, dir, variant, org int64
		if err := rows.Scan(append([]any{&near, &far, &a, &b, &dir, &n.Kind, &variant, &n.Name, &n.fold, &org, &n.Archived}, more...)...); err != nil {
			return nil, err
		}
		n.ID, n.Variant, n.Org = id.ID(far), id.ID(variant), id.ID(org)
		l := link{near: id.ID(near), far: n}
		var depends record.Dependence
		l.Edge, depends = edge(a, b)
		if l.From, l.To = l.near, n.ID; dir == inward {
			l.From, l.To = n.ID, l.near
		}
		switch depends {
		case record.DependsOn:
			l.Needed = l.To
		case record.UsedBy:
			l.Needed = l.From
		}
		out = append(out, l)
	}
	return out, rows.Err()
}

// The directions of a link: who says it.
const (
	outward = 0 // the near record
	inward  = 1 // the far one
)

// references reads the links that follow from fields.
func (w *walk) references(front []*Node, kinds map[string]bool) ([]link, error) {
	c := &collector{walk: w, kinds: kinds}
	for _, k := range w.x.kinds().Kinds() {
		for i := range k.Fields {
			if f := &k.Fields[i]; f.Type == record.Ref {
				c.field(k, f.Name, f.Ref, rule{f.Title(), f.Title() + " of", f.Depends})
			}
		}
	}
	if w.also["organization"] && w.follows(record.Independent) {
		c.organizations()
	}
	for _, s := range w.x.Relations.Sources {
		if k := w.x.kinds().Kind(s.Kind); k != nil {
			c.field(k, s.Field, "", rule{reason: s.Back, back: s.Reason})
		}
	}
	if len(c.parts) == 0 {
		return nil, nil
	}
	q, args := w.query(front, c.parts, c.args, ``, ``)
	list, err := w.read(q, args, func(n, _ int64) (Edge, record.Dependence) {
		r := c.rules[n]
		return Edge{Reason: r.reason, Back: r.back}, r.depends
	})
	on := map[id.ID]bool{}
	for _, n := range front {
		on[n.ID] = w.goesOn(n)
	}
	return slices.DeleteFunc(list, func(l link) bool { return !on[l.near] || !w.goesOn(l.far) }), err
}

// relations reads the links that people made.
func (w *walk) relations(front []*Node, _ map[string]bool) ([]link, error) {
	half := func(near, far, dir string) string {
		return `select t.` + near + ` as near, t.` + far + ` as far, t.id as a, coalesce(n.needed_id, 0) as b, ` + dir + ` as c
			from relation t left join relation_need n on n.relation_id = t.id where t.` + near + ` in (select id from f)`
	}
	q, args := w.query(front, []string{half("low_id", "high_id", "0"), half("high_id", "low_id", "1")}, nil, `, t.notes`, `join relation t on t.id = e.a`)
	var notes string
	return w.read(q, args, func(rel, needed int64) (Edge, record.Dependence) {
		return Edge{Relation: id.ID(rel), Needed: id.ID(needed), Notes: notes}, record.Independent
	}, &notes)
}

// tags reads the links that are references which tenants designed, see
// record.Variants.
func (w *walk) tags(front []*Node, _ map[string]bool) ([]link, error) {
	join, word := ``, `''`
	any := false
	for i, k := range w.x.kinds().Kinds() {
		if k.Variants == nil {
			continue
		}
		any = true
		if parts := w.x.kinds().Kind(k.Variants.Parts); parts != nil && k.Variants.Depends != "" {
			p := `p` + strconv.Itoa(i)
			join += ` left join ` + parts.Table() + ` ` + p + ` on ` + p + `.id = e.a`
			word = `coalesce(` + p + `."` + k.Variants.Depends + `", ` + word + `)`
		}
	}
	if !any {
		return nil, nil
	}
	half := func(near, far, dir string) string {
		return `select t.` + near + ` as near, t.` + far + ` as far, t.field_id as a, 0 as b, ` + dir + ` as c from trait t where t.` + near + ` in (select id from f) and t.ref <> 0`
	}
	q, args := w.query(front, []string{half("record_id", "ref", "0"), half("ref", "record_id", "1")}, nil,
		`, d.name, `+word, `join record d on d.id = e.a and d.trashed_at is null`+join)
	var name string
	var depends record.Dependence
	return w.read(q, args, func(int64, int64) (Edge, record.Dependence) {
		return Edge{Reason: name, Back: name + " of"}, depends
	}, &name, &depends)
}

// collector collects the selects of references.
type collector struct {
	*walk
	kinds map[string]bool // of the front
	parts []string
	args  []any
	rules []rule
}

// field adds the links that the records of k have through a field that holds ids
// of records of the kind to, or of any kind when that is empty.
func (c *collector) field(k *record.Kind, field, to string, r rule) {
	n := strconv.Itoa(len(c.rules))
	c.rules = append(c.rules, r)
	of := ` from ` + k.Table() + ` k where `
	if c.kinds[k.Name] && (to == "" || c.wanted(to)) && c.follows(r.depends) {
		cond, args := c.ends(to, `k."`+field+`"`)
		c.parts = append(c.parts, `select k.id as near, k."`+field+`" as far, `+n+` as a, 0 as b, 0 as c`+of+`k.id in (select id from f) and k."`+field+`" is not null`+cond)
		c.args = append(c.args, args...)
	}
	if (to == "" || c.kinds[to]) && c.wanted(k.Name) && c.follows(r.depends.Turned()) {
		cond, args := c.ends(k.Name, `k.id`)
		c.parts = append(c.parts, `select k."`+field+`" as near, k.id as far, `+n+` as a, 0 as b, 1 as c`+of+`k."`+field+`" in (select id from f)`+cond)
		c.args = append(c.args, args...)
	}
}

// organizations adds that records belong to organizations.
func (c *collector) organizations() {
	n := strconv.Itoa(len(c.rules))
	c.rules = append(c.rules, rule{reason: "Organization", back: "Organization of"})
	var kinds []any
	for _, k := range c.x.kinds().Kinds() {
		if k.Scope == record.OfOrganization {
			kinds = append(kinds, k.Name)
		}
	}
	own := ` and k.kind || '' in (` + access.Marks(len(kinds)) + `)` // found by what is asked for, not by their kinds
	c.parts = append(c.parts, `select k.id as near, k.org_id as far, `+n+` as a, 0 as b, 0 as c from record k where k.id in (select id from f)`+own)
	c.args = append(c.args, kinds...)
	if c.kinds["organization"] {
		c.parts = append(c.parts, `select k.org_id as near, k.id as far, `+n+` as a, 0 as b, 1 as c from record k where k.org_id in (select id from f) and k.trashed_at is null`+own)
		c.args = append(c.args, kinds...)
	}
}

// wanted tells whether a link by reference may lead to records of a kind.
func (c *collector) wanted(kind string) bool {
	return c.counts(kind) && c.shown(kind) || c.known[c.q.From].Kind == kind || c.goal != 0 && c.goalKind == kind
}

// ends narrows a column to the records that the walk was asked for, where others
// of their kind are no link.
func (c *collector) ends(kind, column string) (string, []any) {
	if kind == "" || c.counts(kind) {
		return ``, nil
	}
	return ` and ` + column + ` in (?, ?)`, []any{int64(c.q.From), int64(c.goal)}
}
