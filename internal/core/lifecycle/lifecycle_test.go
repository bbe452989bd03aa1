package lifecycle_test

import (
	"slices"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
)

// repairs are a kind with every rule that a lifecycle can have.
func repairs() (*record.Kind, *lifecycle.Lifecycle) {
	l := &lifecycle.Lifecycle{Field: "status", States: []lifecycle.State{
		{Name: "Logged", Begins: true, To: []string{"Active", "Closed"}},
		{Name: "Active", Begins: true, To: []string{"Waiting", "Resolved"}, Requires: []string{"owner"}},
		{Name: "Waiting", To: []string{"Active", "Resolved"}, Requires: []string{"owner"}},
		{Name: "Resolved", To: []string{"Active", "Closed"}, Requires: []string{"owner", "cause"}, Opens: []string{"cause"}},
		{Name: "Closed", Opens: []string{"cause"}, Frozen: true, Except: []string{"problem"}},
	}}
	k := &record.Kind{Name: "repair", Plural: "repairs", Label: "Repair", Labels: "Repairs", Fields: []record.Field{
		{Name: "name", Type: record.Text}, {Name: "status", Type: record.Choice, Choices: l.Names()},
		{Name: "owner", Type: record.Text}, {Name: "cause", Type: record.Text}, {Name: "problem", Type: record.Text},
	}}
	return k, l
}

// in is a record in a state, with what the state demands.
func in(k *record.Kind, l *lifecycle.Lifecycle, state string) *record.Record {
	r := &record.Record{Kind: k, Name: "Printer", Org: 7, Values: record.Values{l.Field: state}}
	if s := l.State(state); s != nil {
		for _, f := range s.Requires {
			r.Values[f] = "set"
		}
	}
	return r
}

// TestD16EveryMove tries each pair of states of the declaration.
func TestD16EveryMove(t *testing.T) {
	k, l := repairs()
	if err := l.Fits(k); err != nil {
		t.Fatal(err)
	}
	for _, from := range l.States {
		if err := l.Check(in(k, l, from.Name), nil); (err == nil) != from.Begins {
			t.Errorf("begins as %s: %v", from.Name, err)
		}
		for _, to := range l.States {
			old, now := in(k, l, from.Name), in(k, l, to.Name)
			for name, v := range old.Values { // what was known stays
				if now.Values[name] == nil {
					now.Values[name] = v
				}
			}
			if old.Values["cause"] == nil && to.Name == "Closed" {
				delete(now.Values, "cause")
			}
			allowed := from.Name == to.Name || slices.Contains(from.To, to.Name)
			if err := l.Check(now, old); (err == nil) != allowed || err != nil && !fault.Is(err, fault.Invalid) {
				t.Errorf("from %s to %s: %v, declared %v", from.Name, to.Name, err, allowed)
			}
		}
	}
}

func TestFieldsByState(t *testing.T) {
	k, l := repairs()
	for _, c := range []struct {
		name, state string
		change      func(*record.Record)
		wrong       string // the field that is refused, or none
	}{
		{"D3 a closed one stays as it is", "Closed", func(r *record.Record) { r.Values["owner"] = "Ines" }, "owner"},
		{"D3 its name too", "Closed", func(r *record.Record) { r.Name = "Scanner" }, "name"},
		{"D3 its organization too", "Closed", func(r *record.Record) { r.Org = 8 }, "organization_id"},
		{"D3 but for listed fields", "Closed", func(r *record.Record) { r.Values["problem"] = "PRB-1" }, ""},
		{"D11 a state that is none", "Active", func(r *record.Record) { r.Values["status"] = "Asleep" }, "status"},
		{"a field that the state demands", "Active", func(r *record.Record) { delete(r.Values, "owner") }, "owner"},
		{"a field that the state does not open", "Active", func(r *record.Record) { r.Values["cause"] = "Dust" }, "cause"},
		{"a field that the state opens", "Resolved", func(r *record.Record) { r.Values["cause"] = "Dust" }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			old, now := in(k, l, c.state), in(k, l, c.state)
			c.change(now)
			err := l.Check(now, old)
			if c.wrong == "" && err != nil || c.wrong != "" && (!fault.Is(err, fault.Invalid) || fault.Say(err).Fields[c.wrong] == "") {
				t.Errorf("%v, want a refusal of %q", err, c.wrong)
			}
		})
	}
}

// TestFillsBeforeItRefuses holds that what a rule fills is not missing.
func TestFillsBeforeItRefuses(t *testing.T) {
	k, l := repairs()
	r := &record.Record{Kind: k, Name: "Printer", Values: record.Values{"status": "Active"}}
	if err := l.Rule(nil)(nil, r, nil); !fault.Is(err, fault.Invalid) {
		t.Errorf("without a rule that fills: %v", err)
	}
	fill := func(_ *gate.Tx, now, _ *record.Record) error {
		now.Values["owner"] = "Ines"
		return nil
	}
	if err := l.Rule(fill)(nil, r, nil); err != nil {
		t.Error(err)
	}
}

func TestFits(t *testing.T) {
	for name, spoil := range map[string]func(*lifecycle.Lifecycle){
		"another field":    func(l *lifecycle.Lifecycle) { l.Field = "owner" },
		"a move to itself": func(l *lifecycle.Lifecycle) { l.States[0].To = []string{"Logged"} },
		"a move nowhere":   func(l *lifecycle.Lifecycle) { l.States[0].To = []string{"Asleep"} },
		"an unknown field": func(l *lifecycle.Lifecycle) { l.States[0].Requires = []string{"colour"} },
		"no beginning":     func(l *lifecycle.Lifecycle) { l.States[0].Begins, l.States[1].Begins = false, false },
	} {
		k, l := repairs()
		spoil(l)
		if l.Fits(k) == nil {
			t.Errorf("%s fits", name)
		}
	}
}

// TestRightsFit: a right that gives nothing, or what is not declared, is no declaration.
func TestRightsFit(t *testing.T) {
	by := []lifecycle.Part{"its owner"}
	is := func(*gate.Tx, *record.Record, lifecycle.Part) (bool, error) { return false, nil }
	for name, c := range map[string]struct {
		right lifecycle.Right
		fits  bool
	}{
		"a move":            {lifecycle.Right{From: []string{"Active"}, To: []string{"Waiting"}, By: by}, true},
		"a field":           {lifecycle.Right{Fields: []string{"owner"}, In: []string{"Active"}, By: by}, true},
		"nobody":            {lifecycle.Right{From: []string{"Active"}, To: []string{"Waiting"}}, false},
		"no such move":      {lifecycle.Right{From: []string{"Logged"}, To: []string{"Waiting"}, By: by}, false},
		"no such state":     {lifecycle.Right{From: []string{"Asleep"}, To: []string{"Waiting"}, By: by}, false},
		"from nowhere":      {lifecycle.Right{To: []string{"Waiting"}, By: by}, false},
		"no such field":     {lifecycle.Right{Fields: []string{"colour"}, In: []string{"Active"}, By: by}, false},
		"fields at no time": {lifecycle.Right{Fields: []string{"owner"}, By: by}, false},
	} {
		k, l := repairs()
		l.Is, l.Rights = is, []lifecycle.Right{c.right}
		if err := l.Fits(k); (err == nil) != c.fits {
			t.Errorf("%s: %v", name, err)
		}
	}
	k, l := repairs()
	if l.Rights = []lifecycle.Right{{Fields: []string{"owner"}, In: []string{"Active"}, By: by}}; l.Fits(k) == nil {
		t.Error("rights of people of whom nobody can tell who they are fit")
	}
}
