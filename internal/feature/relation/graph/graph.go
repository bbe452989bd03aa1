// Package graph walks from record to record along what relates them: relations
// that somebody made, references and tags.
//
// Always true: a walk is within one transaction and reads nothing that the
// caller may not see, so that a hidden record is neither shown nor passed
// through, nor counted; a step takes the same few statements however many records
// it is made from; a map holds a record once, in an order that is the same each
// time; what was left out for its size is said.
package graph

import (
	"cmp"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/relation"
)

// Bounds of a walk.
const (
	DefaultMost = 500    // records on a map
	MaxHops     = 20     // steps of a walk that goes as far as it can
	passed      = 5000   // records that the search for a path goes through
	maxRows     = 20_000 // links that one step reads of each sort
)

// Follow says which links a walk goes along.
type Follow string

// The ways to follow links.
const (
	Any    Follow = ""       // all of them
	Breaks Follow = "breaks" // from a record to those that depend on it
	Needs  Follow = "needs"  // from a record to those that it depends on
)

// Query says what to put on a map.
//
// Kinds that everything refers to (organizations, types, statuses,
// manufacturers) and parts of other records (interfaces, sections) are hubs: a
// reference to one is no link, and one that is related or tagged is shown and not
// gone on from. Also names those that are to be like any other kind.
type Query struct {
	From    id.ID
	Hops    int      // 0 is as far as it goes
	Only    []string // kinds to show; empty is every kind
	Without []string // kinds not to show
	Also    []string // hubs to follow
	Follow  Follow
	Most    int // records, 0 is DefaultMost
}

// Node is a record on a map.
type Node struct {
	ID       id.ID
	Kind     string
	Variant  id.ID
	Name     string
	Org      id.ID
	OrgName  string // where the caller may see the organization
	Archived bool
	Hops     int   // from the first record
	Via      id.ID // the record from which it was found first; 0 for the first one

	fold string
}

// Edge is one link between two records of a map. From says it of To; of a
// relation that somebody made, From is the older record.
type Edge struct {
	From, To id.ID
	Relation id.ID  // 0 when nobody made it
	Reason   string // what To is to From: "Location"; empty for a relation that somebody made
	Back     string // what From is to To: "Location of"
	Notes    string // of a relation that somebody made
	Needed   id.ID  // the one of the two without which the other fails; 0 for none
}

// Map is what a walk found.
type Map struct {
	Nodes []*Node // the first record, then those one hop away, and so on; in a hop by kind and name
	Edges []*Edge // all between two of the nodes
	Cut   bool    // there is more than is shown
}

// Explorer makes maps. Fill Relations; it then is safe for concurrent use.
type Explorer struct{ Relations *relation.Relations }

// Other is the end of a link that is not one.
func (e *Edge) Other(one id.ID) id.ID {
	if e.From == one {
		return e.To
	}
	return e.From
}

// Depends says which end depends on the other, as seen from one.
func (e *Edge) Depends(one id.ID) record.Dependence {
	switch e.Needed {
	case 0:
		return record.Independent
	case one:
		return record.UsedBy
	}
	return record.DependsOn
}

// Words say what one end is to the other, whose name is given: "Location: Quay",
// "Location of SRV01", "depends on HOST1: virtual machine".
func (e *Edge) Words(one id.ID, other string) string {
	switch {
	case e.Relation == 0 && one == e.From:
		return e.Reason + ": " + other
	case e.Relation == 0 && strings.HasSuffix(e.Back, " of"):
		return e.Back + " " + other
	case e.Relation == 0:
		return e.Back + ": " + other
	}
	said := cmp.Or(string(e.Depends(one)), "related to") + " " + other
	if e.Notes != "" {
		said += ": " + e.Notes
	}
	return said
}

