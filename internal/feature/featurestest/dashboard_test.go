package featurestest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/report"
)

// TestDashboards keeps, shares, mails and removes dashboards, and compares each number of each
// tile of every kind with its list.
func TestDashboards(t *testing.T) {
	b := openBench(t)
	other, manager, customer := b.User(access.Editor), b.User(access.Manager), b.User(access.SelfService)
	count := report.Tile{Title: "How many", Ask: report.Ask{Kind: incident.Kind, Measure: report.Count}}
	as := func(c *access.Caller, fn func(tx *gate.Tx) error) error {
		return b.Gate.Change(t.Context(), c, access.View, gate.Thing{}, fn)
	}
	save := func(c *access.Caller, s *report.Board) error {
		return as(c, func(tx *gate.Tx) error { return report.SaveBoard(tx, b.Records, s) })
	}
	sees := func(c *access.Caller, n id.ID) error {
		return b.Gate.View(t.Context(), c, func(tx *gate.Tx) error {
			list, err := report.Boards(tx)
			if err != nil {
				return err
			}
			_, err = report.GetBoard(tx, n)
			if listed := slices.ContainsFunc(list, func(x *report.Board) bool { return x.ID == n }); listed != (err == nil) {
				t.Errorf("listed %t, got with %v", listed, err)
			}
			return err
		})
	}
	s := &report.Board{Name: " Mine  alone ", Days: 7, Tiles: []report.Tile{count}}
	if err := save(b.agent, s); err != nil || s.Name != "Mine alone" {
		t.Fatal(s.Name, err)
	}
	for _, c := range []*access.Caller{other, manager, b.Admin()} {
		want(t, sees(c, s.ID), fault.NotFound)
	}
	want(t, save(other, &report.Board{ID: s.ID, Name: "Mine now", Days: 7, Tiles: s.Tiles}), fault.NotFound)
	want(t, as(other, func(tx *gate.Tx) error { return report.RemoveBoard(tx, s.ID) }), fault.NotFound)
	s.With = []id.ID{other.User}
	if err := save(b.agent, s); err != nil {
		t.Fatal(err)
	}
	if err := sees(other, s.ID); err != nil {
		t.Error(err)
	}
	want(t, save(other, s), fault.NotFound) // seeing is not changing
	s.With, s.Roles = []id.ID{customer.User}, nil
	if err := save(b.agent, s); err != nil {
		t.Fatal(err)
	}
	want(t, sees(customer, s.ID), fault.NotFound) // customers see none
	want(t, sees(other, s.ID), fault.NotFound)    // it was taken back
	s.Roles = []access.Role{access.Editor}
	want(t, save(b.agent, s), fault.Denied)
	shared := &report.Board{Name: "Of editors", Days: 0, Tiles: []report.Tile{count}, Roles: []access.Role{access.Editor, access.Lite, access.Manager}}
	if err := save(manager, shared); err != nil {
		t.Fatal(err)
	}
	if err := sees(other, shared.ID); err != nil {
		t.Error(err)
	}
	want(t, sees(b.User(access.ReadOnly), shared.ID), fault.NotFound)
	for what, bad := range map[string]*report.Board{
		"no name": {Days: 7, Tiles: []report.Tile{count}}, "no tile": {Name: "x", Days: 7}, "no period": {Name: "x", Days: 8, Tiles: []report.Tile{count}},
		"too many":              {Name: "x", Days: 7, Tiles: slices.Repeat([]report.Tile{count}, report.MaxTiles+1)},
		"a report that is none": {Name: "x", Days: 7, Tiles: []report.Tile{{Standard: "nothing", Ask: report.Ask{Kind: incident.Kind}}}},
		"of users":              {Name: "x", Days: 7, Tiles: []report.Tile{{Title: "x", Ask: report.Ask{Kind: "user", Measure: report.Count}}}},
		"a role of customers":   {Name: "x", Days: 7, Tiles: []report.Tile{count}, Roles: []access.Role{access.SelfService}},
		"with an organization":  {Name: "x", Days: 7, Tiles: []report.Tile{count}, With: []id.ID{b.org}},
	} {
		if err := save(manager, bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	b.mails(t, shared.ID, "/dashboards/", b.User(access.Manager))
	b.tiles(t)
	if err := as(manager, func(tx *gate.Tx) error { return report.RemoveBoard(tx, shared.ID) }); err != nil {
		t.Fatal(err)
	}
	want(t, sees(manager, shared.ID), fault.NotFound)
}

// tiles compares dashboards of every built-in report of every kind, and of questions, with
// their lists, for who sees all, and who sees little.
func (b *bench) tiles(t *testing.T) {
	t.Helper()
	second := b.lived(rand.New(rand.NewPCG(3, 5)), 16)
	narrow := b.User(access.Editor, second)
	tiles := []report.Tile{{Title: "A view", Ask: report.Ask{Kind: incident.Kind, Query: "urgency=High&sort=oldest", Measure: report.Count}},
		{Title: "A report", Ask: report.Ask{Kind: incident.Kind, Group: "urgency", Measure: report.Count}}}
	for _, k := range report.Kinds(b.Records.Kinds) {
		for _, x := range report.Standard(k, 0, 0, "") {
			tiles = append(tiles, report.Tile{Standard: x.Name, Ask: report.Ask{Kind: k.Name}})
		}
	}
	for _, c := range []*access.Caller{b.Admin(), narrow} {
		b.View(c, func(tx *gate.Tx) error {
			board := &report.Board{Days: 30, Tiles: tiles}
			parts, err := board.Answered(tx, b.Records)
			for i, p := range parts {
				if p.Answer == nil {
					t.Errorf("tile %d, %s: %s", i, p.Title, p.Wrong)
					continue
				}
				b.equal(tx, fmt.Sprintf("tile %d, %s", i, p.Title), p.Answer)
			}
			if len(parts) != len(tiles) || parts[0].Title != "A view" || parts[1].Title != "A report" {
				t.Errorf("the order is lost: %d of %d", len(parts), len(tiles))
			}
			return err
		})
	}
}
