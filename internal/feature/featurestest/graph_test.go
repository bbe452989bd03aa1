package featurestest_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/relation"
	"strongroom/internal/feature/relation/graph"
)

// tie is a link of the world as the test knows it.
type tie struct {
	from, to id.ID
	ref      bool // follows from a reference field
	needed   id.ID
}

// world is a tenant whose records and links the test knows besides.
type world struct {
	*house
	t       *testing.T
	orgs    []id.ID
	kinds   map[id.ID]string
	org     map[id.ID]id.ID
	closed  map[id.ID]bool // restricted: administrators only
	gone    map[id.ID]bool // in the trash
	ties    []tie
	random  *rand.Rand
	related *relation.Relations
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{house: open(t, true), t: t, kinds: map[id.ID]string{}, org: map[id.ID]id.ID{}, closed: map[id.ID]bool{}, gone: map[id.ID]bool{}, random: rand.New(rand.NewPCG(seed, 1))}
	w.related = relations(w.house)
	w.orgs = []id.ID{w.Org("Harbour"), w.Org("Kestrel")}
	for _, o := range w.orgs {
		w.kinds[o], w.org[o] = "organization", o
	}
	typ, traits := w.design("Application",
		record.Values{"name": "Name", "kind": "Text", "use_for_title": true, "required": true},
		record.Values{"name": "Runs on", "kind": "Tag", "tag_type": "Configurations", "dependence": "depends on"},
		record.Values{"name": "Serves", "kind": "Tag", "dependence": "used by"},
		record.Values{"name": "See", "kind": "Tag"})
	server := w.one("configuration_type", "Server")
	makers := []id.ID{w.add("manufacturer", 0, record.Values{"name": "Acme"}), w.add("manufacturer", 0, record.Values{"name": "Bolt"})}
	for n := range 30 {
		org := w.orgs[w.random.IntN(2)]
		name := fmt.Sprint("N", n)
		switch w.random.IntN(6) {
		case 0:
			w.add("location", org, record.Values{"name": name})
		case 1:
			v := record.Values{"first_name": name}
			w.add("contact", org, v, w.refer(v, "location_id", "location", org, ""))
		case 2:
			v := record.Values{"name": name, "configuration_type_id": server}
			place := w.refer(v, "location_id", "location", org, record.DependsOn)
			who := w.refer(v, "contact_id", "contact", org, "")
			maker := makers[w.random.IntN(2)]
			v["manufacturer_id"] = maker
			w.add("configuration", org, v, place, who, tie{to: maker, ref: true})
		case 3:
			w.add("document", org, record.Values{"name": name})
		case 4:
			v := record.Values{"name": name}
			in := tie{}
			if c := w.some("configuration", org); c != 0 {
				v["resource_type"], v["resource_id"] = "Configuration", int64(c)
				in = tie{to: c, ref: true}
			}
			w.add("password", org, v, in)
		case 5:
			v := record.Values{"flexible_asset_type_id": typ, traits["name"]: name}
			var ties []tie
			for key, d := range map[string]record.Dependence{"runs-on": record.DependsOn, "serves": record.UsedBy, "see": ""} {
				kind := map[string]string{"runs-on": "configuration"}[key]
				if to := w.some(kind, org); to != 0 && w.kinds[to] != "organization" {
					v[traits[key]] = []id.ID{to}
					ties = append(ties, needing(tie{to: to}, d))
				}
			}
			w.add("flexible_asset", org, v, ties...)
		}
	}
	all := slices.Sorted(maps.Keys(w.kinds))
	pairs := map[[2]id.ID]bool{}
	w.Change(func(tx *gate.Tx) error {
		for range 22 {
			a, b := all[w.random.IntN(len(all))], all[w.random.IntN(len(all))]
			if a == b || pairs[[2]id.ID{min(a, b), max(a, b)}] {
				continue
			}
			pairs[[2]id.ID{min(a, b), max(a, b)}] = true
			it, err := w.related.Add(tx, a, b, "")
			if err != nil {
				return err
			}
			d := []record.Dependence{"", record.DependsOn, record.UsedBy}[w.random.IntN(3)]
			if _, err := w.related.SetDepends(tx, a, it.ID, d); err != nil {
				return err
			}
			t := needing(tie{from: a, to: b}, d)
			w.ties = append(w.ties, t)
		}
		return nil
	})
	w.hide(all)
	return w
}