// Map gives what is around a record: the records up to some hops away and all
// links between them. Fault kinds: NotFound for a record that is not there,
// Invalid for a query that names no kind.
func (x *Explorer) Map(tx *gate.Tx, q Query) (*Map, error) {
	w, err := x.start(tx, q)
	if err != nil {
		return nil, err
	}
	hops := w.q.Hops
	if hops <= 0 || hops > MaxHops {
		hops = MaxHops
	}
	front := []*Node{w.nodes[0]}
	for hop := 1; hop <= hops && len(front) > 0; hop++ {
		if front, err = w.step(front, hop); err != nil {
			return nil, err
		}
	}
	if len(front) > 0 && w.q.Hops != hops {
		w.cut = true // it may go on
	}
	return w.finish()
}

// Path gives the shortest way between two records: the records on it in their
// order, and the links between each and the next. It has no nodes when there is
// none; with Cut, when none was found among the first few thousand records.
// Fault kinds: as Map.
func (x *Explorer) Path(tx *gate.Tx, q Query, to id.ID) (*Map, error) {
	q.Hops, q.Most = 0, passed
	w, err := x.start(tx, q)
	if err != nil {
		return nil, err
	}
	goal, err := w.node(to)
	if err != nil {
		return nil, err
	}
	w.goal, w.goalKind = to, goal.Kind
	front := []*Node{w.nodes[0]}
	for hop := 1; w.known[to] == nil && len(front) > 0; hop++ {
		if hop > MaxHops {
			w.cut = true
			break
		}
		if front, err = w.step(front, hop); err != nil {
			return nil, err
		}
	}
	if w.known[to] == nil {
		return &Map{Cut: w.cut}, nil
	}
	w.keepPath()
	return w.finish()
}

// walk is one walk.
type walk struct {
	x     *Explorer
	tx    *gate.Tx
	q     Query
	goal  id.ID // of a search for a path
	also  map[string]bool
	nodes []*Node
	known map[id.ID]*Node
	edges map[Edge]bool
	asked map[id.ID]bool // nodes whose links were read
	order map[string]int // of kinds

	goalKind string
	cut      bool
	closing  bool // links lead to records of the map only
}

func (x *Explorer) start(tx *gate.Tx, q Query) (*walk, error) {
	if q.Most <= 0 {
		q.Most = DefaultMost
	}
	w := &walk{x: x, tx: tx, q: q, also: map[string]bool{}, known: map[id.ID]*Node{}, edges: map[Edge]bool{}, asked: map[id.ID]bool{}, order: map[string]int{}}
	for i, k := range x.kinds().Kinds() {
		w.order[k.Name] = i
	}
	for _, k := range slices.Concat(q.Only, q.Without, q.Also) {
		if x.kinds().Kind(k) == nil {
			return nil, fault.New(fault.Invalid, "There is no kind %q.", k)
		}
	}
	if q.Follow != Any && q.Follow != Breaks && q.Follow != Needs {
		return nil, fault.New(fault.Invalid, "A map follows \"breaks\", \"needs\" or everything.")
	}
	for _, k := range q.Also {
		w.also[k] = true
	}
	n, err := w.node(q.From)
	if err != nil {
		return nil, err
	}
	w.nodes, w.known[n.ID] = []*Node{n}, n
	return w, nil
}

func (x *Explorer) kinds() *record.Registry { return x.Relations.Records.Kinds }

// node reads one record that the caller must be allowed to see.
func (w *walk) node(rec id.ID) (*Node, error) {
	if _, err := w.tx.Allow(access.View, gate.Thing{ID: rec}); err != nil {
		return nil, err
	}
	n := &Node{ID: rec}
	var variant, org int64
	err := w.tx.QueryRow(`select r.kind, r.variant_id, r.name, r.name_fold, r.org_id, r.archived from record r where r.id = ?`, int64(rec)).
		Scan(&n.Kind, &variant, &n.Name, &n.fold, &org, &n.Archived)
	n.Variant, n.Org = id.ID(variant), id.ID(org)
	return n, err
}

// counts tells whether records of a kind are gone on from.
func (w *walk) counts(kind string) bool {
	k := w.x.kinds().Kind(kind)
	return k != nil && (k.Scope == record.OfOrganization || w.also[kind])
}

