package featurestest_test

import (
	"slices"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/desk"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/problem"
)

// TestKnownErrors: a ticket leads to the open problems of its configuration, and then of its
// category, that somebody can help with; to who may see them.
func TestKnownErrors(t *testing.T) {
	b := openBench(t)
	s := relations(b.house)
	software, hardware := b.one("category", "Software"), b.one("category", "Hardware")
	host := b.Make("configuration", b.org, record.Values{"name": "HOST", "configuration_type_id": b.one("configuration_type", "Server")})
	relate := func(a, c id.ID) {
		b.Change(func(tx *gate.Tx) error { _, err := s.Add(tx, a, c, ""); return err })
	}
	known := func(name string, category id.ID, v record.Values) id.ID {
		w := record.Values{"name": name, "category_id": category, "workaround": "<p>Restart it</p>"}
		for k, x := range v {
			w[k] = x
		}
		return b.Make(problem.Kind, b.org, w)
	}
	known("Same category", software, nil)
	known("Another category", hardware, nil)
	known("No help yet", software, record.Values{"workaround": nil})
	cause := known("Same device", hardware, record.Values{"workaround": nil, "root_cause": "<p>A fan</p>"})
	relate(cause, host)
	over := known("Over", software, nil)
	b.Change(func(tx *gate.Tx) error {
		_, err := b.Records.Update(tx, problem.Kind, over, 0, record.Values{"status": problem.Canceled})
		return err
	})
	closed := known("Not for everybody", software, nil)
	b.Change(func(tx *gate.Tx) error {
		return b.Records.SetAccess(tx, problem.Kind, closed, true, nil, nil)
	})
	r := b.mustMake(incident.Kind, record.Values{"category_id": software, "team_id": b.one("team", "Service desk")})
	relate(host, r.ID)
	shown := func(who *access.Caller) string {
		var names []string
		b.View(who, func(tx *gate.Tx) error {
			list, err := desk.Known(tx, r, 5)
			for _, h := range list {
				names = append(names, h.Name)
			}
			return err
		})
		if len(names) > 1 {
			slices.Sort(names[1:])
		}
		return strings.Join(names, ", ")
	}
	if got := shown(b.agent); got != "Same device, Same category" {
		t.Errorf("it leads to %s", got)
	}
	if got := shown(b.Admin()); got != "Same device, Not for everybody, Same category" {
		t.Errorf("it leads an administrator to %s", got)
	}
	b.Change(func(tx *gate.Tx) error {
		return b.Records.SetAccess(tx, "configuration", host, true, nil, nil)
	})
	if got := shown(b.agent); got != "Same category" {
		t.Errorf("by a configuration that she does not see it leads to %s", got)
	}
}