// needing says of a tie which of its ends is needed.
func needing(t tie, d record.Dependence) tie {
	switch d {
	case record.DependsOn:
		t.needed = t.to
	case record.UsedBy:
		t.needed = t.from
		if t.from == 0 {
			t.needed = -1 // of who refers, once it is made
		}
	}
	return t
}

func (w *world) hide(all []id.ID) {
	w.Change(func(tx *gate.Tx) error {
		for _, r := range all {
			k := w.kinds[r]
			if w.Records.Kinds.Kind(k).Scope != record.OfOrganization {
				continue
			}
			switch w.random.IntN(8) {
			case 0:
				w.closed[r] = true
				if err := w.Records.SetAccess(tx, k, r, true, nil, nil); err != nil {
					return err
				}
			case 1:
				w.gone[r] = true
				if err := w.Records.Trash(tx, k, r); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (w *world) add(kind string, org id.ID, v record.Values, ties ...tie) id.ID {
	r := w.Make(kind, org, v)
	w.kinds[r], w.org[r] = kind, org
	for _, t := range ties {
		if t.to == 0 {
			continue
		}
		t.from = r
		if t.needed == -1 {
			t.needed = r
		}
		w.ties = append(w.ties, t)
	}
	return r
}

// some gives any record of a kind and organization made so far; 0 for none.
func (w *world) some(kind string, org id.ID) id.ID {
	var list []id.ID
	for r, k := range w.kinds {
		if (kind == "" || k == kind) && (org == 0 || w.org[r] == org) {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[w.random.IntN(len(list))]
}

func (w *world) refer(v record.Values, field, kind string, org id.ID, d record.Dependence) tie {
	to := w.some(kind, org)
	if to == 0 {
		return tie{}
	}
	v[field] = to
	return needing(tie{to: to, ref: true}, d)
}

// sees tells what a caller may see.
func (w *world) sees(c *access.Caller, r id.ID) bool {
	if w.gone[r] {
		return false
	}
	if len(c.Scope.Orgs) > 0 && w.org[r] != 0 && !slices.Contains(c.Scope.Orgs, w.org[r]) {
		return false
	}
	return c.Role == access.Administrator || !w.closed[r] && (w.org[r] == 0 || w.org[r] == w.orgs[0])
}

func (w *world) counts(q graph.Query, goal, r id.ID) bool {
	return r == q.From || r == goal || slices.Contains(q.Also, w.kinds[r]) || w.Records.Kinds.Kind(w.kinds[r]).Scope == record.OfOrganization
}

// naive is the map of a query worked out the slow way: the hops of each record
// and the links between them.
func (w *world) naive(c *access.Caller, q graph.Query, goal id.ID) (map[id.ID]int, []string) {
	var ties []tie
	shown := func(r id.ID) bool {
		return w.sees(c, r) && (r == q.From || r == goal || (len(q.Only) == 0 || slices.Contains(q.Only, w.kinds[r])) && !slices.Contains(q.Without, w.kinds[r]))
	}
	candidates := w.ties
	if slices.Contains(q.Also, "organization") {
		for r, o := range w.org {
			if o != 0 && o != r {
				candidates = append(slices.Clip(candidates), tie{from: r, to: o, ref: true})
			}
		}
	}
	for _, t := range candidates {
		if shown(t.from) && shown(t.to) && (!t.ref || w.counts(q, goal, t.from) && w.counts(q, goal, t.to)) && (q.Follow == graph.Any || t.needed != 0) {
			ties = append(ties, t)
		}
	}
	hops := map[id.ID]int{q.From: 0}
	for n, grown := 1, true; grown && (q.Hops == 0 || n <= q.Hops); n++ {
		grown = false
		for _, t := range ties {
			for _, way := range [][2]id.ID{{t.from, t.to}, {t.to, t.from}} {
				near, far := way[0], way[1]
				at, known := hops[near]
				if _, have := hops[far]; have || !known || at != n-1 || !w.counts(q, goal, near) {
					continue
				}
				if q.Follow == graph.Breaks && t.needed != near || q.Follow == graph.Needs && t.needed != far {
					continue
				}
				hops[far], grown = n, true
			}
		}
	}
	var edges []string
	for _, t := range ties {
		_, a := hops[t.from]
		_, b := hops[t.to]
		if a && b {
			edges = append(edges, fmt.Sprint(min(t.from, t.to), "-", max(t.from, t.to), "/", t.needed))
		}
	}
	slices.Sort(edges)
	return hops, edges
}

func relations(h *house) *relation.Relations {
	return &relation.Relations{Records: h.Records, Sources: []relation.Source{{Kind: "password", Field: "resource_id", Reason: "Embedded password", Back: "Belongs to"}}}
}

func (w *world) callers() map[string]*access.Caller {
	narrow := *w.Admin()
	narrow.Scope.Orgs = []id.ID{w.orgs[1]}
	return map[string]*access.Caller{"administrator": w.Admin(), "editor": w.User(access.Editor, w.orgs[0]), "narrowed": &narrow}
}

// TestMapsAreWhatANaiveWalkFinds: whoever asks, however far, whatever is followed,
// a map holds what a walk over all links finds, and a path is as short as any.
func TestMapsAreWhatANaiveWalkFinds(t *testing.T) {
	for seed := range uint64(3) {
		w := newWorld(t, seed)
		x := &graph.Explorer{Relations: w.related}
		callers := w.callers()
		names := slices.Sorted(maps.Keys(callers))
		all := slices.Sorted(maps.Keys(w.kinds))
		some := []string{"configuration", "password", "location", "document", "flexible_asset", "contact"}
		rapid.Check(t, func(t *rapid.T) {
			c := callers[rapid.SampledFrom(names).Draw(t, "caller")]
			q := graph.Query{From: rapid.SampledFrom(all).Draw(t, "from"), Hops: rapid.IntRange(0, 4).Draw(t, "hops"),
				Follow: rapid.SampledFrom([]graph.Follow{graph.Any, graph.Breaks, graph.Needs}).Draw(t, "follow"),
				Also:   rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"manufacturer", "organization"}), 0, 2, rapid.ID).Draw(t, "also")}
			switch rapid.IntRange(0, 2).Draw(t, "filter") {
			case 1:
				q.Only = rapid.SliceOfNDistinct(rapid.SampledFrom(some), 1, 4, rapid.ID).Draw(t, "only")
			case 2:
				q.Without = rapid.SliceOfNDistinct(rapid.SampledFrom(some), 1, 3, rapid.ID).Draw(t, "without")
			}
			to := rapid.SampledFrom(all).Draw(t, "to")
			w.compare(t, x, c, q)
			w.comparePath(t, x, c, q, to)
		})
	}
}

func (w *world) compare(t *rapid.T, x *graph.Explorer, c *access.Caller, q graph.Query) {
	var m *graph.Map
	err := w.Gate.View(w.t.Context(), c, func(tx *gate.Tx) (err error) { m, err = x.Map(tx, q); return err })
	if !w.sees(c, q.From) {
		if !fault.Is(err, fault.NotFound) {
			t.Fatalf("the map of what is hidden: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	hops, edges := w.naive(c, q, 0)
	if len(m.Nodes) != len(hops) || m.Cut {
		t.Fatalf("%d records, cut %v, want %d: %v", len(m.Nodes), m.Cut, len(hops), hops)
	}
	for i, n := range m.Nodes {
		if want, ok := hops[n.ID]; !ok || want != n.Hops {
			t.Fatalf("%s %s is %d hops away, want %d %v", n.Kind, n.ID, n.Hops, want, ok)
		}
		if i > 0 && (m.Nodes[i-1].Hops > n.Hops || hops[n.Via] != n.Hops-1) {
			t.Fatalf("%s %s by way of %s is out of order", n.Kind, n.ID, n.Via)
		}
	}
	var got []string
	for _, e := range m.Edges {
		got = append(got, fmt.Sprint(min(e.From, e.To), "-", max(e.From, e.To), "/", e.Needed))
	}
	slices.Sort(got)
	if !slices.Equal(got, edges) {
		t.Fatalf("the links are %v, want %v", got, edges)
	}
}

func (w *world) comparePath(t *rapid.T, x *graph.Explorer, c *access.Caller, q graph.Query, to id.ID) {
	var m *graph.Map
	err := w.Gate.View(w.t.Context(), c, func(tx *gate.Tx) (err error) { m, err = x.Path(tx, q, to); return err })
	if !w.sees(c, q.From) || !w.sees(c, to) {
		if !fault.Is(err, fault.NotFound) {
			t.Fatalf("a path to what is hidden: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	q.Hops = 0
	hops, _ := w.naive(c, q, to)
	want, ok := hops[to]
	if !ok {
		if len(m.Nodes) != 0 || m.Cut {
			t.Fatalf("a path of %d where there is none", len(m.Nodes))
		}
		return
	}
	if len(m.Nodes) != want+1 || m.Nodes[0].ID != q.From || m.Nodes[want].ID != to {
		t.Fatalf("a path of %d, want one of %d", len(m.Nodes), want+1)
	}
	for i, n := range m.Nodes[1:] {
		if !slices.ContainsFunc(m.Edges, func(e *graph.Edge) bool { return e.Other(n.ID) == m.Nodes[i].ID && (e.From == n.ID || e.To == n.ID) }) {
			t.Fatalf("nothing leads to %s", n.ID)
		}
	}
}

// chain relates records one to the next.
func (w *world) chain(list ...id.ID) {
	w.Change(func(tx *gate.Tx) error {
		for i := range list[1:] {
			if _, err := w.related.Add(tx, list[i], list[i+1], ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestHiddenIsNotPassedThrough: what is behind a hidden record is out of reach.
func TestHiddenIsNotPassedThrough(t *testing.T) {
	w := newWorld(t, 9)
	org := w.orgs[0]
	a := w.Make("document", org, record.Values{"name": "A"})
	b := w.Make("document", org, record.Values{"name": "secret plan", "restricted": true})
	c := w.Make("document", org, record.Values{"name": "C"})
	w.chain(a, b, c)
	x := &graph.Explorer{Relations: w.related}
	for who, want := range map[string]string{"administrator": "A secret plan C", "editor": "A"} {
		caller := w.callers()[who]
		w.View(caller, func(tx *gate.Tx) error {
			m, err := x.Map(tx, graph.Query{From: a})
			if got := names(m); got != want {
				t.Errorf("%s sees %q, want %q", who, got, want)
			}
			if err != nil {
				return err
			}
			p, err := x.Path(tx, graph.Query{From: a}, c)
			if got := names(p); who == "editor" && got != "" || who != "editor" && got != want {
				t.Errorf("%s finds the path %q", who, got)
			}
			return err
		})
	}
}

func names(m *graph.Map) string {
	var out []string
	for _, n := range m.Nodes {
		out = append(out, n.Name)
	}
	return strings.Join(out, " ")
}

// TestAMapIsBounded, and says so; and it takes as many statements with many
// records as with few.
func TestAMapIsBounded(t *testing.T) {
	h := open(t, true)
	org := h.Org("Harbour")
	x := &graph.Explorer{Relations: relations(h)}
	server := h.one("configuration_type", "Server")
	grow := func(place id.ID, n int) {
		for i := range n {
			c := h.Make("configuration", org, record.Values{"name": fmt.Sprintf("SRV%03d", i), "configuration_type_id": server, "location_id": place})
			h.Make("password", org, record.Values{"name": fmt.Sprint("root ", i), "resource_type": "Configuration", "resource_id": int64(c)})
		}
	}
	few, many := h.Make("location", org, record.Values{"name": "Pier"}), h.Make("location", org, record.Values{"name": "Quay"})
	grow(few, 2)
	grow(many, 30)
	count := func(q graph.Query) (m *graph.Map, statements int64) {
		before := h.Tenant().DB.Statements()
		h.View(h.Admin(), func(tx *gate.Tx) (err error) { m, err = x.Map(tx, q); return err })
		return m, h.Tenant().DB.Statements() - before
	}
	small, a := count(graph.Query{From: few, Hops: 2})
	big, b := count(graph.Query{From: many, Hops: 2})
	if len(small.Nodes) != 5 || len(big.Nodes) != 61 || big.Cut {
		t.Errorf("%d and %d records, cut %v", len(small.Nodes), len(big.Nodes), big.Cut)
	}
	if a != b || b > 15 {
		t.Errorf("%d statements for few and %d for many", a, b)
	}
	m, _ := count(graph.Query{From: many, Hops: 2, Most: 10})
	if len(m.Nodes) != 10 || !m.Cut || m.Nodes[1].Name != "SRV000" || m.Nodes[9].Name != "SRV008" {
		t.Errorf("%d records, cut %v: %s", len(m.Nodes), m.Cut, names(m))
	}
	m, _ = count(graph.Query{From: many, Hops: 1, Most: 31})
	if len(m.Nodes) != 31 || m.Cut {
		t.Errorf("%d records, cut %v, where all have room", len(m.Nodes), m.Cut)
	}
}

// TestWhatBreaks: a failure goes on to what depends on what fails, and no
// further.
func TestWhatBreaks(t *testing.T) {
	h := open(t, true)
	org := h.Org("Harbour")
	s := relations(h)
	x := &graph.Explorer{Relations: s}
	place := h.Make("location", org, record.Values{"name": "Quay"})
	server := func(name string, v record.Values) id.ID {
		v["name"], v["configuration_type_id"] = name, h.one("configuration_type", "Server")
		return h.Make("configuration", org, v)
	}
	host := server("HOST", record.Values{"location_id": place})
	guest := server("GUEST", record.Values{})
	doc := h.Make("document", org, record.Values{"name": "Runbook"})
	typ, traits := h.design("Application", record.Values{"name": "Name", "kind": "Text", "use_for_title": true}, record.Values{"name": "Runs on", "kind": "Tag", "dependence": "depends on"},
		record.Values{"name": "Described in", "kind": "Tag"})
	h.Make("flexible_asset", org, record.Values{"flexible_asset_type_id": typ, traits["name"]: "Payroll", traits["runs-on"]: []id.ID{guest}, traits["described-in"]: []id.ID{doc}})
	h.Change(func(tx *gate.Tx) error {
		it, err := s.Add(tx, guest, host, "virtual machine")
		if err == nil {
			it, err = s.SetDepends(tx, guest, it.ID, record.DependsOn)
		}
		if err == nil && it.Depends != record.DependsOn {
			t.Errorf("the guest %s the host", it.Depends)
		}
		if err == nil {
			it, err = s.Get(tx, host, it.ID)
		}
		if err == nil && it.Depends != record.UsedBy {
			t.Errorf("the host is %q by the guest", it.Depends)
		}
		return err
	})
	for _, l := range []struct {
		of     id.ID
		follow graph.Follow
		want   string
	}{
		{place, graph.Breaks, "Quay HOST GUEST Payroll"},
		{guest, graph.Breaks, "GUEST Payroll"},
		{doc, graph.Breaks, "Runbook"},
		{guest, graph.Needs, "GUEST HOST Quay"},
		{place, graph.Needs, "Quay"},
	} {
		h.View(h.Admin(), func(tx *gate.Tx) error {
			m, err := x.Map(tx, graph.Query{From: l.of, Follow: l.follow})
			if err == nil && names(m) != l.want {
				t.Errorf("%s of %s: %q, want %q", cmp.Or(l.follow, "all"), l.of, names(m), l.want)
			}
			return err
		})
	}
	err := h.Gate.Change(t.Context(), h.Admin(), access.Edit, gate.Thing{ID: guest}, func(tx *gate.Tx) error {
		it, err := s.Add(tx, guest, host, "")
		if err == nil {
			_, err = s.SetDepends(tx, guest, it.ID, "eats")
		}
		return err
	})
	invalid(t, err, "dependence")
}