// shown tells whether the query wants records of a kind.
func (w *walk) shown(kind string) bool {
	return (len(w.q.Only) == 0 || slices.Contains(w.q.Only, kind)) && !slices.Contains(w.q.Without, kind)
}

// goesOn tells whether a record's references are links.
func (w *walk) goesOn(n *Node) bool { return w.counts(n.Kind) || w.end(n.ID) }

// end tells whether a record is one that the walk was asked for by its id.
func (w *walk) end(rec id.ID) bool { return rec == w.q.From || rec == w.goal }

// step goes on from some records by one hop and gives the new ones.
func (w *walk) step(front []*Node, hop int) ([]*Node, error) {
	front = slices.DeleteFunc(slices.Clone(front), func(n *Node) bool { return !w.goesOn(n) })
	if len(front) == 0 {
		return nil, nil
	}
	links, err := w.links(front)
	if err != nil {
		return nil, err
	}
	place := map[id.ID]int{}
	for i, n := range front {
		place[n.ID], w.asked[n.ID] = i, true
	}
	found := map[id.ID]*Node{}
	var next []*Node
	for _, l := range links {
		n := l.far
		w.edges[l.Edge] = true
		old := found[n.ID]
		switch {
		case w.known[n.ID] != nil:
		case old == nil:
			n.Hops, n.Via = hop, l.near
			found[n.ID] = n
			next = append(next, n)
		case place[l.near] < place[old.Via]:
			old.Via = l.near
		}
	}
	slices.SortFunc(next, w.compare)
	if room := w.q.Most - len(w.nodes); len(next) > room {
		next, w.cut = next[:max(room, 0)], true
	}
	for _, n := range next {
		w.known[n.ID] = n
	}
	w.nodes = append(w.nodes, next...)
	return next, nil
}

func (w *walk) compare(a, b *Node) int {
	return cmp.Or(cmp.Compare(w.order[a.Kind], w.order[b.Kind]), cmp.Compare(a.fold, b.fold), cmp.Compare(a.ID, b.ID))
}

// finish reads the links between the records of the last hop and the names of
// organizations, and puts everything in order.
func (w *walk) finish() (*Map, error) {
	var rest []*Node
	for _, n := range w.nodes {
		if !w.asked[n.ID] {
			rest = append(rest, n)
		}
	}
	if len(rest) > 0 {
		w.closing = true
		links, err := w.links(rest)
		if err != nil {
			return nil, err
		}
		for _, l := range links {
			w.edges[l.Edge] = true
		}
	}
	m := &Map{Nodes: w.nodes, Cut: w.cut}
	for e := range w.edges {
		if w.known[e.From] != nil && w.known[e.To] != nil {
			m.Edges = append(m.Edges, &e)
		}
	}
	slices.SortFunc(m.Edges, func(a, b *Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Relation, b.Relation), cmp.Compare(a.Reason, b.Reason))
	})
	var orgs []id.ID
	for _, n := range m.Nodes {
		if n.Org != 0 && !slices.Contains(orgs, n.Org) {
			orgs = append(orgs, n.Org)
		}
	}
	names, err := w.x.Relations.Records.Names(w.tx, orgs...)
	for _, n := range m.Nodes {
		n.OrgName = names[n.Org]
	}
	return m, err
}

// keepPath leaves of the nodes those on the way to the goal, and of the links
// those between each and the next.
func (w *walk) keepPath() {
	var way []*Node
	for n := w.known[w.goal]; n != nil; n = w.known[n.Via] {
		way = append(way, n)
	}
	slices.Reverse(way)
	w.nodes, w.known, w.cut = way, map[id.ID]*Node{}, false
	for _, n := range way {
		w.known[n.ID] = n
	}
	for e := range w.edges {
		a, b := w.known[e.From], w.known[e.To]
		if a == nil || b == nil || a.Via != b.ID && b.Via != a.ID {
			delete(w.edges, e)
		}
	}
	for _, n := range way {
		w.asked[n.ID] = true
	}
}
